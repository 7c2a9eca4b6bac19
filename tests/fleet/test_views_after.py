"""A client that has written, and reads views: it sees its own write or is told that it can't be known."""

from __future__ import annotations

import json
import threading
from typing import Any, Iterator

import pytest

from cache_client import ask
from shoal_cli import FleetUnderTest, Make, eventually
from written_views import VIEWS, WrittenViews, viewed

Served = tuple[FleetUnderTest, WrittenViews]
PATH = "/v1/views/shop/n"


@pytest.fixture(scope="module")
def served(make_fleet: Make) -> Iterator[Served]:
    with viewed(make_fleet, wait="2s") as found:
        yield found


@pytest.fixture
def kept(served: Served) -> Served:
    """Both workers keep version 1, and the views are as far as 1/0."""
    served[1].make("shop", "document")
    served[1].put("shop", "n", 1)
    served[1].reach("1/0")
    eventually(lambda: all(ask(served[0], PATH, worker, kind="sock")[1].get("cache-status") == "shoal; hit"
                           for worker in VIEWS), 10, "both keep it")
    return served


def after(served: Served, token: str, worker: str | None = None, **headers: str) -> tuple[int, Any]:
    fields = {"X-Shoal-After": token, **{name.replace("_", "-"): text for name, text in headers.items()}}
    status, _, body = ask(served[0], PATH, worker, kind="sock", headers=fields)
    return status, json.loads(body)


class Asking(threading.Thread):
    def __init__(self, served: Served, token: str, worker: str) -> None:
        super().__init__()
        self._of = served, token, worker
        self.said: tuple[int, Any] | None = None
        self.start()

    def run(self) -> None:
        self.said = after(*self._of)


def test_what_is_there_already_is_not_waited_for(kept: Served) -> None:
    for worker in VIEWS:
        assert after(kept, "1/0", worker) == (200, 1)
        assert after(kept, "0/FFFFFFFF", worker) == (200, 1)


@pytest.mark.parametrize("token", ["1/10", "a.client-s_Own"])
def test_a_write_is_waited_for(kept: Served, token: str) -> None:
    asking = [Asking(kept, token, worker) for worker in VIEWS]
    assert all(ask(kept[0], PATH, worker, kind="sock")[2] == b"1" for worker in VIEWS), "others do not wait"
    kept[1].put("shop", "n", 2)
    assert not any(one.said for one in asking)
    kept[1].reach("1/10", None if "/" in token else token)
    for one in asking:
        one.join(10)
        assert one.said == (200, 2)


def test_what_does_not_come_in_time_is_a_503(kept: Served) -> None:
    for token in ("1/11", "nobody-knows-it"):
        status, said = after(kept, token, VIEWS[0])
        assert status == 503 and "has not come" in said["detail"]


def test_a_client_waits_no_longer_than_it_says(kept: Served) -> None:
    status, said = after(kept, "1/11", VIEWS[0], X_Request_Deadline_Ms="100")
    assert status in (503, 504) and "detail" in said


@pytest.mark.parametrize("token", ["", "1/", "/1", "0/0", "x y", "1/123456789", "a" * 65, "\u00e9"])
def test_what_names_no_write_is_refused(kept: Served, token: str) -> None:
    status, said = after(kept, token.encode().decode("latin-1"), VIEWS[0])
    assert status == 400 and "X-Shoal-After" in said["detail"]
