"""A new worker gets its keys step by step, and nobody else's move meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from types import TracebackType

import pytest

from conftest import patient
from load import Load, owners
from shoal_cli import FleetUnderTest, Make, eventually

KEYS = [f"bulk/ramp-{number}" for number in range(2000)]
NEW = "limiter-3"


@pytest.fixture(scope="module")
def fleet(make_fleet: Make) -> FleetUnderTest:
    """Two workers before and after each test."""
    found = make_fleet()
    found.up("--workers", "2", "--config", patient(found))
    return found


def weights(fleet: FleetUnderTest) -> dict[str, int]:
    """As HAProxy has them."""
    lines = (line.split() for line in fleet.haproxy("show servers state limiter").splitlines())
    return {fields[3]: int(fields[7]) for fields in lines if len(fields) > 7 and fields[0].isdigit()}


def written(fleet: FleetUnderTest) -> dict[str, int]:
    """As its file has them."""
    text = (fleet.data / "conf" / "haproxy.cfg").read_text()
    return {name: int(weight) for name, weight in re.findall(r"server (limiter-\d+) .*? weight (\d+) ", text)}


def located(fleet: FleetUnderTest) -> dict[str, str]:
    result = subprocess.run(fleet.command("ring", "locate", "limiter", "-"), input="\n".join(KEYS) + "\n",
                            capture_output=True, text=True, check=True)
    return dict(line.split("\t") for line in result.stdout.splitlines())


class Ramp:
    """scripts/fleet in the background, held still whenever it has told HAProxy of a step."""

    def __init__(self, fleet: FleetUnderTest, *command: str) -> None:
        self._fleet, self._seen, self._taken = fleet, len(fleet.journal()), 0
        self._tool = subprocess.Popen(fleet.command(*command), stdout=subprocess.DEVNULL)

    def _steps(self) -> int:
        return sum(entry["event"] in ("server added", "server weighed") for entry in self._fleet.journal()[self._seen:])

    def next(self) -> int:
        """Until it has gone on; returns by how many steps, 0 at its end."""
        self._tool.send_signal(signal.SIGCONT)
        eventually(lambda: self._steps() > self._taken or self._tool.poll() is not None, 30, "another step")
        if self._tool.poll() is not None:
            assert self._tool.returncode == 0
            return 0
        self._tool.send_signal(signal.SIGSTOP)
        before, self._taken = self._taken, self._steps()
        return self._taken - before

    def __enter__(self) -> "Ramp":
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        """kill -9, where it has not ended."""
        self._tool.kill()
        self._tool.wait()


def test_each_step_gives_at_most_a_quarter_and_takes_nothing_else(fleet: FleetUnderTest) -> None:
    shares, before = [], owners(fleet.port, KEYS)
    with Load(fleet.port, threads=1) as load, Ramp(fleet, "scale", "limiter", "3") as ramp:
        while steps := ramp.next():
            assert weights(fleet)[NEW] <= written(fleet)[NEW], "a reload never takes a step back"
            # One that was added a moment ago has yet to pass its first check.
            eventually(lambda: re.search(rf"(?m)^limiter,{NEW},.*,UP,", fleet.haproxy("show stat")), 10, "it is up")
            now = owners(fleet.port, KEYS)
            assert {now[key] for key in KEYS if now[key] != before[key]} == {NEW}
            shares.append((steps, sum(now[key] != before[key] for key in KEYS)))
            before = now
    assert load.failures == []
    final = sum(owner == NEW for owner in before.values())
    assert len(shares) >= 4 and sum(moved for _, moved in shares) == final
    # A sample of the keys, and so a little more than a quarter may be what is seen.
    assert all(moved <= steps * 0.25 * final * 1.05 for steps, moved in shares), shares
    assert set(weights(fleet).values()) == {256} and before == located(fleet)
    fleet.run("scale", "limiter", "2")


def test_a_ramp_that_was_killed_goes_on_with_the_next_call(fleet: FleetUnderTest) -> None:
    with Ramp(fleet, "up", "--workers", "4") as ramp:
        while ramp.next() and weights(fleet).get("limiter-4", 0) < 60:
            pass
    os.kill(int(fleet.other("haproxy")["pid"]), signal.SIGUSR2)
    eventually(lambda: weights(fleet) == written(fleet), 10, "a reload goes by the file")
    assert 0 < weights(fleet)["limiter-4"] < 256
    assert owners(fleet.port, KEYS) == located(fleet), "what is said of owners holds in between"
    assert "a change of limiter-4 was stopped midway" in fleet.run("status", "--check", code=6).stdout
    assert {f"give limiter-{number} the rest of its keys" for number in (3, 4)} <= set(
        json.loads(fleet.run("plan", "--json").stdout)["steps"])
    fleet.run("reload")
    assert set(weights(fleet).values()) == {256} == set(written(fleet).values())
    fleet.run("status", "--check")
    fleet.run("scale", "limiter", "2")


def test_who_is_not_new_has_all_its_keys_at_once(fleet: FleetUnderTest) -> None:
    fleet.run("down")
    seen = len(fleet.journal())
    fleet.run("up", "--workers", "3")
    fleet.run("drain", NEW)
    fleet.run("undrain", NEW)
    victim = fleet.pids()[NEW]
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: fleet.pids()[NEW] not in (None, victim), 20, "it is started again")
    fleet.run("up", "--workers", "2")
    assert [entry["weight"] for entry in fleet.journal()[seen:] if entry["event"] == "server weighed"] == [0, 256]
