"""A streaming standby of a test's PostgreSQL, which can be made to stand still while it receives."""

from __future__ import annotations

import os
import subprocess

from postgres_server import PROGRAMS, PostgresServer


class PostgresStandby(PostgresServer):
    """`name` is what the primary knows it by. Runs from `with` to its end."""

    def __init__(self, of: PostgresServer, name: str) -> None:
        super().__init__()
        self._of, self._name = of, name

    def _make(self) -> None:
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        done = subprocess.run([*self._as_account(), PROGRAMS / "pg_basebackup", "-D", self.data, "-R", "-X", "stream",
                               "--checkpoint=fast", "-d", self._of.dsn], cwd="/", capture_output=True, text=True)
        assert done.returncode == 0, f"pg_basebackup: {done.stdout}{done.stderr}"
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(f"unix_socket_directories = '{self.folder}'\nport = {self.port}\n")
        with (self.data / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{self._of.dsn} application_name={self._name}'\n")

    def pause(self) -> None:
        """It receives, and shows nothing of it."""
        self.sql("SELECT pg_wal_replay_pause()")

    def resume(self) -> None:
        self.sql("SELECT pg_wal_replay_resume()")
