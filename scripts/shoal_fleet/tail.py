"""The last lines of files, and those that are added: also when one is truncated, or turned to NAME.1."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import BinaryIO, Callable, Iterable, NoReturn

_CHUNK = 1 << 16
_PAUSE = 0.2


class Tail:
    def __init__(self, path: Path, show: Callable[[str], None]) -> None:
        """`show` is given each line."""
        self._path, self._show = path, show
        self._position, self._inode = 0, 0

    def last(self, lines: int, unfinished: bool = True) -> None:
        """Nothing when there is no file yet. A line that is still being written is left for more(), or it counts."""
        try:
            with _open(self._path) as file:
                self._inode = os.fstat(file.fileno()).st_ino
                end = file.seek(0, os.SEEK_END)
                found, start = b"", end
                while start > 0 and found.count(b"\n") <= lines:
                    size = min(_CHUNK, start)
                    start -= size
                    file.seek(start)
                    found = file.read(size) + found
        except FileNotFoundError:
            return
        if not unfinished:
            end -= len(found)
            found = found[: found.rfind(b"\n") + 1]
            end += len(found)
        self._position = end
        self._print(found.splitlines()[-lines:] if lines else [])

    def more(self) -> None:
        try:
            with _open(self._path) as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode:
                    self._finish_turned()
                    self._position, self._inode = 0, status.st_ino
                elif status.st_size < self._position:
                    self._position = 0
                self._read_on(file)
        except FileNotFoundError:
            return

    def _finish_turned(self) -> None:
        try:
            with _open(self._path.with_name(f"{self._path.name}.1")) as file:
                if os.fstat(file.fileno()).st_ino == self._inode:
                    while self._read_on(file):
                        pass
        except FileNotFoundError:
            return

    def _read_on(self, file: BinaryIO) -> bool:
        file.seek(self._position)
        found = file.read(_CHUNK)
        whole = found[: found.rfind(b"\n") + 1]
        self._position += len(whole)
        self._print(whole.splitlines())
        return bool(whole)

    def _print(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._show(line.decode("utf-8", "replace"))


def _open(path: Path) -> BinaryIO:
    # The folder may be the account's: a link in it may lead anywhere.
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def follow(tails: Iterable[Tail]) -> NoReturn:
    """Until the process is ended."""
    watched = list(tails)
    while True:
        sys.stdout.flush()
        time.sleep(_PAUSE)
        for tail in watched:
            tail.more()
