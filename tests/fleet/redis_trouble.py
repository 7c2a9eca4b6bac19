"""What can be wrong with the fleet's own Redis, begun and ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import Callable

from shoal_cli import FleetUnderTest, alive, eventually

_PASSWORD = ("-a", "another", "--no-auth-warning")


def redis(fleet: FleetUnderTest, *command: str) -> str:
    done = subprocess.run(["redis-cli", "-e", "-s", fleet.run_folder / "redis-state.sock", *command],
                          capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Trouble:
    begin: Callable[[FleetUnderTest], object]
    end: Callable[[FleetUnderTest], object] = lambda fleet: None
    said: str = ""
    """What the workers' logs say of it."""
    loses: bool = False
    """Its data."""


def _lose_files(fleet: FleetUnderTest) -> None:
    """Its next start finds nothing."""
    pid = fleet.other("redis-state")["pid"]
    os.kill(pid, signal.SIGSTOP)
    shutil.rmtree(fleet.data / "redis" / "state")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid), 10, "it is gone")


def _change_password(fleet: FleetUnderTest) -> None:
    redis(fleet, "CONFIG", "SET", "requirepass", "another")
    redis(fleet, *_PASSWORD, "CLIENT", "KILL", "TYPE", "normal")


TROUBLES = {
    "full": Trouble(lambda fleet: redis(fleet, "CONFIG", "SET", "maxmemory", "1"),
                    lambda fleet: redis(fleet, "CONFIG", "SET", "maxmemory", "0"), "OOM"),
    "slow": Trouble(lambda fleet: redis(fleet, "CLIENT", "PAUSE", "2500", "ALL"), said="no answer"),
    "read-only": Trouble(lambda fleet: redis(fleet, "REPLICAOF", "127.0.0.1", "1"),
                         lambda fleet: redis(fleet, "REPLICAOF", "NO", "ONE"), "READONLY"),
    "password": Trouble(_change_password,
                        lambda fleet: redis(fleet, *_PASSWORD, "CONFIG", "SET", "requirepass", ""), "NOAUTH"),
    "flushed": Trouble(lambda fleet: redis(fleet, "FLUSHALL"), loses=True),
    "files lost": Trouble(_lose_files, loses=True),
}
