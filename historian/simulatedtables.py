"""The tables of simulated readings: rows come by COPY, and go by dropping partitions.

Assets that share their parent (the jars of a string, the strings of a system ...) share a partition, made
when its first rows come. A partition whose rows must all go is dropped, which takes the same few
milliseconds for ten rows and for ten million; only rows beside others that stay are deleted one by one.
Partitions are unlogged: nobody misses them after a crash (docs/decisions/0011).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from historian.assets import AssetIds
from historian.columns import TABLES, Table
from historian.connections import Connect
from historian.copyformat import encode
from historian.quality import QualityDictionary
from historian.rows import Rows, Scan
from nodeset.fleet import AssetType, Fleet, Index

Assets = dict[AssetType, NDArray[np.bool_]]  # which assets of each type

DROPPED_AT_ONCE: Final = 100  # partitions in a transaction, within its share of locks
# A reader that takes long must not keep everybody waiting behind us: try again instead.
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '2s'"
_PARTITIONS: Final = """
SELECT child.relname, pg_total_relation_size(child.oid) FROM pg_inherits
JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
WHERE parent.relname = ANY(%s) AND child.relkind = 'r'
"""
_PARENTS: Final = [table.simulated for table in TABLES.values()]


def no_assets(fleet: Fleet) -> Assets:
    """None of the fleet."""
    return {asset: np.zeros(fleet.count(asset), np.bool_) for asset in TABLES}


@dataclass(frozen=True)
class _Group:
    """Assets of one type with the same parent, which is `number`."""

    table: Table
    number: int

    @property
    def partition(self) -> str:
        return f"{self.table.simulated}_{self.number:08d}"


class SimulatedTables:
    """The writing side of the simulated tables; one call at a time. `clear` comes first."""

    def __init__(self, connect: Connect, fleet: Fleet, ids: AssetIds, quality: QualityDictionary) -> None:
        self._connect = connect
        self._ids = ids
        self._quality = quality
        self._parents = _parents(fleet)
        self._held = no_assets(fleet)  # assets that have rows
        self._made: set[_Group] = set()
        self._connection: psycopg.AsyncConnection | None = None

    async def write(self, scan: Scan, chosen: Assets) -> int:
        """Write the rows of the chosen assets, in one transaction; returns how many.

        None are written where one of them is there already: two looks at a scenario at the same time.
        """
        parts = [
            _only(rows, chosen[rows.table.asset]) for rows in scan.rows if chosen[rows.table.asset].any()
        ]
        connection = await self._open()
        qualities = [await self._quality.ids(connection, rows) for rows in parts]
        streams = await asyncio.to_thread(
            lambda: [encode(rows, scan.time, ids) for rows, ids in zip(parts, qualities, strict=True)]
        )
        await self._make(connection, chosen)
        for asset, some in chosen.items():
            self._held[asset] |= some
        try:
            async with connection.transaction():
                for rows, stream in zip(parts, streams, strict=True):
                    async with connection.cursor() as cursor, cursor.copy(_copy(rows.table)) as copy:
                        await copy.write(stream)
        except psycopg.errors.UniqueViolation:
            return 0
        return sum(len(rows.assets) for rows in parts)

    async def remove(self, chosen: Assets) -> None:
        """Remove all rows of the chosen assets."""
        connection = await self._open()
        whole: list[_Group] = []
        for asset, some in chosen.items():
            gone = some & self._held[asset]
            stays = np.unique(self._parents[asset][self._held[asset] & ~gone])
            for number in np.unique(self._parents[asset][gone]).tolist():
                group = _Group(TABLES[asset], number)
                if number in stays:
                    await self._delete(connection, group, gone)
                else:
                    whole.append(group)
        for first in range(0, len(whole), DROPPED_AT_ONCE):
            batch = whole[first : first + DROPPED_AT_ONCE]
            await _drop(connection, [group.partition for group in batch])
            self._made.difference_update(batch)
        for asset, some in chosen.items():
            self._held[asset] &= ~some

    async def clear(self) -> None:
        """Remove all that there is, also what an earlier run has left."""
        connection = await self._open()
        names = [name for name, _ in await (await connection.execute(_PARTITIONS, (_PARENTS,))).fetchall()]
        for first in range(0, len(names), DROPPED_AT_ONCE):
            await _drop(connection, names[first : first + DROPPED_AT_ONCE])
        self._made.clear()
        for held in self._held.values():
            held[:] = False

    async def size(self) -> int:
        """Bytes that simulated rows take in the database."""
        return await size_of(await self._open())

    async def close(self) -> None:
        """Let go of the connection; the next call opens another, and takes no partition for granted."""
        self._made.clear()
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _open(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
        return self._connection

    async def _make(self, connection: psycopg.AsyncConnection, chosen: Assets) -> None:
        """Have the partitions that rows of the chosen assets go to."""
        wanted = {
            _Group(TABLES[asset], number)
            for asset, some in chosen.items()
            for number in np.unique(self._parents[asset][some]).tolist()
        }
        for group in wanted - self._made:
            members = self._ids.of[group.table.asset][self._parents[group.table.asset] == group.number]
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(_create(group, members.tolist()))
            self._made.add(group)

    async def _delete(
        self, connection: psycopg.AsyncConnection, group: _Group, gone: NDArray[np.bool_]
    ) -> None:
        asset = group.table.asset
        ids = self._ids.of[asset][gone & (self._parents[asset] == group.number)]
        query = sql.SQL("DELETE FROM {} WHERE asset_id = ANY(%s)").format(sql.Identifier(group.partition))
        await connection.execute(query, (ids.tolist(),))


async def size_of(connection: psycopg.AsyncConnection) -> int:
    """Bytes that simulated rows take in the database."""
    found = await (await connection.execute(_PARTITIONS, (_PARENTS,))).fetchall()
    return sum(int(taken) for _, taken in found)


def _parents(fleet: Fleet) -> dict[AssetType, Index]:
    """Index of each asset's parent, by the asset's type."""
    return {
        AssetType.FLEET: np.zeros(1, np.intp),
        AssetType.SITE: np.zeros(len(fleet.sites), np.intp),
        AssetType.SYSTEM: fleet.site_of_system,
        AssetType.STRING: fleet.system_of_string,
        AssetType.JAR: fleet.string_of_jar,
    }


def _only(rows: Rows, some: NDArray[np.bool_]) -> Rows:
    if some.all():
        return rows
    return replace(rows, assets=rows.assets[some], value=rows.value[:, some], status=rows.status[:, some])


async def _drop(connection: psycopg.AsyncConnection, partitions: list[str]) -> None:
    async with connection.transaction():
        await connection.execute(_LOCK_TIMEOUT)
        names = sql.SQL(", ").join(map(sql.Identifier, partitions))
        await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(names))


def _create(group: _Group, ids: list[int]) -> sql.Composed:
    return sql.SQL(
        "CREATE UNLOGGED TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES IN ({}) "
        "WITH (autovacuum_enabled = false)"
    ).format(
        sql.Identifier(group.partition),
        sql.Identifier(group.table.simulated),
        sql.SQL(", ").join(map(sql.Literal, ids)),
    )


def _copy(table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.names))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table.simulated), columns)
