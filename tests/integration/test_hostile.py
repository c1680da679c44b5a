# SPDX-License-Identifier: LGPL-2.1-or-later
"""What comes from the CA is hostile: one message that names certificate and CA, the old certificate
stays, the next attempt is planned; and what is only clumsy or unlucky does no harm."""
import contextlib
import json
import re
import socket
import threading

import lab
import pytest
from test_issue import certificate


def refused(r, name="a.example"):
    """Until an attempt fails. Return: status and the one line that says so."""
    def look():
        s = r.status(name)
        # Both: the line is written after the state.
        lines = lab.log_lines(r.output(), rf"(error|warning): {re.escape(name)}: lab: ")
        return (s, lines) if s["failures"] and lines else None
    status, lines = lab.wait_for(look, "the failure")
    assert len(lines) == 1, lines
    assert status["state"] in ("backoff", "held")
    if status["state"] == "backoff":
        assert status["next_attempt"]
    return status, lines[0]


ORDINARY = {"dir": "/dir", "nonce": "/nonce", "account": "/sign-me-up", "order": "/order-plz",
            "authz": "/authZ/", "challenge": "/chalZ/", "finalize": "/finalize-order/",
            "certificate": "/certZ/"}


def at(place):
    return lambda path: path.startswith(ORDINARY[place])


@pytest.fixture
def settled(place):
    """A renewd with a certificate in force, whose CA is about to turn bad."""
    ca = place.pebble(environment={"WFE_NONCEREJECT": 0, "AUTHZREUSE": 0})
    proxy = place.mischief(ca)
    r = place.renewd(proxy.section(), certificate("a.example")).start()
    r.wait_issued("a.example")
    return r, proxy


def want_another(r, proxy):
    """A certificate is due."""
    r.configure(proxy.section(), certificate("a.example", Names="a.example b.example"))
    assert r.reload()[0] == 200


def turn_bad(settled, rule):
    """Orders with the rule in force. Return: status and line of the failure."""
    r, proxy = settled
    serial = r.serial("a.example")
    proxy.rule = rule
    want_another(r, proxy)
    status, line = refused(r)
    lab.check_pair(r.live("a.example"))
    assert r.serial("a.example") == serial
    assert r.status("a.example")["issued"]["serial"] == serial
    # And well again.
    proxy.rule = lambda m, p, forward: forward()
    assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
    r.wait_issued("a.example", other_than=serial)
    return status, line


HTML = (200, [("Content-Type", "text/html")], b"<html>This is \x1b[31mnot\x1b[0m ACME</html>")


@pytest.mark.parametrize("where", ["order", "authz", "challenge", "finalize", "certificate"])
def test_html_instead_of_json(settled, where):
    hit = at(where)
    status, line = turn_bad(settled, lambda m, p, forward: HTML if hit(p) else forward())
    assert "\x1b" not in line
    assert status["last_problem"]["where"]


@pytest.mark.parametrize("where", ["order", "authz", "finalize", "certificate"])
def test_ten_megabytes(settled, where):
    hit = at(where)

    def rule(method, path, forward):
        if not hit(path):
            return forward()
        return 200, [("Content-Type", "application/json")], (b"x" * 65536 for _ in range(160))

    _, line = turn_bad(settled, rule)
    assert "256" in line or "large" in line or "long" in line


def test_endless_redirects(settled):
    r, proxy = settled

    def rule(method, path, forward):
        if at("order")(path) or path.startswith("/again"):
            return 307, [("Location", f"{proxy.directory}/../again{len(proxy.requests)}")], b""
        return forward()

    turn_bad(settled, rule)
    # No redirect of a POST is followed.
    assert not [p for m, p in proxy.requests if p.startswith("/again")]


def replace_pem(make):
    def rule(method, path, forward):
        answer = forward()
        if at("certificate")(path) and answer[0] == 200:
            return answer[0], answer[1], make(answer[2])
        return answer
    return rule


def test_a_private_key_in_the_chain(settled):
    key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    status, line = turn_bad(settled, replace_pem(lambda pem: pem + key))
    assert status["last_problem"]["type"] == "bad-certificate"
    assert "not a certificate" in line and "AAAA" not in line


def test_the_certificate_of_somebody_else(settled, tmp_path):
    key, cert, _ = lab.make_tls_files(tmp_path)
    status, _ = turn_bad(settled, replace_pem(lambda pem: cert.read_bytes()))
    assert status["last_problem"]["type"] == "bad-certificate"


