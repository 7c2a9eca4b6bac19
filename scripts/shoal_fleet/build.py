"""The workers' binaries: packages installed, the tree built, and the result copied to where the fleet runs it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import time
from collections import deque
from contextlib import contextmanager
from pathlib import Path
from typing import Iterable, Iterator, Mapping, Sequence

from .account import Account
from .errors import FleetError
from .files import private_folder, sync_folder
from .layout import Layout
from .manifest import Manifest
from .terminal import Terminal

TOOLS = ("/usr/sbin/haproxy", "/usr/bin/redis-server", "/usr/bin/supervisord", "/usr/sbin/logrotate", "/usr/bin/flock")
_STEP = re.compile(r"\[(\d+)/(\d+)\]")


def bootstrap(root: Path, purposes: Sequence[str], terminal: Terminal) -> None:
    """Installs what these purposes lack. Raises FleetError when that needs somebody else."""
    if purposes == ["run"] and all(os.access(tool, os.X_OK) for tool in TOOLS):
        return
    terminal.progress(f"looking for what {' and '.join(purposes)} need")
    result = subprocess.run([root / "scripts" / "bootstrap", *purposes], stdin=subprocess.DEVNULL)
    if result.returncode == 3:
        raise FleetError("packages are missing", "run the line above, then this command again")
    if result.returncode != 0:
        raise FleetError("the packages could not be installed", "see above; 'scripts/bootstrap' tries again")


def build(root: Path, manifests: Mapping[str, Manifest], terminal: Terminal) -> Path:
    """Builds the services of the release preset, no more than what changed. Returns the folder of the binaries."""
    tree = root / "build" / "release"
    tree.mkdir(parents=True, exist_ok=True)
    with _locked(tree / ".fleet.lock", terminal):
        log = tree / "fleet-build.log"
        log.unlink(missing_ok=True)
        if not (tree / "build.ninja").exists():
            _run(["cmake", "--preset", "release"], root, log, "configuring the build", terminal)
        targets = [manifest.executable for manifest in manifests.values()]
        _run(["cmake", "--build", str(tree), "--target", *targets], root, log, "building", terminal)
    return tree / "bin"


@contextmanager
def _locked(path: Path, terminal: Terminal) -> Iterator[None]:
    with open(path, "ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            terminal.say("waiting for another build of this tree")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], folder: Path, log: Path, what: str, terminal: Terminal) -> None:
    """Shows the build's own progress, and its last lines when it fails."""
    started = time.monotonic()
    last: deque[str] = deque(maxlen=40)
    with open(log, "a", encoding="utf-8") as file, subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        text=True, errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            file.write(line)
            last.append(line.rstrip())
            step = _STEP.match(line)
            terminal.progress(f"{what} {step.group(0) if step else ''} {time.monotonic() - started:.0f} s")
    if process.returncode != 0:
        for line in last:
            terminal.say(line)
        raise FleetError(f"{what} failed", f"the whole output is in {log}; correct what it says and run again")
    if time.monotonic() - started > 2:
        terminal.say(f"{what}: done in {time.monotonic() - started:.0f} s")


def identify(source: Path, names: Iterable[str]) -> str:
    """The id of these binaries' content."""
    digest = hashlib.sha256()
    for name in sorted(names):
        file = source / name
        if not os.access(file, os.X_OK):
            raise FleetError(f"{file} is missing or not executable",
                             "build it, or give the folder that has it with --bin DIR")
        digest.update(name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def snapshot(layout: Layout, account: Account, source: Path, manifests: Iterable[Manifest]) -> str:
    """Copies the binaries to bin/<id>/: a later build does not touch them."""
    names = [manifest.executable for manifest in manifests]
    identifier = identify(source, names)
    target = layout.binaries / identifier
    if target.is_dir():
        return identifier
    shared = account.foreign
    partial = layout.binaries / f".{identifier}.{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    private_folder(partial, 0o750 if shared else 0o700, os.geteuid(), account.gid)
    for name in names:
        copy = partial / name
        shutil.copyfile(source / name, copy)
        os.chown(copy, -1, account.gid)
        copy.chmod(0o750 if shared else 0o700)
    os.replace(partial, target)
    sync_folder(layout.binaries)
    return identifier


def prune(layout: Layout, used: set[str]) -> None:
    """Removes builds that no place runs any more, and what a killed copy left."""
    for folder in layout.binaries.iterdir():
        if folder.name not in used:
            shutil.rmtree(folder, ignore_errors=True)
