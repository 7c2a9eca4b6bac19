"""scripts/fleet cache: what was answered from where, purges that hold when they return, why a URL is cached."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cache_client import owned
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make, eventually

LASTING = {"cache_control": "max-age=600"}


def purge(fleet: FleetUnderTest, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.run("cache", "purge", *arguments, "--json").stdout)
    return found


def stat(fleet: FleetUnderTest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.run("cache", "stat", "--json").stdout)
    return found


def url(fleet: FleetUnderTest, path: str) -> str:
    return f"http://127.0.0.1:{fleet.site}{path}"


def counted(origin: Origin, where: str, **headers: str) -> None:
    """Each fetch of it gets another body."""
    fetched = Counter[str]()

    def answer(asked: Asked) -> Page:
        fetched[asked.path] += 1
        return Page(f"{asked.path} number {fetched[asked.path]}".encode(),
                    headers={"Cache-Control": "max-age=600", **headers})

    origin.put(where, answer)


def test_a_purged_url_is_fetched_again(cached: FleetUnderTest, origin: Origin) -> None:
    counted(origin, "/url/*")
    for _ in range(2):
        assert cached.visit("/url/a")[2] == b"/url/a number 1"
        assert cached.visit("/url/b")[2] == b"/url/b number 1"
    done = purge(cached, "--url", url(cached, "/url/a"))
    assert sorted(done["confirmed"]) == ["cache-1", "cache-2"] and done["fenced"] == []
    assert cached.visit("/url/a")[2] == b"/url/a number 2"
    assert cached.visit("/url/b")[2] == b"/url/b number 1"
    later = purge(cached, "--url", url(cached, "/url/a"), "--url", url(cached, "/url/b"))
    assert later["sequence"] > done["sequence"]
    assert cached.visit("/url/a")[2] == b"/url/a number 3"
    assert cached.visit("/url/b")[2] == b"/url/b number 2"


def test_a_purged_tag_takes_every_page_that_has_it(cached: FleetUnderTest, origin: Origin) -> None:
    counted(origin, "/tag/7/*", **{"Surrogate-Key": "product-7 list"})
    counted(origin, "/tag/8/*", **{"Surrogate-Key": "product-8 list"})
    pages = [f"/tag/{tag}/{number}" for tag in (7, 8) for number in range(5)]
    for page in pages:
        assert cached.visit(page)[2].endswith(b"number 1")
    assert "2 workers have confirmed it" in cached.run("cache", "purge", "--tag", "product-7").stdout
    for page in pages:
        assert cached.visit(page)[2].endswith(b"number 2" if "/7/" in page else b"number 1")
    purge(cached, "--tag", "list")
    for page in pages:
        assert cached.visit(page)[2].endswith(b"number 3" if "/7/" in page else b"number 2")


@pytest.mark.parametrize("what", [["--site", "default"], ["--all"]])
def test_a_site_and_everything(cached: FleetUnderTest, origin: Origin, what: list[str]) -> None:
    where = f"/whole/{len(what)}"
    counted(origin, where)
    assert [cached.visit(where)[2][-1:] for _ in range(2)] == [b"1", b"1"]
    purge(cached, *what)
    assert cached.visit(where)[2][-1:] == b"2"


def test_a_soft_purge_may_be_served_while_it_is_fetched_again(cached: FleetUnderTest, origin: Origin) -> None:
    counted(origin, "/soft", **{"Cache-Control": "max-age=600, stale-while-revalidate=60"})
    assert [cached.visit("/soft")[2][-1:] for _ in range(2)] == [b"1", b"1"]
    purge(cached, "--url", url(cached, "/soft"), "--soft")
    assert cached.visit("/soft")[2][-1:] == b"1"
    eventually(lambda: cached.visit("/soft")[2][-1:] == b"2", 10, "the new one is there")


def test_a_soft_purge_may_be_served_by_a_worker_that_has_it_from_the_second_level(cached: FleetUnderTest,
                                                                                 origin: Origin) -> None:
    counted(origin, "/soft/l2", **{"Cache-Control": "max-age=600, stale-while-revalidate=60"})
    first = cached.visit("/soft/l2")[1]["x-shoal-worker"]
    cached.run("drain", first)
    try:
        purge(cached, "--url", url(cached, "/soft/l2"), "--soft")
        _, headers, body = cached.visit("/soft/l2")
        assert headers["x-shoal-worker"] != first and body[-1:] == b"1"
        assert re.fullmatch(r"shoal; hit; ttl=(600|599|598); detail=stale", headers["cache-status"])
        eventually(lambda: cached.visit("/soft/l2")[2][-1:] == b"2", 10, "the new one is there")
        assert "detail=stale" not in cached.visit("/soft/l2")[1]["cache-status"]
    finally:
        cached.run("undrain", first)


@pytest.mark.parametrize(("arguments", "code", "what"), [
    ((), 2, "nothing is named"),
    (("--site", "nobody"), 1, "refused"),
    (("--url", "/list"), 1, "refused"),
])
def test_a_purge_that_can_not_be_is_refused(cached: FleetUnderTest, arguments: tuple[str, ...], code: int,
                                            what: str) -> None:
    assert what in cached.run("cache", "purge", *arguments, code=code).stderr


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Basic eDp5"}])
def test_nobody_purges_without_the_token(cached: FleetUnderTest, headers: dict[str, str]) -> None:
    status, answered, body = cached.request("POST", "/v1/cache/purge", headers, body=b'{"all": true}')
    assert status in (401, 403) and answered["content-type"] == "application/problem+json"
    assert b"token" in json.loads(body)["detail"].encode()


def test_a_token_of_the_operator_s_own(make_fleet: Make, origin: Origin, tmp_path: Path) -> None:
    fleet = make_fleet()
    token = fleet.home.parent / "token"
    token.write_text("my-own-token-of-enough-length-0123456789\n")
    token.chmod(0o644)
    config = tmp_path / "c.json"
    config.write_text(json.dumps({"services": {"cache": {"purge": {"token_file": str(token)}}}}))
    fleet.up("--workers", "1", "--origin", origin.url, "--config", str(config))
    assert purge(fleet, "--tag", "a")["confirmed"] == ["cache-1"]
    assert not (fleet.data / "secrets" / "cache-purge-token").exists()
    token.write_text("another-token-of-enough-length-0123456789\n")
    assert "scripts/fleet reload" in fleet.run("cache", "purge", "--tag", "a", code=1).stderr


def test_the_statistics_add_up(cached: FleetUnderTest, origin: Origin, routing: str) -> None:
    for number in range(10):
        origin.page(f"/stat/{number}", "x" * 1000, **LASTING)
    origin.page("/stat/not", "x", cache_control="no-store")
    before, asked = stat(cached)["total"], origin.count()
    for _ in range(4):
        for number in range(10):
            cached.visit(f"/stat/{number}")
    for _ in range(5):
        cached.visit("/stat/not")
    found = stat(cached)
    after = found["total"]
    grown = {name: after[name] - before[name] for name in ("requests", "l1", "l2", "miss", "bypass")}
    assert grown["requests"] == 45 == sum(grown[name] for name in ("l1", "l2", "miss", "bypass")), grown
    assert grown["miss"] + grown["bypass"] == origin.count() - asked
    assert (grown["l1"] == 30) if routing == "hash" else (grown["l2"] > 0), grown
    assert found["sites"]["default"]["requests"] == after["requests"]
    assert found["bytes"] > 10_000 and found["objects"] >= 10 and found["purge_lag"] == 0
    assert after["fetch"]["p99_ms"] >= after["fetch"]["p50_ms"] > 0
    assert set(found["workers"]) == {"cache-1", "cache-2"} and found["missing"] == []
    lines = cached.run("cache", "stat").stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["SITE", "default", "(all)"]


@owned
def test_an_inspection_says_where_and_until_when(cached: FleetUnderTest, origin: Origin) -> None:
    origin.page("/inspected", "x" * 300, cache_control="max-age=600", surrogate_key="one two", etag='"1"')
    address = url(cached, "/inspected?b=1")
    worker = cached.visit("/inspected?b=1")[1]["x-shoal-worker"]
    found = json.loads(cached.run("cache", "inspect", address, "--json").stdout)
    assert found["owner"] == worker
    assert {name: one["found"] for name, one in found["workers"].items()} == {
        name: name == worker for name in ("cache-1", "cache-2")}
    variant, = found["workers"][worker]["variants"]
    assert variant["standing"] == "current" and 590 <= variant["expires_in_s"] <= 600
    assert {"one", "two"} <= {tag.rpartition(":")[2].strip() for tag in variant["tags"]}, variant["tags"]
    text = cached.run("cache", "inspect", address).stdout
    assert f"owner  {worker}" in text and "fresh for another" in text
    purge(cached, "--tag", "one")
    found = json.loads(cached.run("cache", "inspect", address, "--json").stdout)["workers"][worker]
    assert found["variants"][0]["standing"] == "purged" and found["why"].startswith("purged")
    assert "http://HOST/PATH" in cached.run("cache", "inspect", "/inspected", code=2).stderr


def test_the_purge_log_says_what_was_purged_when_and_by_whom(cached: FleetUnderTest) -> None:
    def purges(*arguments: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(cached.run("cache", "purges", *arguments, "--json").stdout)
        return found

    tag = "seen-in-the-log"
    done = purge(cached, "--tag", tag, "--tag", "another")
    soft = purge(cached, "--tag", tag, "--soft")
    entries = purges("-n", "2")["purges"]
    assert [(one["sequence"], one["by"], one["hard"], one["soft"]) for one in entries] == [
        (done["sequence"], "api", 2, 0), (soft["sequence"], "api", 0, 1)]
    assert abs(entries[0]["at_us"] / 1e6 - time.time()) < 60
    last = purges("--tag", tag)["tag"]
    assert last == {"hard": entries[0], "soft": entries[1]}
    assert purges("--tag", "never-purged-seen-in-the-log")["tag"] == {"hard": None, "soft": None}
    assert f"hard: number {done['sequence']}" in cached.run("cache", "purges", "--tag", tag).stdout
    assert cached.run("cache", "purges").stdout.splitlines()[-1].split()[0] == str(soft["sequence"])
