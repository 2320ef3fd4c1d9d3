"""History of events (Part 11, 6.5.2): the journal, through the filters that subscribers use.

A node's history has the events that it tells live. The range of time has its start and not its end, as that
of values has, so that one range after the other tells every event once. An answer that would take long is
given in parts, with a continuation point, whether or not it is full.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua

from historian.events import EventJournal, EventRow, Extent, Scope
from nodeset.index import MIRROR
from server.alarms.conditions import FLEET, SIMULATION
from server.errors import ServiceError
from server.events.event import SERVER
from server.events.filter import CompiledFilter, compile_filter
from server.events.types import EventTypes
from server.history.encoding import extension_object
from server.history.keptevents import KeptEvents
from server.history.narrowing import narrowed
from server.history.reading import HistoryNode, Page, microseconds
from server.protocol.sessions import Session
from server.protocol.wire import I32
from server.security.permissions import Permission, Permissions

S = ua.StatusCodes

MAX_EVENTS: Final = 10_000  # of a node in one answer
_AT_ONCE: Final = 1000  # rows of the journal
_LOOKED: Final = 10  # rows of the journal, between two turns of others
_LONGEST: Final = 5.0  # s, for one answer
_BEGINNING, _END = 0, 253_402_214_400_000_000  # 9999-12-31
_HISTORY_EVENT: Final = int(ua.ObjectIds.HistoryEvent_Encoding_DefaultBinary)

At = tuple[int, int]


@dataclass(frozen=True, slots=True)
class EventTerms:
    """A time domain [µs], None where left open, and a filter; `limit` events a page, 0 for no limit."""

    start: int | None
    end: int | None
    fields: bytes
    where: bytes
    limit: int = field(compare=False)
    filter: CompiledFilter = field(compare=False)
    narrow: Scope = field(compare=False)

    def extent(self, after: At | None) -> Extent:
        """Which events, and in which direction (Part 11, 6.5.2.2)."""
        start, end = self.start, self.end
        if start is None:
            return Extent(_BEGINNING, (_BEGINNING if end is None else end) + 1, True, after)
        if end is None or start == end:
            return Extent(start, _END if end is None else start + 1, False, after)
        if start > end:
            return Extent(end + 1, start + 1, True, after)
        return Extent(start, end, False, after)

    @property
    def is_open(self) -> bool:
        """Whether the number of events is all that ends the range."""
        return self.start is None or self.end is None


class EventReader:
    """Events from the journal."""

    def __init__(
        self, journal: EventJournal, kept: KeptEvents, types: EventTypes, permissions: Permissions
    ) -> None:
        self._journal = journal
        self._kept = kept
        self._types = types
        self._permissions = permissions
        self._last: tuple[ua.ReadEventDetails, EventTerms] | None = None  # many nodes have the same

    @property
    def empty(self) -> bytes:
        """No events."""
        return extension_object(_HISTORY_EVENT, I32.pack(0))

    def check(self, details: ua.ReadEventDetails, nodes: int) -> None:
        """Part 11, 6.5.2.1: at least two of start, end and number of events, and a filter."""
        given = (microseconds(details.StartTime), microseconds(details.EndTime))
        if sum(each is not None for each in given) + bool(details.NumValuesPerNode) < len(given):
            raise ServiceError(S.BadHistoryOperationInvalid)
        if not isinstance(details.Filter, ua.EventFilter) or not details.Filter.SelectClauses:
            raise ServiceError(S.BadEventFilterInvalid)

    def terms(self, details: ua.ReadEventDetails, place: int, node: HistoryNode) -> EventTerms:
        """The same for all nodes."""
        if place == 0 or self._last is None or self._last[0] is not details:
            self._last = details, self._compile(details)
        return self._last[1]

    def _compile(self, details: ua.ReadEventDetails) -> EventTerms:
        compiled, _ = compile_filter(details.Filter, self._types)
        if compiled is None:
            raise ServiceError(S.BadEventFilterInvalid)
        return EventTerms(
            microseconds(details.StartTime),
            microseconds(details.EndTime),
            compiled.key,
            compiled.where,
            int(details.NumValuesPerNode),
            compiled,
            narrowed(details.Filter.WhereClause, self._types, self._kept.names),
        )

    async def read(
        self, session: Session, node: HistoryNode, terms: EventTerms, rest: At | None, share: int
    ) -> Page:
        """A page; `rest` is the time [µs] and number of the last event before it."""
        profile = self._permissions.profile(node.node_id)
        refused = self._permissions.refusal(profile, session, Permission.RECEIVE_EVENTS)
        if refused:
            raise ServiceError(refused)
        most = min(terms.limit or MAX_EVENTS, MAX_EVENTS, share)
        found, after = await self._find(scope_of(node.node_id), terms, rest, most)
        if terms.is_open and len(found) == terms.limit:
            after = None
        body = I32.pack(len(found)) + b"".join(found)
        status = S.Good if found or after is not None else S.GoodNoData
        return Page(status, extension_object(_HISTORY_EVENT, body), after)

    async def _find(
        self, scope: Scope, terms: EventTerms, after: At | None, most: int
    ) -> tuple[list[bytes], At | None]:
        """Up to `most` events encoded, and where others may follow: None at the end."""
        found: list[bytes] = []
        until = time.monotonic() + _LONGEST
        while True:
            rows = await self._journal.read(scope, terms.extent(after), _AT_ONCE, terms.narrow)
            self._know_types(rows)
            some, place, is_more = await self._encoded(rows, terms.filter, most - len(found))
            found += some
            is_more = is_more or len(rows) == _AT_ONCE
            if not is_more:
                return found, None
            after = place
            if len(found) == most or time.monotonic() > until:
                return found, after

    def _know_types(self, rows: Sequence[EventRow]) -> None:
        """Look at the address space here: what happens in the thread finds all types known."""
        for text in {row.type for row in rows}:
            self._types.is_event_type(self._kept.type_of(text))

    async def _encoded(
        self, rows: Sequence[EventRow], chosen: CompiledFilter, most: int
    ) -> tuple[list[bytes], At | None, bool]:
        """As `_encode`: in a thread, or a few rows at a time where the filter looks at the address space."""
        if not chosen.looks:
            return await asyncio.to_thread(self._encode, rows, chosen, most)
        found: list[bytes] = []
        place: At | None = None
        for first in range(0, len(rows), _LOOKED):
            some, at, is_more = self._encode(rows[first : first + _LOOKED], chosen, most - len(found))
            found += some
            place = at or place
            if is_more:
                return found, place, True
            await asyncio.sleep(0)
        return found, place, False

    def _encode(
        self, rows: Sequence[EventRow], chosen: CompiledFilter, most: int
    ) -> tuple[list[bytes], At | None, bool]:
        """Up to `most` events of those that match, the place of the last row, and whether one follows."""
        found: list[bytes] = []
        place: At | None = None
        for row in rows:
            event = self._kept.event(row)
            if chosen.matches(event):
                if len(found) == most:
                    return found, place, True
                found.append(chosen.encoded(event))
            place = row.time, row.number
        return found, place, False


def scope_of(node_id: ua.NodeId) -> Scope:
    """Whose events a notifier tells (N3)."""
    path = str(node_id.Identifier)
    if node_id == SERVER:
        return Scope()
    if path == FLEET:
        return Scope.of_assets()
    if path == SIMULATION:
        return Scope.mirrored(SIMULATION)
    if path == MIRROR + FLEET:
        return Scope.mirrored()
    return Scope.below(path)
