"""What a correction of history comes to, value by value (Part 11, 6.9.2 and 6.9.6), without a database.

The values are those of one variable, in steps of its column. A corrected value carries the ExtraData bit of
Part 11, 6.3.2: there are others for its time, which HistoryRead of modified values tells.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np

from historian.columns import NO_VALUE, Column
from nodeset.status import BAD_OUT_OF_RANGE

GOOD_ENTRY_INSERTED: Final = 0x00A2_0000
GOOD_ENTRY_REPLACED: Final = 0x00A3_0000
BAD_ENTRY_EXISTS: Final = 0x809F_0000
BAD_NO_ENTRY_EXISTS: Final = 0x80A0_0000
GOOD: Final = 0
# InfoType DataValue, and of the HistorianBits ExtraData; a raw value has no others (Part 4, 7.38.1).
EXTRA_DATA: Final = 0x0408
_CODE_AND_LIMITS: Final = 0xFFFF_0300
_BAD: Final = 0x8000_0000
_ROUNDING: Final = 1e-6  # of a step, which is what floating point adds to the largest of a column


class Change(IntEnum):
    """Kinds of change, numbered as HistoryUpdateType (Part 11, 6.6.4) and PerformUpdateType."""

    INSERT = 1
    REPLACE = 2
    UPDATE = 3
    DELETE = 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored value; `time` [µs since 1970], `step` is `NO_VALUE` where there is no number."""

    time: int
    step: int
    status: int


@dataclass(frozen=True, slots=True)
class Modification:
    """A value that was superseded or deleted, or that was inserted, which supersedes nothing."""

    change: Change
    entry: Entry


@dataclass
class Outcome:
    """What changes come to: a StatusCode each, what to remember, and what is stored in the end.

    `stored` has only what changed, by time; None is deleted.
    """

    codes: list[int] = field(default_factory=list)
    modifications: list[Modification] = field(default_factory=list)
    stored: dict[int, Entry | None] = field(default_factory=dict)


def entry_of(time: int, number: float, status: int, column: Column) -> Entry | int:
    """A value as its column stores it, or the StatusCode for one that it cannot keep as it is.

    Such are numbers finer than a step or beyond the column, and no number that is not said to be Bad.
    """
    status = status & _CODE_AND_LIMITS | EXTRA_DATA
    if np.isnan(number):
        return Entry(time, NO_VALUE, status) if status & _BAD else BAD_OUT_OF_RANGE
    exact = number * column.tag.scale
    if not abs(exact) < column.limit + 1:
        return BAD_OUT_OF_RANGE
    step = round(exact)
    if abs(step) > column.limit or abs(exact - step) > _ROUNDING:
        return BAD_OUT_OF_RANGE
    return Entry(time, step, status)


def written(change: Change, entries: Iterable[Entry | int], stored: dict[int, Entry]) -> Outcome:
    """Insert, replace or update `entries` one after the other; a number among them is a refusal.

    `stored` is what there is at their times.
    """
    outcome, now = Outcome(), dict(stored)
    for entry in entries:
        if isinstance(entry, int):
            outcome.codes.append(entry)
            continue
        old = now.get(entry.time)
        refusal = _refusal(change, old)
        if refusal:
            outcome.codes.append(refusal)
            continue
        remembered = Modification(Change.INSERT, entry) if old is None else Modification(change, old)
        outcome.codes.append(GOOD_ENTRY_INSERTED if old is None else GOOD_ENTRY_REPLACED)
        outcome.modifications.append(remembered)
        now[entry.time] = outcome.stored[entry.time] = entry
    return outcome


def deleted(times: Iterable[int], stored: dict[int, Entry]) -> Outcome:
    """Delete what is stored at `times` [µs]."""
    outcome, now = Outcome(), dict(stored)
    for time in times:
        old = now.pop(time, None)
        outcome.codes.append(GOOD if old is not None else BAD_NO_ENTRY_EXISTS)
        if old is not None:
            outcome.modifications.append(Modification(Change.DELETE, old))
            outcome.stored[time] = None
    return outcome


def _refusal(change: Change, old: Entry | None) -> int:
    if change is Change.INSERT and old is not None:
        return BAD_ENTRY_EXISTS
    if change is Change.REPLACE and old is None:
        return BAD_NO_ENTRY_EXISTS
    return 0
