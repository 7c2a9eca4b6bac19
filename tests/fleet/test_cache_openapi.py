"""The OpenAPI document of the cache against what the fleet really answers: everything that it says happens, and nothing
else."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest
from jsonschema import Draft202012Validator

from cache_client import token_of
from documented import Documented
from origin_server import Origin
from outside_redis import OutsideRedis
from shoal_cli import FleetUnderTest, Make, eventually

DOCUMENT = "/v1/cache/openapi.json"
PURGE = "/v1/cache/purge"
REQUESTS: dict[str, tuple[str, str, Any]] = {"purge": ("POST", PURGE, {"tags": ["any"]}),
                                             "openapi": ("GET", DOCUMENT, None)}


@pytest.fixture(scope="module")
def outside(make_fleet: Make, origin: Origin) -> Iterator[tuple[FleetUnderTest, OutsideRedis]]:
    fleet = make_fleet()
    redis = OutsideRedis(fleet.home.parent / "documented")
    redis.start()
    config = fleet.home.parent / "documented.json"
    config.write_text(json.dumps({"redis": {"state": {"unix": str(redis.socket)}, "command_timeout": "5s"}}))
    fleet.up("--workers", "1", "--config", str(config), "--origin", origin.url)
    yield fleet, redis
    fleet.destroy()
    redis.end()


@pytest.fixture(scope="module")
def ask(outside: tuple[FleetUnderTest, OutsideRedis]) -> Documented:
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
    body = ask.operations()["purge"]["requestBody"]["content"]["application/json"]
    ask.require(body["schema"], body["example"], "the body of purge")
    assert checked >= 2


def test_every_operation_is_asked_here(ask: Documented) -> None:
    assert REQUESTS.keys() == ask.operations().keys()
    for name, (method, path, _) in REQUESTS.items():
        assert ask.operation(method, path)["operationId"] == name


def test_what_the_schema_refuses_is_refused(outside: tuple[FleetUnderTest, OutsideRedis], ask: Documented) -> None:
    valid = Draft202012Validator(ask.document["components"]["schemas"]["purge"])
    token = {"Authorization": f"Bearer {token_of(outside[0])}"}
    for body in ({"tags": ["a"]}, {"all": True}, {"urls": ["http://any.example/"], "soft": True},
                 {"sites": ["default"], "soft": False}):
        assert valid.is_valid(body) and ask("POST", PURGE, token, body).status == 200, body
    for wrong in ([], {"tags": "a"}, {"tags": [1]}, {"tags": [""]}, {"tags": ["x" * 1025]}, {"all": 1},
                  {"soft": "yes", "all": True}, {"other": [], "all": True}, {"urls": ["http://a/" + "x" * 8192]}):
        assert not valid.is_valid(wrong) and ask("POST", PURGE, token, wrong).status == 400, wrong


def test_every_documented_answer_is_given_and_no_other(outside: tuple[FleetUnderTest, OutsideRedis],
                                                       ask: Documented) -> None:
    fleet, redis = outside
    token = {"Authorization": f"Bearer {token_of(fleet)}"}
    assert ask("GET", DOCUMENT).status == 200
    assert [ask("POST", PURGE, headers, {"all": True}).status
            for headers in (token, {}, {"Authorization": "Bearer other"})] == [200, 401, 401]
    assert [ask("POST", PURGE, token, {"sites": ["nosuch"]}).status,
            ask("POST", PURGE, token, {"tags": ["x"] * 10_001}).status,
            ask("POST", PURGE, token, body=b'{"tags":[' + b" " * 70_000 + b"]}").status] == [422, 413, 413]
    for method, path, body in REQUESTS.values():
        assert ask(method, path, token | {"X-Request-Deadline-Ms": "soon"}, body).status == 400
    ask.too_late(fleet.run_folder / "cache-1.sock", redis, ("POST", PURGE, {"tags": ["any"]}), REQUESTS.values(),
                 f"Authorization: {token['Authorization']}\r\n")
    redis.end()
    eventually(lambda: "Redis is not available" in fleet.run("logs").stdout, 10, "the worker knows that Redis is gone")
    assert [ask(method, path, token, body).status for method, path, body in REQUESTS.values()] == [503, 200]

    wanted = {(name, status) for name, operation in ask.operations().items() for status in operation["responses"]}
    assert wanted - ask.seen == set()
