"""The relay: whatever way a row of PostgreSQL changes, the pages that show it are fresh."""

from __future__ import annotations

from typing import Iterator

import pytest

from cache_client import purge
from postgres_server import PostgresServer
from relay_fleet import (RELAYS, active, active_pid, become_fresh, counted, keep, kept, pass_by, purges, relayed, stale,
                         standing)
from shoal_cli import FleetUnderTest, Make, eventually
from sql_changes import RULES, SCHEMA, change_odd, odd_page, page_of, shelf_page, slug_page
from sql_pages import Pages, pages_of

MOST_MEMORY_KB = 128 * 1024
MANY_ROWS = 500_000


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(settings={"max_wal_size": "4GB", "shared_buffers": "128MB"}) as found:
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


def is_told(fleet: FleetUnderTest, at: Pages, sql: str, *paths: str) -> None:
    """What is kept of these pages is stale after it, and then fresh."""
    keep(fleet, *paths)
    before = {path: at.truth(path) for path in paths}
    at.server.sql(sql)
    assert all(at.truth(path) != before[path] for path in paths), "it changes each of these pages"
    become_fresh(fleet, at, *paths)


def test_a_moved_foreign_key_makes_both_sides_fresh(fleet: FleetUnderTest, at: Pages) -> None:
    old, new, third = shelf_page(at, 2), shelf_page(at, 3), shelf_page(at, 4)
    keep(fleet, third)
    is_told(fleet, at, "UPDATE book SET shelf_id = 3 WHERE id = 1", old, new)
    assert kept(fleet, third)


def test_a_row_that_had_no_foreign_key_and_one_that_loses_it_change_one_side(fleet: FleetUnderTest, at: Pages) -> None:
    page = shelf_page(at, 5)
    at.server.sql("INSERT INTO book VALUES (1000, NULL, 'on no shelf')")
    is_told(fleet, at, "UPDATE book SET shelf_id = 5 WHERE id = 1000", page)
    is_told(fleet, at, "UPDATE book SET shelf_id = NULL WHERE id = 1000", page)


def test_rows_that_come_and_go_change_the_lists_that_they_are_in(fleet: FleetUnderTest, at: Pages) -> None:
    page = shelf_page(at, 6)
    is_told(fleet, at, "INSERT INTO book VALUES (1001, 6, 'new')", page)
    is_told(fleet, at, "DELETE FROM book WHERE id = 1001", page)
    is_told(fleet, at, "INSERT INTO book VALUES (5, 6, 'upsert') ON CONFLICT (id) DO UPDATE SET title = excluded.title",
            page)
    is_told(fleet, at, "MERGE INTO book USING (VALUES (5)) AS v (id) ON book.id = v.id WHEN MATCHED THEN DELETE", page)
    is_told(fleet, at, "COPY book FROM STDIN;\n5\t6\tcopied\n\\.\n", page)


def test_a_changed_primary_key_makes_the_old_and_the_new_page_fresh(fleet: FleetUnderTest, at: Pages) -> None:
    old, new = page_of(at, "keyed", 1, "keyed:1"), page_of(at, "keyed", 101, "keyed:101")
    is_told(fleet, at, "UPDATE keyed SET id = 101 WHERE id = 1", old, new)
    a, b = (at.put(f"/pair/{n}", f"SELECT * FROM pair WHERE a = 1 AND b = 'b {n}'", f"pair:1/b%20{n}") for n in (1, 2))
    is_told(fleet, at, "UPDATE pair SET b = 'b 2' WHERE a = 1", a, b)


@pytest.mark.parametrize("what", ["title = 'new'", "body = repeat('new', 2000)", "slug = repeat('new1', 80)",
                                  "slug = 'short', title = 'both'"])
def test_with_the_whole_row_as_identity_long_values_are_known_whether_they_change(fleet: FleetUnderTest, at: Pages,
                                                                                  what: str) -> None:
    page, other = slug_page(at, "long_full", 1), slug_page(at, "long_full", 2)
    keep(fleet, other)
    unknown = counted(fleet, "rows_unknown")
    is_told(fleet, at, f"UPDATE long_full SET {what} WHERE id = 1", page)
    assert kept(fleet, other)
    assert counted(fleet, "rows_unknown") == unknown


def test_a_long_value_that_is_not_sent_is_made_up_for_by_the_tables_tag(fleet: FleetUnderTest, at: Pages) -> None:
    page, alone = slug_page(at, "long_key", 1, "long-keys"), page_of(at, "keyed", 2, "keyed:2")
    keep(fleet, alone)
    unknown = counted(fleet, "rows_unknown")
    # While it is attached; it would not follow such a table from the beginning.
    at.server.sql("ALTER TABLE long_key REPLICA IDENTITY DEFAULT")
    try:
        is_told(fleet, at, "UPDATE long_key SET title = 'new' WHERE id = 1", page)
        is_told(fleet, at, "UPDATE long_key SET slug = repeat('changed', 50) WHERE id = 1", page)
    finally:
        at.server.sql("ALTER TABLE long_key REPLICA IDENTITY FULL")
    assert kept(fleet, alone)
    assert counted(fleet, "rows_unknown") == unknown + 2


