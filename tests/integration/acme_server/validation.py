# SPDX-License-Identifier: LGPL-2.1-or-later
"""http-01 for real (RFC 8555 section 8.3): connections to the address of the name, as boulder makes
them from several places."""
import http.client
import socket

from .problem import PREFIX

# What boulder reads of an answer.
MOST = 128


def problem(kind, detail, status=400):
    return {"type": PREFIX + kind, "detail": detail, "status": status}


def look(options, name, token):
    """One look. Return: the body."""
    address = options.hosts.get(name, options.address)
    host = f"[{name}]" if ":" in name else name
    connection = http.client.HTTPConnection(address, options.http_port, timeout=10)
    try:
        connection.request("GET", f"/.well-known/acme-challenge/{token}", headers={
            "Host": host, "User-Agent": "fake CA", "Accept": "*/*", "Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(MOST + 1)
    finally:
        connection.close()
    return answer.status, body


def http_01(options, authz, challenge, thumbprint):
    """Return: None, or why control was not shown."""
    want = f"{challenge.token}.{thumbprint}".encode()
    where = f"http://{authz.name}/.well-known/acme-challenge/{challenge.token}"
    try:
        for _ in range(options.perspectives):
            status, body = look(options, authz.name, challenge.token)
            if status != 200:
                return problem("unauthorized", f"Invalid response from {where}: {status}", 403)
            if len(body) > MOST or body.rstrip() != want:
                return problem("incorrectResponse", f"The key authorization from {where} is wrong")
    except (OSError, http.client.HTTPException, socket.timeout) as e:
        return problem("connection", f"Fetching {where}: {e}")
    return None

