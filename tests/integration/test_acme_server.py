# SPDX-License-Identifier: LGPL-2.1-or-later
"""The tests' own CA is itself tested: an honest client gets its certificate, and each thing that a
client must not send is noticed. Without this its silence would say nothing."""
import http.client
import json
import ssl
import time

import acme_server
import lab
import pytest
from acme_server import DAY, Limits, faults, jose
from acme_server.authority import names_of
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

AGENT = {"User-Agent": "test"}


class Client:
    """ES256 and nothing else; each step can be spoilt."""

    def __init__(self, server):
        self.server, self.key, self.kid = server, ec.generate_private_key(ec.SECP256R1()), None
        self.nonce = None
        self.directory = self.send("GET", server.directory, headers=AGENT).json

    def send(self, method, url, body=None, headers=()):
        context = ssl.create_default_context(cafile=str(self.server.root))
        c = http.client.HTTPSConnection(lab.LOOPBACK, self.server.port, context=context)
        c.request(method, "/" + url.split("/", 3)[3], body, dict(headers))
        answer = c.getresponse()
        answer.body = answer.read()
        answer.json = json.loads(answer.body) if answer.body[:1] in (b"{", b"[") else None
        c.close()
        self.nonce = answer.getheader("Replay-Nonce") or self.nonce
        return answer

    @property
    def jwk(self):
        n = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": jose.encode(n.x.to_bytes(32, "big")),
                "y": jose.encode(n.y.to_bytes(32, "big"))}

    def sign(self, header, payload, der=False):
        text = "" if payload is None else jose.encode(json.dumps(payload).encode())
        protected = jose.encode(json.dumps(header).encode())
        signature = self.key.sign(f"{protected}.{text}".encode(), ec.ECDSA(hashes.SHA256()))
        if not der:
            signature = b"".join(n.to_bytes(32, "big") for n in decode_dss_signature(signature))
        return {"protected": protected, "payload": text, "signature": jose.encode(signature)}

    def post(self, url, payload=None, header=None, headers=None, spoil=None, der=False):
        if self.nonce is None:
            self.send("HEAD", self.directory["newNonce"], headers=AGENT)
        h = {"alg": "ES256", "nonce": self.nonce, "url": url, **(header or {})}
        if not header or "jwk" not in header:
            h.setdefault("kid", self.kid)
        nonce, self.nonce = self.nonce, None
        jws = self.sign(h, payload, der)
        if spoil:
            jws = spoil(jws) or jws
        answer = self.send("POST", url, json.dumps(jws), {
            "Content-Type": "application/jose+json", **AGENT, **(headers or {})})
        self.spent = nonce
        return answer

    def register(self):
        answer = self.post(self.directory["newAccount"], {"termsOfServiceAgreed": True},
                           {"jwk": self.jwk})
        self.kid = answer.getheader("Location")
        return self

    def order(self, *names, **members):
        identifiers = [{"type": "dns", "value": n} for n in names]
        return self.post(self.directory["newOrder"], {"identifiers": identifiers, **members})

    def csr(self, *names, key=None):
        key = key or ec.generate_private_key(ec.SECP256R1())
        csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        return jose.encode(csr.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))

    def authorize(self, order):
        """As if it had been shown."""
        for url in order.json["authorizations"]:
            authz = next(a for a in self.server.ca.orders.authzs if a.url == url)
            authz.valid = time.time()

    def issue(self, *names, **members):
        order = self.order(*names, **members)
        assert order.status == 201, order.body
        self.authorize(order)
        done = self.post(order.json["finalize"], {"csr": self.csr(*names)})
        assert done.status == 200, done.body
        return self.server.certificates[-1]


@pytest.fixture
def ca(place):
    server = place.acme_server()
    place.strict.clear()  # violations are what these tests make
    return server


@pytest.fixture
def client(ca):
    return Client(ca).register()


def test_an_honest_client(ca, client):
    """No violation, and the names that were asked for."""
    certificate = client.issue("a.example", "b.example")
    answer = client.post(certificate.url, headers={"Accept": "application/pem-certificate-chain"})
    leaf = x509.load_pem_x509_certificate(answer.body)
    assert sorted(names_of(leaf)) == [("dns", "a.example"), ("dns", "b.example")]
    assert ca.violations == []


