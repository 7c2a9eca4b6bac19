"""A real access log, which is not part of the project: tests that use it are skipped where it is missing."""

from __future__ import annotations

import gzip
import os
from datetime import datetime
from pathlib import Path

import pytest

from shoal_cli import ROOT

LOG = Path(os.environ.get("SHOAL_DATA", ROOT.parent / "shared" / "data")) / "access.log.gz"
needs_log = pytest.mark.skipif(not LOG.exists(), reason=f"{LOG} is not there: the real access log is not part of "
                                                        "the project")


def addresses() -> list[str]:
    """The client of each request, in the order of time."""
    with gzip.open(LOG, "rt", encoding="utf-8", errors="replace") as lines:
        entries = [(datetime.strptime(line.split("[")[1].split("]")[0], "%d/%b/%Y:%H:%M:%S %z"), line.split()[0])
                   for line in lines]
    return [address for _, address in sorted(entries, key=lambda entry: entry[0])]
