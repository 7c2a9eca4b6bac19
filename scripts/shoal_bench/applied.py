"""When each purge was applied by all workers, as their own reports in Redis tell it."""

from __future__ import annotations

import socket
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Iterable, Mapping, Sequence

from .database import Commit

_LOG, _MEMBERS = "{cache}:purge:log", "{cache}:purge:members"
_PAUSE = 0.0005
# A transaction is purged twice. After this long the second purge is past, and can't be taken for another's first.
_APART = 0.1


@dataclass(frozen=True)
class Entry:
    """Of the purge log."""

    sequence: int
    buckets: tuple[bytes, ...]


@dataclass(frozen=True)
class Seen:
    """By then every worker had said that it has applied this sequence."""

    at: float
    sequence: int


class Redis:
    """One connection that is asked one thing after the other."""

    def __init__(self, place: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(str(place))
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "Redis":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, *words: str) -> Any:
        parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
        self._socket.sendall("".join(parts).encode())
        return self._reply()

    def _reply(self) -> Any:
        line = self._file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2]
        if kind == b":":
            return int(rest)
        if kind == b"+":
            return rest
        raise RuntimeError(f"Redis says {line!r}")

    def entries(self, after: int) -> list[Entry]:
        return [Entry(int(name.partition(b"-")[0]), _buckets(fields[3]) + _buckets(fields[5]))
                for name, fields in self.ask("XRANGE", _LOG, f"({after}-0", "+")]

    def last(self) -> int:
        """The sequence of the log's last entry."""
        found = self.ask("XREVRANGE", _LOG, "+", "-", "COUNT", "1")
        return int(found[0][0].partition(b"-")[0]) if found else 0

    def applied(self) -> list[int]:
        """Of each member."""
        return [int(report.split()[1]) for report in self.ask("HVALS", _MEMBERS)]


def _buckets(packed: bytes) -> tuple[bytes, ...]:
    return tuple(packed[at:at + 4] for at in range(0, len(packed), 4))


class Observer:
    """Looks from `with` to its end; what it has seen is complete after that."""

    def __init__(self, place: Path, workers: int) -> None:
        self.seen: list[Seen] = []
        self.entries: list[Entry] = []
        self._workers = workers
        self._redis = Redis(place)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Observer":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._redis.__exit__()

    def _look(self) -> None:
        last, next_entries = self._redis.last(), 0.0
        while not self._over.is_set():
            applied = self._redis.applied()
            least = min(applied) if len(applied) == self._workers else 0
            if not self.seen or least > self.seen[-1].sequence:
                self.seen.append(Seen(time.time(), least))
            if time.monotonic() > next_entries:
                # The log keeps 10,000.
                self.entries += self._redis.entries(last)
                last = self.entries[-1].sequence if self.entries else last
                next_entries = time.monotonic() + 1
            time.sleep(_PAUSE)
        self.entries += self._redis.entries(last)


def first_appearances(entries: Iterable[Entry]) -> list[bytes]:
    """Buckets in the order in which they came to be in the log, each once."""
    return list(dict.fromkeys(bucket for entry in entries for bucket in entry.buckets))


def latencies(commits: Sequence[Commit], buckets: Sequence[bytes], entries: Sequence[Entry],
              seen: Sequence[Seen]) -> list[float]:
    """Seconds from the answer to a COMMIT until all workers had applied its first purge, none below zero. `buckets`
    has that of each script. Transactions whose bucket another one had shortly before are left out. Raises ValueError
    for one that was never applied."""
    applied = _applied_at(entries, seen)
    found, last = [], dict.fromkeys(buckets, 0.0)
    for commit in sorted(commits, key=lambda one: one.ended):
        bucket = buckets[commit.script]
        alone = commit.began - last[bucket] > _APART
        last[bucket] = commit.ended
        if not alone:
            continue
        times = applied.get(bucket, [])
        at = bisect_left(times, commit.began)
        if at == len(times):
            raise ValueError(f"a commit was not purged within {seen[-1].at - commit.ended:.1f} s")
        found.append(max(times[at] - commit.ended, 0.0))
    return found


def _applied_at(entries: Sequence[Entry], seen: Sequence[Seen]) -> Mapping[bytes, list[float]]:
    """When every worker had each entry, by bucket, ascending."""
    found: dict[bytes, list[float]] = defaultdict(list)
    sequences = [one.sequence for one in seen]
    for entry in entries:
        at = bisect_left(sequences, entry.sequence)
        for bucket in entry.buckets if at < len(seen) else ():
            found[bucket].append(seen[at].at)
    return found
