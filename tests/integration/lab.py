# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of a small internet on loopback: a CA (Pebble), its name server, a web server, and
renewd itself. Each is a real program that this process starts, on free ports, and ends by pid."""
import contextlib
import datetime
import http.client
import http.server
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request
import zlib

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("RENEWD_BUILD", HERE.parent.parent / "build"))
PEBBLES = pathlib.Path(os.environ.get("RENEWD_PEBBLE", HERE.parent / ".cache" / "pebble"))
LOOPBACK = "127.0.0.1"

# A bound on waiting for what must come, never a measurement: the machine may be busy.
PATIENCE = 60


def wait_for(condition, what="it", patience=PATIENCE):
    """The first true value of condition()."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} never came"
        time.sleep(0.02)


# Below the ports that outgoing connections get; another range for each worker of pytest-xdist, and
# most likely for another run of the tests at the same time.
_run = zlib.crc32(os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())).encode()) % 5
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8
_first = 10000 + 4000 * _run + 500 * _worker
_ports = itertools.cycle(range(_first, _first + 500))


def free_port():
    """Free for TCP, for UDP, and on both loopback addresses."""
    for port in _ports:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for family, address in ((socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1")):
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    s = stack.enter_context(socket.socket(family, kind))
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind((address, port))
            return port


def pebble_versions():
    """The versions that are there, newest first."""
    found = [p.name for p in PEBBLES.glob("*") if (p / "usr/bin/pebble").exists()]
    return sorted(found, key=lambda v: [int(n) for n in v.split(".")], reverse=True)


def parse_time(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Program:
    """A child process with its output in a file."""

    def __init__(self, path, name):
        self.path, self.name = path, name
        self.log = path / f"{name}.log"
        self.process = None

    def spawn(self, command, **arguments):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                **arguments)
        return self

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)

    def wait(self, patience=PATIENCE):
        return self.process.wait(patience)

    def stop(self, number=signal.SIGTERM):
        """Return: the exit status; negative for a signal."""
        if self.process is None:
            return 0
        if self.is_running():
            self.kill(number)
        try:
            return self.wait()
        finally:
            if self.is_running():
                self.process.kill()
                self.process.wait()
            self.process = None

    def output(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""


def is_listening(port, family=socket.AF_INET):
    with socket.socket(family) as s:
        s.settimeout(1)
        return s.connect_ex(("::1" if family == socket.AF_INET6 else LOOPBACK, port)) == 0


class NameServer(Program):
    """pebble-challtestsrv: every name has the address 127.0.0.1 until a test says otherwise."""

    def __init__(self, path, version):
        super().__init__(path, "dns")
        self.port, self.management = free_port(), free_port()
        self.program = PEBBLES / version / "usr/bin/pebble-challtestsrv"
        self.old = version.startswith("2.4")

    def start(self):
        dns = ["-dns01", f"{LOOPBACK}:{self.port}"] if self.old else [
            "-dnsserver", f"{LOOPBACK}:{self.port}", "-doh", ""]
        self.spawn([self.program, "-defaultIPv6", "", *dns, "-http01", "", "-https01", "",
                    "-tlsalpn01", "", "-management", f"{LOOPBACK}:{self.management}"])
        wait_for(lambda: is_listening(self.management), "the name server")
        return self

    def set(self, what, **values):
        request = urllib.request.Request(f"http://{LOOPBACK}:{self.management}/{what}",
                                         json.dumps(values).encode())
        urllib.request.urlopen(request, timeout=PATIENCE).close()

    def set_address(self, name, v4=None, v6=None):
        self.set("clear-a", host=name + ".")
        if v4:
            self.set("add-a", host=name + ".", addresses=[v4])
        if v6:
            self.set("add-aaaa", host=name + ".", addresses=[v6])


def make_tls_files(path, names="DNS:localhost,IP:127.0.0.1"):
    """A key, a certificate and the root that it is trusted by, for a server of the lab."""
    key, cert, root = path / "tls.key", path / "tls.pem", path / "tls-root.pem"
    if not root.exists():
        run = lambda *c: subprocess.run(c, check=True, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-keyout", path / "tls-root.key", "-out", root, "-days", "30", "-subj",
            "/CN=lab root", "-addext", "keyUsage=keyCertSign")
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", key, "-out", path / "tls.csr", "-subj", "/CN=localhost")
        (path / "tls.ext").write_text(f"subjectAltName={names}\n")
        run("openssl", "x509", "-req", "-in", path / "tls.csr", "-CA", root, "-CAkey",
            path / "tls-root.key", "-CAcreateserial", "-days", "20", "-extfile", path / "tls.ext",
            "-out", cert)
    return key, cert, root


class Pebble(Program):
    """Let's Encrypt's test CA. Arguments become its configuration; environment is as it names
    things, without PEBBLE_ before."""

    def __init__(self, path, dns, http_port, version=None, environment=None, validity=None,
                 **config):
        super().__init__(path, "pebble")
        self.version = version or pebble_versions()[0]
        self.dns, self.http_port = dns, http_port
        self.port, self.management = free_port(), free_port()
        self.key, self.cert, self.root = make_tls_files(path)
        self.config = {
            "listenAddress": f"{LOOPBACK}:{self.port}",
            "managementListenAddress": f"{LOOPBACK}:{self.management}",
            "certificate": str(self.cert), "privateKey": str(self.key),
            "httpPort": http_port, "tlsPort": free_port(), **config}
        if validity:
            self.config["certificateValidityPeriod"] = validity
            self.config["profiles"] = {"lab": {"description": "short", "validityPeriod": validity}}
        self.environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5",
                            **{"PEBBLE_" + k: str(v) for k, v in (environment or {}).items()}}

    @property
    def directory(self):
        return f"https://{LOOPBACK}:{self.port}/dir"

    def start(self):
        file = self.path / "pebble.json"
        file.write_text(json.dumps({"pebble": self.config}))
        self.spawn([PEBBLES / self.version / "usr/bin/pebble", "-config", file, "-strict",
                    "-dnsserver", f"{LOOPBACK}:{self.dns.port}"],
                   env={**os.environ, **self.environment})
        wait_for(lambda: is_listening(self.port) and is_listening(self.management), "Pebble")
        return self

    def ask(self, path):
        """The management interface."""
        context = ssl.create_default_context(cafile=str(self.root))
        request = urllib.request.Request(f"https://localhost:{self.management}{path}",
                                         headers={"User-Agent": "lab"})
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
            return answer.read().decode()

    def section(self, name="lab", **keys):
        """[CA] of renewd.conf."""
        lines = {"Directory": self.directory, "TrustFile": self.root, "AgreeToTerms": "yes",
                 **keys}
        return f"[CA {name}]\n" + "".join(f"{k}={v}\n" for k, v in lines.items())


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.socket_path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.socket_path))


