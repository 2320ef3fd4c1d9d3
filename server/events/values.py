"""Values inside an event filter: null, implicit conversion to a common type, and Cast (Part 4, 7.7.3).

Numbers are compared by what they are worth; everything else is converted to the type that takes
precedence. None stands for a conversion that does not exist or failed.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from server.events.event import NULL

Type = ua.VariantType

# From the highest precedence to the lowest; types that are not here are compared with their own kind only.
_PRECEDENCE: Final = (
    *(Type.Double, Type.Float, Type.Int64, Type.UInt64, Type.Int32, Type.UInt32, Type.StatusCode),
    *(Type.Int16, Type.UInt16, Type.SByte, Type.Byte, Type.Boolean, Type.Guid, Type.String),
    *(Type.ExpandedNodeId, Type.NodeId, Type.LocalizedText, Type.QualifiedName),
)
_RANK: Final = {kind: i for i, kind in enumerate(_PRECEDENCE)}
_INTEGERS: Final = {
    Type.SByte: (-(2**7), 2**7 - 1),
    Type.Byte: (0, 2**8 - 1),
    Type.Int16: (-(2**15), 2**15 - 1),
    Type.UInt16: (0, 2**16 - 1),
    Type.Int32: (-(2**31), 2**31 - 1),
    Type.UInt32: (0, 2**32 - 1),
    Type.Int64: (-(2**63), 2**63 - 1),
    Type.UInt64: (0, 2**64 - 1),
}
_FLOATS: Final = frozenset({Type.Float, Type.Double})
_NUMBERS: Final = _FLOATS | frozenset(_INTEGERS)
_LOGICAL: Final = _NUMBERS | {Type.Boolean}
ORDERED: Final = _LOGICAL | {Type.String, Type.DateTime, Type.Guid, Type.StatusCode, Type.ByteString}
# Where a StatusCode goes without being asked to.
_CODES: Final = frozenset({Type.UInt32, Type.Int64, Type.UInt64})
# Data types that are one of the built-in types by another name (Part 3, 8).
_ALIASES: Final = {
    ua.ObjectIds.Duration: Type.Double,
    ua.ObjectIds.UtcTime: Type.DateTime,
    ua.ObjectIds.LocaleId: Type.String,
    ua.ObjectIds.Counter: Type.UInt32,
}
_INTEGER_TEXT: Final = re.compile(r"[+-]?[0-9]{1,20}")
_FLOAT_TEXT: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}
_LONGEST_NUMBER: Final = 400
_GUID_SIZE: Final = 16
# Integers that have room for the upper half of a StatusCode only.
_SHORT: Final = frozenset({Type.Int16, Type.UInt16})
_SEVERITY_AND_CODE: Final = 16


def is_null(value: ua.Variant) -> bool:
    """Whether there is nothing in it: no value, a null NodeId, a text without text."""
    inner = value.Value
    if inner is None or value.VariantType is Type.Null:
        return True
    if isinstance(inner, ua.NodeId):
        return bool(inner.is_null())
    if isinstance(inner, ua.LocalizedText):
        return inner.Text is None
    return isinstance(inner, ua.QualifiedName) and inner.Name is None


def truth(value: ua.Variant) -> bool | None:
    """Boolean value of an operand; None for null and for what is no Boolean."""
    if value.is_array:
        return None
    if value.VariantType is Type.Boolean:
        return bool(value.Value)
    return _BOOLEANS.get(value.Value.lower()) if _is_text(value) else None


def as_string(value: ua.Variant) -> str | None:
    """The value as a String, where that needs no Cast."""
    if value.is_array:
        return None
    inner = value.Value
    if isinstance(inner, str):
        return inner
    if isinstance(inner, ua.NodeId):
        return str(inner.to_string())
    part = inner.Text if isinstance(inner, ua.LocalizedText) else getattr(inner, "Name", None)
    return None if part is None else str(part)


def common(a: ua.Variant, b: ua.Variant) -> tuple[Any, Any] | None:
    """Both values in the type of higher precedence, or None."""
    if bool(a.is_array) != bool(b.is_array):
        a, b = _single(a), _single(b)
    kind, other = a.VariantType, b.VariantType
    if bool(a.is_array) != bool(b.is_array):
        return None
    if kind is other:
        return a.Value, b.Value
    if a.is_array or kind not in _RANK or other not in _RANK:
        return None
    if _RANK[kind] < _RANK[other]:
        converted = _implicit(b, kind)
        return None if converted is None else (a.Value, converted)
    converted = _implicit(a, other)
    return None if converted is None else (converted, b.Value)


def _single(value: ua.Variant) -> ua.Variant:
    """The element of an array that has only one; anything else as it is (Part 4, 7.7.3)."""
    if not value.is_array or not isinstance(value.Value, list) or len(value.Value) != 1:
        return value
    return ua.Variant(value.Value[0], value.VariantType)


def order(a: ua.Variant, b: ua.Variant) -> tuple[Any, Any] | None:
    """As `common`, for values that have an order."""
    return common(a, b) if a.VariantType in ORDERED and b.VariantType in ORDERED else None


def wider(a: ua.Variant, b: ua.Variant) -> ua.VariantType | None:
    """The integer type of higher precedence, or None unless both are integers."""
    if a.is_array or b.is_array or a.VariantType not in _INTEGERS or b.VariantType not in _INTEGERS:
        return None
    return min(a.VariantType, b.VariantType, key=_RANK.__getitem__)


def integer(value: int, kind: ua.VariantType) -> ua.Variant:
    """An integer of a type, or null where it does not fit."""
    low, high = _INTEGERS[kind]
    return ua.Variant(value, kind) if low <= value <= high else NULL


def hops(value: ua.Variant) -> int | None:
    """A number of hops, from what becomes an Int32 without a Cast; None for what does not, or is below 0."""
    if value.is_array:
        return None
    number = _parse(value.Value, Type.Int32) if _is_text(value) else value.Value
    known = value.VariantType in _INTEGERS or _is_text(value)
    return int(number) if known and number is not None and 0 <= number < 2**31 else None


def _is_text(value: ua.Variant) -> bool:
    return isinstance(value.Value, str)


def _implicit(value: ua.Variant, target: ua.VariantType) -> Any:
    kind = value.VariantType
    if target in _LOGICAL and kind in _LOGICAL:
        return value.Value
    if kind is Type.StatusCode:
        return value.Value.value if target in _CODES else None
    if target is Type.StatusCode:
        return None
    if target is Type.String:
        return as_string(value)
    if target in (Type.ExpandedNodeId, Type.LocalizedText):
        return _relabel(value, target)
    return _parse(value.Value, target) if kind is Type.String else None


def _relabel(value: ua.Variant, target: ua.VariantType) -> Any:
    """NodeId as ExpandedNodeId, QualifiedName as LocalizedText."""
    if target is Type.ExpandedNodeId:
        return value.Value if isinstance(value.Value, ua.NodeId) else None
    return ua.LocalizedText(value.Value.Name) if isinstance(value.Value, ua.QualifiedName) else None


def _parse(text: str, target: ua.VariantType) -> Any:
    """A String as a number, a Boolean or a Guid."""
    if target is Type.Boolean:
        return _BOOLEANS.get(text.lower())
    if target is Type.Guid:
        return _guid(text)
    if target in _FLOATS:
        short = len(text) <= _LONGEST_NUMBER and _FLOAT_TEXT.fullmatch(text)
        return float(text) if short else None
    if target not in _INTEGERS or not _INTEGER_TEXT.fullmatch(text):
        return None
    return integer(int(text), target).Value


def _guid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def data_type(node: ua.Variant) -> ua.VariantType | None:
    """The built-in type that a Cast's operand names; None for any other node."""
    inner = node.Value
    if not isinstance(inner, ua.NodeId) or inner.NamespaceIndex != 0 or not isinstance(inner.Identifier, int):
        return None
    number = inner.Identifier
    return _ALIASES.get(number) or (Type(number) if number in _CASTS_BY_NUMBER else None)


