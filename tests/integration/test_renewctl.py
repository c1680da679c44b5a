# SPDX-License-Identifier: LGPL-2.1-or-later
"""renewctl as people and scripts call it, with a real renewd whose CA is never there, with other
programs in renewd's place, and with none."""
import contextlib
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("RENEWD_BUILD", HERE.parent.parent / "build"))
PATIENCE = 60
WELL, FAILED, USAGE, UNREACHABLE = range(4)
NOBODY = 65534

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def __repr__(self):
        return f"exit {self.status}\n{self.out}\n{self.err}"

    def json(self):
        return json.loads(self.out)


def renewctl(*arguments, user=None, environment=None):
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    done = subprocess.run(
        [*become, BUILD / "renewctl", *[str(a) for a in arguments]], check=False, text=True,
        capture_output=True, timeout=PATIENCE, env={**os.environ, **(environment or {})})
    return Result(done.returncode, done.stdout, done.stderr)


def on_a_terminal(*arguments, **environment):
    """What renewctl writes to a terminal, and its exit status."""
    pid, terminal = pty.fork()
    if pid == 0:
        command = [str(BUILD / "renewctl"), *[str(a) for a in arguments]]
        clean = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        os.execve(command[0], command, {**clean, "TERM": "xterm", **environment})
    text = b""
    with contextlib.suppress(OSError):  # EIO is the end of a terminal
        while select.select([terminal], [], [], PATIENCE)[0]:
            text += os.read(terminal, 65536)
    os.close(terminal)
    return text.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Place:
    """A directory that others can enter, with renewd in it."""

    def __init__(self, path):
        self.path = path
        self.socket = path / "run" / "control.sock"
        self.config = path / "renewd.conf"
        self.process = None
        self.port = free_port()
        (path / "run").mkdir()

    def configure(self, text):
        self.config.write_text(
            f"[Daemon]\nStateDirectory={self.path}/state\nControlSocket={self.socket}\n"
            f"HttpListen=127.0.0.1:{self.port}\n"
            "[CA x]\nDirectory=https://127.0.0.1:9/dir\nAgreeToTerms=yes\n" + text)
        self.config.chmod(0o644)
        return self

    def start(self, *names):
        if names:
            self.configure("".join(f"[Certificate {n}]\nCA=x\n" for n in names))
        with open(self.path / "log", "ab") as log:
            self.process = subprocess.Popen([BUILD / "renewd", "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(lambda: self.socket.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, (self.path / "log").read_text()
        return self

    def ctl(self, *arguments, **more):
        return renewctl("--socket", self.socket, *arguments, **more)

    def wait_state(self, name, state):
        def reached():
            answer = self.ctl("show", name, "--json")
            return answer.status == WELL and answer.json()["certificate"]["state"] == state
        wait_for(reached)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                assert self.process.wait(PATIENCE) == 0, (self.path / "log").read_text()
            finally:
                self.process.kill()
                self.process.wait()


@pytest.fixture
def place():
    path = pathlib.Path(tempfile.mkdtemp(prefix="renewctl-"))
    path.chmod(0o755)
    p = Place(path)
    try:
        yield p
        p.stop()
    finally:
        shutil.rmtree(path)


# --- looking --------------------------------------------------------------------------------------

def test_list(place):
    place.start("b.example", "a.example")
    place.wait_state("a.example", "backoff")
    place.wait_state("b.example", "backoff")
    r = place.ctl("list")
    assert r.status == WELL and r.err == ""
    lines = r.out.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "LIFETIME", "LEFT", "RENEWS", "DEPLOYED", "CA"]
    assert lines[1].startswith("a.example  retrying") and " in " in lines[1]
    assert "could not connect to 127.0.0.1:9" in lines[2]
    assert lines[3].startswith("b.example  retrying")
    assert lines[-1] == "2 certificates: 2 in progress"
    assert "\033" not in r.out


def test_show(place):
    place.start("a.example")
    place.wait_state("a.example", "backoff")
    r = place.ctl("show", "a.example")
    assert r.status == WELL
    for part in ("Status        retrying (backoff)", "nothing was ever issued",
                 "the last attempt failed", "could not connect", "1 in a row"):
        assert part in r.out, r


def test_json_is_what_renewd_says(place):
    place.start("a.example", "b.example")
    place.wait_state("a.example", "backoff")
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        s.settimeout(PATIENCE)
        s.connect(str(place.socket))
        s.sendall(b"GET /v1/certificates/a.example HTTP/1.0\r\n\r\n")
        said = b"".join(iter(lambda: s.recv(65536), b""))
    shown = place.ctl("--json", "show", "a.example").json()
    assert json.loads(said.partition(b"\r\n\r\n")[2]) == shown
    assert shown["certificate"]["next_attempt_reason"] == "retry"
    assert shown["certificate"]["blocked"] is None
    everything = place.ctl("list", "--json").json()
    assert [c["name"] for c in everything["certificates"]] == ["a.example", "b.example"]
    assert everything["daemon"]["listening"] is True


def test_unknown_name(place):
    place.start("a.example")
    r = place.ctl("show", "a.exmaple")
    assert r.status == FAILED and "did you mean 'a.example'?" in r.err and r.out == ""
    r = place.ctl("show", "../../etc/passwd")
    assert r.status == FAILED and "there is no certificate '../../etc/passwd'" in r.err
    assert place.ctl("show", "\033[2J").err.count("\033") == 0


def test_more_than_a_ca_may_answer(place):
    """Ten times the ceiling of a CA's answer."""
    names = [f"name-{i}.example" for i in range(5000)]
    place.start(*names)
    r = place.ctl("list", "--json")
    assert r.status == WELL, r
    assert len(r.json()["certificates"]) == len(names)
    assert len(r.out) > 10 * 256 * 1024
    assert place.ctl("list").out.splitlines()[-1].startswith("5000 certificates: ")


def test_port_is_taken(place):
    with socket.socket() as s:
        s.bind(("127.0.0.1", place.port))
        s.listen()
        place.start("a.example")
        place.wait_state("a.example", "due")
        r = place.ctl("list")
        assert "blocked" in r.out and str(place.port) in r.out
        assert r.out.splitlines()[-2] == "1 certificate: 1 needs attention"
        assert "needs attention" in place.ctl("show", "a.example").out
        r = place.ctl("renew", "a.example", "--wait")
        assert r.status == FAILED and str(place.port) in r.err


# --- a terminal -----------------------------------------------------------------------------------

def test_colors(place):
    place.start("a.example")
    place.wait_state("a.example", "backoff")
    arguments = ("--socket", place.socket, "list")
    text, status = on_a_terminal(*arguments)
    assert status == WELL and "\033[33mretrying\033[0m" in text
    for more, environment in ((["--no-color"], {}), ([], {"NO_COLOR": "1"}),
                              ([], {"TERM": "dumb"})):
        text, status = on_a_terminal(*arguments, *more, **environment)
        assert status == WELL and "retrying" in text and "\033" not in text


def test_progress(place):
    place.start("a.example")
    place.wait_state("a.example", "backoff")
    text, status = on_a_terminal("--socket", place.socket, "renew", "--wait", "a.example")
    assert status == FAILED
    assert "1 of 1 under way: a.example (" in text
    assert text.rstrip().endswith("could not connect to 127.0.0.1:9: Connection refused")


# --- acting ---------------------------------------------------------------------------------------

def test_renew(place):
    place.start("a.example", "b.example")
    place.wait_state("a.example", "backoff")
    r = place.ctl("renew", "a.example")
    assert r.status == WELL and r.out == "a.example: asked for\n"
    r = place.ctl("renew", "a.example", "nothing.example", "b.example", "b.example")
    assert r.status == FAILED
    assert r.out == "a.example: asked for\nb.example: asked for\n"
    assert "nothing.example: there is no certificate of that name" in r.err
    r = place.ctl("renew", "--all", "--json")
    assert r.status == WELL
    certificates = r.json()["certificates"]
    assert [c["name"] for c in certificates] == ["a.example", "b.example"]
    for c in certificates:
        assert (c["order"]["reason"] if c["order"] else c["next_attempt_reason"]) == "asked"


def test_renew_waits_for_the_failure(place):
    place.start("a.example", "b.example")
    r = place.ctl("renew", "--all", "--wait")
    assert r.status == FAILED and r.out == ""
    for name in ("a.example", "b.example"):
        assert f"{name}: could not connect to 127.0.0.1:9" in r.err
    r = place.ctl("renew", "--wait", "--json", "a.example")
    assert r.status == FAILED
    assert r.json()["certificates"][0]["last_problem"]["detail"] in r.err


def test_renew_which(place):
    place.start("a.example")
    assert place.ctl("renew").status == USAGE
    assert place.ctl("renew", "--all", "a.example").status == USAGE


def test_reload(place):
    place.start("a.example")
    place.configure("[Certificate a.example]\nCA=x\n[Certificate b.example]\nCA=x\n")
    r = place.ctl("reload")
    assert r.status == WELL and r.out == "the configuration is in force: 2 certificates\n"
    assert place.ctl("show", "b.example").status == WELL

    place.configure("[Certificate a.example]\nNmaes=x\nCA=y\n")
    r = place.ctl("reload")
    assert r.status == FAILED and r.out == ""
    assert f"{place.config}:9: " in r.err and "'Names'" in r.err
    assert f"{place.config}:10: " in r.err
    assert "stays in force" in r.err
    assert place.ctl("show", "b.example").status == WELL
    r = place.ctl("reload", "--json")
    assert r.status == FAILED and [p["line"] for p in r.json()["problems"]] == [9, 10]
    assert r.json()["problems_left_out"] == 0


def test_reload_says_how_many_more(place):
    place.start("a.example")
    place.configure("Nonsense=1\n" * 1200)
    r = place.ctl("reload")
    assert r.status == FAILED
    assert len([l for l in r.err.splitlines() if f"{place.config}:" in l]) == 1000
    assert "and 200 more problems\n" in r.err


# --- check-config ---------------------------------------------------------------------------------

def test_check_config(place):
    place.configure("[Certificate a.example]\nCA=x\n")
    r = renewctl("check-config", place.config)
    assert r.status == WELL and r.out == f"{place.config}: good, 1 certificate\n" and r.err == ""
    assert renewctl("check-config", "--config", place.config).out == r.out
    assert not (place.path / "state").exists()

    place.configure("[Certificate a.example]\nCA=y\nKey=dsa\n")
    r = renewctl("check-config", place.config)
    assert r.status == FAILED and r.out == ""
    lines = r.err.splitlines()
    assert len(lines) == 2 and all(l.startswith(f"{place.config}:") for l in lines)
    daemon = subprocess.run([BUILD / "renewd", "--check", "--config", place.config], text=True,
                            capture_output=True, timeout=PATIENCE, check=False)
    assert (daemon.returncode, daemon.stderr) == (1, r.err)

    r = renewctl("check-config", place.path / "none.conf")
    assert r.status == FAILED and "none.conf: " in r.err


# --- whom it cannot reach -------------------------------------------------------------------------

def test_not_running(place):
    r = place.ctl("list")
    assert r.status == UNREACHABLE and r.out == ""
    assert f"renewd is not running (no socket at {place.socket}): systemctl start renewd" in r.err
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        s.bind(str(place.socket))
    r = place.ctl("reload")
    assert r.status == UNREACHABLE
    assert f"renewd is not running (nobody listens at {place.socket})" in r.err


def test_socket_of_the_configuration(place):
    place.start("a.example")
    assert renewctl("list", "--config", place.config).status == WELL
    place.configure("Nonsense=1\n")
    r = renewctl("list", "--config", place.config)
    assert r.status == FAILED and f"{place.config}:8: " in r.err and "--socket" in r.err
    assert renewctl("list", "--config", place.config, "--socket", place.socket).status == WELL
    assert "bytes" in renewctl("list", "--socket", "/" + 200 * "x").err


@needs_root
def test_permission(place):
    place.start("a.example")
    r = place.ctl("list", user=NOBODY)
    assert r.status == UNREACHABLE and "you may not connect" in r.err and "root" in r.err
    place.socket.chmod(0o666)
    assert place.ctl("list", user=NOBODY).status == WELL
    for command in (["reload"], ["renew", "a.example"]):
        r = place.ctl(*command, user=NOBODY)
        assert r.status == FAILED and "only root" in r.err and r.out == ""


@contextlib.contextmanager
def impostor(place, answer):
    """Another program at renewd's socket; answer(connection) says what it does."""
    s = socket.socket(socket.AF_UNIX)
    s.bind(str(place.socket))
    s.listen()

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = s.accept()
                with contextlib.closing(connection), contextlib.suppress(OSError):
                    connection.settimeout(PATIENCE)
                    answer(connection)
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        s.shutdown(socket.SHUT_RDWR)
        s.close()
        thread.join()
        place.socket.unlink()


class Peeked:
    """A connection whose request can be read once more."""

    def __init__(self, connection):
        self.connection, self.request = connection, connection.recv(65536)

    def recv(self, _):
        return self.request

    def sendall(self, data):
        self.connection.sendall(data)


def answers(body, status=200):
    def answer(connection):
        connection.recv(65536)
        head = f"HTTP/1.0 {status} X\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
    return answer


@pytest.mark.parametrize("body", [b"<html>It works!</html>", b"", b"[]", b"{", b"\0\xff", b"null"])
def test_not_renewd(place, body):
    for status in (200, 502):
        with impostor(place, answers(body, status)):
            r = place.ctl("list")
        assert r.status == UNREACHABLE and "does not answer as renewd does" in r.err
        assert f"HTTP status {status}" in r.err


def test_errors_are_escaped(place):
    for error in (b'{"error":"\\u001b[2J"}', b'{"error":7}', b"{}"):
        with impostor(place, answers(error, 500)):
            for command in (["list"], ["show", "a"], ["reload"], ["renew", "a"]):
                r = place.ctl(*command)
                assert r.status == FAILED and "\033" not in r.err and r.err != ""


def test_strange_answers(place):
    """Whatever well-formed answer comes, it is shown or refused, and never steers the terminal."""
    for body in (b"{}", b'{"certificates":[1,null,{"name":"\\u001b]0;x\\u0007"}]}',
                 b'{"certificate":[]}', b'{"certificates":{"a":1},"certificate":7}'):
        with impostor(place, answers(body)):
            for command in (["list"], ["show", "a"], ["reload"], ["renew", "a"], ["list", "--json"],
                            ["renew", "--all"]):
                r = place.ctl(*command)
                assert r.status in (WELL, FAILED) and "\033" not in r.out + r.err, r


def test_renewd_has_trouble_while_it_is_waited_for(place):
    seen = []

    def answer(connection):
        first = connection.recv(65536).startswith(b"POST")
        seen.append(first)
        answers(b'{"certificate":{"name":"a","state":"issuing"}}' if first
                else b'{"error":"out of memory"}', 202 if first else 500)(connection)
    with impostor(place, lambda c: answer(Peeked(c))):
        r = place.ctl("renew", "--wait", "a")
        assert r.status == FAILED and r.err.count("out of memory") == 1
        r = place.ctl("renew", "--wait", "a", "b")
        assert r.status == FAILED and r.err.count("out of memory") == 1
    assert seen == [True, False, True, True, False]


def test_endless_answer(place):
    def answer(connection):
        connection.recv(65536)
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n[")
        while True:
            connection.sendall(b"0," * 32768)
    with impostor(place, answer):
        r = place.ctl("list")
    assert r.status == UNREACHABLE and "larger than 65536 kB" in r.err


def test_it_hangs(place):
    ended = threading.Event()
    with impostor(place, lambda connection: ended.wait(PATIENCE)):
        r = place.ctl("list", "--timeout", "300ms")
        ended.set()
    assert r.status == UNREACHABLE and "did not answer within" in r.err


def test_renewd_stops_while_it_is_asked(place):
    place.start("a.example")
    place.process.send_signal(signal.SIGSTOP)
    r = place.ctl("reload", "--timeout", "300ms")
    assert r.status == UNREACHABLE and "did not answer within" in r.err


# --- the command line -----------------------------------------------------------------------------

def test_help():
    r = renewctl("--help")
    assert r.status == WELL and r.err == ""
    for command in ("list", "show", "renew", "reload", "check-config"):
        assert f"\n  {command}" in r.out
        one = renewctl(command, "--help")
        assert one.status == WELL and one.out.startswith(f"renewctl {command} ")
        assert max(map(len, one.out.splitlines())) <= 80
    assert renewctl("--version").out.startswith("renewctl ")
    assert max(map(len, r.out.splitlines())) <= 80


@pytest.mark.parametrize("arguments, message", [
    ([], "which command?"),
    (["lsit"], "did you mean 'list'?"),
    (["check"], "unknown command 'check'"),
    (["frobnicate"], "see renewctl --help"),
    (["show"], "it is 'renewctl show NAME'"),
    (["show", "a", "b"], "does not take 'b'"),
    (["list", "a"], "does not take 'a'"),
    (["list", "--wait"], "'list' does not take --wait"),
    (["list", "--frob"], "--frob"),
    (["list", "--timeout", "soon"], "--timeout=soon"),
    (["list", "--timeout", "0s"], "--timeout=0s"),
    (["list", "--socket"], "--socket"),
])
def test_usage(arguments, message):
    r = renewctl(*arguments)
    assert r.status == USAGE and message in r.err and r.out == ""


def test_full_disk(place):
    place.start("a.example")
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([BUILD / "renewctl", "--socket", place.socket, "list"], stdout=full,
                              stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    assert done.returncode == FAILED and b"cannot write" in done.stderr


# --- with a CA ------------------------------------------------------------------------------------

def test_renew_waits_for_the_certificate(tmp_path):
    lab = pytest.importorskip("lab")
    if not lab.pebble_versions():
        pytest.skip("Pebble is missing")
    for p in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        p.chmod(0o755)
    with contextlib.ExitStack() as stack:
        r = lab.Renewd(tmp_path)
        dns = lab.NameServer(tmp_path, lab.pebble_versions()[0])
        ca = lab.Pebble(tmp_path, dns, r.http_port)
        for program in (dns, ca, r):
            stack.callback(program.stop)
        dns.start()
        ca.start()
        r.configure(ca.section(), "[Certificate a.example]\nCA=lab\nRun=/bin/true\n"
                                  "[Certificate b.example]\nCA=lab\nRun=/bin/false\n").start()
        r.wait_issued("a.example")
        first = r.serial("a.example")
        done = renewctl("--socket", r.control, "renew", "--wait", "a.example")
        assert done.status == WELL, done
        assert done.out.startswith("a.example: renewed, valid until ")
        assert done.out.endswith("; /bin/true done\n")
        assert r.serial("a.example") != first

        done = renewctl("--socket", r.control, "renew", "--wait", "--all")
        assert done.status == FAILED
        assert "a.example: renewed" in done.out and "b.example: /bin/false" in done.err
        shown = renewctl("--socket", r.control, "list").out
        assert "[##########]" in shown and "not deployed" in shown
        assert "1 well, 1 needs attention" in shown
        shown = renewctl("--socket", r.control, "show", "a.example").out
        assert r.serial("a.example") in shown and str(r.live("a.example")) in shown
