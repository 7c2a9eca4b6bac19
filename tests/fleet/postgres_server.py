"""A real PostgreSQL in a temporary folder, its own for each test: to be asked, stalled, stopped, killed and frozen."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Iterator, Mapping

from shoal_cli import alive, eventually, free_port

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_SETTINGS = {"wal_level": "logical", "max_wal_senders": "20", "max_replication_slots": "20", "shared_buffers": "32MB",
             "log_line_prefix": "%m [%p] ", "log_statement": "none"}
_HBA = """\
local all all trust
local replication all trust
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
"""
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_FIELD, _ROW = "\x1f", "\0"
_PROBE = "shoal-stall-probe"


def position(lsn: str) -> int:
    """Of a place in the log, as 0/16B3748."""
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _state(pid: int) -> str:
    """As the kernel shows it; empty when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0].replace("Z", "")
    except OSError:
        return ""


class PostgresServer:
    """Runs from `with` to its end. Everybody on this machine may connect, as any role."""

    def __init__(self, tcp: bool = False, fsync: bool = False, settings: Mapping[str, str] | None = None) -> None:
        """`tcp`: on 127.0.0.1, too. `settings` go before those that it has by itself."""
        self.port = free_port() if tcp else 5432
        durable = {"fsync": "off", "full_page_writes": "off"} if not fsync else {}
        self._settings = {**_SETTINGS, **durable, "port": str(self.port), **(settings or {}),
                          "listen_addresses": "127.0.0.1" if tcp else ""}
        # Short, as a socket's path must be; and a fleet of root's runs as somebody else, who must get through.
        self.folder = Path(tempfile.mkdtemp(prefix="shoal-pg-"))
        self.folder.chmod(0o755)
        self.log = self.folder / "log"
        self._account = self._choose_account()
        self._server: subprocess.Popen[bytes] | None = None
        self._clients: list[subprocess.Popen[str]] = []

    def _choose_account(self) -> pwd.struct_passwd | None:
        """The server refuses to be root."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam("postgres")
        except KeyError:
            return pwd.getpwnam("nobody")

    def __enter__(self) -> PostgresServer:
        try:
            self._make()
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._remove()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def dsn(self) -> str:
        return self.dsn_of("postgres")

    def dsn_of(self, db: str, user: str = "postgres") -> str:
        return f"host={self.folder} port={self.port} dbname={db} user={user}"

    @property
    def pid(self) -> int:
        assert self._server is not None, "it does not run"
        return self._server.pid

    def _make(self) -> None:
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        done = subprocess.run([*self._as_account(), PROGRAMS / "initdb", "-D", self.data, "--username=postgres",
                               "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
                               "--no-instructions"], cwd="/", capture_output=True, text=True)
        assert done.returncode == 0, f"initdb: {done.stdout}{done.stderr}"
        lines = [f"{name} = '{value}'\n" for name, value in self._settings.items()]
        (self.data / "postgresql.conf").write_text("".join(lines) + f"unix_socket_directories = '{self.folder}'\n")
        (self.data / "pg_hba.conf").write_text(_HBA)

    def _as_account(self) -> list[str]:
        if self._account is None:
            return []
        return ["setpriv", f"--reuid={self._account.pw_uid}", f"--regid={self._account.pw_gid}", "--clear-groups"]

    def start(self, seconds: float = 30) -> None:
        """Returns once it takes connections."""
        assert self._server is None, "it runs already"
        with self.log.open("ab") as log:
            self._server = subprocess.Popen([*self._as_account(), PROGRAMS / "postgres", "-D", self.data], cwd="/",
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        eventually(self._takes_connections, seconds, "PostgreSQL takes connections")

    def _takes_connections(self) -> bool:
        assert self._server is not None
        assert self._server.poll() is None, f"PostgreSQL has ended:\n{self.log.read_text()[-2000:]}"
        command = [PROGRAMS / "pg_isready", "-q", "-t", "1", "-d", self.dsn]
        return subprocess.run(command, stdin=subprocess.DEVNULL).returncode == 0

    def stop(self, mode: str = "fast", seconds: float = 30) -> float:
        """Smart, fast or immediate; returns how long that took. Raises TimeoutError, and it goes on shutting down."""
        started = time.monotonic()
        os.kill(self.pid, _SIGNALS[mode])
        self.wait_stopped(seconds)
        return time.monotonic() - started

    def wait_stopped(self, seconds: float = 30) -> None:
        assert self._server is not None
        try:
            self._server.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"PostgreSQL did not stop within {seconds} s") from None
        self._server = None

    def restart(self, mode: str = "fast") -> None:
        self.stop(mode)
        self.start()

    def kill(self) -> None:
        """SIGKILL of the postmaster. Its children end by themselves; returns when nobody is left."""
        children = self._children()
        os.kill(self.pid, signal.SIGKILL)
        self.wait_stopped()
        try:
            eventually(lambda: not any(map(alive, children)), 10, "the server's children have ended")
        finally:
            self._end(children)

    def sigstop(self) -> None:
        """All of its processes stand still."""
        # The postmaster first: then there are no new ones.
        os.kill(self.pid, signal.SIGSTOP)
        eventually(lambda: _state(self.pid) == "T", 10, "the postmaster stands still")
        self._signal_all(self._children(), signal.SIGSTOP)
        eventually(lambda: {_state(pid) for pid in self.processes()} <= {"T", ""}, 10, "its children stand still")

    def sigcont(self) -> None:
        self._signal_all(self.processes(), signal.SIGCONT)

    def processes(self) -> list[int]:
        """The postmaster and all that it has started."""
        return [self.pid, *self._children()]

    def _children(self) -> list[int]:
        try:
            pids = map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())
            return [pid for pid in pids if alive(pid)]
        except OSError:
            return []

    def _is_mine(self, pid: int) -> bool:
        """Whether it is still that process, and not another that has got its number."""
        try:
            return alive(pid) and os.readlink(f"/proc/{pid}/cwd") == str(self.data)
        except OSError:
            return False

    def _signal_all(self, pids: list[int], which: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)

    def _end(self, pids: list[int]) -> None:
        self._signal_all([pid for pid in pids if self._is_mine(pid)], signal.SIGKILL)

    def sql(self, text: str, db: str = "postgres", user: str = "postgres", timeout: float = 60) -> list[list[str]]:
        """Rows of all statements, each in a transaction of its own; NULL is the empty text. Fails as psql fails."""
        done = subprocess.run(self._psql(db, user), input=text, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return [row.split(_FIELD) for row in done.stdout.split(_ROW)[:-1]]

    def begin(self, text: str, db: str = "postgres", user: str = "postgres",
              name: str = "psql") -> subprocess.Popen[str]:
        """The same without waiting: for what is to wait itself. `name` is its application_name."""
        client = subprocess.Popen([*self._psql(db, user), "-c", text], stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PGAPPNAME": name})
        self._clients.append(client)
        return client

    def _psql(self, db: str, user: str) -> list[str]:
        return [str(PROGRAMS / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-F", _FIELD, "-0", "-d",
                self.dsn_of(db, user)]

    def value(self, text: str, db: str = "postgres") -> str:
        """Of a query that has one."""
        [[found]] = self.sql(text, db)
        return found

    def lsn(self) -> str:
        """The end of what is written to the log."""
        return self.value("SELECT pg_current_wal_lsn()")

    def configure(self, name: str, value: str | None) -> None:
        """Until it is given otherwise; None is what it was made with. Sessions that run take it a moment later."""
        self.sql(f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = '{value}'")
        self.sql("SELECT pg_reload_conf()")

    def stall_commits(self) -> None:
        """From here on a COMMIT of what was written is in the log, and waits for a standby that never comes."""
        self.configure("synchronous_standby_names", "nobody")
        eventually(self._stalls, 10, "commits wait")

    def release_commits(self) -> None:
        self.configure("synchronous_standby_names", None)
        eventually(lambda: not self.waiting_commits(), 10, "no commit waits")

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        self.stall_commits()
        try:
            yield
        finally:
            self.release_commits()

    def waiting_commits(self, name: str = "%") -> int:
        """How many sessions of that application_name wait for the standby."""
        return int(self.value(f"SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' "
                              f"AND application_name LIKE '{name}'"))

    def _stalls(self) -> bool:
        # It is the checkpointer that puts the setting in force, and says so to nobody. A change of the catalog alone
        # is not seen by those who follow a publication.
        probe = self.begin("CREATE TEMPORARY TABLE probe ()", name=_PROBE)
        while probe.poll() is None:
            if self.waiting_commits(_PROBE):
                self.sql(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = '{_PROBE}'")
                probe.communicate(timeout=10)
                return True
        probe.communicate()
        return False

    def _remove(self) -> None:
        for client in self._clients:
            client.kill()
            client.communicate()
        if self._server is not None:
            left = self.processes()
            self._server.kill()
            self._server.wait()
            self._server = None
            self._end(left)
            eventually(lambda: not any(map(alive, left)), 10, "the server's children have ended")
        shutil.rmtree(self.folder, ignore_errors=True)
