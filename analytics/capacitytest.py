"""What a capacity test says of a jar: its capacity at 25 °C, and what a new one gives at that current."""

from __future__ import annotations

from typing import Final

from analytics.parameters import CHEMISTRIES, REFERENCE_TEMPERATURE

SLOW, FAST = 0.006, 0.01  # 1/K, IEC 60896-21, 6.11: discharges of three hours or more, and shorter ones
SLOW_FROM: Final = 3.0  # h
TEN_HOURS: Final = 10.0  # h


def at_reference(capacity: float, temperature: float, hours: float) -> float:
    """Capacity [Ah] at 25 °C of a discharge of `hours` that began at `temperature` [°C]."""
    coefficient = SLOW if hours >= SLOW_FROM else FAST
    return capacity / (1 + coefficient * (temperature - REFERENCE_TEMPERATURE))


def rated_at(capacity: float, current: float, chemistry: str) -> float:
    """What a new jar of this `capacity` [Ah, 10 h rate] gives at `current` [A] and 25 °C: Peukert's law."""
    rate = current * TEN_HOURS / capacity
    return float(capacity * max(rate, 1.0) ** (1 - CHEMISTRIES[chemistry].peukert))
