"""services/views/fleet.py: what the fleet is asked about its views, and how the answer is shown."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from shoal_fleet import manifest
from shoal_fleet.errors import FleetError
from shoal_fleet.fleet import Fleet
from shoal_fleet.front_api import Answer
from shoal_fleet.numbers import set_count

ROOT = Path(__file__).resolve().parents[3]


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("views_commands", ROOT / "services" / "views" / "fleet.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


views = _load()
FOUND = [{"name": "by_price", "kind": "sorted_set", "state": "filling", "generation": 12, "entries": 9},
         {"name": "product", "kind": "document", "state": "ready", "generation": 3, "entries": 812}]


@pytest.fixture
def running(fleet: Fleet) -> Any:
    fleet.manifests["views"] = manifest.load_all(ROOT / "services")["views"]
    fleet.state.up = True
    set_count(fleet, fleet.manifests["views"], 1)
    return SimpleNamespace(open=lambda: fleet)


def answering(monkeypatch: pytest.MonkeyPatch, status: int, body: bytes) -> None:
    def ask(_: Fleet, method: str, path: str) -> Answer:
        assert (method, path) == ("GET", "/v1/views")
        return Answer(status, "views-1", body)

    monkeypatch.setattr(views, "ask", ask)


def test_a_line_each(running: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, 200, json.dumps({"views": FOUND}).encode())
    assert views.run_list(running, SimpleNamespace()) == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["NAME", "KIND", "STATE", "GENERATION", "ENTRIES"], ["by_price", "sorted_set", "filling", "12", "9"],
        ["product", "document", "ready", "3", "812"]]
    assert views.run_list(running, SimpleNamespace(json=True)) == 0
    assert json.loads(capsys.readouterr().out) == {"views": FOUND}


def test_none_is_said(running: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, 200, b'{"views":[]}')
    assert views.run_list(running, SimpleNamespace()) == 0
    assert "there is no view" in capsys.readouterr().out


@pytest.mark.parametrize(("status", "body", "says"), [
    (503, b'{"detail":"Redis does not answer"}', "503: Redis does not answer"), (200, b"<html>", "can't be asked")])
def test_what_is_no_answer_is_said(running: Any, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes,
                                   says: str) -> None:
    answering(monkeypatch, status, body)
    with pytest.raises(FleetError, match=says):
        views.run_list(running, SimpleNamespace())


def test_where_no_worker_of_views_runs_it_says_what_they_lack(running: Any) -> None:
    running.open().state.services.pop("views")
    with pytest.raises(FleetError, match="'views' is not run") as caught:
        views.run_list(running, SimpleNamespace())
    assert "$.services.relay.views" in caught.value.hint
