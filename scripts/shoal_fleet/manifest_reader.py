"""Reads a manifest's JSON field by field; every complaint names the file and the path in it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable

from .errors import FleetError


class Reader:
    """One JSON object."""

    def __init__(self, file: Path, data: Any, path: str) -> None:
        self.file, self.path = file, path
        if not isinstance(data, dict):
            raise self.bad("", "must be an object")
        self._data: dict[str, Any] = dict(data)

    def bad(self, key: str, what: str) -> FleetError:
        where = f"{self.path}.{key}" if key else self.path
        return FleetError(f"{self.file}: {where}: {what}", "haproxy/README.md lists the fields of a manifest")

    def take(self, key: str, kind: type, what: str, default: Any = ...) -> Any:
        if key not in self._data:
            if default is ...:
                raise self.bad(key, f"is missing; {what}")
            return default
        value = self._data.pop(key)
        if value is None and default is None:
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.bad(key, f"must be {what}")
        return value

    def text(self, key: str, pattern: re.Pattern[str], what: str, default: Any = ...) -> Any:
        given = key in self._data
        value = self.take(key, str, what, default)
        if given and isinstance(value, str) and not pattern.fullmatch(value):
            raise self.bad(key, f"must be {what}, not '{value}'")
        return value

    def words(self, key: str, allowed: Callable[[str], bool], what: str, default: Any = ...) -> tuple[str, ...]:
        values = self.take(key, list, what, default)
        for position, value in enumerate(values):
            if not isinstance(value, str) or not allowed(value):
                raise self.bad(f"{key}[{position}]", f"must be {what}, not {json.dumps(value)}")
        if len(set(values)) != len(values):
            raise self.bad(key, "names something twice")
        return tuple(values)

    def nested(self, key: str) -> "Reader | None":
        value = self.take(key, dict, "an object", None)
        return None if value is None else Reader(self.file, value, f"{self.path}.{key}")

    def each(self, key: str) -> "list[Reader]":
        values = self.take(key, list, "a list of objects", [])
        return [Reader(self.file, value, f"{self.path}.{key}[{index}]") for index, value in enumerate(values)]

    def close(self) -> None:
        for key in self._data:
            raise self.bad(key, "is not a known field")
