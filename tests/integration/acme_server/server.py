# SPDX-License-Identifier: LGPL-2.1-or-later
"""The front: TLS and HTTP on loopback, faults, and the record of what was asked."""
import collections
import contextlib
import email.utils
import http.client
import http.server
import socket
import ssl
import threading
import time
import traceback

import lab

from . import faults, jose
from .ca import Ca, Request
from .model import Options
from .problem import Answer, Problem

# What a client that looks again may be early by: clocks of different grain.
EARLY = 0.1

# No client of ours waits longer within one attempt: a longer Retry-After is not checked.
LONGEST_POLL = 300


class Exchange:
    """One request as a fault sees it; forward() is what would be answered without this fault."""

    def __init__(self, server, request, nth, forward):
        self.server, self.ca, self.request, self.nth = server, server.ca, request, nth
        self.forward = forward


class Rule:
    """On requests of these kinds (None: all) from the nth on, so many times (None: always)."""

    def __init__(self, kinds, do, nth=1, times=None, when=None):
        self.kinds = (kinds,) if isinstance(kinds, str) else kinds
        self.do, self.nth, self.times, self.when = do, nth, times, when
        self.seen, self.hits = 0, 0

    def wants(self, request):
        if self.kinds and request.kind not in self.kinds or self.when and not self.when(request):
            return False
        self.seen += 1
        if self.seen < self.nth or self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True


