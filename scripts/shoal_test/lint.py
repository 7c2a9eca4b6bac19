"""What is checked without running anything. Each check counts as one; clang-tidy is in tidy.py."""

from __future__ import annotations

import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shoal_test import includes
from shoal_test.builds import configure, errors_of
from shoal_test.context import Context
from shoal_test.report import FAILED, PASSED, Counts

SOURCES = ("common", "services", "tests", "deploy")


def cpp_files(root: Path, *endings: str) -> list[Path]:
    return sorted(path for top in SOURCES for path in (root / top).rglob("*") if path.suffix in endings)


def check_format(context: Context) -> None:
    context.report.start("clang-format")
    files = cpp_files(context.root, ".cpp", ".hpp")
    code, output = context.run(["clang-format-14", "--dry-run", "--Werror", *files], limit=300)
    advice = "clang-format-14 -i FILE corrects it"
    context.report.end(FAILED if code else PASSED, [errors_of(output, 40), advice] if code else [])


def check_includes(context: Context) -> None:
    context.report.start("include direction")
    problems = includes.check(context.root)
    context.report.end(FAILED if problems else PASSED, problems)


def check_shell(context: Context) -> None:
    context.report.start("shellcheck")
    scripts = [path for pattern in ("scripts/*", "deploy/debian/*", ".ci/run") for path in context.root.glob(pattern)
               if path.is_file() and re.match(rb"#!.*\b(ba)?sh\b", path.read_bytes()[:80])]
    code, output = context.run(["shellcheck", *scripts], limit=300)
    context.report.end(FAILED if code else PASSED, [output] if code else [])


def check_headers(context: Context) -> None:
    """The builds can't tell: their precompiled header gives every unit what a header may lack."""
    context.report.start("headers compile alone")
    commands = flags_by_file(context)
    headers = [path for path in cpp_files(context.root, ".hpp") if path.name != "pch.hpp"]

    def compile_one(header: Path) -> str:
        flags = flags_for(commands, header)
        code, output = context.run(["c++", *flags, "-fsyntax-only", "-include", header, "-x", "c++", "/dev/null"], limit=120)
        return f"{header.relative_to(context.root)} does not compile alone\n{errors_of(output, 12)}" if code else ""

    with ThreadPoolExecutor(context.jobs) as pool:
        problems = [said for said in pool.map(compile_one, headers) if said]
    context.report.end(Counts(passed=len(headers) - len(problems), failed=len(problems)), problems)


def prepare_tidy(context: Context) -> bool:
    """The tree without GCC's precompiled header, and the headers that the build makes."""
    good, output = configure(context, "tidy")
    if good:
        code, output = context.run(["ninja", "-C", "build/tidy", "shoal_generated"], limit=120)
        good = code == 0
    if not good:
        context.report.start("tidy tree")
        context.report.end(FAILED, [errors_of(output)])
    return good


def flags_by_file(context: Context) -> dict[Path, list[str]]:
    """The options that matter to a parser, from the compile commands of the tidy tree."""
    database = json.loads((context.root / "build/tidy/compile_commands.json").read_text())
    flags = {}
    for entry in database:
        words = shlex.split(entry["command"])
        kept: list[str] = []
        for word, following in zip(words, [*words[1:], ""]):
            if word.startswith(("-D", "-I", "-std=")):
                kept.append(word)
            elif word == "-isystem":
                kept += [word, following]
        flags[Path(entry["file"])] = kept
    return flags


def flags_for(commands: dict[Path, list[str]], header: Path) -> list[str]:
    """Those of a source in the same folder, or of any."""
    near = [flags for file, flags in commands.items() if file.parent == header.parent]
    return (near or list(commands.values()))[0]
