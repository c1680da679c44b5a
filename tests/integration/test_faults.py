# SPDX-License-Identifier: LGPL-2.1-or-later
"""renewd against a CA that is strict and does as a test says: each fault has the outcome that the
table of reactions wants (retry class, one message, the old certificate stays, the next attempt in
its range). Comments name the point of the protocol notes' list "what clients commonly get wrong"
(point N) or the lesson of other clients (lesson N) that a test shows."""
import base64
import time

import acme_server
import lab
import pytest
from acme_server import DAY, HOUR, MINUTE, Limits, Problem, faults, subproblem
from test_hostile import refused
from test_issue import certificate

NAME = "a.example"


def issue(place, ca, *names, sections=None, **keys):
    """Starts renewd and waits for the certificates. Return: renewd and the last one's status."""
    names = names or (NAME,)
    sections = sections or [certificate(n, **keys) for n in names]
    r = place.renewd(ca.section(), *sections).start()
    for name in names:
        status = r.wait_issued(name)
        lab.check_pair(r.live(name))
    return r, status


def renew(r, name=NAME):
    """The operator's wish, until it is fulfilled."""
    serial = r.serial(name)
    assert r.request("POST", f"/v1/certificates/{name}/renew")[0] == 202
    return r.wait_issued(name, other_than=serial)


