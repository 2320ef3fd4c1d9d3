"""Compression of old chunks on TimescaleDB, by the plant's clock.

Rows of one asset are compressed together, in the order of time. Late rows and corrections go into a
compressed chunk as into any other, and it is compressed again.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import psycopg
from psycopg import sql

from historian.carelock import may_rearrange
from historian.partitions import day_of
from historian.retention import DAILY, HOURLY, READINGS

# Status bits of a chunk: 1 compressed, 2 out of order, 8 with rows that are not.
_CHUNKS: Final = """
SELECT format('%%I.%%I', info.chunk_schema, info.chunk_name), info.range_start, info.range_end
FROM timescaledb_information.chunks AS info
JOIN _timescaledb_catalog.chunk AS chunk
    ON chunk.schema_name = info.chunk_schema AND chunk.table_name = info.chunk_name
WHERE info.hypertable_name = ANY(%s) AND info.range_end <= %s
    AND (chunk.status & 1 = 0 OR chunk.status & 10 <> 0)
    AND NOT EXISTS (SELECT FROM rollup_due WHERE hour >= info.range_start AND hour < info.range_end)
ORDER BY info.range_start LIMIT 1
"""


class Compression:
    """Compresses chunks whose youngest row is `days` old."""

    def __init__(self, days: int) -> None:
        self._days = days

    async def run(self, connection: psycopg.AsyncConnection[Any], now: int) -> int:
        """Compress the oldest chunk that is due at `now` [µs] and rolled up; 0 if there was none."""
        limit = day_of(now) - dt.timedelta(days=self._days)
        tables = [*READINGS, *HOURLY, *DAILY]
        try:
            async with connection.transaction():
                if not await may_rearrange(connection):
                    return 0
                found = await (await connection.execute(_CHUNKS, (tables, limit))).fetchone()
                if found is None:
                    return 0
                await connection.execute(sql.SQL("SELECT compress_chunk({})").format(sql.Literal(found[0])))
        except psycopg.errors.LockNotAvailable:
            return 0
        return 1
