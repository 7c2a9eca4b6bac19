"""scripts/test: everything that says whether this tree is good, in one command."""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from shoal_test import builds, fuzz, lint, tidy
from shoal_test.context import Context, usable_jobs
from shoal_test.report import FAILED, Counts, Report

GROUPS = {
    "lint": ("format", "includes", "shell", "headers", "tidy"),
    "all": ("format", "includes", "shell", "unit", "integration", "fuzz", "fleet", "headers", "tidy"),
}
PARTS = ("format", "includes", "shell", "headers", "tidy", "unit", "integration", "fuzz", "fleet")

HELP = """\
Installs what is missing (scripts/bootstrap test), builds what the chosen parts need, and runs them.

parts:
  format       clang-format would change nothing
  includes     headers and sources include downward only; a service's domain includes no I/O
  shell        shellcheck on the scripts that are bash
  headers      every header compiles alone
  tidy         clang-tidy over common/, services/ and tests/
  lint         the five above
  unit         C++ unit tests (ASan, UBSan) and the Python tests of scripts/
  integration  C++ tests with a real Redis
  fuzz         a short, fixed run of each libFuzzer target of tests/fuzz (clang)
  fleet        whole fleets of the release build behind a real HAProxy
  all          everything; the same as naming nothing

examples:
  scripts/test                       what continuous integration runs
  scripts/test unit -k gcra          the unit tests with "gcra" in their names
  scripts/test lint                  only what needs no complete build
  scripts/test fleet -k proof --long what a fleet must survive, in full counts; about 40 minutes
  build/test/tests/unit_redis -s     one executable of C++ tests by hand, once it is built

The last line of the output is "N passed, N failed, N skipped". A test case counts as one, so do a file
that clang-tidy read, a header that was compiled alone, each other check, and a build that failed.

exit codes: 0 all passed; 1 something failed, or nothing ran; 2 usage;
            3 packages are missing and may not be installed (the line to run is shown); 130 interrupted
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/test", description=HELP, allow_abbrev=False,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to run (default: all)")
    parser.add_argument("-k", dest="only", metavar="WORD", help="only tests with WORD in their names")
    parser.add_argument("-j", dest="jobs", type=int, default=usable_jobs(), metavar="N",
                        help="at once (default here: %(default)s)")
    parser.add_argument("--long", action="store_true",
                        help="the proof of tests/fleet in full: 50 kills instead of 4, 10 random minutes, ...")
    chosen = parser.parse_args(arguments)
    if chosen.jobs < 1:
        parser.error("-j wants a number of at least 1")
    known = {*GROUPS, *PARTS}
    for part in chosen.parts:
        if part not in known:
            parser.error(f"no part {part!r}; one of {', '.join([*PARTS, *GROUPS])}")
    wanted = {name for part in chosen.parts or ["all"] for name in GROUPS.get(part, (part,))}
    chosen.parts = [part for part in GROUPS["all"] if part in wanted]  # the quick ones first
    return chosen


def run(context: Context, parts: list[str]) -> None:
    for part, check in (("format", lint.check_format), ("includes", lint.check_includes), ("shell", lint.check_shell)):
        if part in parts:
            check(context)
    if "unit" in parts:
        builds.run_pytest(context, "tests/unit/scripts", limit=600)
    if {"unit", "integration"} & {*parts} and builds.build(context, "test"):
        for kind in ("unit", "integration"):
            if kind in parts:
                builds.run_cpp_tests(context, kind)
    if "fuzz" in parts:
        fuzz.run_fuzzers(context)
    if "fleet" in parts and builds.build(context, "release"):
        limit = 4 * 3600 if context.long else 1800
        # They wait more than they work.
        builds.run_pytest(context, "tests/fleet", limit, at_once=context.jobs + 1, marked="not alone")
        builds.run_pytest(context, "tests/fleet", limit, marked="alone")
    if {"headers", "tidy"} & {*parts} and lint.prepare_tidy(context):
        if "headers" in parts:
            lint.check_headers(context)
        if "tidy" in parts:
            tidy.check(context, lint.flags_by_file(context))


def bootstrap(context: Context) -> int:
    context.report.start("packages")
    code, output = context.run([context.root / "scripts/bootstrap", "test"], limit=1200,
                               watch=context.report.note)
    context.report.end(FAILED if code else Counts())
    return code


def main() -> int:
    chosen = parse(sys.argv[1:])
    root = Path(__file__).resolve().parents[2]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    (root / "build").mkdir(exist_ok=True)
    with open(root / "build/.test.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another scripts/test runs in this tree: waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Short, since unix sockets are bound below it and their paths have 97 bytes.
        temporary = Path(tempfile.mkdtemp(prefix="shoal-t."))
        # A fleet that root starts runs as another account, which must get through to its home.
        temporary.chmod(0o711)
        try:
            context = Context(root, temporary, Report(), chosen.jobs, chosen.only, long=chosen.long)
            context.environment = {"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1",
                                   "SHOAL_LONG": "1" if chosen.long else ""}
            if code := bootstrap(context):
                context.report.summary()
                return 3 if code == 3 else 1
            run(context, chosen.parts)
            return context.report.summary()
        except KeyboardInterrupt:
            print("\ninterrupted", flush=True)
            return 130
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
