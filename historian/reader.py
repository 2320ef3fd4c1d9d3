"""Reads raw values back: ReadRawModifiedDetails of Part 11, 6.5.3, for one variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg

from historian.series import FOUND, Found, History, Series, Variables
from historian.span import FIRST, LAST, Span

MAX_VALUES: Final = 100_000  # in one reply
BAD_BOUND_NOT_FOUND: Final = 0x80D7_0000
SECOND: Final = 1_000_000  # µs


@dataclass(frozen=True)
class Reader:
    """Raw history of the variables of a fleet."""

    variables: Variables

    async def read_raw(
        self,
        connection: psycopg.AsyncConnection,
        row: int,
        span: Span,
        limit: int,
        bounds: bool,
        after: int | None = None,
    ) -> History:
        """Up to `limit` (0: the most there can be) values of the variable in `row`.

        `after` [µs] continues a reply: it is that reply's last time. With `bounds` the value at or
        before the start and the one at or after the end are in, or BadBoundNotFound in their place.
        """
        limit = min(limit, MAX_VALUES) or MAX_VALUES
        flow = _Flow(self.variables.series(connection, row), span)
        parts = [await flow.start_bound()] if bounds and after is None else []
        low, high = span.limits(after)
        parts.append(await flow.read(low, high, limit + 1))
        if bounds and sum(len(part) for part in parts) <= limit:
            last = next((int(part["time"][-1]) for part in reversed(parts) if len(part)), after)
            parts.append(await flow.end_bound(last))
        found = np.concatenate(parts)
        kept = found[:limit]
        return History(kept["value"].copy(), kept["status"].copy(), kept["time"].copy(), len(found) > limit)


@dataclass(frozen=True)
class _Flow:
    """A series as a request's time flows."""

    series: Series
    span: Span

    async def start_bound(self) -> Found:
        """The value before the start when there is none at it, or a marker."""
        start = self.span.start
        if self.span.forward:
            found = await self.series.descending(FIRST, start, 1)
        else:
            found = await self.series.ascending(start, LAST, 1)
        if not len(found):
            return _marker(start)
        before: Found = found[found["time"] != start]
        return before

    async def end_bound(self, last: int | None) -> Found:
        """The value at or after the end, or a marker; `last` [µs] is the time of the value before it."""
        low, high = self.span.limits()
        low, high = (high + 1, LAST) if self.span.forward else (FIRST, low - 1)
        found = await self.read(low, high, 1)
        if len(found):
            return found
        if self.span.end is not None:
            return _marker(self.span.end)
        last = self.span.start if last is None else last
        return _marker(last + SECOND if self.span.forward else last - SECOND)

    async def read(self, low: int, high: int, limit: int) -> Found:
        """Values with low <= time <= high."""
        read = self.series.ascending if self.span.forward else self.series.descending
        return await read(low, high, limit)


def _marker(time: int) -> Found:
    return np.array([(time, np.nan, BAD_BOUND_NOT_FOUND)], FOUND)
