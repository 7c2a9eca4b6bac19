"""Many requests at once, each on a connection of its own, and what became of every one."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterable


@dataclass
class Answer:
    """Times are monotonic seconds; status 0 means that no whole answer came."""

    sent: float = 0.0
    received: float = 0.0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def worker_ms(self) -> float:
        """What the worker says the request took it."""
        return float(self.headers["server-timing"].partition("total;dur=")[2].partition(",")[0])


async def read_answer(reader: asyncio.StreamReader, into: Answer) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status, *lines = head.split("\r\n")
    into.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    into.body = await reader.readexactly(int(into.headers.get("content-length", "0")))
    into.received = time.monotonic()
    into.status = int(status.split()[1])


def encode(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: test\r\n\r\n".encode()


async def all_at_once(port: int, requests: Iterable[tuple[str, str]]) -> list[Answer]:
    """Opens every connection first and then writes all requests in one go."""
    todo = list(requests)
    streams = [await asyncio.open_connection("127.0.0.1", port) for _ in todo]
    answers = [Answer(sent=time.monotonic()) for _ in todo]
    for (_, writer), (method, path) in zip(streams, todo):
        writer.write(encode(method, path))
    reads = [read_answer(reader, answer) for (reader, _), answer in zip(streams, answers)]
    await asyncio.wait_for(asyncio.gather(*reads, return_exceptions=True), 30)
    for _, writer in streams:
        writer.close()
    return answers


def burst(port: int, requests: Iterable[tuple[str, str]]) -> list[Answer]:
    return asyncio.run(all_at_once(port, requests))


async def keep_asking(port: int, method: str, path: str, done: Callable[[], bool], into: list[Answer]) -> None:
    reader = writer = None
    while not done():
        answer = Answer(sent=time.monotonic())
        into.append(answer)
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(encode(method, path))
            await asyncio.wait_for(read_answer(reader, answer), 10)
            if answer.headers.get("connection") == "close":
                writer.close()
                writer = None
        except (OSError, asyncio.IncompleteReadError):
            if writer is not None:
                writer.close()
            writer = None
    if writer is not None:
        writer.close()


async def ask_until(done: Callable[[], bool], port: int, paths: list[str], method: str = "POST",
                    into: list[Answer] | None = None) -> list[Answer]:
    """One client for each path that asks again as soon as it has been answered, until `done`; `into` fills as
    they go."""
    answers: list[Answer] = [] if into is None else into
    await asyncio.gather(*(keep_asking(port, method, path, done, answers) for path in paths))
    return answers


def ask_for(seconds: float, port: int, paths: list[str], method: str = "POST") -> list[Answer]:
    end = time.monotonic() + seconds
    return asyncio.run(ask_until(lambda: time.monotonic() > end, port, paths, method))


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
