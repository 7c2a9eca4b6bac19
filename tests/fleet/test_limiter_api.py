"""The limiter's requests through the whole fleet, as clients are promised them. Every answer is documented."""

from __future__ import annotations

import json
import re
import socket
import uuid
from collections import Counter
from typing import Any

import pytest

from documented import Answer, Documented
from shoal_cli import PATIENT, FleetUnderTest, eventually

RULES = [
    {"name": "demo", "limit": 10, "period": "60s"},
    {"name": "bulk", "limit": 100000, "period": "1s"},
    {"name": "daily", "algorithm": "window", "limit": 10, "period": "day", "time_zone": "Europe/Stockholm"},
    {"name": "quick", "algorithm": "window", "limit": 2, "period": "second"},
    {"name": "dry", "limit": 2, "period": "1h", "shadow": True},
    {"name": "other", "limit": 2, "period": "1h", "headers": "x-ratelimit"},
    {"name": "quiet", "limit": 2, "period": "1h", "headers": "none"},
    {"name": "tenant", "limit": 2, "period": "1h", "key_headers": ["X-Tenant", "X-Api-Key"]},
]


@pytest.fixture(scope="module")
def fleet(make_fleet) -> FleetUnderTest:
    found = make_fleet()
    config = found.home.parent / "api.json"
    config.write_text(json.dumps({**PATIENT, "services": {"limiter": {"rules": RULES}}}))
    found.up("--workers", "3", "--config", str(config))
    return found


@pytest.fixture(scope="module")
def ask(fleet: FleetUnderTest) -> Documented:
    return Documented(fleet)


def fresh(rule: str = "demo") -> str:
    return f"/v1/limits/{rule}/{uuid.uuid4()}"


def remaining(ask: Documented, path: str) -> int:
    return int(ask("GET", path).json()["remaining"])


def test_ten_are_admitted_and_the_eleventh_is_refused(ask: Documented) -> None:
    path = fresh()
    answers = [ask("POST", path) for _ in range(12)]
    assert [answer.status for answer in answers] == [200] * 10 + [429] * 2
    first, last = answers[0], answers[-1]
    said = first.json()
    assert set(said) == {"allowed", "limit", "remaining", "reset_ms", "retry_after_ms"}
    assert (said["allowed"], said["limit"], said["remaining"], said["retry_after_ms"]) == (True, 10, 9, 0)
    assert first.headers["ratelimit-policy"] == '"demo";q=10;w=60'
    assert first.headers["ratelimit"] == '"demo";r=9;t=6'
    assert first.headers["x-shoal-worker"].startswith("limiter-")
    assert (last.json()["allowed"], last.json()["remaining"]) == (False, 0)
    assert 5000 < last.json()["retry_after_ms"] <= 6000
    assert int(last.headers["retry-after"]) == 6


