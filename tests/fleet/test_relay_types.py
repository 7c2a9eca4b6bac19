"""The relay: a tag has the text that PostgreSQL sends of a value, of whatever type, in whatever database."""

from __future__ import annotations

import json
from typing import Iterator

import pytest

from conftest import patient
from postgres_server import PostgresServer
from relay_fleet import RELAYS, active, become_fresh, counted, keep, kept, pass_by, relayed, section, standing
from shoal_cli import FleetUnderTest, Make, eventually
from sql_pages import Pages, encoded, pages_of

# Of each type: how it is declared, two values, and the text of the first.
TYPES = {
    "int": ("int", "-1", "2", "-1"),
    "bigint": ("bigint", "9223372036854775807", "-5", "9223372036854775807"),
    "numeric": ("numeric", "1.50", "1.5", "1.50"),
    "float": ("double precision", "0.1 + 0.2::float8", "1e300", "0.30000000000000004"),
    "text": ("text", "'Müsli, 5 % off'", "'m'", "Müsli, 5 % off"),
    "empty": ("text", "''", "'not'", ""),
    "varchar": ("varchar(20)", "E'tab\\tand\\nline'", "'v'", "tab\tand\nline"),
    "char": ("char(5)", "'ab'", "'cd'", "ab   "),
    "uuid": ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
             "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    "bool": ("bool", "true", "false", "t"),
    "date": ("date", "'2026-02-03'", "'infinity'", "2026-02-03"),
    "time": ("time", "'03:04'", "'03:05'", "03:04:00"),
    "timestamp": ("timestamp", "'2026-02-03 04:05:06.7'", "'2026-02-03'", "2026-02-03 04:05:06.7"),
    "timestamptz": ("timestamptz", "'2026-02-03 04:05:06+00'", "'2026-07-03 04:05:06+00'", "2026-02-03 04:05:06+00"),
    "interval": ("interval", "'1 day 2 hours'", "'1 year'", "1 day 02:00:00"),
    "bytea": ("bytea", "'\\xdeadbeef'", "'\\x00'", "\\xdeadbeef"),
    "jsonb": ("jsonb", """'{"b":1, "a":[1,2]}'""", "'null'", '{"a": [1, 2], "b": 1}'),
    "json": ("json", """'{"b":1, "a":2}'""", "'null'", '{"b":1, "a":2}'),
    "enum": ("mood", "'So so'", "'good'", "So so"),
    "domain": ("price", "9.90", "1", "9.90"),
    "array": ("text[]", "ARRAY['a b', NULL, 'c']", "ARRAY[]::text[]", '{"a b",NULL,c}'),
    "citext": ("citext", "'Shop'", "'other'", "Shop"),
    "inet": ("inet", "'10.0.0.1'", "'10.0.0.0/8'", "10.0.0.1"),
    "range": ("int4range", "'[1,5]'", "'empty'", "[1,6)"),
}
_COLUMNS = ", ".join(f"of_{name} {made}" for name, (made, *_) in TYPES.items())
_ROWS = ", ".join(f"({row}, {', '.join(one[row] for one in TYPES.values())})" for row in (1, 2))
SCHEMA = f"""
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('So so', 'good');
CREATE DOMAIN price AS numeric(10, 2) CHECK (value >= 0);
CREATE TABLE typed (id int PRIMARY KEY, {_COLUMNS}, note text);
ALTER TABLE typed REPLICA IDENTITY FULL;
INSERT INTO typed VALUES {_ROWS};
CREATE TABLE nothing (id int PRIMARY KEY, {_COLUMNS}, note text);
ALTER TABLE nothing REPLICA IDENTITY FULL;
INSERT INTO nothing VALUES (1), (2);
CREATE PUBLICATION shoal FOR ALL TABLES;
"""
_TAGS = [f"{name}:{{of_{name}}}" for name in TYPES]
RULES = [{"table": "typed", "tags": _TAGS}, {"table": "nothing", "tags": [f"none-{tag}" for tag in _TAGS]}]

# What a server says of times and the like in its own words; the tags do not depend on it.
FOREIGN = {"TimeZone": "Asia/Kolkata", "DateStyle": "German", "IntervalStyle": "iso_8601", "bytea_output": "escape",
           "extra_float_digits": "-10"}

TOWN = """
SET client_encoding = UTF8;
CREATE TABLE town (id int PRIMARY KEY, name text);
ALTER TABLE town REPLICA IDENTITY FULL;
INSERT INTO town VALUES (1, 'Köln'), (2, 'Ulm');
CREATE PUBLICATION shoal FOR ALL TABLES;
"""
TOWN_RULES = [{"table": "town", "tags": ["town:{name}"]}]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(settings=FOREIGN) as found:
        yield found


@pytest.fixture(scope="module")
def stage(make_fleet: Make, server: PostgresServer) -> Iterator[tuple[FleetUnderTest, Pages]]:
    with pages_of(server, SCHEMA) as at, relayed(make_fleet, server.dsn, RULES, at.origin.url) as fleet:
        yield fleet, at


@pytest.fixture
def fleet(stage: tuple[FleetUnderTest, Pages]) -> FleetUnderTest:
    return stage[0]


