"""A machine in trouble: its disk full, descriptors exhausted, clocks that jump, a log that nobody reads."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import select
import subprocess
import time
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from cache_client import hold, purge, url
from conftest import patient
from origin_server import Origin, Page
from loadtest_cli import command, environment
from outside_redis import OutsideRedis
from proof import STREAMS, Load, put_pages, whole
from shoal_cli import ROOT, FleetUnderTest, Make, eventually
from wrapped_worker import wrap

pytestmark = pytest.mark.alone

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do that to a machine")
BUDGET = 10
FILLER = "filler"
DESCRIPTORS = 64
"""Of a worker: three times what it has at rest."""


def admitted(fleet: FleetUnderTest, path: str, times: int = BUDGET + 2) -> int:
    return [fleet.request("POST", path)[0] for _ in range(times)].count(200)


def require_correct(fleet: FleetUnderTest, origin: Origin, held: bool = True) -> None:
    """A budget is kept, and a purge is, too. `held`: pages are."""
    whole(fleet)
    eventually(lambda: fleet.request("POST", f"/v1/limits/demo/{uuid.uuid4()}")[0] == 200, 15, "it admits")
    assert admitted(fleet, f"/v1/limits/demo/{uuid.uuid4()}") == BUDGET
    path = f"/correct/{uuid.uuid4()}"
    for version in (b"old", b"new"):
        origin.put(path, Page(version, headers={"Cache-Control": "max-age=600"}))
        purge(fleet, urls=[url(fleet, path)])
        assert fleet.visit(path)[2] == version
        if held:
            hold(fleet, path)


@pytest.fixture
def small_disk(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    put_pages(origin)
    fleet = make_fleet()
    fleet.home.mkdir(mode=0o711)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=711", "shoal-proof", fleet.home], check=True)
    try:
        fleet.up("--workers", "2", "--config", patient(fleet), "--origin", origin.url)
        yield fleet
        (fleet.home / FILLER).unlink(missing_ok=True)
        fleet.destroy()
    finally:
        subprocess.run(["umount", "-l", fleet.home], check=True)


@needs_root
def test_a_full_disk(small_disk: FleetUnderTest, origin: Origin) -> None:
    fleet, pids = small_disk, small_disk.status()
    filler = fleet.home / FILLER
    sites = tuple(stream for stream in STREAMS if stream.site)
    with Load(fleet, sites) as load:
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * (1 << 20))
            except OSError:
                os.posix_fallocate(file.fileno(), 0, file.tell())

        def refused() -> bool:
            status, headers, _ = fleet.request("POST", f"/v1/limits/demo/{uuid.uuid4()}")
            return status == 503 and headers["content-type"] == "application/problem+json"

        eventually(refused, 20, "what Redis can't write is not promised")
        error = fleet.run("scale", "limiter", "3", code=3).stderr
        assert "No space left" in error and "free room on the disk" in error
        filler.unlink()
        eventually(lambda: not refused(), 15, "there is room")
    load.require()
    assert [entry["pid"] for entry in fleet.status()["workers"] + fleet.status()["others"]] == [
        entry["pid"] for entry in pids["workers"] + pids["others"]], "nobody has crashed"
    fleet.run("scale", "limiter", "2")
    require_correct(fleet, origin)


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_no_descriptor_is_left(make_fleet: Make, origin: Origin) -> None:
    put_pages(origin)
    fleet = make_fleet()
    wrapped = wrap(fleet, f'ulimit -n {DESCRIPTORS}; exec "$worker" "$@"')
    # What a worker keeps open to the origin must not take them all.
    sites = [{"name": "few", "hosts": ["*"], "origins": [origin.address], "connections": 8}]
    fleet.up("--bin", str(wrapped), "--workers", "2", "--config", patient(fleet, {"cache": {"sites": sites}}))
    pids = fleet.pids()
    # Of the sites' streams the slow one alone: on a busy machine all of them need as many by themselves.
    with Load(fleet, tuple(stream for stream in STREAMS if not stream.site) + STREAMS[-1:]) as load:
        since = time.time()
        # Each slow page is a connection from HAProxy.
        url = f"http://127.0.0.1:{fleet.site}/proof/slow/flood-{{key}}"
        flood = subprocess.Popen(command("--url", url, "--closed", str(2 * DESCRIPTORS), "--duration", "2s", "--quiet"),
                                 env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        most = 0
        while flood.poll() is None:
            most = max(most, *(descriptors(pids[worker]) for worker in ("cache-1", "cache-2")))
            time.sleep(0.005)
        assert most == DESCRIPTORS, "one had none left"
        eventually(lambda: max(descriptors(pids[worker]) for worker in ("cache-1", "cache-2")) < 3 * DESCRIPTORS // 4,
                   60, "what waited has been answered")
        whole(fleet)
        until = time.time() + 1
        require_correct(fleet, origin)
    load.require(lambda fate: "pages" in fate.stream and since <= fate.done and fate.due <= until)
    assert fleet.pids() == pids, "nobody has crashed"
    fleet.destroy()


class Clock:
    """Of processes that are started with it; the machine's stays."""

    def __init__(self, file: Path, library: Path) -> None:
        self._file = file
        self.shift(0)
        self._file.chmod(0o644)
        self.environment = {"LD_PRELOAD": str(library), "SHOAL_CLOCK_OFFSET": str(file)}

    def shift(self, seconds: int) -> None:
        with open(self._file, "r+b" if self._file.exists() else "wb", buffering=0) as file:
            file.write((seconds * 1_000_000).to_bytes(8, "little", signed=True))


