"""A PostgreSQL of the bench's own, what its processes use, and pgbench as the load."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable, Iterator, Sequence

from .cpu import children, cpu_ns
from .servers import running

_INSTALLED = Path("/usr/lib/postgresql")
# The disk is not what is measured.
_SETTINGS = """\
listen_addresses = ''
unix_socket_directories = '{folder}'
wal_level = logical
fsync = off
full_page_writes = off
shared_buffers = 128MB
max_wal_size = 4GB
autovacuum = off
"""
_NS_PER_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Load:
    transactions: int
    rate: float


@dataclass(frozen=True)
class Commit:
    """Of a line of pgbench's log; seconds of the epoch."""

    script: int
    began: float
    ended: float


class Database:
    """Runs from `with` to its end."""

    def __init__(self, folder: Path) -> None:
        self._programs = max((one / "bin" for one in _INSTALLED.iterdir()), key=lambda one: int(one.parent.name))
        self.folder = folder / "postgres"
        self.dsn = f"host={self.folder} dbname=postgres user=postgres"
        self._scripts = folder / "pgbench"
        self._stack = ExitStack()
        self.pid = 0

    def __enter__(self) -> "Database":
        self.folder.mkdir(mode=0o755)
        self._scripts.mkdir(mode=0o755)
        account = _account()
        if account is not None:
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        prefix = [] if account is None else ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}",
                                             "--clear-groups"]
        data = self.folder / "data"
        _call([*prefix, str(self._programs / "initdb"), "-D", str(data), "--username=postgres", "--auth=trust",
               "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"])
        with (data / "postgresql.conf").open("a") as settings:
            settings.write(_SETTINGS.format(folder=self.folder))
        command = [*prefix, str(self._programs / "postgres"), "-D", str(data)]
        self.pid = self._stack.enter_context(running(command, "PostgreSQL", lambda _: self._answers(),
                                                     self.folder / "log"))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        return subprocess.run([str(self._programs / "pg_isready"), "-q", "-d", self.dsn], check=False).returncode == 0

    def sql(self, text: str) -> list[str]:
        """Lines of all statements, each in a transaction of its own."""
        return _call([str(self._programs / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.dsn],
                     text).splitlines()

    def position(self) -> int:
        """The end of what is written to the log."""
        return lsn(self.sql("SELECT pg_current_wal_insert_lsn()")[0])

    def session(self) -> "subprocess.Popen[str]":
        """A psql that takes statements and says nothing."""
        return subprocess.Popen([str(self._programs / "psql"), "-XqAt", "-d", self.dsn], stdin=subprocess.PIPE,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True)

    def load(self, scripts: Sequence[str], seconds: int, clients: int = 8, rate: int | None = None,
             log: bool = False) -> Load:
        """By pgbench: each transaction is one of the scripts, at random. Without a rate, as many as it can."""
        files = []
        for number, text in enumerate(scripts):
            files += ["-f", str(self._scripts / str(number))]
            (self._scripts / str(number)).write_text(text)
        for old in self._scripts.glob("log.*"):
            old.unlink()
        command = [str(self._programs / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-T", str(seconds),
                   *files, *(["-R", str(rate)] if rate else []),
                   *(["-l", "--log-prefix", str(self._scripts / "log")] if log else []), self.dsn]
        return parse(_call(command, timeout=seconds + 60))

    def commits(self) -> list[Commit]:
        """Of the last load with a log and a rate."""
        return [commit for file in self._scripts.glob("log.*") for commit in read_log(file.read_text().splitlines())]

    def processes(self) -> list[int]:
        return [self.pid, *children(self.pid)]

    def cpu_ns(self) -> int:
        """Of all that it has started, also of what has ended."""
        total = 0
        for pid in self.processes():
            with suppress(OSError):
                total += cpu_ns(pid)
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return total + (int(fields[13]) + int(fields[14])) * _NS_PER_TICK


def _account() -> pwd.struct_passwd | None:
    """The server refuses to be root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _call(command: Sequence[str], text: str = "", timeout: float = 60) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout, check=False, cwd="/")
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout


def lsn(text: str) -> int:
    """Of a position in the log, as 0/16B3748."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def parse(output: str) -> Load:
    """Reads pgbench's report. Raises ValueError when it is not one."""
    count = re.search(r"^number of transactions actually processed: (\d+)", output, re.MULTILINE)
    rate = re.search(r"^tps = ([\d.]+)", output, re.MULTILINE)
    if count is None or rate is None:
        raise ValueError(f"not a report of pgbench: {output[:200]!r}")
    return Load(int(count[1]), float(rate[1]))


def read_log(lines: Iterable[str]) -> Iterator[Commit]:
    """A transaction's time is from when it was due: less the lag that is when it began."""
    for line in lines:
        _, _, took, script, seconds, microseconds, lag, *_ = line.split()
        ended = int(seconds) + int(microseconds) / 1e6
        yield Commit(int(script), ended - (int(took) - int(lag)) / 1e6, ended)