def cast(value: ua.Variant, target: ua.VariantType) -> ua.Variant:
    """The value in another type; null where that cannot be (Part 4, 7.7.3, Cast).

    An array is converted element by element, and not at all where one of them cannot be.
    """
    if value.VariantType is target or is_null(value):
        return value if not is_null(value) else NULL
    if not value.is_array:
        result = _CASTS[target](value, target)
        return NULL if result is None else ua.Variant(result, target)
    elements = [cast(ua.Variant(each, value.VariantType), target).Value for each in value.Value]
    return NULL if None in elements else ua.Variant(elements, target, is_array=True)


def _to_boolean(value: ua.Variant, target: ua.VariantType) -> Any:
    if value.VariantType in _NUMBERS:
        return bool(value.Value)
    return _parse(value.Value, target) if _is_text(value) else None


def _bits_of(code: int, target: ua.VariantType) -> int:
    """The bits of a StatusCode, of the upper half where there is only room for that."""
    size = 16 if target in _SHORT else 32
    bits = code >> _SEVERITY_AND_CODE if target in _SHORT else code
    sign = 1 << (size - 1)
    return (bits ^ sign) - sign if target in (Type.Int16, Type.Int32) else bits


def _to_integer(value: ua.Variant, target: ua.VariantType) -> Any:
    inner = value.Value
    if value.VariantType is Type.StatusCode:
        inner = _bits_of(inner.value, target)
    elif _is_text(value):
        return _parse(inner, target)
    elif value.VariantType in _FLOATS:
        if inner != inner or abs(inner) > 2.0**64:
            return None
        inner = int(inner + (0.5 if inner >= 0 else -0.5))
    elif value.VariantType not in _LOGICAL:
        return None
    return integer(int(inner), target).Value


