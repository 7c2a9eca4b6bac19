"""The files of deploy/protect in front of a site: real proxies, and the verdicts of a real fleet."""

from __future__ import annotations

import itertools
import json
import threading
import time
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, ContextManager, Iterator

import pytest

from access_log import addresses, needs_log
from protected_site import Answering, Client, haproxy, nginx
from shoal_cli import FleetUnderTest, Make, free_port

PROXIES = {"nginx": nginx, "haproxy": haproxy}
# So slow that nothing comes back while a test runs: counting is the whole reference.
BUDGET = 100
RULES = {"rules": [{"name": "site", "limit": BUDGET, "period": "1d"}]}

_numbers = itertools.count(1)

Proxy = Callable[..., ContextManager[int]]


def own_address() -> str:
    """Of this machine, and nobody else's key."""
    number = next(_numbers)
    return f"127.77.{number // 250}.{number % 250 + 1}"


@pytest.fixture(params=PROXIES)
def proxy(request: pytest.FixtureRequest) -> Proxy:
    return PROXIES[request.param]


@pytest.fixture(scope="module")
def limits(make_fleet: Make) -> FleetUnderTest:
    fleet = make_fleet()
    config = fleet.home.parent / f"{fleet.home.name}.json"
    config.write_text(json.dumps({"redis": {"command_timeout": "5s"}, "services": {"limiter": RULES}}))
    fleet.up("--workers", "2", "--config", str(config))
    return fleet


@contextmanager
def site_behind(proxy: Proxy, folder: Path, fleet: int, patient: bool = True) -> Iterator[tuple[int, Answering]]:
    with Answering() as site, proxy(folder, fleet, site.port, patient=patient) as port:
        yield port, site


def test_a_client_gets_its_budget_and_then_429_while_others_pass(limits: FleetUnderTest, proxy: Proxy,
                                                                 tmp_path: Path) -> None:
    with site_behind(proxy, tmp_path, limits.port) as (port, site):
        greedy, modest = Client(port, own_address()), Client(port, own_address())
        statuses = [greedy.ask("POST" if number % 2 else "GET")[0] for number in range(BUDGET + 5)]
        assert statuses == [200] * BUDGET + [429] * 5
        status, headers, body = greedy.ask()
        assert (status, body) == (429, b"too many requests\n")
        assert 1 <= int(headers["retry-after"]) <= 86400 // BUDGET
        status, headers, body = modest.ask()
        assert (status, body) == (200, b"the site\n")
        assert "retry-after" not in headers
        assert len(site.seen) == BUDGET + 1, "a refused request reached the site"
        greedy.close()
        modest.close()


def test_nginx_tells_how_much_is_left(limits: FleetUnderTest, tmp_path: Path) -> None:
    with site_behind(nginx, tmp_path, limits.port) as (port, _):
        client = Client(port, own_address())
        for left in (99, 98):
            _, headers, _ = client.ask()
            assert headers["ratelimit"].startswith(f'"site";r={left};')
            assert headers["ratelimit-policy"] == f'"site";q={BUDGET};w=86400'
        client.close()


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_fleet_that_can_not_decide_lets_everybody_pass(proxy: Proxy, status: int, tmp_path: Path) -> None:
    with Answering(status) as fleet, site_behind(proxy, tmp_path, fleet.port) as (port, _):
        assert Client(port).ask()[::2] == (200, b"the site\n")
        assert fleet.seen == ["GET /v1/check?rule=site&key=127.0.0.1"]


def test_a_fleet_that_is_down_lets_everybody_pass(proxy: Proxy, tmp_path: Path) -> None:
    with site_behind(proxy, tmp_path, free_port()) as (port, _):
        started = time.monotonic()
        assert [Client(port).ask(method)[0] for method in ("GET", "POST")] == [200, 200]
        assert time.monotonic() - started < 2, "nobody should wait for a fleet that refuses connections"


def test_a_fleet_that_takes_too_long_lets_everybody_pass(proxy: Proxy, tmp_path: Path) -> None:
    with Answering(403, delay=3) as fleet, site_behind(proxy, tmp_path, fleet.port, patient=False) as (port, _):
        assert Client(port).ask()[0] == 200


@pytest.mark.parametrize("name, seen", [("nginx", 500), ("haproxy", 200)])
def test_a_rule_that_does_not_exist_is_seen_in_nginx(name: str, seen: int, tmp_path: Path) -> None:
    with Answering(404) as fleet, site_behind(PROXIES[name], tmp_path, fleet.port) as (port, _):
        assert Client(port).ask()[0] == seen


def test_a_refusal_carries_what_the_fleet_said(proxy: Proxy, tmp_path: Path) -> None:
    refusing = Answering(403, {"Retry-After": "17", "RateLimit": '"site";r=0;t=17'})
    with refusing as fleet, site_behind(proxy, tmp_path, fleet.port) as (port, site):
        status, headers, body = Client(port).ask("POST")
        assert (status, headers["retry-after"], body) == (429, "17", b"too many requests\n")
        assert site.seen == []


@needs_log
def test_a_real_access_log_gets_the_verdicts_of_a_count(limits: FleetUnderTest, tmp_path: Path) -> None:
    # The client's address comes in a header from the one proxy that nginx trusts: this test.
    trusted = "set_real_ip_from 127.0.0.1; real_ip_header X-Real-IP;"
    requests = addresses()
    seen: Counter[str] = Counter()
    model = []
    for address in requests:
        seen[address] += 1
        model.append(200 if seen[address] <= BUDGET else 429)
    assert model.count(429) > 0, "nobody in the log is above the budget"

    found = [0] * len(requests)
    with Answering() as site, nginx(tmp_path, limits.port, site.port, trusted) as port:

        def replay(part: int, parts: int) -> None:
            # An address is always in the same part: its requests stay in their order.
            client = Client(port)
            for number, address in enumerate(requests):
                if zlib.crc32(address.encode()) % parts == part:
                    found[number] = client.ask(headers={"X-Real-IP": address})[0]
            client.close()

        threads = [threading.Thread(target=replay, args=(part, 4)) for part in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(300)
    wrong = [f"request {number + 1} of {requests[number]}: {found[number]}, not {model[number]}"
             for number in range(len(requests)) if found[number] != model[number]]
    assert not wrong, f"{len(wrong)} of {len(requests)}: {wrong[:10]}"
    assert len(site.seen) == model.count(200)
