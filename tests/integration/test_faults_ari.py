# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renewal information as Let's Encrypt gives it, and all that may be wrong with it: what Pebble
cannot do (test_renewal_info.py has what it can)."""
import json
import time

import lab
import pytest
from acme_server import DAY, HOUR, LETS_ENCRYPT, Limits, faults
from test_hostile import refused
from test_issue import certificate
from test_strict import NAME, issue, renew


def wait_info(r, name=NAME):
    return lab.wait_for(lambda: r.status(name)["renewal_info"], "renewal information")


def remembered(r, name=NAME):
    file = r.state / "certificates" / name / "state.json"
    return json.loads(file.read_text()).get("renewal-info") or {}


def instant(text):
    return lab.parse_time(text).timestamp()


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("lifetime, begin, end", [
    (90 * DAY, 59.1 * DAY, 60.9 * DAY), (64 * DAY, 42.0 * DAY, 43.4 * DAY),
    (45 * DAY, 29.55 * DAY, 30.45 * DAY), (160 * HOUR, 78.4 * HOUR, 81.6 * HOUR)])
def test_the_windows_of_lets_encrypt(place, lifetime, begin, end, zero):
    """Points 10, 11 and 13: the identifier with its zero (the CA takes no other), an instant inside
    the window, however narrow, kept over a restart."""
    ca = place.acme_server(lifetime=lifetime, leading_zero=zero, backdate=HOUR)
    r, status = issue(place, ca)
    info = wait_info(r)
    not_before = ca.certificates[0].not_before
    assert begin - 60 <= instant(info["start"]) - not_before
    assert instant(info["end"]) - not_before <= end + 60
    assert instant(info["start"]) <= instant(info["at"]) < instant(info["end"])
    status = r.status(NAME)
    assert abs(instant(status["next_attempt"]) - instant(info["at"])) <= 1
    r.stop()
    r.start()
    assert r.status(NAME)["renewal_info"] == info
    assert ca.counts["renewal-info"] == 1


def test_replaces(place):
    """The renewal names its predecessor, and the CA knows it as replaced."""
    ca = place.acme_server(leading_zero=True)
    r, _ = issue(place, ca)
    wait_info(r)
    assert renew(r)["failures"] == 0
    assert ca.orders[1].replaces == ca.certificates[0].ari and ca.certificates[0].replaced
    assert not ca.orders[0].replaces


@pytest.mark.parametrize("kind, status", [
    ("alreadyReplaced", 409), ("malformed", 404), ("malformed", 400), ("unauthorized", 403),
    ("serverInternal", 500), ("conflict", 409), ("somethingNew", 418)])
def test_replaces_never_blocks(place, kind, status):
    """Lesson 1, point 12: whatever the CA says about it, once more without."""
    ca = place.acme_server()
    r, _ = issue(place, ca)
    ca.fault("new-order", faults.problem(kind, "whatever", status),
             when=lambda q: "replaces" in (q.payload() or {}))
    assert renew(r)["failures"] == 0
    assert ["replaces" in q.payload() for q in ca.asked("new-order")] == [False, True, False]


def test_replaced_by_a_lost_order(place):
    """A newOrder whose answer was lost has taken the predecessor; without replaces the CA gives
    that same unfinished order."""
    ca = place.acme_server(authz_reuse=0, pending_authz_reuse=False)
    r, _ = issue(place, ca)
    ca.fault("new-order", faults.hang_up(forward=True), times=1)
    serial = r.serial(NAME)
    assert r.request("POST", f"/v1/certificates/{NAME}/renew")[0] == 202
    lab.wait_for(lambda: len(ca.orders) == 2 and r.status(NAME)["state"] != "issuing")
    if r.serial(NAME) == serial:
        renew(r)
    assert len(ca.orders) == 2 and len(ca.certificates) == 2


def test_replaces_nothing(place):
    """Lesson 2, point 12: not for other names, and not at a CA without renewal information."""
    ca = place.acme_server()
    r, status = issue(place, ca)
    r.configure(ca.section(), certificate(NAME, Names="z.example"))
    assert r.reload()[0] == 200
    r.wait_issued(NAME, other_than=status["issued"]["serial"])
    assert not ca.orders[1].replaces
    r.stop()
    ca.options.ari = False
    r.start()
    renew(r)
    assert not ca.orders[2].replaces


def test_inside_its_window_no_limit_counts(place):
    """Let's Encrypt exempts what comes inside the window and names its predecessor."""
    ca = place.acme_server()
    r, status = issue(place, ca)
    serial = status["issued"]["serial"]
    r.stop()
    ca.options.limits = Limits(exact=0, orders=0, domain=0)
    now = time.time()
    ca.options.ari_window = (now - HOUR, now + HOUR)
    # Old enough, by what is remembered of its window, to be asked about again.
    ca.options.limits.requests["new-order"] = (1000, 1000)
    r.start()
    assert r.request("POST", f"/v1/certificates/{NAME}/renew")[0] == 202
    assert r.wait_issued(NAME, other_than=serial)["failures"] == 0


