"""What clients see of fills: who waits, for how long, what of an answer is for others, and what Cache-Status says."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

from cache_client import Answer, ask, door, host_of, is_hit, purge, token_of, url
from conftest import patient
from origin_server import Origin, Page
from shoal_cli import FleetUnderTest, Make, eventually

WORKER = "cache-1"
MB = 1 << 20


def pipelined(fleet: FleetUnderTest, *paths: str) -> list[Answer]:
    """Sent in one write; the answers in order."""
    with door(fleet, WORKER, timeout=20) as connection:
        connection.sendall(b"".join(f"GET {path} HTTP/1.1\r\nHost: {host_of(fleet)}\r\n\r\n".encode()
                                    for path in paths))
        found: list[Answer] = []
        reader = connection.makefile("rb")
        for _ in paths:
            status = int(reader.readline().split()[1])
            headers = {name.lower(): value for name, value in http.client.parse_headers(reader).items()}
            found.append((status, headers, reader.read(int(headers["content-length"]))))
        return found


def test_a_request_behind_a_slow_one_is_judged_when_its_turn_comes(cached: FleetUnderTest, origin: Origin) -> None:
    origin.page("/brief", "as it was", cache_control="max-age=1")
    origin.put("/long", Page(b"at last", delay=2.5, headers={"Cache-Control": "no-store"}))
    ask(cached, "/brief", WORKER)
    origin.page("/brief", "as it is", cache_control="max-age=1")
    long, brief = pipelined(cached, "/long", "/brief")
    assert long[2] == b"at last"
    assert brief[2] == b"as it is" and not is_hit(brief), "what was fresh when the request came is stale by now"


def test_nobody_waits_for_a_fill_longer_than_his_deadline(cached: FleetUnderTest, origin: Origin) -> None:
    gate = threading.Event()
    origin.put("/late", Page(b"late", gate=gate, headers={"Cache-Control": "max-age=600"}))

    def impatient(_: int) -> tuple[int, float]:
        began = time.monotonic()
        status = ask(cached, "/late", WORKER, headers={"X-Request-Deadline-Ms": "400"}, timeout=20)[0]
        return status, time.monotonic() - began

    with ThreadPoolExecutor(4) as clients:
        patient = clients.submit(ask, cached, "/late", WORKER, timeout=20)
        origin.wait_for("/late")
        try:
            for status, took in clients.map(impatient, range(3)):
                assert status == 504 and 0.4 <= took < 5
        finally:
            gate.set()
        assert patient.result()[2] == b"late"
    assert is_hit(ask(cached, "/late", WORKER)) and origin.count("/late") == 1


def test_the_fill_of_who_could_not_wait_goes_on(cached: FleetUnderTest, origin: Origin) -> None:
    gate = threading.Event()
    origin.put("/alone", Page(b"for the next", gate=gate, headers={"Cache-Control": "max-age=600"}))
    try:
        status, _, body = ask(cached, "/alone", WORKER, headers={"X-Request-Deadline-Ms": "300"})
        assert status == 504 and b"did not answer in time" in body
    finally:
        gate.set()
    eventually(lambda: is_hit(ask(cached, "/alone", WORKER)), 10, "it is kept")
    assert origin.count("/alone") == 1


@pytest.mark.parametrize("field", ["Cache-Control", "CDN-Cache-Control"])
@pytest.mark.parametrize("directive", ["private", "no-cache"])
def test_what_a_304_withholds_is_for_the_one_who_asked(cached: FleetUnderTest, origin: Origin, field: str,
                                                       directive: str) -> None:
    path = f"/withheld/{field}/{directive}"
    tag = {"ETag": '"e"'}
    said = Page(b"body", headers=tag | {"Cache-Control": "max-age=0", "X-Who": "nobody", "X-Other": "1"})
    renewed = Page(status=304, headers=tag | {field: f'max-age=600, {directive}="x-who"', "X-Who": "alice"})
    origin.put(path, lambda asked: renewed if "if-none-match" in asked.headers else said)
    assert ask(cached, path, WORKER)[1]["x-who"] == "nobody"
    assert ask(cached, path, WORKER)[1]["x-who"] == "alice"
    for _ in range(2):
        found = ask(cached, path, WORKER)
        assert is_hit(found) and found[2] == b"body" and found[1]["x-other"] == "1"
        assert "x-who" not in found[1], "neither of the 304, nor of what was kept before"
    assert origin.count(path) == 2


@pytest.fixture(scope="module")
def narrow(make_fleet: Make, origin: Origin) -> FleetUnderTest:
    """Two workers, and a site that keeps nothing above 1 MiB."""
    fleet = make_fleet()
    rules = [{"path": "/passed/*", "pass": True}, {"path": "/by-cookie/*", "cookies": "bypass"}]
    site = {"name": "narrow", "hosts": ["*"], "origins": [origin.address], "max_object": "1mb", "rules": rules}
    fleet.up("--workers", "2", "--config", patient(fleet, {"cache": {"sites": [site]}}))
    return fleet


def test_who_follows_at_another_worker_gets_all_though_the_first_leaves(narrow: FleetUnderTest, origin: Origin) -> None:
    page = Page(bytes(range(256)) * (6 * MB // 256), pieces=300, pause=0.01, chunked=True,
                headers={"Cache-Control": "max-age=600"})
    origin.put("/followed", page)
    first = door(narrow, WORKER)
    first.sendall(f"GET /followed HTTP/1.1\r\nHost: {host_of(narrow)}\r\n\r\n".encode())
    assert first.recv(100).startswith(b"HTTP/1.1 200")
    taking = threading.Thread(target=lambda: [None for _ in iter(lambda: first.recv(65536), b"")])
    with ThreadPoolExecutor(1) as clients:
        follower = clients.submit(ask, narrow, "/followed", "cache-2", timeout=20)
        taking.start()
        eventually(lambda: page.sent > 2 * MB, 20, "more came than is kept")
        first.shutdown(socket.SHUT_RDWR)
        taking.join(10)
        first.close()
        assert page.sent < len(page.body)
        status, headers, body = follower.result()
    assert (status, body) == (200, page.body)
    assert "collapsed" in headers["cache-status"] and "stored" not in headers["cache-status"]
    assert origin.count("/followed") == 1


def status_of(answer: Answer) -> str:
    return answer[1]["cache-status"]


def test_cache_status_says_why_the_origin_was_asked(cached: FleetUnderTest, origin: Origin) -> None:
    path, tag = "/why", {"ETag": '"e"', "Cache-Control": "max-age=600"}
    origin.put(path, Page(b"in two pieces", headers=tag, pieces=2, pause=0.2))
    assert re.fullmatch("shoal; fwd=uri-miss; ttl=(600|599); stored", status_of(ask(cached, path, WORKER)))
    asked = ask(cached, path, WORKER, headers={"Cache-Control": "no-cache"})
    assert re.fullmatch("shoal; fwd=request; fwd-status=304; ttl=(600|599); stored", status_of(asked))
    for soft, said in ((True, "stale; fwd-status=304"), (False, "uri-miss; fwd-status=304")):
        purge(cached, WORKER, urls=[url(cached, path)], soft=soft)
        assert re.fullmatch(f"shoal; fwd={said}; ttl=(600|599); stored", status_of(ask(cached, path, WORKER)))
    origin.put(path, Page(b"broken", cut_after=-1))
    purge(cached, WORKER, urls=[url(cached, path)])
    failed = ask(cached, path, WORKER)
    assert (failed[0], status_of(failed)) == (502, "shoal; fwd=uri-miss")
    assert status_of(ask(cached, path, WORKER, "POST")) == "shoal; fwd=method"


def test_an_answer_to_purge_has_cache_status(cached: FleetUnderTest, origin: Origin) -> None:
    for headers, status in (({}, 403), ({"Authorization": f"Bearer {token_of(cached)}"}, 200)):
        answer = ask(cached, "/any", WORKER, "PURGE", headers=headers)
        assert (answer[0], status_of(answer)) == (status, "shoal")


def inspected(fleet: FleetUnderTest, path: str) -> str:
    return str(fleet.private(WORKER, f"/-/cache/inspect?url={quote(url(fleet, path), safe='')}")["why"])


@pytest.mark.parametrize(("headers", "answered", "said"), [
    ({"Cookie": "a=1"}, {"Cache-Control": "max-age=600"}, "had a Cookie"),
    ({"Authorization": "Basic YTpi"}, {"Cache-Control": "max-age=600"}, "had Authorization"),
    ({}, {"Cache-Control": "max-age=600", "Set-Cookie": "a=1"}, "sets a cookie"),
    ({}, {"Cache-Control": "private, max-age=600"}, "says private"),
    ({}, {}, "neither for how long it may be used")])
def test_inspection_says_why_an_answer_was_not_stored(cached: FleetUnderTest, origin: Origin, headers: dict[str, str],
                                                      answered: dict[str, str], said: str) -> None:
    path = "/reason/" + said.replace(" ", "-")
    origin.put(path, Page(b"x", headers=answered))
    assert inspected(cached, path) == "not in this worker's memory"
    ask(cached, path, WORKER, headers=headers)
    assert said in inspected(cached, path)
    # What is stored after all has no such reason any more.
    origin.put(path, Page(b"x", headers={"Cache-Control": "public, max-age=600"}))
    ask(cached, path, WORKER, headers=headers)
    assert inspected(cached, path) == "fresh: served from memory"


def test_inspection_says_which_rule_keeps_a_path_from_the_cache(narrow: FleetUnderTest, origin: Origin) -> None:
    for path, said in (("/passed/on", "a rule of the site passes this path"),
                       ("/by-cookie/x", "requests with a Cookie go to the origin"),
                       ("/large", "larger than the site's \"max_object\"")):
        origin.put(path, Page(b"x" * (2 * MB), headers={"Cache-Control": "max-age=600"}))
        ask(narrow, path, WORKER, headers={"Cookie": "a=1"} if "cookie" in path else {})
        assert said in inspected(narrow, path)


def test_evictions_are_a_counter(cached: FleetUnderTest) -> None:
    shown = ask(cached, "/-/metrics", WORKER, kind="admin")[2].decode()
    assert "# TYPE shoal_cache_evictions_total counter" in shown


def test_options_go_as_far_as_they_may(cached: FleetUnderTest, origin: Origin) -> None:
    origin.put("/hops", Page(b"of the origin"))
    answer = ask(cached, "/hops", WORKER, "OPTIONS", headers={"Max-Forwards": "2"})
    assert answer[2] == b"of the origin" and origin.asked("/hops")[-1].headers["max-forwards"] == "1"
    assert ask(cached, "/hops", WORKER, "OPTIONS")[2] == b"of the origin"
    assert "max-forwards" not in origin.asked("/hops")[-1].headers
    asked = origin.count("/hops")
    answer = ask(cached, "/hops", WORKER, "OPTIONS", headers={"Max-Forwards": "0"})
    assert answer[0] == 204 and "GET" in answer[1]["allow"] and origin.count("/hops") == asked
    ask(cached, "/hops", WORKER, "POST", headers={"Max-Forwards": "2"})
    assert origin.asked("/hops")[-1].headers["max-forwards"] == "2", "it means nothing there"


def test_what_a_304_says_not_to_keep_is_not_served_stale_from_the_second_level(cached: FleetUnderTest,
                                                                               origin: Origin) -> None:
    path, tag = "/fill/forbidden", {"ETag": '"1"'}
    old = Page(b"old", headers=tag | {"Cache-Control": "max-age=600, stale-while-revalidate=600"})
    forbids = Page(status=304, headers=tag | {"Cache-Control": "no-store"})
    new = Page(b"new", headers={"Cache-Control": "no-store"})
    origin.put(path, lambda asked: forbids if "if-none-match" in asked.headers else old)
    assert [cached.visit(path)[2] for _ in range(2)] == [b"old"] * 2
    origin.put(path, lambda asked: forbids if "if-none-match" in asked.headers else new)
    purge(cached, urls=[url(cached, path)], soft=True)
    eventually(lambda: {cached.visit(path)[2] for _ in range(4)} == {b"new"}, 10, "nobody has it any more")
