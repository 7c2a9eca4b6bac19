"""What the steps of one run share: the tree, a temporary folder, and how commands are run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shoal_test.report import Report

NINJA = re.compile(r"\[\d+/\d+\]")


@dataclass
class Context:
    root: Path
    temporary: Path
    report: Report
    jobs: int
    only: str | None = None
    long: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, command: Sequence[str | Path], *, limit: float, cwd: Path | None = None,
            watch: Callable[[str], None] | None = None) -> tuple[int, str]:
        """Exit code and all output; `watch` sees each line as it comes. The command has a process group of
        its own, which ends with it; 124 is the code of one that took longer than `limit` seconds."""
        process = subprocess.Popen([str(word) for word in command], cwd=cwd or self.root, text=True,
                                   errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True,
                                   env={**os.environ, **self.environment})
        overdue = threading.Event()
        timer = threading.Timer(limit, lambda: (overdue.set(), kill_group(process)))
        timer.start()
        lines: list[str] = []
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line)
                if watch:
                    watch(line.rstrip())
            code = process.wait()
        finally:
            timer.cancel()
            kill_group(process)
        if overdue.is_set():
            return 124, f"{''.join(lines)}\nended after {limit:.0f} s without result"
        return code, "".join(lines)

    def ninja_progress(self, line: str) -> None:
        if NINJA.match(line):
            self.report.progress(line)


def kill_group(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def usable_jobs() -> int:
    """One job a core, but no more than memory bears: an instrumented Beast unit takes over a gigabyte."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(os.sched_getaffinity(0)), memory // (1536 * 1024 * 1024)))
