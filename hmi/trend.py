"""A trend as a picture can show it: lowest and highest of each time slot, and gaps as gaps.

Pure. A point is a time [µs since 1970] and a value, or None where the value was not good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

Point = tuple[int, float | None]
Span = tuple[int, int]

MINUTE: Final = 60_000_000  # µs
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


@dataclass(frozen=True)
class Range:
    """How far back a trend goes, in steps of `interval` (0: as it was stored) [µs]; kept for `fresh` [s].

    Intervals are whole hours or days, which the server has rolled up, and some hundreds: a picture has no
    more to show.
    """

    length: int
    interval: int
    fresh: float


RANGES: Final = {
    "24h": Range(DAY, 0, 5.0),
    "7d": Range(7 * DAY, HOUR, 60.0),
    "30d": Range(30 * DAY, 2 * HOUR, 120.0),
    "90d": Range(90 * DAY, 6 * HOUR, 300.0),
    "1y": Range(365 * DAY, DAY, 600.0),
}

SILENCE: Final = 5  # usual steps without a value that make a gap
SHORTEST_GAP: Final = 30_000_000  # µs


def with_gaps(points: Sequence[Point]) -> list[Point]:
    """The points with an empty one wherever nothing came for long: a line must not bridge it."""
    steps = sorted(b[0] - a[0] for a, b in pairwise(points))
    if not steps:
        return list(points)
    limit = max(SILENCE * steps[len(steps) // 2], SHORTEST_GAP)
    filled = [points[0]]
    for before, point in pairwise(points):
        if point[0] - before[0] > limit:
            filled.append((before[0] + 1, None))
        filled.append(point)
    return filled


def thin(points: Sequence[Point], most: int) -> list[Point]:
    """At most about `most` points with the same extremes; in order of time."""
    if len(points) <= most:
        return list(points)
    first, last = points[0][0], points[-1][0]
    slots = max(1, most // 2)
    width = (last - first) // slots + 1
    thinned: list[Point] = []
    for _, slot in groupby(points, key=lambda point: (point[0] - first) // width):
        thinned += _extremes(slot)
    return thinned


def spans(times: Sequence[int], where: Sequence[bool]) -> list[Span]:
    """First and last time of every run of points that are meant."""
    found = []
    for meant, run in groupby(zip(times, where, strict=True), key=lambda point: point[1]):
        if meant:
            inside = [time for time, _ in run]
            found.append((inside[0], inside[-1]))
    return found


def _extremes(slot: Iterable[Point]) -> list[Point]:
    """Lowest and highest point of a slot in order of time; a slot with nothing good is one gap."""
    low: Point | None = None
    high: Point | None = None
    gap: Point | None = None
    for point in slot:
        value = point[1]
        if value is None:
            gap = gap or point
            continue
        if low is None or low[1] is None or value < low[1]:
            low = point
        if high is None or high[1] is None or value >= high[1]:
            high = point
    found = {point for point in (low, high, gap) if point is not None}
    return sorted(found, key=lambda point: point[0])
