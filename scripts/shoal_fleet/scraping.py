"""What Prometheus is told of a fleet: where to read metrics, and what is wanted, so that drift can be seen.

HAProxy serves both files on the admin address, as /metrics/targets and /metrics/fleet: see haproxy/metrics.lua.
"""

from __future__ import annotations

import json
from typing import Mapping, Sequence

from .haproxy_config import ServerLine

TARGETS = "targets.json"
WANTED = "wanted.prom"


def targets(admin: str, workers: Mapping[str, Sequence[str]], redis: Sequence[str]) -> bytes:
    """For http_sd_configs. The address is the one that Prometheus was given for the fleet, whatever stands here."""
    found = [_target(admin, "/metrics", "shoal-haproxy", "haproxy"),
             _target(admin, "/metrics/fleet", "shoal-fleet", "fleet")]
    found += [_target(admin, f"/metrics/redis-{instance}", "shoal-redis", f"redis-{instance}", redis=instance)
              for instance in redis]
    found += [_target(admin, f"/metrics/{name}", "shoal-worker", name, service=service, worker=name)
              for service, names in workers.items() for name in names]
    return (json.dumps(found, indent=2) + "\n").encode()


def _target(admin: str, path: str, job: str, instance: str, **labels: str) -> dict[str, object]:
    return {"targets": [admin],
            "labels": {"__metrics_path__": path, "job": job, "instance": instance, **labels}}


def wanted(config_version: int, configuration: str, servers: Mapping[str, Sequence[ServerLine]]) -> bytes:
    """In Prometheus' text format."""
    lines = ["# HELP shoal_wanted_config_version The version of the configuration that workers should have.",
             "# TYPE shoal_wanted_config_version gauge",
             f"shoal_wanted_config_version {config_version}",
             "# HELP shoal_wanted_haproxy The configuration that HAProxy should run.",
             "# TYPE shoal_wanted_haproxy gauge",
             f'shoal_wanted_haproxy{{configuration="{configuration}"}} 1',
             "# HELP shoal_wanted_server_weight The servers that HAProxy should have; 0 is drained.",
             "# TYPE shoal_wanted_server_weight gauge"]
    lines += [f'shoal_wanted_server_weight{{proxy="{backend}",server="{line.name}"}} {line.weight}'
              for backend, those in servers.items() for line in those]
    return ("\n".join(lines) + "\n").encode()
