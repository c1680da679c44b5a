# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a configuration to a certificate, with Pebble as the CA: what may differ on the way."""
import base64
import json
import os

import lab
import pytest


def certificate(name, **keys):
    return f"[Certificate {name}]\nCA=lab\n" + "".join(f"{k}={v}\n" for k, v in keys.items())


def issue(place, ca, *names, **keys):
    """Starts renewd and waits for a certificate of each name. Return: renewd and one status."""
    r = place.renewd(ca.section(), *[certificate(n, **keys) for n in names]).start()
    for name in names:
        status = r.wait_issued(name)
        lab.check_pair(r.live(name))
        assert status["issued"]["serial"] == r.serial(name)
    return r, status


def test_first_certificate(place, version):
    r, status = issue(place, place.pebble(version), "a.example", Names="a.example www.a.example")
    assert status["state"] == "resting"
    assert sorted(status["issued"]["names"]) == ["a.example", "www.a.example"]
    assert r.stop() == 0


@pytest.mark.parametrize("rejected", [5, 50, 90])
def test_rejected_nonces(place, version, rejected):
    issue(place, place.pebble(version, environment={"WFE_NONCEREJECT": rejected}), "a.example",
          Names="a.example b.example c.example")


@pytest.mark.parametrize("reuse", [0, 100])
def test_authorization_reuse(place, version, reuse):
    """The second certificate shares names with the first: valid already, or validated anew."""
    ca = place.pebble(version, environment={"AUTHZREUSE": reuse})
    r, _ = issue(place, ca, "a.example", Names="a.example b.example")
    r.configure(ca.section(), certificate("a.example", Names="a.example b.example"),
                certificate("again", Names="b.example a.example c.example"))
    assert r.reload()[0] == 200
    r.wait_issued("again")


def test_slow_validation(place, version):
    ca = place.pebble(version, environment={"VA_NOSLEEP": "", "VA_SLEEPTIME": 3})
    issue(place, ca, "a.example", Names="a.example b.example")


@pytest.mark.parametrize("kind, shown", [
    ("ecdsa-p256", "256 bit"), ("ecdsa-p384", "384 bit"), ("rsa-2048", "2048 bit"),
    ("rsa-3072", "3072 bit"), ("rsa-4096", "4096 bit")])
def test_kinds_of_keys(place, kind, shown):
    r, status = issue(place, place.pebble(), "a.example", Key=kind)
    assert status["key"] == kind
    text = lab.openssl("x509", "-in", r.live("a.example") / "cert.pem", "-noout", "-text")
    assert shown in text
    # The names alone, no common name of ours and no purpose: what is in it is the CA's choice.
    assert "DNS:a.example" in text


@pytest.mark.parametrize("kind", ["ecdsa-p384", "rsa-2048", "rsa-4096"])
def test_kinds_of_account_keys(place, version, kind):
    ca = place.pebble(version)
    r = place.renewd(ca.section(AccountKey=kind), certificate("a.example")).start()
    r.wait_issued("a.example")
    key, = (r.state / "accounts/lab").glob("*/key.pem")
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_hundred_names(place, version):
    names = [f"n{i}.a.example" for i in range(100)]
    _, status = issue(place, place.pebble(version), "a.example", Names=" ".join(names))
    assert sorted(status["issued"]["names"]) == sorted(names)


def test_fifty_certificates(place, version):
    names = [f"c{i}.example" for i in range(50)]
    r, _ = issue(place, place.pebble(version), *names)
    status, answer = r.request("GET", "/v1/certificates")
    assert status == 200 and len(answer["certificates"]) == 50
    serials = {c["issued"]["serial"] for c in answer["certificates"]}
    assert len(serials) == 50
    # One account for all of them.
    assert len(list((r.state / "accounts/lab").iterdir())) == 1


def test_one_failing_does_not_hold_up_the_others(place):
    ca = place.pebble(domainBlocklist=["blocked.example"])
    r = place.renewd(ca.section(), certificate("blocked.example"),
                     *[certificate(f"c{i}.example") for i in range(8)],
                     MaxParallelOrders=1).start()
    for i in range(8):
        r.wait_issued(f"c{i}.example")
    blocked = r.wait_state("blocked.example", "held")
    assert blocked["last_problem"]["type"] == "rejected-identifier"
    assert "blocked.example" in blocked["last_problem"]["detail"]


EAB_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode().rstrip("=")


@pytest.fixture
def bound_ca(place, version):
    return place.pebble(version, externalAccountBindingRequired=True,
                        externalAccountMACKeys={"kid-1": EAB_KEY})


def test_external_account(place, bound_ca):
    file = place.path / "eab.key"
    file.write_text(EAB_KEY + "\n")
    file.chmod(0o600)
    r = place.renewd(bound_ca.section(EabKeyId="kid-1", EabKeyFile=file),
                     certificate("a.example")).start()
    r.wait_issued("a.example")
    assert EAB_KEY not in r.output()
    # Used once: it may be gone the next time.
    assert EAB_KEY not in "".join(
        f.read_text() for f in (r.state / "accounts").rglob("*.json"))


def test_external_account_missing(place, bound_ca):
    r = place.renewd(bound_ca.section(), certificate("a.example")).start()
    status = r.wait_state("a.example", "held")
    assert status["last_problem"]["type"] == "external-account-required"
    assert "EabKeyId=" in status["last_problem"]["detail"]


