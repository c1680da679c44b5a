# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renewals that can be watched: certificates that live for seconds, and who is told of them."""
import json
import time

import lab
import pytest
from test_issue import certificate


def test_nginx_serves_each_renewal(place, version):
    """A renewal every few seconds for a minute; after each one nginx serves the new serial."""
    ca = place.pebble(version, validity=15)
    r = place.renewd(ca.section())
    web = place.nginx(r.live("localhost"))
    r.configure(ca.section(), certificate("localhost", Run=web.reload_command()))
    r.start()
    serial, served = None, set()
    lab.wait_for(lambda: r.live("localhost").exists(), "the first certificate")
    web.start()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        status = r.wait_issued("localhost", other_than=serial)
        serial = status["issued"]["serial"]
        lab.wait_for(lambda: lab.served_serial(web.port) == r.serial("localhost"),
                     "the new certificate in nginx")
        served.add(serial)
    assert len(served) >= 4
    assert r.status("localhost")["failures"] == 0
    # Three generations are kept.
    assert len(list((r.state / "certificates/localhost").glob("2*"))) == 3


def test_what_a_command_is_given(place):
    """The documented environment, no shell, and the output in the log."""
    ca = place.pebble()
    script = place.path / "hook"
    script.write_text("#!/bin/sh\nenv > env.tmp; pwd >> env.tmp\n"
                      f"printf '%s\\n' \"$@\" > {place.path}/args; mv env.tmp {place.path}/env\n"
                      "echo out; echo err >&2\n")
    script.write_text(script.read_text().replace("env.tmp", f"{place.path}/env.tmp"))
    script.chmod(0o755)
    r = place.renewd(ca.section(), certificate(
        "a.example", Names="a.example b.example", Run=f"{script} one $HOME ;ls *")).start()
    status = r.wait_issued("a.example")
    assert (place.path / "args").read_text().splitlines() == ["one", "$HOME", ";ls", "*"]
    lines = (place.path / "env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines if "=" in line)
    assert env["RENEWD_EVENT"] == "deployed"
    assert env["RENEWD_CERTIFICATE"] == "a.example"
    assert sorted(env["RENEWD_NAMES"].split()) == ["a.example", "b.example"]
    assert env["RENEWD_DIRECTORY"] == str(r.live("a.example"))
    assert env["RENEWD_SERIAL"] == status["issued"]["serial"]
    assert lab.parse_time(env["RENEWD_NOT_AFTER"]) == lab.parse_time(status["issued"]["not_after"])
    log = r.output()
    assert "out" in log and "err" in log


def test_a_command_that_fails_is_run_again_and_orders_nothing(place):
    """Lessons 13 and 15: what fails after issuance never orders again."""
    ca = place.pebble()
    good = place.path / "good"
    script = place.path / "hook"
    script.write_text(f"#!/bin/sh\ntest -e {good} || {{ echo no such luck >&2; exit 7; }}\n")
    script.chmod(0o755)
    r = place.renewd(ca.section(), certificate("a.example", Run=script)).start()
    status = lab.wait_for(
        lambda: (s := r.status("a.example"))["deployment"]["state"] == "failed" and s)
    assert "7" in status["deployment"]["problem"] and status["deployment"]["next_attempt"]
    assert status["state"] == "resting"
    serial = r.serial("a.example")
    # A restart does not forget it, and does not order either.
    r.stop()
    good.touch()
    state = r.state / "certificates/a.example/state.json"
    remembered = json.loads(state.read_text())
    assert "deploy" in json.dumps(remembered)
    r.start()
    assert r.status("a.example")["deployment"]["state"] in ("failed", "pending", "done")
    # The operator's way of saying "now".
    r.stop()
    r.configure(ca.section(), certificate("a.example", Run=f"{script} again"))
    r.start()
    assert r.serial("a.example") == serial
    assert len(lab.log_lines(r.output(), "a.example: ordering")) == 1


def test_one_run_for_certificates_renewed_together(place):
    ca = place.pebble()
    count = place.path / "count"
    script = place.path / "hook"
    script.write_text(f"#!/bin/sh\necho \"$RENEWD_CERTIFICATE\" >> {count}\n")
    script.chmod(0o755)
    names = [f"c{i}.example" for i in range(4)]
    r = place.renewd(ca.section(), *[certificate(n, Run=script) for n in names],
                     SettleTime="5s").start()
    for name in names:
        r.wait_issued(name)
    # A command is told of each certificate.
    assert sorted(count.read_text().split()) == names


def test_crash_between_switch_and_deployment(place):
    """Lesson 16: the deployment is made good after the start."""
    ca = place.pebble()
    done = place.path / "done"
    script = place.path / "hook"
    script.write_text(f"#!/bin/sh\ntouch {done}\n")
    script.chmod(0o755)
    r = place.renewd(ca.section(), certificate("a.example", Run=script), SettleTime="1h").start()
    r.wait_issued("a.example", deployed=False)
    serial = r.serial("a.example")
    r.stop(9)
    assert not done.exists()
    r.configure(ca.section(), certificate("a.example", Run=script)).start()
    r.wait_issued("a.example")
    assert done.exists() and r.serial("a.example") == serial


@pytest.mark.parametrize("name, damage", [
    ("empty", b""), ("cut", None), ("garbage", bytes(range(256))), ("other", b'{"version":1}'),
    ("list", b"[]"), ("deep", b"[" * 100000)])
def test_damaged_state(place, name, damage):
    """Lesson 10: one warning, and that certificate starts from its files."""
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example"), certificate("b.example")).start()
    r.wait_issued("a.example")
    r.wait_issued("b.example")
    serial = r.serial("a.example")
    r.stop()
    state = r.state / "certificates/a.example/state.json"
    state.write_bytes(state.read_bytes()[:40] if damage is None else damage)
    r.log.unlink()
    r.start()
    assert r.status("a.example")["state"] == "resting"
    assert r.status("b.example")["state"] == "resting"
    assert r.serial("a.example") == serial
    assert len(lab.log_lines(r.output(), "warning")) == (0 if name == "other" else 1)
    assert not lab.log_lines(r.output(), "ordering")


def test_state_of_a_newer_renewd(place):
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example"), certificate("b.example")).start()
    r.wait_issued("a.example")
    r.stop()
    state = r.state / "certificates/a.example/state.json"
    newer = state.read_text().replace('"version":1', '"version":2').replace(
        '"version": 1', '"version": 2')
    state.write_text(newer)
    r.start()
    assert r.status("a.example")["state"] == "read-only"
    assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 409
    r.wait_issued("b.example")
    r.stop()
    assert state.read_text() == newer


def test_damaged_files(place):
    """The newest generation that is whole takes the place of one that is not."""
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example")).start()
    first = r.wait_issued("a.example")["issued"]["serial"]
    assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
    r.wait_issued("a.example", other_than=first)
    r.stop()
    (r.live("a.example") / "privkey.pem").write_text("")
    r.start()
    assert r.status("a.example")["issued"]["serial"] == first
    assert r.serial("a.example") == first
    assert lab.log_lines(r.output(), "warning.*a.example")


def test_nothing_left_of_the_files(place):
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example")).start()
    r.wait_issued("a.example")
    r.stop()
    for file in (r.state / "certificates/a.example").glob("2*/*"):
        file.unlink()
    r.start()
    r.wait_issued("a.example")
    lab.check_pair(r.live("a.example"))
