"""What a fleet's metrics say is wrong, in two looks at them: the same metrics, thresholds and names as the alerts in
deploy/prometheus/shoal.rules.yml, over seconds where those look at minutes."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass, field
from typing import Iterator, Mapping

from .alerts import Alert, Finding
from .fleet import Fleet
from .ports import dialled
from .prometheus import Metrics
from .render import own_redis
from .traffic import HITS

_SECONDS = 1.0
_LATE = 5.0
"""Seconds since a relay said last that everything is purged."""
_REPLICA_LATE = 10.0
"""Seconds that the first transaction has waited for one."""
_ENOUGH = 20
"""Requests between the two looks, below which nothing is said of their share or their time."""


@dataclass
class Sight:
    """One look. Who did not answer is not in it."""

    haproxy: Metrics = field(default_factory=Metrics)
    redis: dict[str, Metrics] = field(default_factory=dict)
    workers: dict[str, Metrics] = field(default_factory=dict)
    missing_redis: tuple[str, ...] = ()


def examine(fleet: Fleet) -> list[Finding]:
    """Takes a second. Finds nothing where HAProxy, through which it looks, does not answer: others say so."""
    before = look(fleet)
    if before is None:
        return []
    time.sleep(_SECONDS)
    now = look(fleet)
    return [] if now is None else judge(before, now)


def look(fleet: Fleet) -> Sight | None:
    haproxy = _metrics(fleet, "/metrics")
    if haproxy is None:
        return None
    instances, names = own_redis(fleet), [name for service in fleet.state.services for name in fleet.workers(service)]
    redis = {name: _metrics(fleet, f"/metrics/redis-{name}") for name in instances}
    workers = {name: _metrics(fleet, f"/metrics/{name}") for name in names}
    return Sight(haproxy, _present(redis), _present(workers),
                 tuple(name for name, metrics in redis.items() if metrics is None))


def _present(found: Mapping[str, Metrics | None]) -> dict[str, Metrics]:
    return {name: metrics for name, metrics in found.items() if metrics is not None}


def _metrics(fleet: Fleet, path: str) -> Metrics | None:
    connection = http.client.HTTPConnection(*dialled(fleet.state.options.admin_listen), timeout=5)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    if response.status != 200:
        return None
    found = Metrics()
    found.add(text)
    return found


def judge(before: Sight, now: Sight) -> list[Finding]:
    """What is bad at one look only may be a moment's; what counts is bad at both, or what has grown in between."""
    found = [*_balancing(before, now), *_servers(now), *_instances(before, now), *_sites(before, now),
             *_relays(before, now), *_replicas(before, now), *_views(before, now), *_kept_views(before, now),
             *_audits(now)]
    for name, metrics in now.workers.items():
        if name in before.workers:
            found += _worker(name, before.workers[name], metrics)
    return found + list(_latency(before, now))


def _grown(before: Metrics, now: Metrics, name: str, **labels: str) -> float:
    """Of a counter; 0 when its process was replaced in between."""
    return max(0.0, now.total(name, **labels) - before.total(name, **labels))


def _summed(before: Sight, now: Sight, name: str, **labels: str) -> float:
    return sum(_grown(before.workers[worker], metrics, name, **labels)
               for worker, metrics in now.workers.items() if worker in before.workers)


def _balancing(before: Sight, now: Sight) -> Iterator[Finding]:
    proxies = now.haproxy.values("haproxy_backend_active_servers", "proxy")
    for proxy in sorted(name for name in proxies if not name.startswith("shoal-")):
        if not any(sight.haproxy.total("haproxy_backend_active_servers", proxy=proxy) for sight in (before, now)):
            yield Finding(f"no worker is ready for {proxy}", "scripts/fleet status; 'scripts/fleet up' starts them",
                          Alert.NO_WORKER_READY)
        waiting = min(sight.haproxy.total("haproxy_backend_current_queue", proxy=proxy) for sight in (before, now))
        if waiting:
            yield Finding(f"{waiting:.0f} requests wait in HAProxy for a worker of {proxy}",
                          "scripts/fleet status: more workers, or those that are down", Alert.HAPROXY_QUEUE)
        answers, errors = (_grown(before.haproxy, now.haproxy, "haproxy_backend_http_responses_total", proxy=proxy,
                                  **labels) for labels in ({}, {"code": "5xx"}))
        if answers >= _ENOUGH and errors > 0.01 * answers:
            yield Finding(f"{errors / answers:.1%} of the answers of {proxy} are 5xx",
                          "scripts/fleet logs haproxy, and those of its workers", Alert.ERRORS)
    most = now.haproxy.total("haproxy_process_max_connections")
    has = min(sight.haproxy.total("haproxy_process_current_connections") for sight in (before, now))
    if most and has > 0.8 * most:
        yield Finding(f"HAProxy has {has:.0f} of the {most:.0f} connections that it may have",
                      "raise the limit of file descriptors (ulimit -Hn 65536), then 'scripts/fleet down' and 'up'",
                      Alert.HAPROXY_CONNECTIONS)


