"""scripts/fleet doctor: looks for what is wrong and says what to do about it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from ..checks import examine
from ..manifest import Manifest
from ..terminal import paint
from ..tool import Tool
from .base import add_parser

_EXAMPLES = """\
Looks at the machine, at what is wanted, and for a second at the metrics of what runs. What Prometheus has an alert for
has the alert's name, and the runbook's entry says more. Ends with 0 when nothing is wrong, with 1 when something is.
"""


def register(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    parser = add_parser(subparsers, common, "doctor", "look for what is wrong", epilog=_EXAMPLES)
    parser.set_defaults(run=run)


def run(tool: Tool, args: argparse.Namespace) -> int:
    findings = examine(tool)
    if getattr(args, "json", False):
        print(json.dumps([{"finding": found.what, "do": found.do, "alert": found.alert and found.alert.value} for found in findings], indent=2))
    elif not findings:
        print(paint("nothing is wrong", "green"))
    else:
        for found in findings:
            name, more = (f"{found.alert.value}: ", f"; {found.alert.entry}") if found.alert else ("", "")
            print(f"{paint('-', 'red')} {name}{found.what}\n    {found.do}{more}")
    return 1 if findings else 0