class Renewd(Program):
    """renewd with a state directory, a configuration and a control socket of its own."""

    def __init__(self, path, http_port=None):
        super().__init__(path, "renewd")
        path.chmod(0o755)
        self.state = path / "state"
        self.control = path / "run" / "control.sock"
        self.config = path / "renewd.conf"
        self.http_port = http_port or free_port()
        self.notify, self.told = None, []

    def configure(self, *sections, listen=None, **daemon):
        """Writes the configuration; sections are texts, daemon the keys of [Daemon]."""
        keys = {"StateDirectory": self.state, "ControlSocket": self.control,
                "HttpListen": listen or f"{LOOPBACK}:{self.http_port}", "SettleTime": "0s",
                **daemon}
        text = "[Daemon]\n" + "".join(f"{k}={v}\n" for k, v in keys.items() if v is not None)
        self.config.write_text(text + "\n".join(sections))
        self.config.chmod(0o644)
        return self

    def command(self, *options):
        return [BUILD / "renewd", "--config", self.config, *options]

    def start(self, *options, ready=True, environment=None, wrapper=()):
        environment = {**os.environ, **(environment or {})}
        self.notify = Notify(self.path / "notify.sock")
        self.spawn([*wrapper, *self.command(*options)],
                   env={**environment, "NOTIFY_SOCKET": str(self.notify.path)})
        if ready:
            wait_for(lambda: self.notify.has("READY=1") or not self.is_running(), "READY=1")
            assert self.is_running(), self.output()
        return self

    def run(self, *options, environment=None):
        """For --once, --check, …: to its end."""
        return subprocess.run([str(c) for c in self.command(*options)], capture_output=True,
                              text=True, timeout=PATIENCE, check=False,
                              stdin=subprocess.DEVNULL,
                              env={**os.environ, **(environment or {})})

    def stop(self, number=signal.SIGTERM):
        status = super().stop(number)
        if self.notify:
            self.told = self.notify.messages
            self.notify.close()
            self.notify = None
        return status

    # --- the API ---

    def request(self, method, path):
        connection = UnixConnection(self.control)
        with contextlib.closing(connection):
            connection.request(method, path, body="{}" if method == "POST" else None)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def status(self, name):
        status, answer = self.request("GET", f"/v1/certificates/{name}")
        assert status == 200, answer
        return answer["certificate"]

    def reload(self):
        return self.request("POST", "/v1/reload")

    def wait_issued(self, name, other_than=None, deployed=True):
        """Until a certificate is in force whose serial is not the other one. Return: its status."""
        def look():
            assert self.is_running(), self.output()
            s = self.status(name)
            return s if s["issued"] and s["issued"]["serial"] != other_than and (
                not deployed or s["deployment"]["state"] in ("none", "done")) else None
        try:
            return wait_for(look, f"{name}'s certificate")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.output()[-6000:]}") from None

    def wait_state(self, name, *states):
        return wait_for(lambda: (s := self.status(name))["state"] in states and s,
                        f"{name} {'/'.join(states)}")

    # --- the files ---

    def live(self, name):
        return self.state / "live" / name

    def serial(self, name):
        return serial_of(self.live(name) / "cert.pem")


