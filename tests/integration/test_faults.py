# SPDX-License-Identifier: LGPL-2.1-or-later
"""renewd against a CA that does as a test says: each fault has the outcome that the table of
reactions wants (acme.md section 15: retry class, one message, the old certificate stays, the next
attempt in its range). "Point" and "lesson" as in test_strict.py."""
import base64
import time

import acme_server
import lab
import pytest
from acme_server import DAY, HOUR, Limits, Problem, faults, subproblem
from test_hostile import refused
from test_issue import certificate
from test_strict import NAME, issue, renew


@pytest.fixture
def settled(place):
    """A renewd with a certificate in force, whose CA is about to turn bad."""
    ca = place.acme_server(authz_reuse=0, pending_authz_reuse=False)
    r, _ = issue(place, ca)
    return r, ca


def want_another(r, ca, **keys):
    r.configure(ca.section(), certificate(NAME, Names="a.example b.example", **keys))
    assert r.reload()[0] == 200


def turn_bad(settled, kinds=None, do=None, recovers=True):
    """Orders with the fault in force. Return: status and line of the failure."""
    r, ca = settled
    serial = r.serial(NAME)
    if do:
        ca.fault(kinds, do)
    want_another(r, ca)
    status, line = refused(r)
    lab.check_pair(r.live(NAME))
    assert r.serial(NAME) == serial == r.status(NAME)["issued"]["serial"]
    ca.well()
    if recovers:
        renew(r)
    return status, line


def wait_of(status):
    """Seconds from the failure to the next attempt."""
    return (lab.parse_time(status["next_attempt"]) -
            lab.parse_time(status["last_problem"]["when"])).total_seconds()


def check_outcome(status, kind, retry, least=60, most=None):
    """The type, the class, and a next attempt within [least, most] seconds (from 0 to 25 % are
    jitter, and instants are shown in whole seconds)."""
    problem = status["last_problem"]
    assert (problem["type"], problem["retry"]) == (kind, retry), problem
    if retry == "held":
        assert status["state"] == "held" and not status["next_attempt"]
        return
    assert status["state"] == "backoff"
    assert least - 2 <= wait_of(status) <= (most or least) * 1.25 + 2, wait_of(status)


def utc(seconds):
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() + seconds))


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("spelling", ["seconds", "date"])
def test_retry_after(settled, status, spelling):
    """Point 5, lesson 14: both spellings, on both."""
    value = 7200 if spelling == "seconds" else faults.as_date(7200)
    do = faults.limited(value) if status == 429 else faults.html(503, value)
    told, line = turn_bad(settled, "new-order", do)
    check_outcome(told, "rate-limited" if status == 429 else "server-internal", "network", 7200)


@pytest.mark.parametrize("value, least", [
    (None, HOUR), ("soon", HOUR), ("-5", HOUR), ("7200, 7200", HOUR), ("1", 60),
    ("99999999999999999999", 365 * DAY), ("31536000", 365 * DAY),
    (lambda x: "Wednesday, 01-Jan-31 00:00:00 GMT", HOUR)])
def test_retry_after_at_the_edges(settled, value, least):
    """None, nonsense, a second, a year and more than that."""
    told, _ = turn_bad(settled, "new-order", faults.limited(value))
    check_outcome(told, "rate-limited", "network", least)


def test_retry_after_in_the_text(settled):
    """Let's Encrypt writes the instant into the text, too."""
    told, _ = turn_bad(settled, "new-order", faults.limited(
        None, f"too many new orders, retry after {utc(3 * HOUR)}: see https://ca.example/limits"))
    check_outcome(told, "rate-limited", "network", 3 * HOUR)


def test_real_limits(settled):
    """An empty bucket of Let's Encrypt's, in its own words."""
    r, ca = settled
    ca.options.limits = Limits(exact=0)
    told, line = turn_bad(settled, recovers=False)
    assert "exact set of identifiers" in line
    check_outcome(told, "rate-limited", "network", 34 * HOUR)
    ca.options.limits = None
    renew(r)


def test_paused(settled):
    """One try a day; the link is told to who can act on it."""
    r, ca = settled
    ca.options.limits = Limits()
    ca.options.limits.paused.add((ca.accounts[0].url, "b.example"))
    told, line = turn_bad(settled, recovers=False)
    check_outcome(told, "paused", "daily", DAY)
    assert "https://unpause.ca.example/" in told["last_problem"]["detail"]
    ca.options.limits.unpause(ca.accounts[0].url)
    renew(r)


