"""scripts/fleet up: everything that a serving fleet needs, from packages to the proof that it serves."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import os
import time
from pathlib import Path
from typing import Any

from .. import build, config, ports, render, sections, stopping
from ..converge import converge
from ..errors import FleetError, StoppedMidway, TimedOut
from ..fleet import Fleet
from ..layout import prepare_home, remove_run
from ..manifest import Manifest
from ..numbers import set_count
from ..report import collect, rows
from ..state import Options, State
from ..terminal import paint, table
from ..tool import Tool
from .base import add_parser, number

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
    parser.add_argument("--bin", metavar="DIR", help="take the workers' binaries from there; 'auto' builds them here")
    parser.add_argument("--tls-cert", metavar="FILE", help="speak TLS and HTTP/2 with this PEM file; 'none' stops it")
    parser.add_argument("--admin-listen", metavar="HOST:PORT",
                        help="HAProxy's stats page and /metrics (default: the first free port from 8404)")
    parser.add_argument("--routing", choices=("hash", "random"),
                        help="random is for tests: any worker must answer any request correctly")
    parser.add_argument("--drain-deadline", metavar="SECONDS", type=number(1, 3600),
                        help="how long a worker that stops may go on with its answers (default: 30)")
    for manifest in known.values():
        if (front := manifest.site_front) is not None:
            parser.add_argument(front.option, metavar="HOST:PORT", help=f"{front.help} (default: {front.default})")
        for option in manifest.options:
            parser.add_argument(option.option, metavar=option.metavar,
                                help=f"{option.help} (default: {option.default or 'none'})")
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    started = time.monotonic()
    prepare_home(tool.home)
    with tool.lock():
        fleet = tool.create()
        fleet.save()
        before = copy.deepcopy(fleet.state)
        fleet.journal.write("begin")
        try:
            _want(fleet, args)
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
        fleet.state.up = True
        fleet.save()
        converge(fleet, replace_outdated=True, listening=choosing.done)
    finally:
        choosing.done()


def _want(fleet: Fleet, args: argparse.Namespace) -> None:
    """Brings the state to what the command line asks for. Touches nothing that runs."""
    options, given = fleet.state.options, vars(args)
    _set_options(fleet, options, given)
    manifests = fleet.manifests
    if not manifests:
        raise FleetError(f"there is no service in {fleet.root / 'services'}", "add a folder with a service.json")
    if options.bin is None:
        build.bootstrap(fleet.root, ["run", "build"], fleet.terminal)
        source = build.build(fleet.root, manifests, fleet.terminal)
    else:
        build.bootstrap(fleet.root, ["run"], fleet.terminal)
        source = Path(options.bin)
    fleet.state.build = build.snapshot(fleet.layout, fleet.account, source, manifests.values())
    file = Path(options.config) if options.config else None
    fleet.state.set_config(_configuration(fleet, file))
    for gone in set(fleet.state.services) - set(manifests):
        raise FleetError(f"service '{gone}' runs but its folder is gone",
                         f"put services/{gone} back, or stop the fleet: scripts/fleet down --purge")
    for manifest in manifests.values():
        fresh = not fleet.state.staying(manifest.name)
        if not sections.runs(manifest, fleet.state.config):
            if not fresh:
                set_count(fleet, manifest, 0)
        elif "workers" in given or fresh:
            number = given.get("workers") or manifest.workers or len(os.sched_getaffinity(0))
            set_count(fleet, manifest, number)


def _configuration(fleet: Fleet, file: Path | None) -> dict[str, Any]:
    """What the file and the options make together, after every service has looked at it."""
    manifests, values = fleet.manifests, fleet.state.options.values
    binaries = fleet.layout.binaries / fleet.state.build
    given = config.read(file)
    config.check(file, given, manifests, binaries)
    data = sections.with_options(given, manifests.values(), values)
    if data != given:
        config.check_options(data, manifests, binaries,
                             [option.option for manifest in manifests.values() for option in manifest.options
                              if option.sets is not None and option.option in values])
    config.check_secrets(data, fleet.account, sections.configured_secrets(data, manifests.values()))
    return data


def _set_options(fleet: Fleet, options: Options, given: dict[str, Any]) -> None:
    if "listen" in given:
        options.listen = ports.parse(given["listen"])
    if given.get("admin_listen"):
        options.admin_listen = ports.parse(given["admin_listen"], "--admin-listen")
        options.admin_chosen = False
    if given.get("routing"):
        options.routing = given["routing"]
    if given.get("drain_deadline"):
        options.drain_s = int(given["drain_deadline"])
    if "config" in given:
        options.config = None if given["config"] in ("", "none") else os.path.realpath(given["config"])
    if given.get("bin"):
        options.bin = None if given["bin"] == "auto" else os.path.realpath(given["bin"])
    if given.get("tls_cert"):
        options.tls_cert = None if given["tls_cert"] == "none" else os.path.realpath(given["tls_cert"])
    for manifest in fleet.manifests.values():
        front = manifest.site_front
        if front is not None and (text := _given(given, front.option)):
            options.values[front.option] = ports.parse(text, front.option)
        for option in manifest.options:
            text = _given(given, option.option)
            if text == "none":
                options.values.pop(option.option, None)
            elif text is not None:
                options.values[option.option] = sections.value(option, text)


def _given(given: dict[str, Any], option: str) -> str | None:
    return given.get(option[2:].replace("-", "_"))


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
    if not fleet.state.up or fleet.state == before:
        return
    fleet.state.options, fleet.state.build = before.options, before.build
    fleet.state.set_config(before.config)
    for manifest in fleet.services():
        if manifest.name not in before.services:
            set_count(fleet, manifest, 0)
    fleet.save()
    fleet.terminal.say("going back to the options, binaries and rules that ran")
    converge(fleet, replace_outdated=True)


def _report(fleet: Fleet, as_json: bool, seconds: float) -> None:
    seen = collect(fleet)
    if as_json:
        print(json.dumps(seen, indent=2))
        return
    print(table(*rows(seen)))
    print()
    print(f"{paint('serving', 'green')} at {paint(fleet.url, 'bold')} after {seconds:.1f} s; "
          f"stats and /metrics at http://{fleet.state.options.admin_listen}/")
    for service, url in fleet.site_urls().items():
        print(f"{service} stands before its sites at {paint(url, 'bold')}")
    lines = [line.replace("{url}", fleet.url).replace("{site}", fleet.site_urls().get(manifest.name, fleet.url))
             for manifest in fleet.services() for line in manifest.try_lines]
    if lines:
        insecure = "   (add -k for a certificate of your own)" if fleet.state.options.tls_cert else ""
        print(f"try{insecure}:")
        for line in lines:
            print(f"  {line}")
    print("then: scripts/fleet status | scale | restart | reload | logs | down")
