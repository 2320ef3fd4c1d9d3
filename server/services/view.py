"""Browse, BrowseNext, TranslateBrowsePathsToNodeIds and RegisterNodes (Part 4, 5.9).

References are encoded once a node and kept for a while: a client that walks the fleet gets bytes that
are only joined.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from server.errors import ServiceError
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.sessions import Session
from server.protocol.stack import NodeData, nodeid_to_binary
from server.protocol.wire import I32, U32, response_header, string
from server.space.addressspace import AddressSpace

S = ua.StatusCodes

MAX_NODES: Final = 10_000
MAX_REFERENCES: Final = 50_000
MAX_PATH: Final = 100
_CACHED: Final = 4096
_BROWSE_RESPONSE: Final = int(ua.ObjectIds.BrowseResponse_Encoding_DefaultBinary)
_BROWSE_NEXT_RESPONSE: Final = int(ua.ObjectIds.BrowseNextResponse_Encoding_DefaultBinary)
_NONE: Final = b"\xff\xff\xff\xff"
_ALL_FIELDS: Final = 63
_NULL_ID: Final = b"\x00\x00"
_NO_NAME: Final = b"\x00\x00\xff\xff\xff\xff"


@dataclass(frozen=True, slots=True)
class _Reference:
    """A reference and its bytes with the result mask it was asked for."""

    kind: ua.NodeId
    forward: bool
    node_class: int
    data: bytes


class _Point:
    """The rest of a Browse: encoded references, and how many to give at a time."""

    def __init__(self, rest: list[bytes], size: int) -> None:
        self.rest = rest
        self.size = size


class ViewService:
    """Answers the view service set."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self._encoded: OrderedDict[tuple[ua.NodeId, int], list[_Reference]] = OrderedDict()

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.BrowseRequest, self._browse)
        dispatcher.serve(ua.BrowseNextRequest, self._browse_next)
        dispatcher.serve(ua.TranslateBrowsePathsToNodeIdsRequest, self._translate)
        dispatcher.serve(ua.RegisterNodesRequest, self._register_nodes)
        dispatcher.serve(ua.UnregisterNodesRequest, self._unregister_nodes)

    # -- Browse

    def _browse(self, call: Call) -> bytes:
        params = call.params(ua.BrowseParameters)
        check_operations(len(params.NodesToBrowse), MAX_NODES)
        if not params.View.ViewId.is_null():
            raise ServiceError(S.BadViewIdUnknown)
        size = min(params.RequestedMaxReferencesPerNode or MAX_REFERENCES, MAX_REFERENCES)
        results = [self._browse_one(call.owner, desc, size) for desc in params.NodesToBrowse]
        return _response(_BROWSE_RESPONSE, call, results)

    def _browse_one(self, session: Session, desc: ua.BrowseDescription, size: int) -> bytes:
        node = self._space.get(desc.NodeId)
        if node is None:
            return _result(S.BadNodeIdUnknown)
        if desc.BrowseDirection not in (0, 1, 2):
            return _result(S.BadBrowseDirectionInvalid)
        kinds = self._wanted_kinds(desc)
        if kinds is not None and not kinds:
            return _result(S.BadReferenceTypeIdInvalid)
        forward = (True, False, None)[int(desc.BrowseDirection)]
        mask = int(desc.NodeClassMask)
        found = [
            ref.data
            for ref in self._references(node, int(desc.ResultMask) & _ALL_FIELDS)
            if (forward is None or ref.forward is forward)
            and (kinds is None or ref.kind in kinds)
            and (not mask or ref.node_class & mask)
        ]
        return _page(session, found, size)

    def _wanted_kinds(self, desc: ua.BrowseDescription) -> frozenset[ua.NodeId] | None:
        """Reference types to follow; None for all, empty for one that does not exist."""
        kind = desc.ReferenceTypeId
        if kind.is_null():
            return None
        node = self._space.get(kind)
        node_class = node and node.attributes[ua.AttributeIds.NodeClass].value.Value.Value
        if node_class != ua.NodeClass.ReferenceType:
            return frozenset()
        return self._with_subtypes(kind, desc.IncludeSubtypes)

    def _with_subtypes(self, kind: ua.NodeId, subtypes: bool) -> frozenset[ua.NodeId]:
        return frozenset({kind}) | (self._space.subtypes(kind) if subtypes else frozenset())

    def _references(self, node: NodeData, mask: int) -> list[_Reference]:
        key = (node.nodeid, mask)
        found = self._encoded.get(key)
        if found is not None:
            self._encoded.move_to_end(key)
            return found
        found = [
            _Reference(ref.ReferenceTypeId, ref.IsForward, int(ref.NodeClass), _encode(ref, mask))
            for ref in node.references
        ]
        self._encoded[key] = found
        if len(self._encoded) > _CACHED:
            self._encoded.popitem(last=False)
        return found

    # -- BrowseNext

    def _browse_next(self, call: Call) -> bytes:
        params = call.params(ua.BrowseNextParameters)
        check_operations(len(params.ContinuationPoints))
        results = []
        for key in params.ContinuationPoints:
            point = call.owner.points.pop(key, None)
            if not isinstance(point, _Point):
                results.append(_result(S.BadContinuationPointInvalid))
            elif params.ReleaseContinuationPoints:
                results.append(_result(S.Good))
            else:
                results.append(_page(call.owner, point.rest, point.size))
        return _response(_BROWSE_NEXT_RESPONSE, call, results)

    # -- TranslateBrowsePathsToNodeIds

    def _translate(self, call: Call) -> ua.TranslateBrowsePathsToNodeIdsResponse:
        params = call.params(ua.TranslateBrowsePathsToNodeIdsParameters)
        check_operations(len(params.BrowsePaths), MAX_NODES)
        response = ua.TranslateBrowsePathsToNodeIdsResponse()
        response.Results = [self._translate_one(path) for path in params.BrowsePaths]
        return response

    def _translate_one(self, path: ua.BrowsePath) -> ua.BrowsePathResult:
        result = ua.BrowsePathResult()
        elements = path.RelativePath.Elements
        if self._space.get(path.StartingNode) is None:
            result.StatusCode = ua.StatusCode(S.BadNodeIdUnknown)
        elif not elements or len(elements) > MAX_PATH:
            result.StatusCode = ua.StatusCode(S.BadNothingToDo if not elements else S.BadTooManyMatches)
        elif any(not element.TargetName.Name for element in elements):
            result.StatusCode = ua.StatusCode(S.BadBrowseNameInvalid)
        else:
            found = [path.StartingNode]
            for element in elements:
                found = self._step(found, element)
            if not found:
                result.StatusCode = ua.StatusCode(S.BadNoMatch)
            result.Targets = [ua.BrowsePathTarget(_expanded(node_id), 0xFFFF_FFFF) for node_id in found]
        return result

    def _step(self, start: list[ua.NodeId], element: ua.RelativePathElement) -> list[ua.NodeId]:
        kind = element.ReferenceTypeId
        kinds = None if kind.is_null() else self._with_subtypes(kind, element.IncludeSubtypes)
        found: dict[ua.NodeId, None] = {}
        for node_id in start:
            node = self._space.get(node_id)
            for ref in node.references if node is not None else ():
                if (
                    ref.IsForward is not bool(element.IsInverse)
                    and (kinds is None or ref.ReferenceTypeId in kinds)
                    and ref.BrowseName == element.TargetName
                ):
                    found[ref.NodeId] = None
        return list(found)

    # -- RegisterNodes

    @staticmethod
    def _register_nodes(call: Call) -> ua.RegisterNodesResponse:
        """Every access is quick here: a node's own id is its handle."""
        params = call.params(ua.RegisterNodesParameters)
        check_operations(len(params.NodesToRegister), MAX_NODES)
        response = ua.RegisterNodesResponse()
        response.Parameters.RegisteredNodeIds = params.NodesToRegister
        return response

    @staticmethod
    def _unregister_nodes(call: Call) -> ua.UnregisterNodesResponse:
        params = call.params(ua.UnregisterNodesParameters)
        check_operations(len(params.NodesToUnregister), MAX_NODES)
        return ua.UnregisterNodesResponse()