def test_paused_after_failures(place):
    """What it takes: the same name fails again and again."""
    ca = place.acme_server(limits=Limits(consecutive=2, failures=100))
    ca.options.hosts["a.example"] = "127.0.0.9"  # nobody listens there
    r = place.renewd(ca.section(), certificate(NAME)).start()
    status, _ = refused(r)
    check_outcome(status, "connection", "validation")
    renew_now = lambda: r.request("POST", f"/v1/certificates/{NAME}/renew")[0]
    assert renew_now() == 202
    lab.wait_for(lambda: len(lab.log_lines(r.output(), "error: a.example: lab: challenge")) == 2)
    assert renew_now() == 202
    lab.wait_for(lambda: lab.log_lines(r.output(), "temporarily prevented"))
    status = r.wait_state(NAME, "backoff")
    check_outcome(status, "paused", "daily", DAY)


@pytest.mark.parametrize("status, retry_after, least", [
    (500, None, 60), (502, None, 60), (503, None, 60), (504, "120", 120), (408, None, 60)])
def test_a_load_balancer_answers(settled, status, retry_after, least):
    """Point 26: no problem document, no nonce."""
    told, line = turn_bad(settled, "new-order", faults.html(status, retry_after))
    check_outcome(told, "server-internal", "network", least)
    assert str(status) in line and "\x1b" not in line


REFUSALS = [
    ("serverInternal", 500, "server-internal", "network"),
    ("userActionRequired", 403, "user-action-required", "daily"),
    ("unauthorized", 403, "configuration", "held"),
    ("unauthorized", 401, "configuration", "held"),
    ("rejectedIdentifier", 400, "rejected-identifier", "held"),
    ("unsupportedIdentifier", 400, "unsupported-identifier", "held"),
    ("malformed", 400, "malformed", "held"),
    ("externalAccountRequired", 403, "external-account-required", "held"),
    ("badSignatureAlgorithm", 400, "bad-signature-algorithm", "held"),
    ("badPublicKey", 400, "bad-public-key", "held"),
    ("invalidContact", 400, "invalid-contact", "held"),
    ("invalidProfile", 400, "invalid-profile", "held"),
    ("caa", 403, "caa", "validation"),
    ("dns", 400, "dns", "validation"),
    ("autoRenewalCanceled", 403, "unknown", "validation"),
    ("somethingNew", 400, "unknown", "validation"),
    ("somethingNew", 500, "server-internal", "network"),
    ("somethingNew", 503, "server-internal", "network"),
]


@pytest.mark.parametrize("kind, status, told, retry", REFUSALS)
@pytest.mark.parametrize("legacy", [False, True])
def test_refusals_of_an_order(settled, kind, status, told, retry, legacy):
    """The class follows from the type, in the spelling of today and of the drafts."""
    r, ca = settled
    ca.fault("new-order", faults.problem(kind, f"reason of {kind}", status))
    if legacy:
        ca.fault("new-order", faults.legacy_prefix())
    outcome, line = turn_bad(settled)
    check_outcome(outcome, told, retry, DAY if retry == "daily" else 60)
    assert f"reason of {kind}" in line


def test_terms_that_changed(settled):
    """403 userActionRequired with the URL: told, and tried once a day."""
    r, ca = settled
    ca.options.terms = "https://ca.example/terms/2"
    told, line = turn_bad(settled, recovers=False)
    check_outcome(told, "user-action-required", "daily", DAY)
    assert "https://ca.example/terms/2" in line
    # The operator has been there.
    ca.accounts[0].terms = ca.options.terms
    renew(r)


def test_subproblems(settled):
    """Which names are to blame is told."""
    r, ca = settled
    ca.fault("new-order", faults.problem("rejectedIdentifier", "two of them", subproblems=[
        subproblem("rejectedIdentifier", "policy forbids", "a.example"),
        subproblem("malformed", "no such suffix", "b.example")]))
    told, line = turn_bad(settled)
    check_outcome(told, "rejected-identifier", "held")
    assert "a.example: policy forbids" in line and "b.example: no such suffix" in line


@pytest.mark.parametrize("worst, retry", [("caa", "validation"), ("rejectedIdentifier", "held")])
def test_compound(settled, worst, retry):
    """The worst of its parts counts."""
    told, _ = turn_bad(settled, "new-order", faults.problem("compound", "several", subproblems=[
        subproblem("serverInternal", "x", "a.example"), subproblem(worst, "y", "b.example")]))
    check_outcome(told, "compound", retry)


def test_blocked_by_policy(settled):
    """As Let's Encrypt refuses one name: without subproblems."""
    r, ca = settled
    ca.options.blocked.add("b.example")
    told, line = turn_bad(settled, recovers=False)
    check_outcome(told, "rejected-identifier", "held")
    assert "b.example" in line


PLACES = ["new-order", "authz", "challenge", "finalize", "certificate"]


