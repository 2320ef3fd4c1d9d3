"""The log book of a simulated plant, as its people would write it: jars that failed, jars that were replaced.

Everything in it is a function of the seed, so that what was written before may be written again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from historian.maintenance import Maintenance, Work
from nodeset.fleet import Fleet
from server.maintenance.workbook import Workbook
from simulator.logbook import history_of_jars
from simulator.occurrences import Occurrence, OccurrenceKind
from simulator.plant import Plant

PERIOD: Final = 1.0  # s
PLANT: Final = "Plant"  # who writes it
_KINDS: Final = {
    OccurrenceKind.JAR_FAILED: Work.FAILURE,
    OccurrenceKind.JAR_REPLACED: Work.REPLACEMENT,
}


class PlantLog:
    """Records what happens in a simulated plant while it runs."""

    def __init__(self, plant: Plant, workbook: Workbook, offer: Callable[[Maintenance], None]) -> None:
        self._plant = plant
        self._workbook = workbook
        self._offer = offer

    async def run(self) -> None:
        """Record until cancelled."""
        while True:
            self.keep()
            await asyncio.sleep(PERIOD)

    def keep(self) -> None:
        """Record what has happened since this was last called."""
        works = works_of(self._plant.fleet, self._plant.occurrences())
        for work in works:
            self._offer(work)
        self._workbook.follow(works)


def life_of_jars(plant: Plant) -> list[Maintenance]:
    """Every failure and replacement until the plant's time, oldest first."""
    return works_of(plant.fleet, history_of_jars(plant.fleet, plant.makeup.tenures, plant.time))


def works_of(fleet: Fleet, occurrences: Iterable[Occurrence]) -> list[Maintenance]:
    """What is to be recorded of what has happened.

    A new jar is measured as the first one was: the plant makes all jars of a place alike when new.
    """
    works = []
    for each in occurrences:
        kind = _KINDS.get(each.kind)
        if kind is None:
            continue
        work = Maintenance(each.path, kind, each.time, each.time, PLANT, each.detail, each.time, PLANT)
        works.append(work if kind is Work.FAILURE else _with_new_jar(fleet, work))
    return works


def _with_new_jar(fleet: Fleet, work: Maintenance) -> Maintenance:
    first = fleet.jars[fleet.index_of[work.asset][1]]
    number = f"{first.serial}/{work.began // 86_400_000_000}"  # no other jar came to the place on that day
    return Maintenance(
        work.asset,
        work.kind,
        work.began,
        work.ended,
        work.done_by,
        work.note,
        work.recorded,
        work.recorded_by,
        number,
        first.baseline_resistance,
    )