# --- all is well -----------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072"])
@pytest.mark.parametrize("key", ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"])
def test_kinds_of_keys(place, account, key):
    """Points 2, 3, 9, 14, 18, 25: whatever a request must be is checked by the CA."""
    ca = place.acme_server()
    r = place.renewd(ca.section(AccountKey=account), certificate(NAME, Key=key)).start()
    assert r.wait_issued(NAME)["key"] == key
    assert ca.counts["new-order"] == ca.counts["finalize"] == ca.counts["certificate"] == 1


def test_many_accounts_and_keys(place):
    """Points 14 and 23: one signature in 128 has a coordinate or a half that begins with zeros, so
    that a few hundred of them say something."""
    ca = place.acme_server()
    names = [f"n{i}.example" for i in range(30)]
    issue(place, ca, *names)
    assert ca.counts["new-account"] == 2  # looked for, then made
    assert sum(1 for q in ca.requests if q.jws) >= 30 * 6


def test_a_hundred_names(place):
    ca = place.acme_server()
    names = [f"n{i}.a.example" for i in range(100)]
    _, status = issue(place, ca, Names=" ".join(names))
    assert sorted(status["issued"]["names"]) == sorted(names)
    assert ca.counts["challenge"] == 100


def test_kinds_of_names(place):
    ca = place.acme_server()
    names = ["127.0.0.1", "xn--bcher-kva.example", "x" * 63 + "." + "y" * 63 + ".example"]
    _, status = issue(place, ca, Names=f"127.0.0.1 BÜCHER.example {names[2]}")
    assert sorted(status["issued"]["names"]) == sorted(names)


def eab(place, text):
    file = place.path / "eab.key"
    file.write_text(text)
    file.chmod(0o600)
    return file


EAB_BYTES = bytes(range(224, 256)) + b"\xfb\xff"


@pytest.mark.parametrize("spelling", ["url", "url-padded", "plain", "plain-padded"])
def test_external_account(place, spelling):
    """Points 22 and 23: every spelling of the key, and a binding without a nonce."""
    text = (base64.urlsafe_b64encode if "url" in spelling else base64.b64encode)(EAB_BYTES).decode()
    bare = base64.urlsafe_b64encode(EAB_BYTES).decode().rstrip("=")
    ca = place.acme_server(eab={"kid-1": bare})
    file = eab(place, text if "padded" in spelling else text.rstrip("="))
    r = place.renewd(ca.section(EabKeyId="kid-1", EabKeyFile=file), certificate(NAME)).start()
    r.wait_issued(NAME)
    # Used once: the CA may have forgotten it.
    r.stop()
    ca.options.eab.clear()
    ca.options.eab["another"] = bare
    r.start()
    renew(r)


def test_external_account_not_announced(place):
    """externalAccountRequired is missing from the directory: the refusal is understood as well."""
    ca = place.acme_server(eab={"kid-1": "AAAA"}, eab_flag=False)
    r = place.renewd(ca.section(), certificate(NAME)).start()
    status, line = refused(r)
    assert status["state"] == "held"
    assert status["last_problem"]["type"] == "external-account-required"
    # Announced or not, bound it is.
    r.configure(ca.section(EabKeyId="kid-1", EabKeyFile=eab(place, "AAAA")), certificate(NAME))
    assert r.reload()[0] == 200
    r.wait_issued(NAME)


def test_a_contact_is_wanted(place):
    ca = place.acme_server(contact_required=True)
    r = place.renewd(ca.section(), certificate(NAME)).start()
    assert refused(r)[0]["state"] == "held"
    r.configure(ca.section(Contact="ops@lab.example"), certificate(NAME))
    assert r.reload()[0] == 200
    r.wait_issued(NAME)
    # Point 15: the CA tells no contacts, and nothing comes of that.
    renew(r)
    assert len(ca.accounts) == 1 and not ca.asked("account")


@pytest.mark.parametrize("links", ["headers", "joined", "relative"])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_alternate_chains(place, links, number):
    """Point 30."""
    ca = place.acme_server(alternates=3, links=links)
    name = f"fake CA root {number}"
    r = place.renewd(ca.section(PreferredChain=name), certificate(NAME)).start()
    assert r.wait_issued(NAME)["issued"]["issuer"] == name
    assert ca.counts["alternate"] == number


def test_many_alternate_chains(place):
    """More than are wanted by anybody, and none of them."""
    ca = place.acme_server(alternates=40)
    r = place.renewd(ca.section(PreferredChain="No Such Root"), certificate(NAME)).start()
    r.wait_issued(NAME)
    assert 0 < ca.counts["alternate"] <= 16


def test_urls_as_they_stand(place):
    """Point 29: what a careful server may write and a careless client destroys."""
    ca = place.acme_server(odd_urls=True, alternates=1)
    r, _ = issue(place, ca)
    renew(r)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("lifetime", [20, 6 * DAY, 90 * DAY, 3650 * DAY])
def test_lifetimes(place, zero, lifetime):
    """Points 10 and 13: from seconds to years, with serial numbers that begin with a zero, issued
    an hour ago where they live longer than that."""
    ca = place.acme_server(lifetime=lifetime, leading_zero=zero,
                           backdate=HOUR if lifetime > DAY else 0)
    r, status = issue(place, ca)
    assert status["issued"]["serial"] == r.serial(NAME)
    assert status["issued"]["serial"].startswith("00") is zero
    if lifetime == 20:
        r.wait_issued(NAME, other_than=status["issued"]["serial"])
        return
    left = (1 / 2 if lifetime < 10 * DAY else 1 / 3) * lifetime
    due = lab.parse_time(status["next_attempt"])
    not_after = lab.parse_time(status["issued"]["not_after"])
    assert left - 5 <= (not_after - due).total_seconds() <= left + lifetime / 50 + 5


# --- answers that are odd and do no harm ----------------------------------------------------------


@pytest.mark.parametrize("framing", ["chunked", "close", "http/1.0"])
def test_framings(place, framing):
    ca = place.acme_server(alternates=1)
    ca.fault(None, faults.framed(framing))
    r = place.renewd(ca.section(PreferredChain="fake CA root 1"), certificate(NAME)).start()
    r.wait_issued(NAME)


def test_clumsy_answers(place):
    """Points 8 and 1, lesson 23: unknown members and challenges, no status in the first answer, no
    Location but where it must be, media types with parameters, names of headers in lower case."""
    ca = place.acme_server()
    ca.fault("authz", faults.unknown_challenges())
    ca.fault("new-order", faults.without_member("status"))
    ca.fault(None, faults.extra_members())

    def clumsy(x):
        answer = x.forward()
        answer.headers = [(n.lower(), v + "; charset=utf-8" if n == "Content-Type" else v)
                          for n, v in answer.headers
                          if n != "Location" or x.request.kind in ("new-order", "new-account")]
        return answer

    ca.fault(None, clumsy)
    r, _ = issue(place, ca, Names="a.example b.example")
    renew(r)


def test_no_meta_and_null_members(place):
    """Lesson 23."""
    ca = place.acme_server(terms=None)

    def change(document):
        if "newNonce" in document:
            document.update(meta=None, renewalInfo=None, newAuthz=None)
        if "finalize" in document:
            document.update(error=None, notBefore=None, certificate=document.get("certificate"))

    ca.fault(None, faults.changed(change))
    issue(place, ca)


@pytest.mark.parametrize("skew", [-3 * HOUR, 3 * HOUR, 4000 * DAY, -4000 * DAY])
def test_another_clock(place, skew):
    """The CA's Date is off; its Retry-After as a date is understood by it."""
    ca = place.acme_server(processing=1)
    ca.fault(None, faults.dated(skew))
    ca.fault(("finalize", "order"), faults.with_header(
        "Retry-After", lambda x: faults.http_date(x.ca.now() + skew + 2)))
    issue(place, ca)
    # Two seconds are two seconds.
    assert ca.counts["order"] <= 5


@pytest.mark.parametrize("with_nonce", [True, False])
@pytest.mark.parametrize("times", [1, 12])
@pytest.mark.parametrize("where", ["new-account", "new-order", "authz", "challenge", "finalize",
                                   "certificate"])
def test_rejected_nonces(place, where, times, with_nonce):
    """Point 4: again at once, with the nonce of the refusal or a new one."""
    ca = place.acme_server()
    rule = ca.fault(where, faults.bad_nonce(with_nonce), times=times)
    r, status = issue(place, ca)
    assert rule.hits == times and status["failures"] == 0
    answers = ca.asked(where)
    if with_nonce:
        assert not [q for q in ca.asked("new-nonce") if answers[0].at < q.at < answers[times].at]


def test_nonces_that_expire(place):
    """Those that are kept are too old by the time of the next renewal."""
    ca = place.acme_server()
    r, _ = issue(place, ca)
    for nonce in ca.ca.nonces:
        ca.ca.nonces[nonce] -= 2 * HOUR
    n = len(ca.requests)
    assert renew(r)["failures"] == 0
    assert 400 in [q.status for q in ca.requests[n:]]


def test_no_nonces_in_answers(place):
    """Lesson 23: only newNonce gives them."""
    ca = place.acme_server()
    ca.fault(None, faults.without_header("Replay-Nonce"), when=lambda q: q.kind != "new-nonce")
    issue(place, ca)
    posts = sum(1 for q in ca.requests if q.method == "POST")
    assert ca.counts["new-nonce"] == posts


@pytest.mark.parametrize("spelling", ["seconds", "date"])
def test_processing(place, spelling):
    """Point 5: the order is looked at as the CA asks (asking too early is a violation)."""
    ca = place.acme_server(processing=4)
    seconds = 2
    ca.fault(("finalize", "order"), faults.with_header(
        "Retry-After", faults.as_date(seconds) if spelling == "date" else seconds))
    issue(place, ca)
    assert 1 <= ca.counts["order"] <= 4


def test_late_objects(place):
    """What was just made is not there yet: the account, the order, the authorizations."""
    ca = place.acme_server(replica_lag=1.5)
    _, status = issue(place, ca)
    assert status["failures"] == 0 and len(ca.accounts) == 1 and len(ca.orders) == 1


def test_valid_at_once(place):
    """Point 6: everything was shown before; nothing is presented and nothing answered."""
    ca = place.acme_server()
    r, _ = issue(place, ca, Names="a.example b.example")
    n = ca.counts["challenge"]
    renew(r)
    assert ca.counts["challenge"] == n and len(ca.orders) == 2


def test_names_in_common(place):
    """Pending authorizations are shared by several orders at once: one challenge, answered by both
    of them or by one."""
    ca = place.acme_server(validation_delay=1)
    names = [f"c{i}.example" for i in range(4)]
    r = place.renewd(ca.section(), *[certificate(n, Names=f"{n} shared.example") for n in names])
    r.start()
    for n in names:
        assert r.wait_issued(n)["failures"] == 0
    assert len([a for a in ca.ca.orders.authzs if a.name == "shared.example"]) == 1


def test_the_same_names_twice(place):
    """The CA gives two certificates of the same names one order, as long as it is unfinished: one
    of them finalizes it, the other one has to see that the certificate is not for its key."""
    ca = place.acme_server(validation_delay=1)
    r = place.renewd(ca.section(), *[certificate(n, Names="a.example b.example")
                                     for n in ("one", "two")]).start()
    lab.wait_for(lambda: r.live("one").exists() or r.live("two").exists(), "one of them")
    first, other = ("one", "two") if r.live("one").exists() else ("two", "one")
    r.wait_issued(first)
    status = lab.wait_for(lambda: (s := r.status(other))["state"] in ("backoff", "resting") and s)
    if not status["issued"]:
        assert r.request("POST", f"/v1/certificates/{other}/renew")[0] == 202
    r.wait_issued(other)
    lab.check_pair(r.live("one"))
    lab.check_pair(r.live("two"))
    assert r.serial("one") != r.serial("two")


def test_redirected_directory(place):
    """Lesson 23: a GET may be sent elsewhere at the same CA."""
    ca = place.acme_server()
    ca.ca.paths["/moved"] = ("directory", ())
    ca.fault("directory", faults.redirect(301, f"{ca.ca.base}/moved"),
             when=lambda q: q.target == "/dir")
    issue(place, ca)


# --- trouble ---------------------------------------------------------------------------------------


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


# --- what is cached, what is lost ------------------------------------------------------------------


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
