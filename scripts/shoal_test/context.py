"""What the steps of one run share: the tree, a temporary folder, and how commands are run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
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
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, command: Sequence[str | Path], *, limit: float, cwd: Path | None = None,
            watch: Callable[[str], None] | None = None) -> tuple[int, str]:
        """Exit code and all output. The command has a process group of its own, which ends with it; 124
        is the code of one that took longer than `limit` seconds."""
        process = subprocess.Popen([str(word) for word in command], cwd=cwd or self.root, text=True,
                                   errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True,
                                   env={**os.environ, **self.environment})
        if watch:
            return self._watched(process, watch)
        try:
            output, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            kill_group(process)
            output, _ = process.communicate()
            return 124, f"{output}\nended after {limit:.0f} s without result"
        except BaseException:
            kill_group(process)
            raise
        kill_group(process)
        return process.returncode, output

    def _watched(self, process: subprocess.Popen[str], watch: Callable[[str], None]) -> tuple[int, str]:
        lines: list[str] = []
        assert process.stdout is not None
        try:
            for line in process.stdout:
                lines.append(line)
                watch(line.rstrip())
            return process.wait(), "".join(lines)
        finally:
            kill_group(process)

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
