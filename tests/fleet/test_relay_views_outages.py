"""Views of a database when Redis, the slot or the database's history is lost: whatever was committed longer ago than
`relay_within` is in every answer, or there is none; and all of it comes back."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Iterator

import pytest

from cache_client import ask
from conftest import patient
from postgres_server import PostgresServer
from redis_trouble import redis
from relay_fleet import RELAYS, section, stopped
from shoal_cli import FleetUnderTest, Make, alive, eventually
from written_views import VIEWS

pytestmark = pytest.mark.alone
WITHIN = 0.5
"""`relay_within` in seconds, as it is by default."""
GROUPS = range(5)
SCHEMA = """
CREATE TABLE item (id int PRIMARY KEY, team int NOT NULL, version int NOT NULL DEFAULT 0);
ALTER TABLE item REPLICA IDENTITY FULL;
INSERT INTO item SELECT n, n % 5 FROM generate_series(1, 400) n;
CREATE PUBLICATION shoal FOR ALL TABLES;
"""
CONFIGURED = [
    {"name": "item", "kind": "document", "key": ["id"], "query": "SELECT id, team, version FROM item",
     "changed_by": [{"table": "item", "key": ["id"]}]},
    {"name": "team", "kind": "sorted_set", "key": ["team"], "member": "id", "score": "version",
     "query": "SELECT team, id, version FROM item",
     "changed_by": [{"table": "item", "key": ["team"], "member": "id"}]},
]


class Stage:
    def __init__(self, fleet: FleetUnderTest, server: PostgresServer) -> None:
        self.fleet, self.server = fleet, server
        self.commits = [(0.0, 0)]
        """Of item 1: when each had been committed, and its version."""

    def write(self, more: str = "") -> None:
        """Item 1 has another version, and whatever else the statements do."""
        version = self.commits[-1][1] + 1
        self.server.sql(f"BEGIN; UPDATE item SET version = {version} WHERE id = 1; {more}; COMMIT")
        self.commits.append((time.monotonic(), version))

    def generation(self) -> str:
        return redis(self.fleet, "HGET", "{cache}:views", "item").split()[1]

    def is_refilled(self, generation: str) -> bool:
        words = (redis(self.fleet, "HGET", "{cache}:views", "item") or "- - - -").split()
        return words[1] != generation and words[2] == "ready"

    def shows_all(self) -> bool:
        """Every worker has what SQL has, and nothing else."""
        rows = [(int(n), int(team), int(version)) for n, team, version in self.server.sql("TABLE item ORDER BY id")]
        documents = {str(n): {"id": n, "team": team, "version": version} for n, team, version in rows}
        return all(self._documents(worker) == documents and all(
            self._team(worker, group) == {str(n): version for n, team, version in rows if team == group}
            for group in GROUPS) for worker in VIEWS)

    def _documents(self, worker: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for first in range(1, 501, 100):
            keys = "&".join(f"key={n}" for n in range(first, first + 100))
            status, _, body = ask(self.fleet, f"/v1/views/item?{keys}", worker, kind="sock")
            found |= json.loads(body)["entries"] if status == 200 else {}
        return {key: one for key, one in found.items() if one is not None}

    def _team(self, worker: str, group: int) -> dict[str, int]:
        status, _, body = ask(self.fleet, f"/v1/views/team/{group}?limit=1000", worker, kind="sock")
        return {one["member"]: one["score"] for one in json.loads(body)["items"]} if status == 200 else {}


class Watch:
    """From `with` to its end somebody asks every worker for item 1, and notes each answer that is older than it may
    be."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.wrong: list[str] = []
        self.answers = 0

    def __enter__(self) -> Watch:
        self._thread.start()
        eventually(lambda: self.answers > 10, 20, "it is answered")
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            for worker in VIEWS:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self._ask(worker)

    def _ask(self, worker: str) -> None:
        began = time.monotonic()
        least = max(version for at, version in self._stage.commits if at < began - WITHIN)
        status, fields, body = ask(self._stage.fleet, "/v1/views/item/1", worker, kind="sock")
        if status == 200 and json.loads(body)["version"] >= least:
            self.answers += 1
        elif status != 503:
            self.wrong.append(f"{worker} has {status} {body!r} {fields} where {least} was committed long before")


