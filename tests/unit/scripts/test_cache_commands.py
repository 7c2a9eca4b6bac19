"""services/cache/fleet.py: metrics added up, what is hashed of a URL, and what is printed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from samples import ROOT
from shoal_fleet import prometheus
from shoal_fleet.cli import main
from shoal_fleet.errors import FAILED, USAGE, UsageError


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("cache_commands", ROOT / "services" / "cache" / "fleet.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


cache = _load()

ONE = """\
# HELP shoal_cache_requests_total Requests by how they were answered.
# TYPE shoal_cache_requests_total counter
shoal_cache_requests_total{site="shop",result="l1"} 60
shoal_cache_requests_total{site="shop",result="l2"} 10
shoal_cache_requests_total{site="shop",result="miss"} 20
shoal_cache_requests_total{site="a\\"b",result="bypass"} 5
shoal_cache_bytes 1000
shoal_cache_objects 3
shoal_cache_evictions_total 2
shoal_cache_purge_lag 0
shoal_cache_fetch_seconds_bucket{site="shop",le="0.01"} 10
shoal_cache_fetch_seconds_bucket{site="shop",le="0.1"} 20
shoal_cache_fetch_seconds_bucket{site="shop",le="+Inf"} 20
shoal_cache_fetch_seconds_sum{site="shop"} 0.7
shoal_cache_fetch_seconds_count{site="shop"} 20
"""
OTHER = """\
shoal_cache_requests_total{site="shop",result="l1"} 5
shoal_cache_requests_total{site="shop",result="collapsed"} 3
shoal_cache_requests_total{site="shop",result="stale"} 2
shoal_cache_bytes 500
shoal_cache_objects 1
shoal_cache_evictions_total 0
shoal_cache_purge_lag 4
"""


def test_workers_are_added_up_by_site() -> None:
    found = cache.statistics({"cache-1": ONE, "cache-2": OTHER})
    shop = found["sites"]["shop"]
    assert {name: shop[name] for name in ("requests", "l1", "l2", "collapsed", "stale", "miss", "bypass")} == {
        "requests": 100, "l1": 65, "l2": 10, "collapsed": 3, "stale": 2, "miss": 20, "bypass": 0}
    assert shop["hit_ratio"] == 0.8
    assert found["sites"]['a"b']["bypass"] == 5 and found["sites"]['a"b']["hit_ratio"] == 0
    assert (found["total"]["requests"], found["bytes"], found["objects"], found["evictions"]) == (105, 1500, 4, 2)
    assert found["purge_lag"] == 4, "of the worker that lags most"
    assert found["workers"]["cache-2"] == {"requests": 10, "bytes": 500, "objects": 1, "purge_lag": 4}


def test_times_are_quantiles_of_all_workers_together() -> None:
    shop = cache.statistics({"cache-1": ONE, "cache-2": ONE})["sites"]["shop"]
    assert shop["fetch"] == {"p50_ms": 10.0, "p99_ms": pytest.approx(98.2)}
    assert cache.statistics({"cache-2": OTHER})["total"]["fetch"] == {"p50_ms": None, "p99_ms": None}


@pytest.mark.parametrize(("share", "time"), [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (0.75, 2.0), (1.0, 2.0)])
def test_beyond_the_last_bound_only_that_is_known(share: float, time: float) -> None:
    metrics = prometheus.Metrics()
    metrics.add('t_bucket{le="1"} 2\nt_bucket{le="2"} 2\nt_bucket{le="+Inf"} 4\n')
    assert metrics.quantile("t", share) == time
    assert metrics.quantile("t", share, site="x") is None


def test_the_report_has_a_line_for_each_site_and_for_all() -> None:
    lines = cache.report(cache.statistics({"cache-1": ONE, "cache-2": OTHER})).splitlines()
    assert lines[0].split()[:4] == ["SITE", "REQUESTS", "HIT", "L1"]
    assert [line.split()[0] for line in lines[1:4]] == ['a"b', "shop", "(all)"]
    assert lines[2].split()[1:4] == ["100", "80.0%", "65.0%"]
    assert lines[-1] == "1.5 KiB in 4 objects, 2 evictions; purge lag 4"


@pytest.mark.parametrize(("url", "key"), [
    ("http://Shop.Example/List?Page=2", "shop.example/List?Page=2"),
    ("http://shop.example", "shop.example/"),
    ("http://shop.example:80/a", "shop.example/a"),
    ("https://shop.example:443/a", "shop.example/a"),
    ("http://shop.example:8000/a?", "shop.example:8000/a?"),
    ("http://shop.example/a?b=c?d#e", "shop.example/a?b=c?d"),
    ("http://[::1]:8000/a", "[::1]:8000/a"),
    ("http://shop.example/ö b/%2F", "shop.example/%C3%B6%20b/%2F"),
])
def test_the_hashed_bytes_of_a_url(url: str, key: str) -> None:
    assert cache.ring_key(url) == key.encode()


@pytest.mark.parametrize("url", ["/list", "shop.example/list", "ftp://shop.example/", "http://", "http://a:b/",
                                 "http://[/"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        cache.ring_key(url)
    assert "http://HOST/PATH" in caught.value.hint


def test_a_purge_says_who_has_confirmed_it() -> None:
    found = {"epoch": 1, "sequence": 42, "confirmed": ["cache-1", "cache-2"], "fenced": ["cache-3"], "took_ms": 3.14159}
    assert cache.purged(found) == ("purged as number 42 after 3.1 ms: 2 workers have confirmed it, cache-3 may serve "
                                   "nothing until they have caught up")
    assert cache.purged(found | {"fenced": []}) == "purged as number 42 after 3.1 ms: 2 workers have confirmed it"


def test_an_inspection_says_where_until_when_and_why_not() -> None:
    variant = {"variant": "gzip", "status": 200, "age_s": 5, "fresh_for_s": 60, "expires_in_s": 55, "body_bytes": 2048,
               "always_validate": False, "tags": ["product-7", "a\x1b[2J"], "standing": "softly_purged",
               "stored_at": 1795384800, "sequence": 42, "epoch": 3}
    old = variant | {"variant": "", "age_s": 70, "expires_in_s": -10, "tags": [], "standing": "current"}
    text = cache.inspected("http://a/b", "cache-1", {
        "cache-1": {"key": "http://a/b", "site": "shop", "found": True, "variants": [variant, old], "why": "kept"},
        "cache-2": {"key": "http://a/b", "site": "shop", "found": False, "variants": [], "why": "not in memory"},
    })
    assert text.splitlines() == [
        "url    http://a/b", "site   shop", "key    http://a/b", "owner  cache-1", "",
        "cache-1: kept",
        "  gzip: 200, 2.0 KiB, softly purged, age 5s, fresh for another 55s",
        "    tags product-7, a\\x1b[2J",
        "    stored 2026-11-22 22:00:00 UTC, fetched after purge 42 of epoch 3",
        "  the only variant: 200, 2.0 KiB, current, age 1m10s, no longer fresh since 10s",
        "    tags none",
        "    stored 2026-11-22 22:00:00 UTC, fetched after purge 42 of epoch 3", "",
        "cache-2: not in memory",
    ]


ENTRY = {"epoch": 7, "sequence": 41, "at_us": 1795384800123456, "by": "relay", "hard": 3, "soft": 0}


def test_purges_are_a_table_of_numbers_times_and_who() -> None:
    lines = cache.purge_table([ENTRY, ENTRY | {"sequence": 42, "by": "", "at_us": 0, "soft": 2}]).splitlines()
    assert lines[0].split() == ["NUMBER", "TIME", "(UTC)", "BY", "HARD", "SOFT"]
    assert lines[1].split() == ["41", "2026-11-22", "22:00:00.123", "relay", "3", "0"]
    assert lines[2].split() == ["42", "-", "-", "3", "2"]
    assert cache.purge_table([]) == "nothing was purged in this epoch"


def test_what_follows_is_what_came_since_also_in_a_new_epoch() -> None:
    def having(*purges: dict[str, object]) -> dict[str, object]:
        return {"purges": list(purges)}

    new, anew = ENTRY | {"sequence": 42}, ENTRY | {"epoch": 8, "sequence": 1}
    assert cache.since(having(ENTRY), having(ENTRY, new)) == [new]
    assert cache.since(having(ENTRY, new), having(anew)) == [anew]
    assert cache.since(having(), having(ENTRY)) == [ENTRY]
    assert cache.since(having(anew), having(anew)) == []


def test_a_tag_was_purged_last_when_its_place_was() -> None:
    found = {"epoch": 7, "sequence": 99, "tag": {"hard": ENTRY, "soft": {"sequence": 5}},
             "all": {"hard": None, "soft": None}}
    assert cache.last_purges("a\x1b", found).splitlines() == [
        "a\\x1b as the log stands at number 99 of epoch 7:",
        "  hard: number 41, 2026-11-22 22:00:00.123 UTC, by relay",
        "  soft: number 5, which the log no longer has"]
    found["all"] = {"hard": ENTRY, "soft": None}
    found["tag"] = {"hard": None, "soft": None}
    assert cache.last_purges("a", found).splitlines()[1:] == [
        "  hard: not in this epoch", "  soft: not in this epoch",
        "  everything: number 41, 2026-11-22 22:00:00.123 UTC, by relay"]


@pytest.mark.parametrize("command", ["cache", "cache stat", "cache purge", "cache purges", "cache inspect"])
def test_help_of_cache_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"], ROOT)
    assert caught.value.code == 0
    assert "examples:" in capsys.readouterr().out


@pytest.mark.parametrize("line", ["cache", "cache purge", "cache inspect", "cache inspect /list", "cache purges -n 0",
                                  "cache purges -f --tag a"])
def test_usage_errors_of_cache_end_with_2(line: str) -> None:
    try:
        code = main(line.split(), ROOT)
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == USAGE


@pytest.mark.parametrize("command", ["cache stat", "cache purge --all", "cache purges",
                                     "cache inspect http://a/"])
def test_without_a_fleet_cache_says_how_to_start_one(command: str, tmp_path: Path,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command.split(), "--home", str(tmp_path / "none")], ROOT) == FAILED
    assert "scripts/fleet up" in capsys.readouterr().err
