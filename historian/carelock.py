"""Who may rearrange the past just now.

A backup reads all days in one snapshot. A day that is dropped, clustered or compressed meanwhile would be
gone or empty in it, so all care of days takes this lock first, for its transaction, and leaves the work for
the next time when it is not to be had. Several may read at a time; the database lets go of the lock with
the connection, however that ends.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg

_KEY: Final = 0x766B_6361_7265  # "vkcare"


async def may_rearrange(connection: psycopg.AsyncConnection) -> bool:
    """Whether nobody reads all of the past; if so nobody begins to until this transaction ends."""
    cursor = await connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (_KEY,))
    return await cursor.fetchone() == (True,)


def keep_as_it_is(connection: psycopg.Connection[Any]) -> None:
    """Let nobody rearrange the past as long as the connection lasts; waits for who does so now."""
    connection.execute("SELECT pg_advisory_lock_shared(%s)", (_KEY,))
