"""A shop whose pages are made of a database's rows: what the relay has to keep the cache true to."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Any, Iterator

import pytest

from origin_server import Asked, Origin, Page
from postgres_server import PostgresServer

psycopg2 = pytest.importorskip("psycopg2", reason="needs python3-psycopg2 (scripts/bootstrap test)")

SCHEMA = """
CREATE TABLE category (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE product (id int PRIMARY KEY, category_id int NOT NULL REFERENCES category, name text NOT NULL);
ALTER TABLE product REPLICA IDENTITY FULL;
INSERT INTO category SELECT n, 'category ' || n FROM generate_series(1, 10) n;
INSERT INTO product SELECT n, 1 + n % 10, 'product ' || n FROM generate_series(1, 100) n;
CREATE PUBLICATION shoal FOR ALL TABLES;
"""

RULES = [
    {"table": "product", "tags": ["product:{id}", "category:{category_id}"], "table_tag": "products"},
    {"table": "category", "tags": ["category:{id}"], "table_tag": "categories"},
]


class Database:
    """Asked from any thread, on a connection of that thread's."""

    def __init__(self, server: PostgresServer, db: str = "postgres") -> None:
        self.server, self.db = server, db
        self._own = threading.local()

    def ask(self, query: str, *values: Any) -> list[Any]:
        """Asks again on a new connection where the database was away since: once, and only what changes nothing."""
        had_one = self._connection() is not None
        try:
            return self._ask(query, values)
        except psycopg2.OperationalError:
            if not had_one or not query.startswith("SELECT"):
                raise
        return self._ask(query, values)

    def _connection(self) -> Any:
        return getattr(self._own, "connection", None)

    def _ask(self, query: str, values: tuple[Any, ...]) -> list[Any]:
        if self._connection() is None:
            self._own.connection = psycopg2.connect(self.server.dsn_of(self.db))
            self._own.connection.autocommit = True
            self._own.connection.set_client_encoding("UTF8")
        try:
            with self._own.connection.cursor() as cursor:
                cursor.execute(query, values or None)
                return list(cursor.fetchall()) if cursor.description else []
        except psycopg2.Error:
            self._own.connection.close()
            self._own.connection = None
            raise


class Shop(Database):
    """Pages /product/N and /category/N, each with its tags."""

    def truth(self, path: str) -> str:
        kind, _, number = path[1:].partition("/")
        if kind == "product":
            rows = self.ask("SELECT name, category_id FROM product WHERE id = %s", number)
        else:
            rows = self.ask("SELECT c.name, p.id, p.name FROM category c LEFT JOIN product p ON p.category_id = c.id "
                            "WHERE c.id = %s ORDER BY p.id", number)
        return repr(rows)

    def page(self, asked: Asked) -> Page:
        try:
            body = self.truth(asked.path)
        except psycopg2.Error:
            return Page(b"no database", status=503)
        kind, _, number = asked.path[1:].partition("/")
        tags = f"{kind}:{number} {'products' if kind == 'product' else 'products categories'}"
        return Page(body.encode(), headers={"Cache-Control": "max-age=600", "Surrogate-Key": tags})


@contextmanager
def shop(server: PostgresServer) -> Iterator[tuple[Shop, Origin]]:
    server.sql(SCHEMA)
    made = Shop(server)
    with Origin() as origin:
        origin.put("/product/*", made.page)
        origin.put("/category/*", made.page)
        yield made, origin
