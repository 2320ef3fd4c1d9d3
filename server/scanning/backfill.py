"""A simulated plant's past, written in the background at the first start: trends begin with something (S2).

The frames pass the same evaluation as live ones, with a twin of their own that starts where the past
does. Alarms of the past are not told. A thread does the work, and it waits for the historian.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import structlog

from historian.historian import Historian
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings, first_frame
from server.livetable import LiveTable
from server.scanning.evaluation import Evaluation
from simulator.past import past

log = structlog.get_logger(__name__)

STEP: Final = 60.0  # s between scans of the past
WAITING: Final = 10  # scans that may wait for the historian
PAUSE: Final = 0.05  # s for each scan beyond that
_ALARM_COUNTS: Final = ("ActiveAlarms", "UnacknowledgedAlarms")


async def backfill(
    historian: Historian, evaluation: Evaluation, table: LiveTable, seed: int, end: int, hours: float
) -> None:
    """Write the `hours` before `end` [µs since 1970]."""
    readings = past(table.index, seed, end, hours, STEP)
    frames = _frames(table, evaluation, readings)
    count = 0
    while (frame := await asyncio.to_thread(next, frames, None)) is not None:
        historian.offer(frame)
        count += 1
        behind = historian.stats.scans_buffered - WAITING
        await asyncio.sleep(max(behind, 0) * PAUSE)
    log.info("the plant's past is written", scans=count, hours=hours)


def _frames(table: LiveTable, evaluation: Evaluation, readings: Iterator[Readings]) -> Iterator[Frame]:
    last: Frame | None = None
    for reading in readings:
        time = int(reading.time.max())
        last = evaluation.step(last or first_frame(table.index, time), reading, time)
        for asset in (AssetType.SITE, AssetType.FLEET):
            for name in _ALARM_COUNTS:
                last.put(asset, name, 0.0)
        last.value[:] = table.quantised(last.value)
        yield last.freeze()
