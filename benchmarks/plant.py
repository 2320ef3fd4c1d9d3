"""A second of the simulated plant, with its monitors' readings: on float, on discharge and on recharge."""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Final

import numpy as np

from nodeset.index import TagIndex
from simulator.effects import no_effects
from simulator.plant import Plant

SECOND: Final = 1_000_000  # µs
STEPS: Final = 300
_DRAWN: Final = 900 * SECOND  # µs of discharge before the recharge


def measure(index: TagIndex, start: int) -> dict[str, float]:
    """Median times of a step [ms] by the lines of the table; `start` is a quiet moment [µs]."""
    plant, calm = Plant(index, 1, start), no_effects(index)
    found = {"plant": _step(plant)}
    plant.disturb(replace(calm, outage=np.ones(len(index.fleet.strings), np.bool_)))
    found["discharge"] = _step(plant)
    plant.advance(plant.time + _DRAWN)
    plant.disturb(calm)
    return found | {"recharge": _step(plant)}


def _step(plant: Plant) -> float:
    times = []
    for _ in range(STEPS):
        began = time.perf_counter()
        plant.advance(plant.time + SECOND)
        plant.readings()
        times.append(time.perf_counter() - began)
    return 1000.0 * statistics.median(times)
