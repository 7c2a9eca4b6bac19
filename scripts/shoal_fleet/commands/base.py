"""What the subcommands have in common."""

from __future__ import annotations

import argparse
from typing import Any


def add_parser(subparsers: Any, common: argparse.ArgumentParser, name: str, text: str, **more: Any) -> Any:
    """A subcommand's parser, with the options of every command."""
    return subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common],
                                 formatter_class=argparse.RawDescriptionHelpFormatter, **more)
