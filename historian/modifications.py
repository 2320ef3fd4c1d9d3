"""The values that history had before it was corrected: rows are added and never changed.

They are what HistoryRead of modified values tells (Part 11, 6.5.3.4): of each change the value that was
superseded or deleted, or that was inserted, and when by whom.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from historian.assets import AssetIds, Ids
from historian.changes import Modification
from historian.columns import NO_VALUE, Column
from historian.due import datetime_of, time_of
from historian.latest import numbers
from historian.span import Span
from nodeset.frame import Statuses, Times, Values

MAX_VALUES: Final = 100_000  # in one reply

_ADD = """
INSERT INTO modification (asset_id, tag, ts, value, status, kind, changed_at, user_name)
SELECT %s, %s, ts, value, status, kind, %s, %s
FROM unnest(%s::timestamptz[], %s::integer[], %s::bigint[], %s::smallint[]) AS new (ts, value, status, kind)
"""
_READ = """
SELECT id, ts, coalesce(value, {missing}), status, kind, changed_at, user_name FROM modification
WHERE asset_id = %s AND tag = %s AND ts BETWEEN %s AND %s AND {after}
ORDER BY ts {order}, id DESC LIMIT %s
"""


@dataclass(frozen=True)
class Modified:
    """Modified values of one variable, in the order asked for; of one time the last change first.

    `value` is NaN where there was no number, `change` a `Change`. `rest` goes on where the reply ends.
    """

    value: Values
    status: Statuses
    time: Times
    changed_at: Times
    change: Ids
    user: list[str]
    rest: tuple[int, int] | None


async def remember(
    connection: psycopg.AsyncConnection,
    asset: int,
    column: Column,
    modifications: Iterable[Modification],
    now: int,
    user: str,
) -> None:
    """Add modifications that `user` makes at `now` [µs], within the transaction that makes them."""
    kept = [(each.entry, int(each.change)) for each in modifications]
    await connection.execute(
        _ADD,
        (
            asset,
            column.name,
            datetime_of(now),
            user,
            [datetime_of(entry.time) for entry, _ in kept],
            [None if entry.step == NO_VALUE else entry.step for entry, _ in kept],
            [entry.status for entry, _ in kept],
            [change for _, change in kept],
        ),
    )


async def read_modified(
    connection: psycopg.AsyncConnection,
    ids: AssetIds,
    asset: int,
    column: Column,
    span: Span,
    limit: int,
    after: tuple[int, int] | None,
) -> Modified:
    """Up to `limit` (0: the most there can be) modified values of a column of an asset.

    `after` continues a reply: it is that reply's `rest`.
    """
    limit = min(limit, MAX_VALUES) or MAX_VALUES
    order, beyond = ("ASC", ">") if span.forward else ("DESC", "<")
    low, high = span.limits()
    query = _READ.format(
        missing=NO_VALUE,
        order=order,
        after="true" if after is None else f"(ts {beyond} %s OR (ts = %s AND id < %s))",
    )
    rest = () if after is None else (datetime_of(after[0]), datetime_of(after[0]), after[1])
    bounds = (asset, column.name, datetime_of(low), datetime_of(high), *rest, limit + 1)
    rows = await (await connection.execute(query.encode(), bounds)).fetchall()
    kept = rows[:limit]
    identity, time, steps, status, change, changed_at, user = zip(*kept, strict=True) if kept else [()] * 7
    return Modified(
        numbers(np.array(steps, np.int32), column, ids),
        np.array(status, np.uint32),
        _times(time),
        _times(changed_at),
        np.array(change, np.int32),
        list(user),
        (time_of(time[-1]), identity[-1]) if len(rows) > limit else None,
    )


def nothing_modified() -> Modified:
    """What a variable has that nobody corrects."""
    none = np.empty(0, np.int64)
    return Modified(np.empty(0), np.empty(0, np.uint32), none, none, np.empty(0, np.int32), [], None)


def _times(moments: Iterable[dt.datetime]) -> Times:
    return np.array([time_of(each) for each in moments], np.int64)
