"""scripts/fleet plan: what `up` would do."""

from __future__ import annotations

import argparse
import copy
import json
from typing import Any

from .. import build, planning, wanted
from ..manifest import Manifest
from ..tool import Tool
from .base import add_options, add_parser

_EXAMPLES = """\
Takes the options of 'up', and touches nothing. Binaries are compared as they are: 'up' without --bin builds first.
What 'doctor' finds is put right by 'up' as well, and is not listed here.

examples:
  scripts/fleet plan --workers 4
  scripts/fleet plan --bin /opt/shoal/bin --config new.json
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "plan", "say what 'up' would do, and how many keys would move",
                        epilog=_EXAMPLES)
    add_options(parser, known)
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    fleet, given = tool.find() or tool.sketch(), vars(args)
    before = copy.deepcopy(fleet.state)
    wanted.set_options(fleet, given)
    source = wanted.binaries(fleet)
    fleet.state.build = build.identify(source, [manifest.executable for manifest in fleet.manifests.values()])
    wanted.set_services(fleet, given, source)
    return show(planning.compare(fleet, before), args)


def show(plan: planning.Plan, args: argparse.Namespace) -> int:
    if getattr(args, "json", False):
        print(json.dumps({"steps": plan.steps, "moved": plan.moved}))
        return 0
    print("\n".join(plan.steps) or "nothing would be done")
    for service, share in plan.moved.items():
        if share:
            print(f"{share * 100:.1f}% of the keys of {service} would get another worker")
    return 0
