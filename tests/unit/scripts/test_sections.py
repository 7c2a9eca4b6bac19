"""What a service's section of the configuration becomes: by options of `up`, by secrets, and whether it is run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Callable

import pytest

from shoal_fleet import config, layout, render, sections
from shoal_fleet.errors import FleetError, UsageError
from shoal_fleet.fleet import Fleet
from shoal_fleet.manifest import Manifest
from shoal_fleet.numbers import set_count

from samples import Document

Parse = Callable[[Document], Manifest]
ORIGIN = {"option": "--origin", "help": "x", "kind": "origin",
          "sets": {"sites": [{"name": "default", "hosts": ["*"], "origins": ["{value}"], "ttl": 1}]}}
MORE = {"options": [ORIGIN], "runs_with": "sites",
        "secrets": [{"name": "purge-token", "path": ["purge", "token_file"]}]}


@pytest.mark.parametrize(("text", "address"), [
    ("http://127.0.0.1:9000", "127.0.0.1:9000"),
    ("http://127.0.0.1:9000/", "127.0.0.1:9000"),
    ("HTTP://App.Example", "app.example:80"),
    ("http://[::1]:9000", "[::1]:9000"),
    ("http://[::1]", "[::1]:80"),
    ("unix:/run/app.sock", "unix:/run/app.sock"),
])
def test_origins(text: str, address: str) -> None:
    assert sections.origin(text, "--origin") == address


@pytest.mark.parametrize(("text", "what"), [
    ("https://app.example", "TLS to an origin is not spoken"),
    ("app.example:80", "is not the URL of an origin"),
    ("ftp://app.example", "is not the URL of an origin"),
    ("http://", "not a host and a port"),
    ("http://app.example:0", "not a host and a port"),
    ("http://app.example:http", "not a host and a port"),
    ("http://app example", "not a host and a port"),
    ("http://[::1", "not a host and a port"),
    ("http://[127.0.0.1]:80", "not a host and a port"),
    ("http://app.example/path", "only the server is named"),
    ("http://user@app.example", "only the server is named"),
    ("http://app.example?x", "only the server is named"),
    ("unix:run/app.sock", "must begin with a slash"),
    ("unix:/run/", "must begin with a slash"),
])
def test_origins_that_are_refused(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=what) as caught:
        sections.origin(text, "--origin")
    assert "--origin" in caught.value.message and "--origin http://HOST:PORT" in caught.value.hint


def test_an_option_puts_its_value_into_the_section(parse: Parse, document: Document) -> None:
    given = {"services": {"echo": {"memory": "1mb"}}}
    found = sections.with_options(given, [parse(document | MORE)], {"--origin": "app:80", "--other": "x"})
    assert found["services"]["echo"] == {
        "memory": "1mb", "sites": [{"name": "default", "hosts": ["*"], "origins": ["app:80"], "ttl": 1}]}
    assert given == {"services": {"echo": {"memory": "1mb"}}}, "what was given is left as it is"
    assert sections.with_options(given, [parse(document | MORE)], {}) == given


def test_an_option_and_the_file_can_not_both_say_it(parse: Parse, document: Document) -> None:
    with pytest.raises(FleetError, match=r"--origin and \$\.services\.echo\.sites") as caught:
        sections.with_options({"services": {"echo": {"sites": []}}}, [parse(document | MORE)], {"--origin": "app:80"})
    assert "'--origin none' forgets" in caught.value.hint


@pytest.mark.parametrize(("data", "runs"), [
    ({}, False),
    ({"services": {}}, False),
    ({"services": {"echo": {}}}, False),
    ({"services": {"echo": {"sites": []}}}, False),
    ({"services": {"echo": {"sites": [{}]}}}, True),
    ({"services": {"other": {"sites": [{}]}}}, False),
    ({"services": []}, False),
])
def test_a_service_without_anything_to_do_is_not_run(parse: Parse, document: Document, data: Document,
                                                     runs: bool) -> None:
    assert sections.runs(parse(document | MORE), data) is runs
    assert sections.runs(parse(document), data)


@pytest.mark.parametrize(("data", "runs"), [
    ({"services": {"other": {"sites": [{}]}}}, True),
    ({"services": {"echo": {"sites": [{}]}}}, False),
    ({"services": {"other": {"sites": []}}}, False),
    ({"services": {"other": 1}}, False),
])
def test_a_service_may_run_with_what_another_one_has(parse: Parse, document: Document, data: Document,
                                                     runs: bool) -> None:
    assert sections.runs(parse(document | {"runs_with": "other.sites"}), data) is runs


@pytest.fixture
def running(fleet: Fleet, parse: Parse, document: Document) -> Fleet:
    fleet.manifests["echo"] = parse(document | MORE)
    set_count(fleet, fleet.manifests["echo"], 1)
    layout.private_folder(fleet.layout.data, 0o700, -1, -1)
    layout.private_folder(fleet.layout.secrets, 0o700, -1, -1)
    return fleet


def shown(fleet: Fleet) -> Document:
    found: Document = json.loads(render.files(fleet, fleet.layout.conf)["config.json"])
    return found


def test_a_secret_is_made_once_and_its_file_is_named(running: Fleet) -> None:
    sections.make_secrets(running)
    file = running.layout.secrets / "echo-purge-token"
    token = file.read_text()
    assert len(token) == 65 and int(token, 16) >= 0
    assert file.stat().st_mode & 0o777 == 0o600
    sections.make_secrets(running)
    assert file.read_text() == token
    assert shown(running)["services"]["echo"]["purge"] == {"token_file": str(file)}
    assert sections.secret_file(running, running.manifests["echo"], "purge-token") == file
    assert token.strip() not in json.dumps(shown(running))


def test_a_secret_of_the_operator_s_is_left_to_him(running: Fleet, tmp_path: Path) -> None:
    mine = tmp_path / "token"
    running.state.set_config({"services": {"echo": {"purge": {"token_file": str(mine), "allow": []}}}})
    sections.make_secrets(running)
    assert not (running.layout.secrets / "echo-purge-token").exists()
    assert shown(running)["services"]["echo"]["purge"] == {"token_file": str(mine), "allow": []}
    assert sections.secret_file(running, running.manifests["echo"], "purge-token") == mine
    assert sections.configured_secrets(running.state.config, running.manifests.values()) == [
        ("$.services.echo.purge.token_file", mine)]


def test_a_secret_that_the_account_can_not_read_is_found_early(running: Fleet, tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"\$\.a\.b: 'tester' can't read"):
        config.check_secrets({}, running.account, [("$.a.b", tmp_path / "absent")])


def test_what_options_make_of_the_configuration_is_checked_by_the_services(fleet: Fleet, tmp_path: Path) -> None:
    checker = tmp_path / "shoal-echo"
    checker.write_text("#!/bin/sh\ngrep -q wrong \"$3\" || exit 0\n"
                       "echo \"$3: \\$.services.echo.sites: bad\" >&2\nexit 1\n")
    checker.chmod(0o700)
    config.check_options({"services": {}}, fleet.manifests, tmp_path, ["--origin"])
    with pytest.raises(FleetError, match=r"--origin: \$\.services\.echo\.sites: bad"):
        config.check_options({"services": {"echo": "wrong"}}, fleet.manifests, tmp_path, ["--origin"])


@pytest.mark.parametrize(("data", "size"), [
    ({}, None), ({"redis": []}, None), ({"redis": {"l2": {"unix": "/x"}}}, None),
    ({"redis": {"l2": {"memory": "64mb"}}}, 64 << 20), ({"redis": {"l2": {"memory": "2gb"}}}, 2 << 30),
])
def test_sizes_of_redis(data: Document, size: int | None) -> None:
    assert config.redis_memory(data, "l2") == size
