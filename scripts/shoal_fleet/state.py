"""The wanted state of a fleet, in <home>/state.json: written before anything is done, read when it is done again."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .errors import FleetError
from .files import write_atomically
from .haproxy_config import HOT_KEY_RATE
from .ring import WEIGHT

FORMAT = 1


@dataclass
class Program:
    """One supervised process of a place. Nothing of it changes once it was started: another takes over instead."""

    letter: str
    generation: int
    build: str
    settings: str
    """Digest of those sections of the configuration that it read when it started."""
    command: list[str]
    drain_s: int = 30
    """What it was told of `Options.drain_s`."""

    def name(self, worker: str) -> str:
        return f"{worker}{self.letter}"


@dataclass
class Place:
    """A server of the ring: its id is its number in the worker's name, and never another's."""

    id: int
    program: Program
    next: Program | None = None
    """The replacement, from before it starts until it has taken the place over."""
    leaving: bool = False
    """On its way out: no longer in HAProxy's file, gone from here once its worker has ended."""
    drained: bool = False
    """Off the ring, by the operator's wish: its worker runs, and is asked for nothing."""
    weight: int = WEIGHT
    """Less while it is new, and gets its part of the keys step by step: see ramp.py."""


@dataclass
class Options:
    """What `up` was told; kept until `up` is told otherwise."""

    listen: str = "127.0.0.1:8080"
    admin_listen: str = ""
    admin_chosen: bool = True
    """By us and not by the operator: then another port does as well when this one is taken."""
    config: str | None = None
    bin: str | None = None
    tls_cert: str | None = None
    routing: str = "hash"
    hot_key_rate: int | None = HOT_KEY_RATE
    drain_s: int = 30
    """Until a draining worker ends what is unfinished."""
    values: dict[str, str] = field(default_factory=dict)
    """By long option: what services' manifests add to `up`."""


@dataclass
class State:
    up: bool = False
    account: str = ""
    data: str = ""
    run: str = ""
    options: Options = field(default_factory=Options)
    config: dict[str, Any] = field(default_factory=dict)
    """The configuration in force, without its version."""
    config_version: int = 0
    build: str = ""
    """What workers run, or will once they have been replaced."""
    previous: str = ""
    """What they ran before: `rollback` goes there. Empty when they went back already."""
    trial: str = ""
    """The build of an upgrade's canaries, until it is judged. Whoever finds it here without judging takes it back."""
    rolling: bool = False
    """From before the first worker is replaced by what it would be now, until the last one is."""
    own_postgres: bool = False
    """Whether the fleet runs a PostgreSQL: from before it is started until nobody asks it any more."""
    generation: int = 0
    services: dict[str, list[Place]] = field(default_factory=dict)

    def next_generation(self) -> int:
        """Grows also across a lost state file, so that sockets left by an older fleet are taken over."""
        self.generation = max(self.generation + 1, int(time.time()))
        return self.generation

    def set_config(self, config: dict[str, Any]) -> bool:
        """False when it is the one in force."""
        if self.config_version and config == self.config:
            return False
        self.config = config
        self.config_version = max(self.config_version + 1, time.time_ns() // 1_000_000)
        return True

    def set_build(self, build: str) -> None:
        if build != self.build:
            self.build, self.previous = build, self.build
        if build == self.trial:
            self.trial = ""

    def staying(self, service: str) -> list[Place]:
        return [place for place in self.services.get(service, []) if not place.leaving]


def worker_name(service: str, place: Place) -> str:
    return f"{service}-{place.id}"


def _program(data: dict[str, Any] | None) -> Program | None:
    return None if data is None else Program(**data)


def _place(data: dict[str, Any]) -> Place:
    program = _program(data["program"])
    assert program is not None
    return Place(data["id"], program, _program(data.get("next")), bool(data.get("leaving")),
                 bool(data.get("drained")), min(WEIGHT, int(data.get("weight", WEIGHT))))


def decode(text: str) -> State:
    data = json.loads(text)
    if data.pop("format", None) != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    options = Options(**data.pop("options"))
    services = {name: [_place(place) for place in places] for name, places in data.pop("services").items()}
    return State(options=options, services=services, **data)


def encode(state: State) -> str:
    return json.dumps({"format": FORMAT, **asdict(state)}, indent=2, ensure_ascii=False) + "\n"


def load(home: Path) -> State | None:
    """None when there is none yet."""
    path = home / "state.json"
    try:
        return decode(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise FleetError(f"the state can't be read: {error}", "run as the user who started the fleet") from None
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise FleetError(f"{path} can't be used: {error}",
                         "stop what runs ('scripts/fleet doctor' lists it), move the file away, and 'scripts/fleet up'"
                         ) from None


def save(home: Path, state: State) -> None:
    write_atomically(home / "state.json", encode(state).encode())
