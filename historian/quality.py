"""The dictionary of qualities: which StatusCodes the values of one row carry, as one number a row.

Number 0 says that all are Good. Other combinations are few and are entered when first met, in a
transaction of their own, so that a number once seen stays true.

A column that is NULL in a row whose quality says Good of it means that nothing is stored there: the tag is
younger than the row, its value was deleted, or the row was inserted for another tag (docs/decisions/0002).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from psycopg.types.json import Jsonb

from historian.assets import Ids
from historian.columns import Column, Table
from historian.rows import Rows
from nodeset.frame import Statuses
from nodeset.status import GOOD

ALL_GOOD: Final = 0

Codes = dict[str, int]  # column -> StatusCode, Good ones left out

_ENTER = "INSERT INTO quality (asset_type, codes) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_FIND = "SELECT id FROM quality WHERE asset_type = %s AND codes = %s"
_MIX: Final = np.random.default_rng(7).integers(1, 2**63, 256, np.uint64) | np.uint64(1)


class QualityDictionary:
    """Both directions of the table `quality`, with what has been met kept in memory."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, bytes], int] = {}
        self._codes: dict[int, Codes] = {ALL_GOOD: {}}
        self._last: dict[
            str, tuple[Statuses, Ids]
        ] = {}  # by table: most scans have the qualities of the last

    async def ids(self, connection: psycopg.AsyncConnection, rows: Rows) -> Ids:
        """Number of the quality of each row."""
        last = self._last.get(rows.table.readings)
        if last is not None and np.array_equal(rows.status, last[0]):
            return last[1]
        ids = await self._ids_of(connection, rows)
        self._last[rows.table.readings] = rows.status, ids
        return ids

    async def _ids_of(self, connection: psycopg.AsyncConnection, rows: Rows) -> Ids:
        if not rows.status.any():
            return np.zeros(len(rows.assets), np.int32)
        combinations, which = distinct(rows.status)
        numbers = [await self._id(connection, rows.table, codes) for codes in combinations]
        return np.array(numbers, np.int32)[which]

    async def statuses(self, connection: psycopg.AsyncConnection, ids: Ids, column: str) -> Statuses:
        """StatusCode of a column in rows of these quality numbers."""
        numbers, which = np.unique(ids, return_inverse=True)
        known = await self.codes(connection, numbers.tolist())
        codes = [known[number].get(column, GOOD) for number in numbers.tolist()]
        return np.array(codes, np.uint32)[which]

    async def codes(self, connection: psycopg.AsyncConnection, ids: Iterable[int]) -> dict[int, Codes]:
        """The codes of these quality numbers, which have been committed."""
        wanted = set(ids)
        unknown = [number for number in wanted if number not in self._codes]
        if unknown:
            query = "SELECT id, codes FROM quality WHERE id = ANY(%s)"
            self._codes.update(await (await connection.execute(query, (unknown,))).fetchall())
        return {number: self._codes[number] for number in wanted}

    async def _id(self, connection: psycopg.AsyncConnection, table: Table, status: Statuses) -> int:
        key = table.readings, status.tobytes()
        if key not in self._ids:
            names = (column.name for column in table.columns)
            codes = {name: code for name, code in zip(names, status.tolist(), strict=True) if code != GOOD}
            self._ids[key] = await enter(connection, table.asset.value, codes) if codes else ALL_GOOD
        return self._ids[key]


async def enter(connection: psycopg.AsyncConnection, asset: str, codes: Codes) -> int:
    """The number of a combination of codes; true as long as the transaction that it is entered in holds."""
    row = (asset, Jsonb(codes))
    async with connection.transaction():
        found = await (await connection.execute(_FIND, row)).fetchone()
        if found is None:
            await connection.execute(_ENTER, row)
            found = await (await connection.execute(_FIND, row)).fetchone()
    assert found is not None
    return int(found[0])


def stored(column: Column) -> sql.Composed:
    """SQL condition on rows of readings: whether they store anything for a column.

    The sub-query is made a hash table when the first NULL is met, and costs nothing before.
    """
    return sql.SQL("({} IS NOT NULL OR quality IN (SELECT id FROM quality WHERE codes ? {}))").format(
        sql.Identifier(column.name), sql.Literal(column.name)
    )


def fit(column: Column, limit: int) -> sql.Composed:
    """SQL condition on rows of readings: whether they hold a number with a StatusCode below `limit`."""
    return sql.SQL(
        "({} IS NOT NULL AND NOT quality IN (SELECT id FROM quality WHERE (codes ->> {})::bigint >= {}))"
    ).format(sql.Identifier(column.name), sql.Literal(column.name), sql.Literal(limit))


def distinct(status: Statuses) -> tuple[Statuses, NDArray[np.intp]]:
    """The distinct columns of `status` (tags, rows), one a row of the result, and which one each row has.

    Columns are told apart by a 64-bit mix of their codes, which is ten times as fast as sorting them
    whole; should two ever mix to the same number, they are sorted whole after all.
    """
    mixed = (status.astype(np.uint64) * _MIX[: len(status), None]).sum(0, dtype=np.uint64)
    _, first, which = np.unique(mixed, return_index=True, return_inverse=True)
    found = status[:, first]
    if (found[:, which] != status).any():
        found, which = np.unique(status, axis=1, return_inverse=True)
    return np.ascontiguousarray(found.T), which.astype(np.intp)
