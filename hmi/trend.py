"""A trend as a picture can show it: lowest and highest of each time slot, and gaps as gaps.

Pure. A point is a time [µs since 1970] and a value, or None where the value was not good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

Point = tuple[int, float | None]

MINUTE: Final = 60_000_000  # µs
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


RAW_UP_TO: Final = DAY  # is shown as it was stored; longer spans are averages
POINTS: Final = 500  # of a longer span, at most
LONGEST: Final = 12 * 365 * DAY
# Whole hours and days, which the server has rolled up; below these it works them out of what is stored.
_STEPS: Final = (
    *(minutes * MINUTE for minutes in (10, 30)),
    *(hours * HOUR for hours in (1, 2, 3, 6, 12)),
    *(days * DAY for days in (1, 2, 7, 14, 28)),
)


@dataclass(frozen=True)
class Reading:
    """What is read from `start` to `end` in steps of `step` (0: as it was stored) [µs].

    An answer is good for `fresh` [s].
    """

    start: int
    end: int
    step: int
    fresh: float


def reading_of(start: int, end: int) -> Reading:
    """How a span is read: in whole steps, so that answers agree; ValueError where it is none or too long."""
    length = end - start
    if not 0 < length <= LONGEST or start < 0:
        raise ValueError("no span of time")
    if length <= RAW_UP_TO:
        return Reading(start, end, 0, 5.0)
    step = next((step for step in _STEPS if length <= POINTS * step), _STEPS[-1])
    return Reading(start // step * step, -(-end // step) * step, step, 60.0)


SILENCE: Final = 5  # usual steps without a value that make a gap
AROUND: Final = 4  # steps before and after it, by which that is judged
SHORTEST_GAP: Final = 30_000_000  # µs


@dataclass(frozen=True)
class Stretch:
    """From `start` to `end` [µs] the values are `simulated`, `uncertain`, `bad`, or only `partly` good."""

    mark: str
    start: int
    end: int


def with_gaps(points: Sequence[Point]) -> list[Point]:
    """The points with an empty one wherever nothing came for long: a line must not bridge it.

    Long is measured by what is usual around it: a past that was written in minutes goes on in seconds.
    """
    filled = list(points[:1])
    for k, (before, point) in enumerate(pairwise(points)):
        step = point[0] - before[0]
        if step > SHORTEST_GAP and step > SILENCE * _usual(points, k):
            filled.append((before[0] + 1, None))
        filled.append(point)
    return filled


def _usual(points: Sequence[Point], k: int) -> int:
    """The median of the steps around the one from point `k` to the next, without that."""
    near = points[max(0, k - AROUND) : k + AROUND + 2]
    steps = [b[0] - a[0] for a, b in pairwise(near)]
    steps.remove(points[k + 1][0] - points[k][0])
    return sorted(steps)[len(steps) // 2] if steps else points[k + 1][0] - points[k][0]


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


def stretches(marks: Sequence[tuple[int, str]], step: int = 0) -> list[Stretch]:
    """Runs of times that carry the same mark, each of `step`; an empty mark is none."""
    found = []
    for mark, run in groupby(marks, key=lambda each: each[1]):
        times = [time for time, _ in run]
        if mark:
            found.append(Stretch(mark, times[0], times[-1] + step))
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
