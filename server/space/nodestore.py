"""The nodes of the standard and of NodeSet files, packed: bytes until somebody looks at one.

A pack is written in OPC UA Binary throughout, so that reading it does no more than reading a request
does: a NodeId, the attributes as DataValues and the references as ReferenceDescriptions for each node.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from typing import Final

from asyncua import ua

from server.protocol.stack import (
    AttributeValue,
    Buffer,
    NodeData,
    nodeid_from_binary,
    nodeid_to_binary,
    struct_from_binary,
    struct_to_binary,
)
from server.protocol.wire import I32, node_id_end, string
from server.space.links import NO_SHAPE, Link, LinkedNode, View, links_of

MAGIC: Final = b"VKNODES1"
# Magic, digest of the rest, how many namespaces and nodes there are, and the bytes of their names.
_HEAD: Final = struct.Struct("<8s32sIIII")
_DIGEST_FROM: Final = 40
_RECORD: Final = struct.Struct("<IB")  # bytes of the attributes, and how many


class PackError(Exception):
    """A pack is not whole, or not one."""


def pack(nodes: Iterable[NodeData], namespaces: list[str]) -> bytes:
    """The nodes as bytes for a `NodeStore`."""
    ids, records = [], []
    for node in nodes:
        ids.append(nodeid_to_binary(node.nodeid))
        records.append(_record(node))
    uris = b"".join(map(string, namespaces))
    names = b"".join(ids)
    ends = struct.pack(f"<{len(records) + 1}I", *accumulate(map(len, records), initial=0))
    body = b"".join((uris, names, ends, *records))
    sizes = struct.pack("<IIII", len(namespaces), len(records), len(uris), len(names))
    return MAGIC + hashlib.sha256(sizes + body).digest() + sizes + body


def _record(node: NodeData) -> bytes:
    attributes = b"".join(
        bytes((number,)) + struct_to_binary(_value(node, number, attribute))
        for number, attribute in node.attributes.items()
    )
    references = b"".join(map(struct_to_binary, node.references))
    return _RECORD.pack(len(attributes), len(node.attributes)) + attributes + references


def _value(node: NodeData, number: ua.AttributeIds, attribute: AttributeValue) -> ua.DataValue:
    if attribute.value_callback is not None:
        return attribute.value_callback(node.nodeid, number)
    return attribute.value


_Key = tuple[int, object]


def _key(data: bytes, at: int) -> tuple[_Key, int]:
    """Namespace and identifier of the NodeId at `at`, and where it ends."""
    kind, end = data[at], node_id_end(data, at)
    if kind == 1:
        return (data[at + 1], int.from_bytes(data[at + 2 : end], "little")), end
    if kind == 0:
        return (0, data[at + 1]), end
    node_id = nodeid_from_binary(Buffer(data, at))
    return (node_id.NamespaceIndex, node_id.Identifier), end


class NodeStore:
    """Nodes of a pack by their id."""

    def __init__(self, data: bytes) -> None:
        try:
            magic, digest, uris, count, _, id_bytes = _HEAD.unpack_from(data)
        except struct.error:
            raise PackError("cut short") from None
        if magic != MAGIC or hashlib.sha256(memoryview(data)[_DIGEST_FROM:]).digest() != digest:
            raise PackError("not as it was written")
        self.namespaces: list[str] = []
        at = _HEAD.size
        for _ in range(uris):
            end = at + 4 + I32.unpack_from(data, at)[0]
            self.namespaces.append(data[at + 4 : end].decode())
            at = end
        first = at + id_bytes + 4 * (count + 1)
        ends = struct.unpack_from(f"<{count + 1}I", data, at + id_bytes)
        self._data = data
        self._spans: dict[_Key, tuple[int, int]] = {}
        for start, end in pairwise(ends):
            key, at = _key(data, at)
            self._spans[key] = first + start, first + end

    def __len__(self) -> int:
        return len(self._spans)

    def __iter__(self) -> Iterator[ua.NodeId]:
        for namespace, identifier in self._spans:
            yield ua.NodeId(identifier, namespace)

    def forget(self, node_id: ua.NodeId) -> None:
        """There is no such node."""
        self._spans.pop((node_id.NamespaceIndex, node_id.Identifier), None)

    def links(self, node_id: ua.NodeId) -> list[Link] | None:
        """A node's references as they are browsed, or None where there is no such node."""
        span = self._spans.get((node_id.NamespaceIndex, node_id.Identifier))
        if span is None:
            return None
        size, _ = _RECORD.unpack_from(self._data, span[0])
        return list(links_of(self._data, span[0] + _RECORD.size + size, span[1]))

    def node(self, node_id: ua.NodeId) -> NodeData | None:
        """A new node of that id, or None."""
        span = self._spans.get((node_id.NamespaceIndex, node_id.Identifier))
        if span is None:
            return None
        start, end = span
        size, count = _RECORD.unpack_from(self._data, start)
        buffer = Buffer(self._data, start + _RECORD.size)
        at = start + _RECORD.size + size
        node = LinkedNode(node_id, lambda: View(NO_SHAPE, b"", [*links_of(self._data, at, end)]).structures())
        for _ in range(count):
            number = ua.AttributeIds(buffer.read(1)[0])
            node.attributes[number] = AttributeValue(struct_from_binary(ua.DataValue, buffer))
        return node
