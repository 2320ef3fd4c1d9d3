"""Browse paths followed from node to node (Part 4, 5.9.4), with bounds on what one path may cost."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from asyncua import ua

from server.errors import ServiceError
from server.protocol.decoder import node_id as node_id_of
from server.protocol.wire import I32, U32, WireError, node_id_end
from server.space.addressspace import AddressSpace
from server.space.links import Name, View

S = ua.StatusCodes

MAX_ELEMENTS: Final = 100
MAX_MATCHES: Final = 1000
MAX_VISITED: Final = 2000  # nodes that one path may visit
MAX_REMEMBERED: Final = 10_000  # steps of a request
_WHOLE: Final = b"\xff\xff\xff\xff"  # RemainingPathIndex: the path led to its end
_NAME: Final = struct.Struct("<Hi")


@dataclass(frozen=True, slots=True)
class _Element:
    """One element of a RelativePath; a name of None matches every target."""

    kinds: frozenset[ua.NodeId] | None
    inverse: bool
    name: Name | None


class _Refused(Exception):
    """A path cannot be followed; the StatusCode says why."""

    def __init__(self, code: int) -> None:
        super().__init__(hex(code))
        self.code = code


class BrowsePaths:
    """Follows browse paths."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space

    def translate(self, data: bytes, at: int, count: int) -> Iterator[bytes]:
        """An encoded BrowsePathResult for each of `count` BrowsePaths."""
        # Paths of one request often share their beginnings.
        steps: dict[tuple[bytes, bytes], list[bytes]] = {}
        try:
            for _ in range(count):
                start_end = node_id_end(data, at)
                start = data[at:start_end]
                elements, at = _elements(data, start_end)
                yield self._result(start, elements, steps)
        except (WireError, struct.error, IndexError, UnicodeDecodeError):
            raise ServiceError(S.BadDecodingError) from None

    def _result(
        self, start: bytes, elements: list[bytes], steps: dict[tuple[bytes, bytes], list[bytes]]
    ) -> bytes:
        try:
            targets = self._follow(start, elements, steps)
        except _Refused as refused:
            return U32.pack(refused.code) + bytes(4)
        return b"".join((bytes(4), I32.pack(len(targets)), *(target + _WHOLE for target in targets)))

    def _follow(
        self, start: bytes, elements: list[bytes], steps: dict[tuple[bytes, bytes], list[bytes]]
    ) -> list[bytes]:
        if self._space.view_at(start) is None:
            raise _Refused(S.BadNodeIdUnknown)
        if not elements:
            raise _Refused(S.BadNothingToDo)
        if len(elements) > MAX_ELEMENTS:
            raise _Refused(S.BadQueryTooComplex)
        if any(_no_name(element) for element in elements[:-1]):
            raise _Refused(S.BadBrowseNameInvalid)
        found, visited = [start], 0
        for element in elements:
            visited += len(found)
            if visited > MAX_VISITED:
                raise _Refused(S.BadQueryTooComplex)
            found = self._step(found, element, steps)
            if not found:
                raise _Refused(S.BadNoMatch)
        if len(found) > MAX_MATCHES:
            raise _Refused(S.BadTooManyMatches)
        return found

    def _step(
        self, nodes: list[bytes], element: bytes, steps: dict[tuple[bytes, bytes], list[bytes]]
    ) -> list[bytes]:
        """All targets of an element from some nodes, each once."""
        found: dict[bytes, None] = {}
        for node in nodes:
            targets = steps.get((node, element))
            if targets is None:
                targets = self._targets(node, element)
                if len(steps) < MAX_REMEMBERED:
                    steps[node, element] = targets
            found |= dict.fromkeys(targets)
        return list(found)

    def _targets(self, node: bytes, element: bytes) -> list[bytes]:
        view = self._space.view_at(node)
        return [] if view is None else _matching(view, self._decoded(element))

    def _decoded(self, element: bytes) -> _Element:
        """ReferenceTypeId, IsInverse, IncludeSubtypes and TargetName (Part 4, 7.30)."""
        end = node_id_end(element, 0)
        kinds = self._space.reference_types(node_id_of(element), element[end + 1] != 0)
        namespace, size = _NAME.unpack_from(element, end + 2)
        name = (namespace, element[end + 2 + _NAME.size :].decode()) if size > 0 else None
        return _Element(kinds, element[end] != 0, name)


def _matching(view: View, element: _Element) -> list[bytes]:
    return [
        target
        for one, target in view.targets(element.name)
        if one.forward is not element.inverse and (element.kinds is None or one.kind in element.kinds)
    ]


def _elements(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The elements of a RelativePath, encoded, and where it ends."""
    (count,) = I32.unpack_from(data, at)
    at += 4
    found = []
    for _ in range(count):
        name_at = node_id_end(data, at) + 2
        _, size = _NAME.unpack_from(data, name_at)
        end = name_at + _NAME.size + max(size, 0)
        if end > len(data):
            raise WireError("RelativePathElement is cut short")
        found.append(data[at:end])
        at = end
    return found, at


def _no_name(element: bytes) -> bool:
    _, size = _NAME.unpack_from(element, node_id_end(element, 0) + 2)
    return bool(size <= 0)