def test_truncate_of_one_table_of_several_and_of_those_that_refer_to_it(fleet: FleetUnderTest, at: Pages) -> None:
    pages = [page_of(at, "parent", 1, "parents"), page_of(at, "child", 1, "children"),
             page_of(at, "lonely", 1, "table:public.lonely")]
    fill = ("INSERT INTO parent VALUES (1, 'parent') ON CONFLICT DO NOTHING; INSERT INTO child VALUES (1, 1) "
            "ON CONFLICT DO NOTHING; INSERT INTO lonely VALUES (1, 'x') ON CONFLICT DO NOTHING;")
    for sql, paths in (("TRUNCATE child", pages[1:2]), ("TRUNCATE lonely, child RESTART IDENTITY", pages[1:]),
                       ("TRUNCATE parent CASCADE", pages[:2]),
                       ("BEGIN; DELETE FROM child; TRUNCATE lonely; COMMIT", pages[1:])):
        at.server.sql(fill)
        pass_by(fleet, at.server)
        is_told(fleet, at, sql, *paths)


def test_rows_of_partitions_are_rows_of_their_table(fleet: FleetUnderTest, at: Pages) -> None:
    page = page_of(at, "event", 30, "event:30")
    a, b = (at.put(f"/kind/{kind}", f"SELECT id, note FROM event WHERE kind = '{kind}' ORDER BY id", f"kind:{kind}")
            for kind in "ab")
    is_told(fleet, at, "INSERT INTO event VALUES (30, 'a', 'through the root')", page, a)
    is_told(fleet, at, "UPDATE event SET kind = 'b' WHERE id = 30", page, a, b)
    is_told(fleet, at, "UPDATE event_b_low SET note = 'in a partition' WHERE id = 30", page, b)
    is_told(fleet, at, "DELETE FROM event_b WHERE id = 30", page, b)
    is_told(fleet, at, "INSERT INTO event_b_low VALUES (30, 'b', 'into the leaf')", page, b)
    everything = at.put("/events", "SELECT count(*) FROM event", "events")
    is_told(fleet, at, "TRUNCATE event", everything)


@pytest.mark.parametrize("how", ["ALTER TABLE event ATTACH PARTITION event_c FOR VALUES IN ('c')",
                                 "TRUNCATE event_c", "ALTER TABLE event DETACH PARTITION event_c"])
def test_partitions_that_come_and_go_are_in_no_stream_and_need_a_purge_by_hand(fleet: FleetUnderTest, at: Pages,
                                                                               how: str) -> None:
    at.server.sql("INSERT INTO event_c SELECT n, 'c', 'note' FROM generate_series(1, 5) n ON CONFLICT DO NOTHING")
    pass_by(fleet, at.server)
    everything = at.put("/kind/c", "SELECT count(*) FROM event WHERE kind = 'c'", "kind:c", "events")
    keep(fleet, everything)
    at.server.sql(how)
    pass_by(fleet, at.server)
    assert len(stale(fleet, at, [everything])) == 2, "PostgreSQL tells, so this can be promised now"
    purge(fleet, tags=["events"])
    become_fresh(fleet, at, everything)


@pytest.mark.parametrize("how", ["ALTER TABLE swapped ADD COLUMN added int DEFAULT 7",
                                 "ALTER TABLE swapped ALTER COLUMN name TYPE text USING upper(name)",
                                 "ALTER TABLE swapped RENAME TO away; ALTER TABLE spare RENAME TO swapped",
                                 "DROP TABLE swapped"])
def test_definitions_that_change_what_rows_show_need_a_purge_by_hand_too(fleet: FleetUnderTest, at: Pages,
                                                                         how: str) -> None:
    at.server.sql("DROP TABLE IF EXISTS swapped, spare, away; CREATE TABLE swapped (id int PRIMARY KEY, name text); "
                  "INSERT INTO swapped VALUES (1, 'row'); CREATE TABLE spare (LIKE swapped INCLUDING ALL)")
    pass_by(fleet, at.server)
    page = at.put("/swapped", "SELECT * FROM swapped", "swapped:1", "table:public.swapped")
    keep(fleet, page)
    at.server.sql(how)
    pass_by(fleet, at.server)
    assert kept(fleet, page), "PostgreSQL tells, so this can be promised now"
    purge(fleet, tags=["table:public.swapped"])
    assert not kept(fleet, page)


def test_a_table_that_took_another_ones_name_has_its_rules(fleet: FleetUnderTest, at: Pages) -> None:
    at.server.sql("DROP TABLE IF EXISTS swapped, spare, away; CREATE TABLE swapped (id int PRIMARY KEY, name text); "
                  "CREATE TABLE spare (LIKE swapped INCLUDING ALL); INSERT INTO spare VALUES (1, 'row'); "
                  "DROP TABLE swapped; ALTER TABLE spare RENAME TO swapped")
    pass_by(fleet, at.server)
    page = page_of(at, "swapped", 1, "swapped:1")
    is_told(fleet, at, "UPDATE swapped SET name = 'changed' WHERE id = 1", page)


