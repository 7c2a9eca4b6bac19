"""Clients of a cached site: GETs that may be answered from a cache, GETs that may not, and POSTs."""

from __future__ import annotations

from load import Clients, Request
from origin_server import Origin, Page

STORED, PASSED = 60, 20


def put_pages(origin: Origin) -> None:
    """Pages whose bodies say which they are: /load/stored/N may be stored, /load/passed/N may not."""
    origin.put("/load/stored/*", lambda asked: Page(asked.path.encode() * 50, headers={"Cache-Control": "max-age=600"}))
    origin.put("/load/passed/*", lambda asked: Page(said(asked.path, asked.body),
                                                      headers={"Cache-Control": "no-store"}))


def said(path: str, body: bytes) -> bytes:
    return path.encode() * 50 + body


class SiteLoad(Clients):
    def request(self, number: int) -> Request:
        method, path, body = "GET", f"/load/stored/{number % STORED}", b""
        if number % 5 == 0:
            path = f"/load/passed/{number % PASSED}"
        if number % 10 == 0:
            method, body = "POST", f"body {number}".encode()
        return Request(method, path, body)

    def is_proper(self, asked: Request, status: int, body: bytes) -> bool:
        return status == 200 and body == said(asked.path, asked.body)
