"""References as the View services read them: encoded parts that are only joined (Part 4, 5.9.2).

A node's `View` has a `Shape`, which it shares with all nodes of its kind, and links of its own. The
targets of a shape are told relative to the node's identifier: a jar's references are then one
`bytes.join` of its path with constant pieces, and no node on either end need exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from asyncua import ua

from server.protocol.stack import Buffer, NodeData, nodeid_from_binary, nodeid_to_binary, struct_from_binary
from server.protocol.wire import I32, node_id_end, string

ALL_FIELDS: Final = 63
_NULL_ID: Final = b"\x00\x00"
_NO_NAME: Final = b"\x00\x00\xff\xff\xff\xff"
_NO_TEXT: Final = b"\x00"
_NO_CLASS: Final = bytes(4)
_PIECES: Final = 1024  # kept by a `Wanted`

Name = tuple[int, str | None]


@dataclass(frozen=True, slots=True)
class Link:
    """A reference; `target` is an encoded ExpandedNodeId, or what comes after the node's own identifier."""

    kind: ua.NodeId
    forward: bool
    node_class: int
    name: Name
    target: bytes
    fields: tuple[bytes, bytes, bytes, bytes]  # ReferenceTypeId, BrowseName, DisplayName, TypeDefinition
    relative: bool = False
    _encoded: dict[int, bytes] = field(default_factory=dict, compare=False, repr=False)

    def encoded(self, mask: int) -> bytes:
        """One that is not relative, with the fields of a BrowseResultMask; kept, for it comes again."""
        found = self._encoded.get(mask)
        if found is None:
            found = self._encoded[mask] = _encoded(self, self.target, mask)
        return found

    def ends(self, mask: int) -> tuple[bytes, bytes]:
        """What stands before and after the target with the fields of a BrowseResultMask (Part 4, 7.6)."""
        kind, name, text, type_id = self.fields
        before = (kind if mask & 1 else _NULL_ID) + (b"\x01" if mask & 2 and self.forward else b"\x00")
        after = (
            name if mask & 8 else _NO_NAME,
            text if mask & 16 else _NO_TEXT,
            I32.pack(self.node_class) if mask & 4 else _NO_CLASS,
            type_id if mask & 32 else _NULL_ID,
        )
        return before, b"".join(after)


def link(
    kind: ua.NodeId,
    forward: bool,
    target: ua.NodeId | str,
    name: ua.QualifiedName,
    node_class: int,
    type_id: ua.NodeId | None = None,
    text: ua.LocalizedText | None = None,
) -> Link:
    """A link to a node, or to the one whose identifier is the node's own and `target` after it."""
    relative = isinstance(target, str)
    return Link(
        kind,
        forward,
        int(node_class),
        (int(name.NamespaceIndex), name.Name),
        target.encode() if isinstance(target, str) else _node_id(target),
        (
            _node_id(kind),
            int(name.NamespaceIndex).to_bytes(2, "little") + string(name.Name),
            _text(text) if text is not None else b"\x02" + string(name.Name),
            _NULL_ID if type_id is None else _node_id(type_id),
        ),
        relative,
    )


def link_of(ref: ua.ReferenceDescription) -> Link:
    """The link that a structure tells."""
    return link(
        ref.ReferenceTypeId,
        bool(ref.IsForward),
        ref.NodeId,
        ref.BrowseName,
        int(ref.NodeClass),
        ref.TypeDefinition,
        ref.DisplayName,
    )


def links_of(data: bytes, at: int, end: int) -> Iterator[Link]:
    """The links of encoded ReferenceDescriptions."""
    while at < end:
        kind_end = node_id_end(data, at)
        target_end = _expanded_end(data, kind_end + 1)
        name_end = target_end + 6 + max(I32.unpack_from(data, target_end + 2)[0], 0)
        text_end = _text_end(data, name_end)
        type_end = _expanded_end(data, text_end + 4)
        kind = data[at:kind_end]
        yield Link(
            _decoded(kind),
            data[kind_end] != 0,
            I32.unpack_from(data, text_end)[0],
            _name(data[target_end:name_end]),
            data[kind_end + 1 : target_end],
            (kind, data[target_end:name_end], data[name_end:text_end], data[text_end + 4 : type_end]),
        )
        at = type_end


@dataclass(eq=False, slots=True)
class Wanted:
    """What a BrowseDescription asks for: direction, types of reference, classes of node, and fields."""

    forward: bool | None
    kinds: frozenset[ua.NodeId] | None
    classes: int
    mask: int
    pieces: dict[tuple[int, int], tuple[int, list[bytes]]] = field(default_factory=dict)

    def admits(self, one: Link) -> bool:
        """Whether a link is among what is wanted."""
        return (
            (self.forward is None or one.forward is self.forward)
            and (self.kinds is None or one.kind in self.kinds)
            and (not self.classes or one.node_class & self.classes != 0)
        )


EVERYTHING: Final = Wanted(None, None, 0, ALL_FIELDS)


