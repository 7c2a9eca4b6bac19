"""scripts/fleet status."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..manifest import Manifest
from ..report import collect, rows
from ..terminal import table
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
A worker is serving (ready and up in HAProxy), drained (by an operator), starting, draining, stopped or failed.
Ends with 0 when it could look, whatever it saw, also when no fleet is up; 'scripts/fleet doctor' ends with 1 when
something is wrong.

examples:
  scripts/fleet status
  scripts/fleet status --json | jq '.workers[] | select(.state != "serving")'
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "status", "show what runs", epilog=_EXAMPLES)
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.find()
    as_json = bool(getattr(args, "json", False))
    if fleet is None or not fleet.state.up:
        if as_json:
            print(json.dumps({"up": False, "home": str(tool.home), "workers": [], "others": []}, indent=2))
        else:
            print(f"no fleet is up in {tool.home}; start it with 'scripts/fleet up'")
        return 0
    seen = collect(fleet)
    if as_json:
        print(json.dumps(seen, indent=2))
    else:
        print(table(*rows(seen)))
        sites = "".join(f"; {service}'s sites at {url}" for service, url in fleet.site_urls().items())
        print(f"\nat {fleet.url}{sites}; stats and /metrics at http://{fleet.state.options.admin_listen}/")
    return 0
