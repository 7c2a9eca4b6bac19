"""Charts as inline SVG: no script, no font, no file besides the page."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Iterable, Sequence

from .results import Point
from .scales import Scale, number

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 24, 10, 38
_PLOT_WIDTH, _PLOT_HEIGHT = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM


@dataclass(frozen=True)
class Series:
    name: str
    points: Sequence[Point]
    colour: str
    """A class of the page's style."""
    dashed: bool = False


def _x(scale: Scale, value: float) -> float:
    return _LEFT + _PLOT_WIDTH * scale.place(value)


def _y(scale: Scale, value: float) -> float:
    return _TOP + _PLOT_HEIGHT * (1 - scale.place(value))


def lines(title: str, series: Iterable[Series], x: Scale, y: Scale, x_name: str, y_name: str) -> str:
    """A line for each series; a single point is a dot."""
    shown = [one for one in series if one.points]
    parts = [_line(one, x, y) for one in shown]
    return _figure(title, _legend(shown), [*_axes(x, y, x_name, y_name), *parts])


def _line(one: Series, x: Scale, y: Scale) -> str:
    places = [f"{_x(x, at):.1f},{_y(y, value):.1f}" for at, value in one.points]
    last = one.points[-1]
    about = f"<title>{escape(one.name)}, at the end {escape(y.name(last[1]))}</title>"
    if len(places) == 1:
        left, top = places[0].split(",")
        return f'<circle class="dot {one.colour}" cx="{left}" cy="{top}" r="3">{about}</circle>'
    dashes = ' stroke-dasharray="5 4"' if one.dashed else ""
    return f'<polyline class="line {one.colour}" points="{" ".join(places)}"{dashes}>{about}</polyline>'


def stacked(title: str, series: Sequence[Series], width: float, x: Scale, y: Scale, x_name: str, y_name: str) -> str:
    """Bars from each point on, `width` wide on the x axis; the series stand on each other."""
    tops: dict[float, float] = {}
    parts = []
    for one in series:
        for at, value in one.points:
            if not value:
                continue
            below = tops.get(at, 0.0)
            tops[at] = below + value
            parts.append(_bar(x, y, at, at + width, below, tops[at], one.colour,
                              f"{one.name}: {number(value)} at {number(at)}"))
    return _figure(title, _legend(series), [*_axes(x, y, x_name, y_name), *parts])


def histogram(title: str, bars: Sequence[tuple[float, float, float]], x: Scale, y: Scale, x_name: str,
              y_name: str) -> str:
    parts = [_bar(x, y, start, end, 0, count, "c1", f"{number(count)} from {number(start)} to {number(end)}")
             for start, end, count in bars]
    return _figure(title, "", [*_axes(x, y, x_name, y_name), *parts])


def _bar(x: Scale, y: Scale, start: float, end: float, below: float, above: float, colour: str, about: str) -> str:
    left, right = _x(x, start), _x(x, end)
    top, bottom = _y(y, above), _y(y, below)
    gap = 1 if right - left > 4 else 0
    return (f'<rect class="fill {colour}" x="{left:.1f}" y="{top:.1f}" width="{max(1, right - left - gap):.1f}" '
            f'height="{max(0.5, bottom - top):.1f}"><title>{escape(about)}</title></rect>')


def shares(title: str, rows: Sequence[tuple[str, Sequence[tuple[str, float, str, str]]]]) -> str:
    """Horizontal bars: for each name some of (class, part of the whole width, text, what it is)."""
    height = 8 + sum(8 + 16 * len(bars) for _, bars in rows)
    parts, top = [], 8.0
    for name, bars in rows:
        middle = top + 8 * len(bars) + 4
        parts.append(f'<text class="name" x="0" y="{middle:.0f}">{escape(name)}</text>')
        for colour, part, text, about in bars:
            length = max(1.0, 400 * min(1.0, part))
            parts.append(f'<rect class="fill {colour}" x="120" y="{top:.0f}" width="{length:.1f}" height="13">'
                         f"<title>{escape(about)}</title></rect>"
                         f'<text class="tick" x="{126 + length:.0f}" y="{top + 11:.0f}">{escape(text)}</text>')
            top += 16
        top += 8
    return _figure(title, "", parts, height)


def _axes(x: Scale, y: Scale, x_name: str, y_name: str) -> list[str]:
    parts = []
    for tick in y.ticks:
        at = _y(y, tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
                     f'<text class="tick" text-anchor="end" x="{_LEFT - 6}" y="{at + 4:.1f}">{y.name(tick)}</text>')
    for tick in x.ticks:
        at = _x(x, tick)
        parts.append(f'<text class="tick" text-anchor="middle" x="{at:.1f}" y="{HEIGHT - _BOTTOM + 16}">'
                     f"{x.name(tick)}</text>")
    parts.append(f'<text class="tick" text-anchor="end" x="{WIDTH - _RIGHT}" y="{HEIGHT - 4}">{escape(x_name)}</text>'
                 f'<text class="tick" x="0" y="{HEIGHT - 4}">{escape(y_name)}</text>')
    return parts


def _legend(series: Iterable[Series]) -> str:
    return "".join(f'<span class="key"><i class="{one.colour}"></i>{escape(one.name)}</span>' for one in series)


def _figure(title: str, legend: str, parts: Sequence[str], height: float = HEIGHT) -> str:
    return (f"<figure><figcaption>{escape(title)} {legend}</figcaption>"
            f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'
            "</figure>")
