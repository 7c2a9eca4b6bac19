"""Sites that this project did not write: Debian's nginx with documentation, and Django with its admin. They are served
through the fleet, edited, purged, and seen fresh at once through every worker that had kept them."""

from __future__ import annotations

import gzip
import json
from typing import Any, Iterator

import pytest

from cache_client import ask, hold
from conftest import before
from django_site import Browser, django, needs_django
from documentation_site import Documentation, documentation, needs_nginx
from shoal_cli import FleetUnderTest, Make

WORKERS = ("cache-1", "cache-2")
# Bytes of the largest body that workers give to each other through the second level, `l2_object`.
SHARED = 1 << 20


@pytest.fixture(scope="module")
def docs(routing: str) -> Iterator[Documentation]:
    with documentation() as found:
        yield found


@pytest.fixture(scope="module")
def before_docs(make_fleet: Make, docs: Documentation, routing: str) -> Iterator[FleetUnderTest]:
    yield from before(make_fleet(), f"http://127.0.0.1:{docs.port}", routing)


@pytest.fixture(scope="module")
def before_django(make_fleet: Make, tmp_path_factory: pytest.TempPathFactory,
                  routing: str) -> Iterator[FleetUnderTest]:
    with django(tmp_path_factory.mktemp("django")) as port:
        yield from before(make_fleet(), f"http://127.0.0.1:{port}", routing)


def everywhere(fleet: FleetUnderTest, path: str, hit: bool = False) -> set[bytes]:
    """The bodies that come through HAProxy and from each worker, with `hit`: once each has it in what it keeps."""
    if hit:
        hold(fleet, path)
    answers = [ask(fleet, path, way) for way in (None, *WORKERS)]
    assert {status for status, _, _ in answers} == {200}, path
    return {body for _, _, body in answers}


def purge(fleet: FleetUnderTest, *arguments: str) -> None:
    done: dict[str, Any] = json.loads(fleet.run("cache", "purge", *arguments, "--json").stdout)
    assert sorted(done["confirmed"]) == list(WORKERS) and done["fenced"] == []


@needs_nginx
def test_documentation_is_fetched_once_and_kept_by_all(before_docs: FleetUnderTest, docs: Documentation) -> None:
    paths = docs.paths()
    assert len(paths) > 20
    for path in paths:
        wanted = (docs.tree / path[1:]).read_bytes()
        status, headers, body = before_docs.visit(path)
        assert (status, body) == (200, wanted), path
        assert headers["cache-status"].startswith("shoal; fwd=uri-miss; ") and "stored" in headers["cache-status"]
        assert everywhere(before_docs, path, hit=True) == {wanted}
        assert docs.fetched(path) <= len(WORKERS), path
    # A worker that is late to ask the second level, or that it answers late, fetches for itself.
    shared = [path for path in paths if (docs.tree / path[1:]).stat().st_size <= SHARED]
    assert sum(docs.fetched(path) == 1 for path in shared) > 0.8 * len(shared)


@needs_nginx
def test_documentation_is_kept_packed_and_plain(before_docs: FleetUnderTest, docs: Documentation) -> None:
    path = "/haproxy/architecture.txt"
    wanted = (docs.tree / path[1:]).read_bytes()
    for asks in ("gzip", "br;q=1.0, gzip;q=0.8, *;q=0.1", "gzip, deflate") * 5:
        _, headers, body = before_docs.visit(path, {"Accept-Encoding": asks})
        assert headers["content-encoding"] == "gzip" and gzip.decompress(body) == wanted
    assert everywhere(before_docs, path) == {wanted}
    status, headers, body = before_docs.visit(path, {"Range": "bytes=1000-1999"})
    assert (status, body) == (206, wanted[1000:2000])
    assert docs.fetched(path) <= 3 * len(WORKERS), "plain, packed for those with brotli, and for those without"


@needs_nginx
@pytest.mark.parametrize("named", ["url", "tag", "site"])
def test_edited_documentation_is_fresh_once_it_is_purged(before_docs: FleetUnderTest, docs: Documentation,
                                                         named: str) -> None:
    path, other = "/supervisor/copyright", "/redis-server/copyright"
    file = docs.tree / path[1:]
    before = file.read_bytes()
    for one in (path, other):
        everywhere(before_docs, one, hit=True)
    fetched = docs.fetched(other)
    file.write_bytes(before + f"edited, then purged by {named}\n".encode())
    assert everywhere(before_docs, path) == {before}, "not purged yet"

    purge(before_docs, f"--{named}", {"url": f"http://127.0.0.1:{before_docs.site}{path}", "tag": "package-supervisor",
                                      "site": "default"}[named])
    assert everywhere(before_docs, path) == {file.read_bytes()}
    everywhere(before_docs, other)
    assert (docs.fetched(other) > fetched) == (named == "site"), "only what was named is fetched again"


@needs_django
def test_a_page_edited_in_the_admin_is_fresh_once_it_is_purged(before_django: FleetUnderTest) -> None:
    editor = Browser(f"http://127.0.0.1:{before_django.site}")
    editor.log_in()
    lists = everywhere(before_django, "/", hit=True)
    for number, (path, title) in enumerate([("/about/", "About us"), ("/terms/", "Terms")], 1):
        old = everywhere(before_django, path, hit=True)
        assert len(old) == 1 and b"as first written" in [*old][0]
        editor.edit(number, path, f"{title}, again", "as written anew")
        assert everywhere(before_django, path) == old, "the admin's own URL was posted to: this one is still kept"
        assert everywhere(before_django, "/") == lists

        purge(before_django, "--tag", f"page-{path.strip('/')}")
        assert everywhere(before_django, path) == {f"<title>{title}, again</title>as written anew".encode()}
        lists = everywhere(before_django, "/", hit=True)
        assert len(lists) == 1 and f"{title}, again".encode() in [*lists][0], "the list has the tag of each page"
    everywhere(before_django, "/about/", hit=True)


@needs_django
def test_what_django_answers_to_who_is_logged_in_is_for_nobody_else(before_django: FleetUnderTest) -> None:
    base = f"http://127.0.0.1:{before_django.site}"
    editor, stranger = Browser(base), Browser(base)
    editor.log_in()
    for _ in range(10):
        # The view says max-age=600, and nothing of being private.
        headers, body = editor.open("/hello")
        assert body == "hello editor" and "hit" not in headers["cache-status"]
        assert stranger.get("/hello") == "hello stranger"
        headers, body = editor.open("/admin/")
        assert "Log out" in body and "hit" not in headers["cache-status"]
        assert "Log out" not in stranger.get("/admin/")
    everywhere(before_django, "/contact/", hit=True)
    assert "hit" in editor.open("/contact/")[0]["cache-status"], "what is for all is from the cache for her too"


@needs_django
def test_forms_of_the_admin_work_through_the_fleet(before_django: FleetUnderTest) -> None:
    stranger = Browser(f"http://127.0.0.1:{before_django.site}")
    tokens = {stranger.get("/admin/login/").partition("csrfmiddlewaretoken")[2][:100] for _ in range(4)}
    assert len(tokens) == 4, "each form has a token of its own"
    assert before_django.visit("/admin/login/", method="POST", body=b"username=x")[0] == 403, "forged"
