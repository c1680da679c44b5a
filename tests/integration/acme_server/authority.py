# SPDX-License-Identifier: LGPL-2.1-or-later
"""The keys and certificates of the CA: roots, one intermediate that each root has signed, leaves of
any lifetime, and leaves that are wrong in one way."""
import datetime
import ipaddress
import secrets

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

TEN_YEARS = datetime.timedelta(days=3652)

# One way each in which a leaf is not what was asked for.
FLAWS = ("key", "names", "expired", "future", "ca", "purpose", "issuer")


def utc(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).replace(tzinfo=None)


def seconds(when):
    return when.replace(tzinfo=datetime.timezone.utc).timestamp()


def common_name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def general_name(kind, value):
    return x509.DNSName(value) if kind == "dns" else x509.IPAddress(ipaddress.ip_address(value))


def names_of(certificate):
    """The identifiers of a certificate or of a request."""
    try:
        san = certificate.extensions.get_extension_for_oid(
            ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    except x509.ExtensionNotFound:
        return []
    return [("dns", n.value) if isinstance(n, x509.DNSName) else
            ("ip", str(n.value)) if isinstance(n, x509.IPAddress) else
            ("other", str(n.value)) for n in san]


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def serial_octets(certificate):
    """The content octets of the INTEGER, a leading 00 included."""
    n = certificate.serial_number
    return n.to_bytes(n.bit_length() // 8 + 1, "big")


def key_identifier(certificate):
    return certificate.extensions.get_extension_for_oid(
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER).value.key_identifier


class Authority:
    def __init__(self, alternates, now):
        self.roots = []
        key = ec.generate_private_key(ec.SECP256R1())
        self.key, self.issuers = key, []
        name = common_name("fake CA intermediate")
        for i in range(alternates + 1):
            root_key = ec.generate_private_key(ec.SECP256R1())
            root_name = common_name(f"fake CA root {i}")
            self.roots.append(self.make_issuer(root_name, root_key, root_name, root_key, now))
            self.issuers.append(self.make_issuer(name, key, root_name, root_key, now))

    @staticmethod
    def make_issuer(name, key, issuer, issuer_key, now):
        return (x509.CertificateBuilder().subject_name(name).issuer_name(issuer)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(utc(now) - TEN_YEARS).not_valid_after(utc(now) + TEN_YEARS)
                .add_extension(x509.BasicConstraints(True, None), True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    issuer_key.public_key()), False)
                .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False,
                                             False), True)
                .sign(issuer_key, hashes.SHA256()))

    def chain(self, leaf, number=0):
        """What is downloaded: the root is left out."""
        return pem(leaf) + pem(self.issuers[number])

    def roots_pem(self):
        return b"".join(pem(r) for r in self.roots)

    def issue(self, public_key, names, now, lifetime, backdate=0, leading_zero=False,
              cn=False, flaw=None):
        """names are pairs of type and value; flaw is one of FLAWS."""
        assert flaw is None or flaw in FLAWS, flaw
        begin = now - backdate
        if flaw == "expired":
            begin = now - 2 * lifetime - 1
        elif flaw == "future":
            begin = now + 30 * 86400
        if flaw == "key":
            public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
        if flaw == "names":
            names = [*names[1:], ("dns", "somebody.else.example")]
        # 18 octets behind a first one that says whether the sign needs a 00 in front of it.
        first = 0x80 | secrets.randbelow(128) if leading_zero else 1 + secrets.randbelow(127)
        serial = int.from_bytes(bytes([first]) + secrets.token_bytes(17), "big")
        subject = common_name(names[0][1]) if cn and names[0][0] == "dns" else x509.Name([])
        purpose = (ExtendedKeyUsageOID.EMAIL_PROTECTION if flaw == "purpose" else
                   ExtendedKeyUsageOID.SERVER_AUTH)
        signer = (ec.generate_private_key(ec.SECP256R1()) if flaw == "issuer" else self.key)
        builder = (x509.CertificateBuilder().subject_name(subject)
                   .issuer_name(self.issuers[0].subject).public_key(public_key)
                   .serial_number(serial).not_valid_before(utc(begin))
                   .not_valid_after(utc(begin + lifetime))
                   .add_extension(x509.BasicConstraints(flaw == "ca", None), True)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                       self.key.public_key()), False)
                   .add_extension(x509.ExtendedKeyUsage([purpose]), False)
                   .add_extension(x509.SubjectAlternativeName(
                       [general_name(*n) for n in names]), not subject.rdns))
        return builder.sign(signer, hashes.SHA256())
