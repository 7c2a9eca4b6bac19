"""services/relay/fleet.py: what the relay's own program is asked, and how its workers' words are shown."""

from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from samples import ROOT
from shoal_fleet import manifest
from shoal_fleet.cli import main
from shoal_fleet.errors import FAILED, USAGE, FleetError
from shoal_fleet.fleet import Fleet
from shoal_fleet.numbers import set_count


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("relay_commands", ROOT / "services" / "relay" / "fleet.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


relay = _load()
ACTIVE = {"role": "active", "slot": "shoal", "publication": "shop", "source": "7123/1/shop",
          "received": "0/16B3748", "confirmed": "0/16B3700", "server": "0/16B3748", "lag_bytes": 72,
          "lag_ms": 3, "open_transactions": 1, "purges": 12, "rows": 40, "epoch": 2, "wal_bytes": 2048}
GONE = {"role": "disconnected", "slot": "shoal", "publication": "shop", "why": "no\x1b[2J route", "lag_bytes": 3 << 20,
        "lag_ms": 61_000}


@pytest.fixture
def running(fleet: Fleet) -> Any:
    """A tool whose fleet has two relay workers, on paper."""
    fleet.manifests["relay"] = manifest.load_all(ROOT / "services")["relay"]
    set_count(fleet, fleet.manifests["relay"], 2)
    fleet.state.up = True
    return SimpleNamespace(open=lambda: fleet, terminal=fleet.terminal)


def program(fleet: Fleet, script: str) -> None:
    path = fleet.layout.binaries / fleet.state.build / "shoal-relay"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("run", "given", "words"), [
    ("run_setup", {"print": False, "dsn": None}, "setup --config {config}"),
    ("run_setup", {"print": True, "dsn": None}, "setup --config {config} --print"),
    ("run_setup", {"print": False, "dsn": "dbname=shop"}, "setup --config {config} --postgres dbname=shop"),
    ("run_check", {}, "check --config {config}"),
    ("run_check", {"json": True}, "check --config {config} --json"),
])
@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_relays_own_program_answers(running: Any, capfd: pytest.CaptureFixture[str], run: str,
                                        given: dict[str, Any], words: str, code: int) -> None:
    program(running.open(), f'echo "$@"; exit {code}')
    assert getattr(relay, run)(running, SimpleNamespace(**given)) == code
    assert capfd.readouterr().out == words.format(config=running.open().layout.config) + "\n"


def test_without_a_program_or_after_its_violent_end_there_is_a_next_step(running: Any) -> None:
    with pytest.raises(FleetError, match="can't be run") as caught:
        relay.run_check(running, SimpleNamespace())
    assert "scripts/fleet up" in caught.value.hint
    program(running.open(), "kill -9 $$")
    with pytest.raises(FleetError, match="signal 9"):
        relay.run_check(running, SimpleNamespace())


def test_a_relay_that_has_nothing_to_do_is_told_what_it_lacks(running: Any) -> None:
    running.open().state.services.clear()
    for command in (relay.run_setup, relay.run_check, relay.run_status):
        with pytest.raises(FleetError, match="'relay' is not run") as caught:
            command(running, SimpleNamespace(print=False, dsn=None))
        assert "--postgres" in caught.value.hint


def answering(monkeypatch: pytest.MonkeyPatch, answers: dict[str, tuple[int, bytes]]) -> None:
    def get(path: Path, target: str) -> tuple[int, bytes]:
        assert target == "/-/relay"
        if path.stem not in answers:
            raise ConnectionRefusedError("nobody listens")
        return answers[path.stem]

    monkeypatch.setattr(relay, "get", get)


def test_status_has_who_answers_and_names_who_does_not(running: Any, monkeypatch: pytest.MonkeyPatch,
                                                       capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, {"relay-1": (200, json.dumps(ACTIVE).encode())})
    assert relay.run_status(running, SimpleNamespace(json=True)) == 0
    assert json.loads(capsys.readouterr().out) == {"workers": {"relay-1": ACTIVE}, "missing": ["relay-2"]}
    answering(monkeypatch, {"relay-1": (404, b"{}"), "relay-2": (200, b"[]")})
    with pytest.raises(FleetError, match="no worker of relay answers"):
        relay.run_status(running, SimpleNamespace())


