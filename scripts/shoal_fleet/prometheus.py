"""What workers' /-/metrics say, added up: counters and gauges by name and labels, histograms by their quantiles."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Iterable, Iterator, Mapping

_SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \S+)?')
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}

Labels = frozenset[tuple[str, str]]


class Metrics:
    """Samples of one worker, or of several added up."""

    def __init__(self) -> None:
        self._samples: defaultdict[str, defaultdict[Labels, float]] = defaultdict(lambda: defaultdict(float))

    def add(self, text: str) -> None:
        """Text format 0.0.4; what is no sample is passed over."""
        for line in text.splitlines():
            sample = _SAMPLE.fullmatch(line)
            if sample is None or line.startswith("#"):
                continue
            labels = frozenset((name, _plain(value)) for name, value in _LABEL.findall(sample[2] or ""))
            self._samples[sample[1]][labels] += float(sample[3])

    def join(self, other: "Metrics") -> None:
        for name, labels, value in other._all():
            self._samples[name][labels] += value

    def since(self, before: "Metrics") -> "Metrics":
        """What has grown since then; all there is of a sample that was more, as its process is another now."""
        found = Metrics()
        for name, labels, value in self._all():
            less = before._samples.get(name, {}).get(labels, 0.0)
            found._samples[name][labels] = value - less if value >= less else value
        return found

    def without(self, **labels: str) -> "Metrics":
        """All but the samples that have these labels."""
        found = Metrics()
        for name, those, value in self._all():
            if not labels.items() <= those:
                found._samples[name][those] = value
        return found

    def _all(self) -> Iterator[tuple[str, Labels, float]]:
        return ((name, labels, value) for name, by in self._samples.items() for labels, value in by.items())

    def values(self, name: str, by: str) -> set[str]:
        """What the label `by` is in the samples of `name`."""
        return {value for labels in self._samples.get(name, {}) for label, value in labels if label == by}

    def has(self, name: str, **labels: str) -> bool:
        """Whether there is a sample with these labels."""
        return any(labels.items() <= found for found in self._samples.get(name, {}))

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        wanted = labels.items()
        return sum(value for found, value in self._samples.get(name, {}).items() if wanted <= found)

    def quantile(self, name: str, share: float, **labels: str) -> float | None:
        """Of a histogram, evenly spread within a bucket; None when nothing was observed."""
        counts: defaultdict[float, float] = defaultdict(float)
        wanted = labels.items()
        for found, value in self._samples.get(f"{name}_bucket", {}).items():
            if wanted <= found:
                counts[float(dict(found)["le"])] += value
        return _quantile(sorted(counts.items()), share)


def _plain(value: str) -> str:
    return re.sub(r'\\[\\n"]', lambda found: _ESCAPES[found[0]], value)


def _quantile(buckets: Iterable[tuple[float, float]], share: float) -> float | None:
    """`buckets` ascend and are cumulated, as (upper bound, how many are at most that)."""
    found = list(buckets)
    if not found or found[-1][1] <= 0:
        return None
    rank = share * found[-1][1]
    below, lower = 0.0, 0.0
    for bound, count in found:
        if count >= rank and count > below:
            return lower if math.isinf(bound) else lower + (bound - lower) * (rank - below) / (count - below)
        below, lower = count, bound
    return lower


def of(texts: Mapping[str, str]) -> Metrics:
    """All of these workers together."""
    found = Metrics()
    for text in texts.values():
        found.add(text)
    return found
