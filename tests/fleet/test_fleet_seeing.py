"""Seeing a fleet: Prometheus reads what there is as it comes and goes, every query of the dashboard has an answer, and
an alert fires when `doctor` finds the same."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from typing import Iterator

import pytest

from load import Load
from origin_server import Origin
from postgres_server import PostgresServer
from prometheus_server import Prometheus
from shoal_cli import PATIENT, ROOT, FleetUnderTest, Make, eventually
from site_load import SiteLoad, put_pages

WORKERS = {"limiter-1", "limiter-2", "cache-1", "cache-2", "relay-1", "relay-2", "views-1", "views-2"}
VIEW = {"name": "thing", "kind": "document", "key": ["id"], "query": "SELECT id FROM thing",
        "changed_by": [{"table": "thing", "key": ["id"]}]}
RULES = (ROOT / "deploy" / "prometheus" / "shoal.rules.yml").read_text()
EVERYBODY = WORKERS | {"haproxy", "fleet", "redis-state", "redis-l2"}


@pytest.fixture(scope="module")
def seen(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    fleet = make_fleet()
    config = fleet.home.parent / "seen.json"
    config.write_text(json.dumps(PATIENT | {
        "http": {"concurrency": {"least": 8, "most": 16}}, "services": {"relay": {"views": [VIEW]}}}))
    put_pages(origin)
    with PostgresServer() as database:
        database.sql("CREATE TABLE thing (id int PRIMARY KEY); INSERT INTO thing VALUES (1); "
                     "CREATE PUBLICATION shoal FOR TABLE thing")
        fleet.up("--workers", "2", "--config", str(config), "--origin", origin.url, "--postgres", database.dsn)
        yield fleet
        fleet.destroy()


@pytest.fixture(scope="module")
def prometheus(seen: FleetUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with Prometheus(tmp_path_factory.mktemp("prometheus"), f"127.0.0.1:{seen.admin}") as found:
        eventually(lambda: found.scraped() == dict.fromkeys(EVERYBODY, "up"), 30, "everybody is scraped")
        yield found


def metrics(fleet: FleetUnderTest, name: str) -> tuple[int, bytes]:
    status, _, body = fleet.request("GET", f"/metrics/{name}", port=fleet.admin)
    return status, body


def refuse_some(fleet: FleetUnderTest) -> None:
    """More requests wait for Redis than a worker's limit allows."""
    statuses: list[int] = []
    clients = [threading.Thread(target=lambda at=at: statuses.append(
        fleet.request("POST", f"/v1/limits/bulk/held-{at}")[0])) for at in range(60)]
    redis = fleet.other("redis-state")["pid"]
    os.kill(redis, signal.SIGSTOP)
    try:
        for client in clients:
            client.start()
        eventually(lambda: 503 in statuses, 10, "one is refused")
    finally:
        os.kill(redis, signal.SIGCONT)
        for client in clients:
            client.join(30)
    assert set(statuses) == {200, 503}


def use(fleet: FleetUnderTest, origin: Origin) -> None:
    """A few seconds of whatever a fleet is for, refusals included."""
    with Load(fleet.port, threads=1) as load, SiteLoad(fleet.site, threads=1) as visits:
        for _ in range(12):
            fleet.request("POST", "/v1/limits/demo/greedy")
        fleet.run("cache", "purge", "--tag", "whatever")
        eventually(lambda: fleet.request("GET", "/v1/views/thing/1")[0] == 200, 10, "a view is served")
        refuse_some(fleet)
        ended = time.monotonic() + 3
        eventually(lambda: time.monotonic() > ended, 10, "scraped while there is traffic")
    # Those are in the way of the requests that come meanwhile.
    assert not visits.failures and all(": 503 of " in failure for failure in load.failures)


def dashboard() -> dict[str, str]:
    """By query: how its lines are named."""
    panels = json.loads((ROOT / "deploy" / "grafana" / "shoal.json").read_text())["panels"]
    found = {target["expr"]: target["legendFormat"] for panel in panels for target in panel.get("targets", [])}
    return {query.replace("$fleet", ".+").replace("$__rate_interval", "20s"): name for query, name in found.items()}


def test_prometheus_reads_everybody_and_follows_the_fleet(seen: FleetUnderTest, prometheus: Prometheus) -> None:
    assert {sample["metric"]["fleet"] for sample in prometheus.query("up")} == {f"127.0.0.1:{seen.admin}"}
    seen.run("scale", "limiter", "3")
    eventually(lambda: prometheus.scraped().get("limiter-3") == "up", 20, "the new worker is scraped")
    seen.run("scale", "limiter", "2")
    eventually(lambda: set(prometheus.scraped()) == EVERYBODY, 20, "the one that left is not asked for")


