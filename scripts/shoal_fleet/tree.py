"""The tree that the tools belong to: the sources, which are built, or an installation, which brings its binaries."""

from __future__ import annotations

import os
from pathlib import Path

_SYSTEM_HOME = Path("/var/lib/shoal/main")


def is_installed(root: Path) -> bool:
    """Nothing can be built there; what deploy/cmake/install.cmake put together is below <prefix>/share."""
    return not (root / "CMakeLists.txt").exists()


def binaries(root: Path) -> Path:
    return root.parents[1] / "lib" / "shoal" / "bin" if is_installed(root) else root / "build" / "release" / "bin"


def default_home(root: Path) -> Path:
    """An installation is not written to, and has many users."""
    if not is_installed(root):
        return root / ".shoal"
    if os.geteuid() == 0:
        return _SYSTEM_HOME
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if state.startswith("/") else Path.home() / ".local" / "state") / "shoal"
