"""Files written so that a reader, or the next run after a crash, sees the old or the new one and nothing between."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .errors import FleetError


def write_atomically(path: Path, data: bytes, mode: int = 0o600, group: int = -1) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if group >= 0:
                os.fchown(file.fileno(), -1, group)
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_if_changed(path: Path, data: bytes, mode: int = 0o600, group: int = -1) -> bool:
    try:
        if path.read_bytes() == data:
            return False
    except FileNotFoundError:
        pass
    write_atomically(path, data, mode, group)
    return True


def private_folder(path: Path, mode: int, owner: int, group: int) -> None:
    """Makes the folder, or checks that the one there is a folder of that owner, no link, and sets its mode.
    Owner -1 is the caller."""
    try:
        os.mkdir(path, mode)
        created = True
    except FileExistsError:
        created = False
    owner = os.geteuid() if owner < 0 else owner
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode):
        raise FleetError(f"{path} is not a folder", "move it away and run again")
    if not created and found.st_uid not in (owner, os.geteuid()):
        raise FleetError(f"{path} belongs to user id {found.st_uid}, not to {owner}",
                         "move it away, or give another --home, and run again")
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if (found.st_uid, found.st_gid) != (owner, group):
            os.fchown(descriptor, owner, group)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