def test_a_calendar_window_admits_its_limit_and_names_its_end(ask: Documented) -> None:
    path = fresh("daily")
    answers = [ask("POST", path) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert answers[0].headers["ratelimit-policy"] == '"daily";q=10;w=86400'
    last = answers[-1].json()
    assert 0 < last["retry_after_ms"] == last["reset_ms"] <= 25 * 3600 * 1000
    assert ask("POST", path + "/refund?cost=3").json()["refunded"] == 3
    assert ask("POST", path + "?cost=3").status == 200

    path = fresh("quick")
    eventually(lambda: ask("POST", path).status == 429, 5, "a second's budget is spent")
    eventually(lambda: ask("POST", path).status == 200, 5, "the next second has another")


def test_a_peek_takes_nothing(ask: Documented) -> None:
    path = fresh()
    ask("POST", path + "?cost=4")
    for _ in range(20):
        seen = ask("GET", path)
        assert (seen.status, seen.json()["remaining"], seen.json()["allowed"]) == (200, 6, True)
    assert ask("GET", path + "?cost=7").json()["allowed"] is False
    ask("POST", path + "?cost=6")
    seen = ask("GET", path)
    assert (seen.status, seen.json()["allowed"]) == (200, False)
    assert seen.json()["retry_after_ms"] > 0


def test_a_forgotten_key_has_its_budget_again(ask: Documented) -> None:
    path = fresh()
    assert ask("POST", path + "?cost=10").status == 200
    assert ask("POST", path).status == 429
    assert ask("DELETE", path).status == 204
    assert ask("POST", path + "?cost=10").status == 200


def test_the_rules_in_force_are_listed(ask: Documented) -> None:
    rules = {rule["name"]: rule for rule in ask("GET", "/v1/limits").json()["rules"]}
    assert (rules["demo"]["limit"], rules["demo"]["period"], rules["demo"]["burst"]) == (10, "1m", 10)
    assert rules["daily"] == {"name": "daily", "algorithm": "window", "limit": 10, "period": "day",
                              "time_zone": "Europe/Stockholm", "max_cost": 10, "without_redis": "deny",
                              "shadow": False, "headers": "ratelimit", "key_headers": []}
    assert rules["tenant"]["key_headers"] == ["X-Tenant", "X-Api-Key"]


def test_a_cost_may_stand_in_a_json_body(ask: Documented) -> None:
    path = fresh()
    answer = ask("POST", path, json_body={"cost": 7})
    assert (answer.status, answer.json()["remaining"]) == (200, 3)
    assert ask("POST", path, json_body={"cost": 4}).status == 429
    assert ask("POST", path, json_body={"cost": 3}).status == 200


def test_an_idempotency_key_takes_once(ask: Documented) -> None:
    path, once = fresh(), {"Idempotency-Key": str(uuid.uuid4())}
    first = ask("POST", path + "?cost=3", once)
    assert "idempotency-replayed" not in first.headers
    ask("POST", path + "?cost=5")
    again = ask("POST", path + "?cost=3", once)
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status, again.json()) == (first.status, first.json())
    assert remaining(ask, path) == 2
    assert ask("POST", path + "?cost=2", once).status == 422
    assert remaining(ask, path) == 2
    # A first refusal is repeated too, though there would be enough by now.
    late = {"Idempotency-Key": str(uuid.uuid4())}
    assert ask("POST", path + "?cost=3", late).status == 429
    assert ask("POST", path + "/refund?cost=5").json()["refunded"] == 5
    replayed = ask("POST", path + "?cost=3", late)
    assert (replayed.status, replayed.headers.get("idempotency-replayed")) == (429, "true")
    # Another key's is another one.
    assert "idempotency-replayed" not in ask("POST", fresh(), once).headers


@pytest.mark.parametrize("rule", ["demo", "daily"])
def test_a_refund_gives_back_at_most_what_was_taken(ask: Documented, rule: str) -> None:
    path = fresh(rule)
    nothing = ask("POST", path + "/refund?cost=5").json()
    assert (nothing["refunded"], nothing["remaining"]) == (0, 10)
    ask("POST", path + "?cost=6")
    some = ask("POST", path + "/refund", json_body={"cost": 2}).json()
    assert (some["refunded"], some["remaining"], some["limit"]) == (2, 6, 10)
    assert ask("POST", path + "?cost=6").status == 200
    assert ask("POST", path).status == 429
    # Of demo a part of a second has refilled a part of a cell, which is not owed any more.
    assert ask("POST", path + "/refund?cost=1000000000000").json()["refunded"] in ((10,) if rule == "daily" else (9, 10))
    assert remaining(ask, path) == 10


def batch(ask: Documented, *checks: dict[str, Any], all_or_nothing: bool = False) -> Answer:
    return ask("POST", "/v1/limits", json_body={"checks": list(checks), "all_or_nothing": all_or_nothing})


def test_a_batch_decides_each_by_itself(ask: Documented) -> None:
    key = f"a/b {uuid.uuid4()} \u00e9%41"
    answer = batch(ask, {"rule": "demo", "key": key, "cost": 8}, {"rule": "demo", "key": key, "cost": 3},
                   {"rule": "daily", "key": key}, {"rule": "dry", "key": key})
    said = answer.json()
    assert (answer.status, said["allowed"]) == (200, False)
    assert [check["allowed"] for check in said["checks"]] == [True, False, True, True]
    assert [check["rule"] for check in said["checks"]] == ["demo", "demo", "daily", "dry"]
    assert {check["key"] for check in said["checks"]} == {key}
    assert said["checks"][1]["retry_after_ms"] > 0
    # The same key, percent-encoded, in a path.
    encoded = key.replace("%", "%25").replace("/", "%2F").replace(" ", "%20").replace("\u00e9", "%C3%A9")
    assert remaining(ask, f"/v1/limits/demo/{encoded}") == 2
    assert batch(ask, {"rule": "daily", "key": key}).json()["allowed"] is True


