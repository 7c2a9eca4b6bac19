#!/usr/bin/python3
"""Watches over the supervisord that started it: wakes it when one of its processes has ended, kills what somebody has
stopped and forgotten, and starts it again when it was killed. README.md beside this file says why."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

_LOOK_S = 0.5
_STOPPED_S = 5.0
"""How long a process may stand still by SIGSTOP. Who is traced by a debugger stands still in another way."""
_START_S = 30.0


def say(what: str) -> None:
    # On a full disk there is more to do than to say so.
    with contextlib.suppress(OSError):
        print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {what}", flush=True)


def stat_of(pid: int) -> tuple[str, str, int] | None:
    """(program, state, session); None when it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    program, _, rest = text.partition("(")[2].rpartition(")")
    fields = rest.split()
    return program, fields[0], int(fields[3])


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(pid: int) -> list[int]:
    return [below for child in children(pid) for below in (child, *descendants(child))]


def answer(path: Path, request: bytes = b"") -> str | None:
    """None when nobody listens there."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2.0)
            connection.connect(str(path))
            connection.sendall(request)
            return connection.recv(4096).decode("utf-8", "replace") if request else ""
    except OSError:
        return None


class Keeper:
    def __init__(self, conf: Path, run: Path, supervisord: int) -> None:
        self._conf, self._run, self._supervisord = conf, run, supervisord
        self._watched: dict[int, int] = {}
        """Process by pidfd."""
        self._stopped: dict[int, float] = {}
        """Since when."""

    def watch(self) -> None:
        """Until supervisord has ended."""
        poll = select.poll()
        try:
            supervisord = os.pidfd_open(self._supervisord)
        except ProcessLookupError:
            return
        # Only now the number can't become another's.
        if os.getppid() != self._supervisord:
            return
        poll.register(supervisord, select.POLLIN)
        while True:
            self._watch_new(poll)
            self._kill_stopped()
            ended = [descriptor for descriptor, _ in poll.poll(_LOOK_S * 1000)]
            if supervisord in ended:
                return
            for descriptor in ended:
                poll.unregister(descriptor)
                os.close(descriptor)
                del self._watched[descriptor]
            if ended:
                self._wake()

    def _watch_new(self, poll: select.poll) -> None:
        for pid in set(children(self._supervisord)) - {*self._watched.values(), os.getpid()}:
            with contextlib.suppress(OSError):
                descriptor = os.pidfd_open(pid)
                self._watched[descriptor] = pid
                poll.register(descriptor, select.POLLIN)

    def _wake(self) -> None:
        """It waits in poll() for a second. A connection ends that, and the dead are reaped; its end does it again, and
        they are started anew."""
        answer(self._run / "supervisor.sock")

    def _kill_stopped(self) -> None:
        now = time.monotonic()
        stopped = [pid for pid in (self._supervisord, *descendants(self._supervisord))
                   if (seen := stat_of(pid)) is not None and seen[1] == "T"]
        self._stopped = {pid: self._stopped.get(pid, now) for pid in stopped}
        for pid, since in self._stopped.items():
            if now - since >= _STOPPED_S:
                say(f"killing {pid}: it has been stopped for {_STOPPED_S:.0f} s")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def recover(self) -> None:
        """Until a supervisord answers, or `scripts/fleet down` has removed the folder of its socket."""
        pause = 0.5
        while self._run.is_dir() and not self._replace():
            time.sleep(pause)
            pause = min(2 * pause, _START_S)

    def _replace(self) -> bool:
        """Another supervisord, which starts a second copy of everything, and the end of the first: workers see that
        their place is taken, HAProxy is told once its sockets are handed over. Redis stays: who is to follow it waits
        for its lock. False when nobody answers in the end."""
        with self._alone():
            if self._is_answered():
                return True
            say("supervisord has ended; starting another one")
            for pid in self._left("flock", "sh"):
                self._send(pid, signal.SIGTERM)
            try:
                self._launch()
            except (OSError, subprocess.SubprocessError) as error:
                say(f"supervisord does not start: {error}")
        self._hand_over()
        return self._is_answered()

    def _is_answered(self) -> bool:
        return answer(self._run / "supervisor.sock") is not None

    def _hand_over(self) -> None:
        balancers = self._left("haproxy")
        until = time.monotonic() + _START_S
        while balancers and self._is_answered() and time.monotonic() < until:
            if self._balancer() not in (None, *balancers):
                for pid in balancers:
                    self._send(pid, signal.SIGUSR1)
                return
            time.sleep(0.05)
        if balancers:
            say("no other HAProxy answers: the one before it goes on")

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """`scripts/fleet up` may have seen it, too."""
        with open(self._run / "supervisord.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _left(self, *programs: str) -> list[int]:
        """What it had started is of its session."""
        pids = (int(entry) for entry in os.listdir("/proc") if entry.isdigit())
        return [pid for pid in pids if (seen := stat_of(pid)) is not None and seen[0] in programs
                and seen[1] != "Z" and seen[2] == self._supervisord]

    def _send(self, pid: int, which: signal.Signals) -> None:
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
            try:
                if (seen := stat_of(pid)) is not None and seen[2] == self._supervisord:
                    signal.pidfd_send_signal(descriptor, which)
            finally:
                os.close(descriptor)

    def _launch(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SUPERVISOR_")}
        subprocess.run(["/usr/bin/python3", "/usr/bin/supervisord", "-c", str(self._conf / "supervisord.conf")],
                       stdin=subprocess.DEVNULL, cwd="/", env=environment, timeout=_START_S, check=True)
        until = time.monotonic() + _START_S
        while not self._is_answered() and time.monotonic() < until:
            time.sleep(0.02)

    def _balancer(self) -> int | None:
        """The process of HAProxy's that answers."""
        said = answer(self._run / "haproxy.sock", b"show info\n") or ""
        found = [line.removeprefix("Pid: ") for line in said.splitlines() if line.startswith("Pid: ")]
        return int(found[0]) if found else None


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Its session outlives supervisord, whose death may have made another process the parent by now.
    keeper = Keeper(Path(sys.argv[1]), Path(sys.argv[2]), os.getsid(0))
    keeper.watch()
    keeper.recover()


if __name__ == "__main__":
    main()
