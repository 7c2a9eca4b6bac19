"""Which places come and go, and which addresses are taken."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from shoal_fleet import config, ports
from shoal_fleet.errors import FleetError, UsageError
from shoal_fleet.fleet import Fleet
from shoal_fleet.numbers import set_count, target


@pytest.mark.parametrize(("text", "now", "wanted"), [("4", 2, 4), ("+2", 2, 4), ("-1", 2, 1), ("2", 2, 2)])
def test_targets(text: str, now: int, wanted: int) -> None:
    assert target(text, now) == wanted


@pytest.mark.parametrize("text", ["", "x", "0", "-2", "1.5", "+", "5000", "--1"])
def test_bad_targets(text: str) -> None:
    with pytest.raises(UsageError):
        target(text, 2)


def ids(fleet: Fleet) -> list[int]:
    return [place.id for place in fleet.state.staying("echo")]


def test_the_smallest_free_ids_come_and_the_highest_leave(fleet: Fleet) -> None:
    echo = fleet.manifests["echo"]
    set_count(fleet, echo, 4)
    assert ids(fleet) == [1, 2, 3, 4]
    _, leaving = set_count(fleet, echo, 2)
    assert [place.id for place in leaving] == [4, 3] or [place.id for place in leaving] == [3, 4]
    assert ids(fleet) == [1, 2]
    del fleet.state.services["echo"][0]
    coming, _ = set_count(fleet, echo, 3)
    assert [place.id for place in coming] == [1, 5], "3 and 4 are still leaving"


def test_every_program_has_a_generation_of_its_own(fleet: Fleet) -> None:
    set_count(fleet, fleet.manifests["echo"], 5)
    generations = [place.program.generation for place in fleet.state.services["echo"]]
    assert generations == sorted(set(generations))


@pytest.mark.parametrize(("text", "address"), [
    ("127.0.0.1:8080", "127.0.0.1:8080"), ("[::1]:80", "[::1]:80"), ("*:80", "0.0.0.0:80"),
    ("localhost:81", "127.0.0.1:81"), ("0.0.0.0:443", "0.0.0.0:443"),
])
def test_addresses(text: str, address: str) -> None:
    assert ports.parse(text) == address


@pytest.mark.parametrize("text", ["8080", ":8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "example.org:80",
                                  "127.0.0.1:http", "300.1.1.1:80"])
def test_bad_addresses(text: str) -> None:
    with pytest.raises(UsageError):
        ports.parse(text)


def test_a_taken_port_is_seen_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        assert not ports.is_free(address)
        with pytest.raises(FleetError, match="another process listens") as caught:
            ports.check(address, "--listen", unprivileged=False)
        assert "ss -ltnp" in caught.value.hint


def test_only_one_chooses_ports_at_a_time() -> None:
    first = ports.Choosing()
    second = ports.Choosing(seconds=0.2)
    first.done()
    second.done()
    third = ports.Choosing(seconds=0.0)
    third.done()


@pytest.mark.parametrize(("content", "what"), [
    ("{", "is not JSON"),
    ("[]", "$: must be an object"),
    ('{"version": 3}', "$.version: is given by scripts/fleet"),
    ('{"log": {}, "log": {}}', "'log' stands there twice"),
])
def test_configurations_that_are_refused(tmp_path: Path, content: str, what: str) -> None:
    file = tmp_path / "c.json"
    file.write_text(content)
    with pytest.raises(FleetError) as caught:
        config.read(file)
    assert str(file) in caught.value.message and what in caught.value.message


def test_a_section_for_an_unknown_service_is_refused(fleet: Fleet, tmp_path: Path) -> None:
    checker = tmp_path / "shoal-echo"
    checker.write_text("#!/bin/sh\necho \"$3: \\$.log.level: must be info\" >&2\nexit 1\n")
    checker.chmod(0o700)
    file = tmp_path / "c.json"
    data = {"services": {"eco": {}}}
    file.write_text(json.dumps(data))
    with pytest.raises(FleetError) as caught:
        config.check(file, data, fleet.manifests, tmp_path)
    assert "$.services.eco: there is no such service; echo" in caught.value.message
    assert f"{file}: $.log.level: must be info" in caught.value.message


def test_redis_from_outside_needs_none_of_our_own(fleet: Fleet) -> None:
    import dataclasses

    manifests = {"echo": dataclasses.replace(fleet.manifests["echo"], redis=("state",))}
    assert config.own_redis({}, manifests) == ["state"]
    assert config.own_redis({"redis": {"state": {"unix": "/x"}}}, manifests) == []


def test_only_what_is_read_at_start_needs_new_workers() -> None:
    plain = config.start_digest({})
    assert plain != config.start_digest({"redis": {"state": {"unix": "/x"}}})
    assert plain != config.start_digest({"http": {"body": 1}})
    assert plain == config.start_digest({"redis": {"l2": {"memory": "1gb"}}})
    outside = {"unix": "/x", "client": "a"}
    assert config.start_digest({"redis": {"l2": outside}}) == config.start_digest(
        {"redis": {"l2": outside | {"memory": "1gb"}}}) != plain
    assert plain == config.start_digest({"services": {"echo": {}}, "log": {"level": "debug"}})