def test_all_or_nothing_takes_all_or_gives_everything_back(ask: Documented) -> None:
    key = str(uuid.uuid4())
    paths = [f"/v1/limits/{rule}/{key}" for rule in ("demo", "daily", "bulk")]
    everything = [{"rule": "demo", "key": key, "cost": 6}, {"rule": "daily", "key": key, "cost": 5},
                  {"rule": "bulk", "key": key, "cost": 7}]
    taken = batch(ask, *everything, all_or_nothing=True)
    assert (taken.status, taken.json()["allowed"], taken.json()["retry_after_ms"]) == (200, True, 0)
    assert [remaining(ask, path) for path in paths[:2]] == [4, 5]

    refused = batch(ask, *everything, all_or_nothing=True)
    said = refused.json()
    assert (refused.status, said["allowed"]) == (429, False)
    assert [check.get("allowed") for check in said["checks"]] == [False, True, True]
    assert 0 < said["retry_after_ms"] == said["checks"][0]["retry_after_ms"]
    assert int(refused.headers["retry-after"]) >= 1
    assert [remaining(ask, path) for path in paths[:2]] == [4, 5]

    # In the order of taking "daily" comes before "demo": what comes after the refusal is not asked.
    refused = batch(ask, {"rule": "demo", "key": key}, {"rule": "daily", "key": key, "cost": 6}, all_or_nothing=True)
    assert refused.status == 429
    assert refused.json()["checks"][0] == {"rule": "demo", "key": key}
    assert remaining(ask, paths[0]) == 4
    # One in shadow mode refuses nobody.
    batch(ask, {"rule": "dry", "key": key, "cost": 2})
    shadows = [{"rule": "dry", "key": name, "cost": 2} for name in (str(uuid.uuid4()), key)]
    said = batch(ask, *shadows, {"rule": "demo", "key": key}, all_or_nothing=True).json()
    assert [check.get("shadow") for check in said["checks"]] == ["allowed", "refused", None]
    assert said["allowed"] is True


def test_a_batch_that_is_wrong_takes_nothing(ask: Documented) -> None:
    key = str(uuid.uuid4())
    good = {"rule": "demo", "key": key}
    for bad, status, place in (({"rule": "nosuch", "key": key}, 404, "checks[1].rule"),
                               ({"rule": "demo", "key": key, "cost": 11}, 422, "checks[1].cost"),
                               ({"rule": "demo", "key": ""}, 400, "checks[1].key"),
                               ({"rule": "demo", "key": key, "const": 1}, 400, "checks[1]")):
        answer = batch(ask, good, bad)
        assert answer.status == status
        assert place in answer.json()["detail"]
    assert batch(ask, *[good] * 101).status == 400
    assert ask("POST", "/v1/limits?x=1", json_body={"checks": [good]}).status == 400
    assert ask("POST", "/v1/limits", {"Idempotency-Key": "x"}, json_body={"checks": [good]}).status == 400
    assert remaining(ask, f"/v1/limits/demo/{key}") == 10


def test_shadow_mode_refuses_nobody_and_says_what_it_would_do(ask: Documented, fleet: FleetUnderTest) -> None:
    path = fresh("dry")
    answers = [ask("POST", path) for _ in range(4)]
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.json()["shadow"] for answer in answers] == ["allowed", "allowed", "refused", "refused"]
    assert all(answer.json()["allowed"] and answer.json()["retry_after_ms"] == 0 for answer in answers)
    assert all("retry-after" not in answer.headers for answer in answers)
    assert ask("GET", f"/v1/check?rule=dry&key={path.rpartition('/')[2]}").status == 204


