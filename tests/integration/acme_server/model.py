# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the CA remembers, and what a test may set."""
import dataclasses
import datetime
from typing import Any, Optional

MINUTE, HOUR, DAY = 60, 3600, 86400


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(
        int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclasses.dataclass
class Profile:
    description: str = "https://ca.example/profiles"
    lifetime: Optional[float] = None  # the options' one
    names: int = 100
    order_life: float = 7 * DAY
    authz_life: float = 7 * DAY  # of a pending one
    cn: bool = False


# Let's Encrypt's: acme.md section 13.
LETS_ENCRYPT = {
    "classic": Profile(cn=True),
    "tlsserver": Profile(lifetime=45 * DAY, names=25, order_life=8 * HOUR, authz_life=HOUR),
    "shortlived": Profile(lifetime=160 * HOUR, names=25, order_life=8 * HOUR, authz_life=HOUR)}


@dataclasses.dataclass
class Options:
    """Every one may also be changed while the server runs: server.options.lifetime = 60."""
    http_port: int
    address: str = "127.0.0.1"
    hosts: dict = dataclasses.field(default_factory=dict)  # name -> address, other than that
    perspectives: int = 2  # how often each challenge is looked at
    validation_delay: float = 0

    # the account
    terms: Optional[str] = "https://ca.example/terms/1"
    eab: dict = dataclasses.field(default_factory=dict)  # key id -> key, base64url
    eab_flag: bool = True  # whether meta says so
    contact_required: bool = False
    rollover: str = "works"  # "lies": answers 200 and changes nothing

    # the certificate
    lifetime: float = 90 * DAY
    backdate: float = 0
    leading_zero: bool = False
    profiles: dict = dataclasses.field(default_factory=dict)
    not_before_allowed: bool = False
    flaw: Optional[str] = None  # one of authority.FLAWS

    # the way there
    processing: float = 0  # how long an order is so
    processing_error: Any = None  # a Problem in which it ends
    retry_after: Optional[float] = None  # on orders that are processing
    reuse_orders: bool = True
    authz_reuse: float = 30 * DAY  # how long a valid one is good for new orders
    pending_authz_reuse: bool = True
    blocked: set = dataclasses.field(default_factory=set)  # names by policy
    order_life: Optional[float] = None  # the profile's
    replica_lag: float = 0  # how long a fresh object is not found
    shuffle: bool = True  # no order of identifiers, authorizations, challenges
    alternates: int = 0
    links: str = "headers"  # "joined": comma between; "relative"
    ari: bool = True
    ari_retry_after: Any = 21600  # any text, None: no header
    ari_window: Any = None  # fixed (start, end) in seconds for every certificate
    explanation: Optional[str] = None
    limits: Any = None  # limits.Limits
    odd_urls: bool = False  # URLs that a client may not normalise
    nonce_life: float = HOUR


@dataclasses.dataclass
class Account:
    url: str
    jwk: dict
    contact: list
    terms: Optional[str]
    made: float
    status: str = "valid"


@dataclasses.dataclass
class Challenge:
    url: str
    kind: str
    token: str
    status: str = "pending"
    error: Optional[dict] = None
    validated: Optional[float] = None
    answers: int = 0  # how often the client said that it is ready
    busy: bool = False  # the CA looks; like Let's Encrypt's it stays pending meanwhile

    def document(self):
        d = {"type": self.kind, "url": self.url, "token": self.token, "status": self.status}
        if self.error:
            d["error"] = self.error
        if self.validated:
            d["validated"] = rfc3339(self.validated)
        return d


@dataclasses.dataclass
class Authz:
    url: str
    account: Account
    kind: str
    name: str
    wildcard: bool
    made: float
    expires: float
    challenges: list = dataclasses.field(default_factory=list)
    valid: Optional[float] = None
    deactivated: bool = False
    read: bool = False  # since a challenge was answered

    def status(self, now):
        if self.deactivated:
            return "deactivated"
        if any(c.status == "invalid" for c in self.challenges):
            return "invalid"
        if now >= self.expires:
            return "expired"
        return "valid" if self.valid else "pending"

    def is_being_validated(self):
        return any(c.busy for c in self.challenges)

    def document(self, now):
        d = {"identifier": {"type": self.kind, "value": self.name}, "status": self.status(now),
             "expires": rfc3339(self.expires),
             "challenges": [c.document() for c in self.challenges
                            if not self.valid or c.status == "valid"]}
        return {**d, "wildcard": True} if self.wildcard else d


@dataclasses.dataclass
class Certificate:
    url: str
    account: Account
    names: list
    x509: Any
    not_before: float
    not_after: float
    ari: str
    revoked: Optional[float] = None
    replaced: bool = False


@dataclasses.dataclass
class Order:
    url: str
    finalize: str
    account: Account
    names: list  # pairs of type and value, as asked for
    made: float
    expires: float
    authzs: list
    profile: Optional[str] = None
    replaces: Optional[str] = None
    lifetime: Optional[float] = None
    cn: bool = False
    given: int = 0  # how many newOrders were answered with it
    renewal: Optional[str] = None  # what the limits exempt it as
    processing_until: Optional[float] = None  # the CSR came
    certificate: Optional[Certificate] = None
    error: Optional[dict] = None

    def status(self, now):
        if self.error and now >= (self.processing_until or 0):
            return "invalid"
        if self.processing_until is not None:
            return "processing" if now < self.processing_until else "valid"
        states = {a.status(now) for a in self.authzs}
        if states - {"valid", "pending"}:
            return "invalid"
        return "pending" if "pending" in states else "ready"

    def is_unfinished(self, now):
        return now < self.expires and self.status(now) in ("pending", "ready", "processing")

    def document(self, now):
        status = self.status(now)
        d = {"status": status, "expires": rfc3339(self.expires),
             "identifiers": [{"type": k, "value": v} for k, v in self.names],
             "authorizations": [a.url for a in self.authzs], "finalize": self.finalize}
        if self.profile:
            d["profile"] = self.profile
        if self.replaces:
            d["replaces"] = self.replaces
        if status == "valid":
            d["certificate"] = self.certificate.url
        if status == "invalid" and self.error:
            d["error"] = self.error
        return d
