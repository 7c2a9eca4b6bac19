"""scripts/fleet cache: how much is answered from the cache, purges that are waited for, and why a URL is cached."""

from __future__ import annotations

import argparse
import http.client
import json
import time
from datetime import datetime, timezone
from typing import Any, Iterable, Mapping
from urllib.parse import quote, urlsplit

from shoal_fleet import prometheus, sections
from shoal_fleet.errors import FleetError, UsageError
from shoal_fleet.fleet import Fleet
from shoal_fleet.front_api import ask
from shoal_fleet.proof import ring_of
from shoal_fleet.ring import path_bytes
from shoal_fleet.terminal import duration, table
from shoal_fleet.tool import Tool
from shoal_fleet.traffic import HITS
from shoal_fleet.worker_api import get

_RESULTS = ("l1", "l2", "collapsed", "stale", "revalidated", "miss", "bypass", "error")
# A worker that can't be asked holds an acknowledgement for one lease at most; the rest is for a busy machine.
_PURGE_SECONDS = 15.0

_STANDING = {"current": "current", "softly_purged": "softly purged", "purged": "purged"}

_EXAMPLES = """\
examples:
  scripts/fleet cache stat
  scripts/fleet cache purge --tag product-7
  scripts/fleet cache purges --follow
  scripts/fleet cache inspect http://shop.example/list?page=2
"""
_STAT = """\
Since each worker started, over all of them. HIT is the share that was answered without a fetch of its own: from a
worker's memory (L1), from Redis (L2), along with another's fetch (COLLAPSED), or stale while it was allowed (STALE).
FETCH is the time until the head of an origin's answer is there, median and 99th percentile.

examples:
  scripts/fleet cache stat
  scripts/fleet cache stat --json | jq '.sites.shop.hit_ratio'
"""
_PURGE = """\
Ends when no worker can serve what was purged any more: each has said so, or is fenced (it may serve nothing from
its cache until it has caught up). With several at once, all of them are purged. --soft leaves them to be served
stale while they are fetched again, where the site allows that.

examples:
  scripts/fleet cache purge --url http://shop.example/list --url http://shop.example/
  scripts/fleet cache purge --tag product-7 --tag product-8 --soft
  scripts/fleet cache purge --site shop
"""
_PURGES = """\
The newest last. BY is relay, for what a database's transactions changed, or api, for everything else: who was asked
with POST or PURGE, and unsafe requests through the cache. HARD and SOFT are how many tags. The log has no texts of
tags, as each of its entries goes to every worker; --tag says when one was purged last: it shares its place with
others, one in a million of which was purged in its stead. Redis keeps some 10,000 purges.

examples:
  scripts/fleet cache purges -n 50
  scripts/fleet cache purges --follow
  scripts/fleet cache purges --tag product-7
  scripts/fleet cache purges --json | jq '.purges[] | select(.by == "relay")'
"""
_INSPECT = """\
Asks every worker: each may have the URL in its memory. The owner is the one that the ring gives it while every
worker is up.

examples:
  scripts/fleet cache inspect http://shop.example/list?page=2
  scripts/fleet cache inspect http://127.0.0.1:8000/ --json
"""


def register(subparsers: Any, context: Any) -> None:
    parser = context.add_parser(subparsers, "cache", "show hit ratios, purge, say why a URL is cached",
                                epilog=_EXAMPLES)
    nested = parser.add_subparsers(dest="cache_command", metavar="stat|purge|purges|inspect", required=True)
    stat = context.add_parser(nested, "stat", "print what was answered from where, by site", epilog=_STAT)
    stat.set_defaults(run=run_stat)
    purge = context.add_parser(nested, "purge", "purge, and wait until it holds everywhere", epilog=_PURGE)
    purge.add_argument("--url", metavar="URL", action="append", default=[], help="all variants of it; repeatable")
    purge.add_argument("--tag", metavar="TAG", action="append", default=[], help="a surrogate key; repeatable")
    purge.add_argument("--site", metavar="SITE", action="append", default=[], help="a whole site; repeatable")
    purge.add_argument("--all", action="store_true", help="everything")
    purge.add_argument("--soft", action="store_true", help="may be served stale while it is fetched again")
    purge.set_defaults(run=run_purge)
    purges = context.add_parser(nested, "purges", "print what was purged last, when and by whom", epilog=_PURGES)
    purges.add_argument("-n", "--lines", metavar="N", type=int, default=20, help="so many, 1 to 1000 (default: 20)")
    purges.add_argument("-f", "--follow", action="store_true", help="go on as more is purged")
    purges.add_argument("--tag", metavar="TAG", help="when this surrogate key was purged last")
    purges.set_defaults(run=run_purges)
    inspect = context.add_parser(nested, "inspect", "print where a URL is cached, until when, and why", epilog=_INSPECT)
    inspect.add_argument("url", metavar="URL")
    inspect.set_defaults(run=run_inspect)


