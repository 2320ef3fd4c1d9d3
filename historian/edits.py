"""Corrections of history by people: insert, replace, update and delete stored values of one variable.

A correction is one transaction: the values, what they were before (`modifications`), and the hours to roll up
anew. Corrections, and scans that meet rows which are there already, take turns; a scan that adds a row in
between is noticed because that row cannot be added twice, and the correction is worked out anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from historian.cells import Cells
from historian.changes import Change, Entry, Outcome, deleted, entry_of, written
from historian.columns import TABLES, Column, Table
from historian.connections import Connections
from historian.due import note_all, note_range
from historian.editlock import take_turn
from historian.errors import HistorianError
from historian.latest import numbers
from historian.modifications import Modified, nothing_modified, read_modified, remember
from historian.partitions import Partitions, day_of
from historian.series import Variables
from historian.span import Span
from nodeset.frame import Values
from nodeset.status import BAD_INVALID_STATE, BAD_OUT_OF_RANGE
from nodeset.tags import Kind

ATTEMPTS: Final = 5
SHOWN: Final = 1000  # deleted values of a range that the caller is told
BAD_HISTORY_OPERATION_UNSUPPORTED: Final = 0x8072_0000


class EditRefused(Exception):
    """A variable whose history cannot be corrected; `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"0x{code:08X}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a variable: `time` [µs since 1970], `number` in the tag's unit and NaN for none."""

    time: int
    number: float
    status: int


@dataclass(frozen=True, slots=True)
class Edited:
    """A StatusCode for each change that was asked for, and the values that were superseded or deleted."""

    codes: list[int]
    old: list[Value]


@dataclass(frozen=True, slots=True)
class Cleared:
    """How many values of a range were deleted, and the first of them."""

    count: int
    old: list[Value]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a variable's values are; `simulated_since` [µs] where a scenario's stand before them."""

    table: Table
    column: Column
    asset: int
    simulated_since: int | None


class Edits:
    """Corrects the history of the plant's variables. Times in µs; `now` is the plant's.

    What a scenario shows is not the plant's history and cannot be corrected (Bad_InvalidState), nor has the
    mirror one of its own (`EditRefused`).
    """

    def __init__(self, connections: Connections, variables: Variables, partitions: Partitions) -> None:
        self._connections = connections
        self._variables = variables
        self._partitions = partitions

    async def write(
        self, row: int, change: Change, values: Sequence[Value | int], user: str, now: int
    ) -> Edited:
        """Insert, replace or update values of the variable in `row`; a number among them is a refusal.

        Bad_OutOfRange refuses a time before the days that are kept or after `now`, and a number that the
        variable cannot store as it is; a number that is missing must have a Bad status.
        """
        place = self._place(row)
        entries = await asyncio.to_thread(self._entries, place, values, now)
        times = [entry.time for entry in entries if isinstance(entry, Entry)]
        return await self._edit(place, times, lambda kept: written(change, entries, kept), user, now)

    async def delete_at(self, row: int, times: Sequence[int], user: str, now: int) -> Edited:
        """Delete the values at `times`."""
        place = self._place(row)
        if any(_is_shown(place, time) for time in times):
            raise EditRefused(BAD_INVALID_STATE)
        return await self._edit(place, times, lambda kept: deleted(times, kept), user, now)

    async def delete_range(self, row: int, low: int, high: int, user: str, now: int) -> Cleared:
        """Delete all values with low <= time <= high."""
        place = self._place(row)
        if _is_shown(place, high):
            raise EditRefused(BAD_INVALID_STATE)
        async with self._connections.use() as connection, connection.transaction():
            await take_turn(connection)
            cells = self._cells(connection, place)
            first = await cells.first(low, high, SHOWN)
            count = await cells.clear(low, high, now, user) if first else 0
            if count:
                await note_range(connection, place.table.readings, place.asset, low, high)
                await cells.drop_empty(low, high)
        return Cleared(count, self._values(place.column, first))

    async def read_modified(
        self, row: int, start: int | None, end: int | None, limit: int, after: tuple[int, int] | None = None
    ) -> Modified:
        """What corrections have superseded, deleted or inserted, from `start` towards `end`."""
        if self._variables.index.is_mirror(row):
            return nothing_modified()
        place = self._place(row)
        span = Span.of(start, end)
        async with self._connections.use() as connection:
            return await read_modified(
                connection, self._variables.ids, place.asset, place.column, span, limit, after
            )

    # -- one correction

    async def _edit(
        self,
        place: _Place,
        times: Sequence[int],
        work_out: Callable[[dict[int, Entry]], Outcome],
        user: str,
        now: int,
    ) -> Edited:
        if not times:
            return Edited(work_out({}).codes, [])
        async with self._connections.use() as connection:
            for _ in range(ATTEMPTS):
                try:
                    outcome, old = await self._attempt(connection, place, times, work_out, user, now)
                except psycopg.errors.UniqueViolation:  # a scan has just added one of the rows
                    continue
                return Edited(outcome.codes, self._values(place.column, old))
        raise HistorianError("scans were in the way of a correction")

    async def _attempt(
        self,
        connection: psycopg.AsyncConnection,
        place: _Place,
        times: Sequence[int],
        work_out: Callable[[dict[int, Entry]], Outcome],
        user: str,
        now: int,
    ) -> tuple[Outcome, list[Entry]]:
        async with connection.transaction():
            await take_turn(connection)
            cells = self._cells(connection, place)
            kept, rows = await cells.at(times)
            outcome = await asyncio.to_thread(work_out, kept)
            if outcome.stored:
                for day in {day_of(time): time for time in outcome.stored if time not in rows}.values():
                    await self._partitions.have(connection, day)
                await cells.store(outcome.stored, rows)
                await cells.drop_empty(min(outcome.stored), max(outcome.stored))
                await remember(connection, place.asset, place.column, outcome.modifications, now, user)
                await note_all(connection, outcome.stored)
        return outcome, [kept[time] for time in outcome.stored if time in kept]

    def _cells(self, connection: psycopg.AsyncConnection, place: _Place) -> Cells:
        return Cells(connection, self._variables.quality, place.table, place.column, place.asset)

    # -- variables and values

    def _place(self, row: int) -> _Place:
        index = self._variables.index
        if index.is_mirror(row):
            raise EditRefused(BAD_HISTORY_OPERATION_UNSUPPORTED)
        tag, i = index.locate(row)
        table = TABLES[tag.asset]
        column = next(column for column in table.columns if column.tag is tag)
        since = self._variables.simulated_since(tag.asset, i) if index.first_mirrored is None else None
        return _Place(table, column, int(self._variables.ids.of[tag.asset][i]), since)

    def _entries(self, place: _Place, values: Sequence[Value | int], now: int) -> list[Entry | int]:
        return [value if isinstance(value, int) else self._entry(place, value, now) for value in values]

    def _entry(self, place: _Place, value: Value, now: int) -> Entry | int:
        if not self._partitions.first_kept(now) <= value.time <= now:
            return BAD_OUT_OF_RANGE
        if _is_shown(place, value.time):
            return BAD_INVALID_STATE
        number = value.number
        if place.column.tag.kind is Kind.JAR and not np.isnan(number):
            number = float(self._variables.ids.jar_ids(np.array([number]))[0])
            if np.isnan(number):
                return BAD_OUT_OF_RANGE
        return entry_of(value.time, number, value.status, place.column)

    def _values(self, column: Column, entries: Iterable[Entry]) -> list[Value]:
        entries = list(entries)
        found: Values = numbers(
            np.array([entry.step for entry in entries], np.int32), column, self._variables.ids
        )
        return [
            Value(entry.time, number, entry.status)
            for entry, number in zip(entries, found.tolist(), strict=True)
        ]


def _is_shown(place: _Place, time: int) -> bool:
    """Whether a scenario's value may be shown at `time` instead of the plant's."""
    return place.simulated_since is not None and time >= place.simulated_since
