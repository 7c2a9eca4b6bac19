"""supervisord started, its programs brought in line with the state, and what an older one left behind ended."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path
from typing import Iterator

from . import postgres, processes, render
from .errors import FleetError, TimedOut
from .fleet import Fleet
from .lock import taken
from .processes import POSTGRES, Process, is_store

_KEPT_ENVIRONMENT = ("TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
_START_SECONDS = 15.0
_STATE_SECONDS = 60.0
_L2_SECONDS = 5.0


def ensure(fleet: Fleet) -> None:
    """supervisord answers when this returns."""
    if fleet.supervisor.answers():
        return
    with _alone(fleet):
        if fleet.supervisor.answers():
            return
        _end_unresponsive(fleet)
        _launch(fleet)
        fleet.journal.write("supervisord started", pid=fleet.supervisor.pid())


@contextlib.contextmanager
def _alone(fleet: Fleet) -> Iterator[None]:
    """The keeper of one that was killed may be starting another."""
    path = fleet.layout.run / "supervisord.lock"
    with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "w", encoding="ascii") as lock:
        found = os.fstat(lock.fileno())
        # The folder is the account's, which may have put something of ours there under that name.
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
            raise FleetError(f"{path} is not what it should be", "remove it and run again")
        os.fchown(lock.fileno(), fleet.account.uid, fleet.account.gid)
        if not taken(lock.fileno(), _STATE_SECONDS):
            raise TimedOut("supervisord is being started by somebody else, and does not answer",
                           "'scripts/fleet logs keeper' and 'logs supervisord' may say why")
        yield


def _of_kind(fleet: Fleet, *kinds: str) -> list[Process]:
    return [p for p in processes.of_fleet(fleet.layout, fleet.account.uid) if p.kind in kinds]


def _end_unresponsive(fleet: Fleet) -> None:
    """One that is shutting down is given its time; one that does not answer is ended, its children live on."""
    left = processes.wait_gone(_of_kind(fleet, "supervisord"), 3.0)
    if not left:
        return
    fleet.terminal.say("ending a supervisord that does not answer")
    for process in left:
        processes.send(process, signal.SIGKILL)
    if processes.wait_gone(left, 5.0):
        raise FleetError("an old supervisord can't be ended", f"see what process {left[0].pid} waits for")


def _launch(fleet: Fleet) -> None:
    conf = fleet.layout.conf / "supervisord.conf"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    environment |= {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    limit = render.descriptors()
    result = subprocess.run(
        ["/usr/bin/python3", "/usr/bin/supervisord", "-c", str(conf)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        cwd="/", env=environment, umask=0o077, timeout=_START_SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)),
        **fleet.account.popen_arguments(),
    )
    if result.returncode != 0:
        raise FleetError(f"supervisord did not start: {result.stdout.strip()}",
                         f"see {fleet.layout.logs / 'supervisord.log'}")
    deadline = time.monotonic() + _START_SECONDS
    while not fleet.supervisor.answers():
        if time.monotonic() > deadline:
            raise TimedOut("supervisord does not answer", f"see {fleet.layout.logs / 'supervisord.log'}")
        time.sleep(0.02)


def apply_programs(fleet: Fleet) -> set[str]:
    """Starts what the program files name, stops what they no longer name; returns what is still ending."""
    supervisor = fleet.supervisor
    wanted = set(render.programs(fleet))
    present = supervisor.programs()
    _, changed, _ = supervisor.reread()
    for name in sorted(changed & wanted & set(present)):
        # Workers never change. The others only when the tool itself has: then they are started again.
        fleet.terminal.say(f"starting {name} again, its definition has changed")
        _stop(fleet, name)
        supervisor.wait_stopped([name], 60.0)
        supervisor.remove(name)
        del present[name]
    end_surplus(fleet)
    for name in sorted(wanted):
        if name not in present:
            supervisor.add(name)
        elif not present[name].alive:
            supervisor.start(name)
    return end_surplus(fleet)


def wait_redis(fleet: Fleet) -> None:
    """Until the fleet's own Redis answers and has read its data. Nobody waits long for what workers do without."""
    for instance in render.own_redis(fleet):
        seconds = max(fleet.timeout, _STATE_SECONDS) if instance == "state" else _L2_SECONDS
        deadline = time.monotonic() + seconds
        # What the file says is read at a start only; the one that runs is told.
        memory = render.redis_memory(fleet, instance)
        path = fleet.layout.redis_socket(instance)
        while not (_answers(path, "PING", "+PONG") and _answers(path, f"CONFIG SET maxmemory {memory}", "+OK")):
            if time.monotonic() > deadline:
                late = TimedOut(f"redis-{instance} does not answer within {seconds:.0f} s",
                                f"'scripts/fleet logs redis-{instance}' says why")
                if instance == "state":
                    raise late
                fleet.terminal.say(f"{late.message}; the workers go on without it. {late.hint}")
                break
            fleet.terminal.progress(f"waiting for redis-{instance} to read its data")
            time.sleep(0.03)