def _to_float(value: ua.Variant, target: ua.VariantType) -> Any:
    if _is_text(value):
        return _parse(value.Value, target)
    return float(value.Value) if value.VariantType in _LOGICAL else None


def _to_string(value: ua.Variant, target: ua.VariantType) -> Any:
    inner = value.Value
    if isinstance(inner, bool):
        return "true" if inner else "false"
    if isinstance(inner, int | float | uuid.UUID):
        return str(inner)
    if isinstance(inner, bytes):
        return inner.hex().upper()
    if isinstance(inner, dt.datetime):
        return inner.isoformat().replace("+00:00", "Z")
    return as_string(value)


def _to_status(value: ua.Variant, target: ua.VariantType) -> Any:
    """The bits of 32; of 16 those that say what happened, without the details below them."""
    if value.VariantType not in _INTEGERS:
        return None
    if value.VariantType in _SHORT:
        return ua.StatusCode((value.Value & 0xFFFF) << _SEVERITY_AND_CODE)
    bits = value.Value & 0xFFFF_FFFF if value.VariantType is Type.Int32 else value.Value
    code = integer(bits, Type.UInt32).Value
    return None if code is None else ua.StatusCode(code)


def _to_guid(value: ua.Variant, target: ua.VariantType) -> Any:
    if value.VariantType is Type.ByteString:
        return _guid_of(value.Value)
    return _guid(value.Value) if _is_text(value) else None


def _guid_of(data: bytes) -> uuid.UUID | None:
    """A Guid from its encoding (Part 6, 5.2.2.6)."""
    return uuid.UUID(bytes_le=data) if len(data) == _GUID_SIZE else None


def _to_bytes(value: ua.Variant, target: ua.VariantType) -> Any:
    return value.Value.bytes_le if value.VariantType is Type.Guid else None


def _to_date(value: ua.Variant, target: ua.VariantType) -> Any:
    if not _is_text(value):
        return None
    try:
        parsed = dt.datetime.fromisoformat(value.Value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)


def _to_node_id(value: ua.Variant, target: ua.VariantType) -> Any:
    if isinstance(value.Value, ua.NodeId):
        return value.Value
    if not _is_text(value):
        return None
    try:
        return ua.NodeId.from_string(value.Value)
    except (ua.UaError, ValueError):
        return None


def _to_text(value: ua.Variant, target: ua.VariantType) -> Any:
    inner = as_string(value) if isinstance(value.Value, str | ua.QualifiedName) else None
    return None if inner is None else ua.LocalizedText(inner)


def _to_name(value: ua.Variant, target: ua.VariantType) -> Any:
    return ua.QualifiedName(value.Value) if _is_text(value) else None


_CASTS: Final[dict[ua.VariantType, Callable[[ua.Variant, ua.VariantType], Any]]] = {
    Type.Boolean: _to_boolean,
    **dict.fromkeys(_INTEGERS, _to_integer),
    **dict.fromkeys(_FLOATS, _to_float),
    Type.String: _to_string,
    Type.StatusCode: _to_status,
    Type.Guid: _to_guid,
    Type.ByteString: _to_bytes,
    Type.DateTime: _to_date,
    Type.NodeId: _to_node_id,
    Type.ExpandedNodeId: _to_node_id,
    Type.LocalizedText: _to_text,
    Type.QualifiedName: _to_name,
}
_CASTS_BY_NUMBER: Final = frozenset(kind.value for kind in _CASTS)
