"""What scripts/loadtest shows while it runs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from known_server import KnownServer
from loadtest_cli import command, environment
from pseudo_terminal import OnTerminal


def test_on_a_terminal_one_line_follows_the_run(tmp_path: Path) -> None:
    with KnownServer() as server:
        with OnTerminal(command("--url", server.url, "--rate", "50", "--duration", "2s"), environment()) as terminal:
            assert terminal.ended() == 0
            said = terminal.said
    shown = [line for line in said.split("\r\x1b[K") if "under way" in line]
    assert 4 <= len(shown) <= 10
    counts = [int(re.search(r"(\d+) requests", line)[1]) for line in shown]  # type: ignore[index]
    assert counts == sorted(counts) and counts[-1] > 50
    # It is gone when the table comes, which says it all.
    assert "100 requests in 2.0 s" in said.split("\r\x1b[K")[-1]
    assert all(len(line) < 80 for line in shown)


def test_elsewhere_there_is_a_line_now_and_then_and_none_when_quiet(tmp_path: Path) -> None:
    with KnownServer() as server:
        arguments = command("--url", server.url, "--rate", "50", "--duration", "6s")
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, env=environment(), check=True)
        quiet = subprocess.run([*arguments[:-1], "300ms", "--quiet"], capture_output=True, text=True, timeout=60,
                               env=environment(), check=True)
    assert "\x1b" not in done.stderr and done.stderr.count("under way") == 1
    assert "\x1b" not in done.stdout and "300 requests in 6.0 s" in done.stdout
    assert quiet.stderr == "" and "15 requests" in quiet.stdout
