"""When maintenance can be done: quarters of local time, work days, and what seasons mean for them.

Maintenance is planned by quarters of the fleet's time zone, a round in each, in daytime (08-20 h) of the
site's. Pure; a day is a number of local days since 1970, a quarter year * 4 + quarter - 1, as tags have it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from config.zone import date_at, time_on

Numbers = NDArray[np.int64]

WORK_BEGINS, WORK_ENDS = 8, 20  # h of local time
QUARTER_DAYS: Final = 365.25 / 4
SONGKRAN: Final = ((4, 13), (4, 14), (4, 15))
# Public holidays that are on the same day every year (Bank of Thailand's list); none of those by the moon.
HOLIDAYS: Final = frozenset(
    {
        *SONGKRAN,
        (1, 1),
        (4, 6),
        (5, 1),
        (5, 4),
        (6, 3),
        (7, 28),
        (8, 12),
        (10, 13),
        (10, 23),
        (12, 5),
        (12, 10),
    }
    | {(12, 31)}
)
# Months of heavy rain (Thai Meteorological Department): the south-west monsoon; the South's coast has the
# north-east one.
MONSOON: Final = frozenset({6, 7, 8, 9, 10})
MONSOON_OF: Final = {"Southern": frozenset({10, 11, 12})}
_EPOCH: Final = dt.date(1970, 1, 1)
_FRIDAY: Final = 4
_FIRST: Final = 1970 * 4


class Note(StrEnum):
    """What work in a quarter, or on a day, has to reckon with."""

    SONGKRAN = "SONGKRAN"
    MONSOON = "MONSOON"
    LATE = "LATE"


TEXTS: Final = {
    Note.SONGKRAN: "No work on 13-15 April (Songkran); roads and hotels are full for the days around it",
    Note.MONSOON: "Monsoon: heavy rain, floods and outages are likely; plan a spare day",
    Note.LATE: "Later than it is due: there is no work day left before, or no crew",
}


@dataclass(frozen=True)
class WorkDay:
    """A day on which work can be done."""

    day: int
    notes: tuple[Note, ...]

    def begins(self, zone: dt.tzinfo) -> int:
        """Beginning of work [µs since 1970, UTC] at a site of a time zone."""
        return time_on(self.date, WORK_BEGINS, zone)

    def ends(self, zone: dt.tzinfo) -> int:
        """End of work, likewise."""
        return time_on(self.date, WORK_ENDS, zone)

    @property
    def date(self) -> dt.date:
        """Its local date."""
        return date_of(self.day)


def local_day(time: int, zone: dt.tzinfo) -> int:
    """The day in a time zone at a time [µs since 1970, UTC]."""
    return (date_at(time, zone) - _EPOCH).days


def date_of(day: int) -> dt.date:
    """The date of a day."""
    return _EPOCH + dt.timedelta(days=day)


def quarters_of(days: ArrayLike) -> Numbers:
    """The quarters of local days, of any shape."""
    months = np.asarray(days, np.int64).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(_FIRST + months // 3, np.int64)


def quarter_at(time: int, zone: dt.tzinfo) -> int:
    """The quarter in a time zone at a time [µs since 1970, UTC]."""
    return int(quarters_of(local_day(time, zone)))


def first_day(quarter: int) -> int:
    """The first day of a quarter."""
    return (dt.date(quarter // 4, quarter % 4 * 3 + 1, 1) - _EPOCH).days


def quarter_name(quarter: int) -> str:
    """Such as 2026-Q4."""
    return f"{quarter // 4}-Q{quarter % 4 + 1}"


def replacement_quarters(time: int, lower_days: NDArray[np.float64], zone: dt.tzinfo) -> NDArray[np.float64]:
    """In which quarter a jar is to be replaced whose remaining life has the lower bound `lower_days` [d].

    The last quarter that is over before the lower bound ends, at the earliest the present one: whenever in
    that quarter the round is, 19 of 20 such jars still live. Shape (jars,).
    """
    now = local_day(time, zone)
    last = now + np.floor(lower_days).astype(np.int64)
    return np.maximum(quarters_of(last + 1) - 1, int(quarters_of(now))).astype(np.float64)


def is_monsoon(region: str, day: int) -> bool:
    """Whether a day is in the monsoon of a region."""
    return date_of(day).month in MONSOON_OF.get(region, MONSOON)


def is_work_day(day: int) -> bool:
    """Whether work is done on a day: Monday to Friday, and no holiday."""
    date = date_of(day)
    return date.weekday() <= _FRIDAY and (date.month, date.day) not in HOLIDAYS


def work_days(region: str, first: int, end: int) -> Iterator[WorkDay]:
    """The work days of a region from day `first` up to day `end`, which is not included."""
    for day in range(first, end):
        if is_work_day(day):
            yield WorkDay(day, (Note.MONSOON,) if is_monsoon(region, day) else ())


@lru_cache(maxsize=512)
def suitable_days(region: str, first: int, end: int) -> tuple[WorkDay, ...]:
    """The same, the better first: dry days before those of the monsoon, early before late."""
    return tuple(sorted(work_days(region, first, end), key=lambda each: (each.notes, each.day)))


def notes_of(region: str, quarter: int) -> tuple[Note, ...]:
    """What work in a quarter has to reckon with in a region."""
    months = range(quarter % 4 * 3 + 1, quarter % 4 * 3 + 4)
    wet = MONSOON_OF.get(region, MONSOON)
    songkran = (Note.SONGKRAN,) if SONGKRAN[0][0] in months else ()
    return (*songkran, *((Note.MONSOON,) if wet.intersection(months) else ()))
