"""Aggregates of the history of variables (Part 11, 6.5.4; Part 13)."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from historian.aggregation import (
    MILLISECOND,
    SERVER_DEFAULTS,
    Aggregate,
    AggregateConfiguration,
    Aggregation,
    result_of,
)
from historian.historian import Historian
from historian.reader import MAX_VALUES
from nodeset.index import TagIndex
from nodeset.tags import TEXTS
from server.errors import ServiceError
from server.history.encoding import NO_VALUES, ValueEncoder, encoded
from server.history.reading import HistoryNode, Page, microseconds
from server.protocol.sessions import Session

S = ua.StatusCodes
A = Aggregate

LONGEST: Final = 1e15  # ms, 30,000 years: longer than time is in OPC UA
# Those for values of any type (Part 13, 5.4.2.3); the others take numbers.
OF_ANY_TYPE: Final = frozenset(
    {A.ANNOTATION_COUNT, A.COUNT, A.START, A.END, A.START_BOUND, A.END_BOUND, A.DURATION_GOOD}
    | {A.DURATION_BAD, A.PERCENT_GOOD, A.PERCENT_BAD, A.WORST_QUALITY, A.WORST_QUALITY_2}
)


class ProcessedReader:
    """Aggregates from the historian, one of the request's for each of its nodes."""

    empty: Final = NO_VALUES

    def __init__(self, historian: Historian, encoder: ValueEncoder, index: TagIndex) -> None:
        self._historian = historian
        self._encoder = encoder
        self._index = index

    def check(self, details: ua.ReadProcessedDetails, nodes: int) -> None:
        """Part 11, 6.5.4.2: a start and an end that differ, and as many aggregates as nodes."""
        if len(details.AggregateType or ()) != nodes:
            raise ServiceError(S.BadAggregateListMismatch)
        start, end = microseconds(details.StartTime), microseconds(details.EndTime)
        if start is None or end is None:
            raise ServiceError(S.BadHistoryOperationInvalid)
        if start == end or not _is_interval(float(details.ProcessingInterval)):
            raise ServiceError(S.BadInvalidArgument)

    def terms(self, details: ua.ReadProcessedDetails, place: int, node: HistoryNode) -> Aggregation:
        """The aggregate at the node's place in the list."""
        aggregate = _aggregate(details.AggregateType[place])
        if aggregate is None or not self._fits(aggregate, node.row):
            raise ServiceError(S.BadAggregateNotSupported)
        start, end = microseconds(details.StartTime), microseconds(details.EndTime)
        assert start is not None
        assert end is not None
        interval = round(float(details.ProcessingInterval) * MILLISECOND)
        return Aggregation(aggregate, start, end, interval, _configuration(details.AggregateConfiguration))

    def _fits(self, aggregate: Aggregate, row: int) -> bool:
        tag, _ = self._index.locate(row)
        return aggregate in OF_ANY_TYPE or tag.kind not in TEXTS

    async def read(
        self, session: Session, node: HistoryNode, terms: Aggregation, rest: int | None, share: int
    ) -> Page:
        """A page; `rest` is the number of its first interval."""
        first, limit = rest or 0, min(share, MAX_VALUES)
        found = await self._historian.read_processed(node.row, terms, first, limit)
        body = await encoded(self._encoder.made, node.row, found, result_of(terms.aggregate))
        return Page(S.Good, body, first + limit if found.more else None)


def _is_interval(milliseconds: float) -> bool:
    """0 is all of the time domain; others must be as long as history can tell apart. NaN is none."""
    return milliseconds == 0 or 1 / MILLISECOND <= milliseconds <= LONGEST


def _aggregate(node_id: ua.NodeId) -> Aggregate | None:
    number = node_id.Identifier
    if node_id.NamespaceIndex != 0 or not isinstance(number, int) or number not in _NUMBERS:
        return None
    return Aggregate(number)


_NUMBERS: Final = frozenset(int(each) for each in Aggregate)


def _configuration(asked: ua.AggregateConfiguration) -> AggregateConfiguration:
    """What the request has in the place of the server's own (Part 4, 7.22.4)."""
    if asked.UseServerCapabilitiesDefaults:
        return SERVER_DEFAULTS
    made = AggregateConfiguration(
        bool(asked.TreatUncertainAsBad),
        int(asked.PercentDataBad),
        int(asked.PercentDataGood),
        bool(asked.UseSlopedExtrapolation),
    )
    if not made.is_valid:
        raise ServiceError(S.BadAggregateConfigurationRejected)
    return made
