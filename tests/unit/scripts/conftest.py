"""Lets the tests import what scripts/fleet is made of."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Callable

import pytest

from samples import ROOT, Document

sys.path.insert(0, str(ROOT / "scripts"))

from shoal_fleet import account, manifest  # noqa: E402
from shoal_fleet.fleet import Fleet  # noqa: E402
from shoal_fleet.journal import Journal  # noqa: E402
from shoal_fleet.layout import Layout  # noqa: E402
from shoal_fleet.manifest import Manifest  # noqa: E402
from shoal_fleet.state import State  # noqa: E402
from shoal_fleet.terminal import Terminal  # noqa: E402


@pytest.fixture
def document() -> Document:
    """A manifest with nothing but what it must have."""
    return {
        "name": "echo",
        "path_prefixes": ["/echo"],
        "key": {"expression": "path", "path": "/echo/{key}", "what": "the path"},
    }


@pytest.fixture
def parse(tmp_path: Path) -> Callable[[Document], Manifest]:
    """Reads a document as services/<name>/service.json."""

    def read(content: Document) -> Manifest:
        return manifest.parse(tmp_path / "services" / "echo" / "service.json", json.dumps(content))

    return read


@pytest.fixture
def fleet(tmp_path: Path, parse: Callable[[Document], Manifest], document: Document) -> Fleet:
    """A fleet of service echo on paper: nothing of it runs."""
    mine = account.Account("tester", 0, 0)
    layout = Layout(tmp_path / "home", tmp_path / "home" / "data", Path("/run/shoal-test"))
    layout.home.mkdir()
    state = State(account=mine.name, build="0123456789ab")
    state.options.admin_listen = "127.0.0.1:8404"
    return Fleet(ROOT, layout.home, {"echo": parse(document)}, state, mine, layout, Terminal(quiet=True),
                 Journal(layout.home, "test"))
