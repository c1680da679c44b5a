# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a configuration to a certificate, with Pebble as the CA."""
import lab
import pytest


def certificate(name, **keys):
    return f"[Certificate {name}]\nCA=lab\n" + "".join(f"{k}={v}\n" for k, v in keys.items())


def test_first_certificate(place, version):
    ca = place.pebble(version)
    r = place.renewd(ca.section(), certificate("a.example", Names="a.example www.a.example"))
    r.start()
    status = r.wait_issued("a.example")
    lab.check_pair(r.live("a.example"))
    assert status["state"] == "resting"
    assert sorted(status["issued"]["names"]) == ["a.example", "www.a.example"]
    assert status["issued"]["serial"] == r.serial("a.example")
    assert r.stop() == 0
