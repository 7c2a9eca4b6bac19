"""services/<name>/service.json: how a service is routed, probed, counted and started. haproxy/README.md explains it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from .errors import FleetError

_NAME = re.compile(r"[a-z][a-z0-9]{0,15}")
_PREFIX = re.compile(r"/(?:[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*)?")
_OPTION = re.compile(r"--[a-z][a-z0-9-]{1,30}")
_EXPRESSION = re.compile(r"[!-~]{1,200}")
_CONDITION = re.compile(r"!?\{ [ -|~]{1,200} \}(?: (?:\|\| )?!?\{ [ -|~]{1,200} \})*")
_RETRY_ON = (
    "conn-failure", "empty-response", "junk-response", "response-timeout", "0rtt-rejected",
    "404", "408", "425", "500", "501", "502", "503", "504",
)
_METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH")
_REDIS = ("state", "l2")


@dataclass(frozen=True)
class KeyRule:
    """Where the key is, for requests that have it elsewhere."""

    when: str
    """HAProxy conditions, as "{ path /v1/check }"."""
    format: str
    """An HAProxy format string of the hashed bytes."""


@dataclass(frozen=True)
class Key:
    expression: str
    """An HAProxy sample expression; a request for which it yields nothing goes to any worker."""
    path: str
    """The path of a request whose hashed bytes are {key}."""
    what: str
    """What an operator writes for KEY."""
    encoding: str = "path"
    proof: str = "shoal-proof-{n}"
    """A key that `up` may ask for with GET, one {n} after the other, to see that each worker answers."""
    rules: tuple[KeyRule, ...] = ()
    """The first whose condition holds goes before `expression`."""


@dataclass(frozen=True)
class Retry:
    attempts: int = 2
    on: tuple[str, ...] = ("conn-failure", "empty-response")
    methods: tuple[str, ...] = ("GET", "HEAD")
    """Others are tried again only while nothing of them was sent."""


@dataclass(frozen=True)
class Front:
    name: str
    option: str
    help: str
    default: str | None = None


@dataclass(frozen=True)
class Option:
    option: str
    flag: str
    help: str
    metavar: str = "VALUE"
    default: str | None = None


@dataclass(frozen=True)
class Manifest:
    folder: Path
    name: str
    summary: str
    path_prefixes: tuple[str, ...]
    key: Key
    probe: str = "/-/ready"
    workers: int | None = None
    """None: one per core."""
    retry: Retry = field(default_factory=Retry)
    bounded_load: int | None = None
    redis: tuple[str, ...] = ()
    fronts: tuple[Front, ...] = ()
    options: tuple[Option, ...] = ()
    try_lines: tuple[str, ...] = ()
    fleet_module: str | None = None

    @property
    def executable(self) -> str:
        return f"shoal-{self.name}"


class _Reader:
    """Reads one JSON object; every complaint names the file and the path in it."""

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

    def nested(self, key: str) -> "_Reader | None":
        value = self.take(key, dict, "an object", None)
        return None if value is None else _Reader(self.file, value, f"{self.path}.{key}")

    def each(self, key: str) -> "list[_Reader]":
        values = self.take(key, list, "a list of objects", [])
        return [_Reader(self.file, value, f"{self.path}.{key}[{index}]") for index, value in enumerate(values)]

    def close(self) -> None:
        for key in self._data:
            raise self.bad(key, "is not a known field")


_LINE = re.compile(r"[ -~]{1,300}")


def parse(file: Path, text: str) -> Manifest:
    """Raises FleetError with file, path and what is allowed."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise FleetError(f"{file}: is not JSON: {error}", "correct the file and run again") from None
    top = _Reader(file, data, "$")
    name = top.text("name", _NAME, "1 to 16 lower-case letters and digits, a letter first")
    if name != file.parent.name:
        raise top.bad("name", f"must be the folder's name, '{file.parent.name}', not '{name}'")
    prefixes = top.words("path_prefixes", lambda p: bool(_PREFIX.fullmatch(p)) and not p.startswith("/-"),
                         "a path like /v1/limits, or / for all")
    if not prefixes:
        raise top.bad("path_prefixes", "must name at least one path")
    manifest = Manifest(
        folder=file.parent,
        name=name,
        summary=top.text("summary", _LINE, "one line of text", ""),
        path_prefixes=prefixes,
        key=_key(top),
        probe=top.text("probe", re.compile(r"/-/[a-z]+"), "a path of the worker's admin socket", "/-/ready"),
        workers=_workers(top),
        retry=_retry(top),
        bounded_load=_bounded_load(top),
        redis=top.words("redis", _REDIS.__contains__, f"one of {', '.join(_REDIS)}", []),
        fronts=tuple(_front(item) for item in top.each("fronts")),
        options=tuple(_option(item) for item in top.each("options")),
        try_lines=top.words("try", lambda line: bool(_LINE.fullmatch(line)), "a command line with {url}", []),
        fleet_module=top.text("fleet_module", re.compile(r"[a-z_]+\.py"), "a file name like fleet.py", None),
    )
    top.close()
    return manifest


