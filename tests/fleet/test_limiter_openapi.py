"""The OpenAPI document against what the fleet really answers: everything that it says happens, and nothing else."""

from __future__ import annotations

import json
import uuid
from typing import Any, Iterator

import pytest
from jsonschema import Draft202012Validator

from documented import Documented
from outside_redis import OutsideRedis
from shoal_cli import FleetUnderTest, eventually

RULES = [{"name": "demo", "limit": 10, "period": "60s"},
         {"name": "tiny", "limit": 1, "period": "1h"},
         {"name": "jobs", "algorithm": "concurrency", "limit": 1},
         {"name": "daily", "algorithm": "window", "limit": 10, "period": "day"}]
CHECK_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SOMEBODY = "/v1/limits/demo/somebody"
NO_SLOT = "/v1/limits/jobs/somebody/slots/" + "0" * 32
# One request for each operation that would do something if it could.
REQUESTS: dict[str, tuple[str, str, Any]] = {
    "rules": ("GET", "/v1/limits", None),
    "batch": ("POST", "/v1/limits", {"checks": [{"rule": "demo", "key": "somebody"}], "all_or_nothing": True}),
    "peek": ("GET", SOMEBODY, None),
    "take": ("POST", SOMEBODY, None),
    "forget": ("DELETE", SOMEBODY, None),
    "refund": ("POST", SOMEBODY + "/refund", None),
    "acquire": ("POST", "/v1/limits/jobs/somebody/slots", None),
    "renew": ("PUT", NO_SLOT, None),
    "release": ("DELETE", NO_SLOT, None),
    "openapi": ("GET", "/v1/openapi.json", None),
    **{"check" if method == "GET" else f"check_{method.lower()}": (method, "/v1/check?rule=demo&key=somebody", None)
       for method in CHECK_METHODS},
}
TOO_LARGE = b'{"cost":' + b" " * 70000 + b"1}"


@pytest.fixture(scope="module")
def outside(make_fleet) -> Iterator[tuple[FleetUnderTest, OutsideRedis]]:
    fleet = make_fleet()
    redis = OutsideRedis(fleet.home.parent / "documented")
    redis.start()
    config = fleet.home.parent / "documented.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}, "command_timeout": "5s"},
                                  "services": {"limiter": {"rules": RULES}}}))
    fleet.up("--workers", "1", "--config", str(config))
    yield fleet, redis
    fleet.destroy()
    redis.end()


@pytest.fixture(scope="module")
def ask(outside: tuple[FleetUnderTest, OutsideRedis]) -> Documented:
    return Documented(outside[0])


def test_every_schema_is_one_and_every_example_is_an_example(ask: Documented) -> None:
    schemas = ask.document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    checked = 0
    for name, response in ask.document["components"]["responses"].items():
        for media in response.get("content", {}).values():
            Draft202012Validator.check_schema(media["schema"])
            if "example" in media:
                ask.require(media["schema"], media["example"], f"the example of {name}")
                checked += 1
    for operation in ask.operations().values():
        for media in ask.resolve(operation.get("requestBody", {})).get("content", {}).values():
            ask.require(media["schema"], media["example"], f"the body of {operation['operationId']}")
            checked += 1
    assert checked > 10


def test_every_operation_is_asked_here(ask: Documented) -> None:
    assert REQUESTS.keys() == ask.operations().keys()
    for name, (method, path, _) in REQUESTS.items():
        assert ask.operation(method, path)["operationId"] == name


def test_every_documented_answer_is_given_and_no_other(outside: tuple[FleetUnderTest, OutsideRedis],
                                                       ask: Documented) -> None:
    fleet, redis = outside
    succeed(ask)
    for method, path, body in REQUESTS.values():
        ask(method, path, {"X-Request-Deadline-Ms": "soon"}, body)
        if "413" in ask.operation(method, path)["responses"]:
            ask(method, path, body=TOO_LARGE)
    refuse(ask)
    ask.too_late(fleet.run_folder / "limiter-1.sock", redis, ("GET", SOMEBODY, None), REQUESTS.values())
    redis.end()
    eventually(lambda: "Redis is not available" in fleet.run("logs").stdout, 10, "the worker knows that Redis is gone")
    for method, path, body in REQUESTS.values():
        ask(method, path, json_body=body)
        if "check" in path:
            ask(method, path + "&deny=429", json_body=body)

    wanted = {(name, status) for name, operation in ask.operations().items() for status in operation["responses"]}
    assert wanted - ask.seen == set()


def succeed(ask: Documented) -> None:
    key = str(uuid.uuid4())
    for method, path, body in REQUESTS.values():
        ask(method, path, json_body=body)
    for method in CHECK_METHODS:
        check = f"/v1/check?rule=demo&key={key}-{method}"
        assert [ask(method, check).status, ask(method, check + "&deny=429").status] == [204, 200]
        assert ask(method, f"{check}&cost=9").status == 403
        assert ask(method, f"{check}&cost=9&deny=429").status == 429
    slots = f"/v1/limits/jobs/{key}/slots"
    slot = ask("POST", slots).headers["location"]
    assert [ask("POST", slots).status, ask("PUT", slot).status, ask("DELETE", slot).status] == [429, 200, 204]
    each = [{"rule": "tiny", "key": key}, {"rule": "tiny", "key": key + "-2"}]
    assert ask("POST", "/v1/limits", json_body={"checks": each}).status == 200
    assert ask("POST", "/v1/limits", json_body={"checks": each, "all_or_nothing": True}).status == 429
    once = {"Idempotency-Key": key}
    assert [ask("POST", f"/v1/limits/tiny/{key}-once", once).status for _ in range(2)] == [200, 200]
    assert ask("POST", f"/v1/limits/tiny/{key}-once").status == 429


def refuse(ask: Documented) -> None:
    """Rules and slots that are not there, of another algorithm, or that do not allow as much."""
    for rule, query in (("nosuch", ""), ("jobs", ""), ("demo", "cost=11")):
        key = f"/v1/limits/{rule}/somebody"
        asked = query and "?" + query
        for method in ("GET", "POST", "DELETE"):
            ask(method, key + ("" if method == "DELETE" else asked))
        ask("POST", key + "/refund")
        for method in CHECK_METHODS:
            ask(method, f"/v1/check?rule={rule}&key=somebody&{query}")
        check = {"rule": rule, "key": "somebody", **({"cost": 11} if query else {})}
        ask("POST", "/v1/limits", json_body={"checks": [check]})
        for method, path in (("POST", key + "/slots"), ("PUT", f"{key}/slots/{'0' * 32}"),
                             ("DELETE", f"{key}/slots/{'0' * 32}")):
            ask(method, path)
    for method, path in (("POST", "/v1/limits/jobs/somebody/slots"), ("PUT", NO_SLOT)):
        assert ask(method, path, json_body={"ttl_ms": 600001}).status == 422
