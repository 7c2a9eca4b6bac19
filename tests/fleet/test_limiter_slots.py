"""Slots of a concurrency rule, from their acquisition to their end."""

from __future__ import annotations

import json
import uuid

import pytest

from concurrent_requests import burst
from documented import Documented
from shoal_cli import PATIENT, FleetUnderTest, eventually

RULES = [{"name": "jobs", "algorithm": "concurrency", "limit": 2, "max_ttl": "20s"},
         {"name": "many", "algorithm": "concurrency", "limit": 30, "headers": "x-ratelimit"},
         {"name": "dry", "algorithm": "concurrency", "limit": 1, "shadow": True, "headers": "none"}]


@pytest.fixture(scope="module")
def fleet(make_fleet) -> FleetUnderTest:
    """Requests go to any of three workers: a slot is known to all of them."""
    found = make_fleet()
    config = found.home.parent / "slots.json"
    config.write_text(json.dumps({**PATIENT, "services": {"limiter": {"rules": RULES}}}))
    found.up("--workers", "3", "--routing", "random", "--config", str(config))
    return found


@pytest.fixture(scope="module")
def ask(fleet: FleetUnderTest) -> Documented:
    return Documented(fleet)


def fresh(rule: str = "jobs") -> str:
    return f"/v1/limits/{rule}/{uuid.uuid4()}/slots"


def test_as_many_as_the_limit_are_held_and_one_released_is_another_acquired(ask: Documented) -> None:
    path = fresh()
    first, second, third = (ask("POST", path) for _ in range(3))
    assert (first.status, second.status, third.status) == (201, 201, 429)
    said = first.json()
    assert (said["ttl_ms"], said["limit"], said["remaining"], second.json()["remaining"]) == (20000, 2, 1, 0)
    assert first.headers["location"] == f"{path}/{said['id']}"
    assert first.headers["ratelimit-policy"] == '"jobs";q=2;qu="concurrent-requests"'
    assert third.json()["allowed"] is False
    assert 19000 < third.json()["retry_after_ms"] <= 20000

    assert ask("DELETE", first.headers["location"]).status == 204
    assert ask("POST", path).status == 201
    assert ask("POST", path).status == 429


def test_releasing_is_idempotent_and_a_released_slot_is_lost(ask: Documented) -> None:
    path = fresh()
    slot = ask("POST", path).headers["location"]
    assert [ask("DELETE", slot).status for _ in range(2)] == [204, 204]
    assert ask("PUT", slot).status == 404
    assert ask("DELETE", f"{path}/{uuid.uuid4().hex}").status == 204


def test_a_slot_expires_unless_it_is_renewed(ask: Documented) -> None:
    path = fresh()
    kept = ask("POST", path, json_body={"ttl_ms": 1000}).headers["location"]
    lost = ask("POST", path, json_body={"ttl_ms": 500}).headers["location"]
    refused = ask("POST", path)
    assert refused.status == 429 and refused.json()["retry_after_ms"] <= 500
    renewed = ask("PUT", kept, json_body={"ttl_ms": 15000})
    assert (renewed.status, renewed.json()["ttl_ms"]) == (200, 15000)
    assert renewed.json()["id"] == kept.rpartition("/")[2]

    eventually(lambda: ask("POST", path).status == 201, 5, "the slot that nobody renewed is free")
    assert ask("PUT", lost).status == 404
    assert ask("PUT", kept).status == 200
    assert ask("POST", path).status == 429


def test_a_peek_shows_the_free_slots_and_forgetting_frees_them_all(ask: Documented) -> None:
    path = fresh()
    key = path.removesuffix("/slots")
    assert ask("GET", key).json()["remaining"] == 2
    slot = ask("POST", path).headers["location"]
    ask("POST", path)
    seen = ask("GET", key)
    assert (seen.status, seen.json()["remaining"], seen.json()["allowed"]) == (200, 0, False)
    assert ask("DELETE", key).status == 204
    assert ask("PUT", slot).status == 404
    assert ask("GET", key).json()["remaining"] == 2


def test_hundreds_at_once_are_given_exactly_the_limit(fleet: FleetUnderTest) -> None:
    answers = burst(fleet.port, [("POST", fresh("many"))] * 300)
    assert {answer.status for answer in answers} == {201, 429}
    assert sum(answer.status == 201 for answer in answers) == 30


def test_in_shadow_mode_everybody_gets_a_slot_and_is_told(ask: Documented) -> None:
    path = fresh("dry")
    first, second = ask("POST", path), ask("POST", path)
    assert (first.status, first.json()["shadow"]) == (201, "allowed")
    assert (second.status, second.json()["shadow"]) == (201, "refused")
    renewed = ask("PUT", second.headers["location"])
    assert (renewed.status, renewed.json()["shadow"]) == (200, "refused")


@pytest.mark.parametrize("method, path, body, status", [
    ("POST", "/v1/limits/jobs/a/slots", {"ttl_ms": 20001}, 422),
    ("POST", "/v1/limits/jobs/a/slots", {"ttl_ms": 0}, 400),
    ("POST", "/v1/limits/jobs/a/slots", {"ttl": 1}, 400),
    ("POST", "/v1/limits/jobs/a/slots?ttl_ms=1", None, 400),
    ("POST", "/v1/limits/nosuch/a/slots", None, 404),
    ("PUT", "/v1/limits/jobs/a/slots/" + "0" * 31, None, 404),
    ("PUT", "/v1/limits/jobs/a/slots/" + "G" * 32, None, 404),
    ("PUT", "/v1/limits/jobs/a/slots/" + "0" * 32, {"ttl_ms": 20001}, 422),
    ("DELETE", "/v1/limits/jobs/a/slots/" + "0" * 31, None, 404),
    ("POST", "/v1/limits/jobs/a", None, 409),
    ("POST", "/v1/limits/jobs/a/refund", None, 409),
    ("GET", "/v1/check?rule=jobs&key=a", None, 409),
    ("POST", "/v1/limits", {"checks": [{"rule": "jobs", "key": "a"}]}, 409),
])
def test_what_is_wrong_gets_a_problem_that_says_so(ask: Documented, method: str, path: str, body: object,
                                                   status: int) -> None:
    assert ask(method, path, json_body=body).status == status


def test_an_idempotency_key_is_not_taken_for_what_it_is_not_here(ask: Documented) -> None:
    assert ask("POST", fresh(), {"Idempotency-Key": "a"}).status == 400
