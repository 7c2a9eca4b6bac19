"""`up --postgres`: a PostgreSQL of the fleet's own, from its first start until nobody wants it any more."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import stat
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from postgres_server import PostgresServer
from shoal_cli import FleetUnderTest, Make, alive, eventually


@pytest.fixture(scope="module")
def private(make_fleet: Make) -> Iterator[FleetUnderTest]:
    """One with a table and a row, up in each test."""
    fleet = make_fleet()
    line = psql_line(fleet.up("--workers", "1", "--postgres", "private").stdout)
    psql(line, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here'); CREATE PUBLICATION shoal")
    yield fleet
    fleet.destroy()


@pytest.fixture(autouse=True)
def ready(private: FleetUnderTest) -> None:
    private.up()


def psql_line(printed: str) -> list[str]:
    """The words of the line with which `up` and `status` say how to connect."""
    found = re.search(r"^PostgreSQL, .*: (psql .*)$", printed, re.MULTILINE)
    assert found, printed
    return shlex.split(found[1])


def psql(line: list[str], text: str) -> str:
    done = subprocess.run([*line, "-XqAtc", text], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def kept(fleet: FleetUnderTest) -> str:
    return psql(psql_line(fleet.run("status", "--interval", "0").stdout), "SELECT word FROM kept")


def is_well(fleet: FleetUnderTest) -> bool:
    return fleet.try_run("doctor").returncode == 0


def server(fleet: FleetUnderTest) -> int:
    return int(fleet.other("postgres")["pid"])


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def in_force(fleet: FleetUnderTest) -> str:
    """What the workers are told of a database."""
    found = json.loads((fleet.data / "conf" / "config.json").read_text())
    return str(found.get("services", {}).get("relay", {}).get("postgres"))


def test_it_takes_connections_by_a_closed_socket_and_can_be_followed(private: FleetUnderTest) -> None:
    line = psql_line(private.up().stdout)
    wanted = {"wal_level": "logical", "listen_addresses": "", "fsync": "on", "synchronous_commit": "on"}
    for name, value in wanted.items():
        assert psql(line, f"SHOW {name}") == value
    assert line[1] == in_force(private) == private.status()["postgres"]
    assert stat.S_IMODE((private.run_folder / ".s.PGSQL.5432").stat().st_mode) == 0o600
    assert stat.S_IMODE(private.run_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((private.data / "postgres").stat().st_mode) == 0o700
    assert os.geteuid() != 0 or Path(f"/proc/{server(private)}").stat().st_uid != 0
    eventually(lambda: is_well(private), 20, "a relay has the slot, and nothing is wrong")


def test_down_stops_it_in_order_and_up_keeps_its_data(private: FleetUnderTest) -> None:
    pid = server(private)
    ran = [pid, *children(pid)]
    private.run("down")
    assert not any(map(alive, ran)) and private.processes() == []
    log = (private.data / "logs" / "postgres.log").read_text()
    assert log.rstrip().endswith("database system is shut down")
    private.up()
    assert kept(private) == "here"


def test_an_up_that_changes_nothing_leaves_it_alone(private: FleetUnderTest) -> None:
    pid = server(private)
    private.up()
    assert server(private) == pid


def test_killed_it_comes_back(private: FleetUnderTest) -> None:
    pid = server(private)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid) and server(private) not in (0, pid), 10, "another one runs")
    private.up()
    assert kept(private) == "here"


def test_without_supervisord_it_is_asked_on(private: FleetUnderTest) -> None:
    pid, before = server(private), private.other("supervisord")["pid"]
    os.kill(before, signal.SIGKILL)
    eventually(lambda: private.other("supervisord")["pid"] not in (None, before), 10, "the keeper has started another")
    private.up()
    assert server(private) == pid and kept(private) == "here"


@contextlib.contextmanager
def frozen(pid: int) -> Iterator[list[int]]:
    """It and what it has started."""
    os.kill(pid, signal.SIGSTOP)
    all_of_it = [pid, *children(pid)]
    for one in all_of_it:
        os.kill(one, signal.SIGSTOP)
    try:
        yield all_of_it
    finally:
        for one in filter(alive, all_of_it):
            os.kill(one, signal.SIGCONT)


def test_down_waits_for_one_that_hangs_no_longer_than_it_must(private: FleetUnderTest) -> None:
    with frozen(server(private)) as ran:
        private.run("down", timeout=40)
        assert not any(map(alive, ran))
    private.up()
    assert kept(private) == "here"


def test_doctor_names_one_that_takes_no_connections(private: FleetUnderTest) -> None:
    with private.left_alone(), frozen(server(private)):
        assert "PostgreSQL takes no connections" in private.run("doctor", code=1).stdout
    eventually(lambda: is_well(private), 20, "a relay has the slot, and nothing is wrong")


def test_one_from_outside_takes_its_place_and_none_ends_the_relay(private: FleetUnderTest) -> None:
    pid = server(private)
    with PostgresServer() as outside:
        outside.sql("CREATE PUBLICATION shoal")
        said = private.up("--postgres", outside.dsn).stdout
        assert "psql" not in said and not alive(pid)
        assert in_force(private) == outside.dsn and private.status()["postgres"] is None
        eventually(lambda: is_well(private), 20, "a relay has the slot, and nothing is wrong")
    private.up("--postgres", "none")
    assert "relay-1" not in private.workers()
    private.up("--postgres", "private")
    assert kept(private) == "here", "its data waited for it"


def test_a_start_that_fails_is_taken_back_and_says_why(private: FleetUnderTest) -> None:
    private.run("down")
    control = private.data / "postgres" / "data" / "global" / "pg_control"
    control.rename(control.with_name("away"))
    try:
        failed = private.up(code=1)
        assert "PostgreSQL does not start" in failed.stderr and "pg_control" in failed.stderr
        assert private.processes() == []
    finally:
        control.with_name("away").rename(control)
    private.up()
    assert kept(private) == "here"


def test_a_password_is_not_taken_from_the_command_line(private: FleetUnderTest) -> None:
    refused = private.up("--postgres", "dbname=shop password=secret", code=2)
    assert "password_file" in refused.stderr and "secret" not in (private.home / "state.json").read_text()
    assert kept(private) == "here"
