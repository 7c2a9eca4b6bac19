"""The processes of a fleet, so that their CPU time is counted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .errors import LoadError


def options(root: Path, home: Path) -> list[str]:
    """--pid NAME=PID for each process that runs now, workers, HAProxy and Redis; supervisord serves nobody."""
    result = subprocess.run([root / "scripts" / "fleet", "status", "--json", "--interval", "0", "--home", str(home)],
                            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    try:
        status = json.loads(result.stdout)
    except ValueError:
        raise LoadError(f"--fleet {home}: there is no fleet with that home\n{result.stderr.strip()}") from None
    found = from_status(status)
    if not found:
        raise LoadError(f"--fleet {home}: nothing of it runs; 'scripts/fleet up --home {home}' starts it")
    return found


def from_status(status: dict[str, Any]) -> list[str]:
    entries = [*status.get("workers", []), *status.get("others", [])]
    running = [entry for entry in entries if entry.get("pid") and entry["name"] != "supervisord"]
    return [word for entry in running for word in ("--pid", f"{entry['name']}={entry['pid']}")]