def test_each_rule_has_its_dialect(ask: Documented) -> None:
    other, quiet = fresh("other"), fresh("quiet")
    headers = [ask("POST", other).headers for _ in range(3)][-1]
    assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("2", "0")
    assert 3500 <= int(headers["x-ratelimit-reset"]) <= 3600
    assert 1 <= int(headers["retry-after"]) <= 1800
    assert not {"ratelimit", "ratelimit-policy"} & headers.keys()
    answers = [ask("POST", quiet) for _ in range(3)]
    assert not [name for answer in answers for name in answer.headers if "ratelimit" in name]
    assert "retry-after" in answers[-1].headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_check_takes_with_any_method(ask: Documented, method: str) -> None:
    query = f"rule=demo&key={uuid.uuid4()}%2F%C3%A9"
    assert ask(method, f"/v1/check?{query}&cost=10").status == 204
    refused = ask(method, f"/v1/check?{query}")
    assert (refused.status, refused.headers["retry-after"]) == (403, "6")
    assert refused.headers["ratelimit"] == '"demo";r=0;t=60'
    refused = ask(method, f"/v1/check?{query}&deny=429&path=/orders?cost=x&key=y")
    assert (refused.status, refused.headers["retry-after"]) == (429, "6")
    assert ask("DELETE", "/v1/limits/demo/" + query.partition("key=")[2]).status == 204
    assert ask(method, f"/v1/check?{query}&deny=429").status == 200


def test_a_check_makes_its_key_of_headers(ask: Documented) -> None:
    tenant, other = str(uuid.uuid4()), str(uuid.uuid4())
    path = "/v1/check?rule=tenant"
    for _ in range(2):
        # What the checked request carries for its origin means nothing here.
        assert ask("GET", path, {"X-Tenant": tenant, "X-Api-Key": "k", "Idempotency-Key": "same"}).status == 204
    assert ask("GET", path, {"x-tenant": tenant, "x-api-key": "k"}).status == 403
    assert ask("GET", path, {"X-Tenant": other, "X-Api-Key": "k"}).status == 204
    assert remaining(ask, f"/v1/limits/tenant/{tenant},k") == 0
    missing = ask("GET", path, {"X-Tenant": tenant})
    assert missing.status == 400 and "X-Api-Key" in missing.json()["detail"]
    assert ask("GET", path + f"&key={tenant},k", {}).status == 403
    assert ask("GET", "/v1/check?rule=demo").status == 400


@pytest.mark.parametrize("method, path, status", [
    ("POST", "/v1/limits/nosuch/alice", 404),
    ("GET", "/v1/limits/nosuch/alice", 404),
    ("DELETE", "/v1/limits/nosuch/alice", 404),
    ("POST", "/v1/limits/nosuch/alice/refund", 404),
    ("GET", "/v1/check?rule=nosuch&key=alice", 404),
    ("POST", "/v1/limits/demo/%ff", 400),
    ("POST", "/v1/limits/demo/%zz", 400),
    ("POST", "/v1/limits/demo/" + "x" * 513, 400),
    ("POST", "/v1/limits/demo/alice?cost=0", 400),
    ("POST", "/v1/limits/demo/alice?cost=one", 400),
    ("POST", "/v1/limits/demo/alice?costs=1", 400),
    ("POST", "/v1/limits/demo/alice?cost=1&cost=1", 400),
    ("POST", "/v1/limits/demo/alice?cost=11", 422),
    ("POST", "/v1/limits/demo/alice/refund?cost=0", 400),
    ("POST", "/v1/limits/demo/alice/slots", 409),
    ("GET", "/v1/check?key=alice", 400),
    ("GET", "/v1/check?rule=demo&key=a&key=b", 400),
    ("GET", "/v1/check?rule=demo&key=alice&deny=500", 400),
    ("GET", "/v1/check?rule=demo&key=alice&cost=11", 422),
    ("POST", "/v1/limits", 400),
])
def test_what_is_wrong_gets_a_problem_that_says_so(ask: Documented, method: str, path: str, status: int) -> None:
    answer = ask(method, path)
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"]


