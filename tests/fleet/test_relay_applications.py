"""Databases that this project did not write, driven by their own writers, while the cache serves pages of them: pgbench
with its schema, and Django. The auditor finds nothing, and once it is quiet everything kept is what the database has."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Iterator, Sequence

from cache_client import ask, hold
from conftest import patient
from django_site import django, needs_django
from origin_server import Origin
from postgres_server import PostgresServer
from proof import dice
from relay_fleet import CACHES, Rule, active, become_fresh, pass_by
from shoal_cli import FleetUnderTest, Make, eventually
from sql_pages import Pages
from test_relay_audit import audits, found
from test_relay_views import states

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
PGBENCH_RULES: list[Rule] = [
    {"table": "pgbench_accounts", "tags": ["account:{aid}"]},
    {"table": "pgbench_tellers", "tags": ["teller:{tid}"]},
    {"table": "pgbench_branches", "tags": ["branch:{bid}"]},
    {"table": "pgbench_history", "on": ["insert", "truncate"], "tags": ["history:{aid}"], "table_tag": "history"},
]
PGBENCH_VIEWS: list[dict[str, Any]] = [
    {"name": "account", "kind": "document", "key": ["aid"],
     "query": "SELECT aid, bid, abalance FROM pgbench_accounts WHERE aid <= 500",
     "changed_by": [{"table": "pgbench_accounts", "key": ["aid"]}]},
    {"name": "branch", "kind": "hash", "key": ["bid"], "query": "SELECT bid, bbalance FROM pgbench_branches",
     "changed_by": [{"table": "pgbench_branches", "key": ["bid"]}]},
    {"name": "tellers", "kind": "sorted_set", "key": ["bid"], "member": "tid", "score": "tbalance",
     "query": "SELECT bid, tid, tbalance FROM pgbench_tellers",
     "changed_by": [{"table": "pgbench_tellers", "key": ["bid"], "member": "tid"}]},
    {"name": "history", "kind": "hash", "key": ["bid"],
     "query": "SELECT bid, count(*) AS rows, sum(delta) AS total FROM pgbench_history GROUP BY bid",
     "changed_by": [{"table": "pgbench_history", "key": ["bid"]}]},
]
# So that the views' changes have their old values.
PGBENCH_IDENTITIES = "".join(f"ALTER TABLE pgbench_{name} REPLICA IDENTITY FULL;" for name in ("tellers", "history"))


@contextmanager
def served(make_fleet: Make, server: PostgresServer, rules: Sequence[Rule], origin: str,
           views: Sequence[dict[str, Any]] = ()) -> Iterator[FleetUnderTest]:
    """Audited, by caches that rely on the relay. The tables are there."""
    fleet = make_fleet()
    site = {"name": "default", "hosts": ["*"], "origins": [origin], "relay_within": "500ms",
            "audit": {"per_second": 50}}
    relay: dict[str, Any] = {"postgres": server.dsn, "rules": rules, "views": views, "audit": {"per_second": 500}}
    fleet.up("--workers", "2", "--config", patient(fleet, {"relay": relay, "cache": {"sites": [site]}}))
    fleet.run("relay", "setup")
    eventually(lambda: active(fleet), 10, "a relay has the slot")
    eventually(lambda: set(states(fleet).values()) <= {"ready"} and len(states(fleet)) == len(views), 20,
               "all views are ready")
    yield fleet
    fleet.destroy()


@contextmanager
def read(fleet: FleetUnderTest, paths: Sequence[str], rolls: random.Random) -> Iterator[list[int]]:
    """By somebody who asks for all of them, at random; the statuses."""
    over, statuses = threading.Event(), []
    choose = random.Random(rolls.randrange(1 << 30))

    def go_on() -> None:
        while not over.wait(0.001):
            statuses.append(ask(fleet, choose.choice(paths), choose.choice((None, *CACHES)))[0])

    reader = threading.Thread(target=go_on)
    reader.start()
    try:
        yield statuses
    finally:
        over.set()
        reader.join()


def pgbench(server: PostgresServer, *options: str) -> str:
    done = subprocess.run([PROGRAMS / "pgbench", *options, server.dsn], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def account_pages(at: Pages, rolls: random.Random) -> list[str]:
    paths = [at.put(f"/account/{aid}",
                    f"SELECT abalance, (SELECT sum(delta) FROM pgbench_history WHERE aid = {aid}) "
                    f"FROM pgbench_accounts WHERE aid = {aid}", f"account:{aid}", f"history:{aid}")
             for aid in rolls.sample(range(1, 100_001), 40)]
    paths += [at.put(f"/teller/{tid}", f"SELECT tbalance FROM pgbench_tellers WHERE tid = {tid}", f"teller:{tid}")
              for tid in range(1, 11)]
    return [*paths, at.put("/branch", "SELECT bbalance, (SELECT sum(tbalance) FROM pgbench_tellers), "
                                      "(SELECT sum(delta) FROM pgbench_history) FROM pgbench_branches", "branch:1")]


def test_pgbench_drives_its_own_schema(make_fleet: Make) -> None:
    rolls = dice()
    with PostgresServer() as server, Origin() as origin:
        pgbench(server, "-i", "-q")
        server.sql(PGBENCH_IDENTITIES)
        at = Pages(server, origin)
        paths = account_pages(at, rolls)
        with served(make_fleet, server, PGBENCH_RULES, origin.address, PGBENCH_VIEWS) as fleet:
            for path in paths:
                hold(fleet, path)
            with read(fleet, paths, rolls) as statuses:
                told = pgbench(server, "-c", "4", "-T", "5", "-R", "400")
            assert "number of failed transactions: 0" in told and set(statuses) == {200} and len(statuses) > 100
            pass_by(fleet, server)
            become_fresh(fleet, at, *paths)
            assert at.ask("SELECT count(*) FROM pgbench_history")[0][0] > 1000
            eventually(lambda: found(fleet, "samples") > 100, 10, "much was compared")
            assert found(fleet) == 0, audits(fleet)
            eventually(lambda: viewed(fleet) == wanted_views(at), 2, "the views are SQL's")
            eventually(lambda: view_audit(fleet)["samples"] > 500, 10, "many entries were compared")
            assert view_audit(fleet)["inconsistent"] == 0, view_audit(fleet)


def view_audit(fleet: FleetUnderTest) -> dict[str, Any]:
    return fleet.private(active(fleet) or "", "/-/relay/audit")


def viewed(fleet: FleetUnderTest) -> dict[str, Any]:
    def entries(view: str, *keys: str) -> Any:
        query = "&".join(f"key={key}" for key in keys)
        return json.loads(fleet.request("GET", f"/v1/views/{view}?{query}")[2])["entries"]

    accounts = [str(aid) for aid in range(1, 501)]
    shown = {key: one["abalance"] for at in range(0, 500, 100)
             for key, one in entries("account", *accounts[at:at + 100]).items()}
    tellers = json.loads(fleet.request("GET", "/v1/views/tellers/1")[2])["items"]
    return {"accounts": shown, "branch": entries("branch", "1")["1"], "history": entries("history", "1")["1"],
            "tellers": {one["member"]: one["score"] for one in tellers}}


def wanted_views(at: Pages) -> dict[str, Any]:
    [[balance, rows, total]] = at.ask("SELECT bbalance, (SELECT count(*) FROM pgbench_history), "
                                      "(SELECT sum(delta) FROM pgbench_history) FROM pgbench_branches")
    accounts = at.ask("SELECT aid, abalance FROM pgbench_accounts WHERE aid <= 500")
    return {"accounts": {str(aid): abalance for aid, abalance in accounts},
            "branch": {"bid": "1", "bbalance": str(balance)},
            "history": {"bid": "1", "rows": str(rows), "total": str(total)},
            "tellers": {str(tid): float(tbalance) for tid, tbalance in
                        at.ask("SELECT tid, tbalance FROM pgbench_tellers")}}


@needs_django
def test_django_drives_its_own_schema(make_fleet: Make, tmp_path: Path) -> None:
    from django_project import PAGES, RULES

    rolls = dice()
    with PostgresServer() as server, django(tmp_path, server.folder) as port:
        paths = ["/", "/editors", *PAGES]
        with served(make_fleet, server, RULES, f"127.0.0.1:{port}") as fleet:
            for path in paths:
                hold(fleet, path)
            command = [sys.executable, str(Path(__file__).with_name("django_writer.py")), str(server.folder), "5",
                       str(rolls.randrange(1 << 30))]
            with read(fleet, paths, rolls) as statuses:
                done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            assert int(done.stdout) > 50 and {200} <= set(statuses) <= {200, 404}
            pass_by(fleet, server)
            become_fresh(fleet, Direct(port), *paths)
            eventually(lambda: found(fleet, "samples") > 50, 10, "much was compared")
            assert found(fleet) == 0, audits(fleet)


class Direct:
    """What Django itself answers."""

    def __init__(self, port: int) -> None:
        self.port = port

    def truth(self, path: str) -> str:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()
