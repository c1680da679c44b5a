# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ends at the worst moments: renewd's, the CA's, the connection's, the disk's."""
import collections
import contextlib
import os
import re
import shutil
import signal
import subprocess

import lab
import pytest
from test_issue import certificate

needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is missing")

# What changes something outside of the process. With RENEWD_SWEEP=all every call of each is a point,
# else this many of them, spread evenly.
FATAL = ("fsync", "renameat", "renameat2", "rename", "symlinkat", "unlinkat", "mkdirat", "connect",
         "sendto", "openat", "write", "fchmod", "ftruncate")
POINTS = None if os.environ.get("RENEWD_SWEEP") == "all" else 5


def orders(ca):
    return max([0, *[int(n) for n in re.findall(r"There are now (\d+) orders", ca.output())]])


def accounts(ca):
    return max([0, *[int(n) for n in re.findall(r"There are now (\d+) accounts", ca.output())]])


def strace(r, *options):
    """Runs renewd --once under strace. LeakSanitizer is a tracer, too, and there can be but one."""
    environment = {**os.environ,
                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
    return subprocess.run(["strace", "-f", "-o", r.path / "strace.log", *options,
                           *r.command("--once")], capture_output=True, text=True, check=False,
                          env=environment)


def count_calls(r):
    """How often one issuance makes each of the calls."""
    done = strace(r, "-e", "trace=" + ",".join(FATAL))
    assert done.returncode == 0, done.stderr
    log = (r.path / "strace.log").read_text()
    return collections.Counter(re.findall(r"^\d+ +(\w+)\(", log, re.M))


def spread(n):
    if POINTS is None or n <= POINTS:
        return range(1, n + 1)
    return sorted({1 + i * (n - 1) // (POINTS - 1) for i in range(POINTS)})


def run_killed(r, call, number):
    """Return: whether it was killed; else it came to its end before that many calls."""
    done = strace(r, "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}")
    return done.returncode != 0


@needs_strace
def test_killed_at_many_moments_of_the_first_issuance(place):
    """reliability.md 1: every run after a kill converges; no key is lost; at most one order more."""
    ca = place.pebble(environment={"WFE_NONCEREJECT": 0})
    r = place.renewd(ca.section(), certificate("a.example"))
    calls = count_calls(r)
    killed = 0
    for call, n in sorted(calls.items()):
        for number in spread(n):
            shutil.rmtree(r.state)
            before = orders(ca), accounts(ca)
            killed += run_killed(r, call, number)
            again = r.run("--once")
            assert again.returncode == 0, f"{call} {number}: {again.stderr}"
            lab.check_pair(r.live("a.example"))
            assert orders(ca) - before[0] <= 2, f"{call} {number}"
            # A key is on disk before the CA hears of it: never a second account.
            assert accounts(ca) - before[1] <= 1, f"{call} {number}"
            assert len(list((r.state / "accounts/lab").glob("[!.]*"))) == 1
    assert killed > len(calls)


@needs_strace
def test_killed_at_many_moments_of_a_renewal(place):
    """The old pair is whole until the new one is."""
    ca = place.pebble(environment={"WFE_NONCEREJECT": 0})
    r = place.renewd(ca.section(), certificate("a.example"))
    assert r.run("--once").returncode == 0

    def want(i):
        names = f"a.example n{i}.example"
        r.configure(ca.section(), certificate("a.example", Names=names))
        return set(names.split())

    want("x")
    calls = count_calls(r)
    i = 0
    for call, n in sorted(calls.items()):
        for number in spread(n):
            i += 1
            wanted, old, before = want(i), r.serial("a.example"), orders(ca)
            run_killed(r, call, number)
            lab.check_pair(r.live("a.example"))
            again = r.run("--once")
            assert again.returncode == 0, f"{call} {number}: {again.stderr}"
            lab.check_pair(r.live("a.example"))
            assert r.serial("a.example") != old
            text = lab.openssl("x509", "-in", r.live("a.example") / "cert.pem", "-noout", "-text")
            assert set(re.findall(r"DNS:([a-z0-9.]+)", text)) == wanted
            assert orders(ca) - before <= 2, f"{call} {number}"
            assert len(list((r.state / "certificates/a.example").glob("2*"))) <= 4


FAILING = ("fsync", "renameat", "renameat2", "symlinkat", "mkdirat", "write", "openat", "fchmod")


@needs_strace
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_every_call_fails_once(place, error):
    """reliability.md 5: the failure is named, the old pair stays, the next run makes it good."""
    ca = place.pebble(environment={"WFE_NONCEREJECT": 0})
    r = place.renewd(ca.section(), certificate("a.example"))
    assert r.run("--once").returncode == 0
    r.configure(ca.section(), certificate("a.example", Names="a.example x.example"))
    calls = count_calls(r)
    i = n_injected = 0
    for call in sorted(set(FAILING) & set(calls)):
        for number in spread(calls[call]):
            i += 1
            names = f"a.example n{i}.example"
            r.configure(ca.section(), certificate("a.example", Names=names))
            done = strace(r, "-e", f"trace={call}", "-e",
                          f"inject={call}:error={error}:when={number}")
            n_injected += "(INJECTED)" in (r.path / "strace.log").read_text()
            assert done.returncode == 0 or done.stderr, f"{call} {number} fails without a word"
            assert done.returncode >= 0 and done.returncode < 128, f"{call} {number} crashes"
            lab.check_pair(r.live("a.example"))
            if done.returncode != 0:
                # Backing off after the failure: the operator's word ends it.
                r.start()
                if r.status("a.example")["state"] != "resting":
                    r.request("POST", "/v1/certificates/a.example/renew")
                    r.wait_state("a.example", "resting")
                r.stop()
            assert r.run("--once").returncode == 0, f"{call} {number}"
            lab.check_pair(r.live("a.example"))
            text = lab.openssl("x509", "-in", r.live("a.example") / "cert.pem", "-noout", "-text")
            assert f"DNS:n{i}.example" in text
    assert n_injected > len(FAILING)


def test_disk_full(place):
    """A full disk costs nothing but time: the old pair stays, and nothing is ordered twice."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount")
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example"))
    r.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=160k,mode=711", "none", r.state],
                   check=True)
    try:
        r.start()
        serial = r.wait_issued("a.example")["issued"]["serial"]
        filler = r.state / "filler"
        with open(filler, "wb", buffering=0) as f, contextlib.suppress(OSError):
            while True:
                f.write(b"x" * 1024)
        before = orders(ca)
        assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
        status = lab.wait_for(lambda: (s := r.status("a.example"))["failures"] and s)
        assert "No space left" in status["last_problem"]["detail"]
        lab.check_pair(r.live("a.example"))
        assert r.serial("a.example") == serial
        filler.unlink()
        assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
        r.wait_issued("a.example", other_than=serial)
        assert orders(ca) - before <= 1
        r.stop()
    finally:
        r.stop()
        subprocess.run(["umount", r.state], check=True)


def test_the_ca_forgets_everything(place, version):
    """Pebble restarted in the middle: the account is made anew with the same key, the order too."""
    ca = place.pebble(version, environment={"VA_NOSLEEP": "", "VA_SLEEPTIME": 4})
    r = place.renewd(ca.section(), certificate("a.example"), certificate("b.example")).start()
    lab.wait_for(lambda: (o := r.status("a.example")["order"]) and o["state"] == "validating")
    ca.stop(signal.SIGKILL)
    ca.environment["PEBBLE_VA_SLEEPTIME"] = "0"
    ca.start()
    for name in ("a.example", "b.example"):
        # What failed meanwhile is tried again after a minute; the operator is quicker.
        lab.wait_for(lambda n=name: r.status(n)["state"] in ("backoff", "resting"))
        if r.status(name)["state"] == "backoff":
            assert r.request("POST", f"/v1/certificates/{name}/renew")[0] == 202
        r.wait_issued(name)
    assert len(list((r.state / "accounts/lab").iterdir())) == 1


@pytest.mark.parametrize("then", ["goes on", "other names", "listener"])
def test_files_of_a_webroot_after_a_crash(place, then):
    """What a killed renewd left in a web server's directory is taken away by the next one, whether its
    order goes on or is of no use any more."""
    ca = place.pebble(environment={"VA_NOSLEEP": "", "VA_SLEEPTIME": 5})
    root = place.path / "webroot"
    root.mkdir()
    r = place.renewd(ca.section(), certificate("a.example", Webroot=root)).start()
    token = lab.wait_for(lambda: list(root.iterdir()), "the token")
    lab.wait_for(lambda: (o := r.status("a.example")["order"]) and o["state"] == "validating")
    r.stop(signal.SIGKILL)
    assert list(root.iterdir()) == token
    ca.stop()
    ca.environment["PEBBLE_VA_SLEEPTIME"] = "0"
    ca.start()
    keys = {"goes on": {"Webroot": root}, "listener": {},
            "other names": {"Webroot": root, "Names": "b.example"}}[then]
    r.configure(ca.section(), certificate("a.example", **keys))
    if "Webroot" in keys:  # nobody shows the files: what counts is that they go
        r.start()
        lab.wait_for(lambda: r.status("a.example")["failures"], "the failure")
        r.stop()
    else:
        r.start()
        r.wait_issued("a.example")
    assert list(root.iterdir()) == []


def test_killed_again_and_again_while_it_runs(place):
    """The daemon itself, not --once: SIGKILL after a growing time, until it is done."""
    ca = place.pebble()
    names = [f"c{i}.example" for i in range(6)]
    r = place.renewd(ca.section(), *[certificate(n) for n in names])
    for i in range(12):
        r.start()
        try:
            r.wait(0.2 + 0.15 * i)
        except subprocess.TimeoutExpired:
            pass
        r.stop(signal.SIGKILL)
        for name in names:
            if r.live(name).exists():
                lab.check_pair(r.live(name))
    r.start()
    for name in names:
        r.wait_issued(name)
    assert len(list((r.state / "accounts/lab").glob("[!.]*"))) == 1
    assert orders(ca) <= len(names) + 12 * 4
