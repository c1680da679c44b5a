# SPDX-License-Identifier: LGPL-2.1-or-later
"""Renewal information (RFC 9773) with Pebble 2.10, which lets a test say what the window is."""
import datetime
import json
import ssl
import urllib.request

import lab
import pytest
from test_issue import certificate

pytestmark = pytest.mark.skipif("2.10" not in lab.pebble_versions(),
                                reason="Pebble 2.10 is missing; 2.4 has no renewal information")


def suggest(ca, r, name, text):
    """What Pebble answers from now on; "" for its own idea."""
    body = json.dumps({"Certificate": (r.live(name) / "cert.pem").read_text(),
                       "ARIResponse": text})
    context = ssl.create_default_context(cafile=str(ca.root))
    request = urllib.request.Request(
        f"https://localhost:{ca.management}/set-renewal-info/", body.encode(),
        headers={"User-Agent": "lab"})
    urllib.request.urlopen(request, timeout=lab.PATIENCE, context=context).close()


def window(start, end, **more):
    """From now, in seconds."""
    now = datetime.datetime.now(datetime.timezone.utc)
    at = lambda s: (now + datetime.timedelta(seconds=s)).isoformat()
    return json.dumps({"suggestedWindow": {"start": at(start), "end": at(end)}, **more})


def wait_info(r, name="a.example"):
    return lab.wait_for(lambda: r.status(name)["renewal_info"], "renewal information")


@pytest.fixture
def settled(place):
    ca = place.pebble("2.10")
    r = place.renewd(ca.section(), certificate("a.example")).start()
    r.wait_issued("a.example")
    wait_info(r)
    return ca, r


def asked(ca):
    return ca.output().count("renewalInfo/ -> calling")


def ask_again(r):
    """What is remembered of polls is forgotten with the process's state; the certificate stays."""
    r.stop()
    state = r.state / "certificates/a.example/state.json"
    remembered = json.loads(state.read_text())
    remembered["renewal-info"]["poll"] = 0
    state.write_text(json.dumps(remembered))
    r.start()


def test_an_instant_in_the_window(settled):
    ca, r = settled
    status = r.status("a.example")
    info = status["renewal_info"]
    start, end, at, poll = (lab.parse_time(info[k]) for k in ("start", "end", "at", "next_poll"))
    assert start <= at < end
    assert status["next_attempt"] == info["at"] and status["next_attempt_reason"] == "window"
    # Pebble says Retry-After: 21600.
    now = datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(hours=5, minutes=55) < poll - now < datetime.timedelta(hours=6)
    # It is kept: neither a reload nor a restart draws again, or asks again.
    r.reload()
    r.stop()
    n = asked(ca)
    r.start()
    assert r.status("a.example")["renewal_info"]["at"] == info["at"]
    assert asked(ca) == n


def test_the_same_window_keeps_the_instant(settled):
    ca, r = settled
    before = r.status("a.example")["renewal_info"]
    n = asked(ca)
    ask_again(r)
    lab.wait_for(lambda: asked(ca) > n, "the next poll")
    after = lab.wait_for(lambda: (i := r.status("a.example")["renewal_info"])["next_poll"] and i)
    assert after["at"] == before["at"]


def test_another_window(settled):
    ca, r = settled
    before = r.status("a.example")["renewal_info"]
    suggest(ca, r, "a.example", window(86400, 2 * 86400, explanationURL="https://ca.example/why"))
    ask_again(r)
    info = lab.wait_for(lambda: (i := r.status("a.example")["renewal_info"])["start"] !=
                        before["start"] and i)
    assert lab.parse_time(info["start"]) <= lab.parse_time(info["at"]) < lab.parse_time(info["end"])
    assert info["explanation_url"] == "https://ca.example/why"
    line, = lab.log_lines(r.output(), "ca.example/why")
    assert "warning" in line


def test_a_window_that_is_over(place):
    """The CA wants it replaced: at once, with the predecessor named."""
    ca = place.pebble("2.10", validity=200)  # what has just come is kept for a tenth of that
    r = place.renewd(ca.section(), certificate("a.example")).start()
    serial = r.wait_issued("a.example")["issued"]["serial"]
    wait_info(r)
    suggest(ca, r, "a.example", window(-7200, -3600))
    ask_again(r)
    r.wait_issued("a.example", other_than=serial)
    line, = lab.log_lines(r.output(), "renewed now")
    assert "warning" in line


