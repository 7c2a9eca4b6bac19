"""up, down and status: safe to repeat, side by side, clear when something is in the way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest

from shoal_cli import WORKERS, FleetUnderTest, Make, alive, eventually


def test_status_has_one_object_per_worker(shared: FleetUnderTest) -> None:
    seen = shared.status()
    assert [worker["name"] for worker in seen["workers"]] == ["limiter-1", "limiter-2", "limiter-3"]
    for worker in seen["workers"]:
        assert worker["service"] == "limiter"
        assert worker["state"] == "serving"
        assert alive(worker["pid"])
    assert {entry["name"] for entry in seen["others"]} == {"supervisord", "keeper", "haproxy", "redis-state", "rotate"}
    table = shared.run("status").stdout.splitlines()
    columns = [line.index("serving") for line in table if "serving" in line]
    assert len(columns) == 3 and len(set(columns)) == 1, "the table is aligned"


def test_twelve_requests_to_demo_are_ten_allowed_and_two_refused(shared: FleetUnderTest) -> None:
    codes = [shared.request("POST", "/v1/limits/demo/lifecycle")[0] for _ in range(12)]
    assert codes == [200] * 10 + [429] * 2


def test_up_twice_changes_nothing(shared: FleetUnderTest) -> None:
    before, state = shared.status(), (shared.home / "state.json").read_text()
    shared.up()
    after = shared.status()
    assert [w["pid"] for w in after["workers"]] == [w["pid"] for w in before["workers"]]
    assert {o["name"]: o["pid"] for o in after["others"]} == {o["name"]: o["pid"] for o in before["others"]}
    assert (shared.home / "state.json").read_text() == state


def test_up_prints_what_to_try(shared: FleetUnderTest) -> None:
    assert f"curl -i -X POST http://{shared.listen}/v1/limits/demo/alice" in shared.up().stdout


def test_the_front_answers_what_no_service_does(shared: FleetUnderTest) -> None:
    for path in ("/", "/v1/limitsx", "/-/config", "/-/ready"):
        status, headers, body = shared.request("GET", path)
        assert status == 404
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["status"] == 404
        assert headers["x-request-id"]


@pytest.mark.parametrize(("sent", "kept"), [("abc-123", True), ("x" * 128, True), ("x" * 129, False), ('a"b', False)])
def test_request_ids_are_taken_over_when_they_are_harmless(shared: FleetUnderTest, sent: str, kept: bool) -> None:
    _, headers, _ = shared.request("GET", "/v1/limits", {"X-Request-Id": sent})
    assert (headers["x-request-id"] == sent) is kept
    _, other, _ = shared.request("GET", "/v1/limits")
    assert other["x-request-id"] != headers["x-request-id"]


def test_a_request_is_in_the_access_log_with_its_id_and_worker(shared: FleetUnderTest) -> None:
    _, headers, _ = shared.request("GET", "/v1/limits/demo/logged", {"X-Request-Id": "find-me"})
    lines = [line for line in shared.run("logs", "access").stdout.splitlines() if "find-me" in line]
    assert len(lines) == 1
    assert f"limiter/{headers['x-shoal-worker']} " in lines[0]
    assert lines[0].endswith('find-me "GET /v1/limits/demo/logged HTTP/1.1"')


def test_metrics_and_stats_are_on_the_admin_address(shared: FleetUnderTest) -> None:
    status, _, body = shared.request("GET", "/metrics", port=shared.admin_port())
    assert status == 200 and b'haproxy_server_status{proxy="limiter",server="limiter-1"' in body
    status, _, body = shared.request("GET", "/", port=shared.admin_port())
    assert status == 200 and b"limiter-3" in body


def test_a_large_head_reaches_the_worker_which_refuses_it(shared: FleetUnderTest) -> None:
    status, headers, _ = shared.request("GET", "/v1/limits", {"X-Large": "x" * 14_400})
    assert status == 431 and "x-shoal-worker" in headers
    status, headers, _ = shared.request("GET", "/v1/limits", {"X-Large": "x" * 17_000})
    assert status == 400 and "x-shoal-worker" not in headers, "HAProxy's own answer"
    assert shared.request("GET", "/v1/limits", {"X-Large": "x" * 12_000})[0] == 200


def test_two_fleets_side_by_side(shared: FleetUnderTest, make_fleet: Make) -> None:
    other = make_fleet()
    other.run("up", "--bin", str(other.binaries), "--listen", other.listen, "--workers", "1")
    assert other.admin_port() >= 8404, "chosen by itself"
    assert set(shared.pids().values()).isdisjoint(other.pids().values())
    assert other.admin_port() != shared.admin_port()
    shared.request("POST", "/v1/limits/demo/side")
    assert json.loads(other.request("GET", "/v1/limits/demo/side")[2])["remaining"] == 10
    other.run("down")
    assert {worker["state"] for worker in shared.workers().values()} == {"serving"}


def test_a_port_in_use_is_said_before_anything_starts(shared: FleetUnderTest, make_fleet: Make) -> None:
    other = make_fleet()
    other.port = shared.port
    error = other.up(code=1).stderr
    assert f"--listen 127.0.0.1:{shared.port}: another process listens" in error and "ss -ltnp" in error
    assert other.processes() == []


def test_down_stops_everything_and_can_be_repeated(make_fleet: Make) -> None:
    fleet = make_fleet()
    fleet.up("--workers", "2")
    run_folder = fleet.run_folder
    fleet.request("POST", "/v1/limits/demo/kept?cost=10")
    fleet.run("down")
    assert fleet.processes() == []
    assert not run_folder.exists()
    assert "no fleet was up" in fleet.run("down").stderr
    assert fleet.status()["workers"] == []
    with pytest.raises(ConnectionRefusedError):
        fleet.request("GET", "/v1/limits")
    fleet.run("up")
    assert len(fleet.pids()) == 2
    assert json.loads(fleet.request("GET", "/v1/limits/demo/kept")[2])["remaining"] < 10, "Redis kept its data"


def test_new_options_reach_a_running_fleet(fleet: FleetUnderTest) -> None:
    pids = fleet.pids()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    fleet.run("up", "--listen", f"127.0.0.1:{port}")
    assert fleet.pids() == pids
    assert fleet.request("GET", "/v1/limits", port=port)[0] == 200
    with pytest.raises(ConnectionRefusedError):
        fleet.request("GET", "/v1/limits")


def put_broken_worker(folder: Path, ending: str) -> Path:
    folder.mkdir()
    for name in WORKERS:
        (folder / name).write_text(f"#!/bin/sh\ncase $* in *--check-config*) exit 0;; esac\n{ending}\n")
        (folder / name).chmod(0o755)
    return folder


def test_a_worker_that_does_not_start_takes_the_fleet_down_again(make_fleet: Make, tmp_path: Path) -> None:
    fleet = make_fleet()
    broken = put_broken_worker(tmp_path / "bin", "echo 'no such luck' >&2; exit 1")
    error = fleet.up("--bin", str(broken), code=1).stderr
    assert "limiter-1 does not start" in error or "limiter-2 does not start" in error
    assert "no such luck" in error
    assert fleet.processes() == []
    assert fleet.status()["up"] is False


def test_a_time_out_keeps_what_is_wanted(make_fleet: Make, tmp_path: Path) -> None:
    fleet = make_fleet()
    slow = put_broken_worker(tmp_path / "bin", "exec sleep 600")
    error = fleet.up("--bin", str(slow), "--workers", "1", "--timeout", "2", code=4).stderr
    assert "limiter-1 did not get ready within 2 s" in error
    fleet.up()
    assert fleet.workers()["limiter-1"]["state"] == "serving"


def test_status_and_doctor_without_trouble(shared: FleetUnderTest) -> None:
    assert "nothing is wrong" in shared.run("doctor").stdout


def test_the_home_is_where_it_was_said_to_be(shared: FleetUnderTest) -> None:
    assert {"state.json", "journal.jsonl", "lock"} <= set(os.listdir(shared.home))
    assert [entry["event"] for entry in shared.journal()][0] == "begin"


@pytest.mark.parametrize("command", ["up", "down"])
def test_a_killed_up_or_down_is_finished_by_the_next(make_fleet: Make, command: str) -> None:
    fleet = make_fleet()
    line = fleet.command(*fleet.up_line("--workers", "2"))
    if command == "down":
        fleet.up("--workers", "2")
        line = fleet.command("down")
    seen = len(fleet.journal()) if command == "down" else 0
    tool = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    event = "begin" if command == "down" else "supervisord started"

    def reached() -> bool:
        try:
            return any(entry["event"] == event for entry in fleet.journal()[seen:])
        except FileNotFoundError:
            return False

    eventually(reached, 20, event)
    tool.kill()
    tool.wait()
    if command == "down":
        fleet.run("down")
        assert fleet.processes() == []
    fleet.up()
    assert {worker["state"] for worker in fleet.workers().values()} == {"serving"}
    assert "nothing is wrong" in fleet.run("doctor").stdout