def wait_postgres(fleet: Fleet) -> None:
    """Until the fleet's own PostgreSQL, if it is to have one, takes connections: after a crash it reads its log first."""
    deadline = time.monotonic() + max(fleet.timeout, _STATE_SECONDS)
    while postgres.is_wanted(fleet) and not postgres.answers(fleet.layout):
        program = fleet.supervisor.programs().get(POSTGRES)
        if program is not None and program.state in ("BACKOFF", "FATAL"):
            raise FleetError(f"PostgreSQL does not start\n{log_tail(fleet.layout.logs / 'postgres.log')}".rstrip(),
                             "the whole log: scripts/fleet logs postgres")
        if time.monotonic() > deadline:
            raise TimedOut("PostgreSQL does not take connections", "'scripts/fleet logs postgres' says why")
        fleet.terminal.progress("waiting for PostgreSQL")
        time.sleep(0.03)


def _answers(path: Path, command: str, answer: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(64).startswith(answer.encode())
    except OSError:
        return False


def end_surplus(fleet: Fleet) -> set[str]:
    """Stops what the state does not name, and forgets what has stopped; returns what still runs. Redis and PostgreSQL
    are the last: a worker that drains asks them to the end."""
    wanted = set(render.programs(fleet))
    surplus = {name: program for name, program in fleet.supervisor.programs().items() if name not in wanted}
    asked = any(program.alive and not is_store(name) for name, program in surplus.items())
    for name in sorted(surplus):
        if not (asked and is_store(name)):
            _stop(fleet, name)
    return {name for name, program in surplus.items() if program.alive or not fleet.supervisor.remove(name)}


def wait_ended(fleet: Fleet, seconds: float, only: str | None = None) -> None:
    """Waits for what was replaced or has left, or for one program of that, to finish its requests."""
    deadline = time.monotonic() + seconds
    while True:
        left = end_surplus(fleet)
        if not left or (only is not None and only not in left):
            return
        if time.monotonic() > deadline:
            raise TimedOut(f"{', '.join(sorted(left))} did not end within {seconds:.0f} s",
                           "run the same command again, or see 'scripts/fleet logs'")
        fleet.terminal.progress(f"waiting for {', '.join(sorted(left))} to finish its requests")
        time.sleep(0.05)


def _stop(fleet: Fleet, program: str) -> None:
    """Sends the signal and returns at once."""
    server = processes.server(fleet.layout, fleet.account.uid, program) if is_store(program) else None
    fleet.supervisor.stop(program)
    # One that a killed supervisord left; else it has its signal already, and is not hurt by another.
    if server is not None:
        processes.send(server, signal.SIGINT if program == POSTGRES else signal.SIGTERM)


def end_orphans(fleet: Fleet) -> None:
    """What an older supervisord left: HAProxy hands over, workers see that their place is taken and drain."""
    orphaned = processes.orphans(fleet.layout, fleet.account.uid, fleet.supervisor.pid())
    if not orphaned:
        return
    names = ", ".join(f"{process.kind} {process.pid}" for process in orphaned)
    fleet.journal.write("ending orphans", processes=names)
    fleet.terminal.say(f"ending what a killed supervisord left: {names}")
    for process in orphaned:
        if process.kind == "haproxy":
            processes.send(process, signal.SIGUSR1)
        elif process.kind in ("rotate", "waiter", "keeper"):
            processes.send(process, signal.SIGTERM)
    left = processes.wait_gone(orphaned, 10.0)
    processes.end(left, fleet.ending_s)


def log_tail(path: Path, lines: int = 5) -> str:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            found = file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return ""
    return "\n".join(f"  {line}" for line in found)
