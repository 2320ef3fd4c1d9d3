"""The simulated plant as a source of readings: what the server scans when no real gateway is there."""

from __future__ import annotations

from drivers.statistics import without_gateways
from nodeset import status as st
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.plant import Plant


class SimulatorSource:
    """Readings of a plant that starts at `time` [µs since 1970]; implements `drivers.source.Source`."""

    def __init__(self, index: TagIndex, seed: int, time: int) -> None:
        self.plant = Plant(index, seed, time)

    async def connect(self) -> None:
        """Nothing to do: the plant is always there."""

    async def read(self, time: int) -> Readings:
        """Advance the plant to `time` [µs] and read its monitors; there is no gateway between."""
        self.plant.advance(time)
        return Readings.joined([self.plant.readings(), without_gateways(self.plant.index, time)])

    async def write(self, row: int, value: float) -> int:
        """Set a rectifier of the plant."""
        self.plant.set_point(row, value)
        return st.GOOD

    async def close(self) -> None:
        """Nothing to let go of."""
