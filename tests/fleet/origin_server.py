"""An origin that a test controls: what it answers at which path, how slowly, how badly, and what it was asked."""

from __future__ import annotations

import http.server
import socket
import socketserver
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Callable, Iterable, Mapping

from shoal_cli import eventually


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    """By lower-case name; of several the last."""
    body: bytes
    at: float
    """Monotonic seconds."""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Page:
    """What is answered. A conditional request that fits ETag or Last-Modified gets a 304."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the head."""
    gate: threading.Event | None = None
    """Nothing is answered before it is set."""
    pieces: int = 1
    pause: float = 0.0
    """Seconds between two pieces of the body."""
    chunked: bool = False
    trailers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """The connection is reset after so many bytes of the body; 0 is after the head, -1 before it."""
    raw: bytes | None = None
    """Sent as it stands, instead of what the others say; the connection is closed after it unless `raw_stays`."""
    raw_stays: bool = False
    sent: int = 0
    """Bytes of the body that were written so far, to everybody."""

    def answers_304(self, asked: Asked) -> bool:
        if self.status != 200 or asked.method not in ("GET", "HEAD"):
            return False
        mine = {name.lower(): value for name, value in self.headers.items()}
        if "if-none-match" in asked.headers:
            tags = [tag.strip().removeprefix("W/") for tag in asked.headers["if-none-match"].split(",")]
            return mine.get("etag", "").removeprefix("W/") in tags
        return "last-modified" in mine and asked.headers.get("if-modified-since") == mine["last-modified"]


Answer = Page | Callable[[Asked], Page]


class Origin:
    """Serves from `with` on, on a free loopback port, one thread a connection, with keep-alive. Paths without a page
    are 404."""

    def __init__(self, pages: Mapping[str, Answer] | None = None) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, Answer] = dict(pages or {})
        self._asked: list[Asked] = []
        self.early: dict[str, bytes] = {}
        """By target, what is sent before the request's body is read."""
        self.connections = 0
        """Accepted so far."""
        self._server = _Server(self)
        self.port = int(self._server.server_address[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> "Origin":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_all()

    def put(self, where: str, answer: Answer) -> None:
        """`where` is a whole target with its query, a path, or a prefix that ends with *: asked in this order."""
        with self._lock:
            self._pages[where] = answer

    def page(self, where: str, body: bytes | str = b"", status: int = 200, **headers: str) -> None:
        """The usual case; `cache_control="max-age=60"` is the field Cache-Control."""
        content = body.encode() if isinstance(body, str) else body
        self.put(where, Page(content, status, {name.replace("_", "-"): value for name, value in headers.items()}))

    def asked(self, path: str | None = None) -> list[Asked]:
        with self._lock:
            return [one for one in self._asked if path in (None, one.path, one.target)]

    def count(self, path: str | None = None) -> int:
        return len(self.asked(path))

    def wait_for(self, path: str, count: int = 1, seconds: float = 10) -> None:
        """Until it was asked that often."""
        eventually(lambda: self.count(path) >= count, seconds, f"{count} requests for {path} at the origin")

    def forget(self) -> None:
        """What was asked so far."""
        with self._lock:
            self._asked.clear()

    def answer_to(self, asked: Asked) -> Page:
        with self._lock:
            self._asked.append(asked)
            found = self._pages.get(asked.target) or self._pages.get(asked.path) or self._by_prefix(asked.path)
        if found is None:
            return Page(b"nothing here", 404)
        return found if isinstance(found, Page) else found(asked)

    def _by_prefix(self, path: str) -> Answer | None:
        prefixes = [where for where in self._pages if where.endswith("*") and path.startswith(where[:-1])]
        return self._pages[max(prefixes, key=len)] if prefixes else None


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self.origin.connections += 1
        self._open.add(request)
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        for one in list(self._open):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handle_error(self, request: object, client_address: object) -> None:
        """A worker that closes a connection is nothing to report."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def __getattr__(self, name: str) -> object:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        # Not self.path: that has one slash where several stood.
        target = self.requestline.split()[1]
        self.wfile.write(self.server.origin.early.get(target, b""))
        self.wfile.flush()
        asked = Asked(self.command, target, {name.lower(): value for name, value in self.headers.items()},
                      self._read_body(), time.monotonic())
        page = self.server.origin.answer_to(asked)
        if page.gate is not None:
            page.gate.wait(60)
        time.sleep(page.delay)
        if page.raw is not None:
            self.wfile.write(page.raw)
            self.wfile.flush()
            self.close_connection = not page.raw_stays
        elif page.cut_after == -1:
            self._reset()
        elif page.answers_304(asked):
            self._head(page, 304)
            self.wfile.flush()
        else:
            self._send(page)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return found

    def _head(self, page: Page, status: int) -> None:
        self.send_response_only(status)
        given = {name.lower() for name in page.headers}
        if "date" not in given:
            self.send_header("Date", self.date_time_string())
        for name, value in page.headers.items():
            self.send_header(name, value)
        if status not in (204, 304) and status >= 200:
            if page.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif not {"content-length", "transfer-encoding"} & given:
                self.send_header("Content-Length", str(len(page.body)))
        self.end_headers()

    def _send(self, page: Page) -> None:
        self._head(page, page.status)
        if self.command == "HEAD" or page.status in (204, 304):
            self.wfile.flush()
            return
        self.wfile.flush()
        sent = 0
        for piece in _pieces(page):
            if sent:
                time.sleep(page.pause)
            if page.cut_after is not None and sent + len(piece) > page.cut_after:
                self._write(piece[:page.cut_after - sent], page.chunked)
                self._reset()
                return
            self._write(piece, page.chunked)
            sent += len(piece)
            page.sent += len(piece)
        if page.chunked:
            trailers = "".join(f"{name}: {value}\r\n" for name, value in page.trailers.items())
            self.wfile.write(f"0\r\n{trailers}\r\n".encode())
        self.wfile.flush()

    def _write(self, piece: bytes, chunked: bool) -> None:
        if piece:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()

    def _reset(self) -> None:
        self.wfile.flush()
        # A reset, not an end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()
        self.close_connection = True


def _pieces(page: Page) -> Iterable[bytes]:
    size = max(1, -(-len(page.body) // max(1, page.pieces)))
    return [page.body[start:start + size] for start in range(0, len(page.body), size)]
