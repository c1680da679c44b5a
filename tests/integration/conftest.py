# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures: what a test starts through them is stopped when it ends, however it ends."""
import acme_server
import lab
import pytest


def pytest_report_header():
    return f"renewd of {lab.BUILD}, Pebble {', '.join(lab.pebble_versions()) or 'missing'}"


class Lab:
    """Starts parts of the lab in the test's own directory."""

    def __init__(self, path):
        self.path, self.programs, self.strict = path, [], []
        path.chmod(0o755)
        self.http_port = lab.free_port()

    def add(self, program):
        self.programs.insert(0, program)
        return program

    def dns(self, version=None):
        return self.add(lab.NameServer(self.path, version or lab.pebble_versions()[0])).start()

    def pebble(self, version=None, **arguments):
        version = version or lab.pebble_versions()[0]
        return self.add(lab.Pebble(self.path, self.dns(version), self.http_port, version,
                                   **arguments)).start()

    def renewd(self, *sections, **arguments):
        """Configured and not started."""
        r = self.add(lab.Renewd(self.path, self.http_port))
        return r.configure(*sections, **arguments)

    def nginx(self, directory, extra=""):
        return self.add(lab.Nginx(self.path, directory, extra))

    def mischief(self, ca, rule=None):
        return self.add(lab.Mischief(ca, rule))

    def acme_server(self, **options):
        """The project's own CA; what a client must not send fails the test at its end."""
        server = self.add(acme_server.AcmeServer(self.path, self.http_port, **options))
        self.strict.append(server)
        return server

    def stop(self):
        for p in self.programs:
            p.stop()
        for server in self.strict:
            assert not server.violations, server.violations


@pytest.fixture
def place(tmp_path):
    """Whoever renewd becomes has to get in, and pytest's directories are 0700."""
    for p in (tmp_path, *tmp_path.parents):
        if p.stat().st_mode & 0o7777 == 0o700:
            p.chmod(0o755)
    made = Lab(tmp_path)
    yield made
    made.stop()


@pytest.fixture(params=lab.pebble_versions())
def version(request):
    """Every Pebble that is there."""
    return request.param
