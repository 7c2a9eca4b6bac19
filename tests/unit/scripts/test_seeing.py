"""Alerts, the runbook and `doctor`: one name for each thing that can be wrong, and each of the three knows it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from shoal_fleet import checks, haproxy_config, render, scraping
from shoal_fleet.alerts import RUNBOOK, Alert, Finding
from shoal_fleet.errors import StoppedMidway
from shoal_fleet.fleet import Fleet
from shoal_fleet.haproxy_api import HaproxyError, Server
from shoal_fleet.haproxy_config import ServerLine
from shoal_fleet.prometheus import Metrics
from shoal_fleet.symptoms import Sight, judge
from samples import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES = (FOLDER / "shoal.rules.yml").read_text("utf-8")
PROXY = 'proxy="cache"'
WELL = {
    "haproxy": f"""
haproxy_backend_active_servers{{{PROXY}}} 2
haproxy_backend_active_servers{{proxy="shoal-unknown"}} 0
haproxy_backend_current_queue{{{PROXY}}} 0
haproxy_backend_http_responses_total{{{PROXY},code="2xx"}} 1000
haproxy_backend_http_responses_total{{{PROXY},code="5xx"}} 50
haproxy_server_check_up_down_total{{{PROXY},server="cache-1"}} 5
haproxy_server_check_last_change_seconds{{{PROXY},server="cache-1"}} 900
haproxy_process_max_connections 100
haproxy_process_current_connections 70
""",
    "state": """
redis_memory_used_bytes 80
redis_memory_max_bytes 100
redis_evicted_keys_total 4
redis_aof_last_write_status 1
redis_aof_last_bgrewrite_status 1
""",
    "cache-1": """
