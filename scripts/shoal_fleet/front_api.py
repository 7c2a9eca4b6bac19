"""Requests to the fleet's own front, as a client makes them."""

from __future__ import annotations

import http.client
import ssl
from typing import Mapping, NamedTuple

from .fleet import Fleet
from .ports import dialled


class Answer(NamedTuple):
    status: int
    worker: str | None
    """Who says that it answered; None when it was HAProxy."""
    body: bytes


def ask(fleet: Fleet, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None,
        timeout: float = 3.0) -> Answer:
    """Raises OSError or http.client.HTTPException."""
    host, port = dialled(fleet.state.options.listen)
    connection: http.client.HTTPConnection
    if fleet.state.options.tls_cert:
        # Our own front: it matters who answers, not who the certificate is for.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers={"Connection": "close", **(headers or {})})
        response = connection.getresponse()
        return Answer(response.status, response.getheader("X-Shoal-Worker"), response.read())
    finally:
        connection.close()
