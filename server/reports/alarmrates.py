"""How alarms came over a period, by the metrics of ISA-18.2-2016 (16.5) and EEMUA 191; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.alarmmanagement import Management

MINUTE: Final = 60.0  # s
PERIOD: Final = 10  # min
HOUR: Final = 60  # min
DAY: Final = 86_400.0  # s


@dataclass(frozen=True)
class Rate:
    """One figure with its bounds: up to `target` acceptable, up to `maximum`, if there is one, manageable.

    `name` is English with a place for `number`.
    """

    name: str
    number: int
    value: float
    target: float
    maximum: float | None

    @property
    def acceptable(self) -> bool:
        """Whether it needs no work."""
        return self.value <= self.target


@dataclass(frozen=True)
class AlarmFigures:
    """Alarms of a period: how many, by priority from low to critical, and their rates."""

    count: int
    by_priority: tuple[int, int, int, int]
    rates: tuple[Rate, ...]


def figures(
    times: Sequence[float], severities: Sequence[int], seconds: float, settings: Management
) -> AlarmFigures:
    """Of alarms raised at `times` [s since the period began], which has lasted for `seconds`."""
    lowest = np.array(settings.priorities.lowest())
    ranks = np.searchsorted(lowest, np.asarray(severities, np.int64), side="right") - 1
    split = np.bincount(np.maximum(ranks, 0), minlength=len(lowest))
    by_priority = (int(split[0]), int(split[1]), int(split[2]), int(split[3]))
    return AlarmFigures(len(times), by_priority, _rates(np.sort(np.asarray(times, float)), seconds, settings))


def _rates(times: np.ndarray, seconds: float, settings: Management) -> tuple[Rate, ...]:
    targets, flood = settings.targets, settings.flood.begins_above
    minutes = max(int(np.ceil(seconds / MINUTE)), 1)
    raised = np.bincount(np.clip(times // MINUTE, 0, minutes - 1).astype(np.int64), minlength=minutes)
    days = max(seconds, MINUTE) / DAY
    table = (
        ("Alarms a day, on average", 0, targets.alarms_per_day, len(times) / days),
        ("Alarms in 10 min, on average", 0, targets.alarms_per_period, len(times) / (days * 144)),
        ("Alarms in 10 min, at most", 0, targets.peak_rate, _peak(times)),
        (
            "Hours of more than {n} alarms [%]",
            settings.busy_hour,
            targets.busy_hours,
            _busy(raised, HOUR, settings.busy_hour),
        ),
        (
            "Periods of 10 min of more than {n} alarms [%]",
            flood,
            targets.busy_periods,
            _busy(raised, PERIOD, flood),
        ),
    )
    return tuple(Rate(name, n, value, each.target, each.maximum) for name, n, each, value in table)


def _peak(times: np.ndarray) -> float:
    """The most in any 10 min, wherever they begin."""
    if not len(times):
        return 0.0
    after = np.searchsorted(times, times + PERIOD * MINUTE, side="left")
    return float((after - np.arange(len(times))).max())


def _busy(raised: np.ndarray, length: int, most: int) -> float:
    """Share of periods of `length` minutes with more than `most` [%]."""
    sums = np.add.reduceat(raised, np.arange(0, len(raised), length))
    return 100.0 * float((sums > most).mean())