shoal_http_rejected_total{server="site",reason="overload"} 7
shoal_loop_stall_seconds_bucket{le="0.5"} 99
shoal_loop_stall_seconds_count 100
shoal_redis_connected{instance="state"} 1
shoal_cache_purge_lag 0
shoal_cache_lease_held 1
shoal_cache_origin_healthy{site="shop",server="o:1"} 1
shoal_cache_origin_failures_total{site="shop",reason="timeout"} 8
shoal_cache_fetch_seconds_count{site="shop"} 10
shoal_cache_requests_total{site="shop",result="l1"} 9000
shoal_cache_requests_total{site="shop",result="miss"} 1000
shoal_cache_audits_total{site="shop",result="sampled"} 500
shoal_cache_audits_total{site="shop",result="inconsistent"} 0
shoal_http_request_seconds_bucket{server="site",le="0.5"} 1000
shoal_http_request_seconds_bucket{server="site",le="+Inf"} 1100
shoal_http_request_seconds_bucket{server="admin",le="0.5"} 1
shoal_http_request_seconds_bucket{server="admin",le="+Inf"} 500
shoal_views_attended 1
shoal_relay_active 1
shoal_relay_lag_seconds 0.2
shoal_relay_wal_bytes 10
shoal_relay_wal_budget_bytes 100
shoal_relay_views{state="ready"} 2
shoal_relay_views{state="failed"} 0
shoal_relay_view_entries_unfit_total 3
shoal_relay_replica_wait_seconds 2
""",
}


def sight(changes: dict[str, float] | None = None, missing_redis: tuple[str, ...] = ()) -> Sight:
    """A fleet that is well, but for the samples named: these are set to other values."""
    todo, found = dict(changes or {}), {}
    for source, text in WELL.items():
        for sample in [sample for sample in todo if f"\n{sample} " in text]:
            text = re.sub(rf"(?m)^{re.escape(sample)} .*$", f"{sample} {todo.pop(sample)}", text)
        found[source] = Metrics()
        found[source].add(text)
    assert not todo, f"nothing of a fleet that is well: {todo}"
    redis = {} if missing_redis else {"state": found["state"]}
    return Sight(found["haproxy"], redis, {"cache-1": found["cache-1"]}, missing_redis)


def always(changes: dict[str, float]) -> list[Finding]:
    return judge(sight(changes), sight(changes))


def grows(changes: dict[str, float]) -> list[Finding]:
    return judge(sight(), sight(changes))


def silent(_: Fleet) -> list[Finding]:
    def ask(_: Fleet) -> list[Finding]:
        raise HaproxyError("HAProxy does not answer", "start it")

    return checks._guarded(ask, _)


def balanced(fleet: Fleet, description: str | None = None, servers: tuple[Server, ...] = ()) -> list[Finding]:
    """What is found when the files are as they should be, and HAProxy says this."""
    files = render.files(fleet, fleet.layout.conf)
    for name, content in files.items():
        (fleet.layout.conf / name).parent.mkdir(parents=True, exist_ok=True)
        (fleet.layout.conf / name).write_bytes(content)

    class Runtime:
        def info(self) -> dict[str, str]:
            return {"description": description or haproxy_config.description(files["haproxy.cfg"])}

        def servers(self) -> list[Server]:
            return list(servers)

    fleet.runtime = Runtime()  # type: ignore[assignment]
    return checks._guarded(checks._balancing, fleet)


def down(fleet: Fleet) -> list[Finding]:
    return list(checks._workers(fleet, {"others": [], "workers": [{"name": "echo-1", "state": "stopped",
                                                                   "haproxy": "DOWN"}]}))


def too_many(fleet: Fleet) -> list[Finding]:
    fleet.state.services["echo"] = []
    return balanced(fleet, servers=(Server("echo", "echo-9", 9, 2, 0, 256),))


SITUATIONS: dict[Alert, Callable[[Fleet], list[Finding]]] = {
    Alert.HAPROXY_DOWN: silent,
    Alert.WORKER_DOWN: down,
    Alert.RELOAD_FAILED: lambda fleet: balanced(fleet, description="another"),
    Alert.DRIFT: too_many,
    Alert.NO_WORKER_READY: lambda _: always({f"haproxy_backend_active_servers{{{PROXY}}}": 0}),
    Alert.WORKER_FLAPPING: lambda _: always(
        {f'haproxy_server_check_last_change_seconds{{{PROXY},server="cache-1"}}': 9}),
    Alert.ERRORS: lambda _: grows({f'haproxy_backend_http_responses_total{{{PROXY},code="2xx"}}': 1090,
                                   f'haproxy_backend_http_responses_total{{{PROXY},code="5xx"}}': 52}),
    Alert.SLOW: lambda _: grows({'shoal_http_request_seconds_bucket{server="site",le="0.5"}': 1098,
                                 'shoal_http_request_seconds_bucket{server="site",le="+Inf"}': 1200}),
    Alert.HIT_RATIO_FELL: lambda _: grows({'shoal_cache_requests_total{site="shop",result="l1"}': 9010,
                                           'shoal_cache_requests_total{site="shop",result="miss"}': 1090}),
    Alert.REFUSING: lambda _: grows({'shoal_http_rejected_total{server="site",reason="overload"}': 8}),
    Alert.HAPROXY_QUEUE: lambda _: always({f"haproxy_backend_current_queue{{{PROXY}}}": 3}),
    Alert.HAPROXY_CONNECTIONS: lambda _: always({"haproxy_process_current_connections": 81}),
    Alert.LOOP_STALLED: lambda _: grows({"shoal_loop_stall_seconds_count": 101}),
    Alert.REDIS_UNAVAILABLE: lambda _: always({'shoal_redis_connected{instance="state"}': 0}),
    Alert.REDIS_MEMORY: lambda _: always({"redis_memory_used_bytes": 86}),
    Alert.REDIS_EVICTING: lambda _: grows({"redis_evicted_keys_total": 5}),
    Alert.REDIS_CANT_WRITE: lambda _: always({"redis_aof_last_write_status": 0}),
    Alert.PURGE_LAG: lambda _: always({"shoal_cache_purge_lag": 1001}),
    Alert.WORKER_FENCED: lambda _: always({"shoal_cache_lease_held": 0}),
    Alert.ORIGIN_DOWN: lambda _: grows({'shoal_cache_origin_failures_total{site="shop",reason="timeout"}': 12,
                                        'shoal_cache_fetch_seconds_count{site="shop"}': 16}),
    Alert.RELAY_BEHIND: lambda _: always({"shoal_relay_lag_seconds": 5}),
    Alert.RELAY_WAL: lambda _: always({"shoal_relay_wal_bytes": 81}),
    Alert.INCONSISTENT: lambda _: always({'shoal_cache_audits_total{site="shop",result="inconsistent"}': 1}),
    Alert.VIEWS_DOWN: lambda _: always({"shoal_views_attended": 0}),
    Alert.VIEW_FAILED: lambda _: always({'shoal_relay_views{state="failed"}': 1}),
    Alert.REPLICA_LATE: lambda _: always({"shoal_relay_replica_wait_seconds": 11}),
}


@pytest.mark.parametrize("alert", Alert, ids=lambda alert: alert.value)
def test_doctor_finds_what_each_alert_is_about_and_nothing_else(fleet: Fleet, alert: Alert) -> None:
    found = SITUATIONS[alert](fleet)
    assert {finding.alert for finding in found} == {alert}, found
    assert all(finding.do for finding in found)


def test_a_relay_that_has_no_slot_or_never_said_a_word_keeps_nothing_true() -> None:
    for changes in ({"shoal_relay_active": 0.0}, {"shoal_relay_lag_seconds": -1.0}):
        assert {finding.alert for finding in always(changes)} == {Alert.RELAY_BEHIND}


def test_nothing_is_found_where_all_is_well(fleet: Fleet) -> None:
    assert always({}) == [] and balanced(fleet) == []


def test_a_signal_ends_the_look_and_is_no_finding(fleet: Fleet) -> None:
    def stopped(_: Fleet) -> list[Finding]:
        raise StoppedMidway("stopped by SIGTERM")

    with pytest.raises(StoppedMidway):
        checks._guarded(stopped, fleet)


def test_what_is_bad_for_a_moment_only_is_not_found() -> None:
    moments = {"shoal_cache_lease_held": 0.0, 'shoal_redis_connected{instance="state"}': 0.0,
               f"haproxy_backend_active_servers{{{PROXY}}}": 0.0, "shoal_cache_purge_lag": 2000.0,
               f"haproxy_backend_current_queue{{{PROXY}}}": 3.0, "haproxy_process_current_connections": 99.0,
               'shoal_cache_origin_healthy{site="shop",server="o:1"}': 0.0}
    assert judge(sight(moments), sight()) == [] and judge(sight(), sight(moments)) == []


def test_a_redis_that_does_not_answer_and_an_origin_without_servers() -> None:
    gone = sight(missing_redis=("state",))
    assert [finding.alert for finding in judge(gone, gone)] == [Alert.REDIS_UNAVAILABLE]
    dead = always({'shoal_cache_origin_healthy{site="shop",server="o:1"}': 0})
    assert [finding.what for finding in dead] == ["the origin o:1 of site shop fails"]


def test_an_entry_of_a_view_that_is_absent_is_found_while_it_is_new() -> None:
    assert [finding.alert for finding in grows({"shoal_relay_view_entries_unfit_total": 4})] == [Alert.VIEW_FAILED]


def test_alerts_the_runbook_and_doctor_are_one_to_one() -> None:
    names = [alert.value for alert in Alert]
    assert re.findall(r"- alert: (\w+)", RULES) == re.findall(r"(?m)^## (\w+)$", (ROOT / RUNBOOK).read_text("utf-8"))
    assert sorted(re.findall(r"- alert: (\w+)", RULES)) == sorted(names)
    assert set(SITUATIONS) == set(Alert)
    tested = re.findall(r"alertname: (\w+)", (FOLDER / "shoal.rules.test.yml").read_text("utf-8"))
    assert sorted(tested) == sorted(names)


def test_each_entry_of_the_runbook_says_what_it_means_how_to_see_it_and_what_to_do() -> None:
    entries = re.split(r"(?m)^## ", (ROOT / RUNBOOK).read_text("utf-8"))[1:]
    for entry in entries:
        assert re.findall(r"(?m)^\*\*(\w+)\*\*: \S", entry) == ["Means", "See", "Do"], entry.splitlines()[0]


@pytest.mark.parametrize("line", [["check", "rules", "shoal.rules.yml"], ["test", "rules", "shoal.rules.test.yml"],
                                  ["check", "config", "prometheus.yml"]], ids=" ".join)
def test_promtool_takes(line: list[str]) -> None:
    done = subprocess.run(["/usr/bin/promtool", *line], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_targets_and_what_is_wanted_follow_the_state() -> None:
    found = {target["labels"]["__metrics_path__"]: target for target in json.loads(
        scraping.targets("127.0.0.1:8404", {"limiter": ["limiter-1", "limiter-3"]}, ["state"]))}
    assert list(found) == ["/metrics", "/metrics/fleet", "/metrics/redis-state", "/metrics/limiter-1",
                           "/metrics/limiter-3"]
    assert found["/metrics/limiter-3"]["labels"] == {
        "__metrics_path__": "/metrics/limiter-3", "job": "shoal-worker", "instance": "limiter-3",
        "service": "limiter", "worker": "limiter-3"}
    wanted = Metrics()
    wanted.add(scraping.wanted(7, "abc", {"limiter": [ServerLine("limiter-1", 1, Path("/p"), Path("/a"), 0),
                                                      ServerLine("limiter-3", 3, Path("/p"), Path("/a"))]}).decode())
    assert wanted.total("shoal_wanted_config_version") == 7
    assert wanted.total("shoal_wanted_haproxy", configuration="abc") == 1
    assert [wanted.total("shoal_wanted_server_weight", proxy="limiter", server=f"limiter-{id}")
            for id in (1, 3)] == [0, 256]
