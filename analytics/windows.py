"""The last year of some jars, day by day, to be summed up: gaps are NaN, and so is what was before a jar.

Sums run over days and leave a figure a jar. Pure; arrays of shape (days, jars) in, (jars,) out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.history import Days, Units
from analytics.parameters import Array, Mask, Parameters, Single

YEAR: Final = 365  # d that features look back
_SHARE_KNOWN: Final = 0.5  # of the days of a trend, that there must be


@dataclass(frozen=True)
class Window:
    """Days before a morning, the newest last; `ago` counts them back from it, shape (days,)."""

    parameters: Parameters
    ago: Array  # d, the newest day is 1
    voltage: Single  # V, on float only
    temperature: Single  # °C
    temperature_min: Single
    temperature_max: Single
    resistance: Single  # mΩ, on float only
    discharges: Single
    drawn: Single  # Ah

    def mean(self, daily: Single, last: int = YEAR) -> Array:
        """Mean of the last days; NaN where none is known."""
        return mean(daily[self._from(last) :])

    def count(self, daily: Single) -> Array:
        """How many days are known."""
        return np.asarray((~np.isnan(daily)).sum(axis=0), np.float64)

    def highest(self, daily: Single) -> Array:
        """The highest of all; NaN where none is known."""
        found = np.fmax.reduce(daily, initial=-np.inf)
        return np.asarray(np.where(np.isinf(found), np.nan, found.astype(np.float64)))

    def slope(self, daily: Single, last: int = YEAR) -> Array:
        """Trend [1/d] of the last days, by least squares; NaN where fewer than half of them are known."""
        first = self._from(last)
        return slope(-self.ago[first:], daily[first:], _SHARE_KNOWN * last)

    def by_month(self, daily: Single) -> tuple[Array, Single]:
        """Means of up to twelve months of 30 days, oldest first: how long ago [d] their middles are, shape
        (months,), and the means, shape (months, jars)."""
        months = [month for month in range(12) if self._from(30 * month + 30) < self._from(30 * month)][::-1]
        means = [mean(daily[self._from(30 * month + 30) : self._from(30 * month)]) for month in months]
        empty = np.empty((0, daily.shape[1]), np.float32)
        return np.array(months) * 30.0 + 15.5, np.array(means, np.float32) if means else empty

    def _from(self, last: int) -> int:
        """Index of the first of the last days."""
        return int(np.searchsorted(-self.ago, -last))


def window_of(days: Days, units: Units, day: int) -> Window:
    """The year before `day` of the jars that stand in their places then."""
    low, high = (int(np.clip(at - days.first, 0, days.count)) for at in (day - YEAR, day))
    part = {f.name: getattr(days, f.name)[low:high] for f in fields(Days) if f.name != "first"}
    numbers = days.first + np.arange(low, high)
    if len(numbers) and (units.installed >= numbers[0]).any():
        # On the day of its installation the readings are of the jar before, too.
        before = numbers[:, None] <= units.installed
        part = {name: np.where(before, np.float32(np.nan), array) for name, array in part.items()}
    window = Window(units.parameters, (day - numbers).astype(np.float64), **part)
    return _on_float(window)


def mean(daily: Single) -> Array:
    """Mean over the rows that are known; NaN where none is."""
    known = ~np.isnan(daily)
    count = np.count_nonzero(known, axis=0)
    total = np.where(known, daily, np.float32(0)).sum(axis=0)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan), np.float64)


def slope(at: Array, values: Single, least: float) -> Array:
    """Slope of each column by least squares over the rows that are known, at `at`; NaN where there are fewer
    than `least`, or all at once."""
    if not len(at):
        return np.full(values.shape[1], np.nan)
    middle = at.mean()
    x = (at - middle).astype(np.float32)[:, None]
    known = ~np.isnan(values)
    y = np.where(known, values, np.float32(0))
    n = known.sum(axis=0).astype(np.float64)
    sx, sxx = (x * known).sum(axis=0, dtype=np.float64), (x * x * known).sum(axis=0, dtype=np.float64)
    sy, sxy = y.sum(axis=0, dtype=np.float64), (x * y).sum(axis=0, dtype=np.float64)
    spread = n * sxx - sx**2
    enough = (n >= max(least, 2)) & (spread > 0)
    return np.where(enough, (n * sxy - sx * sy) / np.where(enough, spread, 1.0), np.nan)


def by_group(values: Array, group: NDArray[np.intp], share: float) -> Array:
    """For each entry the quantile `share` of its group's known values, the lower of two; NaN without any."""
    order = np.lexsort((values, group))  # NaN last within its group
    groups = int(group.max(initial=-1)) + 1
    size = np.bincount(group, minlength=groups)
    known = np.bincount(group[~np.isnan(values)], minlength=groups)
    first = np.cumsum(size) - size
    place = first + np.floor(share * np.maximum(known - 1, 0)).astype(np.intp)
    found = np.full(groups, np.nan)
    some = known > 0
    found[some] = values[order[place[some]]]
    return found[group]


def _on_float(window: Window) -> Window:
    """Without voltages and resistances of days with a discharge, and of the days of recharge after them."""
    worked: Mask = window.discharges > 0
    if not worked.any():
        return window
    worked[1:] |= worked[:-1].copy()
    nothing = np.float32(np.nan)
    return replace(
        window,
        voltage=np.where(worked, nothing, window.voltage),
        resistance=np.where(worked, nothing, window.resistance),
    )