def test_external_account_wrong_key(place, bound_ca):
    file = place.path / "eab.key"
    file.write_text("AAAA" + EAB_KEY[4:])
    file.chmod(0o600)
    r = place.renewd(bound_ca.section(EabKeyId="kid-1", EabKeyFile=file),
                     certificate("a.example")).start()
    assert r.wait_state("a.example", "held")["issued"] is None


@pytest.mark.parametrize("number", [0, 1, 2])
def test_alternate_chains(place, version, number):
    ca = place.pebble(version, environment={"ALTERNATE_ROOTS": 2})
    root = lab.openssl("x509", "-noout", "-subject", input=ca.ask(f"/roots/{number}"))
    name = root.partition("CN =")[2].strip()
    r = place.renewd(ca.section(PreferredChain=name), certificate("a.example")).start()
    status = r.wait_issued("a.example")
    assert status["issued"]["issuer"] == name
    lab.check_pair(r.live("a.example"))


def test_unknown_chain_wanted(place):
    ca = place.pebble(environment={"ALTERNATE_ROOTS": 1})
    r = place.renewd(ca.section(PreferredChain="No Such Root"), certificate("a.example")).start()
    r.wait_issued("a.example")


def test_ipv6(place, version):
    """A name with an AAAA record only, answered on [::1]."""
    ca = place.pebble(version)
    ca.dns.set_address("six.example", v6="::1")
    r = place.renewd(ca.section(), certificate("six.example"),
                     listen=f"[::1]:{place.http_port}").start()
    r.wait_issued("six.example")


def test_address_identifiers(place, version):
    _, status = issue(place, place.pebble(version), "addresses", Names="127.0.0.1 a.example")
    assert sorted(status["issued"]["names"]) == ["127.0.0.1", "a.example"]


def test_international_names(place):
    _, status = issue(place, place.pebble(), "idn", Names="bücher.example")
    assert status["issued"]["names"] == ["xn--bcher-kva.example"]


def test_webroot(place, version):
    """A web server has the port; renewd writes files, and takes them away."""
    ca = place.pebble(version)
    root = place.path / "webroot"
    root.mkdir()
    place.nginx(None, f"""server {{ listen 127.0.0.1:{place.http_port};
        location ^~ /.well-known/acme-challenge/ {{ alias {root}/; }} }}
        """).start(place.http_port)
    r = place.renewd(ca.section(), certificate("a.example", Webroot=root)).start()
    r.wait_issued("a.example")
    assert os.listdir(root) == []


@pytest.mark.parametrize("way", ["port", "socket"])
def test_behind_nginx(place, way):
    """A web server has the port and hands the one location over."""
    ca = place.pebble()
    behind = lab.free_port()
    listen, to = ((f"127.0.0.1:{behind}", f"http://127.0.0.1:{behind}") if way == "port" else
                  (place.path / "http.sock", f"http://unix:{place.path}/http.sock"))
    place.nginx(None, f"""server {{ listen 127.0.0.1:{place.http_port};
        location / {{ return 301 https://$host$request_uri; }}
        location ^~ /.well-known/acme-challenge/ {{ proxy_pass {to}; }} }}
        """).start(place.http_port)
    r = place.renewd(ca.section(), certificate("a.example"), listen=listen).start()
    r.wait_issued("a.example")


def test_key_is_kept_or_changed(place):
    ca = place.pebble()
    r, _ = issue(place, ca, "kept", Names="a.example", ReuseKey="yes")
    r.configure(ca.section(), certificate("kept", Names="a.example", ReuseKey="yes"),
                certificate("changed", Names="b.example"))
    assert r.reload()[0] == 200
    r.wait_issued("changed")
    for name, same in {"kept": True, "changed": False}.items():
        before, serial = (r.live(name) / "privkey.pem").read_bytes(), r.serial(name)
        assert r.request("POST", f"/v1/certificates/{name}/renew")[0] == 202
        r.wait_issued(name, other_than=serial)
        assert ((r.live(name) / "privkey.pem").read_bytes() == before) is same


def test_changed_names_are_ordered_at_once(place):
    ca = place.pebble()
    r, status = issue(place, ca, "a.example", Names="a.example")
    r.configure(ca.section(), certificate("a.example", Names="a.example b.example"))
    assert r.reload()[0] == 200
    status = r.wait_issued("a.example", other_than=status["issued"]["serial"])
    assert sorted(status["issued"]["names"]) == ["a.example", "b.example"]


def test_no_secret_is_told(place):
    """reliability.md 16: no key, no JWS, no key authorization in a log, in state, on a command line."""
    ca = place.pebble()
    r = place.renewd(ca.section(), certificate("a.example")).start("--debug")
    r.wait_issued("a.example")
    told = r.output() + json.dumps(r.request("GET", "/v1/certificates")[1])
    thumbprint = next((r.state / "accounts/lab").iterdir()).name
    assert "." + thumbprint not in told and "PRIVATE KEY" not in told
    for file in r.state.rglob("*.json"):
        assert "PRIVATE KEY" not in file.read_text()
    for secret in [*r.state.rglob("privkey.pem"), *r.state.rglob("key.pem")]:
        body = "".join(secret.read_text().splitlines()[1:3])
        assert body not in told
