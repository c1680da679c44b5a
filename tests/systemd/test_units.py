# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units as they are installed, and what they allow."""
import json
import re

from conftest import NAME, OURS, wait_for

# Run by a python3 in the box: goes into a process's mount namespace and says how each file could be
# opened for writing.
WRITER = """
import ctypes, errno, json, os, sys
pid, uid, gid, *paths = sys.argv[1:]
fd = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
if ctypes.CDLL(None, use_errno=True).setns(fd, 0):
    raise OSError(ctypes.get_errno(), "setns")
os.setgroups([]); os.setgid(int(gid)); os.setuid(int(uid))
result = {}
for path in paths:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
        os.unlink(path)
        result[path] = "written"
    except OSError as e:
        result[path] = errno.errorcode[e.errno]
print(json.dumps(result))
"""
CAP_NET_BIND_SERVICE = 10


def write_as(lab, unit, user, *paths):
    uid, gid = (lab.run("id", flag, user).stdout.strip() for flag in ("-u", "-g"))
    return json.loads(lab.run("python3", "-c", WRITER, lab.main_pid(unit), uid, gid,
                              *paths).stdout)


def process_status(lab, unit):
    text = lab.run("cat", f"/proc/{lab.main_pid(unit)}/status").stdout
    return dict(line.split(":\t", 1) for line in text.splitlines())


def test_verify(lab):
    """Nothing that systemd would ignore or misunderstand."""
    done = lab.run("systemd-analyze", "verify", "--man=no", *OURS, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_directories(lab):
    out = lab.run("stat", "-c", "%n %U %G %a", "/run/renewd", "/var/lib/renewd",
                  "/var/lib/renewd/webroot").stdout
    assert out.splitlines() == ["/run/renewd renewd renewd 755",
                                "/var/lib/renewd renewd renewd 711",
                                "/var/lib/renewd/webroot renewd renewd 711"]
    user = lab.run("getent", "passwd", "renewd").stdout.strip().split(":")
    assert user[5:] == ["/var/lib/renewd", "/usr/sbin/nologin"]


def test_sandbox(lab):
    """User renewd, one capability, nothing to execute, nothing to write but what is its own."""
    lab.configure(lab.certificate())
    lab.start()
    status = process_status(lab, "renewd.service")
    uid = lab.run("id", "-u", "renewd").stdout.strip()
    assert status["Uid"].split() == [uid] * 4
    assert {int(status[f"Cap{s}"], 16) for s in ("Prm", "Eff", "Bnd")} == {
        1 << CAP_NET_BIND_SERVICE}
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"

    # A mount that executes nothing holds for everybody, so for root who comes into its namespace.
    for program in ("/bin/true", "/bin/sh", "/usr/lib/renewd/renewd-deploy", "/usr/bin/renewctl"):
        done = lab.enter("renewd.service", "-m", program)
        assert done.returncode == 126 and "Permission denied" in done.stderr, done
    assert lab.enter("renewd.service", "-m", "/usr/sbin/renewd", "--version").returncode == 0
    # Nor what it has written itself.
    private = "/tmp/systemd-private-*-renewd.service-*/tmp/"
    for outside, inside in {private: "/tmp", "/var" + private: "/var/tmp",
                            "/run/renewd": "/run/renewd",
                            "/var/lib/renewd": "/var/lib/renewd"}.items():
        lab.run("sh", "-c", f"cp -t {outside} /bin/true")
        done = lab.enter("renewd.service", "-m", f"{inside}/true")
        assert done.returncode == 126 and "Permission denied" in done.stderr, done

    forbidden = ["/etc/x", "/etc/renewd/x", "/usr/bin/x", "/var/x", "/var/lib/x", "/opt/x",
                 "/run/x", "/boot/x", "/root/x", "/home/x"]
    allowed = ["/var/lib/renewd/x", "/var/lib/renewd/webroot/x", "/run/renewd/x", "/tmp/x"]
    assert write_as(lab, "renewd.service", "root", *forbidden) == dict.fromkeys(forbidden, "EROFS")
    assert write_as(lab, "renewd.service", "renewd", *allowed) == dict.fromkeys(allowed, "written")


def test_sandbox_of_deploy(lab):
    """Root, and no network: not even loopback's."""
    lab.configure(lab.certificate(Run="/bin/true"))
    lab.start()
    lab.wait_deployed()
    assert process_status(lab, "renewd-deploy.service")["Uid"].split()[0] == "0"
    out = lab.enter("renewd-deploy.service", "-n", "cat", "/proc/net/dev").stdout
    assert re.findall(r"^ *(\S+):", out, re.M) == ["lo"]
    done = lab.enter("renewd-deploy.service", "-n", "curl", "--silent", "http://127.0.0.1/")
    assert done.returncode == 7, done  # could not connect, though renewd listens there
    assert lab.run("curl", "--silent", "http://127.0.0.1/").returncode == 0


def test_catalog(lab):
    """journalctl -x explains an event in sentences."""
    lab.configure(lab.certificate())
    lab.start()
    lab.wait_deployed()
    out = wait_for(lambda: "was obtained" in (text := lab.run(
        "journalctl", "-x", f"RENEWD_CERTIFICATE={NAME}").stdout) and text, "the event")
    assert f"Subject: Certificate {NAME} was obtained" in out
    assert "What uses it is reloaded next" in out


def test_commands_in_the_catalog_exist(lab):
    """What it tells an administrator to type is there to be typed."""
    for line in lab.box.file("/usr/lib/systemd/catalog/renewd.catalog").read_text().splitlines():
        if line.startswith("    "):
            assert lab.run("which", line.split()[0]).stdout, line
