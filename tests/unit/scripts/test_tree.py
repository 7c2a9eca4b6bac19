"""Where the tools find their binaries, and where a fleet is when nobody says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from samples import ROOT
from shoal_fleet import tree

INSTALLED = Path("/usr/share/shoal")


def test_the_sources_have_theirs_where_they_are_built() -> None:
    assert not tree.is_installed(ROOT)
    assert tree.binaries(ROOT) == ROOT / "build" / "release" / "bin"
    assert tree.default_home(ROOT) == ROOT / ".shoal"


def test_an_installation_brings_its_binaries_and_keeps_nothing() -> None:
    assert tree.is_installed(INSTALLED)
    assert tree.binaries(INSTALLED) == Path("/usr/lib/shoal/bin")


@pytest.mark.parametrize("caller, state, home", [
    (0, "", "/var/lib/shoal/main"),
    (0, "/srv/state", "/var/lib/shoal/main"),
    (1000, "", "/home/a/.local/state/shoal"),
    (1000, "/srv/state", "/srv/state/shoal"),
    (1000, "relative", "/home/a/.local/state/shoal"),
])
def test_an_installations_fleets_are_their_users(caller: int, state: str, home: str,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: caller)
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("XDG_STATE_HOME", state)
    assert tree.default_home(INSTALLED) == Path(home)
