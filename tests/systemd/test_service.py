# SPDX-License-Identifier: LGPL-2.1-or-later
"""The main job under systemd: from `systemctl enable --now` to a web server that serves."""
import subprocess

import box as boxes
from conftest import NAME, wait_for

ISSUED = "MESSAGE_ID=835963d536f7495ea4edadea26535438"
DEPLOYED = "MESSAGE_ID=7b588e5f9c184ed69d85f8eb4c025b2b"


def test_issued_reloaded_served(lab):
    """A web server that is stopped stays stopped, and is told of; one that runs is reloaded."""
    lab.configure(lab.certificate(Reload="nginx.service"))
    lab.nginx(lab.https_site(), start=False)
    lab.start()
    first = lab.wait_deployed()
    assert "nginx.service is not running, left stopped" in first["deployment"]["detail"]
    assert first["preflight"] == []  # it can look ahead from within its sandbox
    assert lab.show("nginx.service", "ActiveState") == "inactive"

    lab.systemctl("start", "nginx.service")
    assert lab.served() == first["issued"]["serial"]
    pid = lab.main_pid("nginx.service")

    assert lab.request("POST", f"/v1/certificates/{NAME}/renew")[0] == 202
    second = lab.wait_deployed(other_than=first["issued"]["serial"])
    assert "nginx.service reloaded" in second["deployment"]["detail"]
    # nginx's -s reload is a signal: its new workers come a little later.
    wait_for(lambda: lab.served() == second["issued"]["serial"], "the new certificate")
    assert lab.main_pid("nginx.service") == pid  # and not started again


def test_renewal_reaches_the_web_server(lab):
    """Of its own accord, with certificates that live for half a minute."""
    lab.configure(lab.certificate(ca="quick", Reload="nginx.service"))
    lab.nginx(lab.https_site(), start=False)
    lab.start()
    lab.wait_deployed()
    lab.systemctl("start", "nginx.service")
    before = lab.served()
    assert before
    after = wait_for(lambda: (serial := lab.served()) != before and serial,
                     "the renewed certificate")
    assert [m for m in lab.messages(ISSUED) if f"serial {after}," in m]
    # Not because the one of before had ended.
    assert lab.messages("MESSAGE_ID=8265e45b3a1d4e57a1ba6a797a2673eb") == []


def test_failed_service_is_started(lab):
    """nginx could not start for want of its certificate: its time has come."""
    lab.configure(lab.certificate(Reload="nginx.service"))
    lab.nginx(lab.https_site(), start=False)
    assert lab.systemctl("start", "nginx.service", check=False).returncode != 0
    lab.start()
    status = lab.wait_deployed()
    assert "nginx.service started (it had failed)" in status["deployment"]["detail"]
    assert lab.served() == status["issued"]["serial"]


def test_reload_that_fails(lab):
    """The certificate stays, nothing is ordered again, and it is said where to look."""
    lab.configure(lab.certificate(Reload="nginx.service"))
    lab.nginx("server { listen 8080; }\n")
    lab.write("/etc/nginx/sites-enabled/default", "nonsense;\n")
    lab.start()
    message = lab.wait_message("nginx.service could not be reloaded",
                               f"RENEWD_CERTIFICATE={NAME}", "_SYSTEMD_UNIT=renewd.service")
    assert "journalctl -u nginx.service" in message
    status = lab.status()
    assert status["deployment"]["state"] == "failed" and status["issued"]
    assert len(lab.journal(ISSUED)) == 1


def test_journal(lab):
    """Fields to filter by, one id for each kind of event."""
    lab.configure(lab.certificate(Reload="nginx.service"))
    lab.start()
    lab.wait_deployed()
    issued, = lab.journal(ISSUED)
    assert issued["RENEWD_CERTIFICATE"] == NAME
    assert issued["RENEWD_CA"] == "lab"
    assert issued["RENEWD_ORDER"].startswith("https://127.0.0.1:14000/")
    assert issued["_SYSTEMD_UNIT"] == "renewd.service"
    wait_for(lambda: lab.journal(DEPLOYED, f"RENEWD_CERTIFICATE={NAME}"), "its deployment")
    # Nothing to worry about: no warning, no error.
    assert lab.messages("-p", "warning", "_SYSTEMD_UNIT=renewd.service") == []
    assert lab.messages("-p", "warning", "_SYSTEMD_UNIT=renewd-deploy.service") == []
    # Neither the account's nor the certificate's key.
    assert not [m for m in lab.messages() if "PRIVATE KEY" in m]


