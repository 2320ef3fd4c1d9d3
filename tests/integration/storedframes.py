"""Scans over midnight with values all over each tag's range, as the historian meets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import psycopg

from historian.engine import detect
from historian.rollups import RollUps
from nodeset import status as st
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import Kind

SECOND: Final = 1_000_000  # µs
CODES: Final = (st.GOOD, st.GOOD, st.UNCERTAIN_LAST_USABLE_VALUE, st.BAD_NO_COMMUNICATION)


def any_frame(index: TagIndex, time: int, codes: Sequence[int] = CODES, missing: float = 0.0) -> Frame:
    """Values all over each tag's range with several statuses; a share is `missing`, whatever the status."""
    rng = np.random.default_rng(time % 1000)
    frame = first_frame(index, time - 1).next(time)
    for tag in index.tags:
        n = index.fleet.count(tag.asset)
        value = rng.uniform(tag.low, tag.high, n)
        if tag.kind is Kind.QUARTER:
            value = rng.integers(2026 * 4, 2040 * 4, n).astype(float)
        elif tag.kind is not Kind.ANALOG:
            value = rng.integers(0, max(2, int(tag.high) + 1), n).astype(float)
        status = rng.choice(codes, n).astype(np.uint32)
        silent = status == st.BAD_NO_COMMUNICATION
        value[silent | (rng.random(n) < missing)] = np.nan
        frame.put(tag.asset, tag.name, value, status)
    return frame.freeze()


async def roll_up(conninfo: str, later: int) -> tuple[int, int]:
    """Make roll-ups of what is before a time [µs]: of how many hours and days."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        rollups = RollUps((await detect(connection)).timescale is not None)
        return await rollups.hours(connection, later), await rollups.days(connection, later)