def wrong_url(c):
    c.post(c.kid, None, {"url": c.kid + "/"})


SINS = {
    "no User-Agent": lambda c: c.send("GET", c.server.directory),
    "none of this CA's": lambda c: c.post(c.kid, None, {"nonce": "AAAA"}),
    "a nonce is used twice": lambda c: (c.post(c.kid), c.post(c.kid, None, {"nonce": c.spent})),
    "nonce is not unpadded": lambda c: c.post(c.kid, None, {"nonce": "AAA="}),
    "the url": wrong_url,
    "Content-Type": lambda c: c.post(c.kid, headers={
        "Content-Type": "application/jose+json; charset=utf-8"}),
    "Replay-Nonce in a request": lambda c: c.post(c.kid, headers={"Replay-Nonce": "AAAA"}),
    "POST-as-GET with": lambda c: c.post(c.order("a.example").getheader("Location"), {}),
    "JWS has the members": lambda c: c.post(c.kid, spoil=lambda j: {**j, "header": {}}),
    "JWS.payload is not unpadded": lambda c: c.post(
        c.kid, spoil=lambda j: {**j, "payload": "e30="}),
    "protected has the members": lambda c: c.post(c.kid, None, {"jwk": c.jwk, "kid": c.kid}),
    "octets": lambda c: c.post(c.kid, der=True),
    "signature is wrong": lambda c: c.post(c.kid, spoil=lambda j: {**j, "payload": "e30"}),
    "signs with ES384": lambda c: c.post(c.kid, None, {"alg": "ES384"}),
    "jwk.x has": lambda c: c.post(c.directory["newAccount"], {}, {"jwk": {
        **c.jwk, "x": jose.encode(bytes(31))}}),
    "GET of order": lambda c: c.send("GET", c.order("a.example").getheader("Location"),
                                     headers=AGENT),
    "no such URL": lambda c: c.post(c.server.ca.base + "/acme/order/77"),
    "name A.example": lambda c: c.order("A.example"),
    "name a.example.": lambda c: c.order("a.example."),
    "a name twice": lambda c: c.order("a.example", "a.example"),
    "newOrder with": lambda c: c.order("a.example", expires="x"),
}


@pytest.mark.parametrize("what", SINS)
def test_sins(ca, client, what):
    SINS[what](client)
    assert any(what in v for v in ca.violations), ca.violations


def test_sins_of_an_order(ca, client):
    """Points 3, 9 and 18 of what clients get wrong, and others that need an order."""
    order = client.order("a.example")
    authz = client.post(order.json["authorizations"][0]).json
    url = next(c["url"] for c in authz["challenges"] if c["type"] == "http-01")
    for payload in (None, {"resource": "challenge"}):
        client.post(url, payload)
        assert "and not {}" in ca.violations.pop()
    dns = next(c["url"] for c in authz["challenges"] if c["type"] == "dns-01")
    client.post(dns, {})
    assert "dns-01 is chosen" in ca.violations.pop()
    client.authorize(order)
    for csr, told in ((client.csr("b.example"), "the CSR is for"),
                      (client.csr("a.example", key=client.key), "is an account's"),
                      ("AAAA", "not readable"), (client.csr("a.example") + "=", "unpadded")):
        client.post(order.json["finalize"], {"csr": csr})
        assert told in ca.violations.pop()
    assert not ca.certificates and not ca.violations


def test_impatience(ca, client):
    ca.options.processing, ca.options.retry_after = 60, 30
    order = client.order("a.example")
    client.authorize(order)
    client.post(order.json["finalize"], {"csr": client.csr("a.example")})
    client.post(order.getheader("Location"))
    assert "too early" in ca.violations[0]