def run_stat(tool: Tool, args: argparse.Namespace) -> int:
    fleet = _running(tool)
    texts, missing = {}, []
    for worker in fleet.workers("cache"):
        try:
            status, body = get(fleet.layout.admin(worker), "/-/metrics")
            if status != 200:
                raise ValueError(f"it answers {status}")
            texts[worker] = body.decode("utf-8", "replace")
        except (OSError, http.client.HTTPException, ValueError) as error:
            missing.append(worker)
            tool.terminal.say(f"{worker} is not counted: {error}")
    if not texts:
        raise FleetError("no worker of cache answers", "'scripts/fleet doctor' looks for the reason")
    found = statistics(texts) | {"missing": missing}
    print(json.dumps(found, indent=2) if getattr(args, "json", False) else report(found))
    return 0


def statistics(texts: Mapping[str, str]) -> dict[str, Any]:
    """By worker, what its /-/metrics says."""
    whole = prometheus.of(texts)
    each = {worker: prometheus.of({worker: text}) for worker, text in texts.items()}
    sites = whole.values("shoal_cache_requests_total", "site")
    return {
        "sites": {site: _answered(whole, site=site) for site in sorted(sites)},
        "total": _answered(whole),
        "bytes": int(whole.total("shoal_cache_bytes")),
        "objects": int(whole.total("shoal_cache_objects")),
        "evictions": int(whole.total("shoal_cache_evictions_total")),
        "purge_lag": max(int(one.total("shoal_cache_purge_lag")) for one in each.values()),
        "workers": {worker: {"requests": int(one.total("shoal_cache_requests_total")),
                             "bytes": int(one.total("shoal_cache_bytes")),
                             "objects": int(one.total("shoal_cache_objects")),
                             "purge_lag": int(one.total("shoal_cache_purge_lag"))} for worker, one in each.items()},
    }


def _answered(metrics: prometheus.Metrics, **of: str) -> dict[str, Any]:
    by = {result: int(metrics.total("shoal_cache_requests_total", result=result, **of)) for result in _RESULTS}
    requests = int(metrics.total("shoal_cache_requests_total", **of))
    hits = sum(by[result] for result in HITS)
    fetch = {name: metrics.quantile("shoal_cache_fetch_seconds", share, **of)
             for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99))}
    return {"requests": requests, "hit_ratio": round(hits / requests, 4) if requests else None, **by,
            "fetch": {name: None if time is None else round(time * 1000, 3) for name, time in fetch.items()}}


def report(found: Mapping[str, Any]) -> str:
    header = ["SITE", "REQUESTS", "HIT", *(result.upper() for result in _RESULTS), "FETCH P50", "P99"]
    lines = [_line(site, one) for site, one in found["sites"].items()]
    lines.append(_line("(all)", found["total"]))
    counts = (f"{_size(found['bytes'])} in {found['objects']:,} objects, {found['evictions']:,} evictions; "
              f"purge lag {found['purge_lag']}")
    return f"{table(header, lines)}\n\n{counts}"


def _line(site: str, one: Mapping[str, Any]) -> list[str]:
    requests = one["requests"]

    def share(count: int) -> str:
        return f"{count / requests * 100:.1f}%" if requests else "-"

    def time_of(name: str) -> str:
        return "-" if one["fetch"][name] is None else f"{one['fetch'][name]:.1f} ms"

    return [site, str(requests), share(sum(one[result] for result in HITS)),
            *(share(one[result]) for result in _RESULTS), time_of("p50_ms"), time_of("p99_ms")]


