"""What people have noted on values: annotations of one variable (Part 11, 5.1.2 and 6.6.6).

Several may stand at one time. One is known by that time, by who made it, and by when (6.9.3.2).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from historian.changes import (
    BAD_ENTRY_EXISTS,
    BAD_NO_ENTRY_EXISTS,
    GOOD,
    GOOD_ENTRY_INSERTED,
    GOOD_ENTRY_REPLACED,
    Change,
)
from historian.columns import snake
from historian.connections import Connections
from historian.due import datetime_of, time_of
from historian.series import Variables
from historian.span import Span
from nodeset.frame import Times

MAX_NOTES: Final = 10_000  # in one reply
_THIS = "asset_id = %s AND tag = %s AND ts = %s AND annotation_time = %s AND user_name = %s"
_INSERT = """
INSERT INTO annotation (asset_id, tag, ts, annotation_time, user_name, message)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_MESSAGE = f"SELECT message FROM annotation WHERE {_THIS} FOR UPDATE"
_REPLACE = f"UPDATE annotation SET message = %s WHERE {_THIS}"
_REMOVE = f"DELETE FROM annotation WHERE {_THIS}"
_READ = """
SELECT ts, annotation_time, user_name, message FROM annotation
WHERE asset_id = %s AND tag = %s AND ts BETWEEN %s AND %s AND {after}
ORDER BY ts {order}, annotation_time {order}, user_name {order} LIMIT %s
"""
_TIMES = "SELECT ts FROM annotation WHERE asset_id = %s AND tag = %s AND ts BETWEEN %s AND %s ORDER BY ts"
_REMOVE_AT = """
DELETE FROM annotation WHERE asset_id = %s AND tag = %s AND ts = ANY(%s)
RETURNING ts, annotation_time, user_name, message
"""

Key = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Annotation:
    """A note on the value at `time`, which `user` made at `made_at` [µs since 1970]."""

    time: int
    made_at: int
    user: str
    message: str

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.time, self.made_at, self.user


@dataclass(frozen=True, slots=True)
class Annotated:
    """A StatusCode for each change of an annotation, and what each replaced or removed."""

    codes: list[int]
    old: list[Annotation | None]


class Annotations:
    """Reads and keeps annotations of the plant's variables."""

    def __init__(self, connections: Connections, variables: Variables) -> None:
        self._connections = connections
        self._variables = variables

    async def read(
        self, row: int, start: int | None, end: int | None, limit: int, after: Key | None = None
    ) -> tuple[list[Annotation], Key | None]:
        """Up to `limit` (0: the most there can be) annotations of times from `start` towards `end` [µs].

        With them the key to go on after, None at the end.
        """
        limit = min(limit, MAX_NOTES) or MAX_NOTES
        span = Span.of(start, end)
        order, beyond = ("ASC", ">") if span.forward else ("DESC", "<")
        low, high = span.limits()
        condition = "true" if after is None else f"(ts, annotation_time, user_name) {beyond} (%s, %s, %s)"
        rest = () if after is None else (datetime_of(after[0]), datetime_of(after[1]), after[2])
        terms = (*self._variable(row), datetime_of(low), datetime_of(high), *rest, limit + 1)
        query = _READ.format(order=order, after=condition)
        async with self._connections.use() as connection:
            found = await (await connection.execute(query.encode(), terms)).fetchall()
        notes = [_annotation(*line) for line in found[:limit]]
        return notes, notes[-1].key if len(found) > limit else None

    async def times(self, connection: psycopg.AsyncConnection, row: int, low: int, high: int) -> Times:
        """Times with low <= time <= high [µs] that are annotated, each as often as it is."""
        if self._variables.index.is_mirror(row):
            return np.empty(0, np.int64)
        terms = (*self._variable(row), datetime_of(low), datetime_of(high))
        found = await (await connection.execute(_TIMES, terms)).fetchall()
        return np.array([time_of(ts) for (ts,) in found], np.int64)

    async def change(self, row: int, change: Change, notes: Sequence[Annotation]) -> Annotated:
        """Insert, replace, update or delete annotations, all in one transaction."""
        codes: list[int] = []
        olds: list[Annotation | None] = []
        async with self._connections.use() as connection, connection.transaction():
            for note in notes:
                code, old = await self._one(connection, row, change, note)
                codes.append(code)
                olds.append(old)
        return Annotated(codes, olds)

    async def remove_at(self, row: int, times: Sequence[int]) -> list[Annotation]:
        """Remove all annotations of values at `times` [µs], and say which these were."""
        terms = (*self._variable(row), [datetime_of(time) for time in times])
        async with self._connections.use() as connection:
            found = await (await connection.execute(_REMOVE_AT, terms)).fetchall()
        return [_annotation(*line) for line in found]

    async def _one(
        self, connection: psycopg.AsyncConnection, row: int, change: Change, note: Annotation
    ) -> tuple[int, Annotation | None]:
        this = (*self._variable(row), datetime_of(note.time), datetime_of(note.made_at), note.user)
        if change in (Change.INSERT, Change.UPDATE):
            added = await connection.execute(_INSERT, (*this, note.message))
            if added.rowcount:
                return GOOD_ENTRY_INSERTED, None
            if change is Change.INSERT:
                return BAD_ENTRY_EXISTS, None
        found = await (await connection.execute(_MESSAGE, this)).fetchone()
        if found is None:
            return BAD_NO_ENTRY_EXISTS, None
        old = Annotation(note.time, note.made_at, note.user, found[0])
        if change is Change.DELETE:
            await connection.execute(_REMOVE, this)
            return GOOD, old
        await connection.execute(_REPLACE, (note.message, *this))
        return GOOD_ENTRY_REPLACED, old

    def _variable(self, row: int) -> tuple[int, str]:
        """Number of the asset, and name of the column."""
        tag, i = self._variables.index.locate(row)
        return int(self._variables.ids.of[tag.asset][i]), snake(tag.name)


def _annotation(ts: dt.datetime, made_at: dt.datetime, user: str, message: str) -> Annotation:
    return Annotation(time_of(ts), time_of(made_at), user, message)
