"""The plant's past: readings before a moment, as the monitors would have taken them; hourly means, then raw.

The seam: everything random in the plant is a function of (seed, asset, time), and a plant forgets how it
was started within hours (rooms and jars settle; a recharge after an outage is run through in full, see
`Plant`). So the plant of these readings and a `SimulatorSource` that starts at `end` with the same seed are
the same plant to within the sensors' noise, also when `end` falls into an outage or a recharge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from drivers.statistics import without_gateways
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Kind, Mains
from simulator.calendar import SECOND
from simulator.plant import MOST_STEPS, Plant

RAW_STEP: Final = 60 * SECOND  # µs
HOUR: Final = 3600 * SECOND
DAY: Final = 24 * HOUR
SAMPLES: Final = 6  # readings that a mean is of
_CALM_STEPS: Final = 1  # of the plant between two of these, while mains is everywhere


@dataclass(frozen=True)
class Span:
    """The past from `begin` to `end` [µs]: hourly up to `raw_begin`, the last day at `RAW_STEP`."""

    begin: int
    end: int

    @classmethod
    def before(cls, end: int, days: float) -> Span:
        """The `days` before `end`; they begin with a full hour when they are more than one."""
        begin = end - round(days * DAY)
        return cls(begin - begin % HOUR if days > 1 else begin, end)

    @property
    def raw_begin(self) -> int:
        """When raw readings begin: a full hour a day before the end, unless the past is shorter."""
        return max(self.begin, (self.end - DAY) // HOUR * HOUR)

    @property
    def raw_times(self) -> range:
        """Moments of raw readings; the last is a step before the end."""
        count = (self.end - self.raw_begin) // RAW_STEP
        return range(self.end - count * RAW_STEP, self.end, RAW_STEP)

    @property
    def hours(self) -> range:
        """Beginnings of the hours before raw readings begin."""
        return range(self.begin, self.raw_begin, HOUR)

    @property
    def scans(self) -> int:
        """How many readings it is told in."""
        return len(self.hours) + len(self.raw_times)


def past(index: TagIndex, seed: int, span: Span) -> Iterator[Readings]:
    """Readings of the span in order of time; those of an hour carry the time at which it begins."""
    plant, steps = Plant(index, seed, span.begin), _CALM_STEPS
    for hour in span.hours:
        samples = []
        for time in range(hour, hour + HOUR, HOUR // SAMPLES):
            plant.advance(time, steps)
            samples.append(plant.readings())
            steps = _CALM_STEPS if _mains_everywhere(index, samples[-1]) else MOST_STEPS
        yield _whole(index, mean(index, samples, hour), hour)
    for time in span.raw_times:
        plant.advance(time)
        yield _whole(index, plant.readings(), time)


def mean(index: TagIndex, samples: Sequence[Readings], time: int) -> Readings:
    """Readings at `time` [µs] that stand for several: the mean of the good ones, of states the middle one.

    A row without good ones keeps the last it has; one without any is left out.
    """
    value = np.full((len(samples), index.size), np.nan)
    last, status = np.full(index.size, np.nan), np.full(index.size, st.GOOD, np.uint32)
    for row, sample in zip(value, samples, strict=True):
        good = st.is_good(sample.status)
        row[sample.rows[good]] = sample.value[good]
        last[sample.rows], status[sample.rows] = sample.value, sample.status
    count = (~np.isnan(value)).sum(0)
    sums = np.nansum(value, 0)
    means = np.divide(sums, count, out=last, where=count > 0)
    for tag in index.tags:
        if tag.kind is not Kind.ANALOG:
            own = index.slice(*tag.key)
            middle = np.maximum(count[own] - 1, 0) // 2
            states = np.sort(value[:, own], 0)[middle, np.arange(len(middle))]
            means[own] = np.where(count[own] > 0, states, means[own])
    status[count > 0] = st.GOOD
    rows = np.unique(np.concatenate([sample.rows for sample in samples]))
    return Readings(rows, means[rows], status[rows], np.full(len(rows), time, np.int64))


def _mains_everywhere(index: TagIndex, readings: Readings) -> bool:
    rows = index.slice(AssetType.SITE, "MainsState")
    of_mains = (readings.rows >= rows.start) & (readings.rows < rows.stop)
    return bool((readings.value[of_mains] == Mains.PRESENT).all())


def _whole(index: TagIndex, readings: Readings, time: int) -> Readings:
    """Readings with those that a `SimulatorSource` gives of gateways that are not there."""
    return Readings.joined([readings, without_gateways(index, time)])
