# SPDX-License-Identifier: LGPL-2.1-or-later
"""The manners of a daemon: start, reload, end, and what it says of them."""
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

import lab
import pytest
from test_issue import certificate

DEAD_CA = "[CA lab]\nDirectory=https://127.0.0.1:9/dir\nAgreeToTerms=yes\n"


def test_ready_while_the_ca_is_dead(place):
    """Lesson 25: no CA is contacted before READY=1, and the failure is one line with a next attempt."""
    r = place.renewd(DEAD_CA, certificate("a.example")).start()
    status = lab.wait_for(lambda: (s := r.status("a.example"))["failures"] and s)
    assert status["state"] == "backoff" and status["next_attempt"]
    line, = lab.log_lines(r.output(), "a.example: lab: ")
    assert "127.0.0.1" in line and "Next attempt in" in line
    assert "There is no certificate yet" in line


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root, unshare")
def test_a_name_server_that_never_answers(place):
    """It holds up neither the start nor the API nor the end."""
    resolv, nss = place.path / "resolv.conf", place.path / "nsswitch.conf"
    resolv.write_text("nameserver 127.0.0.9\noptions timeout:30 attempts:5\n")
    nss.write_text("hosts: dns\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.9", 53))
        silent.settimeout(lab.PATIENCE)
        r = place.renewd("[CA lab]\nDirectory=https://ca.example/dir\nAgreeToTerms=yes\n",
                         certificate("a.example"))
        r.start(wrapper=["unshare", "-m", "sh", "-c",
                         f"mount --bind {resolv} /etc/resolv.conf; "
                         f"mount --bind {nss} /etc/nsswitch.conf; exec \"$@\"", "sh"])
        assert silent.recv(512)  # it did ask
        for _ in range(20):
            assert r.status("a.example")["state"] == "issuing"
        started = time.monotonic()
        assert r.stop() == 0
        # The resolver gives up after 150 s: nobody waits for it.
        assert time.monotonic() - started < 20


def test_end_during_an_order(place):
    ca = place.pebble(environment={"VA_NOSLEEP": "", "VA_SLEEPTIME": 5})
    r = place.renewd(ca.section(), certificate("a.example")).start()
    lab.wait_for(lambda: (o := r.status("a.example")["order"]) and o["state"] == "validating")
    assert r.stop() == 0
    assert any("STOPPING=1" in m for m in r.told)
    assert (r.state / "certificates/a.example/order/order.json").exists()
    r.start()
    r.wait_issued("a.example")
    # Resumed: the CA has heard of one order.
    assert ca.output().count("There are now 1 orders") == 1
    assert "There are now 2 orders" not in ca.output()


# --- reload ---------------------------------------------------------------------------------------


def hang_up(r):
    seen = len(r.notify.messages)
    r.kill(signal.SIGHUP)
    lab.wait_for(lambda: any("READY=1" in m for m in r.notify.messages[seen:]), "the reload")
    return r.notify.messages[seen:]


def test_reload_tells_systemd(place):
    r = place.renewd(DEAD_CA, certificate("a.example")).start()
    told = hang_up(r)
    reloading = next(m for m in told if "RELOADING=1" in m)
    assert "MONOTONIC_USEC=" in reloading
    assert told.index(reloading) < next(i for i, m in enumerate(told) if "READY=1" in m)


def test_a_bad_configuration_changes_nothing(place):
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example")).start()
    r.wait_issued("a.example")
    r.configure(ca.section(), certificate("a.example", Name="a.example"), certificate("b.example"))
    hang_up(r)
    line, = lab.log_lines(r.output(), f"{r.config}:.*did you mean 'Names'")
    assert r.request("GET", "/v1/certificates/b.example")[0] == 404
    status, answer = r.reload()
    assert status == 422
    assert answer["problems"][0]["file"] == str(r.config)
    assert answer["problems"][0]["line"] > 0
    assert r.status("a.example")["state"] == "resting"