def _servers(now: Sight) -> Iterator[Finding]:
    metric = "haproxy_server_check_up_down_total"
    for name in sorted(now.haproxy.values(metric, "server")):
        for proxy in sorted(now.haproxy.values(metric, "proxy")):
            times = now.haproxy.total(metric, server=name, proxy=proxy)
            ago = now.haproxy.total("haproxy_server_check_last_change_seconds", server=name, proxy=proxy)
            if times > 2 and ago < 60:
                yield Finding(f"{name} went down {times:.0f} times, the last time less than a minute ago",
                              f"scripts/fleet logs {name}", Alert.WORKER_FLAPPING)
                break


def _instances(before: Sight, now: Sight) -> Iterator[Finding]:
    unavailable = {instance: "does not answer" for instance in now.missing_redis if instance in before.missing_redis}
    for name, metrics in now.workers.items():
        for instance in metrics.values("shoal_redis_connected", "instance"):
            if not any(sight.workers.get(name, metrics).total("shoal_redis_connected", instance=instance)
                       for sight in (before, now)):
                unavailable.setdefault(instance, f"is not reached by {name}")
    for instance, how in sorted(unavailable.items()):
        log = "redis-l2" if instance == "l2" else "redis-state"
        yield Finding(f"Redis {instance} {how}", f"scripts/fleet logs {log}; 'scripts/fleet up' starts it again",
                      Alert.REDIS_UNAVAILABLE)
    state, earlier = now.redis.get("state"), before.redis.get("state")
    if state is None or earlier is None:
        return
    used, most = state.total("redis_memory_used_bytes"), state.total("redis_memory_max_bytes")
    if most and used > 0.85 * most:
        yield Finding(f"Redis state has {used / most:.0%} of the memory that it may have",
                      "raise $.redis.state.memory in the configuration, and 'scripts/fleet reload'", Alert.REDIS_MEMORY)
    if _grown(earlier, state, "redis_evicted_keys_total"):
        yield Finding("Redis state throws keys away", "its maxmemory-policy must be noeviction: see the runbook",
                      Alert.REDIS_EVICTING)
    statuses = ("redis_aof_last_write_status", "redis_aof_last_bgrewrite_status", "redis_rdb_last_bgsave_status")
    if any(not state.total(status) for status in statuses if state.has(status)):
        yield Finding("Redis state can't write to its disk", "scripts/fleet logs redis-state; free room on its disk",
                      Alert.REDIS_CANT_WRITE)


def _worker(name: str, before: Metrics, now: Metrics) -> Iterator[Finding]:
    if refused := _grown(before, now, "shoal_http_rejected_total", reason="overload"):
        yield Finding(f"{name} refused {refused:.0f} requests in {_SECONDS:.0f} s: too many wait",
                      "see what they wait for, Redis or an origin; or 'scripts/fleet scale'", Alert.REFUSING)
    stalls = "shoal_loop_stall_seconds"
    if _grown(before, now, f"{stalls}_count") > _grown(before, now, f"{stalls}_bucket", le="0.5"):
        yield Finding(f"the loop of {name} stood still for more than half a second",
                      "see whether the machine has processors to spare", Alert.LOOP_STALLED)
    lag = min(metrics.total("shoal_cache_purge_lag") for metrics in (before, now))
    if lag > 1000:
        yield Finding(f"{name} is {lag:.0f} purges behind", "fewer, larger purges: by site, or by a tag they share",
                      Alert.PURGE_LAG)
    if now.has("shoal_cache_lease_held") and not any(metrics.total("shoal_cache_lease_held")
                                                     for metrics in (before, now)):
        yield Finding(f"{name} has no lease: it serves from origins only",
                      f"see whether it reaches Redis: scripts/fleet logs {name}", Alert.WORKER_FENCED)


def _sites(before: Sight, now: Sight) -> Iterator[Finding]:
    sites = {site for metrics in now.workers.values() for site in metrics.values("shoal_cache_requests_total", "site")}
    for site in sorted(sites):
        fetches = _summed(before, now, "shoal_cache_fetch_seconds_count", site=site)
        failures = _summed(before, now, "shoal_cache_origin_failures_total", site=site)
        servers = {server for metrics in now.workers.values()
                   for server in metrics.values("shoal_cache_origin_healthy", "server")
                   if metrics.has("shoal_cache_origin_healthy", site=site, server=server)}
        dead = [server for server in sorted(servers) if not any(
            metrics.total("shoal_cache_origin_healthy", site=site, server=server)
            for sight in (before, now) for metrics in sight.workers.values())]
        if dead or failures > 0.5 * fetches:
            yield Finding(" ".join(["the origin", *dead, f"of site {site} fails"]),
                          "ask it without Shoal: curl -i; scripts/fleet logs says how it failed", Alert.ORIGIN_DOWN)
        yield from _hit_ratio(before, now, site)


