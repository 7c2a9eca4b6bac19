"""The limiter's endpoints through the whole fleet, as clients are promised them."""

from __future__ import annotations

import json
import uuid

import pytest

from shoal_cli import FleetUnderTest


def fresh(rule: str = "demo") -> str:
    return f"/v1/limits/{rule}/{uuid.uuid4()}"


def test_ten_are_admitted_and_the_eleventh_is_refused(shared: FleetUnderTest) -> None:
    path = fresh()
    answers = [shared.request("POST", path) for _ in range(12)]
    assert [status for status, _, _ in answers] == [200] * 10 + [429] * 2
    status, headers, body = answers[0]
    said = json.loads(body)
    assert set(said) == {"allowed", "limit", "remaining", "reset_ms", "retry_after_ms"}
    assert (said["allowed"], said["limit"], said["remaining"], said["retry_after_ms"]) == (True, 10, 9, 0)
    assert headers["ratelimit-policy"] == '"demo";q=10;w=60'
    assert headers["ratelimit"] == '"demo";r=9;t=6'
    assert headers["x-shoal-worker"].startswith("limiter-")
    assert "total;dur=" in headers["server-timing"]
    status, headers, body = answers[-1]
    said = json.loads(body)
    assert (said["allowed"], said["remaining"]) == (False, 0)
    assert 5000 < said["retry_after_ms"] <= 6000
    assert int(headers["retry-after"]) == 6
    assert headers["content-type"] == "application/json"


def test_a_peek_takes_nothing(shared: FleetUnderTest) -> None:
    path = fresh()
    shared.request("POST", path + "?cost=4")
    for _ in range(20):
        status, headers, body = shared.request("GET", path)
        assert (status, json.loads(body)["remaining"], json.loads(body)["allowed"]) == (200, 6, True)
    shared.request("POST", path + "?cost=6")
    status, headers, body = shared.request("GET", path)
    assert (status, json.loads(body)["allowed"]) == (200, False)
    assert json.loads(body)["retry_after_ms"] > 0


def test_a_forgotten_key_has_its_budget_again(shared: FleetUnderTest) -> None:
    path = fresh()
    assert shared.request("POST", path + "?cost=10")[0] == 200
    assert shared.request("POST", path)[0] == 429
    status, _, body = shared.request("DELETE", path)
    assert (status, body) == (204, b"")
    assert shared.request("POST", path + "?cost=10")[0] == 200


def test_the_rules_in_force_are_listed(shared: FleetUnderTest) -> None:
    status, _, body = shared.request("GET", "/v1/limits")
    rules = {rule["name"]: rule for rule in json.loads(body)["rules"]}
    assert status == 200
    assert (rules["demo"]["limit"], rules["demo"]["period"], rules["demo"]["burst"]) == (10, "1m", 10)
    assert (rules["bulk"]["limit"], rules["bulk"]["period"], rules["bulk"]["burst"]) == (100_000, "1s", 100_000)


def test_a_cost_may_stand_in_a_json_body(shared: FleetUnderTest) -> None:
    path = fresh()
    status, _, body = shared.request("POST", path, body=b'{"cost":7}')
    assert (status, json.loads(body)["remaining"]) == (200, 3)
    assert shared.request("POST", path, body=b'{"cost":4}')[0] == 429
    assert shared.request("POST", path, body=b'{"cost":3}')[0] == 200


@pytest.mark.parametrize("method, path, status", [
    ("POST", "/v1/limits/nosuch/alice", 404),
    ("GET", "/v1/limits/nosuch/alice", 404),
    ("DELETE", "/v1/limits/nosuch/alice", 404),
    ("POST", "/v1/limits/demo/%ff", 400),
    ("POST", "/v1/limits/demo/%zz", 400),
    ("POST", "/v1/limits/demo/" + "x" * 513, 400),
    ("POST", "/v1/limits/demo/alice?cost=0", 400),
    ("POST", "/v1/limits/demo/alice?cost=one", 400),
    ("POST", "/v1/limits/demo/alice?costs=1", 400),
    ("POST", "/v1/limits/demo/alice?cost=11", 422),
    ("POST", "/v1/limits/demo", 404),
    ("POST", "/v1/limits/demo/a/b", 404),
    ("PUT", "/v1/limits/demo/alice", 405),
    ("POST", "/v1/limits", 405),
    ("GET", "/v1/limitsandmore", 404),
    ("GET", "/-/config", 404),
])
def test_what_is_wrong_gets_a_problem_that_says_so(shared: FleetUnderTest, method: str, path: str,
                                                   status: int) -> None:
    found, headers, body = shared.request(method, path)
    assert found == status
    assert headers["content-type"] == "application/problem+json"
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["title"]
    assert len(problem["detail"]) > 10


def test_a_key_is_any_utf8_of_up_to_512_bytes(shared: FleetUnderTest) -> None:
    for key in ("%C3%A9%2F%3F%23%00", "y" * 511 + uuid.uuid4().hex[0], "%F0%9F%90%9F" * 128):
        shared.request("DELETE", f"/v1/limits/demo/{key}")
        assert shared.request("POST", f"/v1/limits/demo/{key}?cost=10")[0] == 200
        assert shared.request("POST", f"/v1/limits/demo/{key}")[0] == 429


def test_a_request_id_is_taken_over_or_made(shared: FleetUnderTest) -> None:
    assert shared.request("GET", fresh(), {"X-Request-Id": "mine-1"})[1]["x-request-id"] == "mine-1"
    made = {shared.request("GET", fresh())[1]["x-request-id"] for _ in range(10)}
    assert len(made) == 10