def _expanded(node_id: ua.NodeId) -> ua.ExpandedNodeId:
    return ua.ExpandedNodeId(node_id.Identifier, node_id.NamespaceIndex, node_id.NodeIdType)


def _encode(ref: ua.ReferenceDescription, mask: int) -> bytes:
    """The reference with the fields of a BrowseResultMask (Part 4, 5.9.2; Part 6, 5.2.2)."""
    text = ref.DisplayName
    locale, shown = text.Locale is not None, text.Text is not None
    return b"".join(
        (
            _node_id(ref.ReferenceTypeId) if mask & 1 else _NULL_ID,
            b"\x01" if mask & 2 and ref.IsForward else b"\x00",
            _node_id(ref.NodeId),
            _qualified_name(ref.BrowseName) if mask & 8 else _NO_NAME,
            bytes((locale + 2 * shown,)) if mask & 16 else b"\x00",
            string(text.Locale) if mask & 16 and locale else b"",
            string(text.Text) if mask & 16 and shown else b"",
            I32.pack(int(ref.NodeClass) if mask & 4 else 0),
            _node_id(ref.TypeDefinition) if mask & 32 else _NULL_ID,
        )
    )


def _node_id(node_id: ua.NodeId) -> bytes:
    """A NodeId; those with a string, which the fleet has by the thousand, are encoded here."""
    if node_id.__class__ is ua.NodeId and node_id.NodeIdType == ua.NodeIdType.String:
        return b"\x03" + int(node_id.NamespaceIndex).to_bytes(2, "little") + string(node_id.Identifier)
    return bytes(nodeid_to_binary(node_id))


def _qualified_name(name: ua.QualifiedName) -> bytes:
    return int(name.NamespaceIndex).to_bytes(2, "little") + string(name.Name)


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


def _response(type_id: int, call: Call, results: list[bytes]) -> bytes:
    header = response_header(type_id, call.header.handle)
    return b"".join((header, struct.pack("<i", len(results)), *results, _NONE))
