"""The table `simulation`: what was simulated, from when to when, by whom, and why it ended."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from historian.connections import Connections
from historian.moments import iso, iso_or_never, microseconds, moment, storable

STATEMENTS: Final = {
    "simulation": "INSERT INTO simulation SELECT * FROM json_populate_recordset(NULL::simulation, %s::json) "
    "ON CONFLICT DO NOTHING",
    "simulation_end": "UPDATE simulation SET ended = greatest(new.ended, simulation.started), "
    "ended_by = new.ended_by, reason = new.reason "
    "FROM json_populate_recordset(NULL::simulation, %s::json) AS new "
    "WHERE simulation.id = new.id AND simulation.ended IS NULL",
    "simulations_left": "UPDATE simulation SET ended = greatest(new.ended, simulation.started), "
    "reason = new.reason FROM json_populate_recordset(NULL::simulation, %s::json) AS new "
    "WHERE simulation.ended IS NULL",
}
_READ: Final = (
    "SELECT id, scenario, target, parameters, started, until, started_by, ended, ended_by, reason "
    "FROM simulation WHERE started < %s AND (ended IS NULL OR ended >= %s) ORDER BY started, id LIMIT %s"
)


@dataclass(frozen=True)
class SimulationStart:
    """A simulation begins; `until` is None where it runs until it is stopped. Times in µs."""

    id: str
    scenario: str
    target: str
    parameters: Mapping[str, float]
    started: int
    until: int | None
    user: str

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is to be written."""
        yield (
            "simulation",
            {
                "id": self.id,
                "scenario": storable(self.scenario),
                "target": self.target,
                "parameters": dict(self.parameters),
                "started": iso(self.started),
                "until": iso_or_never(self.until or 0),
                "started_by": storable(self.user),
            },
        )


@dataclass(frozen=True)
class SimulationEnd:
    """A simulation ends; `user` is empty where it is nobody's doing."""

    id: str
    ended: int
    user: str
    reason: str

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is to be written."""
        by = storable(self.user) or None
        yield (
            "simulation_end",
            {"id": self.id, "ended": iso(self.ended), "ended_by": by, "reason": self.reason},
        )


@dataclass(frozen=True)
class SimulationsLeft:
    """What a server that was killed has left open ends when the next one starts."""

    ended: int
    reason: str

    def records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What is to be written."""
        yield "simulations_left", {"ended": iso(self.ended), "reason": self.reason}


@dataclass(frozen=True)
class SimulationRow:
    """A simulation that was or is; `ended` is None while it runs."""

    id: str
    scenario: str
    target: str
    parameters: dict[str, float]
    started: int
    until: int | None
    started_by: str
    ended: int | None
    ended_by: str | None
    reason: str | None


async def read_simulations(connections: Connections, low: int, high: int, most: int) -> list[SimulationRow]:
    """Up to `most` simulations that ran between two times [µs], in the order of their start."""
    async with connections.use() as connection:
        cursor = await connection.execute(_READ, (moment(high), moment(low), most))
        return [_row(*columns) for columns in await cursor.fetchall()]


def _row(
    id: str,
    scenario: str,
    target: str,
    parameters: Any,
    started: Any,
    until: Any,
    by: str,
    ended: Any,
    *end: Any,
) -> SimulationRow:
    values = json.loads(parameters) if isinstance(parameters, str) else parameters
    times = [None if at is None else microseconds(at) for at in (until, ended)]
    return SimulationRow(id, scenario, target, values, microseconds(started), times[0], by, times[1], *end)
