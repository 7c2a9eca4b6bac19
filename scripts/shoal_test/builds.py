"""Builds, and what is run of them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from shoal_test.context import Context
from shoal_test.report import FAILED, Counts, read_junit

HALF_AN_HOUR = 1800


def configure(context: Context, preset: str) -> tuple[bool, str]:
    code, output = context.run(["cmake", "--preset", preset], limit=300)
    return code == 0, output


def build(context: Context, preset: str) -> bool:
    """A build that fails counts as one failed test; one that succeeds only makes the others possible."""
    context.report.start(f"build {preset}")
    good, output = configure(context, preset)
    if good:
        code, output = context.run(["ninja", "-C", f"build/{preset}", "-k", "20", "-j", str(context.jobs)],
                                   limit=HALF_AN_HOUR, watch=context.ninja_progress)
        good = code == 0
    context.report.end(Counts() if good else FAILED, [] if good else [errors_of(output)])
    return good


def errors_of(output: str, most: int = 120) -> str:
    """What a build says, without its progress; the beginning explains more than the end."""
    lines = [line for line in output.splitlines() if not (line.startswith("[") and "FAILED" not in line)]
    return "\n".join([*lines[:most], "..."] if len(lines) > most else lines)


def run_cpp_tests(context: Context, kind: str) -> None:
    """Every executable that CMake registered with label `kind`; each test case counts."""
    tests = registered(context, kind)
    context.report.start(f"C++ {kind} tests")
    total, complaints = Counts(), []
    with ThreadPoolExecutor(context.jobs) as pool:
        for name, (counts, said) in zip(tests, pool.map(lambda one: run_one(context, one, tests[one]), tests)):
            context.report.note(f"{name}: {counts}")
            total += counts
            complaints += said
    context.report.end(total, complaints)


def registered(context: Context, kind: str) -> dict[str, tuple[list[str], float]]:
    """Name to command and time limit."""
    code, output = context.run(["ctest", "--test-dir", "build/test", "--show-only=json-v1", "-L", f"^{kind}$"], limit=60)
    if code != 0:
        return {}
    found = {}
    for test in json.loads(output[output.index("{"):])["tests"]:
        properties = {one["name"]: one["value"] for one in test["properties"]}
        found[test["name"]] = (test.get("command", []), float(properties.get("TIMEOUT", 300)))
    return found


def run_one(context: Context, name: str, test: tuple[list[str], float]) -> tuple[Counts, list[str]]:
    command, limit = test
    report = context.temporary / f"{name}.xml"
    chosen = [f"*{context.only}*"] if context.only else []
    code, output = context.run([*command, *chosen, "-r", "junit", "-o", report], limit=limit)
    read = read_junit(report)
    if read is None:
        return FAILED, [f"{name} ended with {code} and no result\n{tail(output)}"]
    counts, complaints = read
    if code != 0 and not counts.failed:
        return counts + FAILED, [f"{name} ended with {code} though no test failed\n{tail(output)}"]
    return counts, [f"{name}: {one}" for one in complaints]


def tail(output: str, most: int = 80) -> str:
    return "\n".join(output.strip().splitlines()[-most:])


def run_pytest(context: Context, folder: str, limit: float, at_once: int = 1, marked: str = "") -> None:
    """Debian's own Python: another one may come first in PATH and know no pytest. `marked` as for its -m."""
    context.report.start(" ".join(filter(None, (f"Python tests in {folder}", marked))))
    if not any((context.root / folder).glob("**/test_*.py")):
        context.report.note("there are none")
        context.report.end(Counts())
        return
    report = context.temporary / "pytest.xml"
    report.unlink(missing_ok=True)
    chosen = ["-k", context.only] if context.only else []
    if marked:
        chosen += ["-m", marked]
    if at_once > 1:
        chosen += ["-n", str(at_once), "--dist", "loadscope"]
    command = ["/usr/bin/python3", "-m", "pytest", folder, "-q", "-p", "no:cacheprovider", "--color=no",
               f"--basetemp={context.temporary / 'pytest'}", f"--junitxml={report}", *chosen]
    code, output = context.run(command, limit=limit, watch=context.report.progress)
    read = read_junit(report)
    if read is None:
        context.report.end(FAILED, [f"pytest ended with {code} and no result\n{tail(output)}"])
        return
    counts, _ = read
    nothing_chosen = code == 5 and context.only
    if code != 0 and not counts.failed and not nothing_chosen:
        counts += FAILED
    context.report.end(counts, [tail(output, 400)] if counts.failed else [])

