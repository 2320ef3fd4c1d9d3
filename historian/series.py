"""The stored values of one variable: those of a range of time, in either direction.

Where a scenario runs, simulated rows cover the plant's; all reading of history is done on what this module
gives. The database packs a reply into one byte string, eight bytes of time and four each of value and quality
a row, so that ten thousand values cost this process no more than one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from historian.assets import AssetIds
from historian.columns import NO_VALUE, TABLES
from historian.copyformat import POSTGRES_EPOCH
from historian.due import HOUR
from historian.latest import numbers
from historian.quality import QualityDictionary, fit, stored
from historian.span import FIRST, LAST
from nodeset.fleet import AssetType
from nodeset.frame import Statuses, Times, Values
from nodeset.index import TagIndex

Found = NDArray[np.void]
FOUND: Final = np.dtype([("time", "i8"), ("value", "f8"), ("status", "u4")])
NOTHING: Final = np.empty(0, FOUND)
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SELECT: Final = """
SELECT coalesce(string_agg(
    timestamptz_send(ts) || int4send(coalesce({column}::integer, {missing})) || int4send(quality),
    ''::bytea ORDER BY ts {order}), ''::bytea)
FROM (SELECT ts, {column}, quality FROM {table}
    WHERE asset_id = %s AND ts BETWEEN %s AND %s AND {stored} ORDER BY ts {order} LIMIT %s) AS found
"""
# One pass over the rows: a look for each time would open all partitions that there are each time.
_NEXT: Final = """
WITH stored AS (SELECT ts, {column}, quality FROM {table}
    WHERE asset_id = %(asset)s AND ts BETWEEN %(low)s AND %(high)s AND {which}),
beside AS MATERIALIZED (
    SELECT min(ts) AS first, max(ts) AS last FROM stored GROUP BY width_bucket(ts, %(times)s::timestamptz[]))
SELECT coalesce(string_agg(
    timestamptz_send(ts) || int4send(coalesce({column}::integer, {missing})) || int4send(quality),
    ''::bytea ORDER BY ts), ''::bytea)
FROM stored WHERE ts IN (SELECT first FROM beside UNION SELECT last FROM beside)
"""
_HOURS: Final = """
SELECT coalesce(string_agg(
    timestamptz_send(ts) || int4send(coalesce({column}::integer, {missing})) || int4send(quality),
    ''::bytea ORDER BY ts), ''::bytea)
FROM {table} WHERE asset_id = %(asset)s AND ts BETWEEN %(low)s AND %(high)s AND {which}
    AND date_trunc('hour', ts, 'UTC') = ANY(%(times)s::timestamptz[])