@pytest.mark.parametrize("value, least, most", [
    ("1", 60, 60), ("0", 60, 60), ("-1", 6 * HOUR, 6 * HOUR), ("21600", 6 * HOUR, 6 * HOUR),
    ("31536000", DAY, DAY), ("99999999999999999999999", DAY, DAY), (None, 6 * HOUR, 6 * HOUR),
    ("tomorrow", 6 * HOUR, 6 * HOUR), (faults.as_date(2 * HOUR), 2 * HOUR, 2 * HOUR)])
def test_when_it_is_asked_again(place, value, least, most):
    """Point 11: Retry-After in both spellings, between a minute and a day; six hours without."""
    ca = place.acme_server(ari_retry_after=None)
    if value is not None:
        ca.fault("renewal-info", faults.with_header("Retry-After", value))
    r, _ = issue(place, ca)
    info = wait_info(r)
    wait = instant(info["next_poll"]) - ca.asked("renewal-info")[0].at
    assert least - 2 <= wait <= most + 30
    assert ca.counts["renewal-info"] == 1


def bad_window(start, end):
    def do(x):
        answer = x.forward()
        answer.replace_json({"suggestedWindow": {"start": start, "end": end}})
        return answer
    return do


USELESS = {
    "404": faults.problem("malformed", "certificate not found", 404, nonce=False),
    "empty 404": faults.problem("malformed", "", 404, nonce=False),
    "500": faults.problem("serverInternal", "oops", 500, nonce=False),
    "html": faults.html(503), "html 200": faults.html(200), "hang up": faults.hang_up(),
    "oversized": faults.oversized(), "cut": faults.framed("cut"),
    "no window": faults.changed(lambda d: {}),
    "inverted": bad_window("2030-02-01T00:00:00Z", "2030-01-01T00:00:00Z"),
    "empty": bad_window("2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
    "nonsense": bad_window("soon", "later"), "numbers": bad_window(1, 2),
    "null": bad_window(None, None),
    "after its end": bad_window("2190-01-01T00:00:00Z", "2190-02-01T00:00:00Z"),
}


@pytest.mark.parametrize("what", USELESS)
def test_useless_answers(place, what):
    """Lesson 4: they cost nothing. The plan by lifetime stands, nobody is alarmed, the renewal
    comes all the same."""
    ca = place.acme_server()
    ca.fault("renewal-info", USELESS[what])
    r, _ = issue(place, ca)
    lab.wait_for(lambda: remembered(r).get("poll"), "an answer to renewal information")
    status = r.status(NAME)
    left = instant(status["issued"]["not_after"]) - instant(status["next_attempt"])
    assert 30 * DAY - 5 <= left <= 31.8 * DAY + 5
    assert status["state"] == "resting" and not status["failures"]
    assert not lab.log_lines(r.output(), "error: a.example")
    assert renew(r)["failures"] == 0


def test_a_huge_window(place):
    """Lesson 3: an instant that is drawn later than a sixth of the lifetime before the end counts
    as that."""
    ca = place.acme_server()
    now = time.time()
    ca.options.ari_window = (now + 88 * DAY, now + 4000 * DAY)
    r, _ = issue(place, ca)
    wait_info(r)
    status = r.status(NAME)
    left = instant(status["issued"]["not_after"]) - instant(status["next_attempt"])
    assert abs(left - 15 * DAY) <= 5


def test_revoked(place):
    """A window that is suddenly over: renewed now, said once with the reason's URL, and not ordered
    again and again as long as the window stays over."""
    ca = place.acme_server(lifetime=30, explanation="https://ca.example/incident")
    r, _ = issue(place, ca)
    ca.certificates[0].revoked = time.time()
    # It lives for seconds: its times are short as well, so that this ends by its own renewals.
    lab.wait_for(lambda: len(ca.certificates) >= 2, "the renewal")
    assert len(ca.certificates) <= 4


@pytest.mark.parametrize("moves", [False, True])
def test_an_explanation_is_told_once(place, moves):
    """By each URL once, whatever the window does meanwhile."""
    ca = place.acme_server(explanation="https://ca.example/incident/1")
    r, _ = issue(place, ca)
    wait_info(r)

    def again(url):
        ca.options.explanation = url
        if moves:
            now = time.time()
            ca.options.ari_window = (now - HOUR, now - HOUR / 2)
        n = ca.counts["renewal-info"]
        r.stop()
        file = r.state / "certificates" / NAME / "state.json"
        state = json.loads(file.read_text())
        state["renewal-info"]["poll"] = 0
        file.write_text(json.dumps(state))
        r.start()
        lab.wait_for(lambda: ca.counts["renewal-info"] > n and remembered(r)["poll"])

    again("https://ca.example/incident/2")
    again("https://ca.example/incident/2")
    assert len(lab.log_lines(r.output(), r"incident/1")) == 1
    assert len(lab.log_lines(r.output(), r"incident/2")) == 1


# --- profiles -------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["Profile", "RequireProfile"])
def test_profiles(place, key):
    ca = place.acme_server(profiles=dict(LETS_ENCRYPT))
    r = place.renewd(ca.section(), certificate(NAME, **{key: "shortlived"})).start()
    issued = r.wait_issued(NAME)["issued"]
    life = instant(issued["not_after"]) - instant(issued["not_before"])
    assert abs(life - 160 * HOUR) <= 2 and ca.orders[0].profile == "shortlived"


@pytest.mark.parametrize("when", ["before", "order", "finalize"])
@pytest.mark.parametrize("key", ["Profile", "RequireProfile"])
def test_a_profile_that_is_gone(place, key, when):
    """Taken out of the directory, or between the directory and the order, or between that and the
    CSR: preferred, the certificate comes with another; required, it is held."""
    ca = place.acme_server(profiles=dict(LETS_ENCRYPT))
    if when == "before":
        del ca.options.profiles["shortlived"]
    elif when == "order":
        ca.fault("new-order", faults.problem("invalidProfile", "shortlived: not any more"),
                 when=lambda q: "profile" in q.payload())
    else:
        def withdraw(x):
            ca.options.profiles.pop("shortlived", None)
            return x.forward()
        ca.fault("finalize", withdraw)
    r = place.renewd(ca.section(), certificate(NAME, **{key: "shortlived"})).start()
    if key == "RequireProfile":
        status, line = refused(r)
        assert status["state"] == "held" and "shortlived" in line
        return
    lab.wait_for(lambda: r.status(NAME)["issued"] or r.status(NAME)["failures"])
    status = r.wait_issued(NAME)
    life = instant(status["issued"]["not_after"]) - instant(status["issued"]["not_before"])
    assert abs(life - 90 * DAY) <= 2
