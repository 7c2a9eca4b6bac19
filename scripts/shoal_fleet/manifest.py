"""services/<name>/service.json: how a service is routed, probed, counted and started. haproxy/README.md explains it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import FleetError
from .manifest_reader import Reader

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
_FIELD = re.compile(r"[a-z][a-z_]{0,30}")
_FIELD_OF = re.compile(r"([a-z][a-z0-9]{0,15}\.)?[a-z][a-z_]{0,30}")
_LINE = re.compile(r"[ -~]{1,300}")


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
class SiteFront:
    """An address of its own whose every request goes to this service, on sockets of their own."""

    option: str
    """Of `up`, with which the operator chooses the address."""
    help: str
    default: str
    key: str
    """An HAProxy format string of the hashed bytes."""
    retry: Retry = field(default_factory=Retry)
    trusted: str | None = None
    """A field of the service's section: addresses of other proxies, whose word on their clients is passed on."""


@dataclass(frozen=True)
class Option:
    """Of `up`: passed to the workers as `flag`, or put into the service's section of the configuration."""

    option: str
    help: str
    metavar: str = "VALUE"
    flag: str | None = None
    default: str | None = None
    kind: str = "text"
    """`origin`: a URL of a server, whose address is the value. `postgres`: how to connect to a database, or `private`:
    the fleet runs one of its own."""
    sets: dict[str, Any] | None = None
    """Fields of the section, {value} in their strings; the configuration may not have them as well."""


@dataclass(frozen=True)
class Secret:
    """A file with a random word that the fleet makes, unless the configuration names one."""

    name: str
    path: tuple[str, ...]
    """Where in the service's section the file's name stands."""


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
    site_front: SiteFront | None = None
    options: tuple[Option, ...] = ()
    secrets: tuple[Secret, ...] = ()
    runs_with: str | None = None
    """FIELD of its section, or SERVICE.FIELD of another's, without which there is nothing to do: then it is not run."""
    try_lines: tuple[str, ...] = ()
    fleet_module: str | None = None

    @property
    def runs_with_field(self) -> tuple[str, str]:
        """The service whose section has the field, and its name; only where there is one."""
        service, _, name = (self.runs_with or "").rpartition(".")
        return service or self.name, name

    @property
    def executable(self) -> str:
        return f"shoal-{self.name}"

    @property
    def site_backend(self) -> str:
        """HAProxy's name for the workers as its front for sites reaches them."""
        return f"{self.name}-site"

    @property
    def backends(self) -> tuple[str, ...]:
        return (self.name,) if self.site_front is None else (self.name, self.site_backend)


def parse(file: Path, text: str) -> Manifest:
    """Raises FleetError with file, path and what is allowed."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise FleetError(f"{file}: is not JSON: {error}", "correct the file and run again") from None
    top = Reader(file, data, "$")
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
        site_front=_site_front(top),
        options=tuple(_option(item) for item in top.each("options")),
        secrets=tuple(_secret(item) for item in top.each("secrets")),
        runs_with=top.text("runs_with", _FIELD_OF, "a field of the service's section, or SERVICE.FIELD", None),
        try_lines=top.words("try", lambda line: bool(_LINE.fullmatch(line)), "a command line with {url} or {site}", []),
        fleet_module=top.text("fleet_module", re.compile(r"[a-z_]+\.py"), "a file name like fleet.py", None),
    )
    top.close()
    return manifest


def _key(top: Reader) -> Key:
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


def _key_rule(part: Reader) -> KeyRule:
    rule = KeyRule(
        when=part.text("when", _CONDITION, "HAProxy conditions like { path /v1/check }"),
        format=part.text("format", _EXPRESSION, "an HAProxy format string without blanks"),
    )
    part.close()
    return rule


def _workers(top: Reader) -> int | None:
    value = top.take("workers", object, "auto or a number", "auto")
    if value == "auto":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1024:
        raise top.bad("workers", f"must be \"auto\" or 1 to 1024, not {json.dumps(value)}")
    return value


def _retry(top: Reader) -> Retry:
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


def _bounded_load(top: Reader) -> int | None:
    value = top.take("bounded_load", int, "null or a percentage from 101 to 65535", None)
    if value is not None and not 101 <= value <= 65535:
        raise top.bad("bounded_load", f"must be null or a percentage from 101 to 65535, not {value}")
    return value


def _site_front(top: Reader) -> SiteFront | None:
    part = top.nested("site_front")
    if part is None:
        return None
    front = SiteFront(
        option=part.text("option", _OPTION, "a long option like --site-listen"),
        help=part.text("help", _LINE, "one line of text"),
        default=part.text("default", re.compile(r"[0-9.]+:[0-9]+|\[[0-9a-f:]+\]:[0-9]+"), "ADDRESS:PORT"),
        key=part.text("key", _EXPRESSION, "an HAProxy format string without blanks"),
        retry=_retry(part),
        trusted=part.text("trusted", _FIELD, "a field of the service's section", None),
    )
    part.close()
    return front


def _option(part: Reader) -> Option:
    option = Option(
        option=part.text("option", _OPTION, "a long option like --upstream"),
        help=part.text("help", _LINE, "one line of text"),
        metavar=part.text("metavar", re.compile(r"[A-Z:]{1,20}"), "upper-case letters", "VALUE"),
        flag=part.text("flag", _OPTION, "the worker's flag, like --upstream", None),
        default=part.text("default", _LINE, "one line of text", None),
        kind=part.text("kind", re.compile("text|origin|postgres"), "text, origin or postgres", "text"),
        sets=part.take("sets", dict, "an object with {value} in its strings", None),
    )
    if (option.flag is None) == (option.sets is None):
        raise part.bad("flag", "must be there, or sets in its place")
    if option.sets is not None and option.default is not None:
        raise part.bad("default", "can't be there beside sets")
    part.close()
    return option


def _secret(part: Reader) -> Secret:
    secret = Secret(
        name=part.text("name", re.compile(r"[a-z][a-z-]{0,30}"), "lower-case letters and dashes"),
        path=part.words("path", lambda word: bool(_FIELD.fullmatch(word)), "the name of a field"),
    )
    if not secret.path:
        raise part.bad("path", "must name at least one field")
    part.close()
    return secret


def load_all(services: Path) -> dict[str, Manifest]:
    """The manifests of a tree, by name. Raises FleetError on the first bad one and when two clash."""
    manifests: dict[str, Manifest] = {}
    taken: dict[str, str] = {}
    for file in sorted(services.glob("*/service.json")):
        try:
            manifest = parse(file, file.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise FleetError(f"{file}: can't be read: {error}", "correct the file and run again") from None
        claims = [*manifest.path_prefixes, *(option.option for option in manifest.options)]
        claims += [manifest.site_front.option] if manifest.site_front else []
        for claim in claims:
            if claim in taken:
                raise FleetError(f"{file}: '{claim}' belongs to service {taken[claim]} already",
                                 "give one of the two another path or option")
            taken[claim] = manifest.name
        manifests[manifest.name] = manifest
    return manifests
