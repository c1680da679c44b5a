# SPDX-License-Identifier: LGPL-2.1-or-later
"""The usual case: a web server holds port 80. renewd starts all the same, says who and what can be
done, and each of the three things works as it is written in the examples."""
import pytest
from conftest import NAME, wait_for

LISTEN_FAILED = "MESSAGE_ID=15ae2a83ee3444ae804636afdc8dcac6"
EXAMPLES = "/usr/share/doc/renewd/examples"


def site(include=None):
    """A web server on port 80 that sends everybody to https, as usual."""
    include = f"include {EXAMPLES}/{include};" if include else ""
    return (f"server {{ listen 80 default_server; listen [::]:80 default_server; {include} "
            "location / { return 301 https://$host$request_uri; } }\n")


def test_taken(lab):
    lab.nginx(site())
    lab.configure(lab.certificate())
    lab.start()
    assert lab.show("renewd-http.socket", "ActiveState", "Result") == {
        "ActiveState": "failed", "Result": "resources"}
    assert lab.is_active("renewd.service")
    record, = lab.journal(LISTEN_FAILED)
    assert record["PRIORITY"] == "3"  # nothing will be renewed unless somebody acts
    for text in ("nginx", "systemctl disable --now", "HttpListen=", "proxy_pass", "Webroot=",
                 "alias"):
        assert text in record["MESSAGE"]
    assert lab.request("GET", "/v1/certificates")[1]["daemon"]["listening"] is False
    assert "1 in trouble" in lab.show("renewd.service", "StatusText")
    assert lab.status()["failures"] == 0  # no CA is asked for what cannot succeed

    # The first way: free the port.
    lab.systemctl("stop", "nginx.service")
    assert lab.request("POST", "/v1/reload")[0] == 200
    lab.wait_deployed()
    lab.wait_message("the challenge port is ours now")
    # From the next start on it is the socket unit's again, without having been asked for.
    lab.systemctl("restart", "renewd.service")
    assert lab.is_active("renewd-http.socket")


def test_taken_while_running(lab):
    """A web server that wants a port that is renewd's is told so by its own journal; renewd's
    sockets survive its restart."""
    lab.configure(lab.certificate())
    lab.start()
    lab.wait_deployed()
    lab.systemctl("restart", "renewd.service")
    assert lab.is_active("renewd-http.socket")
    lab.nginx(site(), start=False)
    assert lab.systemctl("start", "nginx.service", check=False).returncode != 0


@pytest.mark.parametrize("include, daemon, certificate", [
    ("nginx-proxy.conf", {"HttpListen": "127.0.0.1:8402"}, {}),
    ("nginx-unix.conf", {"HttpListen": "/run/renewd/http.sock"}, {}),
    ("nginx-webroot.conf", {}, {"Webroot": "/var/lib/renewd/webroot"}),
])
def test_behind_nginx(lab, include, daemon, certificate):
    lab.nginx(site(include))
    lab.configure(lab.certificate(**certificate), **daemon)
    lab.start()
    first = lab.wait_deployed()["issued"]["serial"]
    assert lab.journal(LISTEN_FAILED) == []
    # After a restart, which makes the Unix socket anew, the same again.
    lab.systemctl("restart", "renewd.service")
    lab.request("POST", f"/v1/certificates/{NAME}/renew")
    lab.wait_deployed(other_than=first)
    wait_for(lambda: lab.run("ls", "-A", "/var/lib/renewd/webroot").stdout == "",
             "the end of the token's file")


def test_moves_behind_nginx(lab):
    """From its own port to one behind the web server, for good."""
    lab.configure(lab.certificate())
    lab.start()
    first = lab.wait_deployed()["issued"]["serial"]
    lab.configure(lab.certificate(), HttpListen="127.0.0.1:8402")
    lab.systemctl("disable", "--now", "renewd-http.socket")
    lab.systemctl("restart", "renewd.service")
    assert lab.show("renewd-http.socket", "ActiveState") == "inactive"
    lab.nginx(site("nginx-proxy.conf"))
    lab.request("POST", f"/v1/certificates/{NAME}/renew")
    lab.wait_deployed(other_than=first)
