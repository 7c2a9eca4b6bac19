"""A real access log, which is not part of the project: tests that use it are skipped where it is missing."""

from __future__ import annotations

import gzip
import os
import re
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from shoal_cli import ROOT

LOG = Path(os.environ.get("SHOAL_DATA", ROOT.parent / "shared" / "data")) / "access.log.gz"
needs_log = pytest.mark.skipif(not LOG.exists(), reason=f"{LOG} is not there: the real access log is not part of "
                                                        "the project")

_LINE = re.compile(r'(\S+) \S+ \S+ \[([^]]+)\] "(\S+) (\S+)[^"]*" (\d+) (\d+|-)')


class Entry(NamedTuple):
    address: str
    method: str
    target: str
    status: int
    size: int
    """Bytes of the body."""


def addresses() -> list[str]:
    """The client of each request, in the order of time."""
    return [entry.address for entry in entries()]


def entries() -> list[Entry]:
    """In the order of time."""
    found = []
    with gzip.open(LOG, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            parts = _LINE.match(line)
            assert parts, line
            address, time, method, target, status, size = parts.groups()
            found.append((datetime.strptime(time, "%d/%b/%Y:%H:%M:%S %z"),
                          Entry(address, method, target, int(status), 0 if size == "-" else int(size))))
    return [entry for _, entry in sorted(found, key=lambda one: one[0])]
