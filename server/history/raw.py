"""Raw history of variables (Part 11, 6.5.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from asyncua import ua

from historian.historian import Historian
from server.errors import ServiceError
from server.history.encoding import NO_VALUES, ValueEncoder, encoded
from server.history.reading import HistoryNode, Page, microseconds
from server.protocol.sessions import Session

S = ua.StatusCodes


@dataclass(frozen=True, slots=True)
class RawTerms:
    """A time domain [µs], None where left open; `limit` values a page, 0 for as many as there may be."""

    start: int | None
    end: int | None
    bounds: bool
    limit: int = field(compare=False)  # clients ask for what they still lack


def check_domain(details: ua.ReadRawModifiedDetails) -> None:
    """Part 11, 6.5.3.2: at least two of start, end and number of values."""
    start, end = microseconds(details.StartTime), microseconds(details.EndTime)
    if start is None and end is None:
        raise ServiceError(S.BadHistoryOperationInvalid)
    if (start is None or end is None) and not details.NumValuesPerNode:
        raise ServiceError(S.BadHistoryOperationInvalid)


def raw_terms(details: ua.ReadRawModifiedDetails) -> RawTerms:
    """What details ask for."""
    return RawTerms(
        microseconds(details.StartTime),
        microseconds(details.EndTime),
        bool(details.ReturnBounds),
        int(details.NumValuesPerNode),
    )


class RawReader:
    """Raw values from the historian."""

    empty: Final = NO_VALUES

    def __init__(self, historian: Historian, encoder: ValueEncoder) -> None:
        self._historian = historian
        self._encoder = encoder

    def check(self, details: ua.ReadRawModifiedDetails, nodes: int) -> None:
        """There must be a time domain."""
        check_domain(details)

    def terms(self, details: ua.ReadRawModifiedDetails, place: int, node: HistoryNode) -> RawTerms:
        """The same for all nodes."""
        return raw_terms(details)

    async def read(
        self, session: Session, node: HistoryNode, terms: RawTerms, rest: int | None, share: int
    ) -> Page:
        """A page; `rest` is the time [µs] of the last value before it."""
        limit = min(terms.limit or share, share)
        found = await self._historian.read_raw(node.row, terms.start, terms.end, limit, terms.bounds, rest)
        return Page(
            S.Good if len(found.time) else S.GoodNoData,
            await encoded(self._encoder.stored, node.row, found),
            int(found.time[-1]) if found.more else None,
        )
