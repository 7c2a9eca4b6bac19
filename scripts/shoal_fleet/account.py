"""The account that the fleet's processes run as: one of its own when started as root, else the caller's."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import FleetError

SYSTEM_ACCOUNT = "shoal"


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def foreign(self) -> bool:
        """Whether the processes run as somebody else than the caller."""
        return self.uid != os.geteuid()

    def popen_arguments(self) -> dict[str, Any]:
        """For subprocess: run as this account and with none of the caller's groups."""
        if not self.foreign:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, test: str, path: Path) -> bool:
        """Asks the kernel, as the account: `test` is -r, -x, ... of test(1)."""
        return subprocess.run(["/usr/bin/test", test, str(path)], cwd="/", **self.popen_arguments()).returncode == 0


def current() -> Account | None:
    """None when the caller is root and the system account does not exist yet."""
    uid = os.geteuid()
    if uid != 0:
        return Account(pwd.getpwuid(uid).pw_name, uid, os.getegid())
    try:
        entry = pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def ensure() -> Account:
    """Creates the system account when root calls and it is absent."""
    found = current()
    if found is None:
        _create()
        found = current()
    if found is None or (os.geteuid() == 0 and found.uid == 0):
        raise FleetError(f"the system account '{SYSTEM_ACCOUNT}' can't be used",
                         f"create it: useradd --system --no-create-home --shell /usr/sbin/nologin {SYSTEM_ACCOUNT}")
    return found


def _create() -> None:
    tool = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin")
    command = [tool or "useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent",
               "--shell", "/usr/sbin/nologin"]
    try:
        grp.getgrnam(SYSTEM_ACCOUNT)
        command += ["--gid", SYSTEM_ACCOUNT]
    except KeyError:
        command += ["--user-group"]
    try:
        result = subprocess.run([*command, SYSTEM_ACCOUNT], capture_output=True, text=True)
    except OSError as error:
        raise FleetError(f"useradd can't be run: {error}", "install the package passwd") from None
    # 9: somebody else created it meanwhile.
    if result.returncode not in (0, 9):
        raise FleetError(f"useradd failed: {result.stderr.strip()}",
                         f"create the system account '{SYSTEM_ACCOUNT}' by hand and run again")
