"""A shop that is written and read all the time: each row by one thread, with a version that grows, so that a reader who
names a write knows what is older than it."""

from __future__ import annotations

import ast
import contextlib
import http.client
import json
import random
import threading
from dataclasses import dataclass
from typing import Any, Iterator

from cache_client import Answer, ask
from shoal_cli import FleetUnderTest
from sql_site import Shop, psycopg2
from written_views import VIEWS

CACHES = ("cache-1", "cache-2")
PRODUCTS, CATEGORIES = range(1, 41), range(1, 11)
SCHEMA = """
ALTER TABLE product ADD version bigint NOT NULL DEFAULT 0;
UPDATE product SET name = '0';
UPDATE category SET name = '0';
DELETE FROM product WHERE id > 30;
"""
_OF_PRODUCT = {"table": "product", "key": ["id"]}
CONFIGURED = [
    {"name": "product", "kind": "document", "key": ["id"],
     "query": "SELECT p.id, p.name, p.category_id, c.name AS category "
              "FROM product p JOIN category c ON c.id = p.category_id",
     "changed_by": [_OF_PRODUCT, {"table": "category", "keys": "SELECT id FROM product WHERE category_id = $1",
                                  "from": ["id"]}]},
    {"name": "facts", "kind": "hash", "key": ["id"], "query": "SELECT id, name, category_id FROM product",
     "changed_by": [_OF_PRODUCT]},
    {"name": "ranked", "kind": "sorted_set", "key": ["category_id"], "member": "id", "score": "version",
     "query": "SELECT category_id, id, version FROM product",
     "changed_by": [{"table": "product", "key": ["category_id"], "member": "id"}]},
]
PAGES = [*(f"/product/{n}" for n in PRODUCTS), *(f"/category/{n}" for n in CATEGORIES)]
ENTRIES = [*(f"{view}/{n}" for view in ("product", "facts") for n in PRODUCTS), *(f"ranked/{n}" for n in CATEGORIES)]
_WRITERS = 2
_AWAY = (OSError, http.client.HTTPException)


def entry(fleet: FleetUnderTest, of: str, worker: str | None, after: str | None = None) -> Answer:
    """Of a view, whole."""
    path = f"/v1/views/{of}" + ("?limit=1000" if of.startswith("ranked/") else "")
    return ask(fleet, path, worker, kind="sock", headers={"X-Shoal-After": after} if after else {}, timeout=5)


def entry_by_sql(at: Shop, of: str) -> Any:
    """Nothing where there is none."""
    view, _, number = of.partition("/")
    if view == "ranked":
        rows = at.ask("SELECT id, version FROM product WHERE category_id = %s ORDER BY version, id::text", number)
        return {"items": [{"member": str(one), "score": score} for one, score in rows]} if rows else None
    rows = at.ask("SELECT p.id, p.name, p.category_id, c.name FROM product p JOIN category c ON c.id = p.category_id "
                  "WHERE p.id = %s", number)
    if not rows:
        return None
    names = ("id", "name", "category_id", "category")
    if view == "product":
        return dict(zip(names, rows[0]))
    return {name: str(value) for name, value in zip(names[:3], rows[0])}


@dataclass(frozen=True)
class Write:
    """That was committed. A product without a category is deleted."""

    version: int
    token: str
    category: int | None = None


class Row:
    """`last` is committed; `left` is the latest version that was tried and takes the product out of its category."""

    def __init__(self, table: str, number: int) -> None:
        self.table, self.number = table, number
        self.version = self.left = 0
        self.last: Write | None = None


