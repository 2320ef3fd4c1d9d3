"""Predictions that have matured: what was said of each jar a week ago, and what is known of it since (R6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from historian.moments import moment

DAY: Final = 86_400_000_000  # µs
RIPE: Final = 7 * DAY  # a prediction is looked up after this
_OLDEST: Final = 37 * DAY  # one from before is of another time
_READ: Final = """
WITH said AS (
    SELECT DISTINCT ON (asset_id) asset_id, issued_at, value FROM prediction
    WHERE model_version = %(version)s AND horizon = 0 AND issued_at > %(oldest)s AND issued_at <= %(ripe)s
    ORDER BY asset_id, issued_at DESC
), known AS (
    SELECT DISTINCT ON (asset_id) asset_id, issued_at, value FROM prediction
    WHERE model_version = %(version)s AND horizon = 0 AND issued_at > %(ripe)s AND issued_at <= %(now)s
    ORDER BY asset_id, issued_at DESC
)
SELECT said.value, known.value,
    extract(epoch FROM %(now)s - said.issued_at) / 86400,
    extract(epoch FROM %(now)s - known.issued_at) / 86400,
    extract(epoch FROM work.failed - said.issued_at) / 86400,
    work.replaced IS NOT NULL
FROM said LEFT JOIN known USING (asset_id) CROSS JOIN LATERAL (
    SELECT min(began) FILTER (WHERE kind = 'Failure') AS failed,
        min(began) FILTER (WHERE kind = 'Replacement') AS replaced
    FROM maintenance WHERE asset_id = said.asset_id AND began > said.issued_at AND began <= %(now)s
) AS work
"""


@dataclass(frozen=True)
class Matured:
    """Jars of which something was said at least a week ago, arrays of shape (jars,)."""

    then: NDArray[np.float64]  # d that were foretold
    now: NDArray[np.float64]  # d that are foretold now; NaN where nothing is
    passed: NDArray[np.float64]  # d since, or until it failed
    failed: NDArray[np.bool_]


async def read_matured(connection: psycopg.AsyncConnection, version: str, time: int) -> Matured:
    """What a model said a week before `time` [µs], its last word in the month before that.

    Of a jar that was replaced without having failed nobody will know any more.
    """
    given = {
        "version": version,
        "now": moment(time),
        "ripe": moment(time - RIPE),
        "oldest": moment(time - _OLDEST),
    }
    rows = await (await connection.execute(_READ, given)).fetchall()
    found = np.array([_row(*row) for row in rows], np.float64).reshape(-1, 4)
    return Matured(found[:, 0], found[:, 1], found[:, 2], found[:, 3] > 0)


def _row(
    then: float, now: float | None, passed: float, since: float | None, lived: float | None, replaced: bool
) -> tuple[float, float, float, float]:
    if lived is not None:
        return then, np.nan, float(lived), 1.0
    if now is None or since is None or replaced:
        return then, np.nan, float(passed), 0.0
    return then, max(now - float(since), 0.0), float(passed), 0.0
