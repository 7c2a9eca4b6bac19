"""Views over HTTP, as the test has written them: what a client asks, and what it is told."""

from __future__ import annotations

import json
from typing import Any, Iterator

import pytest

from cache_client import ask
from shoal_cli import FleetUnderTest, Make, eventually
from written_views import VIEWS, WrittenViews, key_text, path_of, viewed

Served = tuple[FleetUnderTest, WrittenViews]


@pytest.fixture(scope="module")
def served(make_fleet: Make, routing: str) -> Iterator[Served]:
    with viewed(make_fleet, routing) as found:
        yield found


def get(served: Served, path: str, status: int = 200, **headers: str) -> tuple[dict[str, str], bytes]:
    found, fields, body = served[0].request("GET", path, {name.replace("_", "-"): text
                                                          for name, text in headers.items()})
    assert found == status, (path, found, body)
    return fields, body


def value(served: Served, path: str) -> Any:
    return json.loads(get(served, path)[1])


def refusal(served: Served, path: str, status: int) -> str:
    fields, body = get(served, path, status)
    said = json.loads(body)
    assert fields["content-type"] == "application/problem+json" and said["status"] == status
    assert ("retry-after" in fields) == (status == 503)
    return str(said["detail"])


def walk(served: Served, path: str) -> list[Any]:
    """The items of all pages."""
    items: list[Any] = []
    after = ""
    while True:
        page = value(served, path + after)
        items += page["items"]
        if "next" not in page:
            return items
        after = f"&after={page['next']}"


def test_a_document_is_served_as_it_is(served: Served) -> None:
    written = served[1]
    written.make("product", "document")
    written.put("product", "7", '{"id" : 7, "name": "chair"}')
    fields, body = get(served, "/v1/views/product/7")
    assert body == b'{"id" : 7, "name": "chair"}'
    assert fields["content-type"] == "application/json" and fields["cache-control"] == "no-cache"


def test_a_hash_is_an_object_of_texts(served: Served) -> None:
    served[1].make("stock", "hash")
    served[1].put("stock", "7", {"left": "3", "name": "ch\u00e4ir"})
    assert value(served, "/v1/views/stock/7") == {"left": "3", "name": "ch\u00e4ir"}


def test_keys_of_several_columns_and_of_any_text(served: Served) -> None:
    written = served[1]
    written.make("odd", "document")
    for number, values in enumerate((("a", "b"), ("a,b",), ("a b", ""), ("100%",), ("/",), ("\u00e9\u4e2d",), ("+&=?#",),
                                     ("%2C",), ("..",))):
        written.put("odd", key_text(*values), number)
        assert value(served, path_of("odd", *values)) == number, values
    assert value(served, "/v1/views/odd/a,b") == 0


def test_a_set_in_pages(served: Served) -> None:
    written = served[1]
    written.make("colours", "set")
    everything = [f"c{number:03}" for number in range(250)]
    written.put("colours", "all", everything)
    first = value(served, "/v1/views/colours/all")
    assert first["items"] == everything[:100]
    assert walk(served, "/v1/views/colours/all?limit=70") == everything
    assert walk(served, "/v1/views/colours/all?limit=70&order=desc") == everything[::-1]
    # What comes and goes before the place of a page does not move it.
    written.drop("colours", "all", "c000", first["items"][-1])
    written.put("colours", "other", ["x"])
    assert value(served, f"/v1/views/colours/all?after={first['next']}")["items"][0] == "c100"


def test_a_sorted_set_by_score(served: Served) -> None:
    written = served[1]
    written.make("prices", "sorted_set")
    written.put("prices", "all", {f"p{number}": number / 10 for number in range(100)})
    assert value(served, "/v1/views/prices/all?limit=2") == {
        "items": [{"member": "p0", "score": 0}, {"member": "p1", "score": 0.1}],
        "next": value(served, "/v1/views/prices/all?limit=2")["next"]}
    found = walk(served, "/v1/views/prices/all?limit=3&from=1&to=2")
    assert [one["member"] for one in found] == [f"p{number}" for number in range(10, 21)]
    found = walk(served, "/v1/views/prices/all?limit=3&from=1&to=2&order=desc")
    assert [one["score"] for one in found] == [number / 10 for number in range(20, 9, -1)]
    assert value(served, "/v1/views/prices/all?from=100") == {"items": []}


