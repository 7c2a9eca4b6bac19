"""What operators do before a relay follows their database: its schema checked, made ready, and refused by name."""

from __future__ import annotations

import itertools
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Iterator

import pytest

from conftest import patient
from postgres_server import PostgresServer
from shoal_cli import FleetUnderTest, Make, eventually

TABLES = """
CREATE TABLE product (id int PRIMARY KEY, category_id int NOT NULL, "Odd'Name" text,
                      twice int GENERATED ALWAYS AS (id * 2) STORED);
CREATE UNLOGGED TABLE fleeting (id int PRIMARY KEY);
CREATE VIEW seen AS SELECT id FROM product;
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE);
CREATE TABLE sale (id int, region int, shop int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES IN (1);
CREATE TABLE sale_2 PARTITION OF sale FOR VALUES IN (2) PARTITION BY RANGE (id);
CREATE TABLE sale_2a PARTITION OF sale_2 FOR VALUES FROM (1) TO (1000);
"""
QUOTED = """
CREATE SCHEMA "Odd.Schema";
CREATE TABLE "Odd.Schema"."Tab ""le's" ("Id" int PRIMARY KEY, "O'Name" text);
INSERT INTO "Odd.Schema"."Tab ""le's" VALUES (1, 'one');
"""
QUOTED_RULE = {"table": "\"Odd.Schema\".\"Tab \"\"le's\"", "tags": ["it:{\"Id\"}", "name:{\"O'Name\"}"]}
BY_ID = {"table": "product", "tags": ["product:{id}"]}
BY_CATEGORY = {"table": "product", "tags": ["category:{category_id}"]}
_numbers = itertools.count(1)


