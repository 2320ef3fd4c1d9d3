"""Which hours of readings have changed since they were rolled up.

Whoever writes, edits or deletes readings notes their hours in the same transaction, last thing before its
commit. An hour counts its changes: a roll-up reads the count before it looks at the readings and takes the
note away only when the count is still the same and nobody is about to change it. So a change that commits at
whatever moment of a roll-up leaves its hour due, and no writer ever waits for a roll-up.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

import psycopg
from psycopg import sql

HOUR: Final = 3_600_000_000  # µs
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_AGAIN: Final = "ON CONFLICT (hour) DO UPDATE SET changes = rollup_due.changes + 1"
# In the order of time, so that two who note many do not wait for each other.
_NOTE_ALL: Final = f"""
INSERT INTO rollup_due (hour) SELECT DISTINCT hour FROM unnest(%s::timestamptz[]) AS hour ORDER BY hour
{_AGAIN}
"""
# Of the rows of an asset that there are.
_NOTE_RANGE: Final = """
INSERT INTO rollup_due (hour) SELECT DISTINCT date_trunc('hour', ts, 'UTC') AS hour FROM {}
WHERE asset_id = %s AND ts BETWEEN %s AND %s ORDER BY hour
"""


def datetime_of(time: int) -> dt.datetime:
    """A time [µs since 1970] as the database takes it."""
    return _EPOCH + dt.timedelta(microseconds=time)


def time_of(moment: dt.datetime) -> int:
    """The reverse."""
    return (moment - _EPOCH) // dt.timedelta(microseconds=1)


def noting(times: Iterable[int]) -> str:
    """A statement that notes that readings of these times [µs] have changed."""
    hours = sorted({time - time % HOUR for time in times})
    values = ", ".join(f"('{datetime_of(hour).isoformat()}')" for hour in hours)
    return f"INSERT INTO rollup_due (hour) VALUES {values} {_AGAIN}"


async def note_all(connection: psycopg.AsyncConnection, times: Iterable[int]) -> None:
    """Within a transaction: note that readings of these times [µs] have changed."""
    hours = sorted({time - time % HOUR for time in times})
    if hours:
        await connection.execute(_NOTE_ALL, ([datetime_of(hour) for hour in hours],))


async def note_range(
    connection: psycopg.AsyncConnection, table: str, asset: int, low: int, high: int
) -> None:
    """Within a transaction: note all hours in which an asset has readings with low <= time <= high [µs]."""
    query = sql.SQL(_NOTE_RANGE + _AGAIN).format(sql.Identifier(table))
    await connection.execute(query, (asset, datetime_of(low), datetime_of(high)))
