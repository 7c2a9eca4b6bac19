"""What `status` and `top` say that workers do is what was done to them."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import threading
from contextlib import contextmanager
from typing import Any, Iterator

import pytest

from origin_server import Origin, Page
from pseudo_terminal import OnTerminal
from shoal_cli import PATIENT, FleetUnderTest, Make, eventually

SERVICE_MS = 20
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
MEASURED = ("interval_s", "requests_per_s", "p50_ms", "p99_ms", "in_flight", "loop_stall_ms", "hit_ratio")
Seen = dict[str, Any]


@pytest.fixture(scope="module")
def watched(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    """Two workers of each service, which take at least SERVICE_MS for an answer of the API."""
    fleet = make_fleet()
    config = fleet.home.parent / "watched.json"
    config.write_text(json.dumps(PATIENT | {"http": {"test": {"service_time": f"{SERVICE_MS}ms"}}}))
    said = fleet.up("--workers", "2", "--config", str(config), "--origin", origin.url).stdout
    assert "SUPERVISOR" in said and "REQ/S" not in said, "up does not wait for what takes two looks"
    yield fleet
    fleet.destroy()


@contextmanager
def looks(fleet: FleetUnderTest) -> Iterator[Iterator[Seen]]:
    """At the fleet twice a second, from the first on that is over."""
    top = subprocess.Popen(fleet.command("top", "--json", "-d", "0.5"), stdout=subprocess.PIPE, text=True)
    try:
        assert top.stdout is not None
        found = (json.loads(line) for line in top.stdout)
        next(found)
        yield found
    finally:
        top.send_signal(signal.SIGINT)
        assert top.wait(30) == 0


def workers_of(seen: Seen, service: str) -> list[Seen]:
    return [worker for worker in seen["workers"] if worker["service"] == service]


def answered(seen: Seen, service: str) -> dict[str, float]:
    """How many, by worker."""
    return {worker["name"]: worker["requests_per_s"] * worker["interval_s"] for worker in workers_of(seen, service)}


def test_rates_and_times_are_those_of_the_requests_that_were_made(watched: FleetUnderTest) -> None:
    owners = [watched.request("POST", f"/v1/limits/bulk/{key}")[1]["x-shoal-worker"] for key in range(40)]
    with looks(watched) as following:
        seen = [next(following)]
        asking = threading.Thread(target=lambda: [
            watched.request("POST", f"/v1/limits/bulk/{key}") for key in range(40)])
        asking.start()
        while sum(sum(answered(look, "limiter").values()) for look in seen) < 39:
            seen.append(next(following))
        asking.join()
        seen.append(next(following))
    for worker in ("limiter-1", "limiter-2"):
        count = sum(answered(look, "limiter")[worker] for look in seen)
        assert count == pytest.approx(owners.count(worker), rel=0.05)
    busy = [worker for look in seen for worker in workers_of(look, "limiter") if worker["requests_per_s"]]
    assert all(SERVICE_MS <= worker["p50_ms"] <= worker["p99_ms"] for worker in busy)
    idle = [worker for look in seen for worker in workers_of(look, "limiter") if not worker["requests_per_s"]]
    assert idle and all(worker["p50_ms"] is worker["p99_ms"] is None for worker in idle)


def test_the_hit_ratio_is_that_of_the_site_s_visits(watched: FleetUnderTest, origin: Origin) -> None:
    origin.page("/kept", "x", Cache_Control="max-age=600")
    origin.page("/passed", "x", Cache_Control="no-store")
    eventually(lambda: "; hit" in watched.visit("/kept")[1]["cache-status"], 10, "it is kept")
    hits = total = 0.0
    with looks(watched) as following:
        next(following)
        for path in ["/kept"] * 30 + ["/passed"] * 10:
            assert watched.visit(path)[0] == 200
        while total < 39:
            look = next(following)
            for worker in workers_of(look, "cache"):
                count = answered(look, "cache")[worker["name"]]
                total, hits = total + count, hits + count * (worker["hit_ratio"] or 0.0)
            assert all(worker["hit_ratio"] is None for worker in workers_of(look, "limiter"))
    assert hits / total == pytest.approx(0.75, abs=0.05)


def test_what_is_being_answered_is_in_flight(watched: FleetUnderTest, origin: Origin) -> None:
    gate = threading.Event()
    origin.put("/held/*", Page(b"x", gate=gate))
    visitors = [threading.Thread(target=watched.visit, args=(f"/held/{number}",)) for number in range(5)]

    def in_flight() -> int:
        return sum(worker["in_flight"] for worker in workers_of(watched.status(), "cache"))

    assert in_flight() == 0
    try:
        for visitor in visitors:
            visitor.start()
        eventually(lambda: in_flight() == 5, 10, "they are in flight")
    finally:
        gate.set()
        for visitor in visitors:
            visitor.join(30)
    eventually(lambda: in_flight() == 0, 10, "they are answered")


def test_the_share_of_the_ring_is_what_ring_show_says(watched: FleetUnderTest) -> None:
    def shares() -> dict[str, float]:
        return {entry["worker"]: entry["share"]
                for entry in json.loads(watched.run("ring", "show", "limiter", "--json").stdout)}

    seen = workers_of(watched.status(), "limiter")
    assert {worker["name"]: worker["ring_share"] for worker in seen} == shares()
    assert [(worker["id"], worker["weight"], worker["supervisor"]) for worker in seen] == [
        (1, 256, "RUNNING"), (2, 256, "RUNNING")]
    watched.run("drain", "limiter-1")
    drained, other = workers_of(watched.status(), "limiter")
    assert (drained["ring_share"], drained["weight"], drained["state"]) == (0.0, 0, "drained")
    assert {"limiter-2": other["ring_share"]} == shares() and other["ring_share"] == pytest.approx(1)
    watched.run("undrain", "limiter-1")


def test_a_loop_that_stood_still_has_a_stall_of_that_length(watched: FleetUnderTest) -> None:
    with looks(watched) as following:
        pid = next(worker["pid"] for worker in next(following)["workers"] if worker["name"] == "cache-2")
        os.kill(pid, signal.SIGSTOP)
        # Not waited for: it is the stall.
        threading.Event().wait(0.4)
        os.kill(pid, signal.SIGCONT)
        stalls = (worker["loop_stall_ms"] for look in following for worker in look["workers"]
                  if worker["name"] == "cache-2" and worker["loop_stall_ms"] is not None)
        assert any(stall >= 350 for stall, _ in zip(stalls, range(20)))


def test_who_does_not_answer_is_unknown_and_named_as_drift(watched: FleetUnderTest) -> None:
    pid = watched.pids()["limiter-1"]
    os.kill(pid, signal.SIGSTOP)
    try:
        seen = json.loads(watched.run("status", "--json", "--check", "--interval", "0.1", code=6, timeout=30).stdout)
    finally:
        os.kill(pid, signal.SIGKILL)
    stopped, other = workers_of(seen, "limiter")
    assert [stopped[name] for name in (*MEASURED, "version", "uptime_s")] == [None] * 9
    assert stopped["pid"] == pid and stopped["ring_share"] > 0.4
    assert stopped["state"] != "serving" and any("limiter-1 is " in what for what in seen["drift"])
    assert other["requests_per_s"] == other["in_flight"] == 0 and other["state"] == "serving"
    eventually(lambda: watched.workers()["limiter-1"]["state"] == "serving", 20, "another is there")
    again = workers_of(watched.status(), "limiter")[0]
    assert again["pid"] != pid and again["in_flight"] == 0


def test_drift_is_in_the_last_line(watched: FleetUnderTest) -> None:
    watched.haproxy("set weight limiter/limiter-2 100")
    for command, code in ((("status", "--check", "--interval", "0"), 6), (("top", "-n", "1", "-d", "0.1"), 0)):
        said = watched.run(*command, code=code).stdout
        assert said.strip().splitlines()[-1] == "drift: limiter-2 has weight 100 in HAProxy's limiter, not 256"
        assert re.search(r"(?m)^limiter-2 +serving .* 100  UP ", said)
    watched.run("up")
    assert watched.run("status", "--check").stdout.splitlines()[-1] == "no drift: all runs as wanted"


def test_top_elsewhere_prints_as_many_tables_as_are_wanted(watched: FleetUnderTest) -> None:
    said = watched.run("top", "-n", "2", "-d", "0.3").stdout
    assert "\x1b" not in said and said.count("\nWORKER ") == said.count("no drift: all runs as wanted\n") == 2
    assert len(re.findall(r"(?m)^cache-2 +serving +0\.0 ", said)) == 2
    lines = watched.run("top", "-n", "2", "-d", "0.3", "--json").stdout.splitlines()
    assert [len(json.loads(line)["workers"]) for line in lines] == [4, 4]


@pytest.mark.parametrize(("ending", "code"), [(b"\x03", 0), (b"q", 0), (signal.SIGTERM, 3)],
                         ids=["Ctrl-C", "q", "SIGTERM"])
def test_top_gives_the_terminal_back(watched: FleetUnderTest, ending: bytes | signal.Signals, code: int) -> None:
    with OnTerminal(watched.command("top", "-d", "0.2")) as terminal:
        eventually(lambda: terminal.said.count("WORKER ") >= 2, 20, "it is drawn again")
        assert terminal.modes() != terminal.modes_before, "keys are not shown"
        if isinstance(ending, bytes):
            terminal.press(ending)
        else:
            terminal.process.send_signal(ending)
        assert terminal.ended() == code
        said = terminal.said
        assert terminal.modes_after == terminal.modes_before
    assert said.startswith(ENTER) and said.count(ENTER) == said.count(LEAVE) == 1
    after = said.partition(LEAVE)[2]
    assert "stopped by SIGTERM" in after if code else after == ""
    frames = said.partition(LEAVE)[0].split("\x1b[H")[1:]
    assert "\x1b[2J" not in said and all(len(frame.splitlines()) == len(frames[0].splitlines()) for frame in frames)


def test_top_follows_the_terminal_s_size(watched: FleetUnderTest) -> None:
    with OnTerminal(watched.command("top", "-d", "600"), columns=140) as terminal:
        eventually(lambda: "no drift" in terminal.said, 20, "it is drawn")
        assert "SUPERVISOR" in terminal.said
        terminal.resize(80, 9)
        eventually(lambda: "more: make the window higher" in terminal.said, 10, "it is drawn again, smaller")
        frame = terminal.said.split("\x1b[H")[-1].replace("\x1b[K", "").replace("\x1b[J", "").splitlines()
        assert len(frame) == 9 and max(map(len, frame)) <= 80 and "no drift" in frame[-1]
        terminal.press(b"q")
        assert terminal.ended() == 0


def test_top_can_be_stopped_and_goes_on(watched: FleetUnderTest) -> None:
    line = shlex.join(watched.command("top", "-d", "600"))
    with OnTerminal(["/bin/bash", "-mc", f"{line}; stty -a; fg"]) as terminal:
        eventually(lambda: "no drift" in terminal.said, 20, "it is drawn")
        terminal.press(b"\x1a")
        eventually(lambda: terminal.said.count(ENTER) == 2, 10, "the shell brings it back")
        between = terminal.said.partition(LEAVE)[2].partition(ENTER)[0]
        assert " icanon" in between and " echo " in between
        eventually(lambda: "no drift" in terminal.said.rpartition(ENTER)[2], 10, "it is drawn at once")
        terminal.press(b"q")
        assert terminal.ended() == 0
        assert terminal.said.count(LEAVE) == 2 and terminal.modes_after == terminal.modes_before


def test_status_on_a_terminal_fits_it_and_says_what_it_waits_for(watched: FleetUnderTest) -> None:
    with OnTerminal(watched.command("status"), columns=100) as terminal:
        assert terminal.ended() == 0
        waiting, _, table = terminal.said.partition("WORKER ")
    assert waiting == "\r\x1b[Klooking at what it does for 1 s\r\x1b[K"
    assert max(len(line) for line in table.splitlines()[:5]) <= 100 and "limiter-2" in table
