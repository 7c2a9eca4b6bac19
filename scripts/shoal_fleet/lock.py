"""One tool at a time changes a fleet. The lock is the kernel's: it goes with its holder, however that ends."""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from types import TracebackType

from .errors import Locked

_GRACE_SECONDS = 0.2


class FleetLock:
    def __init__(self, home: Path, command: str) -> None:
        self._path = home / "lock"
        self._command = command
        self._descriptor = -1

    def __enter__(self) -> "FleetLock":
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        # holder() has it for a moment, too.
        if not taken(descriptor, _GRACE_SECONDS):
            holder = _describe(os.pread(descriptor, 4096, 0))
            os.close(descriptor)
            raise Locked(f"this fleet is being changed by {holder}",
                         "wait until it is done and run again; 'scripts/fleet status' works meanwhile")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "command": self._command}).encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def taken(descriptor: int, seconds: float) -> bool:
    """Waits so long for the exclusive lock of an open file."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
        time.sleep(0.01)


def _describe(content: bytes) -> str:
    try:
        data = json.loads(content)
        return f"process {data['pid']}: {data['command']}"
    except (ValueError, KeyError, TypeError):
        return "another scripts/fleet"


def holder(home: Path) -> str | None:
    """Who holds the lock now; None when nobody does."""
    try:
        descriptor = os.open(home / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _describe(os.pread(descriptor, 4096, 0))
    finally:
        os.close(descriptor)
    return None
