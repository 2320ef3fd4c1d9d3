"""What aggregates are made of: measures of stretches of time, which add up to measures of longer ones.

A `Piece` is a part of a variable's history cut into cells, each within one interval of a request. A `Measure`
takes something of every value or region of a piece and brings together what falls into one cell; measures of
cells are brought together in the same way. So an interval may lie in many pieces, and roll-ups can stand for
some. Pure functions on arrays, one row a value, region, cell or interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from historian.aggregation import AggregateConfiguration
from historian.bounds import Samples
from nodeset.frame import Statuses, Times
from nodeset.status import BAD, UNCERTAIN

Rows = NDArray[np.void]
Places = NDArray[np.intp]
NEVER: Final = 2**62  # later than any time [µs]


@dataclass(frozen=True)
class Piece:
    """Part of a variable's history, cut at `edges` [µs, ascending] into cells.

    The samples reach to the next on both sides that can be used. An edge is one of an interval or one of the
    `cuts` [µs], at which a value is stored. In time that flows backward, a value at an edge belongs to the
    cell before it (Part 13, 3.1.3).
    """

    samples: Samples
    edges: Times
    backward: bool
    stepped: bool
    configuration: AggregateConfiguration
    reference: float = 0.0  # near the values, so that sums of squares lose nothing
    cuts: tuple[int, ...] = ()

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self.edges) - 1

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Which samples are non-Bad and have a value."""
        return self.samples.usable(self.configuration)

    @cached_property
    def good(self) -> NDArray[np.bool_]:
        """Which samples are Good and have a value."""
        good: NDArray[np.bool_] = (self.samples.status < UNCERTAIN) & ~np.isnan(self.samples.value)
        return good

    @cached_property
    def inside(self) -> slice:
        """The samples that belong to cells."""
        low, high = np.searchsorted(self.samples.time, self.edges[[0, -1]], self._side)
        return slice(int(low), int(high))

    @cached_property
    def place(self) -> Places:
        """The cell of each sample inside."""
        side: Any = "left" if self.backward else "right"
        return np.searchsorted(self.edges, self.samples.time[self.inside], side) - 1

    @cached_property
    def interior(self) -> NDArray[np.bool_]:
        """Which samples inside are at no edge of an interval, where a bounding value stands for them."""
        times = self.samples.time[self.inside]
        interior: NDArray[np.bool_] = ~np.isin(times, self.edges) | np.isin(times, self.cuts)
        return interior

    @property
    def _side(self) -> Any:
        return "right" if self.backward else "left"


@dataclass(frozen=True, eq=False)
class Measure:
    """`take` gives rows and the cell of each, ascending; `join` brings groups of rows together.

    Groups are given by their first rows, ascending from 0. `nothing` is the row of a cell that has none.
    """

    take: Callable[[Piece], tuple[Rows, Places]]
    join: Callable[[Rows, Places], Rows]
    nothing: Rows


def measured(measure: Measure, piece: Piece) -> tuple[Rows, Places]:
    """One row for each cell that has something to measure, and which cells these are."""
    rows, place = measure.take(piece)
    return _joined(measure, rows, place)


def filled(measure: Measure, rows: Rows, place: Places, count: int) -> Rows:
    """`count` rows, each made of those whose `place` (ascending) it is."""
    made = np.repeat(measure.nothing, count)
    some, where = _joined(measure, rows, place)
    made[where] = some
    return made


def _joined(measure: Measure, rows: Rows, place: Places) -> tuple[Rows, Places]:
    if not len(rows):
        return rows, place
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    return measure.join(rows, starts), place[starts]


def row(dtype: np.dtype[np.void], *values: float) -> Rows:
    """The row of nothing of a measure."""
    return np.array([values], dtype)


def added(rows: Rows, starts: Places) -> Rows:
    """The sums of groups."""
    made = np.empty(len(starts), rows.dtype)
    for name in rows.dtype.names or ():
        made[name] = np.add.reduceat(rows[name], starts)
    return made


# Values by counts and sums: `sum` and `squares` are of Good values less the reference.
_COUNTS: Final = [("count", "i8"), ("good", "i8"), ("unusable", "i8")]
SUMS_ROW: Final = np.dtype([*_COUNTS, ("sum", "f8"), ("squares", "f8")])


def _take_sums(piece: Piece) -> tuple[Rows, Places]:
    good = piece.good[piece.inside]
    rows = np.empty(len(good), SUMS_ROW)
    offset = np.where(good, piece.samples.value[piece.inside] - piece.reference, 0.0)
    rows["count"], rows["good"], rows["unusable"] = 1, good, ~piece.usable[piece.inside]
    rows["sum"], rows["squares"] = offset, offset * offset
    return rows, piece.place


SUMS: Final = Measure(_take_sums, added, row(SUMS_ROW, 0, 0, 0, 0, 0))

# The least value, when it first was, and how often; of the greatest the value is negative.
LEAST: Final = np.dtype([("value", "f8"), ("time", "i8"), ("ties", "i8")])


def _least(pick: Callable[[Piece], NDArray[np.bool_]], sign: int) -> Measure:
    def take(piece: Piece) -> tuple[Rows, Places]:
        which = pick(piece)
        rows = np.empty(int(which.sum()), LEAST)
        rows["value"] = sign * piece.samples.value[piece.inside][which]
        rows["time"], rows["ties"] = piece.samples.time[piece.inside][which], 1
        return rows, piece.place[which]

    return Measure(take, _join_least, row(LEAST, np.inf, NEVER, 0))


