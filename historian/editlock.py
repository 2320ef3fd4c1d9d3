"""Who may change rows of readings that are there already: one at a time.

Corrections take the lock, and a scan that finds some of its rows there. A scan whose rows are new needs none.
"""

from __future__ import annotations

from typing import Final

import psycopg

_KEY: Final = 0x766B_6564_6974  # "vkedit"
# TimescaleDB gives up after 100,000 rows of compressed days, 70 days of scans a minute.
_TURN: Final = """
SELECT pg_advisory_xact_lock(%s),
    set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)
"""


async def take_turn(connection: psycopg.AsyncConnection) -> None:
    """Wait until nobody else changes rows; the lock goes with the transaction."""
    await connection.execute(_TURN, (_KEY,))
