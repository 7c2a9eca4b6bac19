"""scripts/fleet ring: which worker owns what."""

from __future__ import annotations

import argparse
import copy
import dataclasses
import json
import sys
from typing import Any

from ..haproxy_config import HOT_KEYS
from ..manifest import Manifest
from ..numbers import set_count, target
from ..proof import ring_of
from ..ring import path_bytes
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
Computed from the wanted state, by the formula that HAProxy uses; it holds while every worker is up and the key
is not hot. With several keys, or - for one key per line of stdin, each line is KEY, a tab and the worker.

A key is hot while it is asked for more often than 'up --hot-key-rate' says, and takes more than one worker's part of
all requests. Its requests then go to every worker, until that is over; all other keys stay where they are.

examples:
  scripts/fleet ring locate limiter demo/alice
  scripts/fleet ring locate limiter - < keys.txt
  scripts/fleet ring show limiter
  scripts/fleet ring hot
  scripts/fleet ring plan 8          each worker's part if there were eight, and how many keys would move
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "ring", "say which worker owns a key", epilog=_EXAMPLES)
    nested = parser.add_subparsers(dest="ring_command", metavar="locate|show|hot|plan", required=True)
    locate = add_parser(nested, common, "locate", "print the worker that owns a key", epilog=_keys(known))
    locate.add_argument("service", metavar="SERVICE")
    locate.add_argument("keys", metavar="KEY", nargs="+")
    locate.set_defaults(run=run_locate)
    show = add_parser(nested, common, "show", "print each worker's part of the ring")
    show.add_argument("service", metavar="SERVICE")
    show.set_defaults(run=run_show)
    hot = add_parser(nested, common, "hot", "print the keys that are hot, and their requests a second")
    hot.set_defaults(run=run_hot)
    plan = add_parser(nested, common, "plan", "print the parts that another number of workers would have")
    plan.add_argument("number", metavar="N|+n|-n")
    plan.add_argument("service", metavar="SERVICE", nargs="?", help="(default: every service)")
    plan.set_defaults(run=run_plan)


def _keys(known: dict[str, Manifest]) -> str:
    return "".join(f"KEY of {manifest.name}: {manifest.key.what}\n" for manifest in known.values())


def _bytes(manifest: Manifest, key: str) -> bytes:
    return path_bytes(key) if manifest.key.encoding == "path" else key.encode("utf-8", "surrogateescape")


def run_locate(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    manifest = fleet.need_places(args.service)
    ring = ring_of(fleet, manifest)
    keys = [line.rstrip("\n") for line in sys.stdin] if args.keys == ["-"] else args.keys
    found = [(key, ring.locate(_bytes(manifest, key))) for key in keys]
    if getattr(args, "json", False):
        print(json.dumps([{"key": key, "worker": worker} for key, worker in found]))
    elif args.keys != ["-"] and len(found) == 1:
        print(found[0][1])
    else:
        sys.stdout.writelines(f"{key}\t{worker}\n" for key, worker in found)
    return 0


def run_show(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    manifest = fleet.need_places(args.service)
    shares = ring_of(fleet, manifest).shares()
    if getattr(args, "json", False):
        print(json.dumps([{"worker": worker, "share": share} for worker, share in shares.items()]))
        return 0
    _print(shares)
    return 0


def run_hot(tool: Tool, args: argparse.Namespace) -> int:
    rates = tool.open().runtime.rates(HOT_KEYS)
    hottest = sorted(rates, key=lambda name: -rates[name])
    found = [(backend, key, rates[name]) for name in hottest for backend, _, key in [name.partition(":")]]
    if getattr(args, "json", False):
        print(json.dumps([{"backend": backend, "key": key, "rate": rate} for backend, key, rate in found]))
        return 0
    sys.stdout.writelines(f"{backend}\t{key}\t{rate}\n" for backend, key, rate in found)
    return 0


def run_plan(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    names = [args.service] if args.service else sorted(fleet.state.services)
    found = []
    for manifest in map(fleet.need_places, names):
        now, other = ring_of(fleet, manifest), dataclasses.replace(fleet, state=copy.deepcopy(fleet.state))
        set_count(other, manifest, target(args.number, len(fleet.state.staying(manifest.name))))
        found.append((manifest.name, now, ring_of(other, manifest, final=True)))
    if getattr(args, "json", False):
        print(json.dumps({name: {"shares": then.shares(), "moved": now.moved_to(then)} for name, now, then in found}))
        return 0
    for name, now, then in found:
        _print(then.shares())
        print(f"{now.moved_to(then) * 100:.1f}% of the keys of {name} would get another worker")
    return 0


def _print(shares: dict[str, float]) -> None:
    widest = max(shares.values(), default=1.0)
    for worker, share in shares.items():
        print(f"{worker:<20} {share * 100:6.2f}%  {'#' * round(share / widest * 40)}")
