"""Where the workers' PostgreSQL is: the operator's, or one that the fleet runs for trying it out."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Mapping
from urllib.parse import parse_qs, urlsplit

from .errors import FleetError, TimedOut, UsageError
from .files import private_folder
from .fleet import Fleet
from .layout import Layout

PRIVATE = "private"
INSTALL = "scripts/bootstrap postgres"

_INSTALLED = Path("/usr/lib/postgresql")
_VERSIONS = ("17", "16", "15", "14")
_DEBIANS = "15"
_INIT_SECONDS = 120
# A call that is killed leaves it running: the next one waits for its end. Made aside, so that what is there is whole.
_INIT = ('test -s "$1/data/PG_VERSION" || { rm -rf "$1/new" && "$0" --pgdata="$1/new" --username=postgres --auth=trust '
         '--encoding=UTF8 --locale=C.UTF-8 --no-instructions && mv -T "$1/new" "$1/data"; }')
_SETTING = re.compile(r"\s*([a-z_]+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)+)(?=\s|$)", re.DOTALL)


def connection(text: str, option: str) -> str:
    """`private`, or a connection string, as the service is given it. Raises UsageError."""
    if text == PRIVATE:
        return text
    names = _of_url(text) if text.startswith(("postgresql://", "postgres://")) else _of_settings(text)
    if names is None:
        raise UsageError(f"{option} {text}: is no connection string",
                         f"give {option} 'host=/run/postgresql dbname=shop user=shoal', a URL as "
                         f"postgresql://shoal@db.example/shop, or {option} {PRIVATE}")
    if "sslpassword" in names:
        raise UsageError(f"{option}: sslpassword would be seen in the list of processes and in the fleet's state",
                         "give sslkey a key without a password, in a file that only the fleet's account reads")
    if "password" in names:
        raise UsageError(f"{option}: a password would be seen in the list of processes and in the fleet's state",
                         "put it into a file that the fleet's account reads, and name that as password_file in the "
                         "service's section of the configuration")
    return text


def _of_settings(text: str) -> set[str] | None:
    """The names in `name=value name='va lue'`."""
    names, position = set(), 0
    while found := _SETTING.match(text, position):
        names.add(found[1])
        position = found.end()
    return names if names and not text[position:].strip() else None


def _of_url(text: str) -> set[str] | None:
    try:
        parts = urlsplit(text)
        names = set(parse_qs(parts.query, keep_blank_values=True))
    except ValueError:
        return None
    # Several hosts with their ports are none that Python reads: only what stands before them matters.
    user, at, _ = parts.netloc.rpartition("@")
    return names | {"password"} if at and ":" in user else names


def is_wanted(fleet: Fleet) -> bool:
    """Whether the fleet is to run one of its own."""
    return bool(_private(fleet))


def _private(fleet: Fleet) -> set[str]:
    return {option.option for manifest in fleet.manifests.values() for option in manifest.options
            if option.kind == "postgres" and fleet.state.options.values.get(option.option) == PRIVATE}


def option_values(fleet: Fleet) -> Mapping[str, str]:
    """What the options of `up` stand for in the configuration."""
    return fleet.state.options.values | {option: connection_string(fleet.layout) for option in _private(fleet)}


def connection_string(layout: Layout) -> str:
    """Of the fleet's own. Root and the fleet's account reach it."""
    folder = re.sub(r"([\s\\'])", r"\\\1", str(layout.run))
    return f"host={folder} port=5432 dbname=postgres user=postgres"


def programs(layout: Layout) -> Path:
    """The folder of those of the version that has made the data, or of the newest that is installed."""
    try:
        version = (layout.postgres_data / "PG_VERSION").read_text("ascii").strip()
    except OSError:
        version = next((one for one in _VERSIONS if os.access(_INSTALLED / one / "bin" / "postgres", os.X_OK)),
                       _DEBIANS)
    return _INSTALLED / version / "bin"


def is_installed(layout: Layout) -> bool:
    return os.access(programs(layout) / "postgres", os.X_OK)


def prepare(fleet: Fleet) -> None:
    """Makes the data when there is none. Raises FleetError."""
    layout, account = fleet.layout, fleet.account
    private_folder(layout.postgres, 0o700, account.uid, account.gid)
    if (layout.postgres_data / "PG_VERSION").exists():
        return
    if not is_installed(layout):
        raise FleetError(f"{programs(layout) / 'postgres'} is missing", INSTALL)
    fleet.terminal.progress("making PostgreSQL's data")
    command = ["/usr/bin/flock", str(layout.postgres / "init.lock"), "/bin/sh", "-c", _INIT,
               str(programs(layout) / "initdb"), str(layout.postgres)]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, errors="replace", cwd="/", env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
                                umask=0o077, timeout=_INIT_SECONDS, **account.popen_arguments())
    except subprocess.TimeoutExpired:
        raise TimedOut(f"PostgreSQL's data was not made within {_INIT_SECONDS} s",
                       f"see whether the disk of {layout.data} is busy, and run again") from None
    if result.returncode != 0:
        last = "\n".join(f"  {line}" for line in result.stdout.strip().splitlines()[-8:])
        raise FleetError(f"PostgreSQL's data could not be made\n{last}", f"see {layout.postgres}, and run again")
    fleet.journal.write("PostgreSQL's data made")


def answers(layout: Layout) -> bool:
    """Whether the fleet's own takes connections."""
    command = [str(programs(layout) / "pg_isready"), "-q", "-t", "3", "-d", connection_string(layout)]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              cwd="/", env={}).returncode == 0
    except OSError:
        return False