def test_renewal_information(ca, client):
    """Let's Encrypt's windows, and its answers to replaces."""
    ca.options.leading_zero = True
    for lifetime, centre in ((90 * DAY, 60 * DAY), (160 * 3600, 80 * 3600)):
        ca.options.lifetime = lifetime
        certificate = client.issue("a.example")
        answer = client.send("GET", f"{client.directory['renewalInfo']}/{certificate.ari}",
                             headers=AGENT)
        window = answer.json["suggestedWindow"]
        start, end = (lab.parse_time(window[k]).timestamp() for k in ("start", "end"))
        assert abs((start + end) / 2 - certificate.not_before - centre) <= 2
        assert abs(end - start - lifetime / 50) <= 2
        assert answer.getheader("Retry-After") == "21600"
    assert client.order("c.example", replaces=certificate.ari).status == 400
    assert Client(ca).register().order("a.example", replaces=certificate.ari).status == 403
    assert client.order("a.example", replaces="AAAA.AAAA").status == 404
    first = client.order("a.example", replaces=certificate.ari)
    assert first.status == 201 and first.json["replaces"] == certificate.ari
    assert client.order("a.example", "b.example", replaces=certificate.ari).status == 409
    # Without it the CA gives the unfinished order again.
    assert client.order("a.example").getheader("Location") == first.getheader("Location")
    assert ca.violations == []
    # The zero that a client drops.
    octets = jose.decode(certificate.ari.split(".")[1])
    dropped = certificate.ari.split(".")[0] + "." + jose.encode(octets[1:])
    client.order("a.example", replaces=dropped)
    assert "ought to be" in ca.violations[0]


def test_key_rollover(ca, client):
    def roll(new):
        url = client.directory["keyChange"]
        inner = Client.sign(new, {"alg": "ES256", "jwk": new.jwk, "url": url},
                            {"account": client.kid, "oldKey": client.jwk})
        return client.post(url, inner)

    other, new = Client(ca).register(), Client(ca)
    answer = roll(other)
    assert answer.status == 409 and answer.getheader("Location") == other.kid
    ca.options.rollover = "lies"
    assert roll(new).status == 200 and client.post(client.kid).status == 200
    ca.options.rollover = "works"
    assert roll(new).status == 200
    new.kid = client.kid
    assert new.post(new.kid).status == 200
    assert ca.violations == []


def test_revocation(ca, client):
    certificate = client.issue("a.example")
    der = jose.encode(certificate.x509.public_bytes(serialization.Encoding.DER))
    url = client.directory["revokeCert"]
    assert client.post(url, {"certificate": der, "reason": 2}).status == 400
    assert client.post(url, {"certificate": der, "reason": 4}).status == 200
    assert "alreadyRevoked" in client.post(url, {"certificate": der}).json["type"]
    start, end = ca.ca.ari.window(certificate, time.time())
    assert start < end < time.time()


def test_limits(ca, client):
    ca.options.limits = Limits(exact=1, orders=3)
    client.issue("a.example")
    refused = client.order("a.example")
    assert refused.status == 429 and "exact set" in refused.json["detail"]
    assert 0 < int(refused.getheader("Retry-After")) <= 34 * 3600 + 1
    # A renewal inside its window is exempt.
    ca.options.ari_window = (time.time() - 60, time.time() + 60)
    assert client.order("a.example", replaces=ca.certificates[0].ari).status == 201
    ca.options.limits.paused.add((client.kid, "b.example"))
    paused = client.order("b.example")
    assert paused.status == 429 and paused.getheader("Retry-After") is None
    assert "Please visit: https://" in paused.json["detail"]


def test_wildcards(ca, client):
    assert client.order("*.a.example", "www.a.example").status == 400
    assert client.order("*.a.example", "a.example").status == 201


def test_profiles(ca, client):
    ca.options.profiles = dict(acme_server.LETS_ENCRYPT)
    order = client.order("a.example", profile="shortlived")
    assert order.json["profile"] == "shortlived"
    assert "invalidProfile" in client.order("a.example", profile="none").json["type"]
    client.authorize(order)
    del ca.options.profiles["shortlived"]
    gone = client.post(order.json["finalize"], {"csr": client.csr("a.example")})
    assert "invalidProfile" in gone.json["type"]


def test_rules(ca, client):
    """From the second on, twice; a later rule is around an earlier one."""
    ca.fault("account", faults.problem("serverInternal", status=500), nth=2, times=2)
    rule = ca.fault("account", faults.extra_members())
    assert [client.post(client.kid).status for _ in range(5)] == [200, 500, 500, 200, 200]
    assert rule.hits == 5
