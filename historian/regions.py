"""Measures by time: how long a variable was what, and its integral (Part 13, 5.4.3.2).

Every stretch between two stored values or edges of cells is a region. What it is comes from the stored values
at or before its start and after it, in the way of simple or of interpolated bounding values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from historian.aggregation import AggregateConfiguration
from historian.bounds import Bounds, Samples, interpolated, simple
from historian.measures import Measure, Piece, Places, Rows, added, row, severity
from nodeset.frame import Times, Values
from nodeset.status import BAD_NO_DATA, UNCERTAIN

RESOLUTION: Final = 1_000  # µs that the last value of all lasts (Part 13, 5.4.2.4)
_SECOND: Final = 1e6  # µs


@dataclass(frozen=True)
class _Stretches:
    """Regions from `low` to `high` [µs] in the cell at `place`."""

    low: Times
    high: Times
    place: Places

    @cached_property
    def length(self) -> Times:
        """Duration [µs]."""
        return self.high - self.low


def _stretches(piece: Piece) -> _Stretches:
    times = np.sort(np.concatenate((piece.samples.time[piece.inside], piece.edges)), kind="stable")
    times = times[np.flatnonzero(np.diff(times, prepend=times[0] - 1))]
    low, high = times[:-1], times[1:]
    return _Stretches(low, high, np.searchsorted(piece.edges, low, "right") - 1)


def _to_the_end(piece: Piece, found: _Stretches) -> _Stretches:
    """Regions as far as there is data."""
    end = piece.samples.time[-1] + RESOLUTION if len(piece.samples) else np.int64(0)
    return _Stretches(np.minimum(found.low, end), np.minimum(found.high, end), found.place)


@dataclass(frozen=True)
class _Lines:
    """The line that starts at each sample: what its region is, 0 Good, 1 Uncertain, 2 Bad, and its slope."""

    kind: NDArray[np.int8]
    slope: Values  # per µs


def _simple_lines(piece: Piece) -> _Lines:
    samples, usable = piece.samples, piece.usable
    kind = np.where(usable, severity(samples.status), 2).astype(np.int8)
    slope = np.zeros(len(samples))
    if piece.stepped or not len(samples):
        return _Lines(kind, slope)
    doubtful = (kind[:-1] == 0) & (~usable[1:] | (samples.status[1:] >= UNCERTAIN))
    kind[:-1] = np.where(doubtful, 1, kind[:-1])
    kind[-1] = max(kind[-1], 1)  # it leads to no value
    both = usable[:-1] & usable[1:]
    rise = np.diff(np.where(usable, samples.value, 0.0)) / np.diff(samples.time)
    slope[:-1] = np.where(both, rise, 0.0)
    return _Lines(kind, slope)


# By regions of simple bounding values: durations [µs], integral [value x s] over what is not Bad.
_TIMES: Final = [("good", "i8"), ("uncertain", "i8"), ("bad", "i8")]
_REGIONS: Final = np.dtype([*_TIMES, ("integral", "f8")])


def _put_times(rows: Rows, kind: NDArray[np.int8], length: Times) -> None:
    for i, (name, _) in enumerate(_TIMES):
        rows[name] = np.where(kind == i, length, 0)


def _take_regions(piece: Piece) -> tuple[Rows, Places]:
    found = _to_the_end(piece, _stretches(piece))
    rows = np.zeros(len(found.place), _REGIONS)
    if not len(piece.samples):
        return rows, found.place
    lines = _simple_lines(piece)
    at = np.searchsorted(piece.samples.time, found.low, "right") - 1
    kind = np.where(at < 0, 2, lines.kind[at])
    _put_times(rows, kind, found.length)
    middle = (found.low - piece.samples.time[at]) + found.length / 2
    mean = np.where(kind < 2, piece.samples.value[at] + lines.slope[at] * middle, 0.0)
    rows["integral"] = mean * (found.length / _SECOND)
    return rows, found.place


REGIONS: Final = Measure(_take_regions, added, row(_REGIONS, 0, 0, 0, 0))

# By regions that are what the value or bounding value at their start is (Part 13, 5.4.3.22 and 5.4.3.31).
_STATES: Final = np.dtype([*_TIMES, ("zero", "i8"), ("non_zero", "i8")])


def _take_states(piece: Piece) -> tuple[Rows, Places]:
    found = _to_the_end(piece, _stretches(piece))
    rows = np.zeros(len(found.place), _STATES)
    if not len(piece.samples):
        return rows, found.place
    samples, lines = piece.samples, _simple_lines(piece)
    at = np.searchsorted(samples.time, found.low, "right") - 1
    own = np.where(piece.usable[at], severity(samples.status[at]), 2)
    stored = (at >= 0) & (samples.time[at] == found.low)
    kind = np.where(at < 0, 2, np.where(stored, own, lines.kind[at]))
    _put_times(rows, kind, found.length)
    value = samples.value[at] + lines.slope[at] * (found.low - samples.time[at])
    rows["zero"] = np.where((kind == 0) & (value == 0), found.length, 0)
    rows["non_zero"] = np.where((kind == 0) & (value != 0), found.length, 0)
    return rows, found.place


STATES: Final = Measure(_take_states, added, row(_STATES, 0, 0, 0, 0, 0))

# By lines between the values that are not Bad (Part 13, 5.4.3.6), durations [µs]: what lies before the first
# is `missing`; `doubtful` is what skips a Bad value, leans on an Uncertain one or is extrapolated.
_SLOPED: Final = np.dtype([("known", "i8"), ("missing", "i8"), ("doubtful", "i8"), ("integral", "f8")])


def _take_sloped(piece: Piece) -> tuple[Rows, Places]:
    found = _stretches(piece)
    rows = np.zeros(len(found.place), _SLOPED)
    usable = np.flatnonzero(piece.usable)
    rows["missing"] = found.length
    if not len(usable):
        return rows, found.place
    fine = piece.samples.of(usable)
    slope, doubtful = np.zeros(len(fine)), np.ones(len(fine), np.bool_)
    slope[:-1] = np.diff(fine.value) / np.diff(fine.time)
    uncertain = fine.status >= UNCERTAIN
    doubtful[:-1] = (np.diff(usable) > 1) | uncertain[:-1] | uncertain[1:]
    if piece.configuration.use_sloped_extrapolation and len(fine) > 1:
        slope[-1] = slope[-2]
    at = np.searchsorted(fine.time, found.low, "right") - 1
    known = at >= 0
    rows["missing"], rows["known"] = np.where(known, 0, found.length), np.where(known, found.length, 0)
    rows["doubtful"] = np.where(known & doubtful[at], found.length, 0)
    mean = fine.value[at] + slope[at] * (found.low - fine.time[at] + found.length / 2)
    rows["integral"] = np.where(known, mean * (found.length / _SECOND), 0.0)
    return rows, found.place


SLOPED: Final = Measure(_take_sloped, added, row(_SLOPED, 0, 0, 0, 0))

# Bounding values at the edges of intervals (Part 13, 3.1.8 and 3.1.9).
_BOUNDS: Final = np.dtype(
    [("start_value", "f8"), ("start_status", "u4"), ("end_value", "f8"), ("end_status", "u4")]
)


_Way = Callable[[Samples, Times, bool, AggregateConfiguration], Bounds]


def _bounds(way: _Way) -> Measure:
    def take(piece: Piece) -> tuple[Rows, Places]:
        found = way(piece.samples, piece.edges, piece.stepped, piece.configuration)
        rows = np.empty(piece.cells, _BOUNDS)
        rows["start_value"], rows["end_value"] = found.value[:-1], found.value[1:]
        rows["start_status"], rows["end_status"] = found.status[:-1], found.status[1:]
        return rows, np.arange(piece.cells)

    return Measure(take, _join_bounds, row(_BOUNDS, np.nan, BAD_NO_DATA, np.nan, BAD_NO_DATA))


def _join_bounds(rows: Rows, starts: Places) -> Rows:
    made = rows[starts].copy()
    last = rows[np.append(starts[1:], len(rows)) - 1]
    made["end_value"], made["end_status"] = last["end_value"], last["end_status"]
    return made


def _simple_for_quality(
    samples: Samples, times: Times, stepped: bool, configuration: AggregateConfiguration
) -> Bounds:
    """Those of WorstQuality2, which ignores TreatUncertainAsBad (Part 13, 5.4.3.36)."""
    return simple(samples, times, stepped, replace(configuration, treat_uncertain_as_bad=False))


BOUNDS: Final = _bounds(simple)
INTERPOLATED_BOUNDS: Final = _bounds(interpolated)
QUALITY_BOUNDS: Final = _bounds(_simple_for_quality)
