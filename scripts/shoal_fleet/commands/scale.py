"""scripts/fleet scale."""

from __future__ import annotations

import argparse
import copy
import json
from typing import Any

from .. import planning, ramp
from ..converge import converge
from ..errors import FleetError, StoppedMidway, TimedOut
from ..fleet import Fleet
from ..manifest import Manifest
from ..numbers import set_count, target
from ..state import Place, worker_name
from ..tool import Tool
from ..upgrading import finish_earlier
from . import plan
from .base import add_parser

_EXAMPLES = """\
The smallest free ids come, the highest go; the others keep their processes. Adding one to N workers moves about
1/(N+1) of the keys, removing one moves only its own. No request fails. A new worker gets its part in steps of at
most a quarter.

examples:
  scripts/fleet scale limiter 4      to four workers
  scripts/fleet scale limiter +1     one more
  scripts/fleet scale limiter -1     one less
  scripts/fleet scale limiter 8 --dry-run    what that would do, and how many keys would move
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "scale", "change how many workers a service has", epilog=_EXAMPLES)
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("number", metavar="N|+n|-n")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    if args.dry_run:
        return _say(tool, args)
    with tool.change() as fleet:
        manifest = fleet.need_places(args.service)
        number = len(fleet.state.staying(manifest.name))
        wanted = target(args.number, number)
        fleet.journal.write("scaling", service=manifest.name, workers=number, wanted=wanted)
        finish_earlier(fleet)
        before = copy.deepcopy(fleet.state)
        coming, leaving = set_count(fleet, manifest, wanted)
        ramp.begin(fleet, before)
        fleet.save()
        try:
            converge(fleet)
        except (TimedOut, StoppedMidway):
            raise
        except FleetError:
            _take_back(fleet, coming)
            raise
    result = {"service": manifest.name, "workers": wanted,
              "added": [worker_name(manifest.name, place) for place in coming],
              "removed": [worker_name(manifest.name, place) for place in leaving]}
    if getattr(args, "json", False):
        print(json.dumps(result))
    else:
        changes = [f"added {', '.join(result['added'])}"] if coming else []
        changes += [f"removed {', '.join(result['removed'])}"] if leaving else []
        print(f"{manifest.name} has {wanted} workers: {'; '.join(changes) or 'as before'}")
    return 0


def _say(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    manifest = fleet.need_places(args.service)
    before = copy.deepcopy(fleet.state)
    set_count(fleet, manifest, target(args.number, len(fleet.state.staying(manifest.name))))
    return plan.show(planning.compare(fleet, before), args)


def _take_back(fleet: Fleet, coming: list[Place]) -> None:
    if not coming:
        return
    fleet.terminal.say("taking the new workers back")
    for place in coming:
        place.leaving = True
    fleet.save()
    converge(fleet)
