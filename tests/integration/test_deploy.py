# SPDX-License-Identifier: LGPL-2.1-or-later
"""renewd-deploy as a whole: the real program on a socket that the test made, with real commands
and with a systemd that the test plays on a bus of its own."""
import http.client
import json
import os
import pathlib
import signal
import socket
import stat
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("RENEWD_BUILD", HERE.parent.parent / "build"))
GENERATION = "20261124T001500Z-1a2b3c4d"
PATIENCE = 20


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Place:
    """A directory with a configuration, a state directory and renewd-deploy's socket."""

    def __init__(self, path):
        self.path = path
        path.chmod(0o755)
        self.state = path / "state"
        self.socket = path / "deploy.sock"
        self.config = path / "renewd.conf"
        self.calls = path / "calls"
        self.process = self.bus = self.manager = self.listener = None
        self.environment = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={path}/bus"}
        (self.state / "live").mkdir(parents=True)

    def configure(self, certificates):
        self.config.write_text(
            f"[Daemon]\nStateDirectory={self.state}\n[CA letsencrypt]\nAgreeToTerms=yes\n"
            + certificates)
        self.config.chmod(0o644)

    def issue(self, name):
        directory = self.state / "certificates" / name / GENERATION
        directory.mkdir(parents=True)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", directory / "privkey.pem", "-out", directory / "cert.pem",
             "-days", "5", "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name],
            check=True, stderr=subprocess.DEVNULL)
        (directory / "fullchain.pem").write_bytes((directory / "cert.pem").read_bytes())
        (directory / "chain.pem").touch()
        (directory / "meta.json").write_text('{"version":1}')
        (self.state / "live" / name).symlink_to(f"../certificates/{name}/{GENERATION}")
        return directory

    def script(self, name, text):
        path = self.path / name
        path.write_text(f"#!/bin/sh\ncd {self.path}\n{text}\n")
        path.chmod(0o755)
        return path

    def start(self, *options):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.socket))
        self.listener.listen()
        return self.start_again(*options)

    def start_again(self, *options):
        """The next renewd-deploy on the same socket, as its socket unit would have it."""
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", BUILD / "renewd-deploy",
             "--config", self.config, *options],
            env={**os.environ, **self.environment, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "deploy"},
            preexec_fn=lambda: os.dup2(self.listener.fileno(), 3), pass_fds=(3,),
            stderr=open(self.path / "log", "a", encoding="utf-8"))
        return self

    def start_systemd(self, **units):
        (self.path / "bus.conf").write_text(
            f"<busconfig><listen>unix:path={self.path}/bus</listen><auth>EXTERNAL</auth>"
            '<policy context="default"><allow send_destination="*"/><allow own="*"/>'
            '<allow receive_sender="*"/></policy></busconfig>')
        self.bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self.path}/bus.conf", "--nofork"],
            stderr=subprocess.DEVNULL)
        wait_for((self.path / "bus").exists)
        self.calls.touch()
        self.manager = subprocess.Popen(
            [sys.executable, HERE / "fake_systemd.py", f"unix:path={self.path}/bus", self.calls]
            + [f"{name}.service={state}" for name, state in units.items()],
            stdout=subprocess.PIPE)
        assert self.manager.stdout.readline() == b"ready\n"

    def post(self, body, path="/v1/deploy", method="POST"):
        connection = UnixConnection(self.socket)
        connection.request(method, path, body)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        return response.status, answer

    def deploy(self, *names):
        status, answer = self.post(json.dumps({"certificates": names}))
        assert status == 200, answer
        assert answer["version"] == 1
        assert [r["certificate"] for r in answer["results"]] == list(names)
        for result in answer["results"]:
            assert result["ok"] == (result["problem"] is None)
        return answer["results"]

    def stop(self):
        for process in (self.process, self.manager, self.bus):
            if process:
                process.kill()
                process.wait()
        if self.listener:
            self.listener.close()


@pytest.fixture
def place(tmp_path):
    p = Place(tmp_path)
    yield p
    p.stop()


def test_command(place):
    hook = place.script("hook", "env | sort > seen; echo $# >> seen")
    place.configure(f"[Certificate a.test]\nNames=a.test www.a.test\nRun={hook} x y\n")
    place.issue("a.test")
    result, = place.start().deploy("a.test")
    assert result == {"certificate": "a.test", "ok": True, "detail": f"{hook} done",
                      "problem": None}
    seen = (place.path / "seen").read_text()
    assert f"RENEWD_DIRECTORY={place.state}/live/a.test\n" in seen
    assert "RENEWD_NAMES=a.test www.a.test\n" in seen
    assert "LISTEN_FDS" not in seen
    assert seen.endswith("2\n")
    assert stat.S_IMODE((place.path / "seen").stat().st_mode) == 0o644


