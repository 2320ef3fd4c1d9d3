"""Looks at a plant, and at scenarios on a copy of it, from outside: through readings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.interruptions import NEVER
from simulator.mains import outages_of
from simulator.plant import Plant
from simulator.shadow import Scenario, Shadow

SECOND = 1_000_000
HOUR = 3600 * SECOND


class Stage:
    """A plant and its shadow, read as the server reads them."""

    def __init__(self, plant: Plant) -> None:
        self.plant, self.shadow = plant, Shadow(plant.index, plant, plant.seed)

    @property
    def time(self) -> int:
        return self.plant.time

    def start(
        self, scenario: str, target: str, duration: float = 0.0, parameters: dict[str, float] | None = None
    ) -> str:
        """Start a scenario now; its id."""
        return self.shadow.start(scenario, target, duration, parameters or {}, self.time).id

    def stop(self, simulation: str) -> None:
        self.shadow.stop(simulation)

    def adjust(self, simulation: str, parameters: dict[str, float]) -> None:
        self.shadow.adjust(simulation, parameters, self.time)

    def running(self) -> tuple[Scenario, ...]:
        return self.shadow.running()

    def advance(self, time: int, most_steps: int) -> None:
        self.plant.advance(time, most_steps)

    def readings(self) -> Readings:
        return self.shadow.step(self.plant.readings(), self.time)


def later(plant: Plant | Stage, seconds: float) -> Readings:
    """Readings some time later, in 200 steps or fewer."""
    plant.advance(plant.time + round(seconds * SECOND), most_steps=200)
    return plant.readings()


def column(index: TagIndex, readings: Readings, asset: str, name: str) -> NDArray[np.float64]:
    """A tag's readings, NaN where none arrived."""
    value = np.full(index.size, np.nan)
    value[readings.rows] = readings.value
    return index.column(value, AssetType(asset), name)


def outages(index: TagIndex, seed: int, first: int, weeks: int) -> list[tuple[int, int, int]]:
    """Begin, end [µs] and site of each outage of a plant in some weeks from that of `first` [µs]."""
    mains = outages_of(index.fleet, seed)
    blocks = [mains.block(mains.number(first) + i) for i in range(weeks)]
    return [
        (int(start), int(end), site)
        for starts, ends in blocks
        for site, (start, end) in enumerate(zip(starts, ends, strict=True))
        if start < NEVER
    ]
