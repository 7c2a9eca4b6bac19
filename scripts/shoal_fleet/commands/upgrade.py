"""scripts/fleet upgrade and rollback: all workers to another build, and back."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from .. import build, config, judging, upgrading
from ..converge import converge
from ..errors import FleetError
from ..fleet import Fleet
from ..judging import Verdict
from ..manifest import Manifest
from ..tool import Tool
from .base import add_parser, number

_UPGRADE = f"""\
The binaries must take the configuration in force. They are copied; then some workers of each service are replaced by
them, in their places, and watched. Goes on with the rest, one worker after the other, when those did well; takes them
back and ends with 1 when they did not, or when at any time one does not come up.

{judging.RULES}

From then on 'up' goes by the fleet's own copy, whatever happens to the folder, until it is given another --bin. A
call that is killed while canaries are watched is taken back by the next command; one that is killed later is finished.

examples:
  scripts/fleet upgrade /opt/shoal-2/bin
  scripts/fleet upgrade /opt/shoal-2/bin --canary 2 --watch 60
"""
_ROLLBACK = """\
To the binaries that ran before the last 'upgrade', or 'up' with other ones, one worker after the other. From then on
'up' goes by the fleet's copy of those. There is one way back: forth again it goes by 'upgrade'.

examples:
  scripts/fleet rollback
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "upgrade", "replace the workers' binaries, some of them first",
                        epilog=_UPGRADE)
    parser.add_argument("folder", metavar="BINARY_DIR")
    parser.add_argument("--canary", metavar="N", type=number(1, 1024), default=1,
                        help="how many workers of each service go first (default: 1)")
    parser.add_argument("--watch", metavar="SECONDS", type=number(0, 3600), default=10,
                        help="how long they are watched (default: 10)")
    parser.set_defaults(run=run)
    parser = add_parser(subparsers, common, "rollback", "go back to the binaries that ran before", epilog=_ROLLBACK)
    parser.set_defaults(run=run_back)


def run(tool: Tool, args: argparse.Namespace) -> int:
    source, verdicts = Path(os.path.realpath(args.folder)), []
    with tool.change() as fleet:
        upgrading.finish_earlier(fleet)
        wanted = build.identify(source, [manifest.executable for manifest in fleet.manifests.values()])
        before = fleet.state.build
        if wanted != before:
            _check(fleet, source)
            build.snapshot(fleet.layout, fleet.account, source, fleet.manifests.values())
            verdicts = upgrading.upgrade(fleet, wanted, int(args.canary), args.watch)
    if getattr(args, "json", False):
        print(json.dumps({"build": wanted, "before": before, "canaries": [_plain(one) for one in verdicts]}))
        return 0
    for verdict in verdicts:
        print(_said(verdict))
    print(f"every worker runs build {wanted}; 'scripts/fleet rollback' goes back to {before}" if verdicts else
          f"nothing to do: the workers run build {wanted} already")
    return 0


def _check(fleet: Fleet, binaries: Path) -> None:
    config.check_in_force(fleet.layout.config, fleet.manifests, binaries)


def _plain(verdict: Verdict) -> dict[str, Any]:
    return {**dataclasses.asdict(verdict), "judged": verdict.enough}


def _said(verdict: Verdict) -> str:
    who = ", ".join(verdict.canaries)
    if not verdict.enough:
        return f"{who}: {verdict.seen}: too few to judge by"
    return f"{who}: {verdict.seen}; the others: {verdict.others}"


def run_back(tool: Tool, args: argparse.Namespace) -> int:
    with tool.change() as fleet:
        before = fleet.state.build
        _back(fleet)
        now = fleet.state.build
    if getattr(args, "json", False):
        print(json.dumps({"build": now, "before": before}))
    else:
        print(f"every worker runs build {now}")
    return 0


def _back(fleet: Fleet) -> None:
    state = fleet.state
    if state.trial:
        fleet.terminal.say("the upgrade that was stopped midway is taken back")
        converge(fleet)
    elif state.previous:
        _check(fleet, fleet.layout.binaries / state.previous)
        upgrading.rollback(fleet)
    elif state.rolling:
        converge(fleet)
    else:
        raise FleetError(f"there is nothing to go back to: the fleet keeps no build but {state.build}",
                         "'scripts/fleet upgrade BINARY_DIR' goes to any other")