def _size(count: int) -> str:
    amount = float(count)
    for unit in ("B", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def run_purge(tool: Tool, args: argparse.Namespace) -> int:
    if not (args.url or args.tag or args.site or args.all):
        raise UsageError("nothing is named that is to be purged", "name it with --url, --tag or --site, or --all")
    fleet = _running(tool)
    wanted: dict[str, Any] = {"urls": args.url, "tags": args.tag, "sites": args.site, "soft": args.soft}
    if args.all:
        wanted["all"] = True
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {_token(fleet)}"}
    try:
        answer = ask(fleet, "POST", "/v1/cache/purge", json.dumps(wanted).encode(), headers, _PURGE_SECONDS)
        found = _object(answer.body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise FleetError(f"the purge was not answered: {error}",
                         "it may have happened; asking for it again does no harm") from None
    if answer.status != 200:
        raise FleetError(f"the purge was refused: {found.get('detail', answer.status)}", _purge_hint(answer.status))
    print(json.dumps(found, indent=2) if getattr(args, "json", False) else purged(found))
    return 0


def _token(fleet: Fleet) -> str:
    file = sections.secret_file(fleet, fleet.manifest("cache"), "purge-token")
    try:
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise FleetError(f"the token for purges can't be read: {error}",
                         "run as the user who started the fleet; 'scripts/fleet up' makes the file") from None


def _purge_hint(status: int) -> str:
    if status in (401, 403):
        return "the workers have another token than its file: 'scripts/fleet reload' lets them read it again"
    return "'scripts/fleet cache purge --help' says what can be named" if status < 500 else "try again"


def purged(found: Mapping[str, Any]) -> str:
    fenced = found.get("fenced") or []
    who = f"{len(found['confirmed'])} workers have confirmed it"
    if fenced:
        who += f", {', '.join(fenced)} may serve nothing until they have caught up"
    return f"purged as number {found['sequence']} after {found['took_ms']:.1f} ms: {who}"


def run_purges(tool: Tool, args: argparse.Namespace) -> int:
    if not 1 <= args.lines <= 1000:
        raise UsageError(f"-n takes 1 to 1000, not {args.lines}", "")
    as_json = getattr(args, "json", False)
    if args.follow and (args.tag or as_json):
        raise UsageError("--follow goes with neither --tag nor --json", "")
    fleet = _running(tool)
    question = f"tag={quote(args.tag, safe='')}" if args.tag else f"count={args.lines}"
    found = _history(fleet, question)
    if as_json:
        print(json.dumps(found, indent=2))
        return 0
    print(last_purges(args.tag, found) if args.tag else purge_table(found["purges"]))
    while args.follow:
        time.sleep(1)
        before, found = found, _history(fleet, "count=1000")
        for one in since(before, found):
            print("  ".join(_purge_line(one)), flush=True)
    return 0


def _history(fleet: Fleet, question: str) -> dict[str, Any]:
    why = ""
    for worker in fleet.workers("cache"):
        try:
            status, body = get(fleet.layout.admin(worker), f"/-/cache/purges?{question}")
            found = _object(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            why = f"{worker} can't be asked: {error}"
            continue
        if status == 200:
            return found
        why = str(found.get("detail", f"{worker} answers {status}"))
    raise FleetError(f"nobody says what was purged: {why}", "'scripts/fleet doctor' looks for the reason")


def since(before: Mapping[str, Any], found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What came between the two."""
    last = max((_order(one) for one in before["purges"]), default=(0, 0))
    return [one for one in found["purges"] if _order(one) > last]


def _order(one: Mapping[str, Any]) -> tuple[int, int]:
    return int(one["epoch"]), int(one["sequence"])


def purge_table(purges: Iterable[Mapping[str, Any]]) -> str:
    lines = [_purge_line(one) for one in purges]
    return table(["NUMBER", "TIME (UTC)", "BY", "HARD", "SOFT"], lines) if lines else "nothing was purged in this epoch"


def _purge_line(one: Mapping[str, Any]) -> list[str]:
    return [str(one["sequence"]), _purged_at(one), str(one.get("by") or "-"), str(one["hard"]), str(one["soft"])]


def _purged_at(one: Mapping[str, Any]) -> str:
    if not one.get("at_us"):
        return "-"
    return datetime.fromtimestamp(one["at_us"] / 1e6, timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def last_purges(tag: str, found: Mapping[str, Any]) -> str:
    lines = [f"{printable(tag)} as the log stands at number {found['sequence']} of epoch {found['epoch']}:"]
    for kind in ("hard", "soft"):
        lines.append(f"  {kind}: {_last(found['tag'][kind])}")
    everything = found["all"]["hard"] or found["all"]["soft"]
    if everything:
        lines.append(f"  everything: {_last(everything)}")
    return "\n".join(lines)


def _last(one: Mapping[str, Any] | None) -> str:
    if not one:
        return "not in this epoch"
    if not one.get("at_us"):
        return f"number {one['sequence']}, which the log no longer has"
    return f"number {one['sequence']}, {_purged_at(one)} UTC, by {one['by']}"


def run_inspect(tool: Tool, args: argparse.Namespace) -> int:
    key = ring_key(args.url)
    fleet = _running(tool)
    owner = ring_of(fleet, fleet.manifest("cache")).locate(key)
    seen: dict[str, Any] = {}
    for worker in fleet.workers("cache"):
        try:
            status, body = get(fleet.layout.admin(worker), f"/-/cache/inspect?url={quote(args.url, safe='')}")
            found = _object(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            tool.terminal.say(f"{worker} can't be asked: {error}")
            continue
        if status != 200:
            raise FleetError(str(found.get("detail", f"{worker} answers {status}")),
                             "give a URL as http://HOST/PATH, with a host of a site")
        seen[worker] = found
    if not seen:
        raise FleetError("no worker of cache answers", "'scripts/fleet doctor' looks for the reason")
    if getattr(args, "json", False):
        print(json.dumps({"url": args.url, "owner": owner, "workers": seen}, indent=2))
    else:
        print(inspected(args.url, owner, seen))
    return 0


def ring_key(url: str) -> bytes:
    """What HAProxy hashes of a request for it: the Host field in lower case, the path, and the query."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{url}: {error}", "give a URL as http://HOST/PATH") from None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{url}: is not a whole URL", "give one as http://HOST/PATH")
    name = f"[{host}]" if ":" in host else host
    shown = "" if port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if "?" in url.partition("#")[0] else "")
    return (name + shown).encode() + b"?".join(path_bytes(part) for part in target.split("?"))


def inspected(url: str, owner: str, seen: Mapping[str, Mapping[str, Any]]) -> str:
    first = next(iter(seen.values()))
    lines = [f"url    {printable(url)}", f"site   {first['site']}", f"key    {printable(first['key'])}",
             f"owner  {owner}"]
    for worker, found in seen.items():
        lines += ["", f"{worker}: {found['why']}"]
        lines += [text for variant in found["variants"] for text in _variant(variant)]
    return "\n".join(lines)


def _variant(variant: Mapping[str, Any]) -> Iterable[str]:
    left = variant["expires_in_s"]
    until = f"fresh for another {duration(left)}" if left > 0 else f"no longer fresh since {duration(-left)}"
    if variant.get("always_validate"):
        until = "validated each time"
    # A selecting field a line.
    which = ", ".join(variant.get("variant", "").splitlines()) or "the only variant"
    yield (f"  {printable(which)}: {variant['status']}, {_size(variant['body_bytes'])}, "
           f"{_STANDING[variant['standing']]}, age {duration(variant['age_s'])}, {until}")
    yield f"    tags {printable(', '.join(variant['tags'])) or 'none'}"
    stored = datetime.fromtimestamp(variant["stored_at"], timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield f"    stored {stored}, fetched after purge {variant['sequence']} of epoch {variant['epoch']}"


def printable(text: str) -> str:
    """Tags are the origin's own words: nothing in them may reach a terminal as a command."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _object(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("the answer is no JSON object")
    return found


def _running(tool: Tool) -> Fleet:
    fleet = tool.open()
    fleet.need_running()
    fleet.need_places("cache")
    return fleet
