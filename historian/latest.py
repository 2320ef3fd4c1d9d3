"""The last stored value of every variable: what a restarted server shows until the first scan."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg import sql

from historian.assets import AssetIds, Ids
from historian.columns import NO_VALUE, TABLES, Column, Table
from historian.copyformat import POSTGRES_EPOCH
from historian.due import datetime_of, time_of
from historian.quality import QualityDictionary
from historian.rows import Scaled
from nodeset.frame import Readings, Values
from nodeset.index import TagIndex
from nodeset.status import GOOD
from nodeset.tags import Kind

LOOK_BACK: Final = 10  # rows of an asset in which what its newest one lacks is looked for
_DAY: Final = dt.timedelta(days=1)
_ROWS: Final = """
SELECT each.* FROM unnest(%s::integer[]) AS wanted (id) CROSS JOIN LATERAL (
    SELECT * FROM {} WHERE asset_id = id AND ts >= {} ORDER BY ts DESC OFFSET {} LIMIT {}) AS each
"""


async def newest_stored(connection: psycopg.AsyncConnection[Any]) -> int | None:
    """The time [µs] of the newest scan in the database."""
    row = await (await connection.execute("SELECT max(ts) FROM fleet_latest")).fetchone()
    return None if row is None or row[0] is None else time_of(row[0])


async def read_latest(
    connection: psycopg.AsyncConnection, index: TagIndex, ids: AssetIds, quality: QualityDictionary
) -> Readings:
    """Latest values of the present fleet, NULL is NaN; variables of which nothing is stored are left out."""
    newest = await newest_stored(connection)
    since = None if newest is None else datetime_of(newest) - _DAY
    parts = [
        part
        for table in TABLES.values()
        for part in await _read_table(connection, table, index, ids, quality, since)
    ]
    return Readings(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.status for part in parts]),
        np.concatenate([part.time for part in parts]),
    )


async def _read_table(
    connection: psycopg.AsyncConnection,
    table: Table,
    index: TagIndex,
    ids: AssetIds,
    quality: QualityDictionary,
    since: dt.datetime | None,
) -> list[Readings]:
    stored = await _newest(connection, table, ids.of[table.asset], since)
    parts, lacking = [], []
    for column in table.columns:
        there = await _is_there(connection, stored, column, quality)
        parts.append(await _readings(connection, stored[there], column, index, ids, quality))
        lacking.append(stored["asset_id"][~there])
    wanted = np.unique(np.concatenate(lacking)).astype(np.int32)
    if not wanted.size:
        return parts
    # A correction may have left a row with little in it: what it lacks is in one of those before.
    before = await _rows(connection, table, wanted, _source(table, None, offset=1, count=LOOK_BACK))
    for column, assets in zip(table.columns, lacking, strict=True):
        some = before[np.isin(before["asset_id"], assets)]
        some = some[await _is_there(connection, some, column, quality)]
        _, newest = np.unique(some["asset_id"], return_index=True)
        parts.append(await _readings(connection, some[newest], column, index, ids, quality))
    return parts


async def _newest(
    connection: psycopg.AsyncConnection, table: Table, assets: Ids, since: dt.datetime | None
) -> NDArray[np.void]:
    """The newest row of each asset.

    Nearly all have one from the last day, where the database need not look into the others.
    """
    stored = await _rows(connection, table, assets, _source(table, since, offset=0, count=1))
    silent = assets[~np.isin(assets, stored["asset_id"])]
    if since is None or not silent.size:
        return stored
    older = await _rows(connection, table, silent, _source(table, None, offset=0, count=1))
    return np.concatenate((stored, older))


async def _rows(
    connection: psycopg.AsyncConnection, table: Table, assets: Ids, source: sql.Composed
) -> NDArray[np.void]:
    """The rows of `source` of some assets, the newest first."""
    cursor = await connection.execute(_select(table, source), (assets.tolist(),), binary=True)
    reply = await cursor.fetchone()
    assert reply is not None
    fields = [("ts", ">i8"), ("asset_id", ">i4"), ("quality", ">i4")]
    return np.frombuffer(reply[0], fields + [(column.name, ">i4") for column in table.columns])


async def _is_there(
    connection: psycopg.AsyncConnection, stored: NDArray[np.void], column: Column, quality: QualityDictionary
) -> NDArray[np.bool_]:
    """Which rows store anything for a column."""
    status = await quality.statuses(connection, stored["quality"], column.name)
    found: NDArray[np.bool_] = (stored[column.name] != NO_VALUE) | (status != GOOD)
    return found


async def _readings(
    connection: psycopg.AsyncConnection,
    stored: NDArray[np.void],
    column: Column,
    index: TagIndex,
    ids: AssetIds,
    quality: QualityDictionary,
) -> Readings:
    tag = column.tag
    order = np.argsort(ids.of[tag.asset])
    assets = order[np.searchsorted(ids.of[tag.asset][order], stored["asset_id"])]
    return Readings(
        index.slice(tag.asset, tag.name).start + assets,
        numbers(stored[column.name].astype(np.int32), column, ids),
        await quality.statuses(connection, stored["quality"], column.name),
        stored["ts"].astype(np.int64) + POSTGRES_EPOCH,
    )


def numbers(steps: Scaled, column: Column, ids: AssetIds) -> Values:
    """What stored integers stand for; NaN for NULL, and for a jar that the fleet no longer has."""
    if column.tag.kind is Kind.JAR:
        steps = ids.jar_indices(steps)
    return np.where(steps == NO_VALUE, np.nan, steps / column.tag.scale)


def _source(table: Table, since: dt.datetime | None, offset: int, count: int) -> sql.Composed:
    """The rows of assets that are given by number, from `since` on: `count` of each, but for the newest."""
    begin = sql.SQL("'-infinity'") if since is None else sql.Literal(since)
    return sql.SQL(_ROWS).format(
        sql.Identifier(table.readings), begin, sql.Literal(offset), sql.Literal(count)
    )


def _select(table: Table, source: sql.Composed) -> sql.Composed:
    cells = sql.SQL(" || ").join(
        sql.SQL("int4send(coalesce({}::integer, {}))").format(sql.Identifier(column.name), NO_VALUE)
        for column in table.columns
    )
    return sql.SQL(
        "SELECT coalesce(string_agg(timestamptz_send(ts) || int4send(asset_id) || int4send(quality) || {}, "
        "''::bytea ORDER BY ts DESC), ''::bytea) FROM ({}) AS rows"
    ).format(cells, source)
