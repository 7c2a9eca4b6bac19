"""Bodies go through as they come, whole or not at all, in parts where parts are asked for."""

from __future__ import annotations

import email
import hashlib
import http.client
import re
import socket
import time
from pathlib import Path
from typing import Callable

import pytest

from cache_client import ask, door, hold, host_of, is_hit, raw
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, eventually

MB = 1 << 20
LARGE = 50 * MB
# What the kernel may take of an origin for a worker that reads none of it.
BUFFERS = sum(int(Path(f"/proc/sys/net/ipv4/tcp_{way}mem").read_text().split()[2]) for way in "rw") + 2 * MB
WORKER = "cache-1"
ways = pytest.mark.parametrize("way", [WORKER, None], ids=["worker", "haproxy"])
LASTING = {"Cache-Control": "max-age=600"}


class Memory:
    """The most that a process has had resident since this was made, beyond what it had then."""

    def __init__(self, fleet: FleetUnderTest) -> None:
        self._proc = Path(f"/proc/{fleet.pids()[WORKER]}")
        (self._proc / "clear_refs").write_text("5")
        self._before = self._peak()

    def _peak(self) -> int:
        found = re.search(r"VmHWM:\s+(\d+) kB", (self._proc / "status").read_text())
        assert found
        return int(found[1]) << 10

    @property
    def grown(self) -> int:
        return self._peak() - self._before


def opened(fleet: FleetUnderTest, path: str, way: str | None = WORKER) -> socket.socket:
    connection = door(fleet, way)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host_of(fleet)}\r\n\r\n".encode())
    return connection


def standing(count: Callable[[], int]) -> int:
    """Once it has not changed for a while."""
    seen, since = count(), time.monotonic()

    def stands() -> bool:
        nonlocal seen, since
        if count() != seen:
            seen, since = count(), time.monotonic()
        return time.monotonic() - since > 0.5

    eventually(stands, 20, "it stands")
    return seen