"""
_ROW: Final = np.dtype([("time", ">i8"), ("value", ">i4"), ("quality", ">i4")])


@dataclass(frozen=True)
class History:
    """Values of one variable, in the order asked for; `time` [µs since 1970].

    A value is NaN where there is none. `more` says that the request has further values: the way of reading
    tells how to go on.
    """

    value: Values
    status: Statuses
    time: Times
    more: bool


@dataclass(frozen=True)
class Variables:
    """The variables of a fleet whose values the database keeps.

    Where the index has a mirror, simulated rows are the history of the mirror's variables and of no others.
    """

    index: TagIndex
    ids: AssetIds
    quality: QualityDictionary
    simulated_since: Callable[[AssetType, int], int | None]  # first time [µs] of an asset's simulated rows

    def series(self, connection: psycopg.AsyncConnection, row: int) -> Series:
        """The values of the variable in `row`, read over `connection`."""
        return Series(self, connection, row)


class Series:
    """The stored values of one variable."""

    def __init__(self, variables: Variables, connection: psycopg.AsyncConnection, row: int) -> None:
        self.tag, i = variables.index.locate(row)
        self._table = TABLES[self.tag.asset]
        self._column = next(column for column in self._table.columns if column.tag is self.tag)
        self._asset = int(variables.ids.of[self.tag.asset][i])
        # Real devices: what is simulated shows in the mirror alone, and nothing else there.
        apart = variables.index.first_mirrored is not None
        self._is_mirror = variables.index.is_mirror(row)
        hidden = apart and not self._is_mirror
        self._simulated_since = None if hidden else variables.simulated_since(self.tag.asset, i)
        self._variables = variables
        self._connection = connection

    async def ascending(self, low: int, high: int, limit: int) -> Found:
        """The first `limit` values with low <= time <= high, the oldest first."""
        return await self._select(low, high, limit, forward=True)

    async def descending(self, low: int, high: int, limit: int) -> Found:
        """The last `limit` values with low <= time <= high, the newest first."""
        return await self._select(low, high, limit, forward=False)

    async def in_hours(self, hours: Times) -> Found:
        """The plant's values in the hours that begin at these times [µs, ascending]."""
        if not len(hours):
            return NOTHING
        return await self._chosen(_HOURS, hours, int(hours[-1]) + HOUR - 1, stored(self._column))

    async def next_to(self, times: Times) -> Found:
        """The plant's first and last value in each stretch between `times` [µs, ascending], ascending."""
        return await self._chosen(_NEXT, times, int(times[-1]), stored(self._column))

    async def usable_next_to(self, times: Times, limit: int) -> Found:
        """The same of the numbers with a StatusCode below `limit`."""
        return await self._chosen(_NEXT, times, int(times[-1]), fit(self._column, limit))

    async def _chosen(self, statement: str, times: Times, high: int, which: sql.Composed) -> Found:
        query = sql.SQL(statement).format(
            column=sql.Identifier(self._column.name),
            table=sql.Identifier(self._table.readings),
            missing=sql.Literal(NO_VALUE),
            which=which,
        )
        values = {
            "asset": self._asset,
            "times": [datetime_of(time) for time in times.tolist()],
            "low": datetime_of(int(times[0])),
            "high": datetime_of(high),
        }
        reply = await (await self._connection.execute(query, values, binary=True)).fetchone()
        assert reply is not None
        return await self._found(reply[0])

    @property
    def covered_since(self) -> int:
        """From when on [µs] simulated rows may be part of what is read."""
        if self._is_mirror:
            return FIRST
        return LAST if self._simulated_since is None else self._simulated_since

    async def _select(self, low: int, high: int, limit: int, forward: bool) -> Found:
        found = NOTHING
        if not self._is_mirror:
            found = await self._select_from(self._table.readings, low, high, limit, forward)
        since = self._simulated_since
        if since is None or since > high:
            return found
        over = await self._select_from(self._table.simulated, max(low, since), high, limit, forward)
        return _covered(found, over, forward)[:limit]

    async def _select_from(self, name: str, low: int, high: int, limit: int, forward: bool) -> Found:
        if low > high:
            return NOTHING
        query = sql.SQL(_SELECT).format(
            column=sql.Identifier(self._column.name),
            table=sql.Identifier(name),
            missing=sql.Literal(NO_VALUE),
            stored=stored(self._column),
            order=sql.SQL("ASC" if forward else "DESC"),
        )
        bounds = (self._asset, datetime_of(low), datetime_of(high), limit)
        reply = await (await self._connection.execute(query, bounds, binary=True)).fetchone()
        assert reply is not None
        return await self._found(reply[0])

    async def _found(self, packed: bytes) -> Found:
        rows = np.frombuffer(packed, _ROW)
        found = np.empty(len(rows), FOUND)
        found["time"] = rows["time"] + POSTGRES_EPOCH
        found["value"] = numbers(rows["value"].astype(np.int32), self._column, self._variables.ids)
        found["status"] = await self._variables.quality.statuses(
            self._connection, rows["quality"], self._column.name
        )
        return found


def datetime_of(time: int) -> dt.datetime:
    """A time [µs since 1970] as the database driver takes it."""
    return _EPOCH + dt.timedelta(microseconds=time)


def _covered(found: Found, over: Found, forward: bool) -> Found:
    """Both in order of time; where both have a value, that of `over`."""
    under = found[~np.isin(found["time"], over["time"])]
    both = np.concatenate((under, over))
    order = np.argsort(both["time"], kind="stable")
    return both[order if forward else order[::-1]]
