"""Origins that are slow, dead, silent or failing: bounded waits, stale pages where allowed, other sites as ever."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Iterator

import pytest

from cache_client import Answer, ask, hold, is_hit, purge
from conftest import patient
from origin_server import Origin, Page
from shoal_cli import FleetUnderTest, Make, eventually, free_port

FIRST_BYTE = 0.5
"""Seconds that the sites of these tests give their origins for the head of an answer."""
CONNECTIONS = 4
LASTING = "max-age=600, stale-if-error=600"


@pytest.fixture(scope="module")
def silent() -> Iterator[socket.socket]:
    """Accepts into its backlog, and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        yield listener


@pytest.fixture(scope="module")
def sites(make_fleet: Make, origin: Origin, silent: socket.socket, routing: str) -> Iterator[FleetUnderTest]:
    """By host: an origin that is fine, one that nobody listens for, one that never answers, and one with
    stale-if-error from the site's own rules."""
    fleet = make_fleet()
    bounds = {"connect_timeout": "500ms", "first_byte_timeout": f"{int(FIRST_BYTE * 1000)}ms",
              "between_bytes_timeout": "500ms", "connections": CONNECTIONS}
    addresses = {"fine": origin.address, "dead": f"127.0.0.1:{free_port()}",
                 "silent": f"127.0.0.1:{silent.getsockname()[1]}", "stale": origin.address}
    found = [{"name": name, "hosts": [f"{name}.example"], "origins": [address], **bounds}
             for name, address in addresses.items()]
    config = patient(fleet, {"cache": {"sites": found}})
    fleet.up("--workers", "2", "--config", config, "--routing", routing)
    yield fleet
    fleet.destroy()


def of(fleet: FleetUnderTest, site: str, path: str, way: str | None = None) -> Answer:
    return ask(fleet, path, way, headers={"Host": f"{site}.example"})


def problem(answer: Answer) -> tuple[int, str]:
    return answer[0], json.loads(answer[2])["detail"]


@pytest.mark.parametrize("way", ["cache-1", None], ids=["worker", "haproxy"])
@pytest.mark.parametrize(("site", "status", "detail"), [
    ("dead", 502, "no connection to the origin could be made"),
    ("silent", 504, "the origin did not answer in time")])
def test_trouble_is_named(sites: FleetUnderTest, site: str, status: int, detail: str, way: str | None) -> None:
    started = time.monotonic()
    assert problem(of(sites, site, f"/trouble/{way}", way)) == (status, detail)
    assert time.monotonic() - started < 2.5


@pytest.mark.parametrize(("page", "status"), [
    (Page(cut_after=-1), 502), (Page(delay=2), 504), (Page(raw=b"HTTP/1.1 "), 502), (Page(raw=b"no http\r\n\r\n"), 502),
    (Page(b"no", 500), 500), (Page(b"no", 503), 503)])
def test_each_way_to_fail_has_its_status(sites: FleetUnderTest, origin: Origin, page: Page, status: int) -> None:
    path = f"/fails/{id(page)}"
    origin.put(path, page)
    assert of(sites, "fine", path)[0] == status
    origin.page(path, "fine again")
    assert of(sites, "fine", path)[2] == b"fine again", "a failure is not kept"


def test_a_body_that_stalls_is_cut(sites: FleetUnderTest, origin: Origin) -> None:
    gate = threading.Event()
    origin.put("/stalls", Page(b"x" * 1000, headers={"Cache-Control": LASTING}, pieces=2, pause=3, gate=gate))
    gate.set()
    started = time.monotonic()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        of(sites, "fine", "/stalls")
    assert time.monotonic() - started < 2
    origin.page("/stalls", "whole")
    assert of(sites, "fine", "/stalls")[2] == b"whole"


def test_an_origin_that_hangs_is_the_trouble_of_its_site_alone(sites: FleetUnderTest, origin: Origin) -> None:
    """Its connections and those who wait for one are bounded: the rest is told at once to come again."""
    origin.page("/other/kept", "kept", cache_control=LASTING)
    origin.page("/other/passed", "passed", cache_control="no-store")
    hold(sites, "/other/kept", {"Host": "fine.example"})
    many = 16 * CONNECTIONS
    with ThreadPoolExecutor(many) as clients:
        started = time.monotonic()
        hanging = [clients.submit(of, sites, "silent", f"/hanging/{number}") for number in range(many)]
        took = []
        while not all(one.done() for one in hanging):
            at = time.monotonic()
            assert is_hit(of(sites, "fine", "/other/kept"))
            assert of(sites, "fine", "/other/passed")[2] == b"passed"
            took.append(time.monotonic() - at)
        answers = [one.result() for one in hanging]
    assert time.monotonic() - started < 5
    assert max(took) < FIRST_BYTE, "nobody waits for it"
    statuses = {answer[0] for answer in answers}
    assert statuses <= {502, 503, 504} and {503, 504} <= statuses, statuses
    assert all(answer[1]["retry-after"] == "1" for answer in answers if answer[0] == 503)


@pytest.mark.parametrize("page", [Page(b"no", 500), Page(b"no", 503), Page(cut_after=-1), Page(delay=2),
                                  Page(raw=b"no http\r\n\r\n")])
def test_stale_where_it_is_allowed_and_only_there(sites: FleetUnderTest, origin: Origin, page: Page) -> None:
    """What a soft purge made stale may be served when the origin fails; what a hard one took may not."""
    paths = {"allowed": f"/stale/{id(page)}", "not": f"/stale/not/{id(page)}"}
    origin.page(paths["allowed"], "old", cache_control=LASTING, surrogate_key="stale")
    origin.page(paths["not"], "old", cache_control="max-age=600, must-revalidate", surrogate_key="stale")
    for path in paths.values():
        hold(sites, path, {"Host": "stale.example"})
        origin.put(path, page)
    purge(sites, tags=["stale"], soft=True)
    status, headers, body = of(sites, "stale", paths["allowed"])
    assert (status, body) == (200, b"old") and "cache-status" in headers
    assert of(sites, "stale", paths["not"])[0] >= 500, "it says that it must be validated"
    purge(sites, tags=["stale"], soft=False)
    assert of(sites, "stale", paths["allowed"])[0] >= 500, "what was purged is not served, whatever happens"
    origin.page(paths["allowed"], "new", cache_control=LASTING)
    eventually(lambda: of(sites, "stale", paths["allowed"])[2] == b"new", 5, "the origin is well")


def test_an_origin_that_comes_back_is_asked_again(sites: FleetUnderTest, origin: Origin) -> None:
    origin.put("/back", Page(cut_after=-1))
    for _ in range(10):
        assert of(sites, "fine", "/back")[0] == 502
    origin.page("/back", "back")
    eventually(lambda: of(sites, "fine", "/back")[2] == b"back", 5, "it is back")