def test_every_unit_once_and_commands_first(place):
    pytest.importorskip("dbus")
    pytest.importorskip("gi")
    hook = place.script("hook", "sleep 0.2; echo command >> calls")
    place.configure(
        f"[Certificate a.test]\nReload=nginx.service\nRun={hook}\n"
        f"[Certificate b.test]\nReload=nginx.service fallen.service\nRun={hook}\n"
        "[Certificate c.test]\nReload=stopped.service missing.service broken.service\n")
    for name in ("a.test", "b.test", "c.test"):
        place.issue(name)
    place.start_systemd(nginx="active", fallen="failed", stopped="inactive", broken="active")
    a, b, c = place.start().deploy("a.test", "b.test", "c.test")
    assert a["detail"] == f"{hook} done; nginx.service reloaded"
    assert b["detail"].endswith("nginx.service reloaded; fallen.service started (it had failed)")
    assert not c["ok"]
    assert c["detail"] == "stopped.service is not running, left stopped"
    assert "unit missing.service not found" in c["problem"]
    assert "broken.service could not be reloaded (failed)" in c["problem"]
    calls = place.calls.read_text().splitlines()
    assert calls[:2] == ["command", "command"]
    assert sorted(calls[2:]) == ["ReloadOrTryRestartUnit broken.service",
                                 "ReloadOrTryRestartUnit nginx.service",
                                 "ResetFailedUnit fallen.service", "StartUnit fallen.service"]


def test_a_failed_command_does_not_keep_the_unit(place):
    pytest.importorskip("dbus")
    pytest.importorskip("gi")
    hook = place.script("hook", "echo no luck; exit 7")
    place.configure(f"[Certificate a.test]\nReload=nginx.service\nRun={hook}\n")
    place.issue("a.test")
    place.start_systemd(nginx="active")
    result, = place.start().deploy("a.test")
    assert not result["ok"]
    assert result["problem"] == f"{hook}: exited with status 7: no luck"
    assert result["detail"] == "nginx.service reloaded"


def test_no_systemd(place):
    place.configure("[Certificate a.test]\nReload=nginx.service\n")
    place.issue("a.test")
    result, = place.start().deploy("a.test")
    assert result["problem"].startswith("Reload=nginx.service needs systemd")
    assert "use Run=" in result["problem"]


def test_configuration_is_read_anew(place):
    place.configure(f"[Certificate a.test]\nRun={place.script('one', 'echo one > seen')}\n")
    place.issue("a.test")
    place.start()
    assert place.deploy("a.test", "b.test")[1]["problem"] == "it is not configured"
    place.configure(f"[Certificate a.test]\nRun={place.script('two', 'echo two > seen')}\n"
                    "[Certificate b.test]\n")
    assert place.deploy("a.test", "b.test")[1]["problem"] == "there is no certificate yet"
    assert (place.path / "seen").read_text() == "two\n"
    with place.config.open("a") as f:
        f.write("Nonsense=1\n")
    status, answer = place.post('{"certificates":["a.test"]}')
    assert status == 409
    assert f"{place.config}:8: " in answer["error"]
    place.configure("[Certificate a.test]\n")
    place.config.chmod(0o666)
    status, answer = place.post('{"certificates":["a.test"]}')
    assert status == 409
    assert "may be written by others" in answer["error"]


def test_links_out_of_the_state_directory(place):
    """Whoever owns the state directory cannot have other files taken for a certificate."""
    ran = place.path / "ran"
    place.configure(f"[Certificate a.test]\nRun={place.script('hook', 'touch ran')}\n")
    real = place.issue("a.test")
    live = place.state / "live" / "a.test"
    place.start()
    for target in (str(real), "../certificates/../certificates/a.test/" + GENERATION,
                   "../../elsewhere"):
        live.unlink()
        live.symlink_to(target)
        assert not place.deploy("a.test")[0]["ok"]
    live.unlink()
    live.symlink_to(f"../certificates/a.test/{GENERATION}")
    real.rename(place.path / "elsewhere")
    real.symlink_to(place.path / "elsewhere")
    assert not place.deploy("a.test")[0]["ok"]
    real.unlink()
    (place.path / "elsewhere").rename(real)
    (real / "cert.pem").rename(place.path / "cert.pem")
    (real / "cert.pem").symlink_to(place.path / "cert.pem")
    assert not place.deploy("a.test")[0]["ok"]
    assert not ran.exists()


@pytest.mark.parametrize("method,path,body,status", [
    ("GET", "/v1/deploy", None, 405),
    ("POST", "/", "{}", 404),
    ("POST", "/v1/deploy", "", 400),
    ("POST", "/v1/deploy", "{", 400),
    ("POST", "/v1/deploy", '{"certificates":["../a.test"]}', 400),
    ("POST", "/v1/deploy", '{"certificates":["a.test"],"run":["/bin/true"]}', 400),
    ("POST", "/v1/deploy", '{"certificates":["a.test"],"certificates":["b.test"]}', 400),
    ("POST", "/v1/deploy", json.dumps({"certificates": [f"c{i}" for i in range(101)]}), 400),
])
def test_what_is_no_request(place, method, path, body, status):
    place.configure(f"[Certificate a.test]\nRun={place.script('hook', 'touch ran')}\n")
    place.issue("a.test")
    place.start()
    assert place.post(body, path, method)[0] == status
    assert place.deploy("a.test")[0]["ok"]


