"""Browse, BrowseNext, TranslateBrowsePathsToNodeIds and RegisterNodes (Part 4, 5.9).

Requests are read from their bytes and answered with bytes: references are joined from what the address
space knows of a kind of node, and no node is made for them.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Generator, Iterator
from typing import Final

from asyncua import ua

from server.errors import ServiceError
from server.protocol.decoder import node_id as node_id_of
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.sessions import Session
from server.protocol.wire import I32, U32, WireError, node_id_end, response_header
from server.services.browsepaths import BrowsePaths
from server.space.addressspace import AddressSpace
from server.space.links import ALL_FIELDS, Wanted
from server.space.rowparser import RowParser

S = ua.StatusCodes

MAX_NODES: Final = 10_000
MAX_REFERENCES: Final = 50_000
MAX_RESPONSE: Final = 64 << 20  # bytes
_FILTERS: Final = 256  # kept
_BROWSE_RESPONSE: Final = int(ua.ObjectIds.BrowseResponse_Encoding_DefaultBinary)
_BROWSE_NEXT_RESPONSE: Final = int(ua.ObjectIds.BrowseNextResponse_Encoding_DefaultBinary)
_TRANSLATE_RESPONSE: Final = int(ua.ObjectIds.TranslateBrowsePathsToNodeIdsResponse_Encoding_DefaultBinary)
_REGISTER_RESPONSE: Final = int(ua.ObjectIds.RegisterNodesResponse_Encoding_DefaultBinary)
_NONE: Final = b"\xff\xff\xff\xff"
_VIEW: Final = struct.Struct("<qIIi")  # timestamp and version of the view, references a node, count
_FILTER_END: Final = struct.Struct("<?II")  # subtypes, classes, fields
_DIRECTIONS: Final = {0: True, 1: False, 2: None}

Work = Generator[None, None, bytes]


class _Point:
    """The rest of a Browse: encoded references, and how many to give at a time."""

    def __init__(self, rest: list[bytes], size: int) -> None:
        self.rest = rest
        self.size = size


class ViewService:
    """Answers the view service set."""

    def __init__(self, space: AddressSpace, parser: RowParser) -> None:
        self._space = space
        self._parser = parser
        self._paths = BrowsePaths(space)
        self._wanted: OrderedDict[bytes, Wanted | int] = OrderedDict()

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.BrowseRequest, self._browse)
        dispatcher.serve(ua.BrowseNextRequest, self._browse_next)
        dispatcher.serve(ua.TranslateBrowsePathsToNodeIdsRequest, self._translate)
        dispatcher.serve(ua.RegisterNodesRequest, self._register_nodes)
        dispatcher.serve(ua.UnregisterNodesRequest, self._unregister_nodes)

    # -- Browse

    def _browse(self, call: Call) -> Work:
        data, at = call.data, call.header.end
        try:
            end = node_id_end(data, at)
            _, _, most, count = _VIEW.unpack_from(data, end)
        except (WireError, struct.error, IndexError):
            raise ServiceError(S.BadDecodingError) from None
        check_operations(count, MAX_NODES)
        if not node_id_of(data, at).is_null():
            raise ServiceError(S.BadViewIdUnknown)
        size = min(most or MAX_REFERENCES, MAX_REFERENCES)
        results = self._browse_all(call, end + _VIEW.size, count, size)
        return (yield from _answer(_BROWSE_RESPONSE, call, results))

    def _browse_all(self, call: Call, at: int, count: int, size: int) -> Iterator[bytes]:
        """A result for each of `count` BrowseDescriptions."""
        data, session, length = call.data, call.owner, len(call.data)
        try:
            for _ in range(count):
                end = node_id_end(data, at)
                stop = node_id_end(data, end + 4) + _FILTER_END.size
                if stop > length:
                    raise WireError("BrowseDescription is cut short")
                yield self._browse_one(session, data[at:end], data[end:stop], size)
                at = stop
        except (WireError, struct.error, IndexError, UnicodeDecodeError):
            raise ServiceError(S.BadDecodingError) from None

    def _browse_one(self, session: Session, node_id: bytes, terms: bytes, size: int) -> bytes:
        view = self._space.view_at(node_id)
        if view is None:
            return _result(S.BadNodeIdUnknown)
        wanted = self._terms(terms)
        if isinstance(wanted, int):
            return _result(wanted)
        count, data = view.joined(wanted)
        if count <= size:
            return b"".join((bytes(4), _NONE, I32.pack(count), data))
        return _page(session, view.split(wanted), size)

    def _terms(self, terms: bytes) -> Wanted | int:
        """What a BrowseDescription asks for from its direction on, or the StatusCode that refuses it."""
        found = self._wanted.get(terms)
        if found is None:
            found = self._wanted[terms] = self._decoded(terms)
            if len(self._wanted) > _FILTERS:
                self._wanted.popitem(last=False)
        return found

    def _decoded(self, terms: bytes) -> Wanted | int:
        (direction,) = I32.unpack_from(terms)
        subtypes, classes, fields = _FILTER_END.unpack_from(terms, len(terms) - _FILTER_END.size)
        if direction not in _DIRECTIONS:
            return int(S.BadBrowseDirectionInvalid)
        kind = node_id_of(terms, 4)
        kinds = self._space.reference_types(kind, subtypes)
        if kinds is not None and not kinds:
            return int(S.BadReferenceTypeIdInvalid)
        return Wanted(_DIRECTIONS[direction], kinds, classes, fields & ALL_FIELDS)

    # -- BrowseNext

    def _browse_next(self, call: Call) -> Work:
        release = call.data[call.header.end : call.header.end + 1] != b"\x00"
        keys = _continuation_points(call)
        results = (self._go_on(call.owner, key, release) for key in keys)
        return (yield from _answer(_BROWSE_NEXT_RESPONSE, call, results))

    @staticmethod
    def _go_on(session: Session, key: bytes, release: bool) -> bytes:
        point = session.points.get(key)
        if not isinstance(point, _Point):
            return _result(S.BadContinuationPointInvalid)
        del session.points[key]
        return _result(S.Good) if release else _page(session, point.rest, point.size)

    # -- TranslateBrowsePathsToNodeIds

    def _translate(self, call: Call) -> Work:
        at, count = _count(call)
        results = self._paths.translate(call.data, at, count)
        return (yield from _answer(_TRANSLATE_RESPONSE, call, results))

    # -- RegisterNodes

    def _register_nodes(self, call: Call) -> Work:
        """A number for each live variable, for requests to name it by; other nodes keep their ids."""
        registered = []
        for node_id in _node_ids(call):
            registered.append(self._parser.handle(node_id) or node_id)
            yield
        header = response_header(_REGISTER_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(registered)), *registered))

    @staticmethod
    def _unregister_nodes(call: Call) -> ua.UnregisterNodesResponse:
        """Nothing was kept, so there is nothing to forget."""
        _node_ids(call)
        return ua.UnregisterNodesResponse()


def _count(call: Call, skip: int = 0) -> tuple[int, int]:
    """Where the elements of the request's only array begin, behind `skip` bytes, and how many there are."""
    at = call.header.end + skip
    try:
        (count,) = I32.unpack_from(call.data, at)
    except struct.error:
        raise ServiceError(S.BadDecodingError) from None
    check_operations(count, MAX_NODES)
    return at + I32.size, count


