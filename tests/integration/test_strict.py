# SPDX-License-Identifier: LGPL-2.1-or-later
"""renewd against a CA that checks each request strictly, and whose answers may be odd but do no
harm. Comments name the point of acme.md section 18, "what clients commonly get wrong" (point N), or
the lesson of peers.md section 4 (lesson N) that a test shows."""
import base64

import lab
import pytest
from acme_server import DAY, HOUR, faults
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


# --- all is well ----------------------------------------------------------------------------------


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
    # By the rule, or already by the window, which is a hundredth to either side.
    assert left - lifetime / 100 - 5 <= (not_after - due).total_seconds() <= left + lifetime / 50 + 5


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
