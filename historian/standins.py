"""What stands for raw values that are no longer kept: the mean of each hour, in the middle of it.

What is made of such values is UncertainDataSubNormal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from historian.bounds import Samples
from historian.due import HOUR, datetime_of, time_of
from historian.measures import NEVER
from historian.rolledup import DAY, RolledUp
from nodeset.frame import Statuses, Times
from nodeset.status import BAD_NO_DATA, GOOD, UNCERTAIN, UNCERTAIN_DATA_SUB_NORMAL

_DROPPED: Final = "SELECT day FROM dropped_day WHERE day > %s AND day <= %s ORDER BY day"


@dataclass(frozen=True)
class StandIns:
    """Means of hours, ascending, and the days [µs] whose raw values are gone."""

    samples: Samples
    days: Times

    def touch(self, low: Times, high: Times) -> NDArray[np.bool_]:
        """Which stretches of time lie in such days, if only in part."""
        behind = np.append(self.days, NEVER)[np.searchsorted(self.days, low - DAY, "right")]
        touched: NDArray[np.bool_] = (low < high) & (behind < high)
        return touched


NONE: Final = StandIns(
    Samples(np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint32)), np.empty(0, np.int64)
)


def doubted(status: Statuses, where: NDArray[np.bool_]) -> Statuses:
    """The same, but what is Good is Uncertain there."""
    worse = where & (status < UNCERTAIN)
    return np.where(worse, status | UNCERTAIN_DATA_SUB_NORMAL, status).astype(np.uint32)


async def stand_ins(
    connection: psycopg.AsyncConnection, source: RolledUp, row: int, low: int, high: int
) -> StandIns:
    """What there is from `low` to `high` [µs]."""
    bounds = datetime_of(low - DAY), datetime_of(high)
    rows = await (await connection.execute(_DROPPED, bounds)).fetchall()
    if not rows:
        return NONE
    days = np.array([time_of(day) for (day,) in rows], np.int64)
    found = await source.read(connection, row, int(days[0]), int(days[-1]) + DAY, HOUR)
    known = (found.status < UNCERTAIN) & (found.count > 0) & ~np.isnan(found.sum)
    hours, place = np.unique(found.start, return_inverse=True)
    count = np.bincount(place, np.where(known, found.count, 0), len(hours))
    total = np.bincount(place, np.where(known, found.sum, 0.0), len(hours))
    value = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    status = np.where(count > 0, GOOD, BAD_NO_DATA).astype(np.uint32)
    samples = Samples(hours + HOUR // 2, value, status)
    # Readings may have been written to a day after it was dropped: they are there, and read as such.
    return StandIns(samples.of(np.flatnonzero(np.isin(hours - hours % DAY, days))), days)
