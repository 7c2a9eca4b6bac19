"""Manifests: what is wrong is said with file, path and what is allowed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable

import pytest

from shoal_fleet import manifest
from shoal_fleet.errors import FleetError
from shoal_fleet.manifest import Manifest, Retry, SiteFront

from samples import ROOT, Document

Parse = Callable[[Document], Manifest]
FRONT = {"option": "--echo-listen", "help": "x", "default": "127.0.0.1:1", "key": "%[pathq]"}
KEY = {"expression": "path", "path": "/{key}", "what": "x"}


def test_defaults(parse: Parse, document: Document) -> None:
    found = parse(document)
    assert (found.name, found.executable, found.workers, found.probe) == ("echo", "shoal-echo", None, "/-/ready")
    assert found.bounded_load is None
    assert found.retry.methods == ("GET", "HEAD")
    assert found.key.rules == ()
    assert found.backends == ("echo",)
    assert (found.site_front, found.secrets, found.runs_with) == (None, (), None)


def test_all_fields(parse: Parse, document: Document) -> None:
    document |= {
        "summary": "says it back", "workers": 3, "bounded_load": 150, "redis": ["state"], "probe": "/-/live",
        "retry": {"attempts": 1, "on": ["conn-failure"], "methods": ["GET"]},
        "site_front": {"option": "--echo-listen", "help": "where", "default": "127.0.0.1:9000", "key": "%[pathq]",
                       "retry": {"attempts": 1}},
        "options": [{"option": "--upstream", "flag": "--upstream", "help": "whose", "metavar": "URL"},
                    {"option": "--origin", "sets": {"sites": ["{value}"]}, "help": "whose", "kind": "origin"}],
        "secrets": [{"name": "token", "path": ["purge", "token_file"]}], "runs_with": "sites",
        "try": ["curl {url}/echo/a"], "fleet_module": "fleet.py",
    }
    found = parse(document)
    assert (found.workers, found.bounded_load, found.redis) == (3, 150, ("state",))
    assert found.site_front == SiteFront("--echo-listen", "where", "127.0.0.1:9000", "%[pathq]", Retry(attempts=1))
    assert found.backends == ("echo", "echo-site")
    assert found.secrets[0].path == ("purge", "token_file")
    assert found.runs_with == "sites"
    assert found.options[0].flag == "--upstream"
    assert found.fleet_module == "fleet.py"


@pytest.mark.parametrize(("change", "path", "what"), [
    ({"name": "Echo"}, "$.name", "lower-case"),
    ({"name": "other"}, "$.name", "folder's name, 'echo'"),
    ({"path_prefixes": []}, "$.path_prefixes", "at least one"),
    ({"path_prefixes": ["echo"]}, "$.path_prefixes[0]", "a path like /v1/limits"),
    ({"path_prefixes": ["/-/x"]}, "$.path_prefixes[0]", "a path like /v1/limits"),
    ({"path_prefixes": ["/a", "/a"]}, "$.path_prefixes", "twice"),
    ({"workers": 0}, "$.workers", '"auto" or 1 to 1024'),
    ({"workers": True}, "$.workers", '"auto" or 1 to 1024'),
    ({"bounded_load": 100}, "$.bounded_load", "101 to 65535"),
    ({"redis": ["mine"]}, "$.redis[0]", "one of state, l2"),
    ({"probe": "ready"}, "$.probe", "admin socket"),
    ({"retry": {"on": ["sometimes"]}}, "$.retry.on[0]", "conn-failure"),
    ({"retry": {"attempts": 9}}, "$.retry.attempts", "0 to 5"),
    ({"retry": {"often": 1}}, "$.retry.often", "not a known field"),
    ({"key": {"expression": "a b", "path": "/{key}", "what": "x"}}, "$.key.expression", "without blanks"),
    ({"key": {"expression": "path", "path": "/x", "what": "x"}}, "$.key.path", "{key}"),
    ({"key": KEY | {"rules": [{"when": "path /x", "format": "x"}]}}, "$.key.rules[0].when", "HAProxy conditions"),
    ({"key": KEY | {"rules": [{"when": "{ path /x } { q", "format": "x"}]}}, "$.key.rules[0].when", "conditions"),
    ({"key": KEY | {"rules": [{"when": "{ path /x }", "format": "a b"}]}}, "$.key.rules[0].format", "without blanks"),
    ({"key": KEY | {"rules": [{"when": "{ path /x }"}]}}, "$.key.rules[0].format", "is missing"),
    ({"key": KEY | {"rules": ["{ path /x }"]}}, "$.key.rules[0]", "must be an object"),
    ({"options": [{"option": "origin", "flag": "--o", "help": "x"}]}, "$.options[0].option", "long option"),
    ({"options": [{"option": "--opt", "help": "x"}]}, "$.options[0].flag", "or sets in its place"),
    ({"options": [{"option": "--opt", "flag": "--opt", "sets": {}, "help": "x"}]}, "$.options[0].flag", "in its place"),
    ({"options": [{"option": "--opt", "sets": {}, "help": "x", "default": "y"}]}, "$.options[0].default", "beside"),
    ({"options": [{"option": "--opt", "flag": "--opt", "help": "x", "kind": "url"}]}, "$.options[0].kind", "origin"),
    ({"site_front": FRONT | {"option": "listen"}}, "$.site_front.option", "long option"),
    ({"site_front": FRONT | {"default": "localhost:80"}}, "$.site_front.default", "ADDRESS:PORT"),
    ({"site_front": FRONT | {"key": "a b"}}, "$.site_front.key", "without blanks"),
    ({"site_front": {"option": "--echo-listen", "help": "x", "default": "[::1]:1"}}, "$.site_front.key", "missing"),
    ({"site_front": FRONT | {"name": "x"}}, "$.site_front.name", "not a known field"),
    ({"site_front": FRONT | {"retry": {"methods": ["ANY"]}}}, "$.site_front.retry.methods[0]", "one of GET"),
    ({"secrets": [{"name": "token", "path": []}]}, "$.secrets[0].path", "at least one"),
    ({"secrets": [{"name": "../x", "path": ["a"]}]}, "$.secrets[0].name", "lower-case"),
    ({"runs_with": "Sites"}, "$.runs_with", "a field"),
    ({"runs_with": "a.b.c"}, "$.runs_with", "SERVICE.FIELD"),
    ({"fleet_module": "../x.py"}, "$.fleet_module", "file name"),
    ({"colour": "red"}, "$.colour", "not a known field"),
])
def test_what_is_refused(parse: Parse, document: Document, change: Document, path: str, what: str) -> None:
    with pytest.raises(FleetError) as caught:
        parse(document | change)
    assert "services/echo/service.json" in caught.value.message
    assert f": {path}: " in caught.value.message
    assert what in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("missing", ["name", "path_prefixes", "key"])
def test_what_must_be_there(parse: Parse, document: Document, missing: str) -> None:
    del document[missing]
    with pytest.raises(FleetError, match=rf"\$\.{missing}: is missing"):
        parse(document)


def put(services: Path, name: str, content: dict[str, Any]) -> None:
    (services / name).mkdir(parents=True)
    (services / name / "service.json").write_text(json.dumps(content))


def test_two_services_may_not_claim_the_same_path(tmp_path: Path, document: Document) -> None:
    put(tmp_path, "echo", document)
    put(tmp_path, "other", document | {"name": "other"})
    with pytest.raises(FleetError, match="'/echo' belongs to service echo"):
        manifest.load_all(tmp_path)


def test_two_services_may_not_claim_the_same_option(tmp_path: Path, document: Document) -> None:
    put(tmp_path, "echo", document | {"site_front": FRONT})
    put(tmp_path, "other", document | {"name": "other", "path_prefixes": ["/o"],
                                       "options": [{"option": "--echo-listen", "flag": "--other", "help": "x"}]})
    with pytest.raises(FleetError, match="'--echo-listen' belongs to service echo"):
        manifest.load_all(tmp_path)


def test_a_folder_without_manifest_is_no_service(tmp_path: Path, document: Document) -> None:
    put(tmp_path, "echo", document)
    (tmp_path / "notes").mkdir()
    assert list(manifest.load_all(tmp_path)) == ["echo"]


def test_the_manifests_of_this_tree_are_good() -> None:
    assert "limiter" in manifest.load_all(ROOT / "services")
