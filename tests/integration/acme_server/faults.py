# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may go wrong, ready-made: each function makes a rule's action, which takes an Exchange and
returns an Answer, or None to hang up. The list is acme.md's, end of section 19, but for those that
are options of the CA (model.Options: processing, replica_lag, flaw, links, rollover, ...)."""
import email.utils

from .problem import PREFIX, Answer, Problem


def http_date(seconds):
    return email.utils.formatdate(seconds, usegmt=True)


def as_date(seconds):
    """A Retry-After spelt as the instant so many seconds from the answer's own Date."""
    return lambda x: http_date(x.ca.now() + seconds)


def retry_after_seconds(value, date, now):
    """What a header means, by RFC 9110; 0: nothing."""
    if value is None:
        return 0
    if str(value).isdigit():
        return int(value)
    try:
        then = email.utils.parsedate_to_datetime(value).timestamp()
        return then - (email.utils.parsedate_to_datetime(date).timestamp() if date else now)
    except ValueError:
        return 0


def retry_header(x, value):
    if value is None:
        return []
    return [("Retry-After", value(x) if callable(value) else str(value))]


# --- in the place of an answer --------------------------------------------------------------------


def problem(kind, detail="because", status=400, headers=(), nonce=True, **members):
    """The CA refuses, in its own words."""
    def do(x):
        answer = Problem(kind, detail, status, headers, **members).answer()
        if nonce:
            answer.headers.append(("Replay-Nonce", x.ca.nonce()))
        return answer
    return do


def limited(retry_after=None, detail="too many new orders recently", status=429):
    def do(x):
        return problem("rateLimited", detail, status, retry_header(x, retry_after))(x)
    return do


def paused(url="https://unpause.ca.example/sfe/v1/unpause?jwt=abc.def.ghi"):
    """As Let's Encrypt says it: no Retry-After, and a link with a token in it."""
    return limited(None, "Your account is temporarily prevented from requesting certificates for "
                   f"a.example and possibly others. Please visit: {url}")


def html(status=503, retry_after=None):
    """A load balancer speaks in the CA's place: no problem document, no nonce."""
    def do(x):
        return Answer(status, [("Content-Type", "text/html"), *retry_header(x, retry_after)],
                      b"<html>This is \x1b[31mnot\x1b[0m ACME</html>")
    return do


def bad_nonce(with_nonce=True):
    return problem("badNonce", "JWS has an invalid anti-replay nonce", nonce=with_nonce)


def redirect(status=307, to=None):
    def do(x):
        return Answer(status, [("Location", to or f"{x.ca.base}/acme/elsewhere")])
    return do


def hang_up(forward=False):
    """The connection ends without an answer; forward: though the CA did what it was asked."""
    def do(x):
        if forward:
            x.forward()
    return do


def oversized(size=10 * 1024 * 1024, media="application/json"):
    def do(x):
        return Answer(200, [("Content-Type", media)], (b"x" * 65536 for _ in range(size // 65536)))
    return do


# --- in an honest answer --------------------------------------------------------------------------


def framed(framing, pause=0):
    """"chunked", "close", "http/1.0", "cut", "slow": see problem.Answer."""
    def do(x):
        answer = x.forward()
        answer.framing, answer.pause = framing, pause
        return answer
    return do


def without_header(*names):
    return lambda x: x.forward().without(*names)


def with_header(name, value):
    """In the place of what is there; value may be a function of the exchange."""
    def do(x):
        answer = x.forward().without(name)
        answer.headers.append((name, value(x) if callable(value) else str(value)))
        return answer
    return do


def dated(seconds):
    """The CA's clock is off by so much, as far as its Date tells."""
    return with_header("Date", lambda x: http_date(x.ca.now() + seconds))


def changed(change):
    """change(document) of what is JSON and a success; what it returns, if anything, is sent."""
    def do(x):
        answer = x.forward()
        document = answer.json()
        if answer.status < 400 and isinstance(document, dict):
            replaced = change(document)
            answer.replace_json(document if replaced is None else replaced)
        return answer
    return do


def without_member(*names):
    def change(document):
        for n in names:
            document.pop(n, None)
    return changed(change)


def extra_members():
    def change(document):
        document["x-unknown"] = {"deep": [1, None, {"a": "https://example.invalid/"}]}
        document["status-"] = 0
    return changed(change)


def unknown_challenges():
    """Kinds of the future, without a token, and what is none at all (lesson of dns-persist-01)."""
    def change(document):
        if "challenges" in document:
            document["challenges"][:0] = [
                {"type": "dns-persist-01", "url": "https://ca.example/c", "status": "pending",
                 "issuer-domain-names": ["ca.example"]},
                {"type": "http-01", "url": "https://ca.example/d", "status": "pending"},
                {"type": "x-future-99", "token": 5}, None, "nonsense"]
    return changed(change)


def legacy_prefix():
    """Problems with the URN of the drafts."""
    def do(x):
        answer = x.forward()
        answer.body = answer.body.replace(PREFIX.encode(), b"urn:acme:error:")
        return answer
    return do


def pem(change):
    """change(bytes) of a downloaded chain."""
    def do(x):
        answer = x.forward()
        if answer.status == 200:
            answer.body = change(answer.body)
        return answer
    return do