class AcmeServer:
    """An ACME CA; honest until fault() says otherwise, and strict in any case: what a client must
    not send is in .violations, and fails the test at its end."""

    def __init__(self, path, http_port, **options):
        self.options = Options(http_port, **options)
        self.key, self.cert, self.root = lab.make_tls_files(path)
        self.requests, self.rules, self.lock = [], [], threading.Lock()
        self.earliest, self.connections, self.server = {}, set(), None
        self.port = lab.free_port()
        self.ca = Ca(self.options, f"https://{lab.LOOPBACK}:{self.port}")
        self.start()

    # --- what tests look at and set ---

    @property
    def directory(self):
        return f"{self.ca.base}/dir"

    @property
    def orders(self):
        return self.ca.orders.all

    @property
    def accounts(self):
        return self.ca.accounts.all

    @property
    def certificates(self):
        return self.ca.orders.certificates

    @property
    def violations(self):
        return self.ca.violations

    @property
    def counts(self):
        """How often each kind of endpoint was asked."""
        return collections.Counter(r.kind for r in list(self.requests))

    def asked(self, kind):
        return [r for r in list(self.requests) if r.kind == kind]

    def section(self, name="lab", **keys):
        """[CA] of renewd.conf."""
        lines = {"Directory": self.directory, "TrustFile": self.root, "AgreeToTerms": "yes", **keys}
        return f"[CA {name}]\n" + "".join(f"{k}={v}\n" for k, v in lines.items() if v is not None)

    def fault(self, kinds, do, nth=1, times=None, when=None):
        """do(exchange) returns an Answer, or None to hang up; faults.py has them ready-made. A
        later rule is around an earlier one."""
        rule = Rule(kinds, do, nth, times, when)
        with self.lock:
            self.rules.append(rule)
        return rule

    def well(self):
        """No faults any more."""
        with self.lock:
            self.rules.clear()

    # --- its life ---

    def start(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self):
                super().setup()
                outer.connections.add(self.connection)

            def finish(self):
                outer.connections.discard(self.connection)
                with contextlib.suppress(OSError, ValueError):
                    super().finish()
                    # What ends with the connection is whole only with TLS's own goodbye.
                    self.connection.settimeout(1)
                    self.connection.unwrap()

            def handle_request(self):
                try:
                    outer.serve(self)
                except OSError:
                    self.close_connection = True  # renewd may hang up on what it does not like
                except Exception:
                    outer.violations.append("the fake CA itself: " + traceback.format_exc())
                    self.close_connection = True

            do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = handle_request

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

        self.server = Server((lab.LOOPBACK, self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def go_down(self):
        """An outage; start() ends it, and nothing is forgotten."""
        self.server.shutdown()
        self.server.server_close()
        for c in list(self.connections):
            with contextlib.suppress(OSError):
                c.shutdown(socket.SHUT_RDWR)
        self.server = None

    def stop(self):
        if self.server:
            self.go_down()
        self.ca.end()

    # --- one request ---

    def serve(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        request = Request(handler.command, handler.requestline.split(" ")[1],
                          handler.headers.items(), handler.rfile.read(length),
                          handler.client_address[0])
        self.ca.identify(request)
        self.check_patience(request)
        self.requests.append(request)
        answer = self.answer(request)
        if answer is None:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        request.status = answer.status
        self.note_patience(request, answer)
        self.send(handler, request, answer)

    def answer(self, request):
        try:
            self.ca.check(request)
        except jose.Violation as e:
            self.violations.append(f"{request.method} {request.target}: {e}")
            request.refusal = Problem("malformed", str(e))
        with self.lock:
            rules = [(r, r.seen) for r in self.rules if r.wants(request)]

        def forward(n):
            if n == 0:
                return self.honest(request)
            rule, nth = rules[n - 1]
            return rule.do(Exchange(self, request, nth, lambda: forward(n - 1)))

        return forward(len(rules))

    def honest(self, request):
        limits = self.options.limits
        if limits:
            with self.ca.lock:
                refused = limits.on_request(request.kind, request.address, self.ca.now())
            if refused:
                return refused
        return self.ca.act(request)

    # --- Retry-After while an order is looked at ---

    def check_patience(self, request):
        early = self.earliest.get(request.target, 0) - time.monotonic()
        if early > EARLY:
            self.violations.append(f"{request.target} is asked {early:.1f} s too early")

    def note_patience(self, request, answer):
        if answer.status >= 300 or request.kind not in ("new-order", "order", "authz", "finalize"):
            return
        value, target = answer.header("Retry-After"), request.target
        if request.kind == "finalize":
            target = self.orders[request.ids[0] - 1].url.removeprefix(self.ca.base)
        elif request.kind == "new-order":
            target = (answer.header("Location") or "").removeprefix(self.ca.base)
        seconds = faults.retry_after_seconds(value, answer.header("Date"), self.ca.now())
        if 0 < seconds <= LONGEST_POLL:
            self.earliest[target] = time.monotonic() + seconds
        else:
            self.earliest.pop(target, None)

    # --- bytes ---

    def send(self, handler, request, answer):
        framing = answer.framing
        version = "1.0" if framing == "http/1.0" else "1.1"
        reason = http.client.responses.get(answer.status, "Something")
        lines = [f"HTTP/{version} {answer.status} {reason}"]
        if not answer.header("Date"):
            lines.append(f"Date: {email.utils.formatdate(self.ca.now(), usegmt=True)}")
        lines += [f"{n}: {v}" for n, v in answer.headers]
        bare = request.method == "HEAD" or answer.status in (204, 304)
        body = answer.body if isinstance(answer.body, bytes) else None
        if framing in ("length", "cut", "slow") and body is not None:
            if answer.status != 204:
                lines.append(f"Content-Length: {len(body)}")
        elif framing == "chunked" or framing == "length":
            lines.append("Transfer-Encoding: chunked")
            framing = "chunked"
        if framing in ("close", "http/1.0", "cut"):
            handler.close_connection = True
            lines.append("Connection: close")
        head = "".join(line + "\r\n" for line in [*lines, ""]).encode("latin-1")
        out = handler.wfile
        if bare:
            out.write(head)
        elif framing == "chunked":
            out.write(head)
            for part in [body[i:i + 100] for i in range(0, len(body), 100)] \
                    if body is not None else answer.body:
                out.write(b"%x\r\n%s\r\n" % (len(part), part))
            out.write(b"0\r\n\r\n")
        elif framing == "slow":
            out.write(head)
            for i in range(len(body)):
                self.ca.ended.wait(answer.pause)
                out.write(body[i:i + 1])
        elif framing == "cut":
            out.write(head + body[:len(body) // 2])
        else:
            out.write(head + body)


__all__ = ["AcmeServer", "Answer"]
