"""A machine of its own to install on: this one's files as they are, but nothing that is changed reaches this one, no
process is seen, and its network is a loopback without anybody on it."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

import pytest

from shoal_cli import alive

# What is written goes to memory, and is gone with the mount. Its first process waits until we are done with it.
_SETUP = r"""
mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir upper work root
mount -t overlay overlay -o "lowerdir=/,upperdir=upper,workdir=work" root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mount -t tmpfs tmpfs "root$2"
ip link set lo up
exec chroot root sh -c 'echo ready; read -r _'
"""


class FreshMachine:
    """`hidden` is the folder that the machine must not know: the sources of what is installed."""

    def __init__(self, hidden: Path) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="shoal-machine-"))
        self._first = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "sh", "-euc", _SETUP, "sh",
             str(self._folder), str(hidden)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._first.stdout is not None and self._first.stderr is not None
        if self._first.stdout.readline() != "ready\n":
            reason = self._first.stderr.read().strip()
            self.__exit__(None, None, None)
            pytest.skip(f"this kernel or container allows no machine of its own: {reason}")
        children = Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children").read_text().split()
        self._inside = int(children[0])

    def __enter__(self) -> FreshMachine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._first.kill()
        self._first.communicate()
        os.rmdir(self._folder)

    def path(self, inside: str) -> Path:
        """A file of it, as seen from here."""
        return Path(f"/proc/{self._inside}/root{inside}")

    def run(self, *command: str, code: int = 0) -> str:
        """What it prints, both streams; it must end with that code."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8",
                       "DEBIAN_FRONTEND": "noninteractive"}
        result = subprocess.run(
            ["nsenter", f"--target={self._inside}", "--mount", "--pid", "--net", "--root", "--wdns=/", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120,
            env=environment)
        assert result.returncode == code, f"{' '.join(command)} ended with {result.returncode}\n{result.stdout}"
        return result.stdout

    def programs(self) -> set[str]:
        """The names of what runs on it."""
        mine, found = os.readlink(f"/proc/{self._inside}/ns/pid"), set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                inside = os.readlink(process / "ns" / "pid") == mine and process.name != str(self._inside)
                if inside and alive(int(process.name)):  # its first process waits for nobody's end
                    found.add((process / "comm").read_text().strip())
            except OSError:
                continue  # it has ended
        return found
