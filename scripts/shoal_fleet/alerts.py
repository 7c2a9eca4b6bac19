"""The names of what can be wrong with a running fleet: those of deploy/prometheus/shoal.rules.yml, and of the entries
in RUNBOOK.md beside it. A test holds the three together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

RUNBOOK = "deploy/prometheus/RUNBOOK.md"


class Alert(Enum):
    HAPROXY_DOWN = "ShoalHaproxyDown"
    NO_WORKER_READY = "ShoalNoWorkerReady"
    WORKER_DOWN = "ShoalWorkerDown"
    WORKER_FLAPPING = "ShoalWorkerFlapping"
    ERRORS = "ShoalErrors"
    SLOW = "ShoalSlow"
    HIT_RATIO_FELL = "ShoalHitRatioFell"
    REFUSING = "ShoalRefusing"
    HAPROXY_QUEUE = "ShoalHaproxyQueue"
    HAPROXY_CONNECTIONS = "ShoalHaproxyConnections"
    RELOAD_FAILED = "ShoalReloadFailed"
    DRIFT = "ShoalDrift"
    LOOP_STALLED = "ShoalLoopStalled"
    REDIS_UNAVAILABLE = "ShoalRedisUnavailable"
    REDIS_MEMORY = "ShoalRedisMemory"
    REDIS_EVICTING = "ShoalRedisEvicting"
    REDIS_CANT_WRITE = "ShoalRedisCantWrite"
    PURGE_LAG = "ShoalPurgeLag"
    WORKER_FENCED = "ShoalWorkerFenced"
    ORIGIN_DOWN = "ShoalOriginDown"
    RELAY_BEHIND = "ShoalRelayBehind"
    RELAY_WAL = "ShoalRelayWal"
    INCONSISTENT = "ShoalInconsistent"
    VIEWS_DOWN = "ShoalViewsDown"
    VIEW_FAILED = "ShoalViewFailed"
    REPLICA_LATE = "ShoalReplicaLate"

    @property
    def entry(self) -> str:
        """In the runbook."""
        return f"{RUNBOOK}#{self.value.lower()}"


@dataclass(frozen=True)
class Finding:
    what: str
    do: str
    alert: Alert | None = None
    """What Prometheus would call it; None where it sees nothing of it."""