class Database:
    """One of its own, with a slot of its own; what the operator's commands say of it."""

    def __init__(self, server: PostgresServer, program: Path, folder: Path, sql: str = TABLES) -> None:
        self.server, self.program = server, program
        self.name = f"shop_{next(_numbers)}"
        self.config = folder / f"{self.name}.json"
        self.views: list[dict[str, Any]] = []
        server.sql(f"CREATE DATABASE {self.name}")
        self.sql(sql)

    def sql(self, text: str) -> list[list[str]]:
        return self.server.sql(text, db=self.name)

    def section(self, rules: list[dict[str, Any]], user: str = "postgres") -> dict[str, Any]:
        return {"postgres": self.server.dsn_of(self.name, user), "slot": self.name, "rules": rules,
                "views": self.views}

    def run(self, command: str, rules: list[dict[str, Any]], *options: str, user: str = "postgres",
            code: int = 0) -> subprocess.CompletedProcess[str]:
        self.config.write_text(json.dumps({"services": {"relay": self.section(rules, user)}}))
        done = subprocess.run([self.program, command, "--config", self.config, *options], capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def refused(self, rules: list[dict[str, Any]], user: str = "postgres") -> list[tuple[str, str]]:
        """Text and SQL of what `check` refuses."""
        said = json.loads(self.run("check", rules, "--json", user=user, code=1).stdout)
        assert said["ok"] is False
        return [(one["text"], one["sql"]) for one in said["findings"] if one["severity"] == "refuse"]

    def state(self) -> list[list[str]]:
        """All that `setup` may change."""
        return [*self.sql("SELECT pubname, pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate "
                          "FROM pg_publication"),
                *self.sql("SELECT prrelid::regclass FROM pg_publication_rel ORDER BY 1"),
                *self.sql("SELECT oid::regclass FROM pg_class WHERE relreplident = 'f' ORDER BY 1"),
                *self.sql("SELECT slot_name, plugin FROM pg_replication_slots WHERE database = current_database()")]


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer() as found:
        yield found


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shoal-relay-") as found:
        yield Path(found)


@pytest.fixture(scope="module")
def checked(server: PostgresServer, binaries: Path, folder: Path) -> Database:
    """Its publication has all that it can have: what is refused is refused for another reason."""
    made = Database(server, binaries / "shoal-relay", folder)
    made.sql("CREATE PUBLICATION shoal FOR TABLE product, late, sale WITH (publish_via_partition_root = true)")
    return made


@pytest.fixture
def fresh(server: PostgresServer, binaries: Path, folder: Path) -> Database:
    return Database(server, binaries / "shoal-relay", folder)


@pytest.mark.parametrize("rule, text, sql", [
    ({"table": "nowhere", "tags": ["x:{id}"]}, "there is no table public.nowhere", ""),
    ({"table": "Product", "tags": ["x:{nmae}"]}, "public.product has no column nmae; it has id, category_id", ""),
    ({"table": "product", "tags": ["x:{\"odd'name\"}"]}, "did you mean \"Odd'Name\"", ""),
    ({"table": "product", "tags": ["x:{twice}"]}, "is a generated column", ""),
    (BY_CATEGORY, "the old values of category_id are not sent",
     "ALTER TABLE \"public\".\"product\" REPLICA IDENTITY FULL;"),
    ({"table": "fleeting", "tags": ["x:{id}"]}, "is unlogged", "ALTER TABLE \"public\".\"fleeting\" SET LOGGED;"),
    ({"table": "seen", "tags": ["x:{id}"]}, "is a view", ""),
    ({"table": "late", "tags": ["x:{id}"]}, "has no replica identity",
     "ALTER TABLE \"public\".\"late\" REPLICA IDENTITY FULL;"),
    ({"table": "sale_1", "tags": ["x:{id}"]}, "changes come under the name of public.sale", ""),
    ({"table": "sale_2a", "tags": ["x:{id}"]}, "changes come under the name of public.sale", ""),
    ({"table": "pg_catalog.pg_class", "tags": ["x"]}, "is PostgreSQL's own", ""),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_rule_that_would_miss_changes_is_refused(checked: Database, rule: dict[str, Any], text: str,
                                                   sql: str) -> None:
    [(said, helps)] = checked.refused([rule])
    assert text in said and helps == sql


VIEW = {"name": "product", "kind": "document", "key": ["id"], "query": "SELECT id, category_id FROM product",
        "changed_by": [{"table": "product", "key": ["id"]}]}


def changed_by_keys(keys: str) -> dict[str, Any]:
    """Of rows of another table; its values are in the change."""
    return {"changed_by": [*VIEW["changed_by"], {"table": "sale", "keys": keys, "from": ["id"]}]}


@pytest.mark.parametrize("view, text", [
    ({"query": "SELECT id, nmae FROM product"}, "the database refuses its query: ERROR:  column \"nmae\""),
    ({"query": "SELECT id FROM nowhere"}, "relation \"nowhere\" does not exist"),
    ({"query": "SELECT id, FROM product"}, "syntax error"),
    ({"query": "SELECT category_id FROM product"}, "the query returns no column id"),
    ({"kind": "set", "member": "name"}, "the query returns no column name"),
    ({"kind": "sorted_set", "member": "category_id", "score": "price"}, "the query returns no column price"),
    # No equality, so no entry could be found by it.
    ({"query": "SELECT '{}'::json AS id FROM product"}, "could not identify an equality operator for type json"),
    ({"changed_by": [{"table": "product", "key": ["category_id"]}]}, "the old values of category_id are not sent"),
    ({"changed_by": [{"table": "product", "key": ["nmae"]}]}, "public.product has no column nmae"),
    ({"changed_by": [{"table": "fleeting", "key": ["id"]}]}, "is unlogged"),
    (changed_by_keys("SELECT id, category_id FROM product WHERE id = $1"),
     "\"keys\" for public.sale returns 2 columns, the view's key has 1"),
    (changed_by_keys("SELECT id FROM product WHERE id = $1 AND category_id = $2"),
     "\"keys\" for public.sale takes 2 parameters, \"from\" has 1 columns"),
    (changed_by_keys("SELECT nmae FROM product WHERE id = $1"), "column \"nmae\" does not exist"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_view_that_can_not_be_kept_is_refused(checked: Database, view: dict[str, Any], text: str) -> None:
    checked.views = [{**VIEW, **view}]
    said = json.loads(checked.run("check", [], "--json", code=1).stdout)
    [found] = [one for one in said["findings"] if one["severity"] == "refuse"]
    checked.views = []
    assert text in found["text"] and "view product" in found["where"]


def test_views_that_hold_are_said_to_hold_once_their_role_may_read_them(checked: Database) -> None:
    checked.views = [VIEW]
    checked.sql("CREATE ROLE reader LOGIN REPLICATION")
    [(said, helps)] = checked.refused([], user="reader")
    assert "permission denied for table product" in said
    assert helps == "GRANT SELECT ON \"public\".\"product\" TO \"reader\";"
    checked.sql(helps)
    assert "0 rules and 1 views hold" in checked.run("check", [], user="reader").stdout
    checked.views = []


def test_rules_that_hold_are_said_to_hold(checked: Database) -> None:
    rules = [BY_ID, {"table": "sale", "tags": ["sale:{id}:{region}"]}]
    said = checked.run("check", rules).stdout
    assert f"2 rules hold in database {checked.name}" in said
    assert "warning: there is no slot" in said
    assert json.loads(checked.run("check", rules, "--json").stdout)["ok"] is True


def test_what_the_publication_leaves_out_is_refused(fresh: Database) -> None:
    [(said, helps)] = fresh.refused([BY_ID])
    assert "there is no publication shoal" in said
    assert helps.startswith("CREATE PUBLICATION \"shoal\" FOR TABLE \"public\"")
    fresh.sql("CREATE PUBLICATION shoal FOR TABLE sale WITH (publish = 'insert')")
    texts = [text for text, _ in fresh.refused([BY_ID])]
    assert "is not in the publication" in texts[0]
    assert "does not publish update, delete, truncate" in texts[1]
    [(said, _)] = fresh.refused([{"table": "sale", "tags": ["x:{id}"], "on": ["insert"]}])
    assert "under the names of its partitions" in said
    fresh.sql("ALTER PUBLICATION shoal SET (publish = 'insert, update, delete, truncate')")
    fresh.sql("ALTER PUBLICATION shoal SET TABLE product (id, \"Odd'Name\") WHERE (id > 5)")
    said_of = fresh.refused([{**BY_CATEGORY, "on": ["insert"]}])
    assert ["has a list of columns" in text for text, _ in said_of] == [True]
    found = json.loads(fresh.run("check", [BY_ID], "--json").stdout)["findings"]
    assert ["row filter" in one["text"] for one in found if one["rule"] == 0] == [True]


def test_a_table_is_published_by_its_schema_or_with_all_tables(fresh: Database) -> None:
    fresh.sql("CREATE PUBLICATION shoal FOR TABLES IN SCHEMA public")
    fresh.run("check", [BY_ID])
    fresh.sql("DROP PUBLICATION shoal; "
              "CREATE PUBLICATION shoal FOR ALL TABLES WITH (publish_via_partition_root = true)")
    fresh.run("check", [BY_ID, {"table": "sale", "tags": ["sale:{id}"]}])
    assert "under the name of public.sale" in fresh.refused([{"table": "sale_2a", "tags": ["x:{id}"]}])[0][0]


def test_tables_that_inherit_need_rules_of_their_own(fresh: Database) -> None:
    fresh.sql("CREATE TABLE book (isbn text, PRIMARY KEY (id)) INHERITS (product);"
              "CREATE TABLE novel (PRIMARY KEY (id)) INHERITS (book); CREATE PUBLICATION shoal FOR TABLE product")
    book, novel = ({"table": name, "tags": ["product:{id}"]} for name in ("book", "novel"))
    texts = [text for text, _ in fresh.refused([BY_ID])]
    assert [text.partition(",")[0] for text in texts] == ["rows of public.book", "rows of public.novel"]
    texts = [text for text, _ in fresh.refused([BY_ID, book])]
    assert [f"rows of public.novel, which inherits from public.{parent}, are seen through public.{parent}" in text
            for parent, text in zip(("product", "book"), texts, strict=True)] == [True, True]
    fresh.run("check", [BY_ID, book, novel])


def test_partitions_may_not_differ_from_their_table(fresh: Database) -> None:
    fresh.sql("CREATE PUBLICATION shoal FOR TABLE sale WITH (publish_via_partition_root = true)")
    fresh.sql("ALTER TABLE sale REPLICA IDENTITY FULL; ALTER TABLE sale_1 REPLICA IDENTITY FULL")
    [(said, helps)] = fresh.refused([{"table": "sale", "tags": ["x:{shop}"]}])
    assert said.startswith("public.sale_2a of public.sale has another replica identity")
    fresh.sql(helps)
    fresh.run("check", [{"table": "sale", "tags": ["x:{shop}"]}])
    fresh.sql("ALTER TABLE sale_2a SET UNLOGGED")
    [[said, *_], *_] = fresh.refused([{"table": "sale", "tags": ["x"]}])
    assert "public.sale_2a, a partition of public.sale, is unlogged" in said


def test_partitions_with_identities_over_other_columns_are_refused(fresh: Database) -> None:
    fresh.sql("ALTER TABLE sale ALTER shop SET NOT NULL; CREATE UNIQUE INDEX by_shop ON sale (shop, region, id);"
              "CREATE UNIQUE INDEX other ON sale_1 (id);"
              "ALTER TABLE sale REPLICA IDENTITY USING INDEX by_shop;"
              "ALTER TABLE sale_1 REPLICA IDENTITY USING INDEX sale_1_shop_region_id_idx;"
              "ALTER TABLE sale_2a REPLICA IDENTITY USING INDEX sale_2a_shop_region_id_idx;"
              "CREATE PUBLICATION shoal FOR TABLE sale WITH (publish_via_partition_root = true)")
    fresh.run("check", [{"table": "sale", "tags": ["x:{shop}"]}])
    fresh.sql("ALTER TABLE sale_1 REPLICA IDENTITY USING INDEX other")
    assert "public.sale_1 of public.sale has another" in fresh.refused([{"table": "sale", "tags": ["x:{shop}"]}])[0][0]


def test_old_values_of_a_partition_with_another_identity_look_like_null(fresh: Database) -> None:
    """Why these are refused: PostgreSQL says nothing, and sends a whole old row that is none."""
    fresh.sql("INSERT INTO sale VALUES (1, 1, 77); ALTER TABLE sale REPLICA IDENTITY FULL;"
              "CREATE PUBLICATION shoal FOR TABLE sale WITH (publish_via_partition_root = true)")
    fresh.sql(f"SELECT pg_create_logical_replication_slot('{fresh.name}', 'pgoutput')")
    fresh.sql("DELETE FROM sale")
    sent = fresh.sql(f"SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes('{fresh.name}', NULL, NULL, "
                     "'proto_version', '1', 'publication_names', 'shoal')")
    [deleted] = [bytes.fromhex(row[0]) for row in sent if row[0].startswith(b"D".hex())]
    assert deleted[5:] == b"O\0\x03" + 2 * b"t\0\0\0\x011" + b"n"


def test_setup_makes_a_database_ready_from_nothing_and_again_does_nothing(server: PostgresServer, binaries: Path,
                                                                         folder: Path) -> None:
    made = Database(server, binaries / "shoal-relay", folder, TABLES + QUOTED)
    rules = [QUOTED_RULE, BY_CATEGORY, {"table": "sale", "tags": ["shop:{shop}"]}]
    said = made.run("setup", rules).stdout
    assert f"Database {made.name} is ready" in said
    ready = made.state()
    assert ["shoal", "t", "t", "t", "t", "t"] in ready and [made.name, "pgoutput"] in ready
    assert [row[0] for row in ready].count("product") == 2, "in the publication, and with the whole row as its identity"
    assert [row[0] for row in ready].count("\"Odd.Schema\".\"Tab \"\"le's\"") == 2
    assert "3 rules hold" in made.run("check", rules).stdout
    assert made.run("setup", rules).stdout.startswith("There is nothing to do.")
    assert made.run("setup", rules, "--print").stdout.startswith("-- ")
    assert made.state() == ready


def test_setup_may_be_done_by_another_role_than_the_relays(fresh: Database) -> None:
    fresh.sql("CREATE ROLE modest LOGIN REPLICATION")
    try:
        fresh.run("setup", [BY_ID], user="modest", code=1)
        said = fresh.run("setup", [BY_ID], "--postgres", fresh.server.dsn_of(fresh.name), user="modest").stdout
        assert f"Database {fresh.name} is ready" in said
        assert "1 rules hold" in fresh.run("check", [BY_ID], user="modest").stdout
        refused = fresh.run("setup", [BY_ID], "--postgres", "host=/tmp password=secret", code=2).stderr
        assert "password" in refused and "secret" not in refused
    finally:
        fresh.sql("DROP ROLE modest")


def test_setup_adds_what_a_publication_lacks(fresh: Database) -> None:
    fresh.sql("CREATE PUBLICATION shoal FOR TABLE late WITH (publish = 'insert')")
    fresh.run("setup", [BY_ID, {"table": "sale", "tags": ["sale:{id}"]}])
    assert [row[0] for row in fresh.state()][1:] == ["product", "late", "sale", fresh.name]
    assert fresh.state()[0] == ["shoal", "t", "t", "t", "t", "t"]


def test_setup_prints_sql_that_does_the_same_and_changes_nothing_itself(fresh: Database) -> None:
    before = fresh.state()
    printed = fresh.run("setup", [BY_CATEGORY], "--print").stdout
    assert fresh.state() == before
    fresh.sql(printed)
    assert fresh.run("setup", [BY_CATEGORY]).stdout.startswith("There is nothing to do.")


def test_setup_does_nothing_while_a_rule_is_past_its_help(fresh: Database) -> None:
    before = fresh.state()
    error = fresh.run("setup", [BY_CATEGORY, {"table": "nowhere", "tags": ["x"]}], code=1).stderr
    assert "rules[1], public.nowhere: there is no table" in error and "Nothing was changed." in error
    assert fresh.state() == before


def test_setup_never_breaks_writers_whose_columns_a_publication_lists(fresh: Database) -> None:
    fresh.sql("CREATE PUBLICATION elsewhere FOR TABLE product (id); INSERT INTO product VALUES (1, 1)")
    error = fresh.run("setup", [BY_CATEGORY], code=1).stderr
    assert "while a publication lists columns" in error
    fresh.sql("UPDATE product SET category_id = 2")


def test_setup_makes_a_slot_anew_that_is_older_than_its_publication(fresh: Database) -> None:
    decode = (f"SELECT count(*) FROM pg_logical_slot_peek_binary_changes('{fresh.name}', NULL, NULL, 'proto_version', "
              "'1', 'publication_names', 'shoal')")
    fresh.sql(f"SELECT pg_create_logical_replication_slot('{fresh.name}', 'pgoutput')")
    fresh.sql("INSERT INTO product VALUES (1, 1)")
    fresh.run("setup", [BY_ID])
    fresh.sql("INSERT INTO product VALUES (2, 1)")
    assert int(fresh.sql(decode)[0][0]) > 0


def test_a_role_with_too_few_rights_is_told_what_it_needs(fresh: Database) -> None:
    fresh.sql("CREATE ROLE lowly LOGIN")
    before = fresh.state()
    error = fresh.run("setup", [BY_CATEGORY], user="lowly", code=1).stderr
    assert "permission denied for database" in error and "Nothing was changed." in error
    assert "'setup --help' says what the role needs" in error
    fresh.sql(f"GRANT CREATE ON DATABASE {fresh.name} TO lowly")
    error = fresh.run("setup", [BY_CATEGORY], user="lowly", code=1).stderr
    assert "must be owner of table product" in error
    assert fresh.state() == before
    fresh.sql("ALTER TABLE product OWNER TO lowly")
    error = fresh.run("setup", [BY_CATEGORY], user="lowly", code=1).stderr
    assert "replication" in error and "the slot is not" in error
    [(said, helps)] = fresh.refused([BY_CATEGORY], user="lowly")
    assert "connecting for replication" in said and helps == "ALTER ROLE \"lowly\" REPLICATION;"
    fresh.sql(helps)
    fresh.run("setup", [BY_CATEGORY], user="lowly")
    fresh.run("check", [BY_CATEGORY], user="lowly")


def test_setup_gives_up_on_a_table_that_somebody_writes_to_and_nothing_is_half_done(fresh: Database) -> None:
    # The publication can be made beside it, the replica identity can't.
    before = fresh.state()
    fresh.server.begin("BEGIN; LOCK TABLE product IN ROW EXCLUSIVE MODE; SELECT pg_sleep(60)", db=fresh.name)
    eventually(lambda: fresh.sql("SELECT 1 FROM pg_locks WHERE relation = 'product'::regclass AND granted"), 10,
               "it is held")
    error = fresh.run("setup", [BY_CATEGORY], code=1).stderr
    assert "A transaction holds the table" in error and fresh.state() == before
    # A slot, of any database, waits for all transactions that run.
    fresh.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
              "WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()")


def test_a_database_that_is_not_there_is_one_finding(fresh: Database) -> None:
    fresh.server.sql(f"DROP DATABASE {fresh.name}")
    [(said, _)] = fresh.refused([BY_ID])
    assert "connecting to the database" in said and "does not exist" in said
    assert "does not exist" in fresh.run("setup", [BY_ID], code=1).stderr


@pytest.mark.parametrize("words", [["check"], ["setup"], ["check", "--config"], ["setup", "--config", "x", "more"]])
def test_wrong_usage_ends_with_2(binaries: Path, words: list[str]) -> None:
    assert subprocess.run([binaries / "shoal-relay", *words], capture_output=True).returncode == 2


def test_help_says_which_rights_a_role_needs(binaries: Path) -> None:
    said = subprocess.run([binaries / "shoal-relay", "setup", "--help"], capture_output=True, text=True)
    assert said.returncode == 0
    assert "REPLICATION" in said.stdout and "GRANT CREATE ON DATABASE" in said.stdout


def test_a_relay_follows_only_rules_that_hold(make_fleet: Make, fresh: Database) -> None:
    """From a database of nothing, by the fleet's commands, until one follows; after a reload with other rules neither
    that one does, nor the other that waited for the slot."""
    fleet = make_fleet()
    fleet.up("--workers", "2", "--config", patient(fleet, {"relay": fresh.section([BY_CATEGORY])}))
    eventually(lambda: all("has no publication" in one["why"] for one in standings(fleet)), 10,
               "they say what they lack")
    assert json.loads(fleet.request("GET", "/v1/relay")[2]) == {"role": "disconnected"}, "clients are told no more"
    assert "there is no publication shoal" in fleet.run("relay", "check", code=1).stdout
    assert "CREATE PUBLICATION" in fleet.run("relay", "setup", "--print").stdout
    assert json.loads(fleet.run("relay", "check", "--json", code=1).stdout)["ok"] is False
    fleet.run("relay", "setup")
    assert "1 rules hold" in fleet.run("relay", "check").stdout
    eventually(lambda: roles(fleet) == ["active", "standby"], 10, "one follows")

    file = patient(fleet, {"relay": fresh.section([BY_CATEGORY, {"table": "late", "tags": ["late:{id}"]}])})
    fleet.run("reload", "--config", file)
    said = "rules[1]: public.late is not in the publication shoal. scripts/fleet relay check says the rest"
    eventually(lambda: all(one.get("why") == said for one in standings(fleet)), 10, "both say why they follow no more")
    assert roles(fleet) == ["disconnected", "disconnected"]
    fleet.run("relay", "setup")
    eventually(lambda: roles(fleet) == ["active", "standby"], 10, "one follows again")
    fleet.destroy()


def standings(fleet: FleetUnderTest) -> list[dict[str, Any]]:
    return [fleet.private(name, "/-/relay") for name in ("relay-1", "relay-2")]


def roles(fleet: FleetUnderTest) -> list[str]:
    return sorted(one["role"] for one in standings(fleet))
