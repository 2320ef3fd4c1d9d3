"""Thermal runaway of a jar whose separator gives way: an internal short, the worse the hotter it gets.

The cause is an effect (a rate and a peak); the climb is the jar's own. Its heat doubles every 10 K until it
is what the rate asks for, comes from the jar's charge as far as plates can give it, and ends where the peak
says that nothing is left to short. A string that runs away by its float current alone needs no cause but
dried-out jars and a warm room: that feedback is in jars.py.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.chance import Floats
from simulator.effects import Effects
from simulator.jars import JarState, Plates
from simulator.parameters import ELECTRICAL, REFERENCE_TEMPERATURE, THERMAL

_LEAST_VOLTAGE = 1.0  # V, for the current of a heat


@dataclass(frozen=True)
class Runaway:
    """Internal short of each jar [A], heat beyond what that gives [W], and temperature [°C] it ends at."""

    leak: Floats
    heat: Floats
    peak: Floats


def runaway(plates: Plates, jars: JarState, effects: Effects) -> Runaway | None:
    """What jars in runaway do now, or None where there are none."""
    peak = effects.runaway_peak
    if np.isnan(peak).all():
        return None
    temperature = jars.temperature
    doublings = (temperature - REFERENCE_TEMPERATURE) / ELECTRICAL.float_doubling
    climb = np.minimum(THERMAL.runaway_share * 2.0**doublings, 1.0)
    fade = np.clip((peak - temperature) / THERMAL.runaway_band, 0.0, 1.0)
    wanted = np.nan_to_num(plates.heat_capacity * effects.runaway_rate * climb * fade, nan=0.0)
    voltage = np.maximum(jars.voltage, _LEAST_VOLTAGE)
    leak = np.minimum(wanted / voltage, THERMAL.runaway_leak * plates.rated)
    return Runaway(leak, wanted - leak * voltage, np.where(np.isnan(peak), np.inf, peak))
