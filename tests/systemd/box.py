#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real systemd as PID 1: systemd-nspawn boots this machine's own root with an overlay over it.

Nothing is installed twice, and what the box writes is gone with it. Its mounts are in a mount
namespace of its own and its processes in a PID namespace of its own, which end with one process:
whatever becomes of a test nothing stays mounted or running.

By hand, as root: tests/systemd/box.py [COMMAND...] boots the build of RENEWD_BUILD and runs a
command in it, bash if none is named.
"""
import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("RENEWD_BUILD", HERE.parent.parent / "build")).resolve()

# Bounds on waiting for what must come, never measurements: the machine may be busy.
BOOT_PATIENCE = 60
PATIENCE = 60

PACKAGES = {"systemd-nspawn": "systemd-container", "dbus-daemon": "dbus", "meson": "meson",
            "unshare": "util-linux", "setpriv": "util-linux", "nsenter": "util-linux"}

# Of the machine's own: services that it has enabled must not start in the box, and an installed
# renewd must not be there.
ABSENT = ["etc/systemd/system/*.wants", "etc/systemd/system/*.requires", "etc/rc?.d/[SK]*",
          "usr/sbin/policy-rc.d", "etc/renewd", "var/lib/renewd",
          "{etc,usr/lib,lib}/systemd/system/renewd*", "var/lib/systemd/random-seed"]

# Says "ready" when the root is there, and boots it at a word; its standard input's end ends it.
HOLDER = r"""
set -e
mount -t tmpfs -o mode=755 box "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay box -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
echo 0 > "$2/cgroup.procs"
echo ready
read -r word
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
exec systemd-nspawn --quiet --boot --directory="$1/root" --machine=renewd-box --register=no \
    --keep-unit --private-network --console=pipe --link-journal=no --resolv-conf=off \
    --timezone=off </dev/null
"""


class Unavailable(Exception):
    """This machine cannot boot a box, and why."""


def require(programs):
    """Raises Unavailable unless this is root with these programs (and their packages)."""
    if os.geteuid() != 0:
        raise Unavailable("booting systemd needs root")
    for program, package in {**PACKAGES, **programs}.items():
        if not shutil.which(program):
            raise Unavailable(f"there is no {program} (apt-get install {package})")


def remove_tree(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def expand(pattern):
    """{a,b} as a shell does."""
    before, brace, rest = pattern.partition("{")
    if not brace:
        return [pattern]
    inside, _, after = rest.partition("}")
    return [before + word + after for word in inside.split(",")]


class Cgroup:
    """One for each box: systemd's own units go into it."""

    NAME = "renewd-box"
    numbers = itertools.count()

    def __init__(self):
        unified = pathlib.Path("/sys/fs/cgroup/unified")
        top = unified if unified.is_dir() else pathlib.Path("/sys/fs/cgroup")
        for left in top.glob(f"{self.NAME}-*"):  # of a test that was killed
            if not pathlib.Path("/proc", left.name.split("-")[2]).exists():
                self.remove_directories(left)
        self.path = top / f"{self.NAME}-{os.getpid()}-{next(self.numbers)}"
        try:
            self.path.mkdir()
        except OSError as e:
            raise Unavailable(f"there is no cgroup to be had: {e}") from None

    @staticmethod
    def remove_directories(path):
        """Return: whether it is gone."""
        for directory, _, _ in os.walk(path, topdown=False):
            try:
                os.rmdir(directory)
            except OSError:
                return False
        return True

    def remove(self):
        end = time.monotonic() + PATIENCE
        while not self.remove_directories(self.path):
            assert time.monotonic() < end, f"processes stay in {self.path}"
            time.sleep(0.02)


class Box:
    """made -> (files put in) -> boot() -> run() ... -> close()"""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="renewd-box-"))
        self.console = self.path / "console.log"
        self.mount = self.path / "mount"
        self.mount.mkdir()
        self.holder = self.leader = self.cgroup = None
        try:
            self.cgroup = Cgroup()
            self.hold()
        except BaseException:
            self.close()
            raise
        for pattern in (e for p in ABSENT for e in expand(p)):
            for path in self.root.glob(pattern):
                remove_tree(path)
        self.write("/etc/machine-id", "")
        self.write("/etc/systemd/journald.conf.d/box.conf",
                   "[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n")
        self.write("/etc/hostname", "box\n")
        self.write("/etc/hosts", "127.0.0.1 localhost box\n::1 localhost\n")

    def hold(self):
        self.holder = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork",
             "--kill-child", "--mount-proc", "sh", "-c", HOLDER, "box", self.mount,
             self.cgroup.path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(self.console, "wb"),
            start_new_session=True)
        if self.holder.stdout.readline() != b"ready\n":
            raise Unavailable("this machine mounts nothing for us: "
                              + self.console.read_text(errors="replace").strip())
        # Its mounts are seen by way of a process that has them.
        self.root = pathlib.Path(f"/proc/{self.holder.pid}/root{self.mount}/root")

    # --- files, also before the boot ---

    def file(self, path):
        return self.root / str(path).lstrip("/")

    def write(self, path, text, mode=0o644):
        file = self.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def copy(self, source, path):
        self.file(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, self.file(path))

    def install(self):
        """What `meson install` does."""
        done = subprocess.run(["meson", "install", "--no-rebuild", "-C", BUILD, "--destdir",
                               self.root], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    # --- the machine ---

    def children(self, pid):
        out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True,
                             text=True, check=False).stdout
        return [int(word) for word in out.split()]

    def find_leader(self):
        """Its PID 1 as we see it: the child of systemd-nspawn, which is the holder's child."""
        for nspawn in self.children(self.holder.pid):
            for self.leader in self.children(nspawn):
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return True
        return False

    def boot(self):
        self.holder.stdin.write(b"boot\n")
        self.holder.stdin.flush()
        end = time.monotonic() + BOOT_PATIENCE
        while not self.find_leader():
            assert self.holder.poll() is None and time.monotonic() < end, (
                "the box is not up: " + self.console.read_text(errors="replace"))
            time.sleep(0.05)
        self.root = pathlib.Path(f"/proc/{self.leader}/root")  # with its /run and /tmp
        return self

    def inside(self, *command):
        """A command line that runs a command in the box as root."""
        return ["nsenter", "-t", str(self.leader), "-a", "env", "-i", "HOME=/root", "TERM=linux",
                "LANG=C.UTF-8", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                *[str(word) for word in command]]

    def run(self, *command, check=True, stdin=None):
        done = subprocess.run(self.inside(*command), capture_output=True, text=True, check=False,
                              timeout=PATIENCE, input=stdin,
                              stdin=None if stdin else subprocess.DEVNULL)
        assert not check or done.returncode == 0, (
            f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def close(self):
        if self.holder:
            # Its child is the first process of their namespace, which ends with it, and it waits
            # for this child.
            for pid in self.children(self.holder.pid) or [self.holder.pid]:
                os.kill(pid, signal.SIGKILL)
            self.holder.wait()
            self.holder.stdin.close()
            self.holder.stdout.close()
        if self.cgroup:
            self.cgroup.remove()
        shutil.rmtree(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()


def main():
    try:
        require({})
        with Box() as box:
            box.install()
            box.boot()
            return subprocess.run(box.inside(*(sys.argv[1:] or ["bash"])), check=False).returncode
    except Unavailable as e:
        sys.exit(f"box.py: {e}")


if __name__ == "__main__":
    sys.exit(main())
