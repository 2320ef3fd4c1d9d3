"""Structures of ours as ExtensionObjects, from their declaration (Part 6, 5.2.6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from struct import Struct
from typing import Any, Final

from asyncua import ua

from nodeset.datatypes import DataType
from nodeset.structures import StructureDef
from server.protocol.wire import I32, I64, U32, string, ticks

_DOUBLE: Final = Struct("<d")
_NULL_TIME: Final = 0  # 1601-01-01


def _time(microseconds: int | None) -> bytes:
    return I64.pack(_NULL_TIME if microseconds is None else ticks(microseconds))


# A DateTime is given in µs since 1970, None being null.
_ENCODE: Final[dict[DataType, Callable[[Any], bytes]]] = {
    DataType.BOOLEAN: lambda value: b"\x01" if value else b"\x00",
    DataType.UINT32: U32.pack,
    DataType.DOUBLE: _DOUBLE.pack,
    DataType.STRING: string,
    DataType.DATE_TIME: _time,
}


class StructureEncoder:
    """Encodes values of a structure whose types are in the namespace with this index."""

    def __init__(self, structure: StructureDef, types: int) -> None:
        self._id = ua.NodeId(structure.encoding, types, ua.NodeIdType.String)
        self._fields = [(each.name, _ENCODE[each.data_type], each.array) for each in structure.fields]

    def __call__(self, values: Mapping[str, Any]) -> ua.ExtensionObject:
        """The structure with these fields, by name: all of them."""
        parts = [
            _array(encode, values[name]) if array else encode(values[name])
            for name, encode, array in self._fields
        ]
        return ua.ExtensionObject(self._id, b"".join(parts))


def _array(encode: Callable[[Any], bytes], values: Sequence[Any]) -> bytes:
    return I32.pack(len(values)) + b"".join(map(encode, values))
