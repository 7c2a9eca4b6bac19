"""What was done to a fleet and when: one JSON line per step in <home>/journal.jsonl."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

FILE = "journal.jsonl"
_MAX_BYTES = 4 << 20


class Journal:
    def __init__(self, home: Path, command: str) -> None:
        self._path = home / FILE
        self._command = command

    def write(self, event: str, **details: Any) -> None:
        self._turn()
        entry = {
            "time": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
            "pid": os.getpid(),
            "command": self._command,
            "event": event,
            **details,
        }
        line = json.dumps(entry, ensure_ascii=False, default=str) + "\n"
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8", "replace"))
        finally:
            os.close(descriptor)

    def _turn(self) -> None:
        try:
            if self._path.stat().st_size > _MAX_BYTES:
                os.replace(self._path, self._path.with_suffix(".jsonl.1"))
        except FileNotFoundError:
            pass