class Notify:
    """The receiving end of sd_notify(3). It reads all the time, as systemd does: who sends to a full
    queue is made to wait."""

    def __init__(self, path):
        self.path = path
        path.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        path.chmod(0o777)
        self.messages = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        while message := self.socket.recv(65536):
            self.messages.append(message.decode())

    def has(self, text):
        return any(text in m.split("\n") for m in self.messages)

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(b"", str(self.path))
        self.thread.join()
        self.socket.close()
        self.path.unlink(missing_ok=True)


def openssl(*arguments, **more):
    return subprocess.run(["openssl", *[str(a) for a in arguments]], check=True,
                          capture_output=True, text=True, **more).stdout


def serial_of(file):
    """As renewd writes it: lower-case hexadecimal of all octets, a leading 00 included."""
    text = openssl("x509", "-in", file, "-noout", "-serial").strip().partition("=")[2].lower()
    return text if int(text[0], 16) < 8 else "00" + text


def check_pair(directory):
    """Key, certificate and chain of a generation belong together and are for nobody else's eyes."""
    for name, mode in {"cert": 0o644, "chain": 0o644, "fullchain": 0o644, "privkey": 0o600}.items():
        file = directory / f"{name}.pem"
        assert file.stat().st_mode & 0o777 == mode, file
    public = openssl("x509", "-in", directory / "cert.pem", "-noout", "-pubkey")
    assert public == openssl("pkey", "-in", directory / "privkey.pem", "-pubout")
    full = (directory / "fullchain.pem").read_text()
    assert full == (directory / "cert.pem").read_text() + (directory / "chain.pem").read_text()


def served_serial(port, name="localhost"):
    """What a TLS client gets."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as s:
        with context.wrap_socket(s, server_hostname=name) as tls:
            pem = ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))
    text = openssl("x509", "-noout", "-serial", input=pem).strip().partition("=")[2].lower()
    return text if int(text[0], 16) < 8 else "00" + text


class Nginx(Program):
    """nginx as an unprivileged web server: one https server for each name, and what a test adds."""

    def __init__(self, path, directory, extra=""):
        super().__init__(path, "nginx")
        self.port = free_port()
        self.file = path / "nginx.conf"
        self.file.write_text(f"""
daemon off; pid {path}/nginx.pid; error_log {path}/nginx-error.log;
worker_processes 1; events {{}}
http {{
    access_log off; client_body_temp_path {path}/t1; proxy_temp_path {path}/t2;
    fastcgi_temp_path {path}/t3; uwsgi_temp_path {path}/t4; scgi_temp_path {path}/t5;
    server {{
        listen {LOOPBACK}:{self.port} ssl;
        ssl_certificate {directory}/fullchain.pem; ssl_certificate_key {directory}/privkey.pem;
        return 200 "hello\\n";
    }}
    {extra}
}}
""" if directory else f"""
daemon off; pid {path}/nginx.pid; error_log {path}/nginx-error.log;
worker_processes 1; events {{}}
http {{
    access_log off; client_body_temp_path {path}/t1; proxy_temp_path {path}/t2;
    fastcgi_temp_path {path}/t3; uwsgi_temp_path {path}/t4; scgi_temp_path {path}/t5;
    {extra}
}}
""")

    def start(self, port=None):
        self.spawn(["nginx", "-c", self.file, "-p", self.path])
        wait_for(lambda: is_listening(port or self.port), "nginx")
        return self

    def reload_command(self):
        return f"/usr/sbin/nginx -c {self.file} -p {self.path} -s reload"


def log_lines(text, pattern):
    return [line for line in text.splitlines() if re.search(pattern, line)]


class Mischief:
    """A TLS proxy in front of Pebble that does to each answer what the test says.

    rule(method, path, forward) returns (status, headers, body), or None to hang up; forward() is what
    Pebble answers, in the same form. Pebble writes URLs with the host that it is asked by, so that
    all requests come this way."""

    def __init__(self, ca, rule=None):
        self.ca, self.rule, self.requests = ca, rule or (lambda m, p, forward: forward()), []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.command, self.path))
                answer = outer.rule(self.command, self.path, lambda: outer.forward(self, body))
                self.close_connection = True
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                status, headers, text = answer
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Connection", "close")
                if isinstance(text, bytes):
                    self.send_header("Content-Length", str(len(text)))
                    text = [text]
                self.end_headers()
                with contextlib.suppress(OSError):
                    for part in [] if self.command == "HEAD" else text:
                        self.wfile.write(part)

            do_GET = do_POST = do_HEAD = handle_request

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass  # renewd may hang up on what it does not like

        self.server = Server((LOOPBACK, 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ca.cert, ca.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def directory(self):
        return f"https://{LOOPBACK}:{self.server.server_port}/dir"

    def forward(self, handler, body):
        context = ssl.create_default_context(cafile=str(self.ca.root))
        c = http.client.HTTPSConnection(LOOPBACK, self.ca.port, timeout=PATIENCE, context=context)
        with contextlib.closing(c):
            c.request(handler.command, handler.path, body or None, dict(handler.headers.items()))
            answer = c.getresponse()
            return answer.status, answer.getheaders(), answer.read()

    def section(self, name="lab", **keys):
        return self.ca.section(name, **{"Directory": self.directory, **keys})

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
