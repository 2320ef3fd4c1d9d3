"""The stored values next to given times: what a value between them is made of (Part 13, 3.1.8 and 3.1.9)."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from historian.bounds import Samples
from historian.series import NOTHING, Found, Series
from historian.span import FIRST, LAST
from nodeset.frame import Times
from nodeset.status import is_bad

PAGES: Final = (2, 64, 2_000, 50_000)  # values, looked at one after the other for some that are not Bad


async def around(series: Series, times: Times) -> Samples:
    """Values next to each of `times` [µs, ascending], and where these are Bad the next that are not."""
    if not len(times):
        return samples_of(NOTHING)
    low, high = int(times[0]), int(times[-1])
    between = await series.ascending(low, high, 1_000_000)
    return samples_of(np.concatenate((await before(series, low), between, await after(series, high))))


async def before(series: Series, time: int) -> Found:
    """Values before `time` [µs], ascending, from the last two that are not Bad on: a line needs two."""
    found = NOTHING
    for page in PAGES:
        found = await series.descending(FIRST, time - 1, page)
        usable = np.flatnonzero(_usable(found))
        if len(usable) >= 2:
            return found[: usable[1] + 1][::-1]
        if len(found) < page:
            break
    return found[::-1]


async def after(series: Series, time: int) -> Found:
    """Values after `time` [µs], ascending, up to the first that is not Bad."""
    found = NOTHING
    for page in PAGES:
        found = await series.ascending(time + 1, LAST, page)
        usable = np.flatnonzero(_usable(found))
        if len(usable):
            return found[: usable[0] + 1]
        if len(found) < page:
            break
    return found


def samples_of(found: Found) -> Samples:
    """What was found, as samples."""
    return Samples(found["time"].copy(), found["value"].copy(), found["status"].copy())


def _usable(found: Found) -> NDArray[np.bool_]:
    usable: NDArray[np.bool_] = ~is_bad(found["status"]) & ~np.isnan(found["value"])
    return usable
