"""How long a worker that was replaced may go on with an answer: as long as the operator says."""

from __future__ import annotations

import http.client
import threading
from typing import Iterator

import pytest

from cache_client import ask
from conftest import patient
from origin_server import Origin, Page
from shoal_cli import FleetUnderTest, Make

BODY = b"0123456789" * 1000
SECONDS = 5


@pytest.fixture(scope="module")
def hasty(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    fleet.up("--workers", "1", "--config", patient(fleet), "--origin", origin.url, "--drain-deadline", "1")
    yield fleet
    fleet.destroy()


def streamed_while_replaced(fleet: FleetUnderTest, origin: Origin, path: str, seconds: int = SECONDS) -> bytes:
    """What a client gets of an answer that takes so long, when the worker is replaced in the middle."""
    origin.put(path, Page(BODY, pieces=seconds * 5, pause=0.2))
    got: list[bytes] = []

    def client() -> None:
        try:
            got.append(ask(fleet, path, timeout=30)[2])
        except http.client.IncompleteRead as cut:
            got.append(cut.partial)

    reader = threading.Thread(target=client)
    reader.start()
    origin.wait_for(path)
    fleet.run("restart", "cache")
    reader.join(30)
    return got[0]


def test_an_answer_is_cut_at_the_deadline_and_whole_before_it(hasty: FleetUnderTest, origin: Origin) -> None:
    # It is over when it is cut, however long a busy machine takes to come to that.
    cut = streamed_while_replaced(hasty, origin, "/cut", 10 * SECONDS)
    assert 0 < len(cut) < len(BODY) and BODY.startswith(cut)
    pid = hasty.pids()["cache-1"]
    hasty.run("up", "--drain-deadline", "600")
    assert hasty.pids()["cache-1"] != pid, "a worker is told when it starts"
    assert streamed_while_replaced(hasty, origin, "/whole") == BODY
    hasty.run("up")
    files = list((hasty.data / "conf" / "programs").glob("cache-1*.conf"))
    assert ["stopwaitsecs = 610" in file.read_text() for file in files] == [True], "supervisord waits for longer"
    assert "hard-stop-after 630s" in (hasty.data / "conf" / "haproxy.cfg").read_text()


@pytest.mark.parametrize("given", ["0", "3601", "soon"])
def test_a_deadline_that_can_not_be_is_refused(hasty: FleetUnderTest, given: str) -> None:
    assert "--drain-deadline" in hasty.run("up", "--drain-deadline", given, code=2).stderr
