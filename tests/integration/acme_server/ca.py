# SPDX-License-Identifier: LGPL-2.1-or-later
"""The CA behind its front: URLs, nonces, who asks, and which endpoint answers. It is honest; what
it must not be honest about is a fault (faults.py)."""
import concurrent.futures
import dataclasses
import secrets
import threading
import time
from typing import Any

from cryptography.hazmat.primitives import serialization

from . import jose
from .accounts import Accounts
from .authority import Authority
from .jose import demand
from .orders import Orders
from .problem import Answer, Problem
from .renewal import Renewal

BODY = 50000  # boulder's limit

# Those that exist before anything was made, with their names in the directory.
FIXED = {"new-nonce": "newNonce", "new-account": "newAccount", "new-order": "newOrder",
         "revoke": "revokeCert", "key-change": "keyChange"}


@dataclasses.dataclass
class Request:
    method: str
    target: str  # as it was sent
    headers: list
    body: bytes
    address: str
    kind: str = "unknown"
    ids: tuple = ()
    at: float = dataclasses.field(default_factory=time.time)
    jws: Any = None
    account: Any = None
    refusal: Any = None  # a Problem that was found before the endpoint
    status: int = 0  # what was answered; 0: nothing

    def header(self, name):
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        return ", ".join(values) if values else None

    def payload(self):
        return self.jws.json() if self.jws and self.jws.payload else None


