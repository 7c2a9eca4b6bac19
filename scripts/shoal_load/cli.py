"""The command line of scripts/loadtest. The words of a run are the generator's; only what it can't do is done here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Sequence

from . import build, fleet, page
from .errors import FAILED, USAGE, LoadError
from .results import Run, load

# The generator does not know them.
_OURS = ("--html", "--fleet")


class _Words:
    """The words of a run, and what of them is for the launcher."""

    def __init__(self, words: Sequence[str]) -> None:
        self.passed: list[str] = []
        self.values: dict[str, str] = {}
        waiting = list(words)
        while waiting:
            word = waiting.pop(0)
            name, equals, value = word.partition("=")
            if name in (*_OURS, "--json"):
                if not equals:
                    value = waiting.pop(0) if waiting else ""
                if not value or value.startswith("--"):
                    raise LoadError(f"{name} wants a value", code=USAGE)
                self.values[name] = value
            if name not in _OURS:
                self.passed += [name, value] if name == "--json" else [word]

    def __getitem__(self, name: str) -> str | None:
        return self.values.get(name)


def main(arguments: Sequence[str], root: Path) -> int:
    try:
        if not arguments or "--help" in arguments or "-h" in arguments:
            sys.stdout.write((root / "tests" / "load" / "help.txt").read_text())
            return 0 if arguments else USAGE
        return _compare(arguments[1:]) if arguments[0] == "compare" else _run(arguments, root)
    except LoadError as error:
        print(f"loadtest: {error}\n  'scripts/loadtest --help' explains it", file=sys.stderr)
        return error.code
    except OSError as error:
        print(f"loadtest: {error}", file=sys.stderr)
        return FAILED


def _run(arguments: Sequence[str], root: Path) -> int:
    words = _Words(arguments)
    html = words["--html"]
    if html:
        _check_writable(Path(html))
    command = [str(build.generator(root)), *words.passed]
    if home := words["--fleet"]:
        command += fleet.options(root, Path(home))
    if not html:
        os.execv(command[0], command)
    if results := words["--json"]:
        return _run_and_render(command, Path(results), Path(html))
    with tempfile.TemporaryDirectory(prefix="shoal-load-") as folder:
        found = Path(folder) / "results.json"
        return _run_and_render([*command, "--json", str(found)], found, Path(html))


def _check_writable(path: Path) -> None:
    """Before the first request: nobody wants to hear of a wrong path after an hour."""
    try:
        path.touch()
    except OSError as error:
        raise LoadError(f"--html '{path}' can't be written: {error.strerror}", code=USAGE) from None


def _run_and_render(command: list[str], results: Path, html: Path) -> int:
    code = _run_generator(command)
    if code != USAGE:
        html.write_text(page.render([Run(load(results), "")]), encoding="utf-8")
    return code


def _run_generator(command: list[str]) -> int:
    """A signal ends the generator, which then prints what it has; here it only is passed on."""
    with subprocess.Popen(command) as process:

        def forward(number: int, frame: object) -> None:
            process.send_signal(number)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, forward)
        code = process.wait()
    if code < 0:
        raise LoadError(f"the generator was ended by {signal.Signals(-code).name}", code=FAILED)
    return code


def _compare(arguments: Sequence[str]) -> int:
    words = _Words(arguments)
    files = [word for word in words.passed if not word.startswith("-")]
    html = words["--html"]
    if len(files) != 2 or len(files) != len(words.passed) or not html:
        raise LoadError("two results are compared as: scripts/loadtest compare A.json B.json --html FILE", code=USAGE)
    names = [Path(file).name for file in files]
    if names[0] == names[1]:
        names = files
    runs = [Run(load(Path(file)), name) for file, name in zip(files, names)]
    Path(html).write_text(page.render(runs), encoding="utf-8")
    print(page.comparison_table(runs))
    return 0
