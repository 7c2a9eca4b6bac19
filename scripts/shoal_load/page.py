"""One page of one run, or of two side by side; also the comparison for a terminal."""

from __future__ import annotations

from html import escape
from typing import Any, Callable, Sequence

from . import panels
from .results import Run
from .style import STYLE

Row = tuple[str, Callable[[dict[str, Any]], Any], str]

_ROWS: Sequence[Row] = (
    ("requests", lambda run: run["requests"], ""),
    ("errors", lambda run: run["errors"], "less"),
    ("wanted, 1/s", lambda run: run["rate_wanted"], ""),
    ("answered, 1/s", lambda run: run["rate"], "more"),
    ("p50, ms", lambda run: run["latency_ms"]["p50"], "less"),
    ("p90, ms", lambda run: run["latency_ms"]["p90"], "less"),
    ("p99, ms", lambda run: run["latency_ms"]["p99"], "less"),
    ("p99.9, ms", lambda run: run["latency_ms"]["p999"], "less"),
    ("max, ms", lambda run: run["latency_ms"]["max"], "less"),
    ("highest good rate, 1/s", lambda run: (run["knee"] or {}).get("rate"), "more"),
    ("server CPU, µs per request", lambda run: _cpu(run), "less"),
    ("generator late by (p99), ms", lambda run: run["generator"]["late_ms"]["p99"], ""),
)


def _cpu(run: dict[str, Any]) -> float | None:
    """Of all processes together."""
    each = [process["us_per_request"] for process in run["processes"]]
    return sum(each) if each and None not in each else None


def render(runs: Sequence[Run]) -> str:
    """Well-formed as XML too, and complete in itself."""
    title = " and ".join(run.name for run in runs) if len(runs) > 1 else f"Load on {runs[0].document['target']}"
    charts = "".join(f'<div class="row">{"".join(panel)}</div>' for panel in panels.all_panels(runs) if any(panel))
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
            f'<meta name="viewport" content="width=device-width"/><title>{escape(title)}</title>'
            f"<style>{STYLE}</style></head><body><main><h1>{escape(title)}</h1>"
            f"{''.join(_about(run) for run in runs)}{_summary(runs)}{charts}"
            f"{''.join(_tables(run) for run in runs)}</main></body></html>\n")


def _about(run: Run) -> str:
    found, asked = run.document, run.document["asked"]
    url = found["url"].removeprefix("http://")
    methods = ", ".join(asked["methods"])
    mode = {"open": "open loop", "closed": "closed loop", "find-max": "search for the highest good rate"}[asked["mode"]]
    words = (f"{methods} {url}: {mode}, {found['seconds']:.1f} s, at most {asked['connections']} connections, "
             f"keep-alive {'on' if asked['keep_alive'] else 'off'}, seed {asked['seed']}")
    name = f"<strong>{escape(run.name)}</strong> " if run.name else ""
    remarks = []
    if found["generator"]["was_late"]:
        remarks.append("The generator itself was late with its requests, which the latencies include: the machine was "
                       "too busy for it, and the figures are worse than the server.")
    if found["interrupted"]:
        remarks.append("Stopped before its end.")
    return f"<p>{name}{escape(words)}.</p>" + "".join(f'<p class="remark">{escape(one)}</p>' for one in remarks)


def change(before: Any, after: Any) -> str:
    """As +12.3%; empty where there is nothing to compare."""
    if not isinstance(before, (int, float)) or not isinstance(after, (int, float)) or not before:
        return ""
    return f"{(after / before - 1) * 100:+.1f}%"


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def _cells(runs: Sequence[Run]) -> list[tuple[list[str], str]]:
    """Name and values of each row, and whether a change is good or bad."""
    found = []
    for name, value, better in _ROWS:
        values = [value(run.document) for run in runs]
        if all(one is None for one in values):
            continue
        cells, verdict = [name, *(_text(one) for one in values)], ""
        if len(runs) > 1:
            cells.append(change(*values))
            if better and cells[-1] and values[0] != values[1]:
                verdict = "good" if (values[1] > values[0]) == (better == "more") else "bad"
        found.append((cells, verdict))
    return found


def _header(runs: Sequence[Run]) -> list[str]:
    return ["", *(run.name for run in runs), "change"] if len(runs) > 1 else ["", "value"]


def _summary(runs: Sequence[Run]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in _header(runs))
    lines = []
    for cells, verdict in _cells(runs):
        plain = "".join(f"<td>{escape(one)}</td>" for one in cells[:-1])
        lines.append(f'<tr>{plain}<td class="{verdict}">{escape(cells[-1])}</td></tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _tables(run: Run) -> str:
    """Every number of the charts that somebody may want to copy."""
    suffix = f" of {run.name}" if run.name else ""
    steps = [[_text(step["rate_wanted"]), _text(step["rate"]), _text(step["requests"]), _text(step["errors"]),
              *(_text(step["latency_ms"][one]) for one in ("p50", "p99", "p999", "max")),
              {True: "good", False: "too much"}.get(step.get("met"), "")] for step in run.document["steps"]]
    statuses = [[status, _text(one["requests"]), *(_text(one["latency_ms"][part]) for part in ("p50", "p99", "max"))]
                for status, one in run.document["statuses"].items()]
    fates = [[kind, _text(count)] for kind, count in run.document["fates"].items() if count]
    details = [[said, _text(count)] for said, count in run.document["details"].items()]
    return (_table(f"Steps{suffix}", ["wanted, 1/s", "answered, 1/s", "requests", "errors", "p50, ms", "p99, ms",
                                      "p99.9, ms", "max, ms", ""], steps)
            + _table(f"Statuses{suffix}", ["status", "answers", "p50, ms", "p99, ms", "max, ms"], statuses)
            + _table(f"Fates{suffix}", ["fate", "requests"], fates)
            + _table(f"What went wrong{suffix}", ["in the system's words", "times"], details))


def _table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(one)}</th>" for one in header)
    body = "".join(f"<tr>{''.join(f'<td>{escape(one)}</td>' for one in row)}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def comparison_table(runs: Sequence[Run]) -> str:
    rows = [_header(runs), *(cells for cells, _ in _cells(runs))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) if not index else cell.rjust(width)
                               for index, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows)
