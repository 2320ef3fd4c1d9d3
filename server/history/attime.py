"""History of variables at given times (Part 11, 6.5.5)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np
from asyncua import ua

from historian.historian import Historian
from nodeset.frame import Times
from server.errors import ServiceError
from server.history.encoding import NO_VALUES, ValueEncoder, encoded
from server.history.reading import HistoryNode, Page, microseconds
from server.protocol.sessions import Session

S = ua.StatusCodes


@dataclass(frozen=True, slots=True)
class AtTimeTerms:
    """The times of a request, also in µs; `simple` where nothing but the nearest values serve as bounds."""

    moments: tuple[dt.datetime, ...]
    simple: bool
    times: Times = field(compare=False)


@lru_cache(16)
def _terms(moments: tuple[dt.datetime, ...], simple: bool) -> AtTimeTerms:
    """The same for all nodes of a request, and for all its pages."""
    times = [microseconds(moment) for moment in moments]
    if None in times:
        raise ServiceError(S.BadInvalidTimestampArgument)
    return AtTimeTerms(moments, simple, np.array(times, np.int64))


class AtTimeReader:
    """Values at times in any order, from the historian."""

    empty: Final = NO_VALUES

    def __init__(self, historian: Historian, encoder: ValueEncoder) -> None:
        self._historian = historian
        self._encoder = encoder

    def check(self, details: ua.ReadAtTimeDetails, nodes: int) -> None:
        """There must be a time to read at."""
        if not details.ReqTimes:
            raise ServiceError(S.BadHistoryOperationInvalid)

    def terms(self, details: ua.ReadAtTimeDetails, place: int, node: HistoryNode) -> AtTimeTerms:
        """The same for all nodes; Bad_InvalidTimestampArgument where a time is none."""
        return _terms(tuple(details.ReqTimes), bool(details.UseSimpleBounds))

    async def read(
        self, session: Session, node: HistoryNode, terms: AtTimeTerms, rest: int | None, share: int
    ) -> Page:
        """A page; `rest` is the place of its first time in the request."""
        first = rest or 0
        times = terms.times[first : first + share]
        found = await self._historian.read_at_time(node.row, times, terms.simple)
        more = first + share < len(terms.times)
        return Page(
            S.Good, await encoded(self._encoder.made, node.row, found), first + share if more else None
        )