def test_replaces(place):
    """Told to the same CA and account, once; and a refusal costs nothing."""
    ca = place.pebble("2.10", environment={"WFE_NONCEREJECT": 0})
    proxy = place.mischief(ca)
    r = place.renewd(proxy.section(), certificate("a.example")).start()
    serial = r.wait_issued("a.example")["issued"]["serial"]
    wait_info(r)
    refused = []

    def rule(method, path, forward):
        if path == "/order-plz" and not refused:
            refused.append(path)
            return 409, [("Content-Type", "application/problem+json")], json.dumps(
                {"type": "urn:ietf:params:acme:error:alreadyReplaced", "status": 409}).encode()
        return forward()

    proxy.rule = rule
    assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
    r.wait_issued("a.example", other_than=serial)
    assert refused and not r.status("a.example")["failures"]


@pytest.mark.parametrize("text", [
    "", "nonsense", "{}", '{"suggestedWindow": {}}', '{"suggestedWindow": 5}',
    '{"suggestedWindow": {"start": "2027-01-02T00:00:00Z", "end": "2027-01-01T00:00:00Z"}}',
    '{"suggestedWindow": {"start": "yesterday", "end": "tomorrow"}}'])
def test_answers_that_are_none(place, text):
    """Lessons 3 and 4: the plan by lifetime stands, and it is nobody's trouble."""
    ca = place.pebble("2.10")
    proxy = place.mischief(ca)

    def rule(method, path, forward):
        status, headers, body = forward()
        if "renewalInfo/" in path and method == "GET":
            return (200 if text else 404), [("Content-Type", "application/json")], text.encode()
        return status, headers, body

    proxy.rule = rule
    r = place.renewd(proxy.section(), certificate("a.example")).start()
    r.wait_issued("a.example")
    lab.wait_for(lambda: lab.log_lines(r.output(), "suggests no time"))
    status = r.status("a.example")
    assert status["renewal_info"] is None and status["failures"] == 0
    assert status["state"] == "resting" and status["next_attempt_reason"] == "lifetime"


def test_no_window_pushes_past_the_end(settled):
    ca, r = settled
    status = r.status("a.example")
    not_after = lab.parse_time(status["issued"]["not_after"])
    left = (not_after - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    suggest(ca, r, "a.example", window(left - 3600, left + 86400 * 365))
    ask_again(r)
    status = lab.wait_for(lambda: lab.parse_time(
        (s := r.status("a.example"))["renewal_info"]["end"]) > not_after and s)
    latest = not_after - datetime.timedelta(days=15)
    assert abs((lab.parse_time(status["next_attempt"]) - latest).total_seconds()) < 3700


def test_profiles(place):
    """A preferred profile, a required one, and what a CA has not."""
    profiles = {"week": {"description": "seven days", "validityPeriod": 7 * 86400},
                "month": {"description": "thirty days", "validityPeriod": 30 * 86400}}
    ca = place.pebble("2.10", profiles=profiles)
    days = lambda s: (lab.parse_time(s["issued"]["not_after"]) -
                      lab.parse_time(s["issued"]["not_before"])).days
    r = place.renewd(ca.section(), certificate("wished", Names="a.example", Profile="week"),
                     certificate("required", Names="b.example", RequireProfile="month"),
                     certificate("absent", Names="c.example", Profile="none-such"),
                     certificate("refused", Names="d.example", RequireProfile="none-such")).start()
    assert days(r.wait_issued("wished")) in (6, 7)
    assert days(r.wait_issued("required")) in (29, 30)
    r.wait_issued("absent")
    refused = r.wait_state("refused", "held")
    assert "none-such" in refused["last_problem"]["detail"]
    # Another profile is another certificate, soon; the same one is not.
    serial, same = r.serial("wished"), r.serial("absent")
    r.configure(ca.section(), certificate("wished", Names="a.example", Profile="month"),
                certificate("absent", Names="c.example", Profile="none-such"))
    assert r.reload()[0] == 200
    assert days(r.wait_issued("wished", other_than=serial)) in (29, 30)
    assert r.serial("absent") == same and r.status("absent")["state"] == "resting"
