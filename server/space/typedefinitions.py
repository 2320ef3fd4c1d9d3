"""DataTypeDefinition of the standard data types (Part 3, 8.47 to 8.52), from asyncua's classes for them.

The standard NodeSet that asyncua loads leaves the attribute empty.
"""

from __future__ import annotations

import dataclasses
import enum
import re
from functools import cache
from typing import Any, Final

from asyncua import ua

Ids = ua.ObjectIds

# An annotation of a field: `list[ua.Int32]`, `type[ua.Structure]` for it or a subtype, `ua.Double | None`.
_FIELD: Final = re.compile(r"(list\[)?(?:type\[)?(?:list\[)?(?:[\w.]+\.)?(\w+)\]*( \| None)?")
# Classes of asyncua whose names are not those of data types.
_NAMES: Final = {"Variant": "BaseDataType", "ExtensionObject": "Structure"}
_MASK: Final = "Encoding"
_MESSAGE: Final = ("Request", "Response")  # asyncua's have fields of its own


@cache
def definition(data_type: ua.NodeId) -> Any | None:
    """The StructureDefinition or EnumDefinition of a standard data type, or None for any other."""
    if data_type.NamespaceIndex != 0 or data_type.Identifier == Ids.Enumeration:
        return None
    name = ua.ObjectIdNames.get(data_type.Identifier)
    kind = getattr(ua, name, None) if name is not None else None
    if not isinstance(kind, type) or kind.__name__.endswith(_MESSAGE):
        return None
    if issubclass(kind, enum.IntEnum | enum.IntFlag):
        return _enumeration(kind)
    if dataclasses.is_dataclass(kind) and _encoding_id(kind) is not None:
        return _structure(kind)
    return None


def _enumeration(kind: type[enum.IntEnum] | type[enum.IntFlag]) -> Any:
    """Of an option set the values are the numbers of its bits (Part 3, 8.50)."""
    is_set = issubclass(kind, enum.IntFlag)
    return ua.EnumDefinition(
        [
            ua.EnumField(
                Value=member.value.bit_length() - 1 if is_set else member.value,
                DisplayName=ua.LocalizedText(name.rstrip("_")),
                Name=name.rstrip("_"),
            )
            for name, member in kind.__members__.items()
            if member.value or not is_set
        ]
    )


def _structure(kind: type[Any]) -> Any:
    # A first field of this name says which others are there; asyncua spoils a later one (Part 5, 12.12).
    declared = dataclasses.fields(kind)
    fields = [_field(each) for i, each in enumerate(declared) if i or each.name != _MASK]
    bases = [base.__name__ for base in kind.__mro__ if base.__name__ != kind.__name__]
    optional = any(field.IsOptional for field in fields)
    return ua.StructureDefinition(
        DefaultEncodingId=ua.NodeId(_encoding_id(kind)),
        BaseDataType=ua.NodeId(getattr(Ids, bases[0], Ids.Structure)),
        StructureType=ua.StructureType.StructureWithOptionalFields
        if optional
        else ua.StructureType.Structure,
        Fields=fields,
    )


def _field(declared: dataclasses.Field[Any]) -> Any:
    annotation = declared.type
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation).strip("'\"")
    found = _FIELD.fullmatch(text)
    assert found is not None, text
    name = "String" if declared.name == _MASK else _NAMES.get(found[2], found[2])
    return ua.StructureField(
        Name=declared.name,
        DataType=ua.NodeId(getattr(Ids, name)),
        ValueRank=1 if "list[" in text else -1,
        IsOptional=found[3] is not None,
    )


def _encoding_id(kind: type[Any]) -> int | None:
    found = getattr(Ids, f"{kind.__name__}_Encoding_DefaultBinary", None)
    return None if found is None else int(found)
