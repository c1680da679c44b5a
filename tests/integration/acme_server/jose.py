# SPDX-License-Identifier: LGPL-2.1-or-later
"""JWS as RFC 8555 wants it from a client, and not an inch more: whatever an honest client does not
send is a Violation."""
import base64
import hashlib
import hmac
import json
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

CURVES = {"P-256": (ec.SECP256R1, 32, "ES256", hashes.SHA256),
          "P-384": (ec.SECP384R1, 48, "ES384", hashes.SHA384),
          "P-521": (ec.SECP521R1, 66, "ES512", hashes.SHA512)}


class Violation(Exception):
    """What a client must never send."""


def demand(condition, what):
    if not condition:
        raise Violation(what)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text, what="base64url"):
    """Without padding, in its own alphabet, and with no stray bits (RFC 8555 section 6.1)."""
    demand(isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9_-]*", text),
           f"{what} is not unpadded base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    demand(encode(data) == text, f"{what} has stray bits")
    return data


def parse_json(data, what):
    def once(pairs):
        demand(len({k for k, _ in pairs}) == len(pairs), f"{what} has a member twice")
        return dict(pairs)
    try:
        return json.loads(data, object_pairs_hook=once)
    except ValueError as e:
        raise Violation(f"{what} is no JSON: {e}") from None


# --- keys -----------------------------------------------------------------------------------------


def number(jwk, member, size=None):
    data = decode(jwk[member], f"jwk.{member}")
    if size:
        demand(len(data) == size, f"jwk.{member} has {len(data)} octets and not {size}")
    else:
        demand(data and data[0], f"jwk.{member} is not minimal")
    return int.from_bytes(data, "big")


def public_key(jwk):
    """RFC 7518 section 6: the members of a public key, with the widths that they must have."""
    demand(isinstance(jwk, dict), "jwk is no object")
    if jwk.get("kty") == "RSA":
        demand(set(jwk) == {"kty", "n", "e"}, f"jwk has the members {sorted(jwk)}")
        return rsa.RSAPublicNumbers(number(jwk, "e"), number(jwk, "n")).public_key()
    demand(jwk.get("kty") == "EC" and jwk.get("crv") in CURVES, "jwk is of no known kind")
    demand(set(jwk) == {"kty", "crv", "x", "y"}, f"jwk has the members {sorted(jwk)}")
    curve, size, _, _ = CURVES[jwk["crv"]]
    return ec.EllipticCurvePublicNumbers(
        number(jwk, "x", size), number(jwk, "y", size), curve()).public_key()


def thumbprint(jwk):
    """RFC 7638."""
    members = ("e", "kty", "n") if jwk["kty"] == "RSA" else ("crv", "kty", "x", "y")
    text = json.dumps({m: jwk[m] for m in members}, separators=(",", ":"), sort_keys=True)
    return encode(hashlib.sha256(text.encode()).digest())


def check_signature(jwk, alg, data, signature):
    key = public_key(jwk)
    try:
        if jwk["kty"] == "RSA":
            demand(alg == "RS256", f"an RSA key signs with {alg}")
            demand(key.key_size in (2048, 3072, 4096), f"an RSA key of {key.key_size} bits")
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
            return
        _, size, name, digest = CURVES[jwk["crv"]]
        demand(alg == name, f"a key of {jwk['crv']} signs with {alg}")
        # RFC 7518 section 3.4: r and s, each of full width, and no DER.
        demand(len(signature) == 2 * size, f"a signature of {len(signature)} octets")
        r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
        key.verify(encode_dss_signature(r, s), data, ec.ECDSA(digest()))
    except InvalidSignature:
        raise Violation("the signature is wrong") from None


# --- JWS ------------------------------------------------------------------------------------------


class Jws:
    """The flattened form with one signature and no unprotected header (RFC 8555 section 6.2)."""

    def __init__(self, value, what="JWS"):
        demand(isinstance(value, dict), f"{what} is no object")
        demand(set(value) == {"protected", "payload", "signature"},
               f"{what} has the members {sorted(value)}")
        self.what = what
        self.signed = f"{value['protected']}.{value['payload']}".encode()
        self.signature = decode(value["signature"], f"{what}.signature")
        self.payload = decode(value["payload"], f"{what}.payload")
        self.protected = parse_json(decode(value["protected"], f"{what}.protected"),
                                    f"{what}.protected")
        demand(isinstance(self.protected, dict), f"{what}.protected is no object")

    def check_header(self, *members):
        demand(set(self.protected) == set(members),
               f"{self.what}.protected has the members {sorted(self.protected)}")

    def check_signature(self, jwk):
        check_signature(jwk, self.protected.get("alg"), self.signed, self.signature)

    def check_mac(self, key):
        """Return: whether it is made with this key; the algorithm is the client's to get right."""
        demand(self.protected.get("alg") == "HS256", f"{self.what} is not of HS256")
        return hmac.compare_digest(hmac.digest(key, self.signed, "sha256"), self.signature)

    def json(self):
        value = parse_json(self.payload, f"{self.what}.payload")
        demand(isinstance(value, dict), f"{self.what}.payload is no object")
        return value