def test_status_for_people_is_aligned_and_says_why() -> None:
    assert relay.report({"relay-1": ACTIVE, "relay-2": GONE}).splitlines() == [
        "WORKER   ROLE          RECEIVED   CONFIRMED      LAG  BEHIND  OPEN  ROWS  PURGES      WAL",
        "relay-1  active        0/16B3748  0/16B3700     72 B    3 ms     1    40      12  2.0 KiB",
        "relay-2  disconnected  -          -          3.0 MiB   1m01s     -     -       -        -",
        "",
        "slot shoal, publication shop, of 7123/1/shop",
        "",
        "relay-2: no\\x1b[2J route",
    ]


VIEWS = [{"name": "product", "kind": "document", "state": "ready", "entries": 1200, "generation": 17},
         {"name": "prices", "kind": "sorted_set", "state": "failed", "entries": 0, "generation": 18,
          "why": "no column \x1b[2J"}]


def test_status_has_a_table_of_views_and_why_one_is_not_kept() -> None:
    assert relay.report({"relay-1": {**ACTIVE, "views": VIEWS}, "relay-2": {**GONE, "views": []}}).splitlines()[8:] == [
        "VIEW     KIND        STATE   ENTRIES  GENERATION",
        "product  document    ready      1200          17",
        "prices   sorted_set  failed        0          18",
        "prices: no column \\x1b[2J",
    ]


def test_rebuild_asks_the_relay_that_keeps_the_view(running: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def post(path: Path, target: str) -> tuple[int, bytes]:
        asked.append(f"{path.name} {target}")
        return (202 if target.endswith("product") else 409), b"{}"
    monkeypatch.setattr(relay, "post", post)
    answering(monkeypatch, {"relay-1": (200, json.dumps(GONE).encode()),
                            "relay-2": (200, json.dumps({**ACTIVE, "views": VIEWS}).encode())})
    assert relay.run_rebuild(running, SimpleNamespace(view="product")) == 0
    assert len(asked) == 1 and asked[0].endswith("/-/relay/rebuild/product") and "relay-2" in asked[0]
    with pytest.raises(FleetError, match="is being filled"):
        relay.run_rebuild(running, SimpleNamespace(view="prices"))
    with pytest.raises(FleetError, match="no view other"):
        relay.run_rebuild(running, SimpleNamespace(view="other"))
    answering(monkeypatch, {"relay-1": (200, json.dumps(GONE).encode())})
    with pytest.raises(FleetError, match="no relay has the slot"):
        relay.run_rebuild(running, SimpleNamespace(view="product"))


@pytest.mark.parametrize(("samples", "inconsistent", "told"), [
    (0, 0, "-"), (9, 0, ">90%"), (999, 0, ">99.9%"), (99_999, 0, ">99.999%"), (1000, 1, "99.9%"), (1000, 20, "98%"),
    (3, 1, "66%"), (5, 5, "0%"),
])
def test_consistency_has_the_digits_that_its_samples_can_tell(samples: int, inconsistent: int, told: str) -> None:
    assert relay.nines(samples, inconsistent) == told


def test_an_audit_is_summed_over_all_that_compare() -> None:
    # Noon, wherever this runs.
    at = time.mktime((2026, 11, 29, 12, 0, 0, 0, 0, -1))
    cache = {"wanted": True, "samples": 900, "inconsistent": 1, "changing": 2, "failed": 0,
             "sweep": {"seconds": 61.2, "samples": 300}, "last": {"what": "http://a/\x1b[2J", "at": at}}
    assert relay.audited({"cache-1": cache, "relay-1": {"samples": 99, "inconsistent": 0}}).splitlines() == [
        "WORKER   SAMPLES  INCONSISTENT  CONSISTENT  CHANGING  FAILED         SWEEP  LAST FOUND",
        "cache-1      900             1       99.8%         2       0  300 in 1m01s  http://a/\\x1b[2J at "
        "2026-11-29 12:00:00",
        "relay-1       99             0        >99%         0       0             -  -",
        "all          999             1       99.8%         2       0",
    ]
    assert '"audit": {"per_second": 5}' in relay.audited({"cache-1": {"wanted": False}})


@pytest.mark.parametrize("command", ["relay", "relay setup", "relay check", "relay status", "relay audit",
                                     "relay rebuild"])
def test_help_of_relay_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"], ROOT)
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["relay", "relay drop", "relay setup dbname=shop now"])
def test_usage_errors_of_relay_end_with_2(line: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split(), ROOT)
    assert caught.value.code == USAGE


@pytest.mark.parametrize("command", ["relay setup", "relay check", "relay status", "relay audit"])
def test_without_a_fleet_relay_says_how_to_start_one(command: str, tmp_path: Path,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--home", str(tmp_path / "none")], ROOT) == FAILED
    assert "scripts/fleet up" in capsys.readouterr().err
