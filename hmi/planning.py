"""The maintenance plan as plain rows: visits with their jars, and a matrix of quarters and sites (R9).

`read` asks the server (`Maintenance.MaintenancePlan`); times in ms since 1970, costs in the plan's currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.methods import outputs
from hmi.subscription import microseconds
from hmi.topology import Topology

OWNER: Final = "Maintenance"
_VISITS: Final = 7  # outputs that tell of visits, one after another
_JOBS: Final = 4  # and of their jars
_MILLISECOND: Final = 1000  # µs


@dataclass(frozen=True)
class Job:
    """A jar that a visit replaces: `reason` is DUE, EARLY, WHOLE_STRING or LATE."""

    jar: str
    due: str  # quarter
    reason: str


@dataclass(frozen=True)
class Visit:
    """A day at a site; `notes` are SONGKRAN, MONSOON or LATE."""

    site: str
    begins: int
    ends: int
    quarter: str
    replacements: int
    cost: float
    notes: tuple[str, ...]
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Cell:
    """What is done at a site in a quarter."""

    site: str
    quarter: str
    visits: int
    replacements: int
    cost: float


@dataclass(frozen=True)
class Plan:
    """Visits in the order of their days; what they cost, and what a visit for each jar would."""

    visits: tuple[Visit, ...]
    whole_strings: tuple[str, ...]
    cost: float
    separate_cost: float
    given_up: float
    currency: str

    def as_json(self, topology: Topology) -> dict[str, Any]:
        """All of it for the browser: with the matrix, and with each visit the assets that are replaced."""
        told = asdict(self) | {"cells": [asdict(cell) for cell in matrix(self.visits)]}
        for visit, row in zip(self.visits, told["visits"], strict=True):
            row["assets"] = replaced(topology, [job.jar for job in visit.jobs])
        return told


async def read(client: Client, topology: Topology, site: str, quarters: int) -> Plan:
    """The plan of a site, of the fleet without one; `ua.UaStatusCodeError` where the server has none."""
    asked = ua.Variant(site, ua.VariantType.String), ua.Variant(quarters, ua.VariantType.UInt32)
    return plan_of(await outputs(client, topology, OWNER, "MaintenancePlan", *asked))


def plan_of(columns: Sequence[Any]) -> Plan:
    """The outputs of MaintenancePlan, in their order, as rows."""
    told, jobs = columns[:_VISITS], columns[_VISITS : _VISITS + _JOBS]
    strings, *sums = columns[_VISITS + _JOBS :]
    of_visit: dict[int, list[Job]] = {}
    for jar, visit, due, reason in zip(*(column or () for column in jobs), strict=True):
        of_visit.setdefault(visit, []).append(Job(jar, due, reason))
    rows: Any = zip(*(column or () for column in told), strict=True)
    visits = tuple(_visit(row, tuple(of_visit.get(number, ()))) for number, row in enumerate(rows))
    return Plan(visits, tuple(strings or ()), *sums)


def matrix(visits: Sequence[Visit]) -> tuple[Cell, ...]:
    """What is done in each quarter at each site where there is something to do."""
    found: dict[tuple[str, str], list[Visit]] = {}
    for visit in visits:
        found.setdefault((visit.site, visit.quarter), []).append(visit)
    return tuple(
        Cell(*place, len(those), sum(each.replacements for each in those), sum(each.cost for each in those))
        for place, those in found.items()
    )


def replaced(topology: Topology, jars: Sequence[str]) -> list[str]:
    """What is replaced with some jars: a string where all its jars are among them, else the jars."""
    strings: dict[str, list[str]] = {}
    for jar in jars:
        strings.setdefault(jar.rpartition("/")[0], []).append(jar)
    found = []
    for string, those in strings.items():
        whole = topology.by_path.get(string)
        found += [string] if whole is not None and len(whole.parts) == len(set(those)) else those
    return found


def _visit(row: Sequence[Any], jobs: tuple[Job, ...]) -> Visit:
    site, begins, ends, quarter, replacements, cost, notes = row
    first, last = (microseconds(time) // _MILLISECOND for time in (begins, ends))
    return Visit(site, first, last, quarter, replacements, cost, tuple(notes.split()), jobs)
