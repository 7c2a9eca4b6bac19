"""scripts/fleet status."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .. import checks, lock
from ..errors import DONE, DRIFTED
from ..manifest import Manifest
from ..report import collect, rows
from ..terminal import paint, table
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
A worker is serving (ready and up in HAProxy), drained (by an operator), starting, draining, stopped or failed.
The last line names the drift: where what runs is not what is wanted. Ends with 0 when it could look, whatever it saw,
also when no fleet is up; with --check it ends with 6 on drift, and 'scripts/fleet doctor' says what to do about it.

examples:
  scripts/fleet status
  scripts/fleet status --check > /dev/null || page somebody
  scripts/fleet status --json | jq '.workers[] | select(.state != "serving")'
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "status", "show what runs", epilog=_EXAMPLES)
    parser.add_argument("--check", action="store_true", help="end with 6 when what runs is not what is wanted")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.find()
    as_json = bool(getattr(args, "json", False))
    if fleet is None or not fleet.state.up:
        if as_json:
            print(json.dumps({"up": False, "home": str(tool.home), "workers": [], "others": [], "drift": []}, indent=2))
        else:
            print(f"no fleet is up in {tool.home}; start it with 'scripts/fleet up'")
        return DONE
    seen = collect(fleet)
    # While somebody changes it, it can't be as wanted.
    changing = lock.holder(tool.home)
    drift = [finding.what for finding in checks.drift(fleet, seen)] if changing is None else []
    if as_json:
        print(json.dumps(seen | {"changing": changing, "drift": drift}, indent=2))
    else:
        print(table(*rows(seen)))
        sites = "".join(f"; {service}'s sites at {url}" for service, url in fleet.site_urls().items())
        print(f"\nat {fleet.url}{sites}; stats and /metrics at http://{fleet.state.options.admin_listen}/")
        print(_verdict(changing, drift))
    return DRIFTED if args.check and drift else DONE


def _verdict(changing: str | None, drift: list[str]) -> str:
    if changing is not None:
        return f"being changed by {changing}"
    return f"{paint('drift:', 'red')} {'; '.join(drift)}" if drift else "no drift: all runs as wanted"