class Shape:
    """The links that all nodes of a kind have alike; `prefix` is that of the targets' NodeIds."""

    def __init__(self, links: Iterable[Link] = (), prefix: bytes = b"") -> None:
        self.links = tuple(links)
        self._prefix = prefix
        self.named: dict[Name, list[Link]] = {}
        for one in self.links:
            self.named.setdefault(one.name, []).append(one)

    def target(self, one: Link, base: bytes) -> bytes:
        """The encoded target of one of the links."""
        if not one.relative:
            return one.target
        return self._prefix + I32.pack(len(base) + len(one.target)) + base + one.target

    def joined(self, base: bytes, wanted: Wanted) -> tuple[int, bytes]:
        """How many links are wanted, and all of them encoded."""
        key = (id(self), len(base))
        found = wanted.pieces.get(key)
        if found is None:
            if len(wanted.pieces) >= _PIECES:
                wanted.pieces.clear()
            found = wanted.pieces[key] = self._pieces(len(base), wanted)
        return found[0], base.join(found[1])

    def _pieces(self, length: int, wanted: Wanted) -> tuple[int, list[bytes]]:
        """What stands around the base's identifier, wherever it occurs."""
        count, pieces = 0, [b""]
        for one in self.links:
            if not wanted.admits(one):
                continue
            count += 1
            before, after = one.ends(wanted.mask)
            if one.relative:
                pieces[-1] += before + self._prefix + I32.pack(length + len(one.target))
                pieces.append(one.target + after)
            else:
                pieces[-1] += before + one.target + after
        return count, pieces


NO_SHAPE: Final = Shape()


@dataclass(eq=False, slots=True)
class View:
    """All references of one node: those of its shape, from the identifier `base`, and its own."""

    shape: Shape
    base: bytes
    own: Sequence[Link]

    def joined(self, wanted: Wanted) -> tuple[int, bytes]:
        """How many references are wanted, and all of them encoded, in the order of `split`."""
        count, data = self.shape.joined(self.base, wanted)
        mask = wanted.mask
        own = [one.encoded(mask) for one in self.own if wanted.admits(one)]
        return count + len(own), data + b"".join(own) if own else data

    def split(self, wanted: Wanted) -> list[bytes]:
        """The wanted references one by one."""
        return [_encoded(one, target, wanted.mask) for one, target in self.targets() if wanted.admits(one)]

    def targets(self, name: Name | None = None) -> Iterator[tuple[Link, bytes]]:
        """Every link with its encoded target, or those to a BrowseName."""
        shape = self.shape
        for one in shape.links if name is None else shape.named.get(name, ()):
            yield one, shape.target(one, self.base)
        for one in self.own:
            if name is None or one.name == name:
                yield one, one.target

    def structures(self) -> list[ua.ReferenceDescription]:
        """Every reference as a structure."""
        return [struct_from_binary(ua.ReferenceDescription, Buffer(data)) for data in self.split(EVERYTHING)]


class LinkedNode(NodeData):  # type: ignore[misc]
    """A node whose references are made when somebody asks for them."""

    def __init__(self, node_id: ua.NodeId, make: Callable[[], list[ua.ReferenceDescription]]) -> None:
        self._references: list[ua.ReferenceDescription] | None = None
        super().__init__(node_id)
        self._make = make

    @classmethod
    def of(cls, node: NodeData, make: Callable[[], list[ua.ReferenceDescription]]) -> LinkedNode:
        """A node that has its attributes already."""
        linked = cls(node.nodeid, make)
        linked.attributes = node.attributes
        return linked

    @property
    def references(self) -> list[ua.ReferenceDescription]:
        """All references; a change to them is kept."""
        if self._references is None:
            self._references = self._make()
        return self._references

    @references.setter
    def references(self, made: list[ua.ReferenceDescription]) -> None:
        self._references = made or None


def _encoded(one: Link, target: bytes, mask: int) -> bytes:
    before, after = one.ends(mask)
    return before + target + after


def _node_id(node_id: ua.NodeId) -> bytes:
    """A NodeId; those with a string, which the fleet has by the thousand, are encoded here."""
    if node_id.__class__ is ua.NodeId and node_id.NodeIdType == ua.NodeIdType.String:
        return b"\x03" + int(node_id.NamespaceIndex).to_bytes(2, "little") + string(node_id.Identifier)
    return bytes(nodeid_to_binary(node_id))


def _text(text: ua.LocalizedText) -> bytes:
    locale, shown = text.Locale is not None, text.Text is not None
    return b"".join(
        (
            bytes((locale + 2 * shown,)),
            string(text.Locale) if locale else b"",
            string(text.Text) if shown else b"",
        )
    )


_names: dict[bytes, ua.NodeId] = {}


def _decoded(data: bytes) -> ua.NodeId:
    """The NodeId of a type of reference: there are few."""
    found = _names.get(data)
    if found is None:
        found = _names[data] = nodeid_from_binary(Buffer(data))
    return found


def _name(data: bytes) -> Name:
    size = I32.unpack_from(data, 2)[0]
    return int.from_bytes(data[:2], "little"), None if size < 0 else data[6:].decode()


def _expanded_end(data: bytes, at: int) -> int:
    """Where an ExpandedNodeId ends (Part 6, 5.2.2.10)."""
    flags = data[at]
    if not flags & 0xC0:
        return node_id_end(data, at)
    end = at + node_id_end(bytes((flags & 0x3F,)) + data[at + 1 :], 0)
    if flags & 0x80:
        end += 4 + max(I32.unpack_from(data, end)[0], 0)
    return end + 4 if flags & 0x40 else end


def _text_end(data: bytes, at: int) -> int:
    """Where a LocalizedText ends (Part 6, 5.2.2.14)."""
    flags, end = data[at], at + 1
    for flag in (1, 2):
        if flags & flag:
            end += 4 + max(I32.unpack_from(data, end)[0], 0)
    return end
