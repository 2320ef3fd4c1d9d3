"""A scan that meets rows which are there already: what they lack of it is filled in.

After an outage most of them are the scan itself. Others hold a correction that was made for the same instant
before the scan came: what people have entered or deleted stays as they left it, everything else is the
scan's, and a value of the scan that a correction forestalls is kept among the modified ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import psycopg
from psycopg import sql

from historian.changes import EXTRA_DATA, Change
from historian.columns import NO_VALUE, Table
from historian.due import datetime_of
from historian.quality import ALL_GOOD, Codes, QualityDictionary, enter
from nodeset.status import GOOD

_DIFFERENT: Final = """
SELECT kept.asset_id, kept.quality, {kept}, new.quality, {new} FROM {stage} AS new
JOIN {readings} AS kept USING (asset_id, ts)
WHERE kept.ts = %s AND (kept.quality <> new.quality OR {lacking})
"""
_DELETED: Final = """
SELECT asset_id, tag FROM (
    SELECT DISTINCT ON (asset_id, tag) asset_id, tag, kind FROM modification
    WHERE ts = %s AND asset_id = ANY(%s) ORDER BY asset_id, tag, id DESC
) AS last WHERE kind = %s
"""
_FORESTALLED: Final = """
INSERT INTO modification (asset_id, tag, ts, value, status, kind, changed_at, user_name)
SELECT asset_id, tag, ts, %(value)s::integer, %(status)s::bigint, %(kind)s, changed_at, user_name
FROM modification AS last
WHERE asset_id = %(asset)s AND tag = %(tag)s AND ts = %(ts)s AND NOT EXISTS (
    SELECT FROM modification AS each
    WHERE each.asset_id = last.asset_id AND each.tag = last.tag AND each.ts = last.ts
    AND each.value IS NOT DISTINCT FROM %(value)s::integer AND each.status = %(status)s::bigint
) ORDER BY id DESC LIMIT 1
"""
_NOTHING: Final = (NO_VALUE, GOOD)
_Cells = dict[str, tuple[int, int]]  # step and StatusCode by column


async def fill_in(
    connection: psycopg.AsyncConnection, table: Table, stage: str, time: int, dictionary: QualityDictionary
) -> None:
    """Give rows of `table` at `time` [µs] what they lack of those in `stage`; its turn is the caller's."""
    found = await (await connection.execute(_different(table, stage), (datetime_of(time),))).fetchall()
    if not found:
        return
    names = [column.name for column in table.columns]
    middle = len(names) + 2
    known = await dictionary.codes(connection, {n for row in found for n in (row[1], row[middle])})
    deleted = await _deleted(connection, time, [row[0] for row in found])
    for row in found:
        kept = _cells(names, row[2:middle], known[row[1]])
        new = _cells(names, row[middle + 1 :], known[row[middle]])
        lacking = {n: cell for n, cell in new.items() if n not in kept and (row[0], n) not in deleted}
        if lacking:
            await _fill(connection, table, row[0], time, lacking, known[row[1]])
        await _keep_forestalled(connection, row[0], time, kept, new)


async def _fill(
    connection: psycopg.AsyncConnection, table: Table, asset: int, time: int, lacking: _Cells, codes: Codes
) -> None:
    codes = codes | {name: status for name, (_, status) in lacking.items() if status != GOOD}
    quality = await enter(connection, table.asset.value, codes) if codes else ALL_GOOD
    columns = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in lacking]
    query = sql.SQL("UPDATE {} SET quality = %s, {} WHERE asset_id = %s AND ts = %s").format(
        sql.Identifier(table.readings), sql.SQL(", ").join(columns)
    )
    steps = [None if step == NO_VALUE else step for step, _ in lacking.values()]
    await connection.execute(query, (quality, *steps, asset, datetime_of(time)))


async def _keep_forestalled(
    connection: psycopg.AsyncConnection, asset: int, time: int, kept: _Cells, new: _Cells
) -> None:
    for name, (step, status) in new.items():
        if kept.get(name, _NOTHING)[1] & EXTRA_DATA != EXTRA_DATA:
            continue  # nobody has corrected it
        terms = {"asset": asset, "tag": name, "ts": datetime_of(time), "kind": int(Change.REPLACE)}
        value = None if step == NO_VALUE else step
        await connection.execute(_FORESTALLED, {**terms, "value": value, "status": status})


async def _deleted(connection: psycopg.AsyncConnection, time: int, assets: list[int]) -> set[tuple[int, str]]:
    """Assets and columns whose values at `time` people have deleted."""
    reply = await connection.execute(_DELETED, (datetime_of(time), assets, int(Change.DELETE)))
    return {(asset, tag) for asset, tag in await reply.fetchall()}


def _cells(names: Iterable[str], steps: Iterable[Any], codes: Codes) -> _Cells:
    """What a row stores."""
    cells = {name: (step, codes.get(name, GOOD)) for name, step in zip(names, steps, strict=True)}
    return {name: cell for name, cell in cells.items() if cell != _NOTHING}


def _different(table: Table, stage: str) -> sql.Composed:
    names = [sql.Identifier(column.name) for column in table.columns]

    def steps(of: str) -> sql.Composed:
        each = sql.SQL("coalesce(" + of + ".{}::integer, {})")
        return sql.SQL(", ").join(each.format(name, sql.Literal(NO_VALUE)) for name in names)

    lacks = sql.SQL("(kept.{0} IS NULL AND new.{0} IS NOT NULL)")
    return sql.SQL(_DIFFERENT).format(
        kept=steps("kept"),
        new=steps("new"),
        stage=sql.Identifier(stage),
        readings=sql.Identifier(table.readings),
        lacking=sql.SQL(" OR ").join(lacks.format(name) for name in names),
    )
