"""HistoryRead (Part 4, 5.11.3): checks, who reads which node, continuation points, and the answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from asyncua import ua

from historian.errors import HistorianError
from server.errors import ServiceError
from server.history.encoding import NO_BODY
from server.history.points import Points
from server.history.reading import HistoryNode, HistoryReader, NodeKind, Operation, operation_of
from server.protocol.dispatch import Call, Dispatcher
from server.protocol.sessions import Session
from server.protocol.turns import Pace
from server.protocol.wire import I32, U32, response_header
from server.security.permissions import Permission, Permissions
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.nodes import A
from server.space.rowparser import RowParser

log = structlog.get_logger(__name__)

S = ua.StatusCodes

MAX_NODES: Final = 1000
MAX_VALUES: Final = 1_000_000  # in one answer, of 22 bytes each
TIMEOUT: Final = 30.0  # s, for one node
ANNOTATIONS: Final = ".Annotations"  # what comes behind a variable's identifier in that of the property
_RESPONSE: Final = int(ua.ObjectIds.HistoryReadResponse_Encoding_DefaultBinary)
_NONE: Final = b"\xff\xff\xff\xff"


@dataclass
class _Head:
    """HistoryReadParameters up to their nodes."""

    HistoryReadDetails: ua.ExtensionObject = field(default_factory=ua.ExtensionObject)
    TimestampsToReturn: ua.TimestampsToReturn = ua.TimestampsToReturn.Source
    ReleaseContinuationPoints: ua.Boolean = True


@dataclass(frozen=True, slots=True)
class _Request:
    """What all nodes of a request have in common; `share` is how many values each may have in the answer."""

    session: Session
    details: Any
    operation: Operation
    share: int


class HistoryService:
    """Answers HistoryRead."""

    def __init__(self, space: AddressSpace, parser: RowParser, permissions: Permissions) -> None:
        self._space = space
        self._parser = parser
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
            results = await self._pages(self._request(call.owner, head, len(asked)), asked)
        header = response_header(_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(results)), *results, _NONE))

    def _request(self, session: Session, head: _Head, count: int) -> _Request:
        """What is asked of all nodes; raises `ServiceError` where no node could be read."""
        details = head.HistoryReadDetails
        operation = operation_of(details)
        readers = {reader for (served, _), reader in self._readers.items() if served is operation}
        if not readers:
            raise ServiceError(S.BadHistoryOperationUnsupported)
        for reader in readers:
            reader.check(details, count)
        if int(head.TimestampsToReturn) not in (0, 1, 2):
            raise ServiceError(S.BadTimestampsToReturnInvalid)
        # What one answer holds is shared by its nodes: the rest follows by continuation points.
        return _Request(session, details, operation, max(MAX_VALUES // count, 1))

    async def _pages(self, request: _Request, asked: list[ua.HistoryReadValueId]) -> list[bytes]:
        results = []
        for place, node in enumerate(asked):
            results.append(await self._page(request, place, node))
            if request.session.closed:
                raise ServiceError(S.BadSessionClosed)
        return results

    async def _page(self, request: _Request, place: int, asked: ua.HistoryReadValueId) -> bytes:
        session = request.session
        try:
            node = self._node(session, asked)
            reader = self._readers.get((request.operation, node.kind))
            if reader is None:
                raise ServiceError(S.BadHistoryOperationUnsupported)
            terms = reader.terms(request.details, place, node)
            rest = None
            if asked.ContinuationPoint:
                point = self._points.take(session, asked.ContinuationPoint)
                if (point.operation, point.node, point.terms) != (request.operation, node, terms):
                    raise ServiceError(S.BadContinuationPointInvalid)
                rest = point.rest
            async with asyncio.timeout(TIMEOUT):
                page = await reader.read(session, node, terms, rest, request.share)
            name = None
            if page.rest is not None:
                name = self._points.keep(session, request.operation, node, terms, page.rest)
        except ServiceError as error:
            return _result(error.code)
        except TimeoutError:
            return _result(S.BadTimeout)
        except HistorianError as error:
            log.warning("history cannot be read", reason=str(error))
            return _result(S.BadResourceUnavailable)
        return _result(page.status, name, page.body)

    def _release(self, session: Session, asked: ua.HistoryReadValueId) -> bytes:
        """Forget a continuation point; no history is told (Part 4, 5.11.3.2)."""
        try:
            if asked.ContinuationPoint:
                self._points.take(session, asked.ContinuationPoint)
        except ServiceError as error:
            return _result(error.code)
        return _result(S.Good)

    # -- nodes

    def _node(self, session: Session, asked: ua.HistoryReadValueId) -> HistoryNode:
        """The node of which history is asked; raises `ServiceError`."""
        node = self._known(asked.NodeId)
        profile = self._permissions.profile(asked.NodeId)
        refused = self._permissions.refusal(profile, session, Permission.READ_HISTORY)
        if refused:
            raise ServiceError(refused)
        if asked.IndexRange:
            raise ServiceError(S.BadIndexRangeNoData)
        if asked.DataEncoding.Name and asked.DataEncoding.Name != "Default Binary":
            raise ServiceError(S.BadDataEncodingUnsupported)
        return node

    def _known(self, node_id: ua.NodeId) -> HistoryNode:
        row = self._parser.row(node_id)
        if row is not None:
            return HistoryNode(self._parser.node_id(row), NodeKind.VARIABLE, row)
        known = self._space.get(node_id)
        if known is None:
            raise ServiceError(S.BadNodeIdUnknown)
        identifier = node_id.Identifier
        if isinstance(identifier, str) and identifier.endswith(ANNOTATIONS):
            owner = ua.NodeId(identifier.removesuffix(ANNOTATIONS), node_id.NamespaceIndex)
            row = self._parser.row(owner)
            if row is not None:
                return HistoryNode(node_id, NodeKind.ANNOTATIONS, row)
        notifier = known.attributes.get(A.EventNotifier)
        if notifier is not None and notifier.value.Value.Value & nodes.HISTORY_READABLE:
            return HistoryNode(node_id, NodeKind.NOTIFIER)
        raise ServiceError(S.BadHistoryOperationUnsupported)


def _result(status: int, point: bytes | None = None, body: bytes = NO_BODY) -> bytes:
    marker = _NONE if point is None else I32.pack(len(point)) + point
    return b"".join((U32.pack(status), marker, body))
