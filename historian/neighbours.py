"""The stored values next to given times: what a value between is made of (Part 13, 3.1.8 and 3.1.9)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from historian.aggregates import NO_DATA
from historian.aggregation import AggregateConfiguration
from historian.bounds import Samples
from historian.series import NOTHING, Found, Series
from historian.span import FIRST, LAST
from nodeset.frame import Times

NEAR: Final = 86_400_000_000  # µs in which to look first: a database opens fewer partitions for that
SPARSE: Final = 6 * 3_600_000_000  # µs from time to time, above which each is looked at by itself
PAGES: Final = (2, 64, 2_000, 50_000)  # values, looked at one after the other for some that are not Bad


async def around(series: Series, times: Times, configuration: AggregateConfiguration) -> Samples:
    """Values next to each of `times` [µs, ascending], and where these are Bad the next that are not."""
    split = int(np.searchsorted(times, series.covered_since))
    parts = [samples_of(NOTHING)]
    parts += [part async for part in _beside(series, times[:split], configuration)]
    if split < len(times):
        parts += [part async for part in _within(series, times[split:], configuration)]
    return ordered(together(*parts))


async def _beside(
    series: Series, times: Times, configuration: AggregateConfiguration
) -> AsyncIterator[Samples]:
    """The same before simulated rows cover the plant's: the database picks what is next."""
    if not len(times):
        return
    low, high = int(times[0]), int(times[-1])
    if high - low > SPARSE * len(times):
        for time in times.tolist():
            yield await before(series, time + 1, configuration)
            yield await after(series, time - 1, configuration)
        return
    yield await before(series, low, configuration)
    yield samples_of(await series.next_to(times))
    yield samples_of(await series.usable_next_to(times, configuration.limit))
    yield await before(series, high + 1, configuration)
    yield await after(series, high, configuration)


async def _within(
    series: Series, times: Times, configuration: AggregateConfiguration
) -> AsyncIterator[Samples]:
    """The same where simulated rows may cover the plant's: all is looked at, and what is next is kept."""
    lead = await before(series, int(times[0]), configuration)
    at, high = int(times[0]), int(times[-1])
    while True:
        page = samples_of(await series.ascending(at, high, PAGES[-1]))
        known = together(lead, page)
        yield known.of(_next_to(known, times, configuration))
        lead = tail(known, configuration)
        if len(page) < PAGES[-1]:
            break
        at = int(page.time[-1]) + 1
    yield lead
    yield await after(series, high, configuration)


def _next_to(samples: Samples, times: Times, configuration: AggregateConfiguration) -> NDArray[np.intp]:
    """Places of the samples next to `times`, and of the next that are usable."""
    kept = []
    for which in (np.arange(len(samples)), np.flatnonzero(samples.usable(configuration))):
        at = np.searchsorted(samples.time[which], times, "right")
        near = np.concatenate([at + step for step in (-2, -1, 0)])
        kept.append(which[near[(near >= 0) & (near < len(which))]])
    return np.unique(np.concatenate(kept))


def ordered(samples: Samples) -> Samples:
    """By time, each time once."""
    _, first = np.unique(samples.time, return_index=True)
    return samples.of(first)


async def before(series: Series, time: int, configuration: AggregateConfiguration) -> Samples:
    """What `tail` gives of all values before `time` [µs], as far back as is looked."""
    found = samples_of((await series.descending(max(time - NEAR, FIRST), time - 1, PAGES[0]))[::-1])
    if found.usable(configuration).sum() >= 2:
        return tail(found, configuration)
    for page in PAGES:
        found = samples_of((await series.descending(FIRST, time - 1, page))[::-1])
        if len(found) < page or found.usable(configuration).sum() >= 2:
            break
    return tail(found, configuration)


async def after(series: Series, time: int, configuration: AggregateConfiguration) -> Samples:
    """The first value after `time` [µs], and the first that is not Bad, as far as is looked."""
    found = samples_of(await series.ascending(time + 1, min(time + NEAR, LAST), PAGES[0]))
    for page in () if found.usable(configuration).any() else PAGES:
        found = samples_of(await series.ascending(time + 1, LAST, page))
        if len(found) < page or found.usable(configuration).any():
            break
    return found.of(
        np.unique([*range(len(found))[:1], *np.flatnonzero(found.usable(configuration))[:1]]).astype(np.intp)
    )


def tail(samples: Samples, configuration: AggregateConfiguration) -> Samples:
    """What later times need to know: the last two that are not Bad (for a line), and the last of all."""
    usable = np.flatnonzero(samples.usable(configuration))[-2:]
    return samples.of(np.unique([*usable, *range(len(samples))[-1:]]).astype(np.intp))


async def extent(
    series: Series, low: int, high: int, configuration: AggregateConfiguration
) -> tuple[int, int]:
    """Times [µs] of the first and the last value of all, or of some outside of low to high instead."""
    lead, rest = await before(series, low, configuration), await after(series, high, configuration)
    first = lead if len(lead) else await after(series, low - 1, configuration)
    last = rest if len(rest) else await before(series, high + 1, configuration)
    if not len(first) or not len(last):
        return NO_DATA
    return int(first.time[0]), int(last.time[-1])


def samples_of(found: Found) -> Samples:
    """What was found, as samples."""
    return Samples(found["time"].copy(), found["value"].copy(), found["status"].copy())


def together(*parts: Samples) -> Samples:
    """One after the other."""
    return Samples(
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.status for part in parts]),
    )
