"""What the subcommands have in common."""

from __future__ import annotations

import argparse
from typing import Any

from ..haproxy_config import HOT_KEY_RATE
from ..manifest import Manifest


def add_parser(subparsers: Any, common: argparse.ArgumentParser, name: str, text: str, **more: Any) -> Any:
    """A subcommand's parser, with the options of every command."""
    return subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".", parents=[common],
                                 formatter_class=argparse.RawDescriptionHelpFormatter, **more)


def number(low: float, high: float, kind: type[int] | type[float] = float) -> Any:
    """For add_argument: a type with bounds."""

    def convert(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = low - 1
        if not low <= value <= high:
            what = "a whole number" if kind is int else "a number"
            raise argparse.ArgumentTypeError(f"must be {what} from {low:g} to {high:g}, not '{text}'")
        return value

    return convert


def _hot_key_rate(text: str) -> int | str:
    if text == "none":
        return text
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 1_000_000_000):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 1000000000, or none, not '{text}'")
    return int(text)


def add_options(parser: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    """What `up` and `plan` are told of the fleet, beside the options of every command."""
    parser.add_argument("--bin", metavar="DIR", help="take the workers' binaries from there; 'auto' takes this tree's own")
    parser.add_argument("--tls-cert", metavar="FILE", help="speak TLS and HTTP/2 with this PEM file; 'none' stops it")
    parser.add_argument("--admin-listen", metavar="HOST:PORT",
                        help="HAProxy's stats page and /metrics (default: the first free port from 8404)")
    parser.add_argument("--routing", choices=("hash", "random"),
                        help="random is for tests: any worker must answer any request correctly")
    parser.add_argument("--hot-key-rate", metavar="N", type=_hot_key_rate,
                        help="requests a second from which a key that takes more than one worker's part of all is "
                             f"spread over all workers; 'none' never does (default: {HOT_KEY_RATE})")
    parser.add_argument("--drain-deadline", metavar="SECONDS", type=number(1, 3600),
                        help="how long a worker that stops may go on with its answers (default: 30)")
    for manifest in known.values():
        if (front := manifest.site_front) is not None:
            parser.add_argument(front.option, metavar="HOST:PORT", help=f"{front.help} (default: {front.default})")
        for option in manifest.options:
            parser.add_argument(option.option, metavar=option.metavar,
                                help=f"{option.help} (default: {option.default or 'none'})")
