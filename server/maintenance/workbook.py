"""Maintenance as it is kept, and what follows from it: nameplates, twin and limits that begin anew (R9).

The tables `maintenance` and `capacity_test` are the truth; at every start what they say is taken up again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from analytics.capacitytest import at_reference
from historian.connections import Connections
from historian.maintenance import (
    CapacityTest,
    Maintenance,
    Work,
    add_capacity_test,
    add_maintenance,
    add_works,
    end_maintenance,
    last_capacity_tests,
    last_replacements,
)
from nodeset.fleet import AssetType, Fleet
from nodeset.frame import Values
from server.maintenance.nameplates import Nameplates
from server.scanning.prognosis import Prognosis
from server.scanning.told import CapacityFound

HOUR: Final = 3_600_000_000  # µs
EVER: Final = 1 << 62  # µs; later than any


class Workbook:
    """What is recorded of the plant; `baseline` [mΩ] is what alarms compare resistances with."""

    def __init__(
        self, connections: Connections, fleet: Fleet, prognosis: Prognosis, baseline: Values
    ) -> None:
        self.connections = connections
        self.nameplates = Nameplates(fleet)
        self._fleet = fleet
        self._prognosis = prognosis
        self._baseline = baseline

    async def open(self, plants: Iterable[Maintenance] = ()) -> None:
        """Take up what is recorded; first add what a simulated plant's log book says."""
        async with self.connections.use() as connection:
            await add_works(connection, plants)
            replacements = await last_replacements(connection, EVER)
            tests = await last_capacity_tests(connection, EVER)
        self.follow(replacements)
        self._learn(tests)

    async def record(self, work: Maintenance) -> int:
        """Keep maintenance; how many jars begin their lives anew.

        Work that lasted is ended by recording it again. `psycopg.IntegrityError`: it is there already.
        """
        async with self.connections.use() as connection:
            if work.ended is None or not await end_maintenance(connection, work):
                await add_maintenance(connection, work)
        return self.follow([work])

    async def record_test(self, test: CapacityTest) -> None:
        """Keep a capacity test, and let the twin learn from it. `psycopg.IntegrityError`: it is there."""
        async with self.connections.use() as connection:
            await add_capacity_test(connection, test)
        self._learn([test])

    def follow(self, works: Iterable[Maintenance]) -> int:
        """Let the jars that were replaced begin anew; how many do."""
        renewals = self.nameplates.renew(work for work in works if work.kind is Work.REPLACEMENT)
        for each in renewals:
            self._baseline[each.jar] = each.baseline
        if renewals:
            self._prognosis.renew(renewals)
        return len(renewals)

    def _learn(self, tests: Iterable[CapacityTest]) -> None:
        """The twin learns what tests of single jars found; a string ends with its weakest, whoever it is."""
        found = []
        for test in tests:
            kind, number = self._fleet.index_of.get(test.asset, (None, 0))
            if kind is AssetType.JAR:
                capacity = health_of(test) * self._fleet.jars[number].model.capacity
                found.append(CapacityFound(number, test.ended, capacity))
        if found:
            self._prognosis.learn(found)


def health_of(test: CapacityTest) -> float:
    """Capacity at 25 °C that a test found, against the rated one."""
    hours = (test.ended - test.began) / HOUR
    return at_reference(test.capacity, test.temperature, hours) / test.rated_capacity
