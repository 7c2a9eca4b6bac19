"""What the user sees, and the sum at the end."""

from __future__ import annotations

import os
import sys
import time
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Counts:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


PASSED = Counts(passed=1)
FAILED = Counts(failed=1)


def read_junit(path: Path) -> tuple[Counts, list[str]] | None:
    """The test cases of a JUnit file, and what the failed ones say. None when it is absent or cut off."""
    try:
        cases = list(xml.parse(path).iter("testcase"))
    except (OSError, xml.ParseError):
        return None
    counts, complaints = Counts(), []
    for case in cases:
        wrong = [child for child in case if child.tag in ("failure", "error")]
        if wrong:
            counts += FAILED
            name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
            complaints += [f"{name}\n{(child.text or child.get('message') or '').strip()}" for child in wrong]
        elif case.find("skipped") is not None:
            counts += Counts(skipped=1)
        else:
            counts += PASSED
    return counts, complaints


class Report:
    """Lines on stdout; on a terminal the current step's progress is rewritten in place and in colour."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self.colours = self.terminal and not os.environ.get("NO_COLOR")
        self.begin = time.monotonic()
        self.total = Counts()
        self.failures: list[str] = []
        self.name = ""
        self.step_begin = 0.0

    def start(self, name: str) -> None:
        self.name = name
        self.step_begin = time.monotonic()
        self._line(f"{self._clock()} {self._paint('36', '>>')} {name}")

    def progress(self, text: str) -> None:
        """Something that happens within a step: only a terminal shows it, and only until the next."""
        if self.terminal:
            width = os.get_terminal_size(sys.stdout.fileno()).columns
            sys.stdout.write(f"\r\x1b[K   {text}"[: max(width + 3, 20)])
            sys.stdout.flush()

    def note(self, text: str) -> None:
        self._line("   " + text.replace("\n", "\n   "))

    def end(self, counts: Counts, complaints: list[str] | None = None) -> None:
        for complaint in complaints or []:
            self.note(complaint)
        self.total += counts
        took = f"{time.monotonic() - self.step_begin:.0f} s"
        if counts.failed:
            self.failures.append(f"{self.name}: {counts}")
        mark = self._paint("31", "FAILED") if counts.failed else self._paint("32", "ok")
        tally = str(counts) if counts != Counts() else "done"
        self._line(f"{self._clock()} {mark} {self.name}: {tally} ({took})")

    def summary(self) -> int:
        """The last line is the sum; the exit code is 0 only when something ran and nothing failed."""
        for failure in self.failures:
            self._line(self._paint("31", "FAILED") + " " + failure)
        self._line(f"total time {time.monotonic() - self.begin:.0f} s")
        self._line(str(self.total))
        return 0 if self.total.passed and not self.total.failed else 1

    def _clock(self) -> str:
        seconds = int(time.monotonic() - self.begin)
        return f"[{seconds // 60:2}:{seconds % 60:02}]"

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colours else text

    def _line(self, text: str) -> None:
        print(("\r\x1b[K" if self.terminal else "") + text, flush=True)
