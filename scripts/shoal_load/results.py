"""The JSON of a run, as the generator wrote it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import USAGE, LoadError

FORMAT = 1

Point = tuple[float, float]


def load(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LoadError(f"{path} can't be read: {error.strerror}", code=USAGE) from None
    except ValueError as error:
        raise LoadError(f"{path} is no JSON: {error}", code=USAGE) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise LoadError(f"{path} is no result of this version of scripts/loadtest (format {FORMAT})", code=USAGE)
    return document


@dataclass(frozen=True)
class Run:
    document: dict[str, Any]
    name: str
    """Empty where there is only one."""

    @property
    def width(self) -> float:
        return float(self.document["timeline"]["interval_s"])

    @property
    def points(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document["timeline"]["points"]
        return found

    def latency(self, percentile: str) -> list[Point]:
        """Over time, of the requests that were due then."""
        return [(point["at_s"], point["latency_ms"][percentile]) for point in self.points if "latency_ms" in point]

    def rate(self, what: str) -> list[Point]:
        """Requests per second, of those that were due, sent or answered."""
        return [(point["at_s"], point[what] / self.width) for point in self.points]

    def errors(self, kind: str) -> list[Point]:
        return [(point["at_s"], point.get("errors", {}).get(kind, 0)) for point in self.points]

    @property
    def error_kinds(self) -> dict[str, int]:
        return {kind: count for kind, count in self.document["fates"].items() if kind != "ok" and count}

    def distribution(self) -> list[Point]:
        return [(float(quantile), float(ms)) for quantile, ms in self.document["distribution"]]

    def cpu(self, process: dict[str, Any]) -> list[Point]:
        """Microseconds per answered request, over time."""
        found, before = [], 0.0
        for point, used in zip(self.points, process["used_s"]):
            if point["answered"]:
                found.append((point["at_s"], (used - before) * 1e6 / point["answered"]))
            before = used
        return found
