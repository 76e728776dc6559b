"""A figure: what a benchmark measured, once or several times, and how it is shown."""

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec


class Figure(msgspec.Struct, frozen=True):
    """One measured number. `unit` says whether more of it is better: rates end in `/s`."""

    name: str
    value: float
    unit: str


class Summary(msgspec.Struct, frozen=True):
    """A figure of several runs."""

    name: str
    unit: str
    median: float
    lowest: float
    highest: float


def summarize(runs: Sequence[Sequence[Figure]]) -> list[Summary]:
    """The figures of several runs of one benchmark, in the order of the first run."""
    values: dict[tuple[str, str], list[float]] = {}
    for figures in runs:
        for figure in figures:
            values.setdefault((figure.name, figure.unit), []).append(figure.value)
    return [Summary(name, unit, median(found), min(found), max(found)) for (name, unit), found in values.items()]


def percentiles(name: str, samples: Iterable[float], unit: str) -> list[Figure]:
    """The middle one and the 99th of a hundred, and the worst."""
    ordered = sorted(samples)
    last = len(ordered) - 1
    return [
        Figure(f"{name}, p50", ordered[last // 2], unit),
        Figure(f"{name}, p99", ordered[round(last * 0.99)], unit),
        Figure(f"{name}, worst", ordered[last], unit),
    ]


def text(value: float) -> str:
    """The number with three digits that count, and thousands apart."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
