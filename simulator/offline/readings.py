"""The readings of an offline run one moment after the other, of all its sites together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drivers.statistics import without_gateways
from nodeset.fleet import build_fleet
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.offline.job import Job
from simulator.plant import Plant


def readings(job: Job, index: TagIndex) -> Iterator[Readings]:
    """What a run writes to files as `raw`, by rows of `index`, which is of the sites to be written.

    The groups' plants are stepped here as in their own processes, so the readings are the same.
    """
    parts = [TagIndex(build_fleet(group.file)) for group in job.groups]
    plants = [Plant(part, job.seed, job.start) for part in parts]
    rows = [_rows(part, index) for part in parts]
    for time in range(job.start, job.end, job.step):
        found = [without_gateways(index, time)]
        for plant, own in zip(plants, rows, strict=True):
            plant.advance(time)
            found.append(_moved(plant.readings(), own))
        yield Readings.joined(found)


def _rows(part: TagIndex, whole: TagIndex) -> NDArray[np.intp]:
    """Row in `whole` of each measured row of `part`; -1 where there is none."""
    rows = np.full(part.size, -1, np.intp)
    for row in part.measured().tolist():
        found = whole.row_of_id(part.identifier(row))
        rows[row] = -1 if found is None else found
    return rows


def _moved(read: Readings, rows: NDArray[np.intp]) -> Readings:
    moved = rows[read.rows]
    here = moved >= 0
    return Readings(moved[here], read.value[here], read.status[here], read.time[here])