def _join_least(rows: Rows, starts: Places) -> Rows:
    made = np.empty(len(starts), LEAST)
    made["value"] = np.minimum.reduceat(rows["value"], starts)
    tied = rows["value"] == _spread(made["value"], starts, len(rows))
    made["time"] = np.minimum.reduceat(np.where(tied, rows["time"], NEVER), starts)
    made["ties"] = np.add.reduceat(np.where(tied, rows["ties"], 0), starts)
    return made


def _spread(values: NDArray[Any], starts: Places, count: int) -> NDArray[Any]:
    return np.repeat(values, np.diff(starts, append=count))


def _is_good(piece: Piece) -> NDArray[np.bool_]:
    return piece.good[piece.inside]


def _is_doubtful(piece: Piece) -> NDArray[np.bool_]:
    doubtful: NDArray[np.bool_] = piece.usable[piece.inside] & ~piece.good[piece.inside]
    return doubtful


def _is_interior(piece: Piece) -> NDArray[np.bool_]:
    interior: NDArray[np.bool_] = piece.usable[piece.inside] & piece.interior
    return interior


LOW: Final = _least(_is_good, 1)
HIGH: Final = _least(_is_good, -1)
LOW_DOUBTFUL: Final = _least(_is_doubtful, 1)
HIGH_DOUBTFUL: Final = _least(_is_doubtful, -1)
LOW_INTERIOR: Final = _least(_is_interior, 1)
HIGH_INTERIOR: Final = _least(_is_interior, -1)

# The first and the last of some values.
_FIELDS: Final = {"time": "i8", "value": "f8", "status": "u4"}
_ENDS: Final = np.dtype(
    [(f"{end}_{name}", kind) for end in ("first", "last") for name, kind in _FIELDS.items()]
)


def _ends(pick: Callable[[Piece], NDArray[np.bool_]]) -> Measure:
    def take(piece: Piece) -> tuple[Rows, Places]:
        which = pick(piece)
        rows = np.empty(int(which.sum()), _ENDS)
        for name in _FIELDS:
            values = getattr(piece.samples, name)[piece.inside][which]
            rows[f"first_{name}"] = rows[f"last_{name}"] = values
        return rows, piece.place[which]

    return Measure(take, _join_ends, row(_ENDS, 0, np.nan, BAD, 0, np.nan, BAD))


def _join_ends(rows: Rows, starts: Places) -> Rows:
    made = rows[starts].copy()
    last = rows[np.append(starts[1:], len(rows)) - 1]
    for name in _FIELDS:
        made[f"last_{name}"] = last[f"last_{name}"]
    return made


def _is_any(piece: Piece) -> NDArray[np.bool_]:
    return np.ones(len(piece.place), np.bool_)


ENDS: Final = _ends(_is_any)
GOOD_ENDS: Final = _ends(_is_good)

# The worst status of some values, the first of its severity, and how many have that.
WORST_ROW: Final = np.dtype([("severity", "i1"), ("status", "u4"), ("ties", "i8")])


def severity(status: Statuses) -> NDArray[np.int8]:
    """0 Good, 1 Uncertain, 2 Bad."""
    return (status >= UNCERTAIN).astype(np.int8) + (status >= BAD).astype(np.int8)


def _worst(pick: Callable[[Piece], NDArray[np.bool_]]) -> Measure:
    def take(piece: Piece) -> tuple[Rows, Places]:
        which = pick(piece)
        rows = np.empty(int(which.sum()), WORST_ROW)
        rows["status"] = piece.samples.status[piece.inside][which]
        rows["severity"], rows["ties"] = severity(rows["status"]), 1
        return rows, piece.place[which]

    return Measure(take, _join_worst, row(WORST_ROW, -1, 0, 0))


def _join_worst(rows: Rows, starts: Places) -> Rows:
    made = np.empty(len(starts), WORST_ROW)
    made["severity"] = np.maximum.reduceat(rows["severity"], starts)
    tied = rows["severity"] == _spread(made["severity"], starts, len(rows))
    first = np.minimum.reduceat(np.where(tied, np.arange(len(rows)), len(rows)), starts)
    made["status"] = rows["status"][first]
    made["ties"] = np.add.reduceat(np.where(tied, rows["ties"], 0), starts)
    return made


WORST: Final = _worst(_is_any)
WORST_INTERIOR: Final = _worst(lambda piece: piece.interior)

# Changes from one non-Bad value to the next (Part 13, 5.4.3.24).
_CHANGES: Final = np.dtype([("count", "i8")])


def _take_changes(piece: Piece) -> tuple[Rows, Places]:
    which = np.flatnonzero(piece.usable)
    values = piece.samples.value[which]
    # The first value of all is a change: there was nothing before it.
    changed = np.diff(values, prepend=np.nan) != 0
    here = (which >= piece.inside.start) & (which < piece.inside.stop)
    rows = np.empty(int(here.sum()), _CHANGES)
    rows["count"] = changed[here]
    return rows, piece.place[which[here] - piece.inside.start]


CHANGES: Final = Measure(_take_changes, added, row(_CHANGES, 0))
