"""A Redis that is full, slow, read-only, behind another password, or empty: clear errors, no crash, correct after."""

from __future__ import annotations

import dataclasses
import json
import time
import uuid
from typing import Iterator

import pytest

from cache_client import ask, hold, purge, token_of, url
from origin_server import Asked, Origin, Page
from proof import STREAMS, Load, put_pages, whole
from redis_trouble import TROUBLES
from shoal_cli import FleetUnderTest, Make, eventually

pytestmark = pytest.mark.alone

# The site's clients notice nothing; those of a limiter that denies are told.
REFUSED = tuple(stream if stream.site else dataclasses.replace(
    stream, words=(*stream.words, "--expect-status", "200,503")) for stream in STREAMS)
BUDGET, PERIOD_S = 10, 60


@pytest.fixture(scope="module")
def proven(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    put_pages(origin)
    fleet = make_fleet()
    config = fleet.home.parent / "redis-trouble.json"
    config.write_text(json.dumps({"redis": {"command_timeout": "500ms"}}))
    fleet.up("--workers", "2", "--config", str(config), "--origin", origin.url)
    yield fleet
    fleet.destroy()


def new_key() -> str:
    return f"/v1/limits/demo/{uuid.uuid4()}"


def spend(fleet: FleetUnderTest, path: str, times: int) -> int:
    """How many are admitted."""
    return [fleet.request("POST", path)[0] for _ in range(times)].count(200)


class Versioned:
    """A page whose version the test changes."""

    def __init__(self, origin: Origin) -> None:
        self.path, self.version = f"/trouble/{uuid.uuid4()}", 0
        origin.put(self.path, self.answer)

    def answer(self, asked: Asked) -> Page:
        return Page(f"version {self.version}".encode(), headers={"Cache-Control": "max-age=600"})


@pytest.mark.parametrize("name", TROUBLES)
def test_it_is_said_and_survived(proven: FleetUnderTest, origin: Origin, name: str) -> None:
    trouble, pids, page, key = TROUBLES[name], proven.pids(), Versioned(origin), new_key()
    hold(proven, page.path)
    began = time.monotonic()
    assert spend(proven, key, 6) == 6
    with Load(proven, REFUSED) as load:
        trouble.begin(proven)
        try:
            page.version += 1
            if not trouble.loses:
                require_refusals(proven, page.path)
                eventually(lambda: trouble.said in logs(proven), 10, f"a worker logs {trouble.said}")
        finally:
            trouble.end(proven)
        eventually(lambda: spend(proven, new_key(), 1), 10, "it admits again")
        eventually(lambda: purged(proven, page.path), 10, "purges are taken again")
        for worker in ("cache-1", "cache-2"):
            assert ask(proven, page.path, worker)[2] == b"version 1"
        again = spend(proven, key, BUDGET + 5)
        refilled = (time.monotonic() - began) * BUDGET / PERIOD_S + 1
        assert again <= (BUDGET if trouble.loses else BUDGET - 6) + refilled
    load.require()
    assert proven.pids() == pids, "nobody has crashed"
    whole(proven)
    assert spend(proven, new_key(), BUDGET + 2) == BUDGET
    hold(proven, page.path)


def logs(fleet: FleetUnderTest) -> str:
    return "".join((fleet.data / "logs" / f"{worker}.log").read_text() for worker in fleet.pids())


def purged(fleet: FleetUnderTest, path: str) -> bool:
    try:
        purge(fleet, urls=[url(fleet, path)])
    except AssertionError:
        return False
    return True


def require_refusals(fleet: FleetUnderTest, path: str) -> None:
    """What can't be promised is refused, and the refusal says what to do."""
    answers = []

    def refused() -> bool:
        answers.append(fleet.request("POST", new_key()))
        return answers[-1][0] != 200

    eventually(refused, 10, "a request is refused")
    answers.append(fleet.request("POST", "/v1/cache/purge", {"Authorization": f"Bearer {token_of(fleet)}"},
                                 body=json.dumps({"urls": [url(fleet, path)]}).encode()))
    for status, headers, body in answers[-2:]:
        assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/problem+json", "1")
        assert "again" in json.loads(body)["detail"]
