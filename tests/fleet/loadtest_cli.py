"""scripts/loadtest as a test uses it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shoal_cli import ROOT

BINARIES = Path(os.environ.get("SHOAL_BIN", ROOT / "build" / "release" / "bin"))


@dataclass
class Loaded:
    code: int
    output: str
    complaints: str
    results: dict[str, Any]
    """Empty when there are none."""
    record: list[dict[str, str]]

    @property
    def fates(self) -> dict[str, int]:
        return {fate: count for fate, count in self.results["fates"].items() if count}


def command(*arguments: str | Path) -> list[str]:
    return [str(ROOT / "scripts" / "loadtest"), *(str(word) for word in arguments)]


def environment() -> dict[str, str]:
    assert os.access(BINARIES / "shoal-load", os.X_OK), f"{BINARIES}/shoal-load is missing: build the release preset"
    return {**os.environ, "SHOAL_BIN": str(BINARIES)}


def loadtest(folder: Path, *arguments: str, code: int | None = 0, timeout: float = 120) -> Loaded:
    """Runs it, expects that exit code, and that every request has one fate and one line."""
    results, record = folder / "results.json", folder / "record.tsv"
    for file in (results, record):
        file.unlink(missing_ok=True)
    done = subprocess.run(command(*arguments, "--json", results, "--record", record), capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL, env=environment(), check=False)
    said = f"ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert code is None or done.returncode == code, said
    text = results.read_text() if results.exists() else ""
    loaded = Loaded(done.returncode, done.stdout, done.stderr, json.loads(text) if text else {}, read_record(record))
    if loaded.results:
        check_sums(loaded)
    return loaded


def read_record(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def check_sums(loaded: Loaded) -> None:
    found = loaded.results
    assert sum(found["fates"].values()) == found["requests"] == len(loaded.record)
    assert found["errors"] == found["requests"] - found["fates"]["ok"]
    assert sum(step["requests"] for step in found["steps"]) == found["requests"]
    assert sum(point["due"] for point in found["timeline"]["points"]) == found["requests"]
    assert sum(point["answered"] for point in found["timeline"]["points"]) == found["answered"]
    by_fate: dict[str, int] = {}
    for line in loaded.record:
        by_fate[line["fate"]] = by_fate.get(line["fate"], 0) + 1
    assert by_fate == loaded.fates
    assert sorted(int(line["number"]) for line in loaded.record) == list(range(found["requests"]))