def _continuation_points(call: Call) -> list[bytes]:
    """Those of a BrowseNext request, behind its flag; a null one is as unknown as an empty one."""
    at, count = _count(call, 1)
    found = []
    for _ in range(count):
        start = at + I32.size
        if start > len(call.data):
            raise ServiceError(S.BadDecodingError)
        (size,) = I32.unpack_from(call.data, at)
        at = start + max(size, 0)
        if size < -1 or at > len(call.data):
            raise ServiceError(S.BadDecodingError)
        found.append(call.data[start:at])
    return found


def _node_ids(call: Call) -> list[bytes]:
    """The NodeIds of a request that has nothing else."""
    at, count = _count(call)
    found = []
    try:
        for _ in range(count):
            end = node_id_end(call.data, at)
            if end > len(call.data):
                raise WireError("NodeId is cut short")
            found.append(call.data[at:end])
            at = end
    except (WireError, struct.error, IndexError):
        raise ServiceError(S.BadDecodingError) from None
    return found


def _page(session: Session, references: list[bytes], size: int) -> bytes:
    point = None
    if len(references) > size:
        try:
            point = session.keep_point(_Point(references[size:], size))
        except ServiceError as error:
            return _result(error.code)
        references = references[:size]
    return _result(S.Good, point, references)


def _result(status: int, point: bytes | None = None, references: list[bytes] | None = None) -> bytes:
    marker = _NONE if point is None else I32.pack(len(point)) + point
    found = references or []
    return b"".join((U32.pack(status), marker, I32.pack(len(found)), *found))


def _answer(type_id: int, call: Call, results: Iterator[bytes]) -> Work:
    """The response with all results; others may be served after each."""
    done, size = [], 0
    for result in results:
        size += len(result)
        if size > MAX_RESPONSE:
            raise ServiceError(S.BadResponseTooLarge)
        done.append(result)
        yield
    return _response(type_id, call, done)


def _response(type_id: int, call: Call, results: list[bytes]) -> bytes:
    header = response_header(type_id, call.header.handle)
    return b"".join((header, I32.pack(len(results)), *results, _NONE))
