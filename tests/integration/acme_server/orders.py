# SPDX-License-Identifier: LGPL-2.1-or-later
"""Endpoints from newOrder to the certificate."""
import ipaddress
import random
import secrets

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

from . import authority, jose, validation
from .jose import demand
from .model import Authz, Certificate, Challenge, Order, Profile
from .problem import Answer, Problem, subproblem


def parse_identifiers(value):
    """Pairs of type and value. What no client that minds its names sends is a violation."""
    demand(isinstance(value, list) and value, "newOrder without identifiers")
    names = []
    for i in value:
        demand(isinstance(i, dict) and set(i) == {"type", "value"}, f"identifier {i}")
        kind, name = i["type"], i["value"]
        demand(kind in ("dns", "ip") and isinstance(name, str), f"identifier {i}")
        if kind == "ip":
            demand(str(ipaddress.ip_address(name)) == name, f"{name} is not as RFC 5952 writes it")
        else:
            demand(name == name.lower() and name.isascii(), f"name {name}")
            demand(not name.endswith("."), f"name {name}")
            demand(len(name) <= 253 and all(0 < len(p) < 64 for p in name.split(".")),
                   f"name {name}")
            demand("*" not in name.removeprefix("*."), f"name {name}")
        names.append((kind, name))
    demand(len(set(names)) == len(names), "newOrder with a name twice")
    return names


def check_overlap(names):
    """As Let's Encrypt does: a name that a wildcard of the same order covers."""
    covered = {n[2:] for k, n in names if n.startswith("*.")}
    for _, n in names:
        if not n.startswith("*.") and n.partition(".")[2] in covered:
            raise Problem("malformed", f'Domain name "{n}" is redundant with a wildcard domain in '
                          "the same request. Remove one or the other.")


