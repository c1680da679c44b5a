# SPDX-License-Identifier: LGPL-2.1-or-later
"""The look ahead before an order: what is well says nothing, what is not is told once with its mend,
and the order goes on whatever was found. Addresses, CAA and SERVFAIL are the name server's."""
import contextlib
import datetime
import email.utils
import http.server
import os
import signal
import socket
import subprocess
import threading

import lab
import pytest

IDENTITY = "ca.lab.example"


def certificate(name, **keys):
    return f"[Certificate {name}]\nCA=lab\n" + "".join(f"{k}={v}\n" for k, v in keys.items())


@pytest.fixture
def ca(place):
    return place.pebble(caaIdentities=[IDENTITY])


def section(ca, **keys):
    return ca.section(**{"ValidationPort": ca.http_port, **keys})


def configured(place, ca, *certificates, **daemon):
    return place.renewd(section(ca), *certificates, **{
        "Preflight": "yes", "DnsServer": f"{lab.LOOPBACK}:{ca.dns.port}", **daemon})


def findings(r, name="a.example"):
    """After the certificate came, as it always does."""
    return r.wait_issued(name)["preflight"]


def look(place, ca, *certificates, **daemon):
    r = configured(place, ca, *certificates, **daemon).start()
    return r, findings(r)


def told(r):
    return lab.log_lines(r.output(), r"before the order \(Preflight=\)")


def one(found, check, *parts, name="a.example"):
    """There is this one finding; each part is in its sentence."""
    assert [(f["check"], f["name"]) for f in found] == [(check, name)], found
    for part in parts:
        assert part in found[0]["detail"], found


def issue_caa(ca, name, *values, tag="issue"):
    ca.dns.set("add-caa", host=name + ".", policies=[{"tag": tag, "value": v} for v in values])