def test_reload_disturbs_no_order(place):
    """SIGHUP while the CA validates: the order goes on, and it is the only one."""
    ca = place.pebble(environment={"VA_NOSLEEP": "", "VA_SLEEPTIME": 2})
    r = place.renewd(ca.section(), certificate("a.example")).start()
    lab.wait_for(lambda: (o := r.status("a.example")["order"]) and o["state"] == "validating")
    url = r.status("a.example")["order"]["url"]
    r.configure(ca.section(), certificate("a.example"), certificate("b.example"),
                MaxParallelOrders=2)
    for _ in range(5):
        hang_up(r)
    order = r.status("a.example")["order"]
    assert order["url"] == url
    r.wait_issued("a.example")
    r.wait_issued("b.example")
    assert len(lab.log_lines(r.output(), "a.example: ordering")) == 1


def test_reload_under_fire(place):
    """Many reloads, good and bad, while certificates are issued."""
    ca = place.pebble()
    names = [f"c{i}.example" for i in range(12)]
    sections = [ca.section(), *[certificate(n) for n in names]]
    r = place.renewd(*sections).start()
    for i in range(30):
        r.configure(*sections, *(["[Nonsense]\n"] if i % 3 == 0 else []))
        assert r.reload()[0] == (422 if i % 3 == 0 else 200)
    r.configure(*sections)
    for name in names:
        r.wait_issued(name)
        lab.check_pair(r.live(name))
        assert len(lab.log_lines(r.output(), f" {name}: ordering")) == 1


def test_a_certificate_that_is_no_longer_configured(place):
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example"), certificate("b.example")).start()
    r.wait_issued("a.example")
    r.wait_issued("b.example")
    serial = r.serial("a.example")
    r.configure(ca.section(), certificate("b.example"))
    assert r.reload()[0] == 200
    status = r.status("a.example")
    assert status["state"] == "unconfigured" and not status["configured"]
    assert status["issued"]["serial"] == serial and r.serial("a.example") == serial
    assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 409
    # It comes back as it was, without an order.
    r.configure(ca.section(), certificate("a.example"), certificate("b.example"))
    assert r.reload()[0] == 200
    assert r.status("a.example")["state"] == "resting"
    assert r.serial("a.example") == serial


# --- the challenge port ---------------------------------------------------------------------------


def test_the_port_is_taken(place):
    """Started all the same; the holder is named and three ways offered; freed, it goes on by itself."""
    ca = place.pebble()
    with socket.create_server(("127.0.0.1", place.http_port)):
        r = place.renewd(ca.section(), certificate("a.example")).start()
        status, answer = r.request("GET", "/v1/certificates")
        problem = answer["daemon"]["listen_problem"]
        assert f"{place.http_port}" in problem and f"{os.getpid()}" in problem
        for way in ("HttpListen=", "Webroot=", "proxy_pass", "alias"):
            assert way in problem
        assert problem.split("\n")[0] in r.output()
        assert r.status("a.example")["state"] == "due"
        assert r.reload()[0] == 200
    assert r.reload()[0] == 200
    r.wait_issued("a.example")


def test_listeners_follow_the_configuration(place):
    ca = place.pebble()
    other = lab.free_port()
    r = place.renewd(ca.section(), certificate("a.example"), listen=f"127.0.0.1:{other}").start()
    assert lab.is_listening(other) and not lab.is_listening(place.http_port)
    r.configure(ca.section(), certificate("a.example"))
    assert r.reload()[0] == 200
    assert not lab.is_listening(other) and lab.is_listening(place.http_port)


