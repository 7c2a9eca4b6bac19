"""Behind other proxies: those that are trusted say who asked and over what, and nobody else does."""

from __future__ import annotations

import http.client
import json
from typing import Any, Iterator
from urllib.parse import quote

import pytest

from cache_client import Answer, is_hit
from conftest import patient
from origin_server import Asked, Origin, Page
from shoal_cli import FleetUnderTest, Make

PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
CLIENT, OPERATOR = "203.0.113.9", "192.0.2.7"


def configured(origin: Origin, **more: Any) -> dict[str, Any]:
    sites = [{"name": kind, "hosts": [f"{kind}.example"], "origins": [origin.address], "forwarded_for": kind}
             for kind in ("client", "chain")]
    return {"cache": {"sites": sites, "purge": {"allow": [OPERATOR]}} | more}


@pytest.fixture(scope="module")
def behind(make_fleet: Make, origin: Origin) -> Iterator[FleetUnderTest]:
    """Of all who connect from this machine, one address is a proxy's."""
    origin.put("/*", lambda asked: Page(json.dumps(asked.headers).encode(), headers={"Cache-Control": "max-age=600"}))
    fleet = make_fleet()
    config = patient(fleet, configured(origin, trusted_proxies=[f"{PROXY}/32", "10.0.0.0/8", "2001:db8::/32"]))
    fleet.up("--workers", "2", "--config", config)
    yield fleet
    fleet.destroy()


def ask(fleet: FleetUnderTest, source: str, path: str, method: str = "GET", site: str = "client",
        **headers: str) -> Answer:
    """From that address; `x_forwarded_for="…"` is the field X-Forwarded-For."""
    connection = http.client.HTTPConnection("127.0.0.1", fleet.site, timeout=10, source_address=(source, 0))
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, headers={"Host": f"{site}.example"} | named)
        response = connection.getresponse()
        content = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content
    finally:
        connection.close()


def told(fleet: FleetUnderTest, origin: Origin, source: str, path: str, **more: str) -> Asked:
    assert ask(fleet, source, path, **more)[0] == 200
    return origin.asked(path)[-1]


@pytest.mark.parametrize(("source", "given", "client", "chain"), [
    (PROXY, CLIENT, CLIENT, f"{CLIENT}, {PROXY}"),
    (PROXY, f"6.6.6.6, {CLIENT}", CLIENT, f"6.6.6.6, {CLIENT}, {PROXY}"),
    (PROXY, f"{CLIENT}, 10.1.2.3", CLIENT, f"{CLIENT}, 10.1.2.3, {PROXY}"),
    (PROXY, "nonsense", None, PROXY),
    (PROXY, "", PROXY, PROXY),
    (STRANGER, CLIENT, STRANGER, STRANGER),
    (STRANGER, f"{CLIENT}, {PROXY}", STRANGER, STRANGER),
])
def test_who_asked_is_what_a_trusted_proxy_says(behind: FleetUnderTest, origin: Origin, source: str, given: str,
                                                client: str | None, chain: str) -> None:
    headers = {"x_forwarded_for": given} if given else {}
    for site, wanted in (("client", client), ("chain", chain)):
        path = f"/who/{site}/{source}/{quote(given)}"
        assert told(behind, origin, source, path, site=site, **headers).headers.get("x-forwarded-for") == wanted


@pytest.mark.parametrize(("source", "given", "wanted"), [
    (PROXY, "https", "https"), (PROXY, "HTTPS", "https"), (PROXY, "http", "http"), (PROXY, "gopher", "http"),
    (PROXY, "https, http", "http"), (STRANGER, "https", "http")])
def test_the_scheme_is_what_a_trusted_proxy_says(behind: FleetUnderTest, origin: Origin, source: str, given: str,
                                                 wanted: str) -> None:
    path = f"/scheme/{source}/{given.replace(', ', '-')}"
    assert told(behind, origin, source, path, x_forwarded_proto=given).headers["x-forwarded-proto"] == wanted


def test_what_is_kept_of_one_scheme_is_not_for_the_other(behind: FleetUnderTest) -> None:
    for scheme in ("http", "https"):
        first = ask(behind, PROXY, "/kept", x_forwarded_proto=scheme)
        assert not is_hit(first) and json.loads(first[2])["x-forwarded-proto"] == scheme
        assert is_hit(ask(behind, PROXY, "/kept", x_forwarded_proto=scheme))
    lied = ask(behind, STRANGER, "/kept", x_forwarded_proto="https")
    assert is_hit(lied) and json.loads(lied[2])["x-forwarded-proto"] == "http"


def test_a_trusted_proxy_says_nothing_else(behind: FleetUnderTest, origin: Origin) -> None:
    lies = {"x_forwarded_host": "evil.example", "x_forwarded_port": "1", "x_forwarded": "for=6.6.6.6",
            "forwarded": "for=6.6.6.6", "x_original_url": "/admin", "x_forwarded_prefix": "/evil"}
    seen = told(behind, origin, PROXY, "/else", **lies).headers
    assert seen["x-forwarded-host"] == "client.example"
    assert {name for name in seen if "forwarded" in name or "original" in name} == {
        "x-forwarded-host", "x-forwarded-for", "x-forwarded-proto"}


@pytest.mark.parametrize(("source", "given", "may"), [
    (PROXY, OPERATOR, True), (PROXY, f"6.6.6.6, {OPERATOR}", True), (PROXY, f"{OPERATOR}, 10.0.0.1", True),
    (PROXY, CLIENT, False), (PROXY, f"{OPERATOR}, {CLIENT}", False), (PROXY, f"{OPERATOR}, nonsense", False),
    (PROXY, "", False), (STRANGER, OPERATOR, False), (STRANGER, f"{OPERATOR}, {PROXY}", False)])
def test_whoever_the_proxy_asks_for_may_purge_or_not(behind: FleetUnderTest, source: str, given: str,
                                                     may: bool) -> None:
    status = ask(behind, source, "/purged", "PURGE", **({"x_forwarded_for": given} if given else {}))[0]
    assert status == (200 if may else 403)


def test_a_reload_changes_who_is_trusted(behind: FleetUnderTest, origin: Origin) -> None:
    patient(behind, configured(origin, trusted_proxies=[STRANGER]))
    behind.run("reload")
    for source, client in ((STRANGER, CLIENT), (PROXY, PROXY)):
        assert told(behind, origin, source, f"/after/{source}", x_forwarded_for=CLIENT
                    ).headers["x-forwarded-for"] == client
    patient(behind, configured(origin, trusted_proxies=["10.0.0.1/8"]))
    assert "$.services.cache.trusted_proxies" in behind.run("reload", code=1).stderr
