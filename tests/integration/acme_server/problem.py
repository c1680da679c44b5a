# SPDX-License-Identifier: LGPL-2.1-or-later
"""RFC 7807 as RFC 8555 section 6.7 uses it, and the answers that carry everything."""
import dataclasses
import json
from typing import Iterable, Union

PREFIX = "urn:ietf:params:acme:error:"


class Problem(Exception):
    """What the CA refuses; headers and members as a test or an endpoint wants them."""

    def __init__(self, kind, detail, status=400, headers=(), **members):
        super().__init__(detail)
        self.kind, self.detail, self.status = kind, detail, status
        self.headers, self.members = list(headers), members

    def document(self):
        return {"type": PREFIX + self.kind, "detail": self.detail, "status": self.status,
                **self.members}

    def answer(self):
        return Answer.of_json(self.document(), self.status, self.headers,
                              media="application/problem+json")


def subproblem(kind, detail, name):
    return {"type": PREFIX + kind, "detail": detail, "identifier": {"type": "dns", "value": name}}


@dataclasses.dataclass
class Answer:
    """What goes back. The framing is a fault's business: "length", "chunked", "close" (until the
    connection ends), "http/1.0", "cut" (the length announced, half of it sent), "slow"."""
    status: int
    headers: list = dataclasses.field(default_factory=list)
    body: Union[bytes, Iterable[bytes]] = b""
    framing: str = "length"
    pause: float = 0

    @classmethod
    def of_json(cls, value, status=200, headers=(), media="application/json"):
        return cls(status, [("Content-Type", media), *headers], json.dumps(value).encode())

    def header(self, name):
        return next((v for n, v in self.headers if n.lower() == name.lower()), None)

    def without(self, *names):
        lower = [n.lower() for n in names]
        self.headers = [(n, v) for n, v in self.headers if n.lower() not in lower]
        return self

    def json(self):
        """None where it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, TypeError):
            return None

    def replace_json(self, value):
        self.body = json.dumps(value).encode()
        return self
