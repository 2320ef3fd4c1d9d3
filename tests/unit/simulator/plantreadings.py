"""Looks at a plant from outside, through its readings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.plant import Plant

SECOND = 1_000_000
HOUR = 3600 * SECOND


def later(plant: Plant, seconds: float) -> Readings:
    """Readings some time later, in 200 steps or fewer."""
    plant.advance(plant.time + round(seconds * SECOND), most_steps=200)
    return plant.readings()


def column(index: TagIndex, readings: Readings, asset: str, name: str) -> NDArray[np.float64]:
    """A tag's readings, NaN where none arrived."""
    value = np.full(index.size, np.nan)
    value[readings.rows] = readings.value
    return index.column(value, AssetType(asset), name)
