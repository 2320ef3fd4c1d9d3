"""The last stored value of every variable: what a restarted server shows until the first scan."""

from __future__ import annotations

import numpy as np
import psycopg
from psycopg import sql

from historian.assets import AssetIds
from historian.columns import NO_VALUE, TABLES, Column, Table
from historian.copyformat import POSTGRES_EPOCH
from historian.quality import QualityDictionary
from historian.rows import Scaled
from nodeset.frame import Readings, Values
from nodeset.index import TagIndex
from nodeset.status import GOOD
from nodeset.tags import Kind


async def read_latest(
    connection: psycopg.AsyncConnection, index: TagIndex, ids: AssetIds, quality: QualityDictionary
) -> Readings:
    """Latest values of the present fleet, NULL is NaN; variables of which nothing is stored are left out."""
    parts = [
        part
        for table in TABLES.values()
        for part in await _read_table(connection, table, index, ids, quality)
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
) -> list[Readings]:
    reply = await (await connection.execute(_select(table), binary=True)).fetchone()
    assert reply is not None
    fields = [("ts", ">i8"), ("asset_id", ">i4"), ("quality", ">i4")]
    stored = np.frombuffer(reply[0], fields + [(column.name, ">i4") for column in table.columns])
    order = np.argsort(ids.of[table.asset])
    known = ids.of[table.asset][order]
    place = np.searchsorted(known, stored["asset_id"])
    here = known[np.minimum(place, len(known) - 1)] == stored["asset_id"]
    stored, assets = stored[here], order[place[here]]
    time = stored["ts"].astype(np.int64) + POSTGRES_EPOCH
    parts = []
    for column in table.columns:
        rows = index.slice(table.asset, column.tag.name).start + assets
        status = await quality.statuses(connection, stored["quality"], column.name)
        steps = stored[column.name].astype(np.int32)
        there = (steps != NO_VALUE) | (status != GOOD)
        value = numbers(steps[there], column, ids)
        parts.append(Readings(rows[there], value, status[there], time[there]))
    return parts


def numbers(steps: Scaled, column: Column, ids: AssetIds) -> Values:
    """What stored integers stand for; NaN for NULL, and for a jar that the fleet no longer has."""
    if column.tag.kind is Kind.JAR:
        steps = ids.jar_indices(steps)
    return np.where(steps == NO_VALUE, np.nan, steps / column.tag.scale)


def _select(table: Table) -> sql.Composed:
    cells = sql.SQL(" || ").join(
        sql.SQL("int4send(coalesce({}::integer, {}))").format(sql.Identifier(column.name), NO_VALUE)
        for column in table.columns
    )
    return sql.SQL(
        "SELECT coalesce(string_agg(timestamptz_send(ts) || int4send(asset_id) || int4send(quality) || {}, "
        "''::bytea), ''::bytea) FROM {}"
    ).format(cells, sql.Identifier(table.latest))