class Life:
    """Threads that go on until the test has seen enough, or one has seen what it must not."""

    def __init__(self, fleet: FleetUnderTest, at: Shop, rolls: random.Random) -> None:
        self.fleet, self.shop, self.rolls = fleet, at, rolls
        self.over = threading.Event()
        self.written = self.read = self.pages_after = self.entries_after = 0
        self.wrong: list[str] = []
        self.rows = [*(Row("product", n) for n in PRODUCTS), *(Row("category", n) for n in CATEGORIES)]

    def write(self, index: int, rolls: random.Random) -> None:
        own = self.rows[index::_WRITERS]
        rolls.shuffle(own)
        while not self.over.wait(0.005):
            # Some are seldom written: what of them is missed no later write makes up for.
            row = own[int(len(own) * rolls.random() ** 6)]
            row.version += 1
            with contextlib.suppress(psycopg2.Error):
                row.last = self._write(row, rolls)
                self.written += 1

    def _write(self, row: Row, rolls: random.Random) -> Write:
        category, version = None, row.version
        if row.table == "category":
            sql, values = "UPDATE category SET name = %s WHERE id = %s", (str(version), row.number)
        else:
            was = row.last.category if row.last else None
            what = rolls.random()
            if what > 0.15:
                category = was if was and what > 0.45 else rolls.choice(CATEGORIES)
            if category is None or category != was:
                row.left = version
            if category is None:
                sql, values = "DELETE FROM product WHERE id = %s", (row.number,)
            else:
                sql = ("INSERT INTO product (id, category_id, name, version) VALUES (%s, %s, %s, %s) ON CONFLICT (id) "
                       "DO UPDATE SET category_id = excluded.category_id, name = excluded.name, "
                       "version = excluded.version")
                values = (row.number, category, str(version), version)
        if rolls.random() < 0.5:
            token = f"{row.table}-{row.number}-{version}"
            self.shop.ask(f"{sql}; SELECT pg_logical_emit_message(true, 'shoal', %s)", *values, token)
        else:
            self.shop.ask(sql, *values)
            [[token]] = self.shop.ask("SELECT pg_current_wal_insert_lsn()::text")
        return Write(version, token, category)

    def visit(self, _: int, rolls: random.Random) -> None:
        while not self.over.is_set():
            with contextlib.suppress(*_AWAY):
                if rolls.random() < 0.7:
                    got = ask(self.fleet, rolls.choice(PAGES), rolls.choice((None, *CACHES)), timeout=5)
                else:
                    got = entry(self.fleet, rolls.choice(ENTRIES), rolls.choice((None, *VIEWS)))
                self.read += got[0] == 200

    def visit_after_writes(self, _: int, rolls: random.Random) -> None:
        while not self.over.is_set():
            row = rolls.choice(self.rows)
            if row.last is None:
                continue
            with contextlib.suppress(*_AWAY):
                if rolls.random() < 0.4:
                    self._read_page(row, row.last, rolls)
                else:
                    self._read_entry(row, row.last, rolls)

    def _read_page(self, row: Row, wrote: Write, rolls: random.Random) -> None:
        got = ask(self.fleet, f"/{row.table}/{row.number}", rolls.choice((None, *CACHES)),
                  headers={"X-Shoal-After": wrote.token}, timeout=5)
        if got[0] == 200:
            self.pages_after += 1
            shown = ast.literal_eval(got[2].decode())
            self._judge(row, wrote, int(shown[0][0]) if shown else None, got)

    def _read_entry(self, row: Row, wrote: Write, rolls: random.Random) -> None:
        worker = rolls.choice((None, *VIEWS))
        if row.table == "category":
            of = f"product/{rolls.choice(PRODUCTS)}"
        else:
            category = rolls.choice([wrote.category, rolls.choice(CATEGORIES)]) or 1
            of = rolls.choice([f"product/{row.number}", f"facts/{row.number}", f"ranked/{category}"])
        got = entry(self.fleet, of, worker, wrote.token)
        if got[0] not in (200, 404):
            return
        self.entries_after += 1
        shown = json.loads(got[2]) if got[0] == 200 else None
        if row.table == "category":
            if shown and shown["category_id"] == row.number:
                self._judge(row, wrote, int(shown["category"]), got)
        elif of.startswith("ranked/"):
            scores = {one["member"]: int(one["score"]) for one in shown["items"]} if shown else {}
            version = scores.get(str(row.number))
            if version is not None or of == f"ranked/{wrote.category}":
                self._judge(row, wrote, version, got)
        else:
            self._judge(row, wrote, int(shown["name"]) if shown else None, got)

    def _judge(self, row: Row, wrote: Write, version: int | None, got: Answer) -> None:
        """`version` is what the answer has; None where the row is not there."""
        if version is None:
            fresh = row.left > wrote.version or (row.left == wrote.version and wrote.category is None)
        else:
            fresh = version >= wrote.version
        if not fresh:
            self.wrong.append(f"{row.table} {row.number} after {wrote}: {got}")
            self.over.set()

    @contextlib.contextmanager
    def going_on(self) -> Iterator[None]:
        jobs = [*[self.write] * _WRITERS, *[self.visit] * 2, *[self.visit_after_writes] * 2]
        threads = [threading.Thread(target=job, args=(index, random.Random(self.rolls.randrange(1 << 30))))
                   for index, job in enumerate(jobs)]
        for each in threads:
            each.start()
        try:
            yield
        finally:
            self.over.set()
            for each in threads:
                each.join()
