"""Tables of every kind that a change may come from, rules for them, and how a page of each is shown."""

from __future__ import annotations

from sql_pages import Pages

SCHEMA = """
CREATE TABLE shelf (id int PRIMARY KEY, name text);
CREATE TABLE book (id int PRIMARY KEY, shelf_id int REFERENCES shelf, title text);
ALTER TABLE book REPLICA IDENTITY FULL;
INSERT INTO shelf SELECT n, 'shelf ' || n FROM generate_series(1, 9) n;
INSERT INTO book SELECT n, 1 + n % 9, 'book ' || n FROM generate_series(1, 99) n;

CREATE TABLE keyed (id int PRIMARY KEY, name text);
INSERT INTO keyed SELECT n, 'keyed ' || n FROM generate_series(1, 9) n;
CREATE TABLE pair (a int, b text, name text, PRIMARY KEY (a, b));
INSERT INTO pair SELECT n, 'b ' || n, 'pair ' || n FROM generate_series(1, 9) n;

CREATE TABLE long_full (id int PRIMARY KEY, slug text, body text, title text) WITH (toast_tuple_target = 128);
ALTER TABLE long_full ALTER slug SET STORAGE EXTERNAL, ALTER body SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
CREATE TABLE long_key (LIKE long_full INCLUDING ALL);
INSERT INTO long_full SELECT n, repeat('slug' || n, 80), repeat('body', 3000), 'title' FROM generate_series(1, 9) n;
INSERT INTO long_key TABLE long_full;
ALTER TABLE long_key REPLICA IDENTITY FULL;
CREATE TABLE swapped (id int PRIMARY KEY, name text);

CREATE TABLE parent (id int PRIMARY KEY, name text);
CREATE TABLE child (id int PRIMARY KEY, parent_id int REFERENCES parent);
CREATE TABLE lonely (id int PRIMARY KEY, name text);

CREATE TABLE event (id int, kind text, note text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
CREATE TABLE event_a PARTITION OF event FOR VALUES IN ('a');
CREATE TABLE event_b PARTITION OF event FOR VALUES IN ('b') PARTITION BY RANGE (id);
CREATE TABLE event_b_low PARTITION OF event_b FOR VALUES FROM (0) TO (100);
CREATE TABLE event_c (id int, kind text NOT NULL, note text, PRIMARY KEY (id, kind));
INSERT INTO event SELECT n, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END, 'note' FROM generate_series(1, 20) n;

CREATE SCHEMA "Odd.Schema";
CREATE TABLE "Odd.Schema"."Tab ""le.x" (id int PRIMARY KEY, "Col{umn} ""a.B" text);
ALTER TABLE "Odd.Schema"."Tab ""le.x" REPLICA IDENTITY FULL;
INSERT INTO "Odd.Schema"."Tab ""le.x" VALUES (1, 'one'), (2, 'two');
CREATE SCHEMA other;
CREATE TABLE other.book (LIKE book INCLUDING ALL);
INSERT INTO other.book VALUES (7, NULL, 'another book');

CREATE TABLE shifting (id int PRIMARY KEY, spare text, label text);
ALTER TABLE shifting REPLICA IDENTITY FULL;
INSERT INTO shifting SELECT n, 'spare', 'label' || n FROM generate_series(1, 9) n;

CREATE TABLE many (id int PRIMARY KEY, n int);
INSERT INTO many SELECT n, 0 FROM generate_series(1, 100) n;
CREATE TABLE big (id int PRIMARY KEY, n int, filler text DEFAULT repeat('x', 60));

CREATE PUBLICATION shoal FOR ALL TABLES WITH (publish_via_partition_root = true);
"""

_ODD = '"Odd.Schema"."Tab ""le.x"'

RULES = [
    {"table": "book", "tags": ["book:{id}", "shelf:{shelf_id}"]},
    {"table": "shelf", "tags": ["shelf:{id}"]},
    {"table": "keyed", "tags": ["keyed:{id}"]},
    {"table": "pair", "tags": ["pair:{a}/{b}"]},
    {"table": "long_full", "tags": ["long-full:{slug}"]},
    {"table": "long_key", "tags": ["long-key:{slug}"], "table_tag": "long-keys"},
    {"table": "parent", "tags": ["parent:{id}"], "table_tag": "parents"},
    {"table": "child", "tags": ["child:{id}"], "table_tag": "children"},
    {"table": "lonely", "tags": ["lonely:{id}"]},
    {"table": "event", "tags": ["event:{id}", "kind:{kind}"], "table_tag": "events"},
    {"table": _ODD, "tags": ['odd:{"Col{umn} ""a.B"}']},
    {"table": "other.book", "tags": ["other-book:{id}"]},
    {"table": "shifting", "tags": ["label:{label}"], "table_tag": "shifting"},
    {"table": "swapped", "tags": ["swapped:{id}"]},
    {"table": "many", "tags": ["many:{id}"], "table_tag": "all-many", "most_rows": 10},
    {"table": "big", "tags": ["big:{id}"], "table_tag": "all-big"},
]


def page_of(at: Pages, table: str, number: int, *tags: str, key: str = "id") -> str:
    """Of one row, as it is now."""
    return at.put(f"/{table}/{number}", f"SELECT * FROM {table} WHERE {key} = {number}", *tags)


def shelf_page(at: Pages, number: int) -> str:
    return at.put(f"/shelf/{number}", f"SELECT id, title FROM book WHERE shelf_id = {number} ORDER BY id",
                  f"shelf:{number}")


def slug_page(at: Pages, table: str, number: int, *tags: str) -> str:
    """Under no tag but its row's slug, and those."""
    prefix = table.replace("_", "-")
    query = f"FROM {table} WHERE id = {number}"
    return at.put(f"/{table}/{number}", f"SELECT left(slug, 20), length(body), title {query}", *tags,
                  tag_query=f"SELECT '{prefix}:', slug {query}")


def odd_page(at: Pages, value: str) -> str:
    return at.put(f"/odd/{value}", f"""SELECT * FROM {_ODD} WHERE "Col{{umn}} ""a.B" = '{value}'""", f"odd:{value}")


def change_odd(to: str, where: str) -> str:
    return f"""UPDATE {_ODD} SET "Col{{umn}} ""a.B" = '{to}' WHERE "Col{{umn}} ""a.B" = '{where}'"""
