"""What is ended in which order."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Iterable

import pytest

from shoal_fleet import processes, render, stopping, supervision
from shoal_fleet.supervisor import Program
from shoal_fleet.terminal import Terminal


class Supervisor:
    def __init__(self, **states: str) -> None:
        self.states = {name.replace("_", "-"): state for name, state in states.items()}
        self.told: list[str] = []

    def programs(self) -> dict[str, Program]:
        return {name: Program(name, state, 1, 0, 0, "") for name, state in self.states.items()}

    def stop(self, name: str) -> None:
        self.told.append(name)

    def signal(self, name: str, signal: str) -> None:
        self.told.append(name)

    def wait_stopped(self, names: Iterable[str], seconds: float) -> None:
        assert set(names) & {*self.states} <= {*self.told}, "nobody waits for what was not told"
        self.told.append("waited")

    def remove(self, name: str) -> bool:
        del self.states[name]
        return True


@pytest.mark.parametrize("store", ["redis-state", "postgres"])
def test_what_workers_ask_ends_after_them(monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    monkeypatch.setattr(render, "programs", lambda fleet: {"haproxy": b""})
    supervisor = Supervisor(haproxy="RUNNING", limiter_1_a="RUNNING", **{store.replace("-", "_"): "RUNNING"})
    monkeypatch.setattr(processes, "server", lambda *words: None)
    fleet: Any = SimpleNamespace(supervisor=supervisor, layout=None, account=SimpleNamespace(uid=0))
    assert supervision.end_surplus(fleet) == {"limiter-1-a", store}
    supervisor.states["limiter-1-a"] = "STOPPING"
    assert supervision.end_surplus(fleet) == {"limiter-1-a", store}
    assert set(supervisor.told) == {"limiter-1-a"}
    supervisor.states["limiter-1-a"] = "EXITED"
    assert supervision.end_surplus(fleet) == {store}
    assert supervision.end_surplus(fleet) == {store} and store in supervisor.told
    supervisor.states[store] = "STOPPED"
    assert supervision.end_surplus(fleet) == set()
    assert set(supervisor.states) == {"haproxy"}


def test_a_fleet_stops_from_its_clients_to_what_its_workers_ask() -> None:
    supervisor = Supervisor(redis_state="RUNNING", postgres="RUNNING", relay_1a="RUNNING", haproxy="RUNNING")
    fleet: Any = SimpleNamespace(supervisor=supervisor, terminal=Terminal(quiet=True), ending_s=60)
    stopping._stop_programs(fleet)
    assert [name for name in supervisor.told if name != "waited"] == ["haproxy", "relay-1a", "postgres", "redis-state"]
    for name in ("relay-1a", "postgres"):
        assert supervisor.told[supervisor.told.index(name) + 1] == "waited", "what it asks goes only then"
