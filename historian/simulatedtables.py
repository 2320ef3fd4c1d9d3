"""The tables of simulated readings: rows come by COPY, and go with their partitions.

Assets that share their parent (the jars of a string, the strings of a system ...) share a partition, made
when its first rows come. A partition whose rows must all go is detached, which takes the same few
milliseconds for ten rows and for ten million, and dropped afterwards, which takes as long as the file system
likes; only rows beside others that stay are deleted one by one.
Partitions are unlogged: nobody misses them after a crash (docs/decisions/0011).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
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

AT_ONCE: Final = 100  # partitions in a transaction, within its share of locks
FREED_AT_ONCE: Final = 10  # what waits for the connection meanwhile waits some tenths of a second
# A reader that takes long must not keep everybody waiting behind us: try again instead.
_LOCK_TIMEOUT: Final = "SET LOCAL lock_timeout = '2s'"
_PARTITIONS: Final = """
SELECT child.relname, pg_total_relation_size(child.oid) FROM pg_inherits
JOIN pg_class parent ON parent.oid = inhparent JOIN pg_class child ON child.oid = inhrelid
WHERE parent.relname = ANY(%s) AND child.relkind = 'r'
"""
_ALL: Final = r"""
SELECT relname FROM pg_class
WHERE relkind = 'r' AND relname ~ '_simulated_\d+_\d{8}$' AND relnamespace = current_schema()::regnamespace
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


class SimulatedTables:
    """The writing side of the simulated tables; one call at a time. `clear` comes first."""

    def __init__(self, connect: Connect, fleet: Fleet, ids: AssetIds, quality: QualityDictionary) -> None:
        self._connect = connect
        self._ids = ids
        self._quality = quality
        self._parents = _parents(fleet)
        self._held = no_assets(fleet)  # assets that have rows
        self._made: dict[_Group, str] = {}  # partitions
        self._detached: list[str] = []
        self._serial = count(1)
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
        """Remove all rows of the chosen assets; `free` gives the space back."""
        connection = await self._open()
        whole: list[_Group] = []
        for asset, some in chosen.items():
            gone = some & self._held[asset]
            stays = np.unique(self._parents[asset][self._held[asset] & ~gone])
            for number in np.unique(self._parents[asset][gone]).tolist():
                group = _Group(TABLES[asset], number)
                if number in stays:
                    await self._delete(connection, group, gone)
                elif group in self._made:
                    whole.append(group)
        for first in range(0, len(whole), AT_ONCE):
            await self._detach(connection, whole[first : first + AT_ONCE])
        for asset, some in chosen.items():
            self._held[asset] &= ~some

    @property
    def to_free(self) -> bool:
        """Whether removed rows still take space."""
        return bool(self._detached)

    async def free(self) -> None:
        """Give back the space of some of the rows that were removed."""
        some = self._detached[:FREED_AT_ONCE]
        await _drop(await self._open(), some)
        self._detached = [name for name in self._detached if name not in some]

    async def clear(self) -> None:
        """Remove all that there is, also what an earlier run has left."""
        connection = await self._open()
        names = [name for (name,) in await (await connection.execute(_ALL)).fetchall()]
        for first in range(0, len(names), AT_ONCE):
            await _drop(connection, names[first : first + AT_ONCE])
        self._made, self._detached = {}, []
        for held in self._held.values():
            held[:] = False

    async def size(self) -> int:
        """Bytes that simulated rows take in the database."""
        return await size_of(await self._open())

    async def close(self) -> None:
        """Let go of the connection; the next call opens another."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _open(self) -> psycopg.AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            await self._load(self._connection)
        return self._connection

    async def _make(self, connection: psycopg.AsyncConnection, chosen: Assets) -> None:
        """Have the partitions that rows of the chosen assets go to."""
        wanted = {
            _Group(TABLES[asset], number)
            for asset, some in chosen.items()
            for number in np.unique(self._parents[asset][some]).tolist()
        }
        for group in wanted - self._made.keys():
            members = self._ids.of[group.table.asset][self._parents[group.table.asset] == group.number]
            name = f"{group.table.simulated}_{group.number}_{next(self._serial):08d}"
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT)
                await connection.execute(_create(name, group, members.tolist()))
            self._made[group] = name

    async def _load(self, connection: psycopg.AsyncConnection) -> None:
        """Find out which partitions there are: after a lost connection nobody knows."""
        found = await (await connection.execute(_PARTITIONS, (_PARENTS,))).fetchall()
        tables = {table.simulated: table for table in TABLES.values()}
        self._made = {}
        for name, _ in found:
            table, number, _serial = name.rsplit("_", 2)
            self._made[_Group(tables[table], int(number))] = name

    async def _detach(self, connection: psycopg.AsyncConnection, groups: list[_Group]) -> None:
        async with connection.transaction():
            await connection.execute(_LOCK_TIMEOUT)
            for group in groups:
                names = map(sql.Identifier, (group.table.simulated, self._made[group]))
                await connection.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(*names))
        self._detached += [self._made.pop(group) for group in groups]

    async def _delete(
        self, connection: psycopg.AsyncConnection, group: _Group, gone: NDArray[np.bool_]
    ) -> None:
        asset = group.table.asset
        ids = self._ids.of[asset][gone & (self._parents[asset] == group.number)]
        query = sql.SQL("DELETE FROM {} WHERE asset_id = ANY(%s)").format(sql.Identifier(self._made[group]))
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


async def _drop(connection: psycopg.AsyncConnection, partitions: Iterable[str]) -> None:
    async with connection.transaction():
        await connection.execute(_LOCK_TIMEOUT)
        names = sql.SQL(", ").join(map(sql.Identifier, partitions))
        await connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(names))


def _create(name: str, group: _Group, ids: list[int]) -> sql.Composed:
    return sql.SQL(
        "CREATE UNLOGGED TABLE {} PARTITION OF {} FOR VALUES IN ({}) WITH (autovacuum_enabled = false)"
    ).format(
        sql.Identifier(name),
        sql.Identifier(group.table.simulated),
        sql.SQL(", ").join(map(sql.Literal, ids)),
    )


def _copy(table: Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.names))
    return sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(table.simulated), columns)