def test_names_with_quotes_dots_braces_and_upper_case(fleet: FleetUnderTest, at: Pages) -> None:
    one, three, two = odd_page(at, "one"), odd_page(at, "three"), odd_page(at, "two")
    keep(fleet, two)
    is_told(fleet, at, change_odd("three", "one"), one, three)
    assert kept(fleet, two)


def test_a_table_of_another_schema_is_another_table(fleet: FleetUnderTest, at: Pages) -> None:
    here, there = page_of(at, "book", 7, "book:7"), page_of(at, "other.book", 7, "other-book:7")
    keep(fleet, here)
    is_told(fleet, at, "UPDATE other.book SET title = 'changed' WHERE id = 7", there)
    assert kept(fleet, here)


def test_the_definition_of_a_table_may_change_in_mid_stream(fleet: FleetUnderTest, at: Pages) -> None:
    page, other = (at.put(f"/shifting/{number}", f"SELECT * FROM shifting WHERE id = {number}", f"label:label{number}")
                   for number in (1, 2))
    keep(fleet, other)
    for number, ddl in enumerate(("ADD COLUMN added int DEFAULT 7", "DROP COLUMN spare",
                                  "ALTER COLUMN added TYPE text", "REPLICA IDENTITY DEFAULT, REPLICA IDENTITY FULL",
                                  "ALTER COLUMN label TYPE varchar(80)")):
        at.server.sql(f"ALTER TABLE shifting {ddl}")
        is_told(fleet, at, f"UPDATE shifting SET added = '{number}' WHERE id = 1", page)
    is_told(fleet, at, "BEGIN; UPDATE shifting SET added = 'before' WHERE id = 1; "
                       "ALTER TABLE shifting ADD COLUMN x int; UPDATE shifting SET x = 1 WHERE id = 1; COMMIT", page)
    assert kept(fleet, other), "the definition alone purges nothing"


def test_a_renamed_column_that_a_rule_names_keeps_the_relay_away_until_it_is_there_again(fleet: FleetUnderTest,
                                                                                          at: Pages) -> None:
    page = at.put("/shifting/3", "SELECT * FROM shifting WHERE id = 3", "label:label3", "shifting")
    unknown = counted(fleet, "rows_unknown")
    at.server.sql("ALTER TABLE shifting RENAME COLUMN label TO caption")
    is_told(fleet, at, "UPDATE shifting SET caption = 'changed' WHERE id = 3", page)
    assert counted(fleet, "rows_unknown") == unknown + 1, "the table's tag stands in for the row's"
    eventually(lambda: any("label" in standing(fleet, name).get("why", "") for name in RELAYS), 10, "they say why")
    assert active(fleet) is None
    keep(fleet, page)
    at.server.sql("UPDATE shifting SET caption = 'missed' WHERE id = 3")
    at.server.sql("ALTER TABLE shifting RENAME COLUMN caption TO label")
    eventually(lambda: active(fleet), 20, "a relay follows again")
    become_fresh(fleet, at, page)
    is_told(fleet, at, "UPDATE shifting SET label = 'label3' WHERE id = 3", page)


def test_a_transaction_of_too_many_rows_purges_the_tables_tag_alone(fleet: FleetUnderTest, at: Pages) -> None:
    page, row_alone = page_of(at, "many", 1, "many:1", "all-many"), at.put("/many/row", "SELECT 1", "many:2")
    few = "UPDATE many SET n = n + 1 WHERE id <= 10"
    collapsed = counted(fleet, "rows_collapsed")
    keep(fleet, row_alone)
    is_told(fleet, at, "UPDATE many SET n = n + 1 WHERE id <= 11", page)
    assert kept(fleet, row_alone), "its row's own tag is not purged"
    assert counted(fleet, "rows_collapsed") == collapsed + 11
    is_told(fleet, at, few, page)
    assert not kept(fleet, row_alone)
    assert counted(fleet, "rows_collapsed") == collapsed + 11


def most_memory_kb(pid: int) -> int:
    [line] = [line for line in open(f"/proc/{pid}/status") if line.startswith("VmHWM")]
    return int(line.split()[1])


def test_an_update_of_very_many_rows_needs_little_memory(fleet: FleetUnderTest, at: Pages) -> None:
    at.server.sql(f"INSERT INTO big SELECT n, 0 FROM generate_series(1, {MANY_ROWS}) n", timeout=600)
    eventually(lambda: counted(fleet, "rows_collapsed") >= MANY_ROWS, 60, "they are received")
    pages = [page_of(at, "big", number, f"big:{number}", "all-big") for number in (1, MANY_ROWS)]
    keep(fleet, *pages)
    pid, rows, entries = active_pid(fleet), counted(fleet, "rows"), purges(fleet)
    at.server.sql("UPDATE big SET n = n + 1", timeout=600)
    eventually(lambda: counted(fleet, "rows") >= rows + MANY_ROWS, 120, "all of its rows are received")
    become_fresh(fleet, at, *pages)
    assert active_pid(fleet) == pid
    assert most_memory_kb(pid) < MOST_MEMORY_KB
    assert purges(fleet) <= entries + 2, "once before it could be seen, and once after"
