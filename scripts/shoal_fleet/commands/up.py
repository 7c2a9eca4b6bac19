"""scripts/fleet up: everything that a serving fleet needs, from packages to the proof that it serves."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import time
from typing import Any

from .. import build, overview, ports, postgres, ramp, render, stopping, tree, upgrading, wanted
from ..converge import converge
from ..errors import FleetError, StoppedMidway, TimedOut
from ..fleet import Fleet
from ..layout import prepare_home, remove_run
from ..manifest import Manifest
from ..report import collect
from ..state import State
from ..terminal import columns, paint
from ..tool import Tool
from . import plan
from .base import add_options, add_parser

_EXAMPLES = """\
What you give is remembered, and holds for later calls of up until it is given otherwise. Safe to run again:
what runs already is left alone; a new build, or changed options, reach the workers one after the other.

examples:
  scripts/fleet up
  scripts/fleet up --workers 4 --config limits.json
  scripts/fleet up --listen 0.0.0.0:443 --tls-cert site.pem    reachable from outside, TLS and HTTP/2
  scripts/fleet up --bin /opt/shoal/bin                        binaries that were built elsewhere
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "up", "build what changed, start the fleet, wait until it serves",
                        epilog=_EXAMPLES)
    add_options(parser, known)
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing ('plan')")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    if args.dry_run:
        return plan.run(tool, args)
    started = time.monotonic()
    prepare_home(tool.home)
    with tool.lock():
        fleet = tool.create()
        fleet.save()
        before = copy.deepcopy(fleet.state)
        fleet.journal.write("begin")
        try:
            _want(fleet, vars(args))
            _start(fleet, before)
        except (TimedOut, StoppedMidway) as error:
            fleet.journal.write("end", code=error.code, error=error.message)
            raise
        except FleetError as error:
            _take_back(fleet, before)
            fleet.journal.write("end", code=error.code, error=error.message)
            raise
        fleet.journal.write("end", code=0, seconds=round(time.monotonic() - started, 2))
    _report(fleet, bool(getattr(args, "json", False)), time.monotonic() - started)
    return 0


def _start(fleet: Fleet, before: State) -> None:
    choosing = ports.Choosing()
    try:
        _choose_ports(fleet, before)
        render.check(fleet)
        if before.up and fleet.runtime.answers():
            ramp.begin(fleet, before)
        fleet.state.up = True
        fleet.save()
        converge(fleet, replace_outdated=True, listening=choosing.done)
    finally:
        choosing.done()


def _want(fleet: Fleet, given: dict[str, Any]) -> None:
    """Brings the state to what the command line asks for. Touches nothing that runs."""
    wanted.set_options(fleet, given)
    database = [] if postgres.is_installed(fleet.layout) or not postgres.is_wanted(fleet) else ["postgres"]
    if fleet.state.options.bin is None and not tree.is_installed(fleet.root):
        build.bootstrap(fleet.root, ["run", "build", *database], fleet.terminal)
        build.build(fleet.root, fleet.manifests, fleet.terminal)
    else:
        build.bootstrap(fleet.root, ["run", *database], fleet.terminal)
    fleet.state.set_build(build.snapshot(fleet.layout, fleet.account, wanted.binaries(fleet),
                                         fleet.manifests.values()))
    wanted.set_services(fleet, given, fleet.layout.binaries / fleet.state.build)


def _choose_ports(fleet: Fleet, before: State) -> None:
    """Before anything is started: whatever we do not listen on already must be free."""
    options = fleet.state.options
    ours: set[str] = set()
    if fleet.runtime.answers():
        sites = (address for _, _, address in dataclasses.replace(fleet, state=before).site_fronts())
        ours = {before.options.listen, before.options.admin_listen, *sites}
    wanted = {"--listen": options.listen} | {front.option: address for _, front, address in fleet.site_fronts()}
    if len(set(wanted.values())) < len(wanted):
        raise FleetError(f"{' and '.join(wanted)} are the same address", "give one of them another")
    ports_of_ours = {address.rpartition(":")[2] for address in ours}
    for option, address in wanted.items():
        # Another address with a port of ours: HAProxy's reload hands it over.
        if address.rpartition(":")[2] not in ports_of_ours:
            ports.check(address, option, fleet.account.uid != 0)
    if not options.admin_chosen:
        if options.admin_listen not in ours:
            ports.check(options.admin_listen, "--admin-listen", fleet.account.uid != 0)
    elif not options.admin_listen or (options.admin_listen not in ours and not ports.is_free(options.admin_listen)):
        options.admin_listen = ports.first_free(set(wanted.values()))


def _take_back(fleet: Fleet, before: State) -> None:
    """A fleet that was down is down again; one that was up goes on with its old options, build and rules."""
    if not before.up:
        if fleet.state.up:
            fleet.terminal.say("taking back what was started")
            stopping.stop(fleet)
        else:
            remove_run(fleet.layout, fleet.account)
        return
    if not fleet.state.up or dataclasses.replace(fleet.state, rolling=before.rolling) == before:
        return
    fleet.state.options, fleet.state.build, fleet.state.previous = before.options, before.build, before.previous
    fleet.state.set_config(before.config)
    for manifest in fleet.services():
        ran = {place.id for place in before.staying(manifest.name)}
        for place in fleet.state.services[manifest.name]:
            place.leaving = place.id not in ran
    fleet.save()
    # What ran may be what a call that was killed had only begun with.
    if before.rolling and upgrading.go_back(fleet):
        return
    fleet.terminal.say("going back to the options, binaries and rules that ran")
    converge(fleet, replace_outdated=True)


def _report(fleet: Fleet, as_json: bool, seconds: float) -> None:
    seen = collect(fleet)
    fleet.terminal.clear()
    if as_json:
        print(json.dumps(seen, indent=2))
        return
    print("\n".join(overview.tables(seen, columns())))
    print()
    print(f"{paint('serving', 'green')} at {paint(fleet.url, 'bold')} after {seconds:.1f} s; "
          f"stats and /metrics at http://{fleet.state.options.admin_listen}/")
    for service, url in fleet.site_urls().items():
        print(f"{service} stands before its sites at {paint(url, 'bold')}")
    if seen["postgres"]:
        print(overview.psql(seen["postgres"]))
    lines = [line.replace("{url}", fleet.url).replace("{site}", fleet.site_urls().get(manifest.name, fleet.url))
             for manifest in fleet.services() for line in manifest.try_lines]
    if lines:
        insecure = "   (add -k for a certificate of your own)" if fleet.state.options.tls_cert else ""
        print(f"try{insecure}:")
        for line in lines:
            print(f"  {line}")
    print("then: scripts/fleet status | scale | restart | reload | logs | down")
