"""supervisord's configuration, and the programs that it runs: one file and one group each."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from string import Template
from typing import Sequence

from .layout import Layout

KEEPER = "keeper.py"
POSTGRES_STOP_S = 15
"""Until a PostgreSQL that was asked to shut down at once is killed: then it reads its log at the next start."""
_STOP_WAIT_S = 40

# "$0" is the log file: it is opened here for appending, so that it outlives supervisord and can be truncated.
_APPEND = 'exec "$@" >>"$0" 2>&1'
# HAProxy's stdout is the access log. When another HAProxy of this fleet still listens (its supervisord was
# killed), the new one takes over its listening sockets: no connection is lost and none is refused.
_HAPROXY = ('access=$0 errors=$1 old=$2; shift 2; test ! -S "$old" || set -- "$@" -x "$old"; '
            'exec "$@" >>"$access" 2>>"$errors"')
_ROTATE = ('exec >>"$0" 2>&1; state=$1 conf=$2; '
           'while :; do /usr/sbin/logrotate -s "$state" "$conf"; sleep 60; done')


def _quoted(command: Sequence[str]) -> str:
    return " ".join(shlex.quote(word) for word in command).replace("%", "%%")


def _program(templates: Path, layout: Layout, name: str, command: Sequence[str], priority: int,
             stop_wait: int = _STOP_WAIT_S, stop_signal: str = "TERM") -> bytes:
    text = (templates / "program.conf.in").read_text("utf-8")
    return Template(text).substitute(
        name=name,
        command=_quoted(command),
        directory=layout.logs,
        priority=priority,
        stop_wait=stop_wait,
        stop_signal=stop_signal,
    ).encode()


def worker(templates: Path, layout: Layout, program: str, log_name: str, command: Sequence[str], drain_s: int) -> bytes:
    log = layout.logs / f"{log_name}.log"
    return _program(templates, layout, program, ["/bin/sh", "-c", _APPEND, str(log), *command], 200, drain_s + 10)


def redis(templates: Path, layout: Layout, instance: str) -> bytes:
    # When supervisord was killed its Redis lives on and is asked on: this one waits to follow it.
    command = ["/usr/bin/flock", "--no-fork", str(layout.run / f"redis-{instance}.lock"),
               "/usr/bin/redis-server", str(layout.conf / f"redis-{instance}.conf")]
    log = layout.logs / f"redis-{instance}.log"
    return _program(templates, layout, f"redis-{instance}", ["/bin/sh", "-c", _APPEND, str(log), *command], 100)


def postgres(templates: Path, layout: Layout, binary: Path) -> bytes:
    # As with Redis: one that a killed supervisord left is asked on. What it forks has the lock, too, so that it is free
    # only once nobody is left who might write to the files.
    command = ["/usr/bin/flock", "--no-fork", str(layout.run / "postgres.lock"), str(binary),
               "-D", str(layout.postgres_data), "-c", f"config_file={layout.postgres_config}"]
    return _program(templates, layout, "postgres",
                    ["/bin/sh", "-c", _APPEND, str(layout.logs / "postgres.log"), *command], 100, POSTGRES_STOP_S,
                    "INT")  # shuts down without waiting for its clients


def haproxy(templates: Path, layout: Layout) -> bytes:
    command = ["/bin/sh", "-c", _HAPROXY, str(layout.logs / "access.log"), str(layout.logs / "haproxy.log"),
               str(layout.haproxy_socket), "/usr/sbin/haproxy", "-W", "-f", str(layout.conf / "haproxy.cfg"),
               "-p", str(layout.haproxy_pid)]
    return _program(templates, layout, "haproxy", command, 300)


def rotate(templates: Path, layout: Layout) -> bytes:
    command = ["/bin/sh", "-c", _ROTATE, str(layout.logs / "rotate.log"), str(layout.logs / "rotate.state"),
               str(layout.conf / "logrotate.conf")]
    return _program(templates, layout, "rotate", command, 400)


def keeper(templates: Path, layout: Layout) -> bytes:
    # The digest is for supervisord: another script is another program.
    digest = hashlib.sha256((templates / KEEPER).read_bytes()).hexdigest()[:8]
    command = ["/bin/sh", "-c", _APPEND, str(layout.logs / "keeper.log"), "/usr/bin/python3", "-I",
               str(layout.conf / KEEPER), str(layout.conf), str(layout.run), digest]
    return _program(templates, layout, "keeper", command, 50)


def supervisord(templates: Path, layout: Layout, identifier: str) -> bytes:
    text = (templates / "supervisord.conf.in").read_text("utf-8")
    values = {
        "socket": layout.supervisor_socket,
        "identifier": identifier,
        "directory": layout.logs,
        "pid_file": layout.run / "supervisord.pid",
        "log": layout.logs / "supervisord.log",
        "logs": layout.logs,
        "programs": layout.programs,
    }
    return Template(text).substitute({name: str(value).replace("%", "%%") for name, value in values.items()}).encode()


def logrotate(templates: Path, layout: Layout) -> bytes:
    return Template((templates / "logrotate.conf.in").read_text("utf-8")).substitute(logs=layout.logs).encode()


def redis_config(templates: Path, layout: Layout, instance: str, memory: int) -> bytes:
    """`memory` in bytes."""
    text = (templates / f"{instance}.conf.in").read_text("utf-8")
    return Template(text).substitute(
        socket=layout.redis_socket(instance),
        pid_file=layout.run / f"redis-{instance}.pid",
        directory=layout.redis,
        maxmemory=memory,
    ).encode()


def postgres_config(templates: Path, layout: Layout) -> dict[str, bytes]:
    """By file name."""
    text = (templates / "postgres.conf.in").read_text("utf-8")
    hba = layout.postgres_config.with_name("postgres_hba.conf")
    values = {"run": layout.run, "name": layout.run / "postgres", "hba": hba}
    filled = Template(text).substitute({name: _setting(str(value)) for name, value in values.items()})
    return {layout.postgres_config.name: filled.encode(), hba.name: (templates / "hba.conf").read_bytes()}


def _setting(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "''")