def leave(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_large_body_takes_no_memory(cached: FleetUnderTest, origin: Origin, chunked: bool) -> None:
    body = b"0123456789abcdef" * (LARGE // 16)
    origin.put("/large", Page(body, headers=LASTING, pieces=200, chunked=chunked))
    ask(cached, "/large/warm", WORKER)
    memory = Memory(cached)
    for _ in range(2):
        status, headers, found = ask(cached, "/large", WORKER, timeout=30)
        assert status == 200 and hashlib.sha256(found).digest() == hashlib.sha256(body).digest()
        assert not is_hit((status, headers, b""))
    print("grown", memory.grown)
    assert memory.grown < 20 * MB
    origin.put("/large", Page())


def test_a_slow_client_slows_the_origin_and_takes_no_memory(cached: FleetUnderTest, origin: Origin) -> None:
    page = Page(b"x" * (2 * BUFFERS), headers=LASTING, pieces=400)
    origin.put("/slow", page)
    ask(cached, "/slow/warm", WORKER)
    memory = Memory(cached)
    with opened(cached, "/slow") as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        sent = standing(lambda: page.sent)
        print("sent", sent, "grown", memory.grown)
        assert sent < BUFFERS, "what nobody takes is not fetched"
        assert memory.grown < 5 * MB
        # Others are not held up by it.
        assert ask(cached, "/slow/other", WORKER)[0] == 404
    origin.put("/slow", Page())


def test_a_client_that_leaves_leaves_the_whole_to_others(cached: FleetUnderTest, origin: Origin) -> None:
    body = bytes(range(256)) * (2 * MB // 256)
    origin.put("/left", Page(body, headers=LASTING, pieces=20, pause=0.02))
    connection = opened(cached, "/left")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    leave(connection)
    eventually(lambda: is_hit(ask(cached, "/left", WORKER)), 10, "it is kept")
    assert ask(cached, "/left", WORKER)[2] == body
    assert origin.count("/left") == 1


def test_what_nobody_wants_any_more_and_nobody_keeps_is_not_fetched(cached: FleetUnderTest, origin: Origin) -> None:
    page = Page(b"x" * (2 * BUFFERS), headers=LASTING, pieces=400)
    origin.put("/unwanted", page)
    connection = opened(cached, "/unwanted")
    assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    leave(connection)
    assert standing(lambda: page.sent) < BUFFERS
    origin.page("/unwanted", "another", cache_control="max-age=600")
    assert ask(cached, "/unwanted", WORKER)[2] == b"another", "no part of it is kept"


@ways
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_body_that_breaks_off_is_cut_for_everybody(cached: FleetUnderTest, origin: Origin, way: str | None,
                                                     chunked: bool) -> None:
    path = f"/broken/{way}/{chunked}"
    origin.put(path, Page(b"x" * 100_000, headers=LASTING, pieces=10, cut_after=50_000, chunked=chunked))
    for _ in range(2):
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            ask(cached, path, way)
    origin.page(path, "whole", cache_control="max-age=600")
    assert ask(cached, path, way)[2] == b"whole"


BODY = bytes(range(256)) * 40
PARTS: list[tuple[str, slice]] = [("bytes=0-99", slice(0, 100)), ("bytes=100-100", slice(100, 101)),
                                  ("bytes=5000-", slice(5000, None)), ("bytes=-10", slice(-10, None)),
                                  ("bytes=0-999999", slice(0, None)), ("bytes=-999999", slice(0, None))]


def ranged(asked: Asked) -> Page:
    """An origin that knows ranges, of BODY."""
    tag = {"ETag": '"strong"'} | LASTING
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.headers.get("range", ""))
    if not found or int(found[1]) >= len(BODY):
        return Page(BODY, headers=tag)
    first, last = int(found[1]), min(int(found[2] or len(BODY)), len(BODY) - 1)
    return Page(BODY[first:last + 1], 206, tag | {"Content-Range": f"bytes {first}-{last}/{len(BODY)}"})


@ways
@pytest.mark.parametrize(("wanted", "part"), PARTS)
def test_parts_of_what_is_kept(cached: FleetUnderTest, origin: Origin, way: str | None, wanted: str,
                               part: slice) -> None:
    path = f"/parts/{way}"
    origin.page(path, BODY, etag='"strong"', **{"cache_control": "max-age=600"})
    hold(cached, path)
    for condition in ({}, {"If-Range": '"strong"'}):
        answer = ask(cached, path, way, headers={"Range": wanted} | condition)
        first, last, _ = part.indices(len(BODY))
        assert (answer[0], answer[2]) == (206, BODY[part])
        assert answer[1]["content-range"] == f"bytes {first}-{last - 1}/{len(BODY)}"
        assert answer[1]["etag"] == '"strong"' and is_hit(answer)
    for condition in ({"If-Range": '"other"'}, {"If-Range": 'W/"strong"'}):
        status, _, body = ask(cached, path, way, headers={"Range": wanted} | condition)
        assert (status, body) == (200, BODY)
    assert origin.count(path) <= 2 + 6


@ways
def test_several_parts_at_once_and_none_that_is_there(cached: FleetUnderTest, origin: Origin, way: str | None) -> None:
    path = f"/multipart/{way}"
    origin.page(path, BODY, content_type="text/x-test", **{"cache_control": "max-age=600"})
    hold(cached, path)
    status, headers, body = ask(cached, path, way, headers={"Range": "bytes=0-9,100-109,-5"})
    assert status == 206 and "content-range" not in headers
    found = email.message_from_bytes(b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n" + body)
    assert [part["content-range"] for part in found.walk() if not part.is_multipart()] == [
        f"bytes 0-9/{len(BODY)}", f"bytes 100-109/{len(BODY)}", f"bytes {len(BODY) - 5}-{len(BODY) - 1}/{len(BODY)}"]
    assert {part.get_content_type() for part in found.walk() if not part.is_multipart()} == {"text/x-test"}
    for expected in (BODY[:10], BODY[100:110], BODY[-5:]):
        assert b"\r\n\r\n" + expected + b"\r\n--" in body
    status, headers, _ = ask(cached, path, way, headers={"Range": f"bytes={len(BODY)}-"})
    assert status == 416 and headers["content-range"] == f"bytes */{len(BODY)}"
    many = ",".join(f"{number * 2}-{number * 2}" for number in range(200))
    status, _, body = ask(cached, path, way, headers={"Range": f"bytes={many}"})
    assert (status, body) == (200, BODY), "more parts than anybody needs"


@ways
def test_pieces_make_the_whole(cached: FleetUnderTest, origin: Origin, way: str | None, routing: str) -> None:
    path = f"/pieces/{way}"
    origin.put(path, ranged)
    cuts = [0, 1000, 4000, 4001, len(BODY)]
    pieces = [(first, last - 1) for first, last in zip(cuts, cuts[1:])]
    for first, last in reversed(pieces):
        status, _, body = ask(cached, path, way, headers={"Range": f"bytes={first}-{last}"})
        assert (status, body) == (206, BODY[first:last + 1])
    assert [asked.headers["range"] for asked in origin.asked(path)] == [
        f"bytes={first}-{last}" for first, last in reversed(pieces)], "no more than that was fetched"
    whole = ask(cached, path, way)
    some = ask(cached, path, way, headers={"Range": "bytes=500-4500"})
    assert (whole[2], some[2]) == (BODY, BODY[500:4501])
    if way == WORKER or routing == "hash":
        assert is_hit(whole) and is_hit(some), "one worker has all of them"
        assert origin.count(path) == len(pieces)


def test_pieces_of_two_versions_make_no_whole(cached: FleetUnderTest, origin: Origin) -> None:
    path, tag = "/mixed", ['"1"']

    def answer(asked: Asked) -> Page:
        page = ranged(asked)
        filler = tag[0][1:2].encode()
        return Page(filler * len(page.body), page.status, dict(page.headers) | {"ETag": tag[0]})

    origin.put(path, answer)
    half = len(BODY) // 2
    ask(cached, path, WORKER, headers={"Range": f"bytes=0-{half - 1}"})
    tag[0] = '"2"'
    ask(cached, path, WORKER, headers={"Range": f"bytes={half}-{len(BODY) - 1}"})
    assert ask(cached, path, WORKER)[2] == b"2" * len(BODY)


@pytest.mark.parametrize("control", ["max-age=600", "no-store"])
def test_trailers_come_after_the_body(cached: FleetUnderTest, origin: Origin, control: str) -> None:
    path = f"/trailers/{control}"
    origin.put(path, Page(b"the body", headers={"Cache-Control": control, "Trailer": "X-Sum"}, chunked=True, pieces=2,
                          pause=0.2, trailers={"X-Sum": "1234", "Content-Length": "9"}))
    request = f"GET {path} HTTP/1.1\r\nHost: {host_of(cached)}\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n"
    for turn, way in enumerate((WORKER, None)):
        body = exchanged(cached, request.encode(), way).partition(b"\r\n\r\n")[2]
        assert b"the " in body and b"body" in body
        # What is kept has its length, and no place for trailers.
        if turn == 0 or control == "no-store":
            assert b"\r\n0\r\nx-sum: 1234\r\n\r\n" in body.lower()
        assert b"content-length" not in body.lower(), "a trailer is no place for it"


def exchanged(fleet: FleetUnderTest, request: bytes, way: str | None) -> bytes:
    """As raw(), for requests that ask to close: the client stays until the end."""
    with door(fleet, way) as connection:
        connection.sendall(request)
        found = b""
        while part := connection.recv(65536):
            found += part
        return found


@ways
def test_head_is_get_without_its_body(cached: FleetUnderTest, origin: Origin, way: str | None) -> None:
    path = f"/head/{way}"
    origin.page(path, BODY, cache_control="max-age=600")
    status, headers, body = ask(cached, path, way, "HEAD")
    assert (status, body, headers["content-length"]) == (200, b"", str(len(BODY)))
    assert [asked.method for asked in origin.asked(path)] == ["HEAD"]
    assert ask(cached, path, way)[2] == BODY
    hold(cached, path)
    answer = ask(cached, path, way, "HEAD")
    assert is_hit(answer) and answer[2] == b"" and answer[1]["content-length"] == str(len(BODY))
    assert {asked.method for asked in origin.asked(path)[1:]} == {"GET"}


@ways
@pytest.mark.parametrize("control", ["max-age=600", "no-store"])
def test_early_hints_come_early(cached: FleetUnderTest, origin: Origin, way: str | None, control: str) -> None:
    path = f"/hints/{way}/{control}"
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
    final = f"HTTP/1.1 200 OK\r\nCache-Control: {control}\r\nContent-Length: 2\r\n\r\nok"
    origin.put(path, Page(raw=hints + final.encode()))
    found = exchanged(cached, f"GET {path} HTTP/1.1\r\nHost: {host_of(cached)}\r\nConnection: close\r\n\r\n".encode(),
                      way)
    assert re.match(rb"HTTP/1.1 103 [^\r]*\r\n(?i:link): </style.css>; rel=preload\r\n(.+\r\n)*\r\nHTTP/1.1 200 ",
                    found)
    assert found.endswith(b"\r\n\r\nok")


@ways
@pytest.mark.parametrize("status", [204, 304])
def test_answers_that_have_no_body(cached: FleetUnderTest, origin: Origin, way: str | None, status: int) -> None:
    path = f"/none/{way}/{status}"
    origin.page(path, status=204 if status == 204 else 200, etag='"e"', cache_control="max-age=600")
    condition = {"If-None-Match": '"e"'} if status == 304 else {}
    for _ in range(2):
        found = ask(cached, path, way, headers=condition)
        assert (found[0], found[2]) == (status, b"")


@ways
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_an_upload_goes_through_as_it_comes(cached: FleetUnderTest, origin: Origin, way: str | None,
                                            chunked: bool) -> None:
    upload = b"fedcba9876543210" * (20 * MB // 16)
    origin.put("/upload", lambda asked: Page(hashlib.sha256(asked.body).hexdigest().encode()))
    ask(cached, "/upload/warm", WORKER)
    memory = Memory(cached)
    connection = http.client.HTTPConnection(host_of(cached))
    connection.sock = door(cached, way, timeout=30)
    pieces = (upload[start:start + MB] for start in range(0, len(upload), MB))
    connection.request("POST", "/upload", body=pieces if chunked else upload, encode_chunked=chunked,
                       headers={"Transfer-Encoding": "chunked"} if chunked else {})
    assert connection.getresponse().read() == hashlib.sha256(upload).hexdigest().encode()
    connection.close()
    print("grown", memory.grown)
    assert memory.grown < 5 * MB


@ways
def test_an_answer_before_the_body_ends_once_the_body_was_read(cached: FleetUnderTest, origin: Origin,
                                                               way: str | None) -> None:
    """Django refuses forms so: its answer ends with the connection, after it has read what it does not want."""
    origin.early["/refused"] = b"HTTP/1.1 403 Forbidden\r\n\r\nno, "
    origin.put("/refused", lambda asked: Page(raw=asked.body))
    with door(cached, way) as client:
        client.sendall(f"POST /refused HTTP/1.1\r\nHost: {host_of(cached)}\r\nContent-Length: 10\r\n\r\n".encode())
        seen = client.recv(65536)
        while b"no, " not in seen.partition(b"\r\n\r\n")[2]:
            seen += client.recv(65536)
        client.sendall(b"username=x")
        while not seen.endswith(b"\r\n0\r\n\r\n"):
            assert (more := client.recv(65536)), seen
            seen += more
    assert seen.startswith(b"HTTP/1.1 403 ") and b"username=x" in seen


def test_an_upload_that_breaks_off_reaches_no_application(cached: FleetUnderTest, origin: Origin) -> None:
    origin.put("/half", Page(b"taken"))
    found = raw(cached, b"POST /half HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", WORKER)
    assert b"taken" not in found
    assert origin.count("/half") == 0