@pytest.fixture(scope="module")
def shared_stage(make_fleet: Make) -> Iterator[Stage]:
    with PostgresServer() as server:
        server.sql(SCHEMA)
        fleet = make_fleet()
        fleet.up("--workers", "2", "--config", patient(fleet, section(server.dsn, [], views=CONFIGURED)))
        yield Stage(fleet, server)
        fleet.destroy()


@pytest.fixture
def stage(shared_stage: Stage) -> Stage:
    eventually(shared_stage.shows_all, 30, "all of it is served")
    return shared_stage


def most_memory(pid: int) -> int:
    """Bytes that it has ever had."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("dies", [False, True], ids=["stopped", "killed"])
def test_a_slot_that_somebody_dropped_makes_views_anew(stage: Stage, dies: bool) -> None:
    before, server = stage.generation(), stage.server
    with Watch(stage) as watch:
        pids = [stage.fleet.pids()[name] for name in RELAYS]
        # It takes its slot again as soon as it has lost it: so it stands still meanwhile.
        with stage.fleet.left_alone(), stopped(*pids):
            server.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active")
            eventually(lambda: server.value("SELECT count(*) FROM pg_replication_slots WHERE active") == "0", 10,
                       "it is free")
            server.sql("SELECT pg_drop_replication_slot('shoal')")
            stage.write("DELETE FROM item WHERE id = 2; INSERT INTO item VALUES (401, 1); "
                        "UPDATE item SET team = (team + 1) % 5 WHERE id % 3 = 0")
            if dies:
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                eventually(lambda: not any(map(alive, pids)), 10, "they are gone")
        eventually(lambda: stage.is_refilled(before), 30, "it is noticed")
        eventually(stage.shows_all, 30, "all of it is served")
    server.sql("DELETE FROM item WHERE id = 401; INSERT INTO item VALUES (2, 2)")
    assert not watch.wrong


def test_what_changes_while_redis_stands_still_appears_and_is_not_held_in_memory(stage: Stage) -> None:
    with Watch(stage) as watch:
        with stage.fleet.left_alone(), stopped(stage.fleet.other("redis-state")["pid"]):
            for _ in range(4):
                stage.write()
                stage.server.sql("DO $$ BEGIN FOR n IN 1..4000 LOOP UPDATE item SET version = version + 1 "
                                 "WHERE id = 2 + n % 300; COMMIT; END LOOP; END $$")
            stage.write("DELETE FROM item WHERE id = 400")
        eventually(stage.shows_all, 30, "all of it is served")
    assert not watch.wrong
    assert max(most_memory(stage.fleet.pids()[name]) for name in RELAYS) < 128 << 20


def test_views_are_made_anew_where_redis_was_flushed(stage: Stage) -> None:
    before = stage.generation()
    with Watch(stage) as watch:
        redis(stage.fleet, "FLUSHALL")
        stage.write("DELETE FROM item WHERE id = 399")
        eventually(lambda: stage.is_refilled(before), 30, "it is noticed")
        eventually(stage.shows_all, 30, "all of it is served")
    assert not watch.wrong


def test_a_database_that_goes_on_in_another_timeline_makes_views_anew(stage: Stage) -> None:
    before, server = stage.generation(), stage.server
    with Watch(stage) as watch:
        server.stop()
        # As a standby that takes over.
        (server.data / "standby.signal").touch()
        server.start()
        server.sql("SELECT pg_promote()")
        stage.write("DELETE FROM item WHERE id = 398")
        eventually(lambda: stage.is_refilled(before), 30, "it is noticed")
        eventually(stage.shows_all, 30, "all of it is served")
    assert not watch.wrong
