# SPDX-License-Identifier: LGPL-2.1-or-later
"""What systemd and an administrator expect of a service: reload, watchdog, death, stop."""
from conftest import NAME, wait_for, wait_for_ca

USEC = 1000000


def test_reload(lab):
    """`systemctl reload` comes back when the new configuration is in force, or fails and says
    every FILE:LINE."""
    lab.configure(lab.certificate())
    lab.start()
    first = lab.wait_deployed()["issued"]["serial"]
    lab.configure(lab.certificate(), lab.certificate("b.example"))
    pid = lab.main_pid()
    lab.systemctl("reload", "renewd.service")
    assert lab.status("b.example")["configured"]
    assert lab.main_pid() == pid
    lab.wait_deployed("b.example")
    assert lab.status()["issued"]["serial"] == first  # what did not change is not touched

    lab.configure(lab.certificate(Reloda="nginx.service"), lab.certificate("c.example", Key="dsa"))
    assert lab.systemctl("reload", "renewd.service", check=False).returncode != 0
    assert lab.is_active("renewd.service")
    assert lab.status("b.example")["configured"]
    assert lab.request("GET", "/v1/certificates/c.example")[0] == 404
    for text in (r"renewd.conf:\d+: unknown key 'Reloda' .* did you mean 'Reload'",
                 r"renewd.conf:\d+: .*dsa"):
        lab.wait_message(text, "_SYSTEMD_UNIT=renewd.service")
    # `systemctl status` says it too, by what the command that asked for it wrote.
    assert "unknown key 'Reloda'" in lab.systemctl("status", "renewd.service").stdout


def test_hangup(lab):
    lab.configure(lab.certificate())
    lab.start()
    lab.wait_deployed()
    lab.configure(lab.certificate(), lab.certificate("b.example"))
    lab.systemctl("kill", "--signal=HUP", "renewd.service")
    wait_for(lambda: lab.request("GET", "/v1/certificates/b.example")[0] == 200, "the reload")
    assert lab.is_active("renewd.service")


def test_bad_configuration_at_start(lab):
    """It ends with the reason, and is not tried again and again."""
    lab.configure(lab.certificate(Nmaes="a.example"))
    assert lab.systemctl("start", "renewd.service", check=False).returncode != 0
    lab.wait_message(r"/etc/renewd/renewd.conf:\d+: unknown key 'Nmaes'",
                     "_SYSTEMD_UNIT=renewd.service")


def test_killed(lab):
    """It is started again and has forgotten nothing; its sockets were there all the time."""
    lab.drop_in("renewd.service", "[Service]\nRestartSec=100ms\n")
    lab.configure(lab.certificate())
    lab.start()
    before = lab.wait_deployed()
    pid = lab.main_pid()
    lab.systemctl("kill", "--signal=KILL", "renewd.service")
    wait_for(lambda: lab.main_pid() not in (0, pid) and lab.is_active("renewd.service"),
             "the next renewd")
    after = lab.status()
    assert after["issued"] == before["issued"]
    assert after["next_attempt"] == before["next_attempt"]
    assert lab.is_active("renewd-http.socket")


def test_killed_during_an_order(lab):
    """The order goes on where it was: one is made in all."""
    lab.drop_in("renewd.service", "[Service]\nRestartSec=100ms\n")
    lab.configure(lab.certificate())
    lab.systemctl("kill", "--signal=STOP", "lab-dns.service")  # what its validation waits for
    try:
        lab.start()
        url = wait_for(lambda: (s := lab.status()) and s["order"] and s["order"]["url"],
                       "the order")
        pid = lab.main_pid()
        lab.systemctl("kill", "--signal=KILL", "renewd.service")
        wait_for(lambda: lab.main_pid() not in (0, pid) and lab.is_active("renewd.service"),
                 "the next renewd")
        wait_for(lambda: (s := lab.status()) and s["order"] and s["order"]["state"] == "validating",
                 "the order's resumption")
    finally:
        lab.systemctl("kill", "--signal=CONT", "lab-dns.service")
    lab.wait_deployed()
    assert {r["RENEWD_ORDER"] for r in lab.journal() if "RENEWD_ORDER" in r} == {url}


def test_watchdog(lab):
    """A renewd that hangs is ended and started again."""
    lab.drop_in("renewd.service", "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n")
    lab.configure(lab.certificate())
    lab.start()
    lab.wait_deployed()
    pid = lab.main_pid()
    lab.systemctl("kill", "--signal=STOP", "renewd.service")
    wait_for(lambda: lab.main_pid() not in (0, pid) and lab.is_active("renewd.service"),
             "the next renewd")
    assert [m for m in lab.messages("_PID=1", "UNIT=renewd.service") if "Watchdog timeout" in m]
    assert lab.status()["issued"]


def test_stop(lab):
    """At once and with a good status, while it waits for a CA that says nothing."""
    lab.configure(lab.certificate())
    lab.systemctl("kill", "--signal=STOP", "lab-ca-lab.service")
    try:
        lab.start()
        wait_for(lambda: lab.status()["state"] == "issuing", "the attempt")
        lab.systemctl("stop", "renewd.service")
    finally:
        lab.systemctl("kill", "--signal=CONT", "lab-ca-lab.service")
    shown = lab.show("renewd.service", "Result", "ExecMainStatus",
                     "ExecMainExitTimestampMonotonic", "ActiveExitTimestampMonotonic")
    assert (shown["Result"], shown["ExecMainStatus"]) == ("success", "0")
    took = (int(shown["ExecMainExitTimestampMonotonic"])
            - int(shown["ActiveExitTimestampMonotonic"]))
    assert took < 10 * USEC, took  # systemd would kill it after 90 s
    assert not [r for r in lab.journal("_PID=1", "UNIT=renewd.service")
                if "timed out" in r["MESSAGE"]]


def test_ready_without_a_ca(lab):
    """Ready while its CA is not there, and at work when it is."""
    lab.configure(lab.certificate())
    lab.systemctl("kill", "--signal=KILL", "lab-ca-lab.service")
    try:
        lab.start()
        assert lab.is_active("renewd.service")
        lab.wait_message("127.0.0.1:14000", "_SYSTEMD_UNIT=renewd.service", "-p", "warning")
    finally:
        lab.systemctl("start", "lab-ca-lab.service")
    wait_for_ca(lab.box, "lab")
    assert lab.request("POST", f"/v1/certificates/{NAME}/renew")[0] == 202
    lab.wait_deployed()
