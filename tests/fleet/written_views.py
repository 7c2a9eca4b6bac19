"""Views as a relay writes them into Redis (common/views/layout.hpp), written by a test: nobody follows a database, but
somebody says all the time that the views are up to date."""

from __future__ import annotations

import ctypes
import json
import math
import socket
import struct
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Iterator, Mapping, Sequence
from urllib.parse import quote

from conftest import patient
from shoal_cli import ROOT, FleetUnderTest, Make, eventually

VIEWS = ("views-1", "views-2")
ANY_VIEW = {"name": "any", "kind": "document", "key": ["id"], "query": "SELECT 1 AS id",
            "changed_by": [{"table": "any", "key": ["id"]}]}
"""For a configuration with which workers of views run."""

_KEYS = tuple(f"{{cache}}:purge:{part}" for part in ("head", "log", "table", "members", "relay"))
_VIEW_TAG = 6
_BUCKETS = 1 << 20
_BEAT_S = 0.05

# Redis commands, done in the script that purges the tags of what they write.
_WRITES = "for _, command in ipairs(cjson.decode(ARGV[5])) do redis.call(unpack(command)) end\n"
_BEAT = """
local epoch = current_head(tonumber(ARGV[1]))
local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000000 + clock[2])
redis.call('HSET', KEYS[5], 'claim', now, 'views_claim', now, 'epoch', string.format('%.0f', epoch))
redis.call('HSETNX', KEYS[5], 'viewed', '0/1')
return epoch
"""


def _source(name: str) -> str:
    return (ROOT / "common" / "purge_log" / name).read_text()


class _Xxhash:
    def __init__(self) -> None:
        self._hash = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
        self._hash.argtypes, self._hash.restype = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64), ctypes.c_uint64

    def __call__(self, data: bytes, seed: int) -> int:
        return int(self._hash(data, len(data), seed))


def key_text(*values: str) -> str:
    """As common/views/key_text.hpp has it."""
    def item(value: str) -> str:
        return "".join(f"%{ord(c):02X}" if ord(c) <= 0x20 or c in ",%\x7f" else c for c in value)

    return ",".join(item(value) for value in values)


def path_of(view: str, *values: str) -> str:
    return f"/v1/views/{view}/" + ",".join(quote(value, safe="") for value in values)


