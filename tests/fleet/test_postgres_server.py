"""The PostgreSQL that tests use: what they rely on when they stall, freeze and kill it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest

from postgres_server import PostgresServer, position
from shoal_cli import alive, eventually


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        found.sql("CREATE TABLE seen (number int)")
        yield found


def count(server: PostgresServer) -> int:
    return int(server.value("SELECT count(*) FROM seen"))


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_it_is_made_for_logical_replication_and_listens_on_its_socket_only(server: PostgresServer) -> None:
    found = dict(server.sql("SELECT name, setting FROM pg_settings"))
    wanted = {"wal_level": "logical", "max_wal_senders": "20", "max_replication_slots": "20", "fsync": "off",
              "listen_addresses": ""}
    assert {name: found[name] for name in wanted} == wanted
    assert os.geteuid() != 0 or Path(f"/proc/{server.pid}").stat().st_uid != 0


def test_rows_come_as_they_are(server: PostgresServer) -> None:
    assert server.sql("SELECT 1, 'a|b' || E'\\n' || 'c', NULL; SELECT 2") == [["1", "a|b\nc", ""], ["2"]]
    assert server.sql("SELECT WHERE false") == []
    with pytest.raises(AssertionError, match="nowhere"):
        server.sql("SELECT * FROM nowhere")
    server.sql("CREATE DATABASE shop")
    assert server.value("SELECT current_database()", db="shop") == "shop"


def test_a_position_grows_with_what_is_written(server: PostgresServer) -> None:
    before = server.lsn()
    server.sql("INSERT INTO seen VALUES (0)")
    assert position(server.lsn()) > position(before)
    assert position("1/2") == (1 << 32) + 2


def test_a_stalled_commit_is_seen_by_nobody_until_it_is_released(server: PostgresServer) -> None:
    before = count(server)
    with server.stalled():
        client = server.begin("INSERT INTO seen VALUES (1)", name="writer")
        eventually(lambda: server.waiting_commits("writer") == 1, 10, "the commit waits")
        assert count(server) == before and client.poll() is None
    assert client.wait(10) == 0
    assert count(server) == before + 1


def test_stalling_takes_until_it_is_in_force(server: PostgresServer) -> None:
    checkpointer = int(server.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"))
    os.kill(checkpointer, signal.SIGSTOP)
    later = threading.Timer(0.5, os.kill, (checkpointer, signal.SIGCONT))
    later.start()
    started = time.monotonic()
    with server.stalled():
        assert time.monotonic() - started > 0.4, "who puts it in force stood still"
    later.join()


def test_all_of_it_stands_still_and_goes_on(server: PostgresServer) -> None:
    server.sigstop()
    try:
        assert len(server.processes()) > 3
        assert {state(pid) for pid in server.processes()} == {"T"}
        with pytest.raises(subprocess.TimeoutExpired):
            server.sql("SELECT 1", timeout=0.3)
    finally:
        server.sigcont()
    assert server.value("SELECT 1") == "1"


def test_what_was_committed_outlives_a_kill(server: PostgresServer) -> None:
    before, ran = count(server), server.processes()
    server.sql("INSERT INTO seen VALUES (2)")
    server.kill()
    assert not any(map(alive, ran))
    server.start()
    assert count(server) == before + 1


def test_it_stops_as_it_is_told_and_says_when_it_does_not(server: PostgresServer) -> None:
    client = server.begin("SELECT pg_sleep(60)", name="sleeper")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sleeper' AND wait_event = 'PgSleep'"
    eventually(lambda: server.value(asleep) == "1", 10, "it sleeps")
    with pytest.raises(TimeoutError):
        server.stop("smart", 0.3)
    server.stop("fast", 10)
    assert client.wait(10) != 0
    server.start()
    server.restart("immediate")
    assert server.value("SELECT 1") == "1"


def test_on_tcp_and_durable_when_it_is_asked_for_and_gone_in_the_end() -> None:
    with PostgresServer(tcp=True, fsync=True, settings={"work_mem": "1MB"}) as server:
        socket.create_connection(("127.0.0.1", server.port)).close()
        assert server.sql("SHOW fsync; SHOW work_mem") == [["on"], ["1MB"]]
        ran = server.processes()
        server.sigstop()
    assert not any(map(alive, ran))
    assert not server.folder.exists()