class WebServer:
    """Somebody else on an address of loopback: status, headers and body are the test's."""

    def __init__(self, address, port, status, headers=(), body=b"hello\n"):
        outer = self
        self.requests = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, self.headers["Host"], self.headers["User-Agent"]))
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

            def handle_error(self, *_):
                pass

        self.server = Server((address, port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class SilentNameServer:
    """Takes questions and answers none."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((lab.LOOPBACK, 0))
        self.address = f"{lab.LOOPBACK}:{self.socket.getsockname()[1]}"

    def has_questions(self):
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            return bool(self.socket.recv(512))
        return False

    def stop(self):
        self.socket.close()


def test_nothing_to_find(place, ca):
    """Both families, an alias' CAA, our own answer: not a word."""
    ca.dns.set_address("a.example", lab.LOOPBACK, "::1")
    issue_caa(ca, "a.example", IDENTITY)
    r = configured(place, ca, certificate("a.example", Names="a.example b.example"),
                   HttpListen=f"{lab.LOOPBACK}:{ca.http_port} [::1]:{ca.http_port}").start()
    assert findings(r) == []
    assert told(r) == []
    # What was presented for it is gone.
    assert not list(r.state.rglob("*preflight*"))


def test_webroot(place, ca):
    """By the way that validations take: a web server shows what renewd wrote."""
    webroot = place.path / "webroot"
    webroot.mkdir()
    webroot.chmod(0o755)
    place.nginx(None, f"""server {{ listen {lab.LOOPBACK}:{ca.http_port};
        location /.well-known/acme-challenge/ {{ alias {webroot}/; }} }}""").start(ca.http_port)
    r, found = look(place, ca, certificate("a.example", Webroot=webroot))
    assert found == []
    assert list(webroot.iterdir()) == []


def test_webroot_that_is_not_shown(place, ca):
    """The web server shows another directory. The order fails, and why was said before."""
    webroot = place.path / "webroot"
    webroot.mkdir()
    other = place.add(WebServer(lab.LOOPBACK, ca.http_port, 404))
    r = configured(place, ca, certificate("a.example", Webroot=webroot)).start()
    status = r.wait_state("a.example", "backoff")
    one(status["preflight"], "port", "status 404", f"show {webroot} there as")
    path, host, agent = other.requests[0]
    assert path.startswith("/.well-known/acme-challenge/renewd-preflight-")
    assert host == f"a.example:{ca.http_port}"
    assert agent.startswith("renewd/")


def test_one_address_of_two_is_dead(place, ca):
    ca.dns.set("clear-a", host="a.example.")
    ca.dns.set("add-a", host="a.example.", addresses=[lab.LOOPBACK, "127.0.0.9"])
    r, found = look(place, ca, certificate("a.example"))
    one(found, "port", f"port {ca.http_port} of 127.0.0.9", "Connection refused",
        "correct the A record")


def test_ipv6_address_is_dead(place, ca):
    """Pebble dials IPv6 only, and so the order fails, as was said before."""
    ca.dns.set_address("a.example", lab.LOOPBACK, "::1")
    r = configured(place, ca, certificate("a.example")).start()
    r.wait_state("a.example", "backoff")
    one(wait_findings(r), "port", f"port {ca.http_port} of ::1", "Connection refused",
        "correct the AAAA record", "CAs try IPv6 first")


@pytest.mark.parametrize("status, headers, body, parts", [
    (404, (), b"x" * 100, ["answered by another web server, with status 404", "HttpListen="]),
    (403, (), b"", ["with status 403"]),
    (200, (), b"hello", ["another content"]),
    (200, (), b"x" * 5000, ["larger than 1 kB"]),
    (502, (), b"", ["cannot reach what is behind it", "proxy_pass"]),
    (301, [("Location", "https://a.example/x")], b"",
     ["redirects to https://a.example/x", "the CA will follow"]),
    (308, [("Location", "http://127.0.0.1:1/\x1b[2J")], b"", [r"127.0.0.1:1/\x1b[2J"]),
    (303, [("Location", "https://a.example/x")], b"", ["which CAs do not follow"]),
    (302, (), b"", ["to nowhere"]),
], ids=["404", "403", "other-body", "large", "502", "https", "hostile", "303", "nowhere"])
def test_port_of_somebody_else(place, ca, status, headers, body, parts):
    """The name's second address belongs to another machine's web server; the CA asks the first."""
    place.add(WebServer("127.0.0.8", ca.http_port, status, headers, body))
    ca.dns.set_address("a.example", lab.LOOPBACK)
    ca.dns.set("add-a", host="a.example.", addresses=["127.0.0.8"])
    r = configured(place, ca, certificate("a.example")).start()
    found = wait_findings(r)
    one(found, "port", f"port {ca.http_port} of 127.0.0.8", *parts)
    assert len(told(r)) == 1


def wait_findings(r, name="a.example"):
    """Whatever becomes of the order."""
    return lab.wait_for(lambda: r.status(name)["preflight"], "a finding")


def test_missing_name(place, ca):
    """Pebble's own name server gives it an address of its default; ours has none."""
    ca.dns.set("set-default-ipv4", ip="")
    r = configured(place, ca, certificate("a.example")).start()
    one(wait_findings(r), "address", "it has no address", "A or AAAA record")


def test_caa_of_another(place, ca):
    issue_caa(ca, "example", "other.example")  # of the parent
    r, found = look(place, ca, certificate("a.example"))
    one(found, "caa", "the CAA records of example permit others (issue \"other.example\")",
        f"add the record: example. CAA 0 issue \"{IDENTITY}\"")


def test_caa_of_another_account(place, ca):
    issue_caa(ca, "a.example", f"{IDENTITY}; accounturi=https://ca.example/acct/1")
    r, found = look(place, ca, certificate("a.example"))
    one(found, "caa", "permits another account", "correct it to accounturi=https://")


def test_caa_of_another_method(place, ca):
    issue_caa(ca, "a.example", f"{IDENTITY}; validationmethods=dns-01")
    r, found = look(place, ca, certificate("a.example"))
    one(found, "caa", "does not permit validation by http-01")


def test_servfail(place, ca):
    """Told for the name that has it, and once for its records of all types. The name server answers
    the CA the same, so that one order fails and the other does not."""
    ca.dns.set("set-servfail", host="b.example.")
    r = configured(place, ca, certificate("a.example"), certificate("b.example")).start()
    one(wait_findings(r, "b.example"), "address", "its addresses cannot be looked up",
        "SERVFAIL", name="b.example")
    assert findings(r) == []


def test_silent_name_server(place, ca):
    """The order waits for the time limit at most, and comes."""
    silent = place.add(SilentNameServer())
    r, found = look(place, ca, certificate("a.example"), DnsServer=silent.address)
    one(found, "address", "no answer from the name server in time", "DnsServer=")
    assert silent.has_questions()


def test_name_server_that_is_not_there(place, ca):
    r, found = look(place, ca, certificate("a.example"),
                    DnsServer=f"{lab.LOOPBACK}:{lab.free_port()}")
    one(found, "address", "no name server can be reached")


def test_many_names_and_a_silent_name_server(place, ca):
    """More than there is time for: it ends all the same."""
    names = " ".join(f"n{i}.example" for i in range(60))
    silent = place.add(SilentNameServer())
    r, found = look(place, ca, certificate("a.example", Names=names), DnsServer=silent.address)
    assert len(found) <= 32
    assert {f["check"] for f in found} <= {"address", "time"}


def test_others_go_on_meanwhile(place, ca):
    """While one waits for a silent name server, the API answers and another is issued."""
    silent = place.add(SilentNameServer())
    r = configured(place, ca, certificate("a.example"), certificate("b.example", Preflight="no"),
                   DnsServer=silent.address).start()
    lab.wait_for(silent.has_questions, "the look ahead")
    r.wait_issued("b.example")
    findings(r)


def test_not_before_a_resumed_order(place):
    """What was ordered is taken up at once."""
    ca = place.pebble(environment={"VA_NOSLEEP": "", "VA_SLEEPTIME": 4})
    silent = place.add(SilentNameServer())
    r = configured(place, ca, certificate("a.example"), DnsServer=silent.address).start()
    lab.wait_for(lambda: (o := r.status("a.example")["order"]) and o["state"] == "validating",
                 "the order")
    r.stop(signal.SIGKILL)
    assert silent.has_questions()
    while silent.has_questions():
        pass
    r.start()
    assert r.wait_issued("a.example")["preflight"] == []
    assert not silent.has_questions()


@pytest.mark.parametrize("where", ["daemon", "certificate"])
def test_switched_off(place, ca, where):
    silent = place.add(SilentNameServer())
    keys = {"Preflight": "no"} if where == "certificate" else {}
    daemon = {"Preflight": "no"} if where == "daemon" else {}
    r, found = look(place, ca, certificate("a.example", **keys), DnsServer=silent.address,
                    **daemon)
    assert found == []
    assert told(r) == []
    assert not silent.has_questions()


def test_told_once(place, ca):
    """Not at every attempt, though it is found at each; what is mended is found no more."""
    issue_caa(ca, "a.example", "other.example")
    r, found = look(place, ca, certificate("a.example"))
    serial = r.serial("a.example")
    for _ in range(2):
        assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
        r.wait_issued("a.example", other_than=serial)
        serial = r.serial("a.example")
    assert r.status("a.example")["preflight"] == found
    assert len(told(r)) == 1
    ca.dns.set("clear-caa", host="a.example.")
    assert r.request("POST", "/v1/certificates/a.example/renew")[0] == 202
    assert r.wait_issued("a.example", other_than=serial)["preflight"] == []


def test_addresses_of_their_own(place, ca):
    """An IP address is asked as it is, and has no CAA."""
    r, found = look(place, ca, certificate("a.example", Names=lab.LOOPBACK))
    assert found == []


def test_clock(place, ca):
    """The CA's Date is an hour ahead of ours."""
    def rule(method, path, forward):
        answer = forward()
        ahead = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        status, headers, body = answer
        headers = [h for h in headers if h[0].lower() != "date"]
        return status, [*headers, ("Date", email.utils.format_datetime(ahead, usegmt=True))], body
    proxy = place.mischief(ca, rule)
    r = place.renewd(proxy.section(ValidationPort=ca.http_port), certificate("a.example"),
                     Preflight="yes", DnsServer=f"{lab.LOOPBACK}:{ca.dns.port}").start()
    one(findings(r), "clock", "behind that of lab", "set it", name=None)


def test_little_room(place, ca):
    """Enough for this one, and not for much longer."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to mount")
    r = configured(place, ca, certificate("a.example"))
    r.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=711", "none", r.state],
                   check=True)
    try:
        r.start()
        one(findings(r), "disk", "kB left", "make room", name=None)
        r.stop()
    finally:
        r.stop()
        subprocess.run(["umount", r.state], check=True)


def test_in_renewctl(place, ca):
    issue_caa(ca, "a.example", "other.example")
    r, found = look(place, ca, certificate("a.example"))
    shown = subprocess.run([lab.BUILD / "renewctl", "--socket", r.control, "show", "a.example"],
                           capture_output=True, text=True, check=False, timeout=lab.PATIENCE)
    assert f"Preflight     a.example: {found[0]['detail']}" in shown.stdout, shown