def test_large_body(place):
    place.configure("[Certificate a.test]\n")
    place.start()
    connection = UnixConnection(place.socket)
    connection.putrequest("POST", "/v1/deploy")
    connection.putheader("Content-Length", str(10**9))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_slow_and_leaving_peers_hold_up_nobody(place):
    place.configure(f"[Certificate a.test]\nRun={place.script('hook', 'sleep 1; echo a >> seen')}\n"
                    f"[Certificate b.test]\nRun={place.script('other', 'touch b')}\n")
    place.issue("a.test")
    place.issue("b.test")
    place.start()
    mute = UnixConnection(place.socket)
    mute.connect()
    mute.sock.send(b"POST /v1/deploy HTTP/1.1\r\nHost: x\r\n")
    connections = []
    for name in ("a.test", "a.test", "b.test"):
        connection = UnixConnection(place.socket)
        connection.request("POST", "/v1/deploy", json.dumps({"certificates": [name]}))
        connections.append(connection)
        time.sleep(0.1)
    connections[0].close()   # it was begun and goes on
    connections[1].close()   # it was not
    assert connections[2].getresponse().status == 200
    assert (place.path / "b").exists()
    assert (place.path / "seen").read_text() == "a\n"


def test_strangers(place):
    if os.geteuid() != 0:
        pytest.skip("to be somebody else needs root")
    place.configure(f"[Certificate a.test]\nRun={place.script('hook', 'touch ran')}\n")
    place.issue("a.test")
    place.start()
    place.socket.chmod(0o666)
    for parent in (place.path, *place.path.parents):
        if parent.is_relative_to("/tmp") and parent != pathlib.Path("/tmp"):
            parent.chmod(0o755)
    request = b'{"certificates":["a.test"]}'
    code = ("import socket,sys,os\nos.setuid(65534)\ns=socket.socket(socket.AF_UNIX)\n"
            "s.connect(sys.argv[1])\n"
            "s.sendall(b'POST /v1/deploy HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n"
            f"Content-Length: {len(request)}\\r\\n\\r\\n' + {request!r})\n"
            "print(s.recv(10000).decode())")
    answer = subprocess.run([sys.executable, "-c", code, place.socket], check=True,
                            capture_output=True, text=True, timeout=PATIENCE).stdout
    assert answer.startswith("HTTP/1.1 403 ")
    assert not (place.path / "ran").exists()


def test_idle(place):
    place.configure(f"[Certificate a.test]\nRun={place.script('hook', 'sleep 2')}\n")
    place.issue("a.test")
    begin = time.monotonic()
    assert place.start("--idle", "1").deploy("a.test")[0]["ok"]  # busy is not idle
    assert place.process.wait(PATIENCE) == 0
    assert time.monotonic() - begin >= 3
    # Who asks now waits in the backlog for the next one.
    waiting = UnixConnection(place.socket)
    waiting.request("POST", "/v1/deploy", '{"certificates":["a.test"]}')
    place.start_again("--idle", "1")
    assert waiting.getresponse().status == 200
    waiting.close()
    assert place.process.wait(PATIENCE) == 0


def test_end_ends_commands(place):
    hook = place.script("hook", "echo $$ > pid.tmp; mv pid.tmp pid; sleep 60")
    place.configure(f"[Certificate a.test]\nRun={hook}\n")
    place.issue("a.test")
    place.start()
    connection = UnixConnection(place.socket)
    connection.request("POST", "/v1/deploy", '{"certificates":["a.test"]}')
    wait_for((place.path / "pid").exists)
    begin = time.monotonic()
    place.process.send_signal(signal.SIGTERM)
    assert place.process.wait(PATIENCE) == 0
    assert time.monotonic() - begin < 1
    pid = int((place.path / "pid").read_text())
    wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists()
             or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text())


def test_many_certificates(place):
    hook = place.script("hook", "echo $RENEWD_CERTIFICATE >> seen")
    names = [f"c{i}.test" for i in range(100)]
    place.configure("".join(f"[Certificate {n}]\nRun={hook}\n" for n in names))
    first = place.issue(names[0])
    for name in names[1:]:
        directory = place.state / "certificates" / name
        directory.mkdir()
        subprocess.run(["cp", "-a", first, directory], check=True)
        (place.state / "live" / name).symlink_to(f"../certificates/{name}/{GENERATION}")
    assert all(r["ok"] for r in place.start().deploy(*names))
    assert sorted((place.path / "seen").read_text().split()) == sorted(names)


def test_without_a_socket():
    run = subprocess.run([BUILD / "renewd-deploy"], capture_output=True, text=True,
                         timeout=PATIENCE)
    assert run.returncode == 1
    assert "renewd-deploy.socket" in run.stderr


@pytest.mark.parametrize("options,status", [
    (["--version"], 0), (["--help"], 0), (["--nonsense"], 2), (["--idle", "x"], 2),
    (["--idle", "0"], 2), (["word"], 2)])
def test_options(options, status):
    run = subprocess.run([BUILD / "renewd-deploy", *options], capture_output=True, text=True,
                         timeout=PATIENCE)
    assert run.returncode == status
    assert (run.stderr if status else run.stdout).startswith("renewd-deploy") or status == 2
