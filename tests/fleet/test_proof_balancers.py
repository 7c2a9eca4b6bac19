"""Two load balancers that are given the same state send every key to the same worker, whatever they went through."""

from __future__ import annotations

import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conftest import patient
from loadtest_cli import loadtest
from proof import reload_haproxy, whole
from shoal_cli import FleetUnderTest, Make, eventually

KEYS, RULE = 100_000, "nobody"
DRAINED = "limiter-3"


def kill_haproxy(fleet: FleetUnderTest) -> None:
    killed = fleet.other("haproxy")["pid"]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: fleet.other("haproxy")["pid"] not in (None, killed), 10, "it is started again")
    whole(fleet)


def grow_and_shrink(fleet: FleetUnderTest) -> None:
    fleet.up("--workers", "2", "--config", patient(fleet))
    for count in ("5", "3"):
        fleet.run("scale", "limiter", count)
    fleet.run("drain", "limiter-1")
    reload_haproxy(fleet)
    fleet.run("scale", "limiter", "4")
    fleet.run("restart")
    fleet.run("undrain", "limiter-1")
    fleet.run("drain", DRAINED)


def start_as_wanted(fleet: FleetUnderTest) -> None:
    fleet.up("--workers", "4", "--config", patient(fleet))
    fleet.run("drain", DRAINED)
    kill_haproxy(fleet)


def owners(fleet: FleetUnderTest, folder: Path) -> dict[str, str]:
    folder.mkdir()
    keys = folder / "keys"
    keys.write_text("".join(f"key-{number}\n" for number in range(KEYS)))
    # A rule that there is not costs its worker least.
    found = loadtest(folder, "--url", f"http://{fleet.listen}/v1/limits/{RULE}/{{key}}", "--keys", f"file:{keys}",
                     "--rate", "10000", "--duration", f"{KEYS // 10000}s", "--timeout", "60s", "--expect-status", "404",
                     "--quiet")
    return {line["key"]: line["worker"] for line in found.record}


def test_all_of_100000_keys_have_one_owner(make_fleet: Make, tmp_path: Path) -> None:
    fleets = [make_fleet(), make_fleet()]
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda pair: pair[0](pair[1]), zip((grow_and_shrink, start_as_wanted), fleets)))
        first, second = pool.map(lambda fleet: owners(fleet, tmp_path / fleet.home.name), fleets)
    assert len(first) == KEYS and set(first.values()) == {"limiter-1", "limiter-2", "limiter-4"}
    different = [key for key in first if first[key] != second[key]]
    assert not different, f"{len(different)} keys, the first: {different[:5]}"
    located = subprocess.run(fleets[1].command("ring", "locate", "limiter", "-"), capture_output=True, text=True,
                             input="".join(f"{RULE}/{key}\n" for key in first), check=True).stdout
    predicted = dict(line.split("\t") for line in located.splitlines())
    assert predicted == {f"{RULE}/{key}": owner for key, owner in first.items()}
