"""Readings of another time than now, evaluated as a scan does and written to the historian, many at a time.

No alarms are told of them. The next frames are worked out while the database writes the last, and nothing
else waits, so memory is bounded; what is there already is left as it is, so a load can be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from historian.assets import AssetIds
from historian.rows import Scan, scan_of
from historian.store import Store
from nodeset.fleet import AssetType
from nodeset.frame import Frame, Readings, first_frame
from nodeset.index import TagIndex
from server.livetable import LiveTable
from server.scanning.evaluation import Evaluation

SCANS_AT_ONCE: Final = 60  # of the shipped fleet: 20 MB, and half a second of the database
_ALARM_COUNTS: Final = (
    "ActiveAlarms",
    "UnacknowledgedAlarms",
    "LowAlarms",
    "MediumAlarms",
    "HighAlarms",
    "CriticalAlarms",
    "SuppressedAlarms",
    "ShelvedAlarms",
    "OutOfServiceAlarms",
    "StandingAlarms",
    "ChatteringAlarms",
    "AlarmRate",
    "AlarmFlood",
    "OpenIncidents",
)


async def load(
    frames: Iterator[Frame], store: Store, ids: AssetIds, after: int, told: Callable[[int], None]
) -> int:
    """Write the frames later than `after` [µs]; `told` hears the time of each. Gives the new rows."""
    rows = 0
    later = (frame for frame in frames if frame.time > after)
    scans = await asyncio.to_thread(_next, later, ids)
    while scans:
        async with asyncio.TaskGroup() as both:
            writing = both.create_task(store.write(*scans))
            working = both.create_task(asyncio.to_thread(_next, later, ids))
        rows += writing.result()
        for scan in scans:
            told(scan.time)
        scans = working.result()
    return rows


def evaluated(index: TagIndex, evaluation: Evaluation, readings: Iterator[Readings]) -> Iterator[Frame]:
    """The frozen frame of each reading, with values rounded as the live table has them."""
    table = LiveTable(index)
    last: Frame | None = None
    for reading in readings:
        time = int(reading.time.max())
        last = evaluation.step(last or first_frame(index, time), reading, time)
        for asset in (AssetType.SITE, AssetType.FLEET):
            for name in _ALARM_COUNTS:
                last.put(asset, name, 0.0)
        last.value[:] = table.quantised(last.value)
        yield last.freeze()


def _next(frames: Iterator[Frame], ids: AssetIds) -> list[Scan]:
    """The next scans, as many as are written in a transaction."""
    return [scan_of(frame, ids) for frame in islice(frames, SCANS_AT_ONCE)]
