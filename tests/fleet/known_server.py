"""A server whose delays and failures are known exactly: what a load generator says of it can be checked."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Callable

_LENGTH = re.compile(rb"^content-length: *(\d+)\r$", re.IGNORECASE | re.MULTILINE)


@dataclass
class Asked:
    """One request as it arrived; the first has number 1."""

    number: int
    method: str
    target: str
    head: bytes
    body: bytes

    @property
    def key(self) -> str:
        return self.target.rpartition("/")[2]


@dataclass
class Answer:
    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds until it is sent; other requests are answered meanwhile."""
    reset: bool = False
    """Instead of an answer the connection is reset."""
    close: bool = False
    """Instead of an answer the connection is closed."""
    never: bool = False
    """There is no answer."""
    raw: bytes | None = None
    """Sent as it stands, and the connection closed."""


Rule = Callable[[Asked], Answer]


class KnownServer:
    """Serves from `with` on, on a free loopback port, in one thread."""

    def __init__(self, rule: Rule = lambda asked: Answer(), service_time: float = 0.0) -> None:
        self._rule = rule
        self._service_time = service_time
        self._free_at = 0.0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.requests = 0
        self.connections = 0
        self.methods: list[str] = []
        self.asked: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "KnownServer":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length.group(1))) if length else b""
        self.requests += 1
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        asked = Asked(self.requests, method, target, head, body)
        self.asked.append(asked)
        answer = self._rule(asked)
        await asyncio.sleep(self._until_served() + answer.delay)
        return await self._answer(asked, answer, writer)

    def _until_served(self) -> float:
        """As one that serves a request at a time would need, whatever this loop itself takes: capacity is exact."""
        if not self._service_time:
            return 0.0
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + self._service_time
        return self._free_at - now

    async def _answer(self, asked: Asked, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        if answer.never:
            await asyncio.sleep(3600)
        if answer.reset:
            found = writer.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        if answer.close:
            return False
        if answer.raw is not None:
            writer.write(answer.raw)
            await writer.drain()
            return False
        close = b"connection: close" in asked.head.lower()
        fields = {"Content-Length": str(len(answer.body)), **answer.headers}
        if close:
            fields["Connection"] = "close"
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {answer.status} Known\r\n{lines}\r\n".encode()
                     + (b"" if asked.method == "HEAD" else answer.body))
        await writer.drain()
        return not close
