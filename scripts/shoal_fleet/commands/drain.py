"""scripts/fleet drain and undrain: one worker taken off the ring, and put back."""

from __future__ import annotations

import argparse
import json
from typing import Any

from .. import balancer, render
from ..converge import converge
from ..errors import FleetError, TimedOut
from ..fleet import Fleet
from ..manifest import Manifest
from ..state import Place
from ..tool import Tool
from .base import add_parser

_DRAIN = """\
Its keys go to the others, each to its neighbour on the ring, and nobody else's move. Its process runs on, is
restarted and replaced as ever, and stays drained over reloads, crashes and calls of 'up' until it is undrained.
Ends when its last request is answered; one that an old HAProxy process still carries after a reload is not seen.

examples:
  scripts/fleet drain limiter-2
"""
_UNDRAIN = """\
The very keys that it had come back to it.

examples:
  scripts/fleet undrain limiter-2
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    for name, text, epilog, drained in (("drain", "let a worker finish, and send it nothing more", _DRAIN, True),
                                        ("undrain", "send a drained worker its requests again", _UNDRAIN, False)):
        parser = add_parser(subparsers, common, name, text, epilog=epilog)
        parser.add_argument("worker", metavar="WORKER")
        parser.set_defaults(run=run, drained=drained)


def run(tool: Tool, args: argparse.Namespace) -> int:
    with tool.change(worker=args.worker, drained=args.drained) as fleet:
        manifest, place = fleet.place(args.worker)
        changed = place.drained != args.drained
        if args.drained:
            _need_another(fleet, manifest, place)
        place.drained = args.drained
        fleet.save()
        render.write(fleet)
        # Whoever drains may have another worker that does not come up, for which all the rest would wait.
        if fleet.runtime.answers():
            balancer.weigh(fleet)
        converge(fleet)
    if args.drained and not balancer.wait_unused(fleet, [(one, args.worker) for one in manifest.backends]):
        raise TimedOut(f"{args.worker} gets nothing more, but has not answered all that it had",
                       "run again to wait on")
    if getattr(args, "json", False):
        print(json.dumps({"worker": args.worker, "drained": args.drained, "changed": changed}))
    else:
        state = "is drained" if args.drained else "serves"
        print(f"{args.worker} {state}" if changed else f"{args.worker} {state} already")
    return 0


def _need_another(fleet: Fleet, manifest: Manifest, place: Place) -> None:
    others = [other for other in fleet.state.staying(manifest.name) if other is not place and not other.drained]
    if not others:
        raise FleetError(f"no other worker of {manifest.name} would take its requests",
                         f"'scripts/fleet scale {manifest.name} +1' starts one")