@pytest.fixture
def at(stage: tuple[FleetUnderTest, Pages]) -> Pages:
    return stage[1]


def typed_page(at: Pages, table: str, name: str, row: int, *tags: str) -> str:
    return at.put(f"/{table}/{name}/{row}", f"SELECT note FROM {table} WHERE id = {row}", *tags)


def test_of_every_type_the_tag_has_the_text_that_is_documented(fleet: FleetUnderTest, at: Pages) -> None:
    pages = [typed_page(at, "typed", name, 1, f"{name}:{encoded(text)}") for name, (*_, text) in TYPES.items()]
    others = [typed_page(at, "typed", name, 2, f"{name}:other") for name in TYPES]
    keep(fleet, *pages, *others)
    at.server.sql("UPDATE typed SET note = 'changed' WHERE id = 1")
    become_fresh(fleet, at, *pages)
    assert all(kept(fleet, path) for path in others)


def test_what_an_origin_gets_by_format_is_the_same_text(at: Pages) -> None:
    settings = ("SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; "
                "SET bytea_output = 'hex'; SET extra_float_digits = 1; ")
    for name, (*_, text) in TYPES.items():
        [[shown]] = at.ask(f"{settings} SELECT format('%s', of_{name}) FROM typed WHERE id = 1")
        assert shown == text, name


@pytest.mark.parametrize("name, cast", [("char", "ab"), ("bool", "true")])
def test_a_cast_to_text_is_not_what_is_sent_of_these(at: Pages, name: str, cast: str) -> None:
    assert at.ask(f"SELECT of_{name}::text FROM typed WHERE id = 1") == [(cast,)]
    assert TYPES[name][3] != cast


def test_an_empty_text_is_a_value(fleet: FleetUnderTest, at: Pages) -> None:
    page = typed_page(at, "typed", "empty", 1, "empty:")
    keep(fleet, page)
    at.server.sql("UPDATE typed SET note = 'changed again', of_empty = 'not' WHERE id = 1")
    become_fresh(fleet, at, page)
    at.server.sql("UPDATE typed SET of_empty = '' WHERE id = 1")


def test_a_value_in_the_place_of_null_makes_its_tag_and_null_makes_none(fleet: FleetUnderTest, at: Pages) -> None:
    columns = ", ".join(f"of_{name}" for name in TYPES)
    pages = [typed_page(at, "nothing", name, 1, f"none-{name}:{encoded(text)}") for name, (*_, text) in TYPES.items()]
    filled = f"SELECT {columns}, 'filled' FROM typed WHERE id = 1"
    for sql in (f"UPDATE nothing SET ({columns}, note) = ({filled}) WHERE id = 1", "DELETE FROM nothing WHERE id = 1"):
        keep(fleet, *pages)
        at.server.sql(sql)
        become_fresh(fleet, at, *pages)
    pass_by(fleet, at.server)
    writes = counted(fleet, "writes")
    at.server.sql("UPDATE nothing SET note = 'still nothing' WHERE id = 2")
    pass_by(fleet, at.server)
    assert counted(fleet, "writes") == writes


def follow(fleet: FleetUnderTest, dsn: str, slot: str) -> None:
    """Another database, from here on."""
    fleet.run("reload", "--config", patient(fleet, section(dsn, TOWN_RULES, slot=slot)))


def make_database(server: PostgresServer, name: str, encoding: str) -> None:
    server.sql(f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")


def test_texts_of_a_database_of_another_encoding_become_utf8(fleet: FleetUnderTest, at: Pages) -> None:
    make_database(at.server, "latin", "LATIN1")
    at.server.sql(TOWN, "latin")
    follow(fleet, at.server.dsn_of("latin"), "latin")
    eventually(lambda: standing(fleet, active(fleet) or "").get("slot") == "latin", 10, "it is followed")
    there = Pages(at.server, at.origin, "latin")
    pages = [there.put(f"/town/{n}", f"SELECT * FROM town WHERE id = {n}", f"town:{name}")
             for n, name in ((1, "Köln"), (2, "Ulm"))]
    keep(fleet, *pages)
    at.server.sql("SET client_encoding = UTF8; UPDATE town SET name = 'Kölle' WHERE id = 1", "latin")
    become_fresh(fleet, there, *pages)
    assert kept(fleet, "/town/2")


def test_a_database_whose_texts_are_of_no_encoding_is_refused(fleet: FleetUnderTest, at: Pages) -> None:
    make_database(at.server, "ascii", "SQL_ASCII")
    at.server.sql(TOWN, "ascii")
    follow(fleet, at.server.dsn_of("ascii"), "ascii")
    eventually(lambda: all("SQL_ASCII" in standing(fleet, relay).get("why", "") for relay in RELAYS), 5, "it is said")
    assert {standing(fleet, relay)["role"] for relay in RELAYS} == {"disconnected"}
    assert not at.server.sql("SELECT FROM pg_replication_slots WHERE slot_name = 'ascii'"), "it left nothing there"
    shown = json.loads(fleet.run("relay", "status", "--json").stdout)["workers"]["relay-1"]["why"]
    assert "make one of UTF8" in shown
