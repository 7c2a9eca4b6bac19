"""The generator's program: found, or built when it is missing or older than its sources."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from shoal_fleet import tree

from .errors import LoadError

_NAME = "shoal-load"
_SOURCES = ("tests/load/domain", "tests/load/edge", "common/core", "common/config")


def generator(root: Path) -> Path:
    """That of $SHOAL_BIN, or this tree's own."""
    if given := os.environ.get("SHOAL_BIN"):
        program = Path(given) / _NAME
        if not os.access(program, os.X_OK):
            raise LoadError(f"{program} is missing; build it, or unset SHOAL_BIN and it is built here")
        return program
    program = tree.binaries(root) / _NAME
    if not tree.is_installed(root) and is_outdated(program, root):
        _build(root)
    return program


def is_outdated(program: Path, root: Path) -> bool:
    try:
        built = program.stat().st_mtime
    except OSError:
        return True
    sources = [file for folder in _SOURCES for file in (root / folder).glob("*.?pp")]
    return any(file.stat().st_mtime > built for file in sources)


def _build(root: Path) -> None:
    print("loadtest: building the generator; this takes a minute the first time", file=sys.stderr, flush=True)
    if subprocess.run([root / "scripts" / "bootstrap", "build"], check=False).returncode != 0:
        raise LoadError("packages are missing: run the line above, then this command again")
    tree = root / "build" / "release"
    tree.mkdir(parents=True, exist_ok=True)
    # The lock of scripts/fleet: two builds of one tree are none.
    with open(tree / ".fleet.lock", "ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for command in (["cmake", "--preset", "release"],
                        ["cmake", "--build", "--preset", "release", "--target", _NAME]):
            result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            if result.returncode != 0:
                print("\n".join((result.stdout + result.stderr).splitlines()[-40:]), file=sys.stderr)
                raise LoadError("the generator could not be built: see above")
        # A source that changed nothing in the program leaves it as old as it was.
        os.utime(tree / "bin" / _NAME)