def test_half_a_chain(settled):
    turn_bad(settled, replace_pem(lambda pem: pem[:len(pem) // 2]))


def test_the_issuers_alone(settled):
    end = b"-----END CERTIFICATE-----\n"
    turn_bad(settled, replace_pem(lambda pem: pem[pem.index(end) + len(end):]))


def test_other_names(settled):
    r, proxy = settled
    other = {}

    def rule(method, path, forward):
        status, headers, body = forward()
        if at("order")(path) and status == 201:
            body = body.replace(b"a.example", b"z.example")
        return status, headers, body

    status, line = turn_bad(settled, rule)
    assert status["last_problem"]["detail"]


@pytest.mark.parametrize("status, headers, retry", [
    (429, [("Retry-After", "7200")], 7200),
    (503, [("Retry-After", "7200")], 7200),
    (503, [], 0)])
def test_overload(settled, status, headers, retry):
    def rule(method, path, forward):
        if at("order")(path):
            return status, [("Content-Type", "text/html"), *headers], b"<h1>busy</h1>"
        return forward()

    told, line = turn_bad(settled, rule)
    wait = (lab.parse_time(told["next_attempt"]) -
            lab.parse_time(told["last_problem"]["when"])).total_seconds()
    assert wait >= max(retry, 1) - 2
    assert wait <= max(retry * 1.25, 60 * 1.25) + 60


def test_rate_limited_as_lets_encrypt_says_it(settled):
    problem = {"type": "urn:ietf:params:acme:error:rateLimited", "status": 429, "detail":
               "too many certificates (5) already issued for this exact set of identifiers"}

    def rule(method, path, forward):
        if at("order")(path):
            return 429, [("Content-Type", "application/problem+json"), ("Retry-After", "3600")], \
                json.dumps(problem).encode()
        return forward()

    told, line = turn_bad(settled, rule)
    assert "too many certificates (5)" in line
    assert told["last_problem"]["type"] == "rate-limited"


@pytest.mark.parametrize("where", ["nonce", "order", "authz", "challenge", "finalize",
                                   "certificate"])
@pytest.mark.parametrize("forwarded", [False, True])
def test_one_lost_connection(settled, where, forwarded):
    """A request or its answer is lost once. Whatever that costs, it is not the certificate: either it
    is made good at once, or one failure is told and the order goes on when it is tried again."""
    r, proxy = settled
    hit, lost, serial = at(where), [], r.serial("a.example")

    def rule(method, path, forward):
        if hit(path) and not lost:
            lost.append(path)
            if forwarded:
                forward()
            return None
        return forward()

    proxy.rule = rule
    want_another(r, proxy)
    status = lab.wait_for(lambda: (s := r.status("a.example"))["state"] in (
        "backoff", "resting") and (s["failures"] or s["issued"]["serial"] != serial) and s)
    if where != "nonce":
        assert lost
    if status["failures"]:
        assert status["last_problem"]["retry"] == "network"
        assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
    r.wait_issued("a.example", other_than=serial)
    # A lost newOrder may leave one at the CA that nobody knows of; nothing else makes a second one.
    new_orders = [p for m, p in proxy.requests if p == ORDINARY["order"]]
    assert len(new_orders) <= (3 if where == "order" else 2)


def test_unknown_members_and_challenges(place):
    """What a CA adds is ignored."""
    ca = place.pebble(environment={"AUTHZREUSE": 0})

    def rule(method, path, forward):
        status, headers, body = forward()
        if dict(headers).get("Content-Type", "").startswith("application/json") and body:
            answer = json.loads(body)
            answer["x-unknown"] = {"deep": [1, None, {"a": "https://example.invalid/"}]}
            if isinstance(answer.get("challenges"), list):
                answer["challenges"][:0] = [
                    {"type": "dns-persist-01", "url": ca.directory, "status": "pending"},
                    {"type": "x-future-99", "token": 5}, None, "nonsense"]
            body = json.dumps(answer).encode()
        return status, headers, body

    proxy = place.mischief(ca, rule)
    r = place.renewd(proxy.section(), certificate("a.example", Names="a.example b.example")).start()
    r.wait_issued("a.example")


@pytest.mark.parametrize("token", ["../../../../tmp/renewd-was-here", "", "a/b", "a" * 256, "a%2fb"])
@pytest.mark.parametrize("webroot", [False, True])
def test_tokens_that_are_none(place, token, webroot):
    """reliability.md 17: a token is checked before it is used for anything."""
    ca = place.pebble(environment={"AUTHZREUSE": 0})

    def rule(method, path, forward):
        status, headers, body = forward()
        if at("authz")(path) and status == 200:
            answer = json.loads(body)
            for c in answer["challenges"]:
                c["token"] = token
            body = json.dumps(answer).encode()
        return status, headers, body

    proxy = place.mischief(ca, rule)
    root = place.path / "webroot"
    root.mkdir()
    keys = {"Webroot": root} if webroot else {}
    r = place.renewd(proxy.section(), certificate("a.example", **keys)).start()
    refused(r)
    assert list(root.iterdir()) == []


# --- no CA at all ---------------------------------------------------------------------------------


def serve(handler, address=lab.LOOPBACK):
    server = socket.create_server((address, 0))
    threading.Thread(target=handler, args=(server,), daemon=True).start()
    return server, server.getsockname()[1]


def section(port, **keys):
    lines = {"Directory": f"https://127.0.0.1:{port}/dir", "AgreeToTerms": "yes", **keys}
    return "[CA lab]\n" + "".join(f"{k}={v}\n" for k, v in lines.items())


def test_a_ca_that_is_not_trusted(place):
    ca = place.pebble()
    text = "".join(line for line in ca.section().splitlines(True) if "TrustFile" not in line)
    r = place.renewd(text, certificate("a.example")).start()
    _, line = refused(r)
    assert "TrustFile=" in line


def relay(client, port, answered=b""):
    """Carries bytes between a client and a port of ours, both ways, until one of them ends."""
    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)

    behind = socket.create_connection((lab.LOOPBACK, port))
    client.sendall(answered)
    for pair in ((client, behind), (behind, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()


def test_a_ca_of_another_name(place):
    """The certificate is trusted and names somebody else."""
    ca = place.pebble()

    def accept(server):
        while True:
            relay(server.accept()[0], ca.port)

    _, port = serve(accept, "127.0.0.2")
    r = place.renewd(ca.section(Directory=f"https://127.0.0.2:{port}/dir"),
                     certificate("a.example")).start()
    _, line = refused(r)
    assert "127.0.0.2" in line


def test_a_ca_that_speaks_no_tls(place):
    def plain(server):
        with server:
            while True:
                c, _ = server.accept()
                c.recv(4096)
                c.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                c.close()
    _, port = serve(plain)
    r = place.renewd(section(port), certificate("a.example")).start()
    refused(r)


def test_plain_http_is_refused_by_the_configuration(place):
    r = place.renewd("[CA lab]\nDirectory=http://127.0.0.1:1/dir\nAgreeToTerms=yes\n",
                     certificate("a.example"))
    result = r.run("--check")
    assert result.returncode == 1 and "https" in result.stderr


def test_through_a_proxy(place):
    """https_proxy of the environment; no_proxy, too."""
    ca = place.pebble()
    asked = []

    def connect_proxy(server):
        while True:
            client, _ = server.accept()
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096)
            asked.append(head.decode().split("\r\n")[0])
            relay(client, ca.port, b"HTTP/1.1 200 Connection established\r\n\r\n")

    _, port = serve(connect_proxy)
    r = place.renewd(ca.section(), certificate("a.example"))
    proxy = {"https_proxy": f"http://127.0.0.1:{port}", "no_proxy": ""}
    r.start(environment=proxy)
    r.wait_issued("a.example")
    assert asked and all(a == f"CONNECT 127.0.0.1:{ca.port} HTTP/1.1" for a in asked)
    r.stop()
    n = len(asked)
    r.start(environment={**proxy, "no_proxy": "127.0.0.1"})
    serial = r.serial("a.example")
    assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
    r.wait_issued("a.example", other_than=serial)
    assert len(asked) == n


def test_one_connection_for_many_requests(place):
    """Kept alive, as bench and courtesy want it: two certificates need a connection or two."""
    ca = place.pebble()
    connections = []

    def count(server):
        while True:
            connections.append(server.accept()[0])
            relay(connections[-1], ca.port)

    _, port = serve(count)
    r = place.renewd(ca.section(Directory=f"https://127.0.0.1:{port}/dir"),
                     *[certificate(f"c{i}.example") for i in range(6)]).start()
    for i in range(6):
        r.wait_issued(f"c{i}.example")
    assert len(connections) <= 2