def test_many_keys_of_one_moment(served: Served) -> None:
    written = served[1]
    written.make("pair", "document")
    assert value(served, "/v1/views/pair?key=a&key=b") == {"entries": {"a": None, "b": None}}
    written.put_many("pair", {"a": 1, "b": 1})
    assert value(served, "/v1/views/pair?key=a&key=b&key=c&key=a") == {"entries": {"a": 1, "b": 1, "c": None}}
    written.make("pages", "set")
    written.put("pages", "a", ["x", "y"])
    found = value(served, "/v1/views/pages?key=a&key=b&limit=1")["entries"]
    assert found["a"]["items"] == ["x"] and "next" in found["a"] and found["b"] is None


def test_what_sets_have_in_common(served: Served) -> None:
    written = served[1]
    written.make("by_price", "sorted_set")
    written.make("by_colour", "set")
    written.put("by_price", "all", {f"p{number:02}": 50 - number for number in range(50)})
    written.put("by_colour", "red", [f"p{number:02}" for number in range(0, 50, 2)])
    written.put("by_colour", "new", [f"p{number:02}" for number in range(0, 50, 3)])
    path = "/v1/views/by_price/all?and=by_colour/red&and=by_colour%2Fnew&limit=4"
    found = walk(served, path)
    assert [(one["member"], one["score"]) for one in found] == [
        (f"p{number:02}", 50 - number) for number in range(48, -1, -6)]
    written.drop("by_colour", "new", "p48")
    assert len(walk(served, path)) == len(found) - 1, "any of the sets that changes is seen at once"
    assert value(served, "/v1/views/by_price/all?and=by_colour/none") == {"items": []}
    assert "no entry" in refusal(served, "/v1/views/by_price/none?and=by_colour/red", 404)
    assert "sets" in refusal(served, "/v1/views/by_price/all?and=any/x", 400)
    assert "no view 'absent'" in refusal(served, "/v1/views/by_price/all?and=absent/x", 404)


def test_a_client_that_has_it_is_told_so(served: Served) -> None:
    written = served[1]
    written.make("tagged", "document")
    written.put("tagged", "7", {"a": 1})
    fields, body = get(served, "/v1/views/tagged/7")
    tag = fields["etag"]
    for known in (tag, f'W/{tag}, "x"', "*"):
        fields, nothing = get(served, "/v1/views/tagged/7", 304, If_None_Match=known)
        assert nothing == b"" and fields["etag"] == tag and fields["cache-control"] == "no-cache"
    assert get(served, "/v1/views/tagged/7", If_None_Match='"x"')[1] == body
    written.put("tagged", "7", {"a": 2})
    fields, body = get(served, "/v1/views/tagged/7", If_None_Match=tag)
    assert json.loads(body) == {"a": 2} and fields["etag"] != tag
    written.put("tagged", "7", {"a": 1})
    assert get(served, "/v1/views/tagged/7", 304, If_None_Match=tag)


def test_head_is_get_without_the_body(served: Served) -> None:
    written = served[1]
    written.make("headed", "document")
    written.put("headed", "7", {"a": 1})
    status, fields, body = served[0].request("HEAD", "/v1/views/headed/7")
    assert (status, body, fields["content-length"]) == (200, b"", str(len(json.dumps({"a": 1}))))
    assert fields["etag"] == get(served, "/v1/views/headed/7")[0]["etag"]
    assert served[0].request("POST", "/v1/views/headed/7")[0] == 405


