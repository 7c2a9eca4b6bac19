"""The OpenAPI document of the views against what the fleet really answers: everything that it says happens, and nothing
else."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest
from jsonschema import Draft202012Validator

from documented import Documented
from outside_redis import OutsideRedis
from shoal_cli import FleetUnderTest, Make, eventually
from written_views import ANY_VIEW, WrittenViews

DOCUMENT = "/v1/views/openapi.json"
REQUESTS: dict[str, str] = {"list": "/v1/views", "several": "/v1/views/any?key=a", "entry": "/v1/views/any/a",
                            "openapi": DOCUMENT}

Outside = tuple[FleetUnderTest, OutsideRedis, WrittenViews]


@pytest.fixture(scope="module")
def outside(make_fleet: Make) -> Iterator[Outside]:
    fleet = make_fleet()
    redis = OutsideRedis(fleet.home.parent / "documented")
    config = fleet.home.parent / "documented.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}, "command_timeout": "5s"},
                                  "services": {"relay": {"views": [ANY_VIEW]}, "views": {"relay_within": "20s"}}}))
    redis.start()
    fleet.up("--workers", "1", "--config", str(config))
    with WrittenViews(redis.socket) as written:
        written.make("any", "document")
        written.put("any", "a", {"a": 1})
        eventually(lambda: fleet.request("GET", "/v1/views/any/a")[0] == 200, 10, "views are served")
        yield fleet, redis, written
    fleet.destroy()
    redis.end()


@pytest.fixture(scope="module")
def ask(outside: Outside) -> Documented:
    return Documented(outside[0], DOCUMENT)


def test_every_schema_is_one_and_every_example_is_an_example(ask: Documented) -> None:
    for schema in ask.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    checked = 0
    for name, response in ask.document["components"]["responses"].items():
        for media in response.get("content", {}).values():
            Draft202012Validator.check_schema(media["schema"])
            if "example" in media:
                ask.require(media["schema"], media["example"], f"the example of {name}")
                checked += 1
    assert checked >= 6


def test_every_operation_is_asked_here(ask: Documented) -> None:
    assert REQUESTS.keys() == ask.operations().keys()
    for name, path in REQUESTS.items():
        assert ask.operation("GET", path)["operationId"] == name


def test_every_documented_answer_is_given_and_no_other(outside: Outside, ask: Documented) -> None:
    fleet, redis, written = outside
    written.make("large", "document")
    for number in range(9):
        written.put("large", str(number), "x" * (1 << 20))
    written.make("set", "sorted_set")
    written.put("set", "a", {"x": 1.5, "y": float("inf")})
    written.put("set", "many", {str(number): number for number in range(50_001)})
    for path in REQUESTS.values():
        assert ask("GET", path).status == 200
    for path in ("/v1/views/set/a", "/v1/views/set/many?limit=2", "/v1/views/set?key=a&key=b"):
        assert ask("GET", path).status == 200
    for name in ("entry", "several"):
        tag = ask("GET", REQUESTS[name]).headers["etag"]
        assert ask("GET", REQUESTS[name], {"If-None-Match": tag}).status == 304
    assert [ask("GET", path).status for path in ("/v1/views/any", "/v1/views/any/a?limit=0")] == [400, 400]
    assert [ask("GET", path).status for path in ("/v1/views/absent?key=a", "/v1/views/absent/a", "/v1/views/any/b")] == [
        404, 404, 404]
    keys = "&".join(f"key={number}" for number in range(9))
    assert [ask("GET", path).status
            for path in (f"/v1/views/large?{keys}", "/v1/views/set/many?and=set/many")] == [422, 422]
    for path in REQUESTS.values():
        assert ask("GET", path, {"X-Request-Deadline-Ms": "soon"}).status == 400
    waits: tuple[str, str, Any] = ("GET", "/v1/views/any/new", None)
    ask.too_late(fleet.run_folder / "views-1.sock", redis, waits, [("GET", path, None) for path in REQUESTS.values()])
    redis.end()
    eventually(lambda: "Redis is not available" in fleet.run("logs").stdout, 10, "the worker knows that Redis is gone")
    assert [ask("GET", path).status for path in ("/v1/views", "/v1/views/any?key=c", "/v1/views/any/c", DOCUMENT)] == [
        503, 503, 503, 200]

    wanted = {(name, status) for name, operation in ask.operations().items() for status in operation["responses"]}
    assert wanted - ask.seen == set()
