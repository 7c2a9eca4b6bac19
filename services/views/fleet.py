"""scripts/fleet views: which views there are, and how each stands."""

from __future__ import annotations

import argparse
import http.client
import json
from typing import Any, Sequence

from shoal_fleet.errors import FleetError
from shoal_fleet.front_api import ask
from shoal_fleet.terminal import table
from shoal_fleet.tool import Tool

_PATH = "/v1/views"
_FIELDS = ("name", "kind", "state", "generation", "entries")
_RIGHT = ("GENERATION", "ENTRIES")

_EXAMPLES = """\
examples:
  scripts/fleet views list
  scripts/fleet views list --json | jq -r '.views[] | select(.state != "ready") | .name'
"""
_LIST = """\
STATE is ready, filling (what is there is right, but much may be missing), failed (the database refuses the view's
query) or unattended (no relay has said since Redis lost data that it keeps the view). GENERATION grows each time that
the view is filled anew. 'scripts/fleet relay status' says why.

examples:
  scripts/fleet views list
  scripts/fleet views list --json
"""


def register(subparsers: Any, context: Any) -> None:
    parser = context.add_parser(subparsers, "views", "show which views there are, and how each stands",
                                epilog=_EXAMPLES)
    nested = parser.add_subparsers(dest="views_command", metavar="list", required=True)
    listing = context.add_parser(nested, "list", "print each view's kind, state and number of entries", epilog=_LIST)
    listing.set_defaults(run=run_list)


def run_list(tool: Tool, args: argparse.Namespace) -> int:
    fleet = tool.open()
    fleet.need_running()
    fleet.need_places("views")
    try:
        answer = ask(fleet, "GET", _PATH)
        found = json.loads(answer.body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FleetError(f"{_PATH} can't be asked: {error}", "'scripts/fleet doctor' looks for the reason") from None
    if answer.status != 200:
        raise FleetError(f"{_PATH} answers {answer.status}: {found.get('detail', 'without a reason')}",
                         "'scripts/fleet doctor' looks for the reason")
    print(json.dumps(found, indent=2) if getattr(args, "json", False) else report(found["views"]))
    return 0


def report(views: Sequence[dict[str, Any]]) -> str:
    if not views:
        return "there is no view: none has been made since Redis was started"
    return table(tuple(field.upper() for field in _FIELDS),
                 [tuple(str(one[field]) for field in _FIELDS) for one in views], _RIGHT)
