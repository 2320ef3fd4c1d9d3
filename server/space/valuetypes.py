"""Whether a value is of a data type and of a shape (Part 3, 5.6.2; Part 4, 5.11.4 and 5.12.2)."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from asyncua import ua

from server.space.addressspace import AddressSpace

VT = ua.VariantType
Ids = ua.ObjectIds

_LAST_BUILT_IN: Final = 25  # DiagnosticInfo; identifiers up to it are those of VariantType
_SIGNED: Final = frozenset({VT.SByte, VT.Int16, VT.Int32, VT.Int64})
_UNSIGNED: Final = frozenset({VT.Byte, VT.UInt16, VT.UInt32, VT.UInt64})
_ABSTRACT: Final = {
    Ids.BaseDataType: frozenset(VT) - {VT.Null},
    Ids.Number: _SIGNED | _UNSIGNED | {VT.Float, VT.Double},
    Ids.Integer: _SIGNED,
    Ids.UInteger: _UNSIGNED,
    Ids.Enumeration: frozenset({VT.Int32}),
}

Types = frozenset[ua.VariantType]


class ValueTypes:
    """Compares values with the data types of the address space."""

    def __init__(self, space: AddressSpace) -> None:
        self._space = space
        self.built_in = cache(self._built_in)

    def _built_in(self, data_type: ua.NodeId) -> Types:
        """The built-in types that encode a data type: Double for Duration, Int32 for an enumeration."""
        kind: ua.NodeId | None = data_type
        for _ in range(20):  # a loop of types in an imported NodeSet ends here
            if kind is None:
                break
            if kind.NamespaceIndex == 0 and kind.Identifier in _ABSTRACT:
                return _ABSTRACT[kind.Identifier]
            if kind.NamespaceIndex == 0 and 1 <= kind.Identifier <= _LAST_BUILT_IN:
                return frozenset({VT(kind.Identifier)})
            kind = self._above(kind)
        return frozenset()

    def _above(self, kind: ua.NodeId) -> ua.NodeId | None:
        node = self._space.get(kind)
        for ref in node.references if node is not None else ():
            if not ref.IsForward and ref.ReferenceTypeId.Identifier == Ids.HasSubtype:
                above: ua.NodeId = ref.NodeId
                return above
        return None

    def fits(self, value: ua.Variant, data_type: ua.NodeId, rank: int) -> bool:
        """Whether a value is of a type and has as many dimensions as a ValueRank says.

        A null array, with or without its type, is an empty one.
        """
        if value.VariantType is VT.Null and not value.is_array:
            return rank >= 0
        if value.VariantType not in self.built_in(data_type) or not _has_rank(value, rank):
            return False
        if value.VariantType is not VT.ExtensionObject:
            return True
        return all(self._is_structure(each, data_type) for each in elements(value))

    def _is_structure(self, value: Any, data_type: ua.NodeId) -> bool:
        if value is None:
            return True
        kind = getattr(value, "data_type", None)  # what asyncua could not decode has none
        return data_type.Identifier == Ids.BaseDataType or (
            kind is not None and self._space.is_subtype(kind, data_type)
        )


def _has_rank(value: ua.Variant, rank: int) -> bool:
    """ValueRank (Part 3, 5.6.2): -3 a scalar or one dimension, -2 any, -1 a scalar, 0 any array."""
    dimensions = len(value.Dimensions) if value.Dimensions else int(bool(value.is_array))
    if rank == -2:
        return True
    if rank == -3:
        return dimensions <= 1
    return dimensions >= 1 if rank == 0 else dimensions == max(rank, 0)


def elements(value: ua.Variant) -> list[Any]:
    """The scalars of a value, whatever its shape."""
    found = [value.Value]
    while any(isinstance(each, list) for each in found):
        found = [inner for each in found for inner in (each if isinstance(each, list) else [each])]
    return found
