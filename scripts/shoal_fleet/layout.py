"""Where a fleet keeps its things.

home  state, journal, lock; the caller's.
data  configuration, binaries, secrets (in the caller's folders, readable by the account), logs, Redis' and
      PostgreSQL's files (the account's).
run   sockets and pid files; short, because a unix socket's path may have 97 bytes; the account's, 0700.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .account import Account
from .errors import FleetError
from .files import private_folder

MAX_SOCKET_PATH = 97
# A worker binds "<place>.<first 12 hex digits of its incarnation>".
_SUFFIX = len(".admin.") + 12
_SYSTEM_DATA = Path("/var/lib/shoal")


@dataclass(frozen=True)
class Layout:
    home: Path
    data: Path
    run: Path

    @property
    def conf(self) -> Path:
        return self.data / "conf"

    @property
    def programs(self) -> Path:
        return self.conf / "programs"

    @property
    def binaries(self) -> Path:
        return self.data / "bin"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def redis(self) -> Path:
        return self.data / "redis"

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's own folder; what it is made in stands beside it."""
        return self.postgres / "data"

    @property
    def postgres_config(self) -> Path:
        return self.conf / "postgres.conf"

    @property
    def config(self) -> Path:
        return self.conf / "config.json"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def haproxy_socket(self) -> Path:
        return self.run / "haproxy.sock"

    @property
    def haproxy_pid(self) -> Path:
        return self.run / "haproxy.pid"

    def redis_socket(self, instance: str) -> Path:
        return self.run / f"redis-{instance}.sock"

    def public(self, worker: str) -> Path:
        return self.run / f"{worker}.sock"

    def site(self, worker: str) -> Path:
        return self.run / f"{worker}.site"

    def admin(self, worker: str) -> Path:
        return self.run / f"{worker}.admin"

    def place_lock(self, worker: str) -> Path:
        """Says which generation has published itself under the worker's names."""
        return self.run / f"{worker}.lock"

    def check_socket_path(self, worker: str) -> None:
        length = len(os.fsencode(self.run / worker)) + _SUFFIX
        if length > MAX_SOCKET_PATH:
            raise FleetError(
                f"the sockets of {worker} in {self.run} would have paths of {length} bytes; HAProxy takes "
                f"{MAX_SOCKET_PATH}", "set XDG_RUNTIME_DIR to a short folder, then 'scripts/fleet down' and 'up'")


def fingerprint(home: Path) -> str:
    """Eight hex digits that tell fleets of one machine apart."""
    return hashlib.sha256(os.fsencode(home)).hexdigest()[:8]


def prepare_home(home: Path) -> None:
    """A new home lets the account pass through when root makes it; one that exists is left as it is."""
    before = os.umask(0o066 if os.geteuid() == 0 else 0o077)
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not home.is_dir():
            raise NotADirectoryError("it is not a folder")
    except OSError as error:
        raise FleetError(f"the home {home} can't be made: {error}", "give another one with --home") from None
    finally:
        os.umask(before)
    if not os.access(home, os.W_OK | os.X_OK):
        raise FleetError(f"the home {home} can't be written", "give another one with --home")


def choose_data(home: Path, account: Account) -> Path:
    """Below the home, or in /var/lib/shoal when the account can't reach the home."""
    if not account.foreign or account.can("-x", home):
        return home / "data"
    return _SYSTEM_DATA / f"{home.name.lstrip('.') or 'fleet'}-{fingerprint(home)}"


def choose_run(home: Path, account: Account, recorded: Path | None) -> Path:
    """A short private folder; the recorded one when it still is what it was."""
    if os.geteuid() == 0:
        return Path("/run") / f"shoal-{fingerprint(home)}"
    if recorded is not None and is_private(recorded, account):
        return recorded
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime.startswith("/") and is_private(Path(runtime), account) and len(runtime) <= 40:
        return Path(runtime) / f"shoal-{fingerprint(home)}"
    return Path(tempfile.mkdtemp(prefix="shoal-", dir="/tmp"))


def is_private(path: Path, account: Account) -> bool:
    """A folder, no link, of that account and closed to all others."""
    try:
        found = os.lstat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == account.uid and not found.st_mode & 0o077


def prepare(layout: Layout, account: Account) -> None:
    """Makes every folder with the owner and mode that it needs."""
    caller = os.geteuid()
    shared = 0o750 if account.foreign else 0o700
    if layout.data.parent == _SYSTEM_DATA:
        _SYSTEM_DATA.mkdir(mode=0o711, exist_ok=True)
        _SYSTEM_DATA.chmod(0o711)
    # What the account may write, it may also replace by a link: so nothing of the caller's is in such a folder.
    for folder in (layout.data, layout.conf, layout.programs, layout.binaries, layout.secrets):
        private_folder(folder, shared, caller, account.gid)
    for folder in (layout.logs, layout.redis, layout.run):
        private_folder(folder, 0o700, account.uid, account.gid)


def remove_run(layout: Layout, account: Account) -> None:
    """Removes the folder of the sockets, if it is what we made."""
    if is_private(layout.run, account):
        shutil.rmtree(layout.run, ignore_errors=True)
