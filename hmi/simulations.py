"""The simulations that run, as the Simulation object tells of them (S4): what every page says aloud (S5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.subscription import microseconds
from hmi.topology import Topology

SIMULATED_VALUE: Final = 0x4209_0000  # UncertainSimulatedValue, Part 4
VARIABLES: Final = ("Scenarios", "Targets", "StartTimes", "EndTimes")
_NULL_YEAR: Final = 1601  # of a null DateTime, Part 6


@dataclass(frozen=True)
class Running:
    """One simulation: scenario and target; times in ms since 1970, `until` None until it is stopped."""

    scenario: str
    target: str
    since: int
    until: int | None


def nodes(topology: Topology) -> list[ua.NodeId]:
    """The variables that tell of simulations."""
    return [topology.node(f"Simulation.{name}") for name in VARIABLES]


def running(values: Sequence[ua.DataValue]) -> tuple[Running, ...]:
    """The simulations by the values of `nodes`; none where the server does not tell of any."""
    columns: list[list[Any]] = []
    for data in values:
        variant = data.Value if data.StatusCode is None or data.StatusCode.is_good() else None
        columns.append(list(variant.Value or ()) if variant is not None else [])
    return tuple(
        Running(scenario, target, _milliseconds(since), _milliseconds(until) if is_set(until) else None)
        for scenario, target, since, until in zip(*columns, strict=False)
    )


async def read(client: Client, topology: Topology | None) -> tuple[int, tuple[Running, ...]]:
    """Time of the server [µs since 1970], and the simulations, in one Read."""
    wanted = [ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)]
    if topology is not None:
        wanted += nodes(topology)
    clock, *values = await client.uaclient.read_attributes(wanted, ua.AttributeIds.Value)
    clock.StatusCode.check()
    return microseconds(clock.Value.Value), running(values) if values else ()


def is_set(time: Any) -> bool:
    """Whether a DateTime is not null."""
    return time is not None and time.year > _NULL_YEAR


def _milliseconds(time: Any) -> int:
    return microseconds(time) // 1000
