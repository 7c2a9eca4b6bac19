"""The subcommands, one module each: register() adds its parser, run() does it."""

from __future__ import annotations

import argparse
import importlib.util
from typing import Any

from ..errors import FleetError
from ..manifest import Manifest
from . import (doctor, down, drain, events, logs, plan, reload, restart, ring, scale, status, top, up,
               upgrade)
from .base import add_parser

_COMMANDS = (up, plan, down, status, top, scale, drain, restart, upgrade, reload, logs, events, ring, doctor)


class ServiceContext:
    """What a service's fleet.py is given. Its register(subparsers, context) adds commands by context.add_parser,
    each with set_defaults(run=...): a function of (Tool, arguments) that returns an exit code. haproxy/README.md
    says what the Tool leads to."""

    def __init__(self, manifest: Manifest, common: argparse.ArgumentParser) -> None:
        self.manifest = manifest
        self._common = common

    def add_parser(self, subparsers: Any, name: str, text: str, **more: Any) -> Any:
        return add_parser(subparsers, self._common, name, text, **more)


def register_all(subparsers: Any, common: argparse.ArgumentParser, known: dict[str, Manifest]) -> None:
    for command in _COMMANDS:
        command.register(subparsers, common, known)
    for manifest in known.values():
        if manifest.fleet_module is not None:
            _register_service(subparsers, common, manifest)


def _register_service(subparsers: Any, common: argparse.ArgumentParser, manifest: Manifest) -> None:
    file = manifest.folder / str(manifest.fleet_module)
    spec = importlib.util.spec_from_file_location(f"shoal_service_{manifest.name}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise FleetError(f"{manifest.folder / 'service.json'}: $.fleet_module: there is no {file}",
                         "add the file or remove the field")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        module.register(subparsers, ServiceContext(manifest, common))
    except Exception as error:
        raise FleetError(f"{file}: its commands can't be added: {type(error).__name__}: {error}",
                         "correct the file and run again") from error
