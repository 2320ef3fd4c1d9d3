"""What each measurement can be, and how it can change: named tables with units and sources; pure.

A reading is judged against the time since the last one that was believed, so scans of 1 s, 5 s and 60 s
come to the same judgement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Fleet
from nodeset.index import TagIndex

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

JAR: Final = AssetType.JAR
MEASUREMENTS: Final = ("Voltage", "Temperature", "InternalResistance")  # of a jar


@dataclass(frozen=True)
class Motion:
    """How a measurement changes: by `step` at once (noise, resolution, scatter) and by `rate` a second.

    Where `jumps` a greater change within the limits is no fault. After one that is, the reading is a new
    level once it has been steady for `settle` [s].
    """

    step: float
    rate: float
    settle: float
    jumps: bool


# Temperature [°C, K/s]: a 12 V, 120 Ah block of 36 kg has about 32 kJ/K (0.9 kJ/(kg K), see the plant's
# table). A charger at 0.25 C10 heats it with 0.45 kW, 0.014 K/s; 0.1 K/s takes seven times that. After
# 15 min, the time constant of a jar in its room, a true temperature can be anywhere.
# Voltage [V, V/s]: at constant current a jar of 12 V falls by some 0.01 V/s where a discharge of 15 min
# ends (manufacturers' discharge curves), a failing one faster. With the current it steps: see loops.py.
# Ohmic value: an open cell raises it at once. Current: a breaker steps it at once.
MOTION: Final[dict[tuple[AssetType, str], Motion]] = {
    (JAR, "Voltage"): Motion(0.3, 0.02, 300.0, jumps=False),
    (JAR, "Temperature"): Motion(2.0, 0.1, 900.0, jumps=False),
    (JAR, "InternalResistance"): Motion(0.5, 0.0, 60.0, jumps=True),
    (AssetType.STRING, "Current"): Motion(10.0, 0.0, 60.0, jumps=True),
    (AssetType.SITE, "AmbientTemperature"): Motion(3.0, 0.1, 60.0, jumps=True),
    (AssetType.SITE, "Humidity"): Motion(1.0, 0.1, 60.0, jumps=True),
}
# Limits of a jar's voltage and temperature are its model's (fleet file). Ohmic value, of the baseline: IEEE
# 1188 asks to act at some 1.5 times it, and an open cell measures as ten times it and more.
OHMIC: Final = (0.1, 30.0)
CURRENT: Final = 5.0  # A per Ah: more than blocks are rated to give for a minute (manufacturers' tables)
ROOM: Final = (
    -10.0,
    60.0,
)  # °C: rooms without air conditioning (ETSI EN 300 019-1-3, class 3.2) and a margin
HUMIDITY: Final = (0.0, 105.0)  # %: polymer sensors read up to 5 % too much when wet

HOLE: Final = 180.0  # s: the longest gap that a path is followed over (three scans of a minute)
WINDOW: Final = 60.0  # s: quick scans are compared over it, too, or a fast climb would be small steps to them
PLAUSIBLE_SCANS: Final = 3  # plausible readings in a row until a sensor that was judged is believed again
PLAUSIBLE_TIME: Final = 30.0  # s, at least, where it is back at the last value that was believed


@dataclass(frozen=True)
class Measurements:
    """All judged rows, tag by tag, the jars' first; arrays of shape (rows,), in the units of the tags."""

    rows: NDArray[np.intp]
    low: Floats
    high: Floats
    step: Floats
    rate: Floats
    settle: Floats
    jumps: Flags

    @classmethod
    def of(cls, index: TagIndex) -> Measurements:
        """Those of a fleet."""
        counts = [index.fleet.count(asset) for asset, _ in MOTION]
        limits = [_limits(index.fleet, *key) for key in MOTION]
        motions = list(MOTION.values())
        return cls(
            rows=index.rows(tag for key in MOTION for tag in index.tags if tag.key == key),
            low=np.concatenate([low for low, _ in limits]),
            high=np.concatenate([high for _, high in limits]),
            step=np.repeat([m.step for m in motions], counts),
            rate=np.repeat([m.rate for m in motions], counts),
            settle=np.repeat([m.settle for m in motions], counts),
            jumps=np.repeat([m.jumps for m in motions], counts),
        )


def _limits(fleet: Fleet, asset: AssetType, name: str) -> tuple[Floats, Floats]:
    if name in ("Voltage", "Temperature"):
        ranges = [getattr(jar.model.limits, name.lower()) for jar in fleet.jars]
        return np.array([r.low for r in ranges]), np.array([r.high for r in ranges])
    if name == "InternalResistance":
        baseline = np.array([jar.baseline_resistance for jar in fleet.jars])
        return OHMIC[0] * baseline, OHMIC[1] * baseline
    if name == "Current":
        most = CURRENT * np.array([string.model.capacity for string in fleet.strings])
        return -most, most
    low, high = ROOM if name == "AmbientTemperature" else HUMIDITY
    sites = np.ones(fleet.count(asset))
    return low * sites, high * sites
