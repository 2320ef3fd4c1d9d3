"""Reads raw values back: ReadRawModifiedDetails of Part 11, 6.5.3, for one variable.

The database packs a reply into one byte string, eight bytes of time and four each of value and quality
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
from historian.latest import numbers
from historian.quality import QualityDictionary, stored
from historian.span import FIRST, LAST, Span
from nodeset.fleet import AssetType
from nodeset.frame import Statuses, Times, Values
from nodeset.index import TagIndex

MAX_VALUES: Final = 100_000  # in one reply
BAD_BOUND_NOT_FOUND: Final = 0x80D7_0000
SECOND: Final = 1_000_000  # µs
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SELECT: Final = """
SELECT coalesce(string_agg(
    timestamptz_send(ts) || int4send(coalesce({column}::integer, {missing})) || int4send(quality),
    ''::bytea ORDER BY ts {order}), ''::bytea)
FROM (SELECT ts, {column}, quality FROM {table}
    WHERE asset_id = %s AND ts BETWEEN %s AND %s AND {stored} ORDER BY ts {order} LIMIT %s) AS found
"""
Found = NDArray[np.void]
_FOUND: Final = np.dtype([("time", "i8"), ("value", "f8"), ("status", "u4")])
_ROW: Final = np.dtype([("time", ">i8"), ("value", ">i4"), ("quality", ">i4")])


@dataclass(frozen=True)
class History:
    """Values of one variable, in the order asked for; `time` [µs since 1970].

    A value is NaN where none was stored. `more` says that the request has further values: repeat it
    with `after` set to the last time of this reply.
    """

    value: Values
    status: Statuses
    time: Times
    more: bool


@dataclass(frozen=True)
class Reader:
    """Raw history of the variables of a fleet; where there are simulated rows, they cover the plant's.

    Where the index has a mirror they are the history of its rows instead.
    """

    index: TagIndex
    ids: AssetIds
    quality: QualityDictionary
    simulated_since: Callable[[AssetType, int], int | None]  # first time [µs] of an asset's simulated rows

    async def read_raw(
        self,
        connection: psycopg.AsyncConnection,
        row: int,
        span: Span,
        limit: int,
        bounds: bool,
        after: int | None = None,
    ) -> History:
        """Up to `limit` (0: the most there can be) values of the variable in `row`.

        `after` [µs] continues a reply: it is that reply's last time. With `bounds` the value at or
        before the start and the one at or after the end are in, or BadBoundNotFound in their place.
        """
        limit = min(limit, MAX_VALUES) or MAX_VALUES
        series = _Series(self, connection, row, span.forward)
        parts = [await series.start_bound(span)] if bounds and after is None else []
        low, high = span.limits(after)
        parts.append(await series.read(low, high, limit + 1))
        if bounds and sum(len(part) for part in parts) <= limit:
            last = next((int(part["time"][-1]) for part in reversed(parts) if len(part)), after)
            parts.append(await series.end_bound(span, last))
        found = np.concatenate(parts)
        kept = found[:limit]
        return History(kept["value"].copy(), kept["status"].copy(), kept["time"].copy(), len(found) > limit)


class _Series:
    """The stored values of one variable, read in one direction."""

    def __init__(self, reader: Reader, connection: psycopg.AsyncConnection, row: int, forward: bool) -> None:
        tag, i = reader.index.locate(row)
        self._table = TABLES[tag.asset]
        self._column = next(column for column in self._table.columns if column.tag is tag)
        self._asset = int(reader.ids.of[tag.asset][i])
        # Real devices: what is simulated shows in the mirror alone, and nothing else there.
        apart = reader.index.first_mirrored is not None
        self._is_mirror = reader.index.is_mirror(row)
        hidden = apart and not self._is_mirror
        self._simulated_since = None if hidden else reader.simulated_since(tag.asset, i)
        self._reader = reader
        self._connection = connection
        self._forward = forward

    async def start_bound(self, span: Span) -> Found:
        """The value before the start when there is none at it, or a marker."""
        low, high = (FIRST, span.start) if span.forward else (span.start, LAST)
        found = await self._select(low, high, 1, forward=not span.forward)
        if not len(found):
            return _marker(span.start)
        before: Found = found[found["time"] != span.start]
        return before

    async def end_bound(self, span: Span, last: int | None) -> Found:
        """The value at or after the end, or a marker; `last` [µs] is the time of the value before it."""
        low, high = span.limits()
        low, high = (high + 1, LAST) if span.forward else (FIRST, low - 1)
        found = await self._select(low, high, 1, span.forward)
        if len(found):
            return found
        if span.end is not None:
            return _marker(span.end)
        last = span.start if last is None else last
        return _marker(last + SECOND if span.forward else last - SECOND)

    async def read(self, low: int, high: int, limit: int) -> Found:
        """Values with low <= time <= high."""
        return await self._select(low, high, limit, self._forward)

    async def _select(self, low: int, high: int, limit: int, forward: bool) -> Found:
        found = np.empty(0, _FOUND)
        if not self._is_mirror:
            found = await self._select_from(self._table.readings, low, high, limit, forward)
        since = self._simulated_since
        if since is None or since > high:
            return found
        over = await self._select_from(self._table.simulated, max(low, since), high, limit, forward)
        return _covered(found, over, forward)[:limit]

    async def _select_from(self, name: str, low: int, high: int, limit: int, forward: bool) -> Found:
        if low > high:
            return np.empty(0, _FOUND)
        query = sql.SQL(_SELECT).format(
            column=sql.Identifier(self._column.name),
            table=sql.Identifier(name),
            missing=sql.Literal(NO_VALUE),
            stored=stored(self._column),
            order=sql.SQL("ASC" if forward else "DESC"),
        )
        bounds = (self._asset, _datetime(low), _datetime(high), limit)
        reply = await (await self._connection.execute(query, bounds, binary=True)).fetchone()
        assert reply is not None
        rows = np.frombuffer(reply[0], _ROW)
        found = np.empty(len(rows), _FOUND)
        found["time"] = rows["time"] + POSTGRES_EPOCH
        found["value"] = numbers(rows["value"].astype(np.int32), self._column, self._reader.ids)
        found["status"] = await self._reader.quality.statuses(
            self._connection, rows["quality"], self._column.name
        )
        return found


def _covered(found: Found, over: Found, forward: bool) -> Found:
    """Both in order of time; where both have a value, that of `over`."""
    under = found[~np.isin(found["time"], over["time"])]
    both = np.concatenate((under, over))
    order = np.argsort(both["time"], kind="stable")
    return both[order if forward else order[::-1]]


def _marker(time: int) -> Found:
    return np.array([(time, np.nan, BAD_BOUND_NOT_FOUND)], _FOUND)


def _datetime(time: int) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=time)
