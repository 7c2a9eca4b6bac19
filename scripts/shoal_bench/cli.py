"""The command line of scripts/bench, and the course of one run."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Iterable

from . import cpu, peers, wrk

_EPILOG = """\
It starts a fleet of its own in a temporary home (one worker, one Redis, HAProxy) and an nginx, sends each of them
the same kind of load over loopback, and prints CPU microseconds per request of every process. Figures of two runs
or two machines do not compare; the ratios within one run do. Run it on a machine that is otherwise idle.

exit codes: 0 measured, 1 something failed, 2 usage
"""


def main(arguments: list[str], root: Path) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measures what a decision of the limiter costs.",
                                     epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, metavar="N", help="of load per row (default: 5)")
    parser.add_argument("--connections", type=int, default=32, metavar="N", help="kept alive (default: 32)")
    parser.add_argument("--bin", metavar="DIR", help="the workers' binaries; built here when not given")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    chosen = parser.parse_args(arguments)
    if not 1 <= chosen.seconds <= 60 or not 1 <= chosen.connections <= 1000:
        parser.error("--seconds is 1 to 60, --connections 1 to 1000")
    done = subprocess.run([root / "scripts" / "bootstrap", "bench"], check=False)
    if done.returncode != 0:
        return 1
    # Not below a folder that is closed to the account that a fleet of root's runs as.
    folder = Path(tempfile.mkdtemp(prefix="shoal-bench-"))
    folder.chmod(0o711)
    try:
        result = _measure(root, folder, chosen)
    except (RuntimeError, ValueError, OSError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(result, indent=2) if chosen.json else _table(result))
    return 0


def _measure(root: Path, folder: Path, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    fleet = [str(root / "scripts" / "fleet"), "--home", str(folder / "home")]
    up = ["up", "--workers", "1", "--listen", f"127.0.0.1:{peers.free_port()}"]
    up += ["--bin", chosen.bin] if chosen.bin else []
    _say("starting a fleet")
    if subprocess.run([*fleet, *up], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        raise RuntimeError("the fleet did not start; see above")
    try:
        status = json.loads(subprocess.run([*fleet, "status", "--json"], capture_output=True, check=True).stdout)
        with peers.nginx(folder) as (nginx_url, nginx_pids):
            return _rows(folder, status, nginx_url, nginx_pids, chosen)
    finally:
        subprocess.run([*fleet, "down", "--purge"], capture_output=True, check=False)


def _rows(folder: Path, status: dict[str, Any], nginx_url: str, nginx_pids: list[int],
          chosen: argparse.Namespace) -> list[dict[str, Any]]:
    others = {entry["name"]: int(entry["pid"]) for entry in status["others"]}
    groups: dict[str, Iterable[int]] = {
        "nginx": nginx_pids,
        "haproxy": [others["haproxy"], *cpu.children(others["haproxy"])],
        "worker": [int(worker["pid"]) for worker in status["workers"]],
        "redis": [others["redis-state"]],
    }
    many, one = folder / "many.lua", folder / "one.lua"
    many.write_text(wrk.POST_KEYS % 10_000)
    one.write_text(wrk.POST_KEYS % 1)
    loads = [("nginx: return 200", nginx_url, None),
             ("limiter: GET the rules, no Redis", f"{status['url']}/v1/limits", None),
             ("limiter: POST, 10,000 keys", status["url"], many),
             ("limiter: POST, one key", status["url"], one)]
    rows = []
    for what, url, script in loads:
        wrk.run(url, chosen.connections, 1, script)
        _say(f"{what}: {chosen.seconds} s")
        before = cpu.total_ns(groups)
        load = wrk.run(url, chosen.connections, chosen.seconds, script)
        after = cpu.total_ns(groups)
        rows.append({"what": what, "requests": load.requests, "failed": load.failed, "rate": round(load.rate),
                     "cpu_us": {name: round(value, 2)
                                for name, value in cpu.per_request_us(before, after, load.requests).items()}})
    return rows


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0]["cpu_us"])
    lines = [["CPU µs per request", *names, "requests/s", "not 2xx"]]
    for row in rows:
        lines.append([row["what"], *(f"{row['cpu_us'][name]:.1f}" for name in names), str(row["rate"]),
                      str(row["failed"])])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join([line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in
                                                              zip(line[1:], widths[1:]))]) for line in lines)


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