def test_any_worker_has_every_change_at_once(served: Served) -> None:
    """Both keep it; what is written after that neither serves from what it keeps."""
    fleet, written = served
    written.make("counted", "document")
    for number in range(30):
        written.put("counted", "n", number)
        for worker in VIEWS:
            for _ in range(2):
                # A purge is on its way for some milliseconds.
                eventually(lambda: ask(fleet, "/v1/views/counted/n", worker, kind="sock")[2] == b"%d" % number, 0.1,
                           f"{worker} has what was written")
        assert ask(fleet, "/v1/views/counted/n", VIEWS[0], kind="sock")[1]["cache-status"] == "shoal; hit"


def test_what_is_kept_is_not_asked_for_again(served: Served) -> None:
    fleet, written = served
    written.make("kept", "document")
    written.put("kept", "n", 1)
    eventually(lambda: ask(fleet, "/v1/views/kept/n", VIEWS[0], kind="sock")[1]["cache-status"] == "shoal; hit", 5, "kept")
    written.write_unsaid("kept", "n", "2")
    assert ask(fleet, "/v1/views/kept/n", VIEWS[0], kind="sock")[2] == b"1"
    # Nor that there is none, until there is.
    eventually(lambda: ask(fleet, "/v1/views/kept/m", VIEWS[0], kind="sock")[1]["cache-status"] == "shoal; hit", 5, "kept")
    written.put("kept", "m", 3)
    eventually(lambda: ask(fleet, "/v1/views/kept/m", VIEWS[0], kind="sock")[2] == b"3", 0.1, "it is there")
    shown = ask(fleet, "/-/metrics", VIEWS[0], kind="admin")[2].decode()
    assert 'shoal_views_requests_total{outcome="hit"}' in shown and "shoal_views_near_bytes" in shown


def test_a_view_that_is_filled_says_nothing_of_what_is_not_there(served: Served) -> None:
    written = served[1]
    written.make("young", "document", "filling")
    written.put("young", "there", 1)
    assert value(served, "/v1/views/young/there") == 1
    assert "still being filled" in refusal(served, "/v1/views/young/absent", 503)
    assert "still being filled" in refusal(served, "/v1/views/young?key=there&key=absent", 503)
    written.state("young", "ready")
    assert "no entry" in refusal(served, "/v1/views/young/absent", 404)
    written.make("young", "document", "filling")
    eventually(lambda: served[0].request("GET", "/v1/views/young/there")[0] == 503, 0.1, "a new generation has nothing")
    written.state("young", "failed")
    eventually(lambda: "refuses its query" in refusal(served, "/v1/views/young/there", 503), 0.1, "it can't be kept")


def test_an_unknown_view_is_told_which_there_are(served: Served) -> None:
    assert "there is any" in refusal(served, "/v1/views/absent/7", 404)
    assert "names are" in refusal(served, "/v1/views/Any/7", 404)
    served[1].make("later", "set", "filling")
    listed = {one["name"]: one for one in value(served, "/v1/views")["views"]}
    assert listed["later"]["kind"] == "set" and listed["later"]["state"] == "filling"
    assert listed["any"]["state"] == "ready"


@pytest.mark.parametrize(("path", "status"), [
    ("any/" + "x" * 1025, 400), ("any/%FF", 400), ("any/%zz", 400), ("any/x?limit=0", 400), ("any/x?limit=1001", 400),
    ("any/x?after=x", 400), ("any/x?from=nan", 400), ("any/x?order=up", 400), ("any/x?other=1", 400), ("any", 400),
    ("any?key=a&after=x", 400), ("any?" + "key=a&" * 1 + "&".join(f"key={n}" for n in range(100)), 400),
    ("any/x?limit=5", 400), ("any/x?and=any/x", 400), ("any/x/y", 404), ("any/", 404),
    ("any/x?" + "&".join(["and=any/x"] * 9), 400),
])
def test_what_is_wrong_is_refused_whole(served: Served, path: str, status: int) -> None:
    assert len(refusal(served, f"/v1/views/{path}", status)) > 10


def test_operators_see_the_views(served: Served) -> None:
    fleet = served[0]
    assert "any" in fleet.run("views", "list").stdout
    found = json.loads(fleet.run("views", "list", "--json").stdout)
    assert any(one["name"] == "any" and one["state"] == "ready" for one in found["views"])
