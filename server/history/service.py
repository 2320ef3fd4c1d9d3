"""HistoryRead (Part 4, 5.11.3): checks, who reads which node, continuation points, and the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from asyncua import ua

from historian.errors import HistorianError
from server.errors import ServiceError
from server.history.encoding import NO_BODY
from server.history.nodes import HistorisedNodes
from server.history.points import Goal, Points
from server.history.reading import HistoryNode, HistoryReader, NodeKind, Operation, Page, operation_of
from server.protocol.dispatch import Call, Dispatcher
from server.protocol.indexrange import BadRange, parse
from server.protocol.sessions import Session
from server.protocol.turns import Pace
from server.protocol.wire import I32, U32, response_header
from server.security.permissions import Permission, Permissions

log = structlog.get_logger(__name__)

S = ua.StatusCodes

MAX_NODES: Final = 1000
MAX_VALUES: Final = 1_000_000  # in one answer, of 22 bytes each
TIMEOUT: Final = 30.0  # s, for an answer
BEGINNING: Final = object()  # where a history goes on of which nothing was told yet
_RESPONSE: Final = int(ua.ObjectIds.HistoryReadResponse_Encoding_DefaultBinary)
_NONE: Final = b"\xff\xff\xff\xff"
_SOURCE, _SERVER, _BOTH = 0, 1, 2  # TimestampsToReturn
_USED: Final = 0.8  # of the time that a client has for the answer


@dataclass
class _Head:
    """HistoryReadParameters up to their nodes."""

    HistoryReadDetails: ua.ExtensionObject = field(default_factory=ua.ExtensionObject)
    TimestampsToReturn: ua.UInt32 = 0  # also one that there is not
    ReleaseContinuationPoints: ua.Boolean = True


@dataclass(frozen=True, slots=True)
class _Request:
    """What all nodes of a request have in common.

    `share` is how many values each may have in the answer, due at `deadline` on the clock of the loop [s].
    """

    session: Session
    number: int
    details: Any
    operation: Operation
    timestamps: int
    share: int
    deadline: float


class HistoryService:
    """Answers HistoryRead."""

    def __init__(self, nodes: HistorisedNodes, permissions: Permissions) -> None:
        self._nodes = nodes
        self._permissions = permissions
        self._points = Points()
        self._readers: dict[tuple[Operation, NodeKind], HistoryReader] = {}

    def serve(self, operation: Operation, kind: NodeKind, reader: HistoryReader) -> None:
        """Have an operation on a kind of nodes answered by `reader`."""
        self._readers[operation, kind] = reader

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service."""
        dispatcher.serve(ua.HistoryReadRequest, self._read)

    async def _read(self, call: Call) -> bytes:
        head, at = call.head(_Head)
        pace, asked = Pace(), []
        for node in call.elements(ua.HistoryReadValueId, at, MAX_NODES):
            asked.append(node)
            await pace.step()
        if head.ReleaseContinuationPoints:
            results = [self._release(call.owner, node) for node in asked]
        else:
            request = self._request(call, head, len(asked))
            results = await _while_open(call.owner, self._pages(request, asked))
        header = response_header(_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(results)), *results, _NONE))

    def _request(self, call: Call, head: _Head, count: int) -> _Request:
        """What is asked of all nodes; raises `ServiceError` where no node could be read."""
        details, timestamps = head.HistoryReadDetails, head.TimestampsToReturn
        operation = operation_of(details)
        readers = {reader for (served, _), reader in self._readers.items() if served is operation}
        if not readers:
            raise ServiceError(S.BadHistoryOperationUnsupported)
        for reader in readers:
            reader.check(details, count)
        if timestamps not in (_SOURCE, _SERVER, _BOTH) and operation is not Operation.EVENTS:
            raise ServiceError(S.BadTimestampsToReturnInvalid)
        # What one answer holds is shared by its nodes: the rest follows by continuation points.
        share = max(MAX_VALUES // count, 1)
        due = min(call.header.timeout_hint * _USED / 1000 or TIMEOUT, TIMEOUT)
        deadline = asyncio.get_running_loop().time() + due
        return _Request(call.owner, self._points.begin(), details, operation, timestamps, share, deadline)

    async def _pages(self, request: _Request, asked: list[ua.HistoryReadValueId]) -> list[bytes]:
        pace, results = Pace(), []
        for place, node in enumerate(asked):
            results.append(await self._page(request, place, node))
            await pace.step()
        return results

    async def _page(self, request: _Request, place: int, asked: ua.HistoryReadValueId) -> bytes:
        session = request.session
        try:
            node = self._node(request, asked)
            reader = self._readers.get((request.operation, node.kind))
            if reader is None:
                raise ServiceError(S.BadHistoryOperationUnsupported)
            goal = Goal(request.operation, node, reader.terms(request.details, place, node))
            given = asked.ContinuationPoint
            rest = self._points.take(session, given, goal) if given else None
            page = await _in_time(reader, request, goal, rest, first=place == 0)
            more = page.rest is not None
            point = self._points.keep(session, request.number, goal, page.rest) if more else None
        except ServiceError as error:
            return _result(error.code)
        except HistorianError as error:
            log.warning("history cannot be read", reason=str(error))
            return _result(S.BadResourceUnavailable)
        return _result(page.status, point, page.body)

    def _release(self, session: Session, asked: ua.HistoryReadValueId) -> bytes:
        """Forget a continuation point; no history is told (Part 11, 6.3)."""
        try:
            self._points.take(session, asked.ContinuationPoint or b"")
        except ServiceError as error:
            return _result(error.code)
        return _result(S.Good)

    # -- nodes

    def _node(self, request: _Request, asked: ua.HistoryReadValueId) -> HistoryNode:
        """The node of which history is asked; raises `ServiceError`."""
        node = self._nodes.find(asked.NodeId)
        profile = self._permissions.profile(asked.NodeId)
        refused = self._permissions.refusal(profile, request.session, Permission.READ_HISTORY)
        if not refused and node.kind is not NodeKind.NOTIFIER:
            refused = _form_refusal(request, node, asked)
        if refused:
            raise ServiceError(refused)
        return node


async def _while_open(session: Session, pages: Coroutine[Any, Any, list[bytes]]) -> list[bytes]:
    """The results, or Bad_SessionClosed as soon as the session is: nobody waits for what is asked then."""
    work = asyncio.ensure_future(pages)
    session.work.add(work)
    try:
        return await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if session.closed and not (task is not None and task.cancelling()):
            raise ServiceError(S.BadSessionClosed) from None
        raise
    finally:
        session.work.discard(work)


async def _in_time(reader: HistoryReader, request: _Request, goal: Goal, rest: Any, first: bool) -> Page:
    """A page; nothing but a point to go on from where the answer is due (Part 11, 6.3).

    What takes longer than that by itself, as the request's `first`, is Bad_Timeout.
    """
    nothing_yet = Page(S.Good, reader.empty, BEGINNING if rest is None else rest)
    if asyncio.get_running_loop().time() >= request.deadline:
        return nothing_yet
    try:
        async with asyncio.timeout_at(request.deadline):
            at = None if rest is BEGINNING else rest
            return await reader.read(request.session, goal.node, goal.terms, at, request.share)
    except TimeoutError:
        if first:
            raise ServiceError(S.BadTimeout) from None
        return nothing_yet


def _form_refusal(request: _Request, node: HistoryNode, asked: ua.HistoryReadValueId) -> int:
    """The StatusCode with which values in the form asked for are refused, or 0.

    Only source timestamps are kept. Part 11, 4.4 has a request for both refused; as clients in use ask for
    nothing else, it is given what there is.
    """
    if request.timestamps == _SERVER:
        processed = request.operation is Operation.PROCESSED  # Part 13, 5.4.3.1; else Part 11, 6.5.3.2
        return int(S.BadTimestampsToReturnInvalid if processed else S.BadTimestampNotSupported)
    if asked.DataEncoding.Name:
        # An encoding is for structures, which only have the binary one here (Part 4, 7.38.2).
        if node.kind is NodeKind.VARIABLE:
            return int(S.BadDataEncodingInvalid)
        if (asked.DataEncoding.NamespaceIndex, asked.DataEncoding.Name) != (0, "Default Binary"):
            return int(S.BadDataEncodingUnsupported)
    return _range_refusal(asked.IndexRange) if asked.IndexRange else 0


def _range_refusal(text: str) -> int:
    """What is historised has no elements."""
    try:
        parse(text)
    except BadRange:
        return int(S.BadIndexRangeInvalid)
    return int(S.BadIndexRangeNoData)


def _result(status: int, point: bytes | None = None, body: bytes = NO_BODY) -> bytes:
    marker = _NONE if point is None else I32.pack(len(point)) + point
    return b"".join((U32.pack(status), marker, body))
