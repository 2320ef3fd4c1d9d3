"""Reads the days of the whole fleet back from the roll-ups: arrays of days by assets, for analyses.

A day is one of UTC. It is told by its roll-up; the days of late that have none, and the one that has not
ended, by the hours that are rolled up so far. Only values that were Good count, of the plant's own readings,
whatever is simulated. A reply holds the whole fleet's days of a month or two, parsed by NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from historian.assets import Ids
from historian.columns import TABLES, Column
from historian.copyformat import POSTGRES_EPOCH
from historian.due import datetime_of, time_of
from historian.quality import QualityDictionary
from historian.rolledup import DAY
from nodeset import status as st
from nodeset.fleet import AssetType

LATE: Final = 3  # days at most whose hours are asked, where they have no roll-up
ROWS_AT_ONCE: Final = 500_000  # 30 MB
_LAST: Final = "SELECT max(ts) FROM {table} WHERE ts >= %s AND ts < %s"
_SELECT: Final = """
SELECT coalesce(string_agg(int4send(asset_id) || timestamptz_send(ts) || int4send(quality) || {parts},
    ''::bytea), ''::bytea) FROM {table} WHERE ts >= %s AND ts < %s
"""
_COUNTED: Final = (
    "SELECT count(*), coalesce(sum(rows), 0) FROM jar_daily WHERE asset_id = ANY(%s) AND ts >= %s AND ts < %s"
)
_PARTS: Final = {"sum": ("bigint", ">i8"), "count": ("integer", ">i4"), "min": ("integer", ">i4")}
_SENDS: Final = {"bigint": "int8send", "integer": "int4send"}

Days = NDArray[np.float32]


async def rolled_up(
    connection: psycopg.AsyncConnection, jars: Ids, first: int, after: int
) -> tuple[int, ...]:
    """How many rows, and of how many readings, the daily roll-ups of some jars have from `first` to before
    `after` (since 1970): as long as it is the same, nothing of these days has come in or was corrected."""
    bounds = ([int(jar) for jar in jars], datetime_of(first * DAY), datetime_of(after * DAY))
    reply = await (await connection.execute(_COUNTED, bounds)).fetchone()
    return tuple(map(int, reply or ()))


@dataclass(frozen=True)
class Figures:
    """One tag over days and assets, arrays of shape (days, assets); NaN where nothing was good."""

    mean: Days
    least: Days
    greatest: Days

    def part(self, low: int, high: int) -> Figures:
        """Some of the days, of the same arrays."""
        return Figures(self.mean[low:high], self.least[low:high], self.greatest[low:high])


@dataclass(frozen=True)
class DailyReader:
    """Reads tags of one asset type; `ids` are its assets' numbers in the order of the fleet."""

    asset: AssetType
    ids: Ids
    tags: tuple[str, ...]
    extremes: tuple[str, ...]  # of these tags least and greatest are read, too
    quality: QualityDictionary

    async def read(self, connection: psycopg.AsyncConnection, first: int, after: int) -> dict[str, Figures]:
        """The days from `first` to before `after` (since 1970), by tag."""
        shape = (after - first, len(self.ids))
        found = {tag: Figures(*(np.full(shape, np.nan, np.float32) for _ in range(3))) for tag in self.tags}
        table = TABLES[self.asset]
        hourly = await self._hours_from(connection, first, after)
        for name, low, high in self._spans(table.daily, table.hourly, first, hourly, after):
            rows = await self._rows(connection, name, low, high)
            numbers, which = np.unique(rows["quality"].astype(np.int32), return_inverse=True)
            codes = await self.quality.codes(connection, numbers.tolist())
            at = self._places(rows, low)
            for column in self._columns:
                status = [codes[number].get(column.name, st.GOOD) for number in numbers.tolist()]
                good = (at >= 0) & st.is_good(np.array(status, np.uint32))[which]
                part = found[column.tag.name].part(low - first, high - first)
                self._fill(column, rows, at, good, part)
        return found

    @property
    def _columns(self) -> list[Column]:
        return [column for column in TABLES[self.asset].columns if column.tag.name in self.tags]

    async def _hours_from(self, connection: psycopg.AsyncConnection, first: int, after: int) -> int:
        """The day from which on hours tell: the one after the last that is rolled up."""
        query = sql.SQL(_LAST).format(table=sql.Identifier(TABLES[self.asset].daily))
        low, high = datetime_of(first * DAY), datetime_of(after * DAY)
        reply = await (await connection.execute(query, (low, high))).fetchone()
        last = reply[0] if reply is not None else None
        begun = max(first, after - LATE)
        return begun if last is None else max(begun, time_of(last) // DAY + 1)

    def _spans(
        self, daily: str, hourly: str, first: int, hours: int, after: int
    ) -> Iterator[tuple[str, int, int]]:
        step = max(ROWS_AT_ONCE // max(len(self.ids), 1), 1)
        for low in range(first, hours, step):
            yield daily, low, min(low + step, hours)
        if hours < after:
            yield hourly, hours, after

    async def _rows(
        self, connection: psycopg.AsyncConnection, table: str, low: int, high: int
    ) -> NDArray[np.void]:
        fields = [(column.name, part) for column in self._columns for part in self._parts(column)]
        query = sql.SQL(_SELECT).format(
            table=sql.Identifier(table), parts=sql.SQL(" || ").join(_sent(*field) for field in fields)
        )
        bounds = (datetime_of(low * DAY), datetime_of(high * DAY))
        reply = await (await connection.execute(query, bounds, binary=True)).fetchone()
        assert reply is not None
        key = [("asset", ">i4"), ("time", ">i8"), ("quality", ">i4")]
        return np.frombuffer(reply[0], key + [(f"{name}_{part}", _kind(part)[1]) for name, part in fields])

    def _fill(
        self,
        column: Column,
        rows: NDArray[np.void],
        at: NDArray[np.intp],
        good: NDArray[np.bool_],
        into: Figures,
    ) -> None:
        """Add up the good entries of each day and asset; `at` is the place of each row in `into`."""
        counts = np.where(good, rows[f"{column.name}_count"], 0)
        some = np.flatnonzero(counts)
        place = at[some]
        size, scale = into.mean.size, column.tag.scale
        total = np.bincount(place, rows[f"{column.name}_sum"][some], size)
        count = np.bincount(place, counts[some], size)
        mean = np.divide(total, count * scale, out=np.full(size, np.nan), where=count > 0)
        into.mean[:] = mean.reshape(into.mean.shape)
        if column.tag.name not in self.extremes:
            return
        for array, part, end in ((into.least, "min", np.fmin), (into.greatest, "max", np.fmax)):
            flat = np.full(size, np.nan, np.float32)
            end.at(flat, place, (rows[f"{column.name}_{part}"][some] / scale).astype(np.float32))
            array[:] = flat.reshape(array.shape)

    def _parts(self, column: Column) -> tuple[str, ...]:
        return ("sum", "count", "min", "max") if column.tag.name in self.extremes else ("sum", "count")

    def _places(self, rows: NDArray[np.void], first: int) -> NDArray[np.intp]:
        """Place of each row among days by assets, -1 for assets that are no longer of the fleet."""
        order = np.argsort(self.ids)
        asset = rows["asset"].astype(np.int32)
        place = order[np.minimum(np.searchsorted(self.ids, asset, sorter=order), len(order) - 1)]
        day = (rows["time"].astype(np.int64) + POSTGRES_EPOCH) // DAY - first
        return np.where(self.ids[place] == asset, day * len(self.ids) + place, -1).astype(np.intp)


def _kind(part: str) -> tuple[str, str]:
    return _PARTS["min" if part == "max" else part]


def _sent(name: str, part: str) -> sql.Composed:
    kind = _kind(part)[0]
    return sql.SQL("{}(coalesce({}, 0)::{})").format(
        sql.SQL(_SENDS[kind]), sql.Identifier(f"{name}_{part}"), sql.SQL(kind)
    )