def test_status_line(lab):
    """What `systemctl status` shows."""
    lab.configure(lab.certificate(), lab.certificate("b.example"))
    lab.start()
    lab.wait_deployed()
    lab.wait_deployed("b.example")
    wait_for(lambda: lab.show("renewd.service", "StatusText").startswith(
        "2 certificates, next renewal in "), "its status")
    assert 'Status: "2 certificates, next renewal in ' in lab.systemctl(
        "status", "renewd.service").stdout


def test_run(lab):
    """A command's output is in the journal, with the certificate's field; it runs as root."""
    lab.write("/usr/local/sbin/hook", '#!/bin/sh\necho "hello $RENEWD_CERTIFICATE as $(id -un)"\n'
                                      'ls "$RENEWD_DIRECTORY" >/root/hook-was-here\n', mode=0o755)
    lab.configure(lab.certificate(Run="/usr/local/sbin/hook"))
    lab.start()
    lab.wait_deployed()
    lab.wait_message(f"hello {NAME} as root", "_SYSTEMD_UNIT=renewd-deploy.service",
                     f"RENEWD_CERTIFICATE={NAME}")
    assert "fullchain.pem" in lab.run("cat", "/root/hook-was-here").stdout


def test_run_that_fails(lab):
    lab.write("/usr/local/sbin/hook", "#!/bin/sh\necho the disk is full >&2\nexit 3\n", mode=0o755)
    lab.configure(lab.certificate(Run="/usr/local/sbin/hook"))
    lab.start()
    lab.wait_message("exited with status 3: the disk is full", "_SYSTEMD_UNIT=renewd.service",
                     f"RENEWD_CERTIFICATE={NAME}")
    assert lab.status()["deployment"]["state"] == "failed"


def test_deploy_ends_when_idle(lab):
    """And is there again when it is needed."""
    lab.drop_in("renewd-deploy.service",
                "[Service]\nExecStart=\nExecStart=/usr/lib/renewd/renewd-deploy --idle 1\n")
    lab.configure(lab.certificate(Run="/bin/true"))
    lab.start()
    first = lab.wait_deployed()
    wait_for(lambda: lab.show("renewd-deploy.service", "ActiveState") == "inactive", "its end")
    assert lab.show("renewd-deploy.service", "Result") == "success"
    lab.request("POST", f"/v1/certificates/{NAME}/renew")
    lab.wait_deployed(other_than=first["issued"]["serial"])


def boot(box, *enabled):
    """A machine with the smallest configuration, and units that are enabled beforehand."""
    box.install()
    box.write("/etc/renewd/renewd.conf", "[CA letsencrypt]\nAgreeToTerms=yes\n"
              f"[Certificate {NAME}]\nReload=nginx.service\n")
    subprocess.run(["systemctl", f"--root={box.root}", "enable", *enabled], check=True,
                   capture_output=True)
    box.boot()


def states(box, *units):
    return box.run("systemctl", "is-active", *units, check=False).stdout.split()


def test_boot(booted):
    """Enabled units start with the machine, and wait for no network: there is none."""
    with boxes.Box() as box:
        boot(box, "renewd.service")
        units = ["renewd.service", "renewd-http.socket", "renewd-deploy.socket"]
        assert states(box, *units) == ["active"] * 3
        assert states(box, "network-online.target") == ["inactive"]
        assert box.run("systemctl", "--failed", "--no-legend").stdout == ""


def test_boot_with_a_web_server(booted):
    """At boot too port 80 is the web server's that is enabled."""
    with boxes.Box() as box:
        boot(box, "renewd.service", "nginx.service")
        assert states(box, "nginx.service", "renewd.service", "renewd-http.socket") == [
            "active", "active", "failed"]
        # For good, and without a failed unit:
        box.run("systemctl", "disable", "renewd-http.socket")
        box.run("systemctl", "reset-failed")
        box.run("systemctl", "restart", "renewd.service")
        assert box.run("systemctl", "--failed", "--no-legend").stdout == ""
