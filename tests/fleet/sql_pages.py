"""Pages that show the rows of one query each, under tags that a test chooses: the rows are the truth of the body."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator

from origin_server import Asked, Origin, Page
from postgres_server import PostgresServer
from sql_site import Database, psycopg2


def encoded(text: str) -> str:
    """A column's value as it stands in a tag: what separates tags, controls, and % itself."""
    return "".join(f"%{ord(one):02X}" if ord(one) <= 0x20 or one in "\x7f,%" else one for one in text)


@dataclass(frozen=True)
class _Shown:
    query: str
    tags: tuple[str, ...]
    tag_query: str


class Pages(Database):
    def __init__(self, server: PostgresServer, origin: Origin, db: str = "postgres") -> None:
        super().__init__(server, db)
        self.origin = origin
        self._shown: dict[str, _Shown] = {}

    def put(self, path: str, query: str, *tags: str, tag_query: str = "") -> str:
        """`tag_query` gives more tags: rows of a prefix and a value. Returns the path."""
        self._shown[path] = _Shown(query, tags, tag_query)
        self.origin.put(path, self._page)
        return path

    def truth(self, path: str) -> str:
        return repr(self.ask(self._shown[path].query))

    def _page(self, asked: Asked) -> Page:
        shown = self._shown[asked.path]
        try:
            body = self.truth(asked.path)
            made = self.ask(shown.tag_query) if shown.tag_query else []
        except psycopg2.Error as error:
            return Page(str(error).encode(), status=503)
        tags = [*shown.tags, *(prefix + encoded(value) for prefix, value in made if value is not None)]
        # Python's server takes a header field as Latin-1.
        field = " ".join(tags).encode().decode("latin-1")
        return Page(body.encode(), headers={"Cache-Control": "max-age=600", "Surrogate-Key": field})


@contextmanager
def pages_of(server: PostgresServer, schema: str, db: str = "postgres") -> Iterator[Pages]:
    server.sql(schema, db)
    with Origin() as origin:
        yield Pages(server, origin, db)
