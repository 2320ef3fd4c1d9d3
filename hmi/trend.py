"""Thinning of a trend to what a picture can show: lowest and highest of each time slot, gaps kept.

Pure. A point is a time [µs since 1970] and a value, or None where the value was not good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

Point = tuple[int, float | None]


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
