"""What is ended in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from shoal_fleet import processes, render, supervision
from shoal_fleet.supervisor import Program


class Supervisor:
    def __init__(self, **states: str) -> None:
        self.states = {name.replace("_", "-"): state for name, state in states.items()}
        self.told: list[str] = []

    def programs(self) -> dict[str, Program]:
        return {name: Program(name, state, 1, 0, 0, "") for name, state in self.states.items()}

    def stop(self, name: str) -> None:
        self.told.append(name)

    def remove(self, name: str) -> bool:
        del self.states[name]
        return True


def test_redis_ends_after_the_workers_that_ask_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "programs", lambda fleet: {"haproxy": b""})
    supervisor = Supervisor(haproxy="RUNNING", limiter_1_a="RUNNING", redis_state="RUNNING")
    monkeypatch.setattr(processes, "redis", lambda *words: None)
    fleet: Any = SimpleNamespace(supervisor=supervisor, layout=None, account=SimpleNamespace(uid=0))
    assert supervision.end_surplus(fleet) == {"limiter-1-a", "redis-state"}
    supervisor.states["limiter-1-a"] = "STOPPING"
    assert supervision.end_surplus(fleet) == {"limiter-1-a", "redis-state"}
    assert set(supervisor.told) == {"limiter-1-a"}
    supervisor.states["limiter-1-a"] = "EXITED"
    assert supervision.end_surplus(fleet) == {"redis-state"}
    assert supervision.end_surplus(fleet) == {"redis-state"} and "redis-state" in supervisor.told
    supervisor.states["redis-state"] = "STOPPED"
    assert supervision.end_surplus(fleet) == set()
    assert set(supervisor.states) == {"haproxy"}
