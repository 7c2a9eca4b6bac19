"""The command line of scripts/bench, and the course of one run."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable

from . import limiter
from .figures import Figure, table
from .measure import Bench
from .servers import Fleet

_DESCRIPTION = "Measures what a decision of the limiter costs, beside what nginx needs for `return 200`."
_EPILOG = """\
It starts a fleet of its own in a temporary home, a worker beside it, an HAProxy with nothing but routing, and an
nginx, and sends each of them the same kind of load over loopback, one after the other and in rounds. The table has
CPU microseconds per request by process, from the kernel's scheduler; medians over the rounds; `all` is the sum of
what counts for the ratio. `memory` is the part of the decisions that made no call to Redis, as the worker counts
them. Figures of two runs or two machines do not compare; the ratios within one run do. Run it on a machine that is
otherwise idle.

cases:
  worker, local decision      one hot key of a rule of 10,000,000 a second, straight to a worker over TCP
  worker, remembered refusal  one hot key far above its limit, likewise
  worker, through Redis       10,000 keys of a rule too slow for leases, likewise
  fleet bare, as shipped      the hot key through HAProxy and a unix socket: HAProxy, worker and Redis together
  per Redis CPU second        decisions on the hot key, to those on one of a rule that has the same rate but a burst
                              of 7, which is too short for a lease; the ratio is leased to not leased
  --scale, workers            1 to 8 workers at once, each with a hot key of its own, straight over TCP
  --scale, fleet              32 hot keys through HAProxy to 1 to 8 workers: all processes of the fleet
  --scale, keys               1,000 to 1,000,000 keys in Redis, any of them at random: worker and Redis

exit codes: 0 measured, 1 something failed, 2 usage

examples:
  scripts/bench
  scripts/bench limiter --rounds 5 --json > after.json
  scripts/bench limiter --scale
"""


def main(arguments: list[str], root: Path) -> int:
    chosen = _parse(arguments)
    if subprocess.run([root / "scripts" / "bootstrap", "bench"], check=False).returncode != 0:
        return 1
    # Not below a folder that is closed to the account that a fleet of root's runs as.
    folder = Path(tempfile.mkdtemp(prefix="shoal-bench-"))
    folder.chmod(0o711)
    try:
        tables = _measure(root, folder, chosen)
    except (RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if chosen.json:
        print(json.dumps({"cores": len(os.sched_getaffinity(0)), "rounds": chosen.rounds, "seconds": chosen.seconds,
                          **{name: [figure.document() for figure in figures] for name, _, figures in tables}},
                         indent=2))
    else:
        print("\n\n".join(table("CPU µs per request", ratio_to, figures) for _, ratio_to, figures in tables))
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=_DESCRIPTION, epilog=_EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("what", nargs="?", choices=("limiter",), default="limiter",
                        help="which service (default: limiter)")
    parser.add_argument("--scale", action="store_true",
                        help="also from 1 to 8 workers and from 1,000 to 1,000,000 keys; takes minutes more")
    parser.add_argument("--rounds", type=_number(1, 100), default=3, metavar="N", help="(default: 3)")
    parser.add_argument("--seconds", type=_number(1, 60), default=4, metavar="N",
                        help="of load per case and round, after one to warm up (default: 4)")
    parser.add_argument("--connections", type=_number(1, 1000), default=32, metavar="N", help="(default: 32)")
    parser.add_argument("--bin", metavar="DIR", help="the workers' binaries; built here when not given")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser.parse_args(arguments)


def _number(least: int, most: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be {least} to {most}, not '{text}'")
        return int(text)

    return convert


def _measure(root: Path, folder: Path, chosen: argparse.Namespace) -> list[tuple[str, str, list[Figure]]]:
    """Name, what the ratios are to, and figures of each table."""
    bench = Bench(folder, chosen.seconds, chosen.connections, _say)
    if os.getloadavg()[0] > 0.5:
        _say(f"this machine is busy (load average {os.getloadavg()[0]:.1f}): expect worse figures than it can do")
    _say("starting a fleet")
    with Fleet(root, folder, chosen.bin, limiter.RULES) as fleet:
        tables = [("limiter", "to nginx", limiter.decisions(bench, fleet, folder, chosen.rounds))]
        if chosen.scale:
            tables.append(("workers", "to 1 worker", limiter.by_workers(bench, fleet, folder, chosen.rounds)))
            tables.append(("fleet", "to 1 worker", limiter.through_haproxy(bench, fleet, chosen.rounds)))
            tables.append(("keys", "to 1,000 keys", limiter.by_keys(bench, fleet, folder, chosen.rounds)))
    return tables


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