class Orders:
    def __init__(self, ca):
        self.ca, self.all, self.authzs, self.certificates = ca, [], [], []

    # --- newOrder ---

    def check_policy(self, names, profile):
        blocked = [n for _, n in names if n in self.ca.options.blocked]
        if blocked:
            text = "The ACME server refuses to issue a certificate for this domain name, because " \
                "it is forbidden by policy"
            # With exactly one bad name Let's Encrypt has no subproblems.
            more = {} if len(blocked) == 1 else {
                "subproblems": [subproblem("rejectedIdentifier", text, n) for n in blocked]}
            raise Problem("rejectedIdentifier", f"Cannot issue for \"{blocked[0]}\": {text}",
                          **more)
        if len(names) > profile.names:
            raise Problem("malformed",
                          f"Order cannot contain more than {profile.names} identifiers")
        if any(k == "ip" for k, _ in names) and profile is self.ca.options.profiles.get("classic"):
            raise Problem("rejectedIdentifier", "IP addresses need another profile")
        check_overlap(names)

    def profile(self, name):
        profiles = self.ca.options.profiles
        if name is None:
            return next(iter(profiles.values()), Profile())
        if name not in profiles:
            raise Problem("invalidProfile", f'profile name "{name}" not recognized')
        return profiles[name]

    def check_replaces(self, account, replaces, names):
        """Return: the certificate. RFC 9773 section 5, with boulder's refusals."""
        demand(self.ca.options.ari, "replaces at a CA without renewal information")
        certificate = self.ca.ari.find(replaces)
        if not certificate:
            raise Problem("malformed", "could not find an order for the given certificate", 404)
        if certificate.account is not account:
            raise Problem("unauthorized", "requester account did not request the certificate being "
                          "replaced by this order", 403)
        if not set(certificate.names) & set(names):
            raise Problem("malformed", "identifiers in this order do not match any identifiers in "
                          "the certificate being replaced")
        now = self.ca.now()
        if certificate.replaced or any(
                o.replaces == replaces and o.is_unfinished(now) for o in self.all):
            raise Problem("alreadyReplaced", "cannot indicate an order replaces a certificate "
                          "which already has a replacement order", 409)
        return certificate

    def renewal_kind(self, names, replaced):
        """What Let's Encrypt exempts from its limits: None, "set", "ari"."""
        now = self.ca.now()
        if replaced and self.ca.ari.is_inside(replaced, now):
            return "ari"
        same = any(set(c.names) == set(names) and now - c.not_before < 120 * 86400
                   for c in self.certificates)
        return "set" if same else None

    def new(self, account, jws):
        payload, now, options = jws.json(), self.ca.now(), self.ca.options
        demand(set(payload) <= {"identifiers", "profile", "replaces", "notBefore", "notAfter"},
               f"newOrder with {sorted(payload)}")
        names = parse_identifiers(payload.get("identifiers"))
        values = [n for _, n in names]
        if {"notBefore", "notAfter"} & set(payload) and not options.not_before_allowed:
            raise Problem("malformed", "NotBefore and NotAfter are not supported")
        if options.limits:
            options.limits.check_pause(account.url, values, self.ca.unpause_url(account))
        profile = self.profile(payload.get("profile"))
        self.check_policy(names, profile)
        replaced = None
        if "replaces" in payload:
            replaced = self.check_replaces(account, payload["replaces"], names)
        renewal = self.renewal_kind(names, replaced)
        if options.limits:
            options.limits.on_order(account.url, values, renewal, now)
        order = self.find_reusable(account, names, payload.get("profile"))
        if not order:
            order = self.make(account, names, payload, profile)
            order.renewal = renewal
        order.given += 1
        return self.answer(order, 201, [("Location", order.url)])

    def find_reusable(self, account, names, profile):
        if not self.ca.options.reuse_orders:
            return None
        now = self.ca.now()
        return next((o for o in self.all if o.account is account and set(o.names) == set(names)
                     and o.profile == profile and now < o.expires
                     and o.status(now) in ("pending", "ready")), None)

    def make(self, account, names, payload, profile):
        now, options, number = self.ca.now(), self.ca.options, len(self.all) + 1
        authzs = [self.find_authz(account, *n, profile) for n in names]
        if options.shuffle:
            names = random.sample(names, len(names))
            random.shuffle(authzs)
        life = options.order_life or profile.order_life
        order = Order(self.ca.url("order", number), self.ca.url("finalize", number), account, names,
                      now, min([now + life, *(a.expires for a in authzs)]), authzs,
                      payload.get("profile"), payload.get("replaces"), profile.lifetime)
        order.cn = profile.cn
        self.all.append(order)
        return order

    def answer(self, order, status=200, headers=()):
        headers, options, now = list(headers), self.ca.options, self.ca.now()
        if order.status(now) == "processing" and options.retry_after is not None:
            headers.append(("Retry-After", str(options.retry_after)))
        return Answer.of_json(order.document(now), status, headers)

    def get(self, number, account, jws):
        order = self.owned(self.all[number - 1], account)
        self.ca.demand_empty(jws)
        return self.answer(order)

    def owned(self, thing, account):
        """Someone else's, and what is not there yet or no longer, is not found; with no reason."""
        if thing.account is not account or self.ca.is_lagging(thing.made) or \
                self.ca.now() >= thing.expires:
            raise self.ca.not_found()
        return thing

    # --- authorizations and challenges ---

    def find_authz(self, account, kind, value, profile):
        now, options, name = self.ca.now(), self.ca.options, value.removeprefix("*.")
        for a in self.authzs:
            if a.account is not account or (a.kind, a.name) != (kind, name) or \
                    a.wildcard != (name != value):
                continue
            status = a.status(now)
            if status == "valid" and now - a.valid < options.authz_reuse:
                return a
            if status == "pending" and options.pending_authz_reuse and a.expires - now > 600:
                return a
        return self.make_authz(account, kind, name, name != value, profile)

    def make_authz(self, account, kind, name, wildcard, profile):
        now, number = self.ca.now(), len(self.authzs) + 1
        authz = Authz(self.ca.url("authz", number), account, kind, name, wildcard, now,
                      now + profile.authz_life)
        kinds = ["dns-01"] if wildcard else ["http-01", "tls-alpn-01"]
        if kind == "dns" and not wildcard:
            kinds.append("dns-01")
        token = jose.encode(secrets.token_bytes(32))
        for i, k in enumerate(random.sample(kinds, len(kinds))):
            authz.challenges.append(Challenge(self.ca.url("challenge", number, i), k, token))
        self.authzs.append(authz)
        return authz

    def get_authz(self, number, account, jws):
        authz = self.owned(self.authzs[number - 1], account)
        now = self.ca.now()
        if jws.payload:
            demand(jws.json() == {"status": "deactivated"}, "an authorization is changed otherwise")
            authz.deactivated = True
            if not authz.valid and self.ca.options.limits:
                self.ca.options.limits.on_failure(account.url, authz.name, now)
        authz.read = True
        return Answer.of_json(authz.document(now))

    def answer_challenge(self, number, index, account, jws):
        authz = self.owned(self.authzs[number - 1], account)
        challenge, now = authz.challenges[index], self.ca.now()
        demand(jws.payload == b"{}", f"a challenge is answered with {jws.payload!r} and not {{}}")
        demand(challenge.kind == "http-01", f"{challenge.kind} is chosen")
        users = sum(o.given for o in self.all if authz in o.authzs and o.is_unfinished(now))
        demand(challenge.answers == 0 or authz.read or users > 1,
               "a challenge is answered again, and its authorization was not read")
        challenge.answers += 1
        authz.read = False
        if authz.is_being_validated():
            raise Problem("conflict", "a validation of this authorization is under way", 409)
        status = authz.status(now)
        if status == "pending":
            challenge.busy = True
            self.ca.work(self.validate, authz, challenge)
        elif status != "valid":
            raise Problem("malformed", "authorization must be pending")
        return Answer.of_json(challenge.document(), headers=[
            ("Link", f'<{authz.url}>;rel="up"')])

    def validate(self, authz, challenge):
        """In a thread of its own."""
        self.ca.sleep(self.ca.options.validation_delay)
        error = validation.http_01(self.ca.options, authz, challenge,
                                   jose.thumbprint(authz.account.jwk))
        with self.ca.lock:
            challenge.busy, now, limits = False, self.ca.now(), self.ca.options.limits
            challenge.validated = now
            challenge.status = "invalid" if error else "valid"
            challenge.error = error
            if error:
                if limits:
                    limits.on_failure(authz.account.url, authz.name, now)
                return
            authz.valid = now
            authz.expires = now + max(self.ca.options.authz_reuse, 3600)
            if limits:
                limits.on_success(authz.account.url, authz.name)

    # --- finalize ---

    def check_csr(self, data, order):
        """RFC 8555 section 7.4 and what the CAs want; Return: the key."""
        try:
            csr = x509.load_der_x509_csr(data)
        except ValueError as e:
            raise jose.Violation(f"the CSR is not readable: {e}") from None
        demand(csr.public_bytes(serialization.Encoding.DER) == data,
               "there is something behind the CSR")
        try:
            demand(csr.is_signature_valid, "the CSR's signature is wrong")
        except InvalidSignature:
            raise jose.Violation("the CSR's signature is wrong") from None
        demand(isinstance(csr.signature_hash_algorithm, (hashes.SHA256, hashes.SHA384)),
               "the CSR is signed with another digest")
        demand([e.oid for e in csr.extensions] == [ExtensionOID.SUBJECT_ALTERNATIVE_NAME],
               "the CSR has other extensions than its names")
        demand(not list(csr.subject), f"the CSR has a subject: {csr.subject.rfc4514_string()}")
        names = authority.names_of(csr)
        demand(len(names) == len(order.names) and set(names) == set(order.names),
               f"the CSR is for {names}, the order for {order.names}")
        key = csr.public_key()
        demand(isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in (
            "secp256r1", "secp384r1") or isinstance(key, rsa.RSAPublicKey) and key.key_size in (
            2048, 3072, 4096) and key.public_numbers().e == 65537,
               "the CSR's key is of another kind")
        mine = self.ca.spki(key)
        for account in self.ca.accounts.all:
            demand(self.ca.spki(jose.public_key(account.jwk)) != mine,
                   "the CSR's key is an account's")
        return key

    def finalize(self, number, account, jws):
        order, payload, now = self.owned(self.all[number - 1], account), jws.json(), self.ca.now()
        options = self.ca.options
        demand(set(payload) == {"csr"}, f"finalize with {sorted(payload)}")
        status = order.status(now)
        if status != "ready":
            raise Problem("orderNotReady", f'Order\'s status ("{status}") is not acceptable for '
                          "finalization", 403)
        if order.profile and order.profile not in options.profiles:
            raise Problem("invalidProfile", f'profile "{order.profile}" is no longer offered')
        key = self.check_csr(jose.decode(payload["csr"], "csr"), order)
        order.processing_until = now + options.processing
        if options.processing_error:
            order.error = options.processing_error.document()
        else:
            order.certificate = self.issue(order, key)
        return self.answer(order)

    def issue(self, order, key):
        now, options = self.ca.now(), self.ca.options
        leaf = self.ca.authority.issue(
            key, sorted(order.names), now, order.lifetime or options.lifetime, options.backdate,
            options.leading_zero, order.cn, options.flaw)
        certificate = Certificate(
            self.ca.url("certificate", len(self.certificates) + 1), order.account, order.names,
            leaf,
            authority.seconds(leaf.not_valid_before), authority.seconds(leaf.not_valid_after),
            f"{jose.encode(authority.key_identifier(leaf))}."
            f"{jose.encode(authority.serial_octets(leaf))}")
        for i in range(len(self.ca.authority.roots) - 1):
            self.ca.url("alternate", len(self.certificates) + 1, i + 1)
        self.certificates.append(certificate)
        replaced = order.replaces and self.ca.ari.find(order.replaces)
        if replaced:
            replaced.replaced = True
        if options.limits:
            options.limits.on_issued([n for _, n in order.names], order.renewal, now)
        return certificate

    # --- the certificate ---

    def download(self, request, number, chain, account, jws):
        certificate = self.certificates[number - 1]
        self.ca.demand_empty(jws)
        demand(request.header("Accept") == "application/pem-certificate-chain",
               f"a certificate is asked for with Accept: {request.header('Accept')}")
        if certificate.account is not account:
            raise self.ca.not_found()
        n = len(self.ca.authority.roots)
        urls = [certificate.url if i == 0 else self.ca.url("alternate", number, i)
                for i in range(n) if i != chain]
        style = self.ca.options.links
        if style == "relative":
            urls = ["/" + u.split("/", 3)[3] for u in urls]
        links = [f'<{u}>;rel="alternate"' for u in urls]
        if style == "joined":
            links = [", ".join([f'<{self.ca.base}/dir>; rel="index"', *links])]
        return Answer(200, [("Content-Type", "application/pem-certificate-chain"),
                            *[("Link", text) for text in links]],
                      self.ca.authority.chain(certificate.x509, chain))
