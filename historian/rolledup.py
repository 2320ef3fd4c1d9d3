"""Reads roll-ups back: what the hours or days of one variable sum up to, and which of them can be used.

A bucket is an hour or a day of UTC. Each of its qualities is an entry of its own, as the roll-ups have it,
with the status that this variable had in those readings; entries of one bucket with the same status are the
caller's to add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from historian.assets import AssetIds
from historian.columns import TABLES, Column
from historian.copyformat import POSTGRES_EPOCH
from historian.due import HOUR, datetime_of, time_of
from historian.quality import QualityDictionary
from nodeset.frame import Statuses, Times, Values
from nodeset.index import TagIndex
from nodeset.status import GOOD

DAY: Final = 24 * HOUR

_SELECT: Final = """
SELECT coalesce(string_agg(timestamptz_send(ts) || int4send(quality) || int4send(rows) || int4send({count})
    || int8send({sum}) || int4send({min}) || int4send({max}), ''::bytea ORDER BY ts, quality), ''::bytea)
FROM {table} WHERE asset_id = %s AND ts >= %s AND ts < %s
"""
_ROW: Final = np.dtype(
    [
        ("time", ">i8"),
        ("quality", ">i4"),
        ("rows", ">i4"),
        ("count", ">i4"),
        ("sum", ">i8"),
        ("min", ">i4"),
        ("max", ">i4"),
    ]
)
_DUE: Final = "SELECT hour FROM rollup_due WHERE hour >= %s AND hour < %s"
_DUE_DAYS: Final = """
SELECT date_trunc('day', hour, 'UTC') FROM rollup_due WHERE hour >= %s AND hour < %s
UNION SELECT day FROM rollup_due_day WHERE day >= %s AND day < %s
"""


@dataclass(frozen=True)
class Buckets:
    """Entries in the order of time; all arrays have one element an entry.

    `start` is the beginning of the bucket [µs since 1970]. `rows` is how many readings this variable had with
    that `status`, `count` how many of them are numbers. `sum`, `min` and `max` of these are in the tag's
    unit; NaN where there are none or where they mean nothing: the sum of states, all of names.
    """

    start: Times
    status: Statuses
    rows: NDArray[np.int64]
    count: NDArray[np.int64]
    sum: Values
    min: Values
    max: Values


@dataclass(frozen=True)
class RolledUp:
    """Roll-ups of the variables of a fleet: of the plant's own readings, whatever is simulated."""

    index: TagIndex
    ids: AssetIds
    quality: QualityDictionary

    async def read(
        self, connection: psycopg.AsyncConnection, row: int, low: int, high: int, step: int
    ) -> Buckets:
        """Buckets of `step` (`HOUR` or `DAY`) that begin at low <= time < high [µs]."""
        tag, i = self.index.locate(row)
        table = TABLES[tag.asset]
        column = next(column for column in table.columns if column.tag is tag)
        query = _select(table.hourly if step == HOUR else table.daily, column)
        bounds = (int(self.ids.of[tag.asset][i]), datetime_of(low), datetime_of(high))
        reply = await (await connection.execute(query, bounds, binary=True)).fetchone()
        assert reply is not None
        found = np.frombuffer(reply[0], _ROW)
        status = await self.quality.statuses(connection, found["quality"].astype(np.int32), column.name)
        return _buckets(found, status, column)

    async def exact(self, connection: psycopg.AsyncConnection, low: int, high: int, step: int) -> Times:
        """Starts of the buckets in low <= time < high [µs] that sum up all that is stored, in order.

        A bucket without any entry is among them when nothing is stored there.
        """
        bounds = (datetime_of(low), datetime_of(high))
        query, values = (_DUE, bounds) if step == HOUR else (_DUE_DAYS, bounds + bounds)
        found = await (await connection.execute(query, values)).fetchall()
        due = np.array([time_of(moment) for (moment,) in found], np.int64)
        starts: Times = np.arange(-(-low // step) * step, high, step, dtype=np.int64)
        return np.setdiff1d(starts, due, assume_unique=True)


def _buckets(found: NDArray[np.void], status: Statuses, column: Column) -> Buckets:
    count = found["count"].astype(np.int64)
    # Where nothing is stored a Good NULL stands, which is no reading of this variable.
    rows = np.where(status == GOOD, count, found["rows"])
    some = rows > 0
    scale = column.tag.scale

    def numbers(part: str) -> Values:
        known = (count > 0) & (part in column.rolled)
        return np.where(known, found[part] / scale, np.nan)[some]

    return Buckets(
        found["time"][some].astype(np.int64) + POSTGRES_EPOCH,
        status[some],
        rows[some].astype(np.int64),
        count[some],
        *(numbers(part) for part in ("sum", "min", "max")),
    )


def _select(table: str, column: Column) -> sql.Composed:
    def part(name: str, kind: str) -> sql.Composable:
        if name not in column.rolled:
            return sql.SQL(f"0::{kind}")
        return sql.SQL("coalesce({}, 0)::{}").format(sql.Identifier(f"{column.name}_{name}"), sql.SQL(kind))

    return sql.SQL(_SELECT).format(
        table=sql.Identifier(table),
        count=part("count", "integer"),
        sum=part("sum", "bigint"),
        min=part("min", "integer"),
        max=part("max", "integer"),
    )
