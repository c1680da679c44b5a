# SPDX-License-Identifier: LGPL-2.1-or-later
"""One booted box for all tests, with a CA in it; each test begins with renewd and nginx stopped."""
import json
import os
import pathlib
import re
import subprocess
import time

import box as boxes
import pytest

HERE = pathlib.Path(__file__).resolve().parent
PEBBLE = pathlib.Path(os.environ.get("RENEWD_PEBBLE", HERE.parent / ".cache" / "pebble"),
                      "2.10", "usr", "bin")
NAME = "a.example"
OURS = ["renewd.service", "renewd-http.socket", "renewd-deploy.service", "renewd-deploy.socket"]

# The same CA twice: one whose certificates live for 90 days, one for less than a minute. Both
# connect to port 80 of 127.0.0.1, which is every name's address here.
CAS = {"lab": (14000, 7776000), "quick": (14001, 30)}


def wait_for(condition, what, patience=boxes.PATIENCE):
    """The first true value of condition()."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.05)


def make_tls_files(box):
    """What Pebble itself serves, and the root that it is trusted by."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True,
                       cwd=box.file("/etc/pebble"))
    box.write("/etc/pebble/tls.ext", "subjectAltName=IP:127.0.0.1\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", "root.key", "-out", "root.pem", "-days", "30", "-subj", "/CN=lab root",
            "-addext", "keyUsage=keyCertSign")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            "tls.key", "-out", "tls.csr", "-subj", "/CN=lab")
    openssl("x509", "-req", "-in", "tls.csr", "-CA", "root.pem", "-CAkey", "root.key",
            "-CAcreateserial", "-days", "20", "-extfile", "tls.ext", "-out", "tls.pem")


def put_ca(box):
    """Pebble and its name server, as units of the box."""
    for program in ("pebble", "pebble-challtestsrv"):
        box.copy(PEBBLE / program, f"/usr/local/bin/{program}")
    make_tls_files(box)
    box.write("/etc/systemd/system/lab-dns.service", """[Service]
ExecStart=/usr/local/bin/pebble-challtestsrv -defaultIPv6 "" -dnsserver 127.0.0.1:8053 -doh "" \
    -http01 "" -https01 "" -tlsalpn01 "" -management 127.0.0.1:8055
""")
    for name, (port, validity) in CAS.items():
        box.write(f"/etc/pebble/{name}.json", json.dumps({"pebble": {
            "listenAddress": f"127.0.0.1:{port}",
            "managementListenAddress": f"127.0.0.1:{port + 1000}",
            "certificate": "/etc/pebble/tls.pem", "privateKey": "/etc/pebble/tls.key",
            "httpPort": 80, "tlsPort": 443, "retryAfter": {"authz": 1, "order": 1},
            "certificateValidityPeriod": validity,
            "profiles": {"lab": {"description": "lab", "validityPeriod": validity}}}}))
        box.write(f"/etc/systemd/system/lab-ca-{name}.service", f"""[Unit]
Requires=lab-dns.service
[Service]
Environment=PEBBLE_VA_NOSLEEP=1
ExecStart=/usr/local/bin/pebble -config /etc/pebble/{name}.json -strict -dnsserver 127.0.0.1:8053
""")


def wait_for_ca(box, name):
    wait_for(lambda: box.run("curl", "--silent", "--insecure", "--user-agent", "test",
                             f"https://127.0.0.1:{CAS[name][0]}/dir",
                             check=False).returncode == 0, f"the CA {name}")