def test_each_query_of_the_dashboard_has_an_answer(seen: FleetUnderTest, prometheus: Prometheus,
                                                   origin: Origin) -> None:
    use(seen, origin)
    queries = dashboard()
    assert len(queries) > 40 and not any("$" in query for query in queries)
    for query, name in queries.items():
        eventually(lambda: prometheus.query(query), 10, f"something for {query}")
        for sample in prometheus.query(query):
            assert set(re.findall(r"{{(\w+)}}", name)) <= set(sample["metric"]), (query, name, sample)
    hits = next(query for query in queries if 'result=~"l1' in query)
    assert 0.1 < float(prometheus.query(hits)[0]["value"][1]) < 1


def test_what_alerts_look_at_is_there_and_none_fires_without_reason(seen: FleetUnderTest, prometheus: Prometheus,
                                                                    origin: Origin) -> None:
    use(seen, origin)
    rules = prometheus.rules()
    assert len(rules) == RULES.count("- alert: ") and all(rule["health"] == "ok" for rule in rules), rules
    names = r"\b(?:up|(?:shoal|haproxy|redis)_\w+)(?:\{[^}]*\})?"
    asked = {found for rule in rules for found in re.findall(names, rule["query"])}
    assert len(asked) > 30
    for selector in sorted(asked):
        eventually(lambda: prometheus.query(selector), 10, f"something for {selector}")
    eventually(lambda: not prometheus.firing() - {"ShoalRefusing", "ShoalErrors"}, 30, "no other alert")


def test_a_stopped_redis_fires_alerts_and_doctor_has_their_names(seen: FleetUnderTest, prometheus: Prometheus) -> None:
    named = {"ShoalRedisUnavailable", "ShoalWorkerFenced"}
    redis = seen.other("redis-state")["pid"]
    with seen.left_alone():
        os.kill(redis, signal.SIGSTOP)
        try:
            eventually(lambda: named <= prometheus.firing(), 30, "alerts")
            said = json.loads(seen.run("doctor", "--json", code=1).stdout)
            assert named <= {finding["alert"] for finding in said}, said
        finally:
            os.kill(redis, signal.SIGCONT)
    eventually(lambda: not named & prometheus.firing(), 30, "it is over")
    eventually(lambda: "nothing is wrong" in seen.try_run("doctor").stdout, 20, "a relay has the slot again, too")


def test_a_stopped_worker_is_down_and_delays_nobody_elses_metrics(seen: FleetUnderTest,
                                                                  prometheus: Prometheus) -> None:
    pid = seen.pids()["limiter-2"]
    with seen.left_alone():
        os.kill(pid, signal.SIGSTOP)
        try:
            started = time.monotonic()
            assert metrics(seen, "limiter-2") == (503, b"nobody answers for /metrics/limiter-2\n")
            assert time.monotonic() - started < 5
            assert metrics(seen, "limiter-1")[0] == 200
            eventually(lambda: "ShoalWorkerDown" in prometheus.firing(), 20, "the alert")
        finally:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # its watchdog was quicker
    eventually(lambda: "ShoalWorkerDown" not in prometheus.firing(), 30, "it was started again")


def test_drift_fires_under_the_name_that_doctor_has_for_it(seen: FleetUnderTest, prometheus: Prometheus) -> None:
    seen.haproxy("set weight limiter/limiter-1 100")
    eventually(lambda: "ShoalDrift" in prometheus.firing(), 20, "the alert")
    assert "ShoalDrift: limiter-1 has weight 100" in seen.run("doctor", code=1).stdout
    seen.run("up")
    eventually(lambda: "ShoalDrift" not in prometheus.firing(), 20, "it was put right")
    seen.run("drain", "limiter-1")
    eventually(lambda: prometheus.query('haproxy_server_weight{server="limiter-1"} == 0'), 20, "the drain is seen")
    time_is_up = time.monotonic() + 4
    while time.monotonic() < time_is_up:
        assert "ShoalDrift" not in prometheus.firing(), "what the operator wants is no drift"
    seen.run("undrain", "limiter-1")


def test_the_admin_address_gives_metrics_and_nothing_else(seen: FleetUnderTest) -> None:
    for _ in range(3):
        for worker in sorted(WORKERS):
            status, body = metrics(seen, worker)
            service = worker.partition("-")[0].encode()
            assert status == 200 and b"\nshoal_" + service + b"_" in body and b"\nshoal_worker_uptime_seconds " in body
        for nobody in ("limiter-3", "redis-none", "haproxy", "config.json", "wanted.prom", "../haproxy", "%2e%2e",
                       "redis-state.sock", "limiter-1/-/config", "redis-../x", ""):
            assert metrics(seen, nobody)[0] in (400, 503), nobody
    assert b"\nredis_aof_last_write_status 1\n" in metrics(seen, "redis-state")[1]
    logs = seen.data / "logs"
    assert "Lua" not in (logs / "haproxy.log").read_text(), "what the script does has not failed"
    requests = (logs / "access.log").read_text()
    assert "/v1/" in requests and "/-/" not in requests and "shoal-admin" not in requests
