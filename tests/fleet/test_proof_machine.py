"""A machine in trouble: its disk full, descriptors exhausted, clocks that jump, a log that nobody reads."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import time
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from cache_client import hold, purge, url
from conftest import patient
from origin_server import Origin, Page
from outside_redis import OutsideRedis
from proof import STREAMS, Load, put_pages, whole
from shoal_cli import FleetUnderTest, Make, eventually
from wrapped_worker import wrap

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do that to a machine")
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
BUDGET = 10


def admitted(fleet: FleetUnderTest, path: str, times: int = BUDGET + 2) -> int:
    return [fleet.request("POST", path)[0] for _ in range(times)].count(200)


def require_correct(fleet: FleetUnderTest, origin: Origin) -> None:
    """A budget is kept, and a purge is, too."""
    whole(fleet)
    eventually(lambda: fleet.request("POST", f"/v1/limits/demo/{uuid.uuid4()}")[0] == 200, 15, "it admits")
    assert admitted(fleet, f"/v1/limits/demo/{uuid.uuid4()}") == BUDGET
    path = f"/correct/{uuid.uuid4()}"
    for version in (b"old", b"new"):
        origin.put(path, Page(version, headers={"Cache-Control": "max-age=600"}))
        purge(fleet, urls=[url(fleet, path)])
        assert fleet.visit(path)[2] == version
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
        fleet.destroy()
    finally:
        subprocess.run(["umount", "-l", fleet.home], check=True)


@needs_root
def test_a_full_disk(small_disk: FleetUnderTest, origin: Origin) -> None:
    fleet, pids = small_disk, small_disk.status()
    filler = fleet.home / "filler"
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
        error = fleet.run("scale", "limiter", "3", code=1).stderr
        assert "No space left" in error and "Traceback" not in error
        filler.unlink()
        eventually(lambda: not refused(), 15, "there is room")
    load.require()
    assert [entry["pid"] for entry in fleet.status()["workers"] + fleet.status()["others"]] == [
        entry["pid"] for entry in pids["workers"] + pids["others"]], "nobody has crashed"
    fleet.run("scale", "limiter", "2")
    require_correct(fleet, origin)


@needs_root
def test_no_descriptor_is_left(make_fleet: Make, origin: Origin) -> None:
    put_pages(origin)
    fleet = make_fleet()
    fleet.up("--workers", "2", "--config", patient(fleet), "--origin", origin.url)
    pids = fleet.pids()
    with Load(fleet) as load:
        before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids.values()}
        for pid, (_, hard) in before.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
        since = time.time()
        # Slow pages need more connections than there were, and their worker more to the origin.
        clients = [subprocess.Popen(["curl", "-s", "-o", "/dev/null", "--max-time", "10",
                                     f"http://127.0.0.1:{fleet.site}/proof/slow/{number}"]) for number in range(40)]
        for client in clients:
            client.wait(20)
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        until = time.time() + 1
        require_correct(fleet, origin)
    load.require(lambda fate: since <= fate.done and fate.due <= until)
    assert fleet.pids() == pids, "nobody has crashed"
    fleet.destroy()


class Clock:
    """Of processes that are started with it; the machine's stays."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.shift(0)
        self.environment = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(file), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def shift(self, seconds: int) -> None:
        aside = self._file.with_suffix(".new")
        aside.write_text(f"{seconds:+d}s\n")
        aside.chmod(0o644)
        aside.rename(self._file)


@pytest.mark.skipif(not FAKETIME.exists(), reason="the package libfaketime is not there")
def test_clocks_that_jump(make_fleet: Make, origin: Origin) -> None:
    put_pages(origin)
    fleet = make_fleet()
    base = fleet.home.parent
    of_redis, of_workers = Clock(base / "redis.time"), Clock(base / "workers.time")
    redis = OutsideRedis(base / "shifted", of_redis.environment)
    redis.start()
    settings = " ".join(f"{name}={value}" for name, value in of_workers.environment.items())
    config = base / "shifted.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}, "command_timeout": "5s"}}))
    fleet.up("--bin", str(wrap(fleet, f'exec env {settings} "$worker" "$@"')), "--workers", "2", "--config", str(config),
             "--origin", origin.url)
    pids = fleet.pids()
    try:
        with Load(fleet) as load:
            for clock in (of_workers, of_redis):
                for seconds in (3600, -7200, 0):
                    key = f"/v1/limits/demo/{uuid.uuid4()}"
                    assert admitted(fleet, key) == BUDGET
                    clock.shift(seconds)
                    # Time that has passed refills, but never beyond the burst; time that has not is forgotten.
                    assert admitted(fleet, key, 2 * BUDGET) <= BUDGET + 1
                    assert json.loads(fleet.request("GET", key)[2])["reset_ms"] <= 61_000
                    require_correct(fleet, origin)
        load.require()
        assert fleet.pids() == pids, "nobody has crashed"
    finally:
        fleet.destroy()
        redis.end()


def test_a_log_that_nobody_reads(make_fleet: Make, origin: Origin) -> None:
    put_pages(origin)
    fleet = make_fleet()
    pipes = {worker: fleet.home.parent / f"{worker}.pipe" for worker in ("limiter-1", "cache-1")}
    readers = []
    for path in pipes.values():
        os.mkfifo(path)
        path.chmod(0o666)
        readers.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))
        fcntl.fcntl(readers[-1], fcntl.F_SETPIPE_SZ, 4096)
    config = json.loads(Path(patient(fleet)).read_text()) | {"log": {"level": "debug", "slow": "1us"}}
    Path(patient(fleet)).write_text(json.dumps(config))
    wrapped = wrap(fleet, f'exec "$worker" "$@" >"{fleet.home.parent}/$name.pipe" 2>&1')
    fleet.up("--bin", str(wrapped), "--workers", "1", "--config", str(fleet.home.parent / f"{fleet.home.name}.json"),
             "--origin", origin.url)
    pids = fleet.pids()
    with Load(fleet) as load:
        for number in range(200):
            assert fleet.request("POST", f"/v1/limits/bulk/{number}")[0] == 200
    load.require()
    assert fleet.pids() == pids, "nobody has crashed"
    assert b"bulk/199" not in read_all(readers[0]), "the pipe was full long before"

    def logs_again() -> bool:
        fleet.request("POST", "/v1/limits/bulk/again")
        return b"bulk/again" in read_all(readers[0])

    eventually(logs_again, 10, "it is logged again")
    for reader in readers:
        os.close(reader)
    fleet.destroy()


def read_all(reader: int) -> bytes:
    try:
        return os.read(reader, 65536)
    except BlockingIOError:
        return b""