class Ca:
    def __init__(self, options, base):
        self.options, self.base = options, base
        self.lock, self.ended = threading.RLock(), threading.Event()
        self.skew = 0  # of the CA's clock
        self.paths, self.nonces, self.spent = {}, {}, set()
        self.violations = []
        self.workers = concurrent.futures.ThreadPoolExecutor(16)
        self.authority = Authority(options.alternates, time.time())
        self.accounts, self.orders, self.ari = Accounts(self), Orders(self), Renewal(self)
        self.paths["/dir"] = ("directory", ())
        self.fixed = {kind: self.url(kind) for kind in FIXED}
        self.ari_base = self.url("renewal-info")

    # --- what the endpoints use ---

    def now(self):
        return time.time() + self.skew

    def url(self, kind, *ids):
        """The URL of a thing; it is one from now on."""
        tail = "/".join([kind, *map(str, ids)])
        # Legal, and destroyed by whoever decodes, encodes or resolves it once more.
        path = (f"/acme/%7E/a/..//./{tail}" + ("" if kind == "renewal-info" else "?q=%41/../&r=~")
                if self.options.odd_urls else f"/acme/{tail}")
        self.paths[path] = (kind, ids)
        return self.base + path

    def is_lagging(self, made):
        return self.now() - made < self.options.replica_lag

    @staticmethod
    def not_found():
        return Problem("malformed", "", 404)

    @staticmethod
    def demand_empty(jws):
        demand(jws.payload == b"", f"POST-as-GET with the payload {jws.payload!r}")

    @staticmethod
    def spki(key):
        return key.public_bytes(serialization.Encoding.DER,
                                serialization.PublicFormat.SubjectPublicKeyInfo)

    def unpause_url(self, account):
        return f"https://unpause.ca.example/sfe/v1/unpause?jwt={jose.encode(account.url.encode())}"

    def work(self, function, *arguments):
        self.workers.submit(self.guard, function, *arguments)

    def guard(self, function, *arguments):
        try:
            function(*arguments)
        except Exception as e:  # a fault of this server itself must not stay unseen
            self.violations.append(f"the fake CA itself: {e!r}")

    def sleep(self, seconds):
        if seconds:
            self.ended.wait(seconds)

    def end(self):
        self.ended.set()
        self.workers.shutdown(wait=True)

    def nonce(self):
        text = jose.encode(secrets.token_bytes(24))
        with self.lock:
            self.nonces[text] = self.now()
        return text

    # --- who asks ---

    def identify(self, request):
        """Fills .kind and .ids."""
        ari = self.ari_base.removeprefix(self.base) + "/"
        if request.target.startswith(ari):
            request.kind, request.ids = "renewal-info", (request.target.removeprefix(ari),)
        elif request.target in self.paths:
            request.kind, request.ids = self.paths[request.target]

    def spend(self, nonce):
        demand(nonce in self.nonces, f"the nonce {nonce} is none of this CA's")
        demand(nonce not in self.spent, "a nonce is used twice")
        self.spent.add(nonce)
        if self.now() - self.nonces[nonce] > self.options.nonce_life:
            raise Problem("badNonce", "JWS has an expired anti-replay nonce")

    def check(self, request):
        """Everything that can be said before the endpoint. Violations are for the caller; what an
        honest client may meet stays in .refusal."""
        demand(request.header("User-Agent"), "no User-Agent")
        demand(request.header("Replay-Nonce") is None, "a Replay-Nonce in a request")
        demand(request.kind != "unknown", "no such URL was ever given")
        if request.kind in ("directory", "renewal-info") or request.kind == "new-nonce":
            demand(request.method == "GET" or (request.kind, request.method) == (
                "new-nonce", "HEAD"), f"{request.method} of {request.kind}")
            demand(not request.body, "a body where none is wanted")
            return
        demand(request.method == "POST", f"{request.method} of {request.kind}")
        demand(request.header("Content-Type") == "application/jose+json",
               f"Content-Type: {request.header('Content-Type')}")
        demand(len(request.body) <= BODY, f"a body of {len(request.body)} bytes")
        jws = request.jws = jose.Jws(jose.parse_json(request.body, "the body"))
        by_key = request.kind == "new-account" or (
            request.kind == "revoke" and "jwk" in jws.protected)
        jws.check_header("alg", "nonce", "url", "jwk" if by_key else "kid")
        demand(jws.protected["url"] == self.base + request.target,
               f"the url {jws.protected['url']} in a request of {self.base}{request.target}")
        jose.decode(jws.protected["nonce"], "nonce")
        if by_key:
            jws.check_signature(jws.protected["jwk"])
        try:
            with self.lock:
                self.spend(jws.protected["nonce"])
                if not by_key:
                    request.account = self.accounts.authenticate(jws)
                    if request.kind not in ("account", "key-change", "revoke"):
                        self.accounts.check_terms(request.account)
        except Problem as e:
            request.refusal = e

    # --- the endpoints ---

    def act(self, request):
        """The honest answer."""
        with self.lock:
            try:
                if request.refusal:
                    raise request.refusal
                answer = self.endpoint(request)
            except Problem as e:
                # The text of a 404 is not to be relied on: often there is none.
                answer = e.answer() if e.detail else Answer(e.status)
            except jose.Violation as e:
                self.violations.append(f"{request.method} {request.target}: {e}")
                answer = Problem("malformed", str(e)).answer()
        if request.kind == "new-nonce" or request.jws:
            answer.headers.append(("Replay-Nonce", self.nonce()))
            answer.headers.append(("Link", f'<{self.base}/dir>;rel="index"'))
        return answer

    def endpoint(self, request):
        account, jws, ids = request.account, request.jws, request.ids
        kind = request.kind
        if kind == "directory":
            return self.directory()
        if kind == "new-nonce":
            return Answer(200 if request.method == "HEAD" else 204, [("Cache-Control", "no-store")])
        if kind == "renewal-info":
            return self.ari.get(*ids)
        if kind == "new-account":
            return self.accounts.new(request, jws)
        if kind == "account":
            demand(account.url == self.base + request.target, "another account's URL")
            return self.accounts.update(account, jws)
        if kind == "key-change":
            return self.accounts.change_key(account, jws)
        if kind == "new-order":
            return self.orders.new(account, jws)
        if kind == "order":
            return self.orders.get(*ids, account, jws)
        if kind == "authz":
            return self.orders.get_authz(*ids, account, jws)
        if kind == "challenge":
            return self.orders.answer_challenge(*ids, account, jws)
        if kind == "finalize":
            return self.orders.finalize(*ids, account, jws)
        if kind == "certificate":
            return self.orders.download(request, ids[0], 0, account, jws)
        if kind == "alternate":
            return self.orders.download(request, *ids, account, jws)
        assert kind == "revoke", kind
        return self.ari.revoke(account, jws)

    def directory(self):
        options = self.options
        # boulder has a member of a random name on purpose.
        d = {FIXED[k]: u for k, u in self.fixed.items()}
        d[jose.encode(secrets.token_bytes(8))] = "https://community.ca.example/t/random-entries"
        meta = {"website": "https://ca.example", "caaIdentities": ["ca.example"]}
        if options.terms:
            meta["termsOfService"] = options.terms
        if options.eab and options.eab_flag:
            meta["externalAccountRequired"] = True
        if options.profiles:
            meta["profiles"] = {n: p.description for n, p in options.profiles.items()}
        if options.ari:
            d["renewalInfo"] = self.ari_base
        return Answer.of_json({**d, "meta": meta}, headers=[
            ("Cache-Control", "public, max-age=0, no-cache")])
