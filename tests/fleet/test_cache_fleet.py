"""The front for sites: reached through HAProxy, scaled, restarted, without its second level, gone when all is down."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from cache_client import owned
from conftest import before, patient
from origin_server import Origin, Page
from shoal_cli import PATIENT, FleetUnderTest, Make, alive, eventually, free_port
from site_load import SiteLoad, put_pages

PROMISED = {"cache_control": "max-age=600"}


@pytest.fixture
def own(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    """A fleet of this test's own before `origin`, two workers of each service. For what operators do with it, which
    goes by no routing."""
    put_pages(origin)
    yield from before(make_fleet(), origin.url)


def redis(path: Path, *command: str) -> str:
    return subprocess.run(["redis-cli", "-s", path, *command], capture_output=True, text=True, check=True).stdout


def cache_pids(fleet: FleetUnderTest) -> dict[str, int]:
    return {name: pid for name, pid in fleet.pids().items() if name.startswith("cache-")}


@owned
def test_a_page_is_fetched_once_and_has_one_owner(cached: FleetUnderTest, origin: Origin) -> None:
    paths = {number: f"/once/{number}?q=a?b" for number in range(40)}
    keys = [f"shop.example{path}" for path in paths.values()]
    located = dict(line.split("\t") for line in cached.run("ring", "locate", "cache", *keys).stdout.splitlines())
    for number, path in paths.items():
        origin.page(f"/once/{number}", f"page {number}", **PROMISED)
        answers = [cached.visit(path, {"Host": "Shop.Example"}) for _ in range(3)]
        assert [(status, body) for status, _, body in answers] == [(200, f"page {number}".encode())] * 3
        assert origin.count(f"/once/{number}") == 1
        assert {headers["x-shoal-worker"] for _, headers, _ in answers} == {located[f"shop.example{path}"]}
    assert set(located.values()) == {"cache-1", "cache-2"}


def test_no_path_of_a_site_is_kept_back(cached: FleetUnderTest, origin: Origin) -> None:
    origin.put("/*", lambda asked: Page(f"the origin's {asked.target}".encode()))
    for path in ("/-/ready", "/-/metrics", "/-/config?x=1", "/-/cache/inspect?url=http://a/", "/v1/cache/purge",
                 "/v1/limits", "/metrics"):
        status, headers, body = cached.visit(path)
        assert (status, body) == (200, f"the origin's {path}".encode())
        assert headers["x-shoal-worker"].startswith("cache-")
    assert cached.visit("/v1/cache/purge", method="POST", body=b"{}")[2] == b"the origin's /v1/cache/purge"
    assert cached.request("GET", "/load/stored/1")[0] == 404, "the API's front leads to no site"


def test_where_a_request_came_from_is_not_what_its_client_says(cached: FleetUnderTest, origin: Origin) -> None:
    origin.page("/from", "x", cache_control="no-store")
    lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
            "X-Forwarded-Port": "1", "Forwarded": "for=6.6.6.6", "X-Original-URL": "/admin", "X-Rewrite-URL": "/admin"}
    cached.visit("/from", lies | {"Host": "shop.example", "X-Request-Id": "mine-1"})
    seen = origin.asked("/from")[-1].headers
    assert seen["host"] == "shop.example"
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert not [value for name, value in seen.items() if name != "host" and
                any(lie in value for lie in ("6.6.6.6", "evil", "/admin"))]
    assert not {"x-original-url", "x-rewrite-url", "x-forwarded-port"} & seen.keys()
    assert "x-request-id" not in seen, "what is fetched for all is nobody's request"
    cached.visit("/from", {"Host": "shop.example", "X-Request-Id": "mine-1"}, method="POST", body=b"x")
    assert origin.asked("/from")[-1].headers["x-request-id"] == "mine-1"


def test_scale_under_traffic_fails_no_request(cached: FleetUnderTest, origin: Origin) -> None:
    put_pages(origin)
    pids = cache_pids(cached)
    with SiteLoad(cached.site) as load:
        eventually(lambda: load.requests > 200, 20, "load is on")
        assert "added cache-3, cache-4" in cached.run("scale", "cache", "4").stdout
        seen = load.requests
        eventually(lambda: load.requests > seen + 300, 20, "the new ones are asked")
        cached.run("scale", "cache", "2")
        seen = load.requests
        eventually(lambda: load.requests > seen + 100, 20, "the others go on")
    print(f"{load.requests} requests")
    assert load.failures == []
    assert {"cache-3", "cache-4"} <= load.workers.keys()
    assert cache_pids(cached) == pids
    assert "nothing is wrong" in cached.run("doctor").stdout


def test_a_rolling_restart_under_traffic_fails_no_request(cached: FleetUnderTest, origin: Origin) -> None:
    put_pages(origin)
    pids = cache_pids(cached)
    with SiteLoad(cached.site) as load:
        eventually(lambda: load.requests > 200, 20, "load is on")
        cached.run("restart", "cache")
        seen = load.requests
        eventually(lambda: load.requests > seen + 100, 20, "the new ones are asked")
    print(f"{load.requests} requests")
    assert load.failures == []
    assert not set(pids.values()) & set(cache_pids(cached).values())
    assert not any(alive(pid) for pid in pids.values())


def test_a_killed_worker_fails_no_request_that_may_be_repeated(cached: FleetUnderTest, origin: Origin) -> None:
    put_pages(origin)
    victim = cache_pids(cached)["cache-1"]
    with SiteLoad(cached.site) as load:
        eventually(lambda: load.requests > 200, 20, "load is on")
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: cached.workers()["cache-1"]["state"] == "serving" and cached.pids()["cache-1"] != victim, 20,
                   "it is back")
    # A POST that a dead worker had may have had its effect: it is not sent again.
    assert [failure for failure in load.failures if not failure.startswith("POST")] == []
    assert len(load.failures) <= 3


def test_a_killed_second_level_is_started_again_and_nobody_else_suffers(cached: FleetUnderTest, origin: Origin) -> None:
    put_pages(origin)
    pids, victim = cached.pids(), cached.other("redis-l2")["pid"]
    with SiteLoad(cached.site) as load:
        eventually(lambda: load.requests > 200, 20, "load is on")
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: cached.other("redis-l2")["pid"] not in (None, victim), 20, "it is back")
        seen = load.requests
        eventually(lambda: load.requests > seen + 200, 20, "the site is served")
    assert load.failures == []
    assert cached.pids() == pids
    eventually(lambda: cached.run("doctor", code=0), 20, "nothing is wrong")


def test_workers_start_and_serve_without_a_second_level(cached: FleetUnderTest, origin: Origin,
                                                        tmp_path: Path) -> None:
    put_pages(origin)
    file = tmp_path / "absent.json"
    file.write_text(json.dumps({"redis": PATIENT["redis"] | {"l2": {"unix": str(tmp_path / "absent.sock")}}}))
    with SiteLoad(cached.site) as load:
        cached.run("up", "--config", str(file))
        seen = load.requests
        eventually(lambda: load.requests > seen + 100, 20, "the site is served")
        assert "redis-l2" not in {entry["name"] for entry in cached.status()["others"]}
        cached.run("up", "--config", patient(cached))
    assert load.failures == []


def test_the_second_level_is_bounded_and_keeps_nothing(own: FleetUnderTest, tmp_path: Path) -> None:
    path, pid, pids = own.run_folder / "redis-l2.sock", own.other("redis-l2")["pid"], own.pids()
    wanted = {"maxmemory": str(256 << 20), "maxmemory-policy": "allkeys-lfu", "appendonly": "no", "port": "0"}
    for name, value in wanted.items():
        assert redis(path, "CONFIG", "GET", name).split() == [name, value]
    assert redis(path, "CONFIG", "GET", "save").split() == ["save"]
    file = tmp_path / "smaller.json"
    for megabytes, command in ((16, "up"), (32, "reload")):
        file.write_text(json.dumps({"redis": PATIENT["redis"] | {"l2": {"memory": f"{megabytes}mb"}}}))
        own.run(command, "--config", str(file))
        assert redis(path, "CONFIG", "GET", "maxmemory").split() == ["maxmemory", str(megabytes << 20)]
        assert own.other("redis-l2")["pid"] == pid, "it is told, and keeps what it has"
        assert own.pids() == pids, "it is nothing to the workers"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run as somebody else")
def test_started_as_root_nothing_of_the_cache_runs_as_root(cached: FleetUnderTest) -> None:
    pids = [*cache_pids(cached).values(), cached.other("redis-l2")["pid"]]
    assert {pwd.getpwuid(Path(f"/proc/{pid}").stat().st_uid).pw_name for pid in pids} == {"shoal"}
    token = cached.data / "secrets" / "cache-purge-token"
    assert pwd.getpwuid(token.stat().st_uid).pw_name == "shoal"
    folder = token.parent.stat()
    assert (folder.st_uid, stat.S_IMODE(folder.st_mode)) == (0, 0o750)


def test_the_token_for_purges_is_shown_nowhere(cached: FleetUnderTest) -> None:
    file = cached.data / "secrets" / "cache-purge-token"
    token = file.read_text().strip()
    assert len(token) == 64 and stat.S_IMODE(file.stat().st_mode) == 0o600
    cached.run("cache", "purge", "--tag", "nothing")
    for worker in cache_pids(cached):
        assert token not in json.dumps(cached.private(worker, "/-/config"))
    texts = [path for folder in ("logs", "conf") for path in (cached.data / folder).rglob("*") if path.is_file()]
    texts += [cached.home / "state.json", cached.home / "journal.jsonl"]
    assert [path for path in texts if token in path.read_text(errors="replace")] == []
    for pid in cached.processes():
        assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_down_leaves_nothing(own: FleetUnderTest) -> None:
    pids, run = own.processes(), own.run_folder
    assert len(pids) >= 9
    own.run("down")
    assert not any(alive(pid) for pid in pids)
    assert not run.exists()
    assert not [line for line in Path("/proc/net/unix").read_text().splitlines() if str(run) in line]
    own.run("up")
    assert own.visit("/load/stored/1")[0] == 200, "the origin and the address are remembered"
    data = own.data
    own.run("down", "--purge")
    assert not data.exists()


def test_a_cache_without_sites_is_not_run(make_fleet: Make, origin: Origin, tmp_path: Path) -> None:
    origin.page("/", "home", cache_control="max-age=5")
    fleet = make_fleet()
    fleet.up("--workers", "1")
    assert set(fleet.workers()) == {"limiter-1"}
    assert "redis-l2" not in {entry["name"] for entry in fleet.status()["others"]}
    assert "--origin" in fleet.run("scale", "cache", "2", code=1).stderr
    assert "--origin" in fleet.run("cache", "stat", code=1).stderr
    limiter = fleet.pids()["limiter-1"]

    fleet.run("up", "--origin", origin.url, "--workers", "1")
    assert set(fleet.workers()) == {"limiter-1", "cache-1"}
    assert fleet.visit("/")[2] == b"home"
    file = tmp_path / "sites.json"
    file.write_text(json.dumps({"services": {"cache": {"sites": [
        {"name": "shop", "hosts": ["shop.example"], "origins": [origin.address]}]}}}))
    assert "--origin and $.services.cache.sites" in fleet.run("up", "--config", str(file), code=1).stderr
    assert fleet.visit("/")[2] == b"home", "what was refused has changed nothing"

    fleet.run("up", "--origin", "none", "--config", str(file))
    assert fleet.run("ring", "locate", "cache", "shop.example/").stdout == "cache-1\n"
    assert fleet.visit("/", {"Host": "shop.example"})[2] == b"home"
    status, headers, _ = fleet.visit("/", {"Host": "other.example"})
    assert (status, headers["cache-status"]) == (421, "shoal")
    file.write_text("{}")
    assert "scripts/fleet up' stops its workers" in fleet.run("reload", code=1).stderr
    fleet.run("up")
    assert set(fleet.workers()) == {"limiter-1"}
    assert fleet.pids()["limiter-1"] == limiter
    with pytest.raises(ConnectionRefusedError):
        fleet.visit("/")
    assert "nothing is wrong" in fleet.run("doctor").stdout


def test_sites_are_read_again_by_a_reload(own: FleetUnderTest, origin: Origin) -> None:
    file = own.home.parent / f"{own.home.name}.json"
    sites = [{"name": name, "hosts": [f"{name}.example"], "origins": [origin.address]} for name in ("one", "two")]
    section = {"sites": sites[:1]}
    file.write_text(json.dumps(PATIENT | {"services": {"cache": section}}))
    own.run("up", "--origin", "none")
    pids = own.pids()
    assert own.visit("/load/stored/1", {"Host": "two.example"})[0] != 200
    section["sites"] = sites
    file.write_text(json.dumps(PATIENT | {"services": {"cache": section}}))
    own.run("reload")
    assert own.visit("/load/stored/1", {"Host": "two.example"})[0] == 200
    assert own.pids() == pids


@pytest.mark.parametrize(("given", "what"), [
    ("https://127.0.0.1:9000", "TLS to an origin is not spoken"),
    ("127.0.0.1:9000", "is not the URL of an origin"),
    ("http://127.0.0.1:9000/path", "only the server is named"),
])
def test_an_origin_that_can_not_be_is_refused(make_fleet: Make, given: str, what: str) -> None:
    fleet = make_fleet()
    assert what in fleet.up("--origin", given, code=2).stderr
    assert fleet.processes() == []


def test_an_address_that_is_taken_is_named(make_fleet: Make, origin: Origin) -> None:
    fleet = make_fleet()
    error = fleet.up("--origin", origin.url, "--cache-listen", origin.address, code=1).stderr
    assert f"--cache-listen {origin.address}: another process listens there" in error
    assert fleet.processes() == []


def test_the_front_can_move_while_it_serves(own: FleetUnderTest) -> None:
    before, own.site = own.site, free_port()
    own.run("up", "--cache-listen", f"127.0.0.1:{own.site}")
    assert own.visit("/load/stored/1")[0] == 200
    with pytest.raises(ConnectionRefusedError):
        own.request("GET", "/load/stored/1", port=before)


def test_under_random_routing_any_worker_answers(own: FleetUnderTest) -> None:
    own.run("up", "--routing", "random")
    workers = {own.visit("/load/stored/1")[1]["x-shoal-worker"] for _ in range(60)}
    assert workers == {"cache-1", "cache-2"}


@pytest.mark.skipif(not (shutil.which("openssl") and shutil.which("curl")), reason="needs openssl and curl")
def test_a_certificate_is_for_both_fronts(own: FleetUnderTest, origin: Origin, tmp_path: Path) -> None:
    key, both = tmp_path / "key", tmp_path / "site.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", both, "-days", "2", "-subj", "/CN=site.test",
                    "-addext", "subjectAltName=DNS:site.test"], check=True, capture_output=True)
    both.write_text(both.read_text() + key.read_text())
    own.run("up", "--tls-cert", str(both))
    shown = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", "--http2",
                            "--cacert", both, "--resolve", f"site.test:{own.site}:127.0.0.1",
                            f"https://site.test:{own.site}/load/passed/tls"], capture_output=True, text=True)
    assert shown.stdout == "200 2"
    assert origin.asked("/load/passed/tls")[-1].headers["x-forwarded-proto"] == "https"
