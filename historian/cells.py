"""What one asset has stored of one tag, for whoever changes it; all within the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from historian.changes import Change, Entry
from historian.columns import NO_VALUE, Column, Table
from historian.due import datetime_of, time_of
from historian.quality import ALL_GOOD, Codes, QualityDictionary, enter, stored
from nodeset.status import GOOD

_AT = """
SELECT ts, coalesce({column}::integer, {missing}), quality FROM {table} AS kept
WHERE {at} AND ts = ANY(%(times)s)
"""
_FIRST = """
SELECT ts, coalesce({column}::integer, {missing}), quality FROM {table} AS kept
WHERE {at} AND {stored} ORDER BY ts LIMIT %(most)s
"""
_SET = """
UPDATE {table} AS kept SET {column} = new.step, quality = new.quality
FROM unnest(%(times)s::timestamptz[], %(steps)s::integer[], %(qualities)s::integer[])
    AS new (ts, step, quality)
WHERE {at} AND kept.ts = new.ts
"""
_ADD = """
INSERT INTO {table} (ts, asset_id, quality, {column})
SELECT ts, %(asset)s, quality, step
FROM unnest(%(times)s::timestamptz[], %(steps)s::integer[], %(qualities)s::integer[])
    AS new (ts, step, quality)
"""
_QUALITIES = "SELECT quality, count(*) FROM {table} AS kept WHERE {at} AND {stored} GROUP BY quality"
_REMEMBER = """
INSERT INTO modification (asset_id, tag, ts, value, status, kind, changed_at, user_name)
SELECT asset_id, {tag}, ts, {column}, %(status)s, {delete}, %(now)s, %(user)s FROM {table} AS kept
WHERE {at} AND quality = %(quality)s AND {present}
"""
_CLEAR = """
UPDATE {table} AS kept SET {column} = NULL, quality = %(new)s
WHERE {at} AND quality = %(quality)s AND {present}
"""
_DROP_EMPTY = "DELETE FROM {table} AS kept WHERE {at} AND quality = 0 AND {empty}"
_WITHIN: Final = sql.SQL("asset_id = %(asset)s AND kept.ts BETWEEN %(low)s AND %(high)s")


@dataclass(frozen=True)
class Cells:
    """The values of a column of an asset, and the qualities of the rows that they stand in."""

    connection: psycopg.AsyncConnection
    dictionary: QualityDictionary
    table: Table
    column: Column
    asset: int

    async def at(self, times: Sequence[int]) -> tuple[dict[int, Entry], dict[int, int]]:
        """What is stored at `times` [µs], and the quality numbers of all rows that there are."""
        reply = await self._execute(_AT, min(times), max(times), times=[datetime_of(time) for time in times])
        found = await reply.fetchall()
        return await self._entries(found), {time_of(ts): quality for ts, _, quality in found}

    async def first(self, low: int, high: int, most: int) -> list[Entry]:
        """The first of what is stored with low <= time <= high [µs]."""
        found = await (await self._execute(_FIRST, low, high, most=most)).fetchall()
        return list((await self._entries(found)).values())

    async def store(self, changed: Mapping[int, Entry | None], rows: Mapping[int, int]) -> None:
        """Store entries, None for nothing, by time; `rows` are the qualities of rows that are there."""
        known = await self.dictionary.codes(self.connection, set(rows.values()))
        numbers: dict[tuple[int, int], int] = {}
        parts: dict[str, list[tuple[int, int | None, int]]] = {_SET: [], _ADD: []}
        for time, entry in changed.items():
            before, status = rows.get(time, ALL_GOOD), GOOD if entry is None else entry.status
            if (before, status) not in numbers:
                numbers[before, status] = await self._quality(known.get(before, {}), status)
            step = None if entry is None or entry.step == NO_VALUE else entry.step
            parts[_SET if time in rows else _ADD].append((time, step, numbers[before, status]))
        for statement, lines in parts.items():
            if lines:
                await self._write(statement, lines)

    async def clear(self, low: int, high: int, now: int, user: str) -> int:
        """Delete all with low <= time <= high [µs] and remember it; returns how many values that were."""
        found = await (await self._execute(_QUALITIES, low, high)).fetchall()
        known = await self.dictionary.codes(self.connection, {quality for quality, _ in found})
        for quality, _ in found:
            codes = known[quality]
            terms: dict[str, Any] = {"quality": quality, "status": codes.get(self.column.name, GOOD)}
            terms |= {"new": await self._quality(codes, GOOD), "now": datetime_of(now), "user": user}
            for statement in (_REMEMBER, _CLEAR):
                await self._execute(statement, low, high, self.column.name in codes, **terms)
        return sum(count for _, count in found)

    async def _quality(self, codes: Codes, status: int) -> int:
        """The number of a row's quality once this column has `status`."""
        others = {name: code for name, code in codes.items() if name != self.column.name}
        if status != GOOD:
            others[self.column.name] = status
        return await enter(self.connection, self.table.asset.value, others) if others else ALL_GOOD

    async def _entries(self, found: Sequence[tuple[Any, int, int]]) -> dict[int, Entry]:
        codes = await self.dictionary.codes(self.connection, {quality for _, _, quality in found})
        entries = {}
        for ts, step, quality in found:
            status = codes[quality].get(self.column.name, GOOD)
            if step != NO_VALUE or status != GOOD:  # else nothing is stored
                time = time_of(ts)
                entries[time] = Entry(time, step, status)
        return entries

    async def _write(self, statement: str, lines: list[tuple[int, int | None, int]]) -> None:
        times, steps, qualities = (list(part) for part in zip(*lines, strict=True))
        moments = [datetime_of(time) for time in times]
        await self._execute(
            statement, min(times), max(times), times=moments, steps=steps, qualities=qualities
        )

    async def drop_empty(self, low: int, high: int) -> None:
        """Drop rows of which nothing is left, lest one be taken for the asset's latest."""
        await self._execute(_DROP_EMPTY, low, high)

    async def _execute(
        self, statement: str, low: int, high: int, coded: bool = True, **terms: Any
    ) -> psycopg.AsyncCursor[Any]:
        """`coded`: rows without a number are meant too, for their quality has a code for the column."""
        column = sql.Identifier(self.column.name)
        empty = [sql.SQL("{} IS NULL").format(sql.Identifier(each.name)) for each in self.table.columns]
        query = sql.SQL(statement).format(
            table=sql.Identifier(self.table.readings),
            column=column,
            tag=sql.Literal(self.column.name),
            missing=sql.Literal(NO_VALUE),
            delete=sql.Literal(int(Change.DELETE)),
            at=_WITHIN,
            stored=stored(self.column),
            present=sql.SQL("true") if coded else sql.SQL("{} IS NOT NULL").format(column),
            empty=sql.SQL(" AND ").join(empty),
        )
        names = {"asset": self.asset, "low": datetime_of(low), "high": datetime_of(high)}
        return await self.connection.execute(query, {**names, **terms})