def test_fallback_redirects(place):
    r = place.renewd(DEAD_CA, certificate("a.example"), HttpFallback="redirect").start()
    with socket.create_connection(("127.0.0.1", place.http_port), timeout=lab.PATIENCE) as s:
        s.sendall(b"GET /x?y=1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: s.recv(4096), b"")).decode()
    assert answer.startswith("HTTP/1.1 308 ") and "Location: https://a.example/x?y=1\r\n" in answer


# --- options --------------------------------------------------------------------------------------


def test_once(place):
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example"), certificate("b.example"))
    first = r.run("--once")
    assert first.returncode == 0, first.stderr
    serial = r.serial("a.example")
    again = r.run("--once")
    assert again.returncode == 0 and "ordering" not in again.stderr
    assert r.serial("a.example") == serial


def test_once_fails_when_not_all_is_well(place):
    ca = place.pebble(domainBlocklist=["b.example"])
    r = place.renewd(ca.section(), certificate("a.example"), certificate("b.example"))
    result = r.run("--once")
    assert result.returncode == 1
    assert "b.example: is not well" in result.stderr
    assert r.serial("a.example")


def test_once_waits_for_nothing_that_it_cannot_have(place):
    r = place.renewd(DEAD_CA, certificate("a.example"))
    assert r.run("--once").returncode == 1


def test_check(place):
    r = place.renewd(DEAD_CA, certificate("a.example"))
    good = r.run("--check")
    assert good.returncode == 0 and "1 certificate" in good.stdout
    assert not r.state.exists()
    r.configure(DEAD_CA, certificate("a.example", Nmaes="x", Key="dsa"))
    bad = r.run("--check")
    assert bad.returncode == 1
    lines = lab.log_lines(bad.stderr, f"{r.config}:")
    assert len(lines) == 2 and "mean 'Names'" in lines[0] and "ecdsa-p256" in lines[1]


def test_a_bad_configuration_at_the_start(place):
    r = place.renewd(DEAD_CA, certificate("a.example", Key="dsa"))
    result = r.run()
    assert result.returncode == 1 and f"{r.config}:" in result.stderr


def test_version_help_and_nonsense(place):
    r = place.renewd(DEAD_CA)
    assert r.run("--version").stdout.startswith("renewd ")
    assert "--once" in r.run("--help").stdout
    assert r.run("--nonsense").returncode == 2
    assert r.run("word").returncode == 2


# --- more than one --------------------------------------------------------------------------------


def test_a_second_renewd_is_refused(place):
    r = place.renewd(DEAD_CA, certificate("a.example")).start()
    result = r.run()
    assert result.returncode == 1 and "another renewd is running" in result.stderr
    assert r.status("a.example")
    r.stop(signal.SIGKILL)
    # The lock went with the process, whatever is left in the directory.
    r.start()
    assert r.status("a.example")


def test_watchdog(place):
    r = place.renewd(DEAD_CA, certificate("a.example"))
    r.start(environment={"WATCHDOG_USEC": "1000000"})
    lab.wait_for(lambda: r.notify.has("WATCHDOG=1"), "WATCHDOG=1")


# --- whom it tells --------------------------------------------------------------------------------


def test_requests_that_are_none(place):
    r = place.renewd(DEAD_CA, certificate("a.example")).start()
    for method, path, status in [
            ("GET", "/v1/nothing", 404), ("DELETE", "/v1/certificates", 405),
            ("POST", "/v1/certificates", 405), ("GET", "/v1/reload", 405),
            ("GET", "/v1/certificates/none", 404), ("GET", "/v1/certificates/../x", 404),
            ("POST", "/v1/certificates/a.example/nothing", 404)]:
        assert r.request(method, path)[0] == status, path
    assert r.control.stat().st_mode & 0o777 == 0o660


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_strangers_may_look_and_not_act(place):
    r = place.renewd(DEAD_CA, certificate("a.example")).start()
    r.control.chmod(0o666)
    # By itself: a stranger may not read this checkout.
    ask = f"""
import socket
for line in ("GET /v1/certificates", "POST /v1/reload"):
    s = socket.socket(socket.AF_UNIX)
    s.connect({str(r.control)!r})
    s.sendall(line.encode() + b" HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n")
    print(s.recv(12).split()[1].decode())
"""
    stranger = subprocess.run(["/usr/bin/python3", "-c", ask], user=65534, group=65534, cwd="/",
                              extra_groups=[], capture_output=True, text=True, check=False)
    assert stranger.stdout.split() == ["200", "403"], stranger.stderr


def test_many_clients_and_half_requests(place):
    """Clients that stop in the middle, leave, or say nothing cost nobody else anything."""
    r = place.renewd(DEAD_CA, certificate("a.example")).start()
    idle = []
    for i in range(30):
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(r.control))
        s.sendall([b"", b"GET /v1/cert", b"POST /v1/reload HTTP/1.1\r\nContent-Length: 9\r\n\r\n"]
                  [i % 3])
        idle.append(s)
    threads = [threading.Thread(target=lambda: [r.status("a.example") for _ in range(20)])
               for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for s in idle:
        s.close()
    assert r.status("a.example")
