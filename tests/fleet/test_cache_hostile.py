"""Requests and answers that mean one thing to one reader and another to the next: refused, and never anybody else's."""

from __future__ import annotations

import http.client
import json
import re
from typing import Iterator, Mapping

import pytest

from cache_client import ask, hold, is_hit, raw
from conftest import patient
from hostile_messages import ANSWERS, CHUNKS, FRAMING, HEADS, LONGER
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make

Way = str | None
ways = pytest.mark.parametrize("way", ["cache-1", None], ids=["worker", "haproxy"])
LASTING = {"Cache-Control": "max-age=600"}


def statuses(answer: bytes) -> list[int]:
    """Of one after the other, on one connection; none of the bodies has a status line in it."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] ([0-9]{3}) ", answer)]


@pytest.fixture
def untouched(cached: FleetUnderTest, origin: Origin) -> FleetUnderTest:
    """The origin takes whatever comes, and the smuggled request would be seen."""
    origin.forget()
    origin.put("/*", Page(b"fine", headers={"Cache-Control": "no-store"}))
    return cached


def assert_alive(fleet: FleetUnderTest, before: Mapping[str, int]) -> None:
    assert ask(fleet, "/after", "cache-1")[0] == 200
    assert fleet.pids() == before


@pytest.mark.parametrize("table", [FRAMING, HEADS], ids=["framing", "heads"])
def test_a_worker_refuses_what_can_be_read_in_two_ways(untouched: FleetUnderTest, origin: Origin,
                                                       table: dict[str, bytes]) -> None:
    pids, wrong = untouched.pids(), {}
    for name, request in table.items():
        found = statuses(raw(untouched, request, "cache-1", 3))
        if len(found) != 1 or not 400 <= found[0] < 506:
            wrong[name] = found
    assert wrong == {}
    assert origin.asked() == [], "nothing of it has reached the origin"
    assert_alive(untouched, pids)


def test_a_worker_ends_bodies_that_can_be_read_in_two_ways(untouched: FleetUnderTest, origin: Origin) -> None:
    pids, wrong = untouched.pids(), {}
    for name, request in CHUNKS.items():
        found = statuses(raw(untouched, request, "cache-1", 3))
        if len(found) > 1 or any(status < 400 for status in found):
            wrong[name] = found
    assert wrong == {}
    assert origin.asked() == [], "the origin has seen no whole request"
    assert_alive(untouched, pids)


@pytest.mark.parametrize("table", [FRAMING, CHUNKS, HEADS], ids=["framing", "chunks", "heads"])
def test_through_haproxy_no_request_hides_in_another(untouched: FleetUnderTest, origin: Origin,
                                                     table: dict[str, bytes]) -> None:
    """HAProxy mends some of it. What it takes for two requests are two to the worker, and to the origin; where the
    first is refused and may have a body, there is no second."""
    pids, wrong = untouched.pids(), {}
    for name, request in table.items():
        origin.forget()
        found = statuses(raw(untouched, request.replace(b"Host: a", b"Host: a\r\nX-Case: 1"), None, 3))
        fine = sum(status == 200 for status in found)
        both = len(found) == 2 if table is HEADS else fine == 2
        if origin.count() > fine or (origin.count("/smuggled") and not both):
            wrong[name] = found, [asked.target for asked in origin.asked()]
    assert wrong == {}
    assert_alive(untouched, pids)


def try_get(fleet: FleetUnderTest, path: str, way: Way) -> tuple[int, dict[str, str], bytes]:
    """Status 0 means that the answer was cut."""
    try:
        return ask(fleet, path, way)
    except http.client.HTTPException:
        return 0, {}, b""


@ways
def test_an_answer_that_can_be_read_in_two_ways_is_nobody_s(cached: FleetUnderTest, origin: Origin, way: Way) -> None:
    wrong = {}
    for number, (name, answer) in enumerate(ANSWERS.items()):
        path = f"/answers/{way}/{number}"
        origin.put(path, Page(raw=answer.replace(b"%s", b"Cache-Control: max-age=600\r\n")))
        status, headers, body = try_get(cached, path, way)
        origin.page(path, "good")
        good = ask(cached, path, way)
        if status not in (0, 502) or b"evil" in body or "set-cookie" in headers or good[2] != b"good":
            wrong[name] = status, headers, body[:50], good
    assert wrong == {}


@ways
def test_an_answer_shorter_than_it_says_is_cut_and_not_kept(cached: FleetUnderTest, origin: Origin, way: Way) -> None:
    path = f"/short/{way}"
    origin.put(path, Page(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nCache-Control: max-age=600\r\n\r\nonly this"))
    for _ in range(2):
        with pytest.raises(http.client.IncompleteRead):
            ask(cached, path, way)
    assert origin.count(path) >= 2
    origin.page(path, "whole", cache_control="max-age=600")
    assert ask(cached, path, way)[2] == b"whole"


@ways
@pytest.mark.parametrize("name", LONGER)
def test_what_an_origin_says_unasked_is_no_answer_to_the_next(cached: FleetUnderTest, origin: Origin, way: Way,
                                                              name: str) -> None:
    where = f"/longer/{way}/{name.replace(' ', '-')}"
    origin.put(f"{where}/victim/*", lambda asked: Page(asked.path.encode(), headers=LASTING))
    origin.put(f"{where}/liar/*", Page(raw=LONGER[name], raw_stays=True))
    for number in range(10):
        status, _, body = ask(cached, f"{where}/liar/{number}", way)
        assert (status, body) in ((200, b"ok"), (204, b"")), (status, body)
        victim = f"{where}/victim/{number}"
        assert ask(cached, victim, way)[2] == victim.encode()


@ways
def test_an_answer_to_head_has_no_body_whatever_the_origin_sends(cached: FleetUnderTest, origin: Origin,
                                                                 way: Way) -> None:
    origin.put("/headbody", Page(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", raw_stays=True))
    origin.page("/headbody/next", "right")
    for _ in range(5):
        assert ask(cached, "/headbody", way, "HEAD")[::2] == (200, b"")
        assert ask(cached, "/headbody/next", way)[2] == b"right"


# Names that some server, framework or proxy believes.
UNKEYED = ["X-Forwarded-Host", "X-Forwarded-Scheme", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
           "X-Forwarded-Server", "X-Forwarded-Path", "Forwarded", "X-Host", "X-Original-URL", "X-Original-Host",
           "X-Rewrite-URL", "X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Real-IP",
           "True-Client-IP", "X-Script-Name", "X-URL-Scheme", "Front-End-Https", "X_Forwarded_Host",
           "X-Forwarded_Host", "Proxy", "X-Original-Forwarded-For", "X-Middleware-Subrequest", "X-Accel-Redirect",
           "X-Backend-Host", "X-Proxy-URL", "Surrogate-Capability", "Via", "TE", "Upgrade", "Keep-Alive",
           "Proxy-Connection", "Proxy-Authorization", "HTTP2-Settings", "Authorization", "Cookie", "Range",
           "If-None-Match", "If-Match", "If-Range", "If-Modified-Since", "X-Request-Id"]


def reflect(asked: Asked) -> Page:
    """All that came, for ten minutes, to everybody."""
    return Page(json.dumps([asked.method, asked.target, asked.headers, asked.body.decode()]).encode(), headers=LASTING)


@ways
def test_what_one_request_reflects_is_in_nobody_else_s_hit(cached: FleetUnderTest, origin: Origin, way: Way) -> None:
    origin.put("/reflect/*", reflect)
    wrong = {}
    # What nobody gives a meaning is the origin's to name in Vary: that it is seen shows that the table can fail.
    known = "X-Nobody-Knows"
    for number, name in enumerate([*UNKEYED, known]):
        path = f"/reflect/{way}/{number}"
        ask(cached, path, way, headers={name: "evil.example"})
        ask(cached, path, way, headers={name: "evil.example", "X-Other": "1"})
        clean = ask(cached, path, way)
        if b"evil" in clean[2]:
            wrong[name] = clean
    assert wrong.keys() == {known}, wrong


@ways
def test_a_body_of_get_is_in_nobody_else_s_hit(cached: FleetUnderTest, origin: Origin, way: Way) -> None:
    origin.put("/reflect/*", reflect)
    for number in range(3):
        ask(cached, f"/reflect/fat/{way}", way, body=b"evil %d" % number)
    assert b"evil" not in ask(cached, f"/reflect/fat/{way}", way)[2]


@ways
def test_hosts_and_targets_have_answers_of_their_own(cached: FleetUnderTest, origin: Origin, way: Way) -> None:
    origin.put("/reflect/*", reflect)
    for host in ("evil.example", "shop.example:81", "shop.example.", "xn--shop.example"):
        ask(cached, "/reflect/host", way, headers={"Host": host})
    status, _, body = ask(cached, "/reflect/host", way, headers={"Host": "shop.example"})
    assert status == 200 and json.loads(body)[2]["host"] == "shop.example"
    found = raw(cached, b"GET http://evil.example/reflect/whole HTTP/1.1\r\nHost: shop.example\r\n"
                        b"Connection: close\r\n\r\n", way)
    assert b"evil" not in ask(cached, "/reflect/whole", way, headers={"Host": "shop.example"})[2], found


@pytest.fixture(scope="module")
def by_path(make_fleet: Make, origin: Origin, routing: str) -> Iterator[FleetUnderTest]:
    """Whatever lies below /static/ or looks like a style sheet is kept, whatever the origin says of it."""
    fleet = make_fleet()
    rules = [{"path": "/static/*", "ttl": "60s"}, {"path": "*.css", "ttl": "60s"}]
    site = {"name": "ruled", "hosts": ["*"], "origins": [origin.address], "rules": rules}
    fleet.up("--workers", "2", "--config", patient(fleet, {"cache": {"sites": [site]}}), "--routing", routing)
    yield fleet
    fleet.destroy()


DECEIVING = ["/account%2fx.css", "/account;x.css", "/account%3bx.css", "/account%3fx.css", "/account%23x.css",
             "/account%00x.css", "/account%0ax.css", "/account%5cx.css", "/account/..%2fx.css",
             "/static/..%2faccount", "/static/%2e%2e%2faccount", "/static/..%5caccount", "/static/%252e%252e/account",
             "/static/../account", "/static/%2e%2e/account", "/static/..;/account", "/static//../account",
             "/account?x.css", "/account/%2e%2e/account"]


@ways
def test_a_path_that_only_looks_like_another_is_kept_by_no_rule(by_path: FleetUnderTest, origin: Origin,
                                                                way: Way) -> None:
    origin.put("/*", lambda asked: Page(asked.headers.get("x-who", "").encode()))
    hold(by_path, "/static/x", {"X-Who": "a"})
    assert ask(by_path, "/static/x", way, headers={"X-Who": "b"})[2] == b"a", "the rules hold"
    for path in DECEIVING:
        ask(by_path, path, way, headers={"X-Who": "the victim"})
        status, headers, body = ask(by_path, path, way, headers={"X-Who": "another"})
        assert (status, body) == (200, b"another"), (path, headers)


DISTINCT = ["/d/account", "/d/account/", "/d/account%2fx.css", "/d/account/x.css", "/d/account;x.css",
            "/d/account%3bx.css", "/d/account%3fx.css", "/d/account?x.css", "/d/account%23x.css", "/d/account%00x.css",
            "/d/account%0ax.css", "/d/account%0d%0ax.css", "/d/account%5cx.css", "/d/account//x.css", "//d/account",
            "/d/account%252fx.css", "/d/account%20x.css", "/d/account%2500x.css", "/d/account?x=1&y=2",
            "/d/account?y=2&x=1", "/d/account?x=1%26y=2", "/d/account?x=1;y=2", "/d/Account", "/d/account?",
            "/d/account/..%2fx.css", "/d/account/%252e%252e/x.css"]


@ways
def test_paths_that_an_origin_may_tell_apart_are_told_apart(cached: FleetUnderTest, origin: Origin, way: Way) -> None:
    origin.put("/*", lambda asked: Page(asked.target.encode(), headers=LASTING))
    host = {"Host": f"paths-{way}"}
    for _ in range(2):
        found = {path: ask(cached, path, way, headers=host)[2].decode() for path in DISTINCT}
        assert {path: target for path, target in found.items() if target.lower() != path.lower()} == {}
        assert len(set(found.values())) == len(DISTINCT)


# What the request carries, what the answer says, whether another may have it.
PERSONAL: list[tuple[dict[str, str], str, dict[str, str], bool]] = [
    ({"Authorization": "Bearer a"}, "max-age=600", {}, False),
    ({"Authorization": "Bearer a"}, "public, max-age=600", {}, True),
    ({"Authorization": "Bearer a"}, "s-maxage=600", {}, True),
    ({"Authorization": "Bearer a"}, "private, max-age=600", {}, False),
    ({"Cookie": "session=a"}, "max-age=600", {}, False),
    ({"Cookie": "session=a"}, "public, max-age=600", {}, True),
    ({"Cookie": "session=a"}, "no-store", {}, False),
    ({}, "max-age=600", {"Set-Cookie": "session=a"}, False),
    ({}, "private, max-age=600", {}, False),
    ({}, 'private="x-user", max-age=600', {}, False),
    ({}, "max-age=600", {"Vary": "*"}, False),
    ({}, "max-age=600", {}, True),
]


@ways
@pytest.mark.parametrize("number", range(len(PERSONAL)))
def test_an_answer_to_one_is_another_s_only_when_it_says_so(cached: FleetUnderTest, origin: Origin, way: Way,
                                                            number: int) -> None:
    carried, control, said, shared = PERSONAL[number]
    path = f"/personal/{way}/{number}"
    given: list[int] = []

    def answer(_: Asked) -> Page:
        given.append(len(given))
        return Page(b"answer %d" % given[-1], headers={"Cache-Control": control, "X-User": f"{given[-1]}"} | said)

    origin.put(path, answer)
    before = {ask(cached, path, one, headers=carried)[2] for one in ("cache-1", "cache-2", way, way)}
    other = {name: value[:-1] + "b" for name, value in carried.items()}
    for headers in (other, {}):
        status, seen, body = ask(cached, path, way, headers=headers)
        assert status == 200
        if shared:
            assert body in before
        else:
            assert body not in before or "x-user" not in seen, "the answer to another"
            assert "set-cookie" not in seen or body == b"answer %d" % given[-1]


NOMINATED = ["Cookie", "Authorization", "Host", "Cache-Control", "X-Forwarded-For", "X-Forwarded-Host", "Via",
             "Content-Length", "Range", "If-None-Match", "X-Request-Id"]


@ways
@pytest.mark.parametrize("name", NOMINATED)
def test_a_client_takes_nothing_away_that_the_origin_goes_by(cached: FleetUnderTest, origin: Origin, way: Way,
                                                             name: str) -> None:
    path = f"/nominated/{way}/{name}"
    origin.put(path, reflect)
    sent = {"Connection": f"close, {name}", "Cookie": "session=a", "Authorization": "Bearer a"}
    status, _, body = ask(cached, path, way, "POST", headers=sent, body=b"the body")
    method, _, seen, content = json.loads(body)
    assert (status, method, content) == (200, "POST", "the body")
    assert seen["cookie"] == "session=a" and seen["authorization"] == "Bearer a"
    assert {"host", "x-forwarded-host", "via"} <= seen.keys()
    assert not {"keep-alive", "te", "upgrade", "proxy-connection"} & seen.keys()


def test_an_origin_s_nominations_take_nothing_away_that_we_go_by(cached: FleetUnderTest, origin: Origin) -> None:
    for name, value in (("Set-Cookie", "session=a"), ("Cache-Control", "private, max-age=600"), ("Vary", "*")):
        path = f"/nominates/{name}"
        origin.put(path, Page(b"x", headers=LASTING | {"Connection": name, name: value}))
        for _ in range(3):
            assert not is_hit(ask(cached, path)), name
        assert origin.count(path) == 3


@ways
def test_a_split_that_a_target_carries_stays_encoded(cached: FleetUnderTest, origin: Origin, way: Way) -> None:
    origin.put("/redirect", lambda asked: Page(b"", 302, {"Location": asked.target} | LASTING))
    path = "/redirect?to=%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0a"
    for _ in range(2):
        status, headers, _ = ask(cached, path, way)
        assert status == 302 and headers["location"].lower() == path.lower()
        assert "set-cookie" not in headers