@pytest.mark.parametrize("where", PLACES)
def test_overload_in_the_middle(settled, where):
    """Whatever it was about: the CA's trouble, its Retry-After, and the order goes on later."""
    r, ca = settled
    told, _ = turn_bad(settled, where, faults.html(503, 600))
    check_outcome(told, "server-internal", "network", 600)
    assert len(ca.orders) == 2


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("fault", ["cut", "oversized", "json", "list", "empty", "redirect"])
def test_answers_that_are_none(settled, where, fault):
    """Half of it, ten megabytes, another shape, nothing, elsewhere."""
    if (where, fault) in (("challenge", "json"), ("challenge", "list"), ("challenge", "empty")):
        pytest.skip("what this answer says is not needed: the authorization is read")
    if fault == "cut" and where in ("challenge", "finalize"):
        pytest.skip("made good at once by reading the order: test_a_lost_reply")
    r, ca = settled
    told, line = turn_bad(settled, where, {
        "cut": faults.framed("cut"), "oversized": faults.oversized(),
        "json": lambda x: acme_server.Answer.of_json({"nothing": True}),
        "list": lambda x: acme_server.Answer.of_json([1, 2, 3]),
        "empty": lambda x: acme_server.Answer(200),
        "redirect": faults.redirect()}[fault])
    assert told["last_problem"]["type"] in ("transport", "bad-response", "bad-certificate")
    if fault == "redirect":
        assert "307" in line or "redirect" in line
        assert not [q for q in ca.requests if "elsewhere" in q.target]


@pytest.mark.parametrize("where", ["new-order", "new-account"])
def test_no_location(place, where):
    """There it is needed: it is the only place that has the URL."""
    ca = place.acme_server()
    rule = ca.fault(where, faults.without_header("Location"))
    r = place.renewd(ca.section(), certificate(NAME)).start()
    status, line = refused(r)
    check_outcome(status, "bad-response", "network")
    assert "Location" in line
    rule.times = 0
    assert r.request("POST", f"/v1/certificates/{NAME}/renew")[0] == 202
    r.wait_issued(NAME)
    # It was found again by its key (lesson 22); the order was given again by the CA.
    assert len(ca.accounts) == 1 and len(ca.orders) == 1


@pytest.mark.parametrize("status", ["", "revoked", "half-valid", None, 5])
def test_unknown_status_of_an_order(settled, status):
    """Unknown is as good as invalid; one that is missing later is the CA's fault."""
    def change(document):
        if "finalize" in document:
            document["status"] = status
    turn_bad(settled, "order", faults.changed(change))


@pytest.mark.parametrize("flaw", ["key", "names", "expired", "future", "ca", "purpose", "issuer"])
def test_wrong_certificates(settled, flaw):
    """Point 17, and each other way of being the wrong one."""
    r, ca = settled
    ca.options.flaw = flaw
    told, line = turn_bad(settled, recovers=False)
    check_outcome(told, "bad-certificate", "daily", DAY)
    ca.options.flaw = None
    renew(r)


END = b"-----END CERTIFICATE-----\n"
KEY = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"


