"""A Redis that is not the fleet's own, so that nothing starts it again."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Mapping

from shoal_cli import eventually


class OutsideRedis:
    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        """`environment` beside this process' own."""
        folder.mkdir(mode=0o755)
        self.socket = folder / "redis.sock"
        self._folder, self._environment = folder, {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "777", "--dir",
             str(self._folder), "--save", "", "--logfile", str(self._folder / "log")], stdin=subprocess.DEVNULL,
            env=self._environment)
        eventually(self.answers, 10, "Redis answers")

    def answers(self) -> bool:
        return subprocess.run(["redis-cli", "-s", str(self.socket), "ping"], capture_output=True,
                              check=False).stdout == b"PONG\n"

    def pause(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