@pytest.fixture(scope="module")
def shifting(make_fleet: Make) -> Path:
    """The library of the C++ tests; libfaketime is none for Redis, whose allocator asks for the time before it can."""
    library = make_fleet().home.parent / "shifted_clock.so"
    subprocess.run(["g++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library,
                    ROOT / "tests" / "support" / "preload" / "shifted_clock.cpp"], check=True)
    library.chmod(0o755)
    return library


def test_clocks_that_jump(make_fleet: Make, origin: Origin, shifting: Path) -> None:
    put_pages(origin)
    fleet = make_fleet()
    base = fleet.home.parent
    of_redis, of_workers = (Clock(base / f"{name}.time", shifting) for name in ("redis", "workers"))
    redis = OutsideRedis(base / "shifted", of_redis.environment)
    redis.start()
    settings = " ".join(f"{name}={value}" for name, value in of_workers.environment.items())
    config = base / "shifted.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}, "command_timeout": "5s"}}))
    wrapped = wrap(fleet, f'exec env {settings} "$worker" "$@"')
    fleet.up("--bin", str(wrapped), "--workers", "2", "--config", str(config), "--origin", origin.url)
    pids = fleet.pids()
    try:
        # The clock set back, whose keys were used in its future have their whole budget used for a moment.
        refused = tuple(stream if stream.site else dataclasses.replace(
            stream, words=(*stream.words, "--expect-status", "200,429")) for stream in STREAMS)
        with Load(fleet, refused) as load:
            for clock in (of_workers, of_redis):
                for seconds in (3600, -7200, 0):
                    key = f"/v1/limits/demo/{uuid.uuid4()}"
                    assert admitted(fleet, key) == BUDGET
                    clock.shift(seconds)
                    # Time that has passed refills, but never beyond the burst; time that has not is forgotten.
                    assert admitted(fleet, key, 2 * BUDGET) <= BUDGET + 1
                    assert json.loads(fleet.request("GET", key)[2])["reset_ms"] <= 61_000
                    # To a worker whose clock is ahead what the origin makes is as old as that.
                    require_correct(fleet, origin, held=clock is of_redis or seconds <= 0)
        load.require()
        assert fleet.pids() == pids, "nobody has crashed"
    finally:
        fleet.destroy()
        redis.end()


def test_a_log_that_nobody_reads(make_fleet: Make, origin: Origin) -> None:
    put_pages(origin)
    fleet = make_fleet()
    readers = {worker: unread_pipe(fleet.home.parent / f"{worker}.pipe") for worker in ("limiter-1", "cache-1")}
    config = Path(patient(fleet))
    config.write_text(json.dumps(json.loads(config.read_text()) | {"log": {"slow": "1ms"}}))
    wrapped = wrap(fleet, f'exec "$worker" "$@" >"{fleet.home.parent}/$name.pipe" 2>&1')
    fleet.up("--bin", str(wrapped), "--workers", "1", "--config", str(config), "--origin", origin.url)
    pids = fleet.pids()
    with Load(fleet) as load:
        # A line each, which is more than its pipe holds.
        for number in range(100):
            assert fleet.visit(f"/proof/passed/full-{number}")[0] == 200
    load.require()
    assert fleet.pids() == pids, "nobody has crashed"
    assert b"full-99" not in os.read(readers["cache-1"], 1 << 20), "it was full"
    fcntl.fcntl(readers["cache-1"], fcntl.F_SETPIPE_SZ, 1 << 20)

    def logs_again() -> bool:
        fleet.visit("/proof/slow/again")
        try:
            return b"/proof/slow/again" in os.read(readers["cache-1"], 1 << 20)
        except BlockingIOError:
            return False

    eventually(logs_again, 20, "it is logged again")
    for reader in readers.values():
        os.close(reader)
    fleet.destroy()


def unread_pipe(path: Path) -> int:
    """As small as one can be."""
    os.mkfifo(path)
    path.chmod(0o666)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)
    return reader