class Redis:
    """A connection that says what Redis said; errors are raised."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(path))
        self._reader = self._socket.makefile("rb")

    def __call__(self, *words: str | bytes | float) -> Any:
        encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in encoded))
        return self._read()

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def _read(self) -> Any:
        line = self._reader.readline()
        if not line:
            raise ConnectionError("Redis is gone")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if int(rest) < 0 else self._reader.read(int(rest) + 2)[:-2]
        return [self._read() for _ in range(int(rest))]


class WrittenViews:
    """From `with` to its end. Every write purges what it changes, in the same script."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path
        self._hash = _Xxhash()
        self._redis = Redis(socket_path)
        self._generations: dict[str, int] = {}
        self._kinds: dict[str, str] = {}
        self._speaking = threading.Event()
        self._ending = threading.Event()
        self._beats = 0
        self._beater = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> WrittenViews:
        self.speak()
        self._beater.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ending.set()
        self._beater.join()
        self._redis.close()

    def speak(self) -> None:
        """Say that the views are up to date, until hush()."""
        self._speaking.set()
        if self._beater.is_alive():
            beats = self._beats
            eventually(lambda: self._beats > beats, 10, "it has been said")

    def hush(self) -> None:
        self._speaking.clear()

    def reconnect(self) -> None:
        self._redis.close()
        eventually(lambda: self._connects(), 10, "Redis answers")

    def epoch(self) -> int:
        return int(self._redis("HGET", _KEYS[0], "epoch"))

    def make(self, view: str, kind: str, state: str = "ready", epoch: int | None = None) -> None:
        """A new generation without entries."""
        self._generations[view] = self._redis("HINCRBY", "{cache}:views:generations", view, 1)
        self._kinds[view] = kind
        self.state(view, state, epoch)

    def state(self, view: str, state: str, epoch: int | None = None) -> None:
        line = f"{self._kinds[view]} {self._generations[view]} {state} {epoch or self.epoch()}"
        self._write([["HSET", "{cache}:views", view, line]], [(view, "")])

    def put(self, view: str, key: str, value: Any) -> None:
        """A document: what becomes JSON. A hash: its fields. A set: members. A sorted set: scores by member."""
        name, kind = self._entry(view, key), self._kinds[view]
        commands: list[list[Any]] = [["DEL", name]]
        if kind == "document":
            commands.append(["SET", name, value if isinstance(value, str) else json.dumps(value)])
        elif kind == "hash":
            commands.append(["HSET", name, *(text for pair in value.items() for text in pair)])
        else:
            commands += _zadds(name, value if isinstance(value, Mapping) else dict.fromkeys(value, 0))
        self._write([*commands, ["SADD", self._index(view), key]], [(view, key)])

    def put_many(self, view: str, documents: Mapping[str, Any]) -> None:
        """Documents, all at once."""
        commands = [["SET", self._entry(view, key), json.dumps(value)] for key, value in documents.items()]
        self._write([*commands, ["SADD", self._index(view), *documents]], [(view, key) for key in documents])

    def score(self, view: str, key: str, **members: float) -> None:
        """Adds or moves them."""
        self._write(_zadds(self._entry(view, key), members), [(view, key)])

    def drop(self, view: str, key: str, *some: str) -> None:
        """An entry, or some of its members."""
        name = self._entry(view, key)
        if some:
            self._write([["ZREM", name, *some]], [(view, key)])
        else:
            self._write([["DEL", name], ["SREM", self._index(view), key]], [(view, key)])

    def reach(self, position: str, token: str | None = None) -> None:
        """Says that every transaction up to there is in the views; the token's ended there."""
        if token:
            self._redis("SET", f"{{cache}}:token:{token}", position, "EX", 60)
        self._redis("HSET", _KEYS[4], "purged", position, "viewed", position)

    def write_unsaid(self, view: str, key: str, text: str) -> None:
        """What no relay does: a document changes, and nobody is told."""
        self._redis("SET", self._entry(view, key), text)

    def _entry(self, view: str, key: str) -> str:
        return f"{{cache}}:view:{view}:{self._generations[view]}:{key}"

    def _index(self, view: str) -> str:
        return f"{{cache}}:view:{view}:{self._generations[view]}"

    def _bucket(self, view: str, key: str) -> bytes:
        tag = self._hash(key.encode(), self._hash(view.encode(), _VIEW_TAG))
        return struct.pack(">I", tag % _BUCKETS)

    def _write(self, commands: Sequence[Sequence[Any]], tags: Sequence[tuple[str, str]]) -> None:
        buckets = b"".join(self._bucket(*tag) for tag in tags)
        self._redis("EVAL", _source("epoch.lua") + _WRITES + _source("purge.lua"), len(_KEYS), *_KEYS, 0, buckets, b"",
                    10000, json.dumps(commands))

    def _connects(self) -> bool:
        try:
            self._redis = Redis(self._path)
            return bool(self._redis("PING") == "PONG")
        except (OSError, RuntimeError):
            return False

    def _beat(self) -> None:
        redis: Redis | None = None
        while not self._ending.wait(_BEAT_S):
            if not self._speaking.is_set():
                continue
            try:
                redis = redis or Redis(self._path)
                redis("EVAL", _source("epoch.lua") + _BEAT, len(_KEYS), *_KEYS, 0)
                self._beats += 1
            except (OSError, RuntimeError):
                redis = None
                time.sleep(_BEAT_S)


def _zadds(name: str, members: Mapping[str, float]) -> list[list[Any]]:
    """A command may have only so many words."""
    words = [word for member, score in members.items() for word in (_score(score), member)]
    return [["ZADD", name, *words[at:at + 1000]] for at in range(0, len(words), 1000)]


def _score(score: float) -> str:
    return repr(score) if math.isfinite(score) else ("inf" if score > 0 else "-inf")


@contextmanager
def viewed(make_fleet: Make, routing: str = "hash", workers: int = 2,
           **more: Any) -> Iterator[tuple[FleetUnderTest, WrittenViews]]:
    """A fleet whose views the test writes. No relay runs: there is no database."""
    fleet = make_fleet()
    services = {"relay": {"views": [ANY_VIEW]}, "views": more}
    config = patient(fleet, services)
    fleet.up("--workers", str(workers), "--config", config, "--routing", routing)
    with WrittenViews(fleet.run_folder / "redis-state.sock") as written:
        written.make("any", "document")
        eventually(lambda: fleet.request("GET", "/v1/views/any/none")[0] == 404, 10, "views are served")
        yield fleet, written
    fleet.destroy()
