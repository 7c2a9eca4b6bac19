"""scripts/fleet limits: what an operator asks about a rule and a key, and who is refused most."""

from __future__ import annotations

import argparse
import http.client
import json
from collections import Counter
from typing import Any, Iterable, Mapping, NamedTuple

from shoal_fleet.errors import FleetError
from shoal_fleet.fleet import Fleet
from shoal_fleet.proof import ring_of
from shoal_fleet.ring import path_bytes
from shoal_fleet.terminal import table
from shoal_fleet.tool import Tool
from shoal_fleet.worker_api import get

# As many as a worker counts: a key that moved from one worker to another is in several of their lists.
_TRACKED = 128

_EXAMPLES = """\
examples:
  scripts/fleet limits show login alice        the rule, how the key stands now, and which worker owns it
  scripts/fleet limits top --count 5           who is refused most
"""
_SHOW = """\
Takes nothing from the key's budget. KEY is written as the application knows it, not percent-encoded; -- before
it when it begins with a dash. The worker is the one that the ring gives this key while every worker is up.

examples:
  scripts/fleet limits show login alice
  scripts/fleet limits show api 'GET /a b' --json
"""
_TOP = """\
Since each worker started, over all of them. A worker counts its 128 most refused keys and estimates: a key was
refused between REFUSED less ERROR and REFUSED times, and no key that has more than one in 128 of a worker's
refusals is missing.

examples:
  scripts/fleet limits top
  scripts/fleet limits top --count 100 --json | jq -r '.refused[].key'
"""


def register(subparsers: Any, context: Any) -> None:
    parser = context.add_parser(subparsers, "limits", "show how a key stands, and who is refused most",
                                epilog=_EXAMPLES)
    nested = parser.add_subparsers(dest="limits_command", metavar="show|top", required=True)
    show = context.add_parser(nested, "show", "print a rule, how a key of it stands, and its worker", epilog=_SHOW)
    show.add_argument("rule", metavar="RULE")
    show.add_argument("key", metavar="KEY")
    show.set_defaults(run=run_show)
    top = context.add_parser(nested, "top", "print the keys that are refused most", epilog=_TOP)
    top.add_argument("--count", metavar="N", type=_count, default=20, help="how many, 1 to 128 (default: 20)")
    top.set_defaults(run=run_top)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _TRACKED):
        raise argparse.ArgumentTypeError(f"must be 1 to {_TRACKED}, not '{text}'")
    return int(text)


def run_show(tool: Tool, args: argparse.Namespace) -> int:
    fleet = _running(tool)
    place = f"{path_of(args.rule)}/{path_of(args.key)}"
    owner = ring_of(fleet, fleet.manifest("limiter")).locate(place.encode())
    rule = find_rule(_ask_any(fleet, owner, "/v1/limits"), args.rule)
    found = {"rule": rule, "key": args.key, "worker": owner, "standing": _ask_any(fleet, owner, f"/v1/limits/{place}")}
    print(json.dumps(found, indent=2) if getattr(args, "json", False) else card(found))
    return 0


def run_top(tool: Tool, args: argparse.Namespace) -> int:
    fleet = _running(tool)
    lists, missing = [], []
    for worker in fleet.workers("limiter"):
        try:
            lists.append(_document(*get(fleet.layout.admin(worker), f"/-/limits/top?count={_TRACKED}"))["refused"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, FleetError) as error:
            missing.append(worker)
            tool.terminal.say(f"{worker} is not counted: {error}")
    if not lists:
        raise FleetError("no worker of limiter answers", "'scripts/fleet doctor' looks for the reason")
    entries = merge(lists)[:args.count]
    if getattr(args, "json", False):
        print(json.dumps({"refused": [entry._asdict() for entry in entries], "missing": missing}, indent=2))
    elif entries:
        print(table(("REFUSED", "ERROR", "RULE", "KEY"),
                    [(f"{one.refused:>7}", f"{one.error:>5}", one.rule, printable(one.key)) for one in entries]))
    else:
        print("nobody was refused since the workers started")
    return 0


class Refused(NamedTuple):
    """How often a key of a rule was refused: between `refused - error` and `refused` times."""

    rule: str
    key: str
    refused: int
    error: int


def merge(lists: Iterable[Iterable[Mapping[str, Any]]]) -> list[Refused]:
    """The workers' lists as one, the most refused first."""
    refused: Counter[tuple[str, str]] = Counter()
    error: Counter[tuple[str, str]] = Counter()
    for entry in (entry for entries in lists for entry in entries):
        of = entry["rule"], entry["key"]
        refused[of] += entry["refused"]
        error[of] += entry["error"]
    merged = [Refused(*of, times, error[of]) for of, times in refused.items()]
    return sorted(merged, key=lambda one: (-one.refused, one.error, one.rule, one.key))


def path_of(text: str) -> str:
    """One segment of a path: what may not stand there is percent-encoded, the percent sign and slash too."""
    return path_bytes(text.replace("%", "%25").replace("/", "%2F")).decode("ascii")


def find_rule(listed: Mapping[str, Any], name: str) -> dict[str, Any]:
    rules: dict[str, dict[str, Any]] = {rule["name"]: rule for rule in listed["rules"]}
    if name not in rules:
        raise FleetError(f"there is no rule '{name}'; there is {', '.join(rules) or 'none'}",
                         "rules are in the file that 'up' and 'reload' were given with --config")
    return rules[name]


def card(found: Mapping[str, Any]) -> str:
    """What `show` prints: two columns, the rule before the key."""
    rule, standing = found["rule"], found["standing"]
    lines = [("rule", rule["name"]), *((name, _plain(value)) for name, value in rule.items() if name != "name"),
             ("", ""), ("key", printable(found["key"])), ("worker", found["worker"])]
    lines += [(_LABELS.get(name, name), _LABELLED.get(name, _plain)(value)) for name, value in standing.items()
              if name != "limit"]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name.ljust(width)}  {value}".rstrip() for name, value in lines)


def printable(key: str) -> str:
    """Keys are the clients' own words: nothing in them may reach a terminal as a command."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in key)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _seconds(milliseconds: int) -> str:
    return "now" if milliseconds <= 0 else f"in {milliseconds / 1000:g} s"


_LABELS = {"allowed": "one more", "reset_ms": "whole again", "retry_after_ms": "retry"}
_LABELLED = {"allowed": lambda value: "is allowed" if value else "is refused", "reset_ms": _seconds,
             "retry_after_ms": _seconds}


def _running(tool: Tool) -> Fleet:
    fleet = tool.open()
    fleet.need_running()
    return fleet


def _ask_any(fleet: Fleet, owner: str, target: str) -> dict[str, Any]:
    """The owner's answer, or that of another while the owner does not give one: all know the same."""
    problem: Exception | None = None
    for worker in sorted(fleet.workers("limiter"), key=lambda name: name != owner):
        try:
            return _document(*get(fleet.layout.public(worker), target))
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = problem or error
    raise FleetError(f"no worker of limiter answers: {problem}", "'scripts/fleet doctor' looks for the reason")


def _document(status: int, body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("its answer is no JSON object")
    if status >= 500:
        raise ValueError(found.get("detail", f"it answers {status}"))
    if status != 200:
        raise FleetError(str(found.get("detail", f"the worker answers {status}")))
    return found
