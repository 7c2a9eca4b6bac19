"""A short, fixed run of each libFuzzer target: the same inputs each time, so that it only fails for what was changed."""

from __future__ import annotations

import platform
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shoal_test.builds import HALF_AN_HOUR, configure, errors_of, tail
from shoal_test.context import Context
from shoal_test.report import FAILED, Counts

COMPILER = "clang++-14"
RUNS = 100_000
LONGEST_INPUT = 512
LIMIT = 120


def runtime_is_there(context: Context) -> bool:
    library = f"libclang_rt.fuzzer-{platform.machine()}.a"
    code, output = context.run([COMPILER, "-print-resource-dir"], limit=30)
    return code == 0 and any(Path(output.strip()).glob(f"lib/*/{library}"))


def run_fuzzers(context: Context) -> None:
    """Each target counts as one test; without the compiler all of them are one that was skipped."""
    context.report.start("fuzz targets")
    if not shutil.which(COMPILER) or not runtime_is_there(context):
        context.report.note(f"no {COMPILER} with libFuzzer (packages clang-14 and libclang-rt-14-dev): not run")
        context.report.end(Counts(skipped=1))
        return
    good, output = configure(context, "fuzz")
    if good:
        code, output = context.run(["ninja", "-C", "build/fuzz", "-j", str(context.jobs), "fuzz"], limit=HALF_AN_HOUR,
                                   watch=context.ninja_progress)
        good = code == 0
    if not good:
        context.report.end(FAILED, [errors_of(output)])
        return
    targets = chosen(context)
    with ThreadPoolExecutor(context.jobs) as pool:
        results = list(pool.map(lambda target: run_one(context, target), targets))
    complaints = [said for said in results if said]
    context.report.end(Counts(passed=len(targets) - len(complaints), failed=len(complaints)), complaints)


def chosen(context: Context) -> list[str]:
    """Of the sources: an executable of a target that is no more may still lie in the build."""
    names = sorted(path.stem for path in (context.root / "tests/fuzz").glob("*.cpp"))
    return [name for name in names if not context.only or context.only in f"fuzz_{name}"]


def run_one(context: Context, name: str) -> str:
    """What went wrong, or nothing."""
    command: list[str | Path] = [context.root / f"build/fuzz/tests/fuzz/fuzz_{name}", f"-runs={RUNS}", "-seed=1",
                                 f"-max_len={LONGEST_INPUT}", "-timeout=10", "-print_final_stats=1",
                                 f"-artifact_prefix={context.temporary}/fuzz_{name}-"]
    dictionary = context.root / "tests/fuzz/dictionaries" / name
    if dictionary.exists():
        command.append(f"-dict={dictionary}")
    code, output = context.run(command, limit=LIMIT)
    return f"fuzz_{name} ended with {code}\n{tail(output, 60)}" if code else ""