def _relays(before: Sight, now: Sight) -> Iterator[Finding]:
    """Where there are any, one of them has said within some seconds that everything committed is purged."""
    def keeps_up(sight: Sight) -> bool:
        return any(metrics.total("shoal_relay_active") and 0 <= metrics.total("shoal_relay_lag_seconds") < _LATE
                   for metrics in sight.workers.values())

    relays = [metrics for metrics in now.workers.values() if metrics.has("shoal_relay_active")]
    if relays and not keeps_up(before) and not keeps_up(now):
        yield Finding("no relay keeps the caches true to the database",
                      "'scripts/fleet relay status' says why, 'scripts/fleet relay check' what would help",
                      Alert.RELAY_BEHIND)
    for metrics in relays:
        kept, most = metrics.total("shoal_relay_wal_bytes"), metrics.total("shoal_relay_wal_budget_bytes")
        if kept > 0.8 * most:
            yield Finding(f"the relay's slot keeps {kept / most:.0%} of what it may of the database's log",
                          "'scripts/fleet relay status' says what holds it up", Alert.RELAY_WAL)
            break


def _audits(now: Sight) -> Iterator[Finding]:
    """As long as a worker that has found something runs: few ever do."""
    for name, what in (("shoal_cache_audits_total", "kept"), ("shoal_relay_audits_total", "in the views")):
        count = sum(metrics.total(name, result="inconsistent") for metrics in now.workers.values())
        if count:
            yield Finding(f"{count:.0f} times something {what} was not what it should be, and nothing had purged it",
                          "'scripts/fleet relay audit' says what the last of it was, 'scripts/fleet relay check' "
                          "whether a rule misses something", Alert.INCONSISTENT)


def _views(before: Sight, now: Sight) -> Iterator[Finding]:
    """A worker of views serves none without a word of the relay that they are up to date."""
    def silent(sight: Sight) -> set[str]:
        return {worker for worker, metrics in sight.workers.items()
                if metrics.has("shoal_views_attended") and not metrics.total("shoal_views_attended")}

    for worker in sorted(silent(before) & silent(now)):
        yield Finding(f"{worker} serves no views: it hears from no relay that they are up to date",
                      "'scripts/fleet relay status' says why, 'scripts/fleet views list' how each view stands",
                      Alert.VIEWS_DOWN)


def _kept_views(before: Sight, now: Sight) -> Iterator[Finding]:
    failed = min(sum(metrics.total("shoal_relay_views", state="failed") for metrics in sight.workers.values())
                 for sight in (before, now))
    if failed:
        yield Finding(f"{failed:.0f} views can't be kept", "'scripts/fleet relay status' says which, and why",
                      Alert.VIEW_FAILED)
    elif unfit := _summed(before, now, "shoal_relay_view_entries_unfit_total"):
        yield Finding(f"{unfit:.0f} entries of views are absent", "their relay's log names them: scripts/fleet logs",
                      Alert.VIEW_FAILED)


def _replicas(before: Sight, now: Sight) -> Iterator[Finding]:
    waited = min(max((metrics.total("shoal_relay_replica_wait_seconds") for metrics in sight.workers.values()),
                     default=0.0) for sight in (before, now))
    if waited > _REPLICA_LATE:
        yield Finding(f"a replica that origins read has kept purges waiting for {waited:.0f} s",
                      "'scripts/fleet relay status' names it", Alert.REPLICA_LATE)


def _hit_ratio(before: Sight, now: Sight, site: str) -> Iterator[Finding]:
    name = "shoal_cache_requests_total"
    requests = _summed(before, now, name, site=site)
    usual = sum(metrics.total(name, site=site) for metrics in before.workers.values())
    if requests < _ENOUGH or usual < 50 * _ENOUGH:
        return
    hits = sum(_summed(before, now, name, site=site, result=result) for result in HITS) / requests
    usually = sum(metrics.total(name, site=site, result=result) for metrics in before.workers.values()
                  for result in HITS) / usual
    if hits < 0.5 * usually:
        yield Finding(f"site {site} has only {hits:.0%} of hits, and {usually:.0%} since its workers started",
                      "scripts/fleet cache stat; 'scripts/fleet cache inspect URL' says why one is not stored",
                      Alert.HIT_RATIO_FELL)


def _latency(before: Sight, now: Sight) -> Iterator[Finding]:
    name = "shoal_http_request_seconds"
    for service in sorted({worker.rpartition("-")[0] for worker in now.workers}):
        mine = Sight(workers={worker: of for worker, of in now.workers.items() if worker.startswith(f"{service}-")})
        every, quick = (sum(_summed(before, mine, f"{name}_bucket", server=server, le=le) for server in _fronts(mine))
                        for le in ("+Inf", "0.5"))
        if every >= _ENOUGH and every - quick > 0.01 * every:
            yield Finding(f"{every - quick:.0f} of {every:.0f} requests to {service} took more than half a second",
                          "scripts/fleet logs shows slow ones and what they waited for", Alert.SLOW)


def _fronts(sight: Sight) -> set[str]:
    """All but the workers' own."""
    return {server for metrics in sight.workers.values()
            for server in metrics.values("shoal_http_request_seconds_bucket", "server")} - {"admin"}
