"""What the subcommands have in common."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(subparsers: Any, common: argparse.ArgumentParser, name: str, text: str, **more: Any) -> Any:
    """A subcommand's parser, with the options of every command."""
    return subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common],
                                 formatter_class=argparse.RawDescriptionHelpFormatter, **more)


def number(low: float, high: float) -> Any:
    """For add_argument: a type with bounds."""

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be a number from {low:g} to {high:g}, not '{text}'")
        return value

    return convert