@pytest.mark.parametrize("method, path, status", [
    ("POST", "/v1/limits/demo", 404),
    ("POST", "/v1/limits/demo/a/b", 404),
    ("PUT", "/v1/limits/demo/alice", 405),
    ("PUT", "/v1/limits", 405),
    ("POST", "/v1/openapi.json", 405),
    ("GET", "/v1/limits/demo/alice/refund", 405),
    ("GET", "/v1/limitsandmore", 404),
    ("GET", "/v1/checks", 404),
    ("GET", "/-/config", 404),
    ("GET", "/-/limits/top", 404),
])
def test_what_is_not_there_gets_a_problem_as_well(fleet: FleetUnderTest, method: str, path: str, status: int) -> None:
    found, headers, body = fleet.request(method, path)
    assert found == status
    assert headers["content-type"] == "application/problem+json"
    assert json.loads(body)["status"] == status


def test_a_member_that_stands_twice_is_refused(ask: Documented) -> None:
    answer = ask("POST", fresh(), body=b'{"cost":1,"cost":5}')
    assert answer.status == 400 and "cost" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_an_idempotency_key_is_1_to_255_visible_characters(ask: Documented, key: str) -> None:
    path = fresh()
    assert ask("POST", path, {"Idempotency-Key": key}).status == 400
    assert remaining(ask, path) == 10


def test_a_key_is_any_utf8_of_up_to_512_bytes(ask: Documented) -> None:
    for key in ("%C3%A9%2F%3F%23%00", "y" * 511 + uuid.uuid4().hex[0], "%F0%9F%90%9F" * 128):
        ask("DELETE", f"/v1/limits/demo/{key}")
        assert ask("POST", f"/v1/limits/demo/{key}?cost=10").status == 200
        assert ask("POST", f"/v1/limits/demo/{key}").status == 429


def test_a_request_id_is_taken_over_or_made(ask: Documented) -> None:
    assert ask("GET", fresh(), {"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    made = {ask("GET", fresh()).headers["x-request-id"] for _ in range(10)}
    assert len(made) == 10


def scrape(fleet: FleetUnderTest) -> Counter[tuple[str, str, str]]:
    """shoal_limiter_decisions_total of all workers, by rule, verdict and by whom."""
    found: Counter[tuple[str, str, str]] = Counter()
    for place in fleet.run_folder.glob("limiter-?.admin"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(place))
            connection.sendall(b"GET /-/metrics HTTP/1.1\r\nHost: shoal\r\nConnection: close\r\n\r\n")
            text = connection.makefile("rb").read().decode()
        line = r'^shoal_limiter_decisions_total\{rule="([^"]+)",verdict="([^"]+)",by="([^"]+)"\} (\d+)$'
        for rule, verdict, by, count in re.findall(line, text.replace("\r", ""), re.MULTILINE):
            found[rule, verdict, by] += int(count)
    return found


def test_decisions_are_counted_by_rule_verdict_and_decider(ask: Documented, fleet: FleetUnderTest) -> None:
    before = scrape(fleet)
    assert {(rule["name"], verdict, by) for rule in RULES for verdict in ("allowed", "refused", "shadow")
            for by in ("memory", "redis", "policy")} == before.keys()
    demo, dry, once = fresh(), fresh("dry"), {"Idempotency-Key": str(uuid.uuid4())}
    ask("POST", demo + "?cost=9", once)
    # Neither a repeat nor a peek, nor what is given back again, is a decision.
    ask("POST", demo + "?cost=9", once)
    ask("GET", demo)
    ask("POST", demo + "?cost=2")
    batch(ask, {"rule": "daily", "key": str(uuid.uuid4())}, {"rule": "demo", "key": demo.rpartition("/")[2], "cost": 2},
          all_or_nothing=True)
    ask("POST", dry + "?cost=2")
    ask("POST", dry)
    found: Counter[tuple[str, str]] = Counter()
    for (rule, verdict, _), count in (scrape(fleet) - before).items():
        found[rule, verdict] += count
    assert found == {("demo", "allowed"): 1, ("demo", "refused"): 2, ("dry", "allowed"): 1, ("dry", "shadow"): 1}
