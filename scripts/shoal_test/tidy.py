"""clang-tidy over the whole tree in few units: Asio and Beast are read, and matched against, once for each unit and
not once for each file. Sources that can't share one (two anonymous namespaces with one name) get different ones."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from shoal_test.builds import tail
from shoal_test.context import Context
from shoal_test.report import FAILED, PASSED, Counts

# More share more, but the last unit of a run is read while the other cores have nothing left to do.
_MOST = 32


@dataclass(frozen=True)
class Unit:
    files: tuple[Path, ...]
    flags: tuple[str, ...]


def check(context: Context, flags: dict[Path, list[str]]) -> None:
    """Each file that is read counts as one. `flags` are those of every source, from its compile command."""
    context.report.start("clang-tidy")
    files = sorted(file for file in flags if file.is_relative_to(context.root) and file.parent.name != "cmake")
    units = sorted(settle(context, files, flags), key=lambda unit: -len(unit.files))
    done = 0

    def read(unit: Unit) -> tuple[Counts, list[str]]:
        nonlocal done
        result = tidy(context, unit)
        done += 1
        context.report.progress(f"[{done}/{len(units)}] {len(unit.files)} files")
        return result

    total, complaints = Counts(), []
    with ThreadPoolExecutor(context.jobs) as pool:
        for counts, said in pool.map(read, units):
            total += counts
            complaints += said
    context.report.end(total, complaints)


def settle(context: Context, files: list[Path], flags: dict[Path, list[str]]) -> list[Unit]:
    """Units that compile. The compiler says who is in the way, in a quarter of clang-tidy's time; those try again with
    one another, until one that is in its own way is left to itself."""
    settled: list[Unit] = []
    while files:
        tried = [united(files[at:at + _MOST], flags) for at in range(0, len(files), _MOST)]
        with ThreadPoolExecutor(context.jobs) as pool:
            clashes = list(pool.map(lambda unit: clashing(context, unit), tried))
        files = []
        for unit, bad in zip(tried, clashes):
            if unit.files[0] in bad:
                settled.append(Unit(unit.files[:1], tuple(flags[unit.files[0]])))
                files += unit.files[1:]
                continue
            settled.append(Unit(tuple(file for file in unit.files if file not in bad), unit.flags))
            files += bad
    return settled


def united(files: list[Path], flags: dict[Path, list[str]]) -> Unit:
    """With what any of them needs."""
    words: dict[tuple[str, ...], None] = {}
    for file in files:
        given = iter(flags[file])
        for word in given:
            words[(word, next(given)) if word == "-isystem" else (word,)] = None
    return Unit(tuple(files), tuple(word for group in words for word in group))


def clashing(context: Context, unit: Unit) -> list[Path]:
    """Those that do not compile behind the others of their unit."""
    if len(unit.files) == 1:
        return []
    source = write(context, unit)
    _, output = context.run(["clang++-14", "-fsyntax-only", "-w", "-ferror-limit=0", *unit.flags, source], limit=300)
    source.unlink()
    # An error may be said of a header; the line of the unit that led there tells who could not have it as it was.
    line, bad = 1, set()
    for said in output.splitlines():
        if included := re.match(rf"In file included from {re.escape(str(source))}:(\d+):", said):
            line = int(included[1])
        elif re.search(r": (fatal )?error: ", said):
            bad.add(unit.files[line - 1])
    return [file for file in unit.files if file in bad]


def write(context: Context, unit: Unit) -> Path:
    name = "_".join(unit.files[0].relative_to(context.root).with_suffix("").parts)
    source = context.temporary / f"unit_{name}_{len(unit.files)}.cpp"
    source.write_text("".join(f'#include "{file}"\n' for file in unit.files))
    return source


def tidy(context: Context, unit: Unit) -> tuple[Counts, list[str]]:
    command = ["clang-tidy-14", "--quiet", f"--config-file={context.root / '.clang-tidy'}"]
    if len(unit.files) == 1:
        code, output = context.run([*command, unit.files[0], "--", *unit.flags], limit=600)
        return (FAILED, [findings(output)]) if code else (PASSED, [])
    source = write(context, unit)
    code, output = context.run([*command, "--checks=-bugprone-suspicious-include", source, "--", *unit.flags], limit=900)
    source.unlink()
    if code == 0:
        return Counts(passed=len(unit.files)), []
    if "[clang-diagnostic-error]" in output:
        return apart(context, unit)
    failed = max(1, sum(f"{file}:" in output for file in unit.files))
    return Counts(passed=len(unit.files) - failed, failed=failed), [findings(output)]


def apart(context: Context, unit: Unit) -> tuple[Counts, list[str]]:
    """Should they be in each other's way after all, or be wrong in themselves."""
    results = [tidy(context, Unit((file,), unit.flags)) for file in unit.files]
    return sum((counts for counts, _ in results), Counts()), [line for _, said in results for line in said]


def findings(output: str) -> str:
    noise = re.compile(r"^\d+ warnings? (generated|treated)|^Suppressed |^Use -header-filter")
    return tail("\n".join(line for line in output.splitlines() if not noise.match(line)), 200)