def _key(top: _Reader) -> Key:
    part = top.nested("key")
    if part is None:
        raise top.bad("key", "is missing; an object with expression, path and what")
    path = part.text("path", re.compile(r"/[!-~]*\{key\}[!-~]*"), "a path with {key} in it")
    key = Key(
        expression=part.text("expression", _EXPRESSION, "an HAProxy expression without blanks"),
        path=path,
        what=part.text("what", _LINE, "one line of text"),
        encoding=part.text("encoding", re.compile("path|raw"), "path or raw", "path"),
        proof=part.text("proof", re.compile(r"[!-~]*\{n\}[!-~]*"), "a key with {n} in it", Key.proof),
        rules=tuple(_key_rule(rule) for rule in part.each("rules")),
    )
    part.close()
    return key


def _key_rule(part: _Reader) -> KeyRule:
    rule = KeyRule(
        when=part.text("when", _CONDITION, "HAProxy conditions like { path /v1/check }"),
        format=part.text("format", _EXPRESSION, "an HAProxy format string without blanks"),
    )
    part.close()
    return rule


def _workers(top: _Reader) -> int | None:
    value = top.take("workers", object, "auto or a number", "auto")
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1024:
        raise top.bad("workers", f"must be \"auto\" or 1 to 1024, not {json.dumps(value)}")
    return value


def _retry(top: _Reader) -> Retry:
    part = top.nested("retry")
    if part is None:
        return Retry()
    attempts = part.take("attempts", int, "a number from 0 to 5", Retry.attempts)
    if not 0 <= attempts <= 5:
        raise part.bad("attempts", f"must be a number from 0 to 5, not {attempts}")
    retry = Retry(
        attempts=attempts,
        on=part.words("on", _RETRY_ON.__contains__, f"one of {', '.join(_RETRY_ON)}", list(Retry.on)),
        methods=part.words("methods", _METHODS.__contains__, f"one of {', '.join(_METHODS)}", list(Retry.methods)),
    )
    part.close()
    return retry


def _bounded_load(top: _Reader) -> int | None:
    value = top.take("bounded_load", int, "null or a percentage from 101 to 65535", None)
    if value is not None and not 101 <= value <= 65535:
        raise top.bad("bounded_load", f"must be null or a percentage from 101 to 65535, not {value}")
    return value


def _front(part: _Reader) -> Front:
    front = Front(
        name=part.text("name", _NAME, "1 to 16 lower-case letters and digits"),
        option=part.text("option", _OPTION, "a long option like --cache-listen"),
        help=part.text("help", _LINE, "one line of text"),
        default=part.text("default", _LINE, "HOST:PORT", None),
    )
    part.close()
    return front


def _option(part: _Reader) -> Option:
    option = Option(
        option=part.text("option", _OPTION, "a long option like --origin"),
        flag=part.text("flag", _OPTION, "the worker's flag, like --origin"),
        help=part.text("help", _LINE, "one line of text"),
        metavar=part.text("metavar", re.compile(r"[A-Z:]{1,20}"), "upper-case letters", "VALUE"),
        default=part.text("default", _LINE, "one line of text", None),
    )
    part.close()
    return option


def load_all(services: Path) -> dict[str, Manifest]:
    """The manifests of a tree, by name. Raises FleetError on the first bad one and when two clash."""
    manifests: dict[str, Manifest] = {}
    taken: dict[str, str] = {}
    for file in sorted(services.glob("*/service.json")):
        try:
            manifest = parse(file, file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise FleetError(f"{file}: can't be read: {error}", "correct the file and run again") from None
        claims = [*manifest.path_prefixes, *(o.option for o in manifest.options), *(f.option for f in manifest.fronts)]
        for claim in claims:
            if claim in taken:
                raise FleetError(f"{file}: '{claim}' belongs to service {taken[claim]} already",
                                 "give one of the two another path or option")
            taken[claim] = manifest.name
        manifests[manifest.name] = manifest
    return manifests
