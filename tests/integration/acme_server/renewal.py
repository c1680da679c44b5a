# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renewal information by Let's Encrypt's rules (acme.md section 12), and revocation."""
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from . import jose
from .jose import demand
from .model import DAY, rfc3339
from .problem import Answer, Problem

REASONS = (0, 1, 4, 5)


class Renewal:
    def __init__(self, ca):
        self.ca = ca

    def find(self, text):
        """By its identifier, byte for byte: unpadded, with a leading 00 of the serial number."""
        certificate = next((c for c in self.ca.orders.certificates if c.ari == text), None)
        if not certificate:
            self.check_form(text)
        return certificate

    def check_form(self, text):
        demand(isinstance(text, str) and text.count(".") == 1, f"certificate identifier {text}")
        _, serial = (jose.decode(part, "certificate identifier") for part in text.split("."))
        for c in self.ca.orders.certificates:
            demand(c.x509.serial_number != int.from_bytes(serial, "big"),
                   f"{text} ought to be {c.ari}")

    def window(self, certificate, now):
        if certificate.revoked is not None:
            return now - 3600, now - 1800
        if self.ca.options.ari_window:
            return self.ca.options.ari_window
        begin, life = certificate.not_before, certificate.not_after - certificate.not_before
        ideal = begin + (life / 2 if life < 10 * DAY else life * 2 / 3)
        return ideal - life / 100, ideal + life / 100

    def is_inside(self, certificate, now):
        start, end = self.window(certificate, now)
        return start <= now < end

    def get(self, text):
        options = self.ca.options
        certificate = self.find(text)
        if not certificate:
            raise Problem("malformed", "certificate not found", 404)
        start, end = self.window(certificate, self.ca.now())
        body = {"suggestedWindow": {"start": rfc3339(start), "end": rfc3339(end)}}
        if options.explanation:
            body["explanationURL"] = options.explanation
        headers = [] if options.ari_retry_after is None else [
            ("Retry-After", str(options.ari_retry_after))]
        return Answer.of_json(body, headers=headers)

    def revoke(self, account, jws):
        payload = jws.json()
        demand(set(payload) <= {"certificate", "reason"}, f"revokeCert with {sorted(payload)}")
        data = jose.decode(payload["certificate"], "certificate")
        certificate = next((c for c in self.ca.orders.certificates if c.x509.public_bytes(
            serialization.Encoding.DER) == data), None)
        demand(certificate or x509.load_der_x509_certificate(data), "no certificate")
        if not certificate:
            raise Problem("malformed", "Certificate from unrecognized issuer", 404)
        if account is None:
            demand(self.ca.spki(certificate.x509.public_key()) == self.ca.spki(
                jose.public_key(jws.protected["jwk"])), "revoked with a key that is not its own")
        elif certificate.account is not account:
            raise Problem("unauthorized", "The key ID specified is not that of the certificate's "
                          "account", 403)
        if payload.get("reason", 0) not in REASONS:
            raise Problem("badRevocationReason", f"Unsupported revocation reason, only {REASONS}")
        if certificate.revoked is not None:
            raise Problem("alreadyRevoked", "Certificate already revoked")
        if certificate.not_after <= self.ca.now():
            raise Problem("unauthorized", "Certificate is expired", 403)
        certificate.revoked = self.ca.now()
        return Answer(200)
