"""systemd's units: systemd reads them, and what they run is run as they say. Nothing here is booted by systemd."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from pathlib import Path
from string import Template
from typing import Iterator

import pytest

from outside_redis import OutsideRedis
from shoal_cli import ROOT
from unit_file import Unit

ALLOW_ONLY = Path(__file__).with_name("allow_only.py")


def units(prefix: Path) -> dict[str, Path]:
    return {path.name.removesuffix("@.service"): path for path in (prefix / "lib/systemd/system").iterdir()}


def test_systemd_understands_every_line(prefix: Path, tmp_path: Path) -> None:
    def verify(*files: Path) -> str:
        checked = subprocess.run(["systemd-analyze", "verify", "--man=no", *files], capture_output=True, text=True)
        return f"{checked.returncode}\n{checked.stdout}{checked.stderr}"

    assert verify(*units(prefix).values()) == "0\n"
    wrong = tmp_path / "wrong@.service"
    wrong.write_text(units(prefix)["shoal-limiter"].read_text().replace("WatchdogSec=", "WatchDogSec="))
    assert "WatchDogSec" in verify(wrong)


def test_each_service_has_a_unit_and_the_fleet(prefix: Path) -> None:
    services = {f"shoal-{file.parent.name}" for file in ROOT.glob("services/*/service.json")}
    assert set(units(prefix)) == {*services, "shoal-fleet"}


@pytest.mark.parametrize("unit, most", [("shoal-limiter", 20), ("shoal-cache", 20), ("shoal-fleet", 30)])
def test_what_a_unit_may_do_is_little(prefix: Path, unit: str, most: int) -> None:
    """In tenths of systemd's own measure, from 0 to 100; a service without a line of this kind has 96."""
    measured = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={most}", "--no-pager",
                               units(prefix)[unit]], capture_output=True, text=True)
    assert measured.returncode == 0, measured.stdout[-120:] + measured.stderr


class Manager:
    """Hears what systemd would."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(20)

    def hear(self) -> str:
        return self._socket.recv(4096).decode()

    def hear_until(self, wanted: str) -> None:
        """Nothing but WATCHDOG=1 before it."""
        while (heard := self.hear()) != wanted:
            assert heard == "WATCHDOG=1"

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    found = Manager(tmp_path / "notify")
    yield found
    found.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[OutsideRedis]:
    found = OutsideRedis(tmp_path / "redis")
    found.start()
    yield found
    found.end()


SECTIONS = {"limiter": {"rules": [{"name": "login", "limit": 5, "period": "1m"}]},
            "cache": {"sites": [{"name": "shop", "hosts": ["*"], "origins": ["127.0.0.1:9"]}]}}


@pytest.mark.parametrize("service", SECTIONS)
def test_a_worker_runs_by_its_unit(service: str, prefix: Path, tmp_path: Path, manager: Manager,
                                   redis: OutsideRedis) -> None:
    for folder in ("run", "etc"):
        (tmp_path / folder).mkdir()
    (tmp_path / "etc" / "shoal.json").write_text(json.dumps({
        "redis": {"state": {"unix": str(redis.socket)}, "l2": {"unix": str(redis.socket)}},
        "services": {service: SECTIONS[service]}}))
    unit = Unit(units(prefix)[f"shoal-{service}"].read_text(), "1")

    def command(name: str) -> list[str]:
        line = unit.value(name).replace("/run/shoal/", f"{tmp_path}/run/").replace("/etc/shoal/", f"{tmp_path}/etc/")
        return [sys.executable, str(ALLOW_ONLY), *unit.words("SystemCallFilter"), "--", *shlex.split(line)]

    subprocess.run(command("ExecStartPre"), check=True)
    with subprocess.Popen(command("ExecStart"), stderr=subprocess.PIPE, text=True,
                          env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000",
                               "PATH": os.environ["PATH"]}) as worker:
        try:
            manager.hear_until("READY=1")
            for socket_name in ("sock", "admin", *(["site"] if service == "cache" else [])):
                assert (tmp_path / "run" / f"{service}-1.{socket_name}").is_socket()
            for _ in range(3):
                assert manager.hear() == "WATCHDOG=1"
            subprocess.run(shlex.split(unit.value("ExecReload").replace("$MAINPID", str(worker.pid))), check=True)
            worker.send_signal(signal.SIGTERM)
            manager.hear_until("STOPPING=1")
            assert manager.hear() == "WATCHDOG=1", "while it drains, too"
            log = worker.communicate(timeout=20)[1]
        finally:
            worker.kill()
    assert worker.returncode == 0, log
    assert "configuration reloaded" in log


def test_what_the_note_says_is_taken(prefix: Path, tmp_path: Path) -> None:
    note = (prefix / "share/shoal/deploy/systemd/README.md").read_text()
    file = tmp_path / "shoal.json"
    file.write_text(note.partition("```json\n")[2].partition("```")[0])
    for service in SECTIONS:
        subprocess.run([prefix / "lib/shoal/bin" / f"shoal-{service}", "--check-config", "--config", file], check=True)
    server = Template((ROOT / "haproxy" / "server.in").read_text().strip()).substitute(
        public="/run/shoal/limiter-1.sock", admin="/run/shoal/limiter-1.admin", id=1, weight=256)
    assert f"\nserver limiter-1 {server}\n" in note


def test_a_worker_has_its_own_time_to_drain_before_systemd_ends_it(prefix: Path) -> None:
    for service in SECTIONS:
        unit = Unit(units(prefix)[f"shoal-{service}"].read_text(), "1")
        line = shlex.split(unit.value("ExecStart"))
        assert int(line[line.index("--drain-deadline") + 1]) + 10 <= int(unit.value("TimeoutStopSec"))
