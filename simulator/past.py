"""The plant's past: the readings of the hours before a moment, as the monitors would have taken them.

The seam: everything random in the plant is a function of (seed, asset, time), and a plant forgets how it
was started within hours (rooms and jars settle; a recharge after an outage is run through in full, see
`Plant`). So the plant of these readings and a `SimulatorSource` that starts at `end` with the same seed are
the same plant to within the sensors' noise, also when `end` falls into an outage or a recharge.
"""

from __future__ import annotations

from collections.abc import Iterator

from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.calendar import SECOND
from simulator.plant import Plant

_STEPS = 8  # of the plant between two readings that are far apart


def past(index: TagIndex, seed: int, end: int, hours: float, step_seconds: float) -> Iterator[Readings]:
    """Readings every `step_seconds` of the `hours` before `end` [µs]; the last is one step before `end`."""
    step = round(step_seconds * SECOND)
    count = int(hours * 3600 * SECOND) // step
    plant: Plant | None = None
    for i in range(count, 0, -1):
        time = end - i * step
        if plant is None:
            plant = Plant(index, seed, time)
        plant.advance(time, _STEPS)
        yield plant.readings()
