"""The stored values next to given times: what a value between them is made of (Part 13, 3.1.8 and 3.1.9)."""

from __future__ import annotations

from typing import Final

import numpy as np

from historian.aggregates import NO_DATA
from historian.aggregation import AggregateConfiguration
from historian.bounds import Samples
from historian.series import NOTHING, Found, Series
from historian.span import FIRST, LAST
from nodeset.frame import Times

PAGES: Final = (2, 64, 2_000, 50_000)  # values, looked at one after the other for some that are not Bad


async def around(series: Series, times: Times, configuration: AggregateConfiguration) -> Samples:
    """Values next to each of `times` [µs, ascending], and where these are Bad the next that are not."""
    if not len(times):
        return samples_of(NOTHING)
    low, high = int(times[0]), int(times[-1])
    between = await series.ascending(low, high, 1_000_000)
    lead, rest = await before(series, low, configuration), await after(series, high, configuration)
    return together(lead, samples_of(between), rest)


async def before(series: Series, time: int, configuration: AggregateConfiguration) -> Samples:
    """What `tail` gives of all values before `time` [µs], as far back as is looked."""
    found = samples_of(NOTHING)
    for page in PAGES:
        found = samples_of((await series.descending(FIRST, time - 1, page))[::-1])
        if len(found) < page or found.usable(configuration).sum() >= 2:
            break
    return tail(found, configuration)


async def after(series: Series, time: int, configuration: AggregateConfiguration) -> Samples:
    """The first value after `time` [µs], and the first that is not Bad, as far as is looked."""
    found = samples_of(NOTHING)
    for page in PAGES:
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