class Lab:
    """The box as the tests speak of it."""

    def __init__(self, box):
        self.box, self.run, self.write = box, box.run, box.write
        self.begun = 0.0
        self.drop_ins = []

    # --- renewd.conf ---

    def configure(self, *sections, **daemon):
        """Writes /etc/renewd/renewd.conf: the CAs, keys of [Daemon], and these sections."""
        keys = {"SettleTime": "0s", "DnsServer": "127.0.0.1:8053", **daemon}
        text = "[Daemon]\n" + "".join(f"{k}={v}\n" for k, v in keys.items())
        for name, (port, _) in CAS.items():
            text += (f"[CA {name}]\nDirectory=https://127.0.0.1:{port}/dir\n"
                     "TrustFile=/etc/pebble/root.pem\nAgreeToTerms=yes\n")
        self.write("/etc/renewd/renewd.conf", text + "\n".join(sections))

    @staticmethod
    def certificate(name=NAME, ca="lab", **keys):
        return (f"[Certificate {name}]\nCA={ca}\n"
                + "".join(f"{k}={v}\n" for k, v in keys.items()))

    # --- units ---

    def systemctl(self, *words, check=True):
        return self.run("systemctl", *words, check=check)

    def show(self, unit, *properties):
        """The properties' values."""
        out = self.systemctl("show", unit, *[f"--property={p}" for p in properties]).stdout
        values = dict(line.split("=", 1) for line in out.splitlines())
        return values[properties[0]] if len(properties) == 1 else values

    def is_active(self, unit):
        return self.show(unit, "ActiveState") == "active"

    def main_pid(self, unit="renewd.service"):
        return int(self.show(unit, "MainPID"))

    def drop_in(self, unit, text):
        """It is in force until the end of the test."""
        path = f"/run/systemd/system/{unit}.d/test.conf"
        self.write(path, text)
        self.drop_ins.append(path)
        self.systemctl("daemon-reload")

    def start(self):
        self.systemctl("enable", "--now", "renewd.service")

    def enter(self, unit, namespace, *command):
        """A command in a namespace of a unit's main process."""
        return self.run("nsenter", "-t", self.main_pid(unit), namespace, *command, check=False)

    # --- the API ---

    def request(self, method, path):
        out = self.run("curl", "--silent", "--show-error", "--unix-socket",
                       "/run/renewd/control.sock", "-X", method, "--write-out", "\n%{http_code}",
                       f"http://renewd{path}").stdout
        body, _, status = out.rpartition("\n")
        return int(status), json.loads(body)

    def status(self, name=NAME):
        status, answer = self.request("GET", f"/v1/certificates/{name}")
        assert status == 200, answer
        return answer["certificate"]

    def wait_deployed(self, name=NAME, other_than=None):
        """Until a certificate is in force and in use whose serial is not the other one."""
        def look():
            s = self.status(name)
            return (s["issued"] and s["issued"]["serial"] != other_than
                    and s["deployment"]["state"] in ("none", "done") and s)
        return wait_for(look, f"{name}'s certificate")

    # --- the journal ---

    def journal(self, *matches):
        """What came since the beginning of the test."""
        self.run("journalctl", "--sync")
        out = self.run("journalctl", f"--since=@{self.begun:.6f}", "-o", "json", "--all",
                       *matches, check=False).stdout
        return [json.loads(line) for line in out.splitlines()]

    def messages(self, *matches):
        return [r["MESSAGE"] for r in self.journal(*matches)]

    def wait_message(self, pattern, *matches):
        def look():
            return [m for m in self.messages(*matches) if re.search(pattern, m)]
        return wait_for(look, f"'{pattern}' in the journal")[0]

    # --- nginx ---

    def nginx(self, text, start=True):
        """Debian's nginx with this as its only site."""
        self.write("/etc/nginx/sites-enabled/default", text)
        if start:
            self.systemctl("start", "nginx.service")

    def https_site(self, name=NAME):
        live = f"/var/lib/renewd/live/{name}"
        return (f"server {{ listen 443 ssl; ssl_certificate {live}/fullchain.pem; "
                f"ssl_certificate_key {live}/privkey.pem; return 200 hello; }}\n")

    def served(self, name=NAME):
        """The serial that a client gets, as renewd writes it; None while nobody answers."""
        hello = self.run("openssl", "s_client", "-connect", "127.0.0.1:443", "-servername", name,
                         check=False)
        text = self.run("openssl", "x509", "-noout", "-serial", stdin=hello.stdout,
                        check=False).stdout.strip().partition("=")[2].lower()
        return "00" + text if text and int(text[0], 16) >= 8 else text or None

    # --- between tests ---

    def begin(self):
        self.begun = time.time()
        self.write("/etc/nginx/sites-enabled/default", "")

    def end(self):
        self.systemctl("stop", "nginx.service", *OURS, check=False)
        for path in self.drop_ins:
            self.box.file(path).unlink(missing_ok=True)
        self.systemctl("disable", *OURS)  # which reads all units anew
        self.systemctl("reset-failed")
        self.run("sh", "-c", "rm -rf /var/lib/renewd/* /etc/renewd/*.conf /run/renewd/*")
        self.run("systemd-tmpfiles", "--create", "renewd.conf")


@pytest.fixture(scope="session")
def booted():
    try:
        boxes.require({"nginx": "nginx-light", "openssl": "openssl", "curl": "curl"})
        if not (PEBBLE / "pebble").exists():
            raise boxes.Unavailable(f"there is no Pebble 2.10 in {PEBBLE}")
        box = boxes.Box()
    except boxes.Unavailable as e:
        pytest.skip(str(e))
    with box:
        box.install()
        put_ca(box)
        box.boot()
        # As a package does after unpacking.
        box.run("systemd-sysusers", "renewd.conf")
        box.run("systemd-tmpfiles", "--create", "renewd.conf")
        box.run("journalctl", "--update-catalog")
        box.run("systemctl", "start", *[f"lab-ca-{name}.service" for name in CAS])
        for name in CAS:
            wait_for_ca(box, name)
        yield box


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What failed is told with the journal of its time."""
    report = (yield).get_result()
    lab = getattr(item, "funcargs", {}).get("lab")
    if report.when == "call" and report.failed and lab:
        lines = [f"{r.get('SYSLOG_IDENTIFIER')}: {r['MESSAGE']}" for r in lab.journal()
                 if not str(r.get("SYSLOG_IDENTIFIER")).startswith("pebble")]
        report.sections.append(("journal", "\n".join(lines[-150:])))


@pytest.fixture
def lab(booted):
    made = Lab(booted)
    made.begin()
    yield made
    made.end()
