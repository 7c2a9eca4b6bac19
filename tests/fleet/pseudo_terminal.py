"""A program on a terminal: what it writes there, keys pressed, and how it leaves the terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
from types import TracebackType
from typing import Any, Mapping


class OnTerminal:
    """Runs from `with` to its end, by which it must have ended."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str] | None = None, columns: int = 120,
                 rows: int = 40) -> None:
        self._arguments = arguments
        self._environ = {name: value for name, value in (environ or os.environ).items()
                         if name not in ("COLUMNS", "LINES", "NO_COLOR")} | {"TERM": "xterm"}
        self._size = (columns, rows)
        self._said = b""

    def __enter__(self) -> "OnTerminal":
        self._mine, self._its = pty.openpty()
        self.resize(*self._size)
        self.modes_before = self.modes()
        self.process = subprocess.Popen(self._arguments, stdin=self._its, stdout=self._its, stderr=self._its,
                                        env=self._environ, start_new_session=True, preexec_fn=_controlled)
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close()

    def _listen(self) -> None:
        while True:
            try:
                part = os.read(self._mine, 65536)
            except OSError:  # the other end is closed
                return
            self._said += part

    def _close(self) -> None:
        if self._its >= 0:
            os.close(self._its)
            self._its = -1
            self._listener.join(30)
            os.close(self._mine)

    @property
    def said(self) -> str:
        """So far."""
        return self._said.decode("utf-8", "replace")

    def modes(self) -> list[Any]:
        return termios.tcgetattr(self._its)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._mine, termios.TIOCSWINSZ, struct.pack("4H", rows, columns, 0, 0))

    def press(self, keys: bytes) -> None:
        os.write(self._mine, keys)

    def ended(self, seconds: float = 60) -> int:
        """Its exit code, with everything that it said."""
        code = self.process.wait(seconds)
        self.modes_after = self.modes()
        self._close()
        return code


def _controlled() -> None:
    """So that keys are signals."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