@pytest.mark.parametrize("what, change", [
    ("a key behind", lambda p: p + KEY), ("a key before", lambda p: KEY + p),
    ("a key between", lambda p: p.replace(END, END + KEY, 1)),
    ("a CRL", lambda p: p + KEY.replace(b"PRIVATE KEY", b"X509 CRL")),
    ("out of order", lambda p: p[p.index(END) + len(END):] + p[:p.index(END) + len(END)]),
    ("half", lambda p: p[:len(p) // 2]), ("text", lambda p: b"hello"),
    ("DER", lambda p: base64.b64decode(b"".join(p.splitlines()[1:5]))),
    ("many", lambda p: p * 40)])
def test_wrong_chains(settled, what, change):
    """Point 16."""
    told, line = turn_bad(settled, "certificate", faults.pem(change))
    check_outcome(told, "bad-certificate", "daily", DAY)
    assert "AAAA" not in line


def test_a_leaf_alone(place):
    """A CA whose roots sign leaves themselves gives no issuers."""
    ca = place.acme_server()
    ca.fault("certificate", faults.pem(lambda p: p[:p.index(END) + len(END)]))
    issue(place, ca)


def test_processing_that_ends_in_caa(settled):
    """Point 20: the reason stands in the order's error, after the CSR was taken."""
    r, ca = settled
    ca.options.processing, ca.options.processing_error = 1.5, Problem(
        "caa", "CAA record for b.example prevents issuance", 403)
    told, line = turn_bad(settled, recovers=False)
    check_outcome(told, "caa", "validation")
    assert "CAA record for b.example prevents issuance" in line
    ca.options.processing, ca.options.processing_error = 0, None
    renew(r)


def test_validation_that_fails(settled):
    """The reason is the challenge's, the name is told, and the authorization stays as it is:
    deactivating a pending one counts as one more failure."""
    r, ca = settled
    ca.options.limits = Limits()
    ca.options.hosts["b.example"] = "127.0.0.9"
    told, line = turn_bad(settled, recovers=False)
    check_outcome(told, "connection", "validation")
    assert "b.example" in line
    assert ca.options.limits.left("failures", (ca.accounts[0].url, "b.example"), time.time()) >= 4
    assert not any(a.deactivated for a in ca.ca.orders.authzs)
    ca.options.hosts.clear()
    renew(r)


def test_an_order_that_expires(settled):
    """Point 21: it is over before it is done, and a new one is made."""
    r, ca = settled
    ca.options.order_life = 3
    ca.options.validation_delay = 6
    told, line = turn_bad(settled, recovers=False)
    assert told["last_problem"]["type"] in ("expired", "unknown", "malformed")
    assert told["state"] == "backoff"
    ca.options.order_life, ca.options.validation_delay = None, 0
    renew(r)


def test_not_ready(settled):
    """orderNotReady is no failure by itself: the order is read again."""
    r, ca = settled
    ca.fault("finalize", faults.problem("orderNotReady", "not yet", 403), times=2)
    serial = r.serial(NAME)
    want_another(r, ca)
    assert r.wait_issued(NAME, other_than=serial)["failures"] == 0


@pytest.mark.parametrize("kind, told, retry", [
    ("badCSR", "bad-csr", "held"), ("invalidProfile", "invalid-profile", "held"),
    ("unauthorized", "unauthorized", "validation"), ("rateLimited", "rate-limited", "network")])
def test_refusals_of_the_csr(settled, kind, told, retry):
    status = 429 if kind == "rateLimited" else 403
    outcome, _ = turn_bad(settled, "finalize", faults.problem(kind, "no", status))
    check_outcome(outcome, told, retry, HOUR if status == 429 else 60)


# --- what is cached, what is lost -----------------------------------------------------------------


def test_urls_that_moved(settled):
    """Point 24: the directory is read again when what it said is gone."""
    r, ca = settled
    old = ca.ca.fixed["new-order"].removeprefix(ca.ca.base)
    new = "/acme/v3/new-order"
    ca.ca.paths[new] = ca.ca.paths[old]
    ca.ca.fixed["new-order"] = ca.ca.base + new
    ca.fault("new-order", faults.problem("malformed", "", 404), when=lambda q: q.target == old)
    serial = r.serial(NAME)
    want_another(r, ca)
    status = r.wait_issued(NAME, other_than=serial)
    assert status["failures"] == 0


def test_the_ca_forgets_everything(settled):
    """A private CA was set up again: found by nobody, registered once, with the same key."""
    r, ca = settled
    ca.accounts.clear()
    serial = r.serial(NAME)
    want_another(r, ca)
    r.wait_issued(NAME, other_than=serial)
    assert len(ca.accounts) == 1


def test_a_deactivated_account(settled):
    """Never replaced by one that nobody asked for."""
    r, ca = settled
    ca.accounts[0].status = "deactivated"
    told, line = turn_bad(settled, recovers=False)
    check_outcome(told, "configuration", "held")
    assert "deactivated" in line and len(ca.accounts) == 1


def test_a_crash_while_the_ca_works(settled):
    """Lesson 12, point 1: the order's URL is on disk, and the order is taken up by its status. No
    second one is made and the CSR is not handed in twice."""
    r, ca = settled
    ca.options.processing = 4
    serial = r.serial(NAME)
    want_another(r, ca)
    lab.wait_for(lambda: ca.counts["finalize"] == 2 and ca.orders[1].processing_until, "finalize")
    r.stop(9)
    r.start()
    r.wait_issued(NAME, other_than=serial)
    assert len(ca.orders) == 2 and ca.counts["finalize"] == 2
    lab.check_pair(r.live(NAME))


@pytest.mark.parametrize("where", ["new-order", "authz", "challenge", "finalize", "certificate"])
def test_a_lost_reply(settled, where):
    """The CA did it and nobody heard: no second order, no second CSR, no failed validation."""
    r, ca = settled
    serial = r.serial(NAME)
    ca.fault(where, faults.hang_up(forward=True), times=1)
    want_another(r, ca)
    status = lab.wait_for(lambda: (s := r.status(NAME))["failures"] or r.serial(NAME) != serial
                          and s)
    if r.serial(NAME) == serial:
        assert r.status(NAME)["last_problem"]["retry"] == "network"
        renew(r)
    assert len(ca.orders) == 2, status
    assert len(ca.certificates) == 2


def test_an_outage(settled):
    """Nothing listens: the network's class; the answer to its end is one attempt."""
    r, ca = settled
    ca.go_down()
    serial = r.serial(NAME)
    want_another(r, ca)
    status, line = refused(r)
    check_outcome(status, "transport", "network")
    ca.start()
    renew(r)
    assert r.serial(NAME) != serial
