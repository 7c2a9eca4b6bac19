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

from . import cache, limiter, relay
from .figures import Figure, table
from .measure import Bench
from .servers import Fleet

_DESCRIPTION = ("Measures what a decision of the limiter costs beside nginx, an answer of the cache beside its peers, "
                "or what a commit costs that is relayed.")
_EPILOG = """\
limiter: it starts a fleet of its own in a temporary home, a worker beside it, an HAProxy with nothing but routing,
and an nginx, and sends each of them the same kind of load over loopback, one after the other and in rounds.

cache: it starts an nginx with a cache, Varnish as Debian configures it and without its log, and a worker with its two
Redis in front of another nginx, which has static files. What is measured has a core of its own, the load and the rest
another.

relay: it starts a PostgreSQL without fsync, so that no disk is measured, the two Redis, a relay and 8 caches; pgbench
is the load.

The tables have CPU microseconds per request by process, from the kernel's scheduler; medians over the rounds; `all`
is the sum of what counts for the ratio. `memory` is the part of the requests that made no call to Redis, as the
worker counts them. Figures of two runs or two machines do not compare; the ratios within one run do. Run it on a
machine that is otherwise idle.

cases of the limiter:
  worker, local decision      one hot key of a rule of 10,000,000 a second, straight to a worker over TCP
  worker, remembered refusal  one hot key far above its limit, likewise
  worker, through Redis       10,000 keys of a rule too slow for leases, likewise
  fleet bare, as shipped      the hot key through HAProxy and a unix socket: HAProxy, worker and Redis together
  per Redis CPU second        decisions on the hot key, to those on one of a rule that has the same rate but a burst
                              of 7, which is too short for a lease; the ratio is leased to not leased
  --scale, workers            1 to 8 workers at once, each with a hot key of its own, straight over TCP
  --scale, fleet              32 hot keys through HAProxy to 1 to 8 workers: all processes of the fleet
  --scale, keys               1,000 to 1,000,000 keys in Redis, any of them at random: worker and Redis

cases of the cache:
  hits       200 B, 4 KiB and 64 KiB, at 1 and at 32 connections
  haproxy    a small hit through HAProxy, with nothing but routing and as scripts/fleet configures it
  misses     each request another URL
  l2         a worker with no room finds everything in Redis
  zipf       10,000 objects of 200 B to 4 KiB, popularity by Zipf with 0.9
  memory     growth of the processes by 100,000 objects of 1 KiB
  purge      from asking to all of 8 workers having confirmed it, under a quarter of the load that they can bear

cases of the relay:
  latency    500 transactions a second: from the answer to COMMIT, as pgbench logs it, until the last of 8 workers has
             told Redis that it has applied the purge. That includes the telling, and up to 1 ms until it is seen
  rows       as many transactions of 30 rows as pgbench makes: rows relayed a second, and how much of the load's time
             the slot is behind at its end
  catchup    commits made while there was no relay, from the start of one until all are done
  overhead   CPU of all of PostgreSQL's processes per transaction of one row, and how many it makes on a core of its
             own and pgbench's: with nothing, with a relay, with a trigger that fills an outbox and notifies
  fanout     CPU per transaction at 500 a second, with 1 to 8 workers

exit codes: 0 measured, 1 something failed, 2 usage

examples:
  scripts/bench
  scripts/bench limiter --rounds 5 --json > after.json
  scripts/bench limiter --scale
  scripts/bench cache --quick
  scripts/bench cache --only hits --only haproxy --rounds 7
  scripts/bench relay --only latency --seconds 10
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
        title = "CPU µs per transaction" if chosen.what == "relay" else "CPU µs per request"
        print("\n\n".join(table(title, ratio_to, figures) for _, ratio_to, figures in tables))
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=_DESCRIPTION, epilog=_EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False)
    parser.add_argument("what", nargs="?", choices=("limiter", "cache", "relay"), default="limiter",
                        help="which service (default: limiter)")
    parser.add_argument("--scale", action="store_true",
                        help="also from 1 to 8 workers and from 1,000 to 1,000,000 keys; takes minutes more")
    parser.add_argument("--quick", action="store_true", help="of the cache and the relay: once and briefly")
    parser.add_argument("--only", action="append", default=[], choices=(*cache.NAMES, *relay.NAMES), metavar="NAME",
                        help="of the cache and the relay: only these cases; repeatable")
    parser.add_argument("--rounds", type=_number(1, 100), default=3, metavar="N", help="(default: 3)")
    parser.add_argument("--seconds", type=_number(1, 60), default=4, metavar="N",
                        help="of load per case and round, after one to warm up (default: 4)")
    parser.add_argument("--connections", type=_number(1, 1000), default=32, metavar="N", help="(default: 32)")
    parser.add_argument("--bin", metavar="DIR", help="the workers' binaries; built here when not given")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments)
    if chosen.what == "limiter" and (chosen.quick or chosen.only):
        parser.error("--quick and --only are of the cache and the relay")
    if wrong := [one for one in chosen.only if one not in {"cache": cache.NAMES, "relay": relay.NAMES}[chosen.what]]:
        parser.error(f"--only {wrong[0]}: is no case of the {chosen.what}")
    if chosen.what != "limiter" and chosen.scale:
        parser.error("--scale is of the limiter")
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 1
    return chosen


def _number(least: int, most: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be {least} to {most}, not '{text}'")
        return int(text)

    return convert


def _measure(root: Path, folder: Path, chosen: argparse.Namespace) -> list[tuple[str, str, list[Figure]]]:
    """Name, what the ratios are to, and figures of each table."""
    if os.getloadavg()[0] > 0.5:
        _say(f"this machine is busy (load average {os.getloadavg()[0]:.1f}): expect worse figures than it can do")
    measure = {"limiter": _measure_limiter, "cache": _measure_cache, "relay": _measure_relay}[chosen.what]
    return measure(root, folder, chosen)


def _measure_limiter(root: Path, folder: Path, chosen: argparse.Namespace) -> list[tuple[str, str, list[Figure]]]:
    bench = Bench(folder, chosen.seconds, chosen.connections, _say)
    _say("starting a fleet")
    with Fleet(root, folder, chosen.bin, limiter.RULES) as fleet:
        tables = [("limiter", "to nginx", limiter.decisions(bench, fleet, folder, chosen.rounds))]
        if chosen.scale:
            tables.append(("workers", "to 1 worker", limiter.by_workers(bench, fleet, folder, chosen.rounds)))
            tables.append(("fleet", "to 1 worker", limiter.through_haproxy(bench, fleet, chosen.rounds)))
            tables.append(("keys", "to 1,000 keys", limiter.by_keys(bench, fleet, folder, chosen.rounds)))
    return tables


def _measure_cache(root: Path, folder: Path, chosen: argparse.Namespace) -> list[tuple[str, str, list[Figure]]]:
    cores = sorted(os.sched_getaffinity(0))
    core, other = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    bench = Bench(folder, chosen.seconds, chosen.connections, _say, other)
    binaries = Path(chosen.bin) if chosen.bin else _built(root, "shoal-cache")
    plan = cache.Plan(chosen.rounds, chosen.only, chosen.quick)
    with cache.Field(root, folder, binaries / "shoal-cache", core, other) as field:
        return cache.tables(bench, field, plan)


def _measure_relay(root: Path, folder: Path, chosen: argparse.Namespace) -> list[tuple[str, str, list[Figure]]]:
    binaries = Path(chosen.bin) if chosen.bin else _built(root, "shoal-cache", "shoal-relay")
    with relay.Field(folder, binaries, sorted(os.sched_getaffinity(0))) as field:
        return relay.tables(field, lambda name: name in (chosen.only or relay.NAMES), chosen.rounds, chosen.seconds,
                            _say)


def _built(root: Path, *programs: str) -> Path:
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--target", *programs]):
        if subprocess.run(command, cwd=root, stdout=sys.stderr, check=False).returncode != 0:
            raise RuntimeError("the workers could not be built; see above")
    return root / "build" / "release" / "bin"


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
