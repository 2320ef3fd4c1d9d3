"""asyncua's decoder with bounds: whatever the bytes say, decoding costs no more than their number allows.

Refused are arrays whose elements take no bytes, lengths below null, dimensions that do not fit their array,
strings that are not UTF-8, nesting deeper than Part 6, 5.1.5 has a decoder support, and structures of more
pieces than are granted. The two last are Bad_EncodingLimitsExceeded, the others Bad_DecodingError.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.ua import ua_binary

from server.errors import ServiceError
from server.protocol.stack import Buffer, empty_null_arrays, guard_lists, nodeid_from_binary

Structure = TypeVar("Structure")

DEPTH: Final = 100  # Part 6, 5.1.5
# Fields and elements of one structure; one takes 3 to 5 µs at worst, and a structure is decoded in one go.
PIECES: Final = 4000
_NUMBERS: Final = 32  # of an array that count as one piece
_BAD_DECODING: Final = int(ua.StatusCodes.BadDecodingError)
_BAD_LIMITS: Final = int(ua.StatusCodes.BadEncodingLimitsExceeded)


class Budget:
    """What is left of a request's pieces, and how deep it is nested at the moment."""

    def __init__(self, pieces: int = PIECES) -> None:
        self.pieces = pieces
        self.depth = 0


class Reader:
    """Bytes that are decoded; what asyncua asks of its Buffer, with every length checked."""

    __slots__ = ("_at", "_budget", "_data", "_end")

    def __init__(
        self, data: bytes, at: int = 0, end: int | None = None, budget: Budget | None = None
    ) -> None:
        self._data = data
        self._at = at
        self._end = len(data) if end is None else end
        self._budget = budget or Budget()

    def __len__(self) -> int:
        return self._end - self._at

    @property
    def at(self) -> int:
        """Where the next byte is."""
        return self._at

    def read(self, size: int) -> bytes:
        """The next `size` bytes."""
        at = self._at
        end = at + size
        if size < 0 or end > self._end:
            raise ServiceError(_BAD_DECODING)
        self.charge(1)
        self._at = end
        return self._data[at:end]

    def skip(self, size: int) -> None:
        """Leave `size` bytes out."""
        if not 0 <= size <= self._end - self._at:
            raise ServiceError(_BAD_DECODING)
        self._at += size

    def copy(self, size: int) -> Reader:
        """The next `size` bytes as a reader of their own, on the same budget."""
        if not 0 <= size <= self._end - self._at:
            raise ServiceError(_BAD_DECODING)
        return Reader(self._data, self._at, self._at + size, self._budget)

    def granted(self, pieces: int) -> Reader:
        """What is left to read, as a reader of its own with a budget of its own."""
        return Reader(self._data, self._at, self._end, Budget(pieces))

    def expect(self, size: int) -> None:
        """Refuse an array that takes at least `size` bytes when fewer are left."""
        if size > self._end - self._at:
            raise ServiceError(_BAD_DECODING)

    def charge(self, pieces: int) -> None:
        """Count fields or elements."""
        self._budget.pieces -= pieces
        if self._budget.pieces < 0:
            raise ServiceError(_BAD_LIMITS)

    def nested(self, decode: Callable[[Any], Any]) -> Any:
        """Decode something that may hold others of its kind."""
        budget = self._budget
        budget.depth += 1
        if budget.depth > DEPTH:
            raise ServiceError(_BAD_LIMITS)
        found = decode(self)
        budget.depth -= 1
        return found


def structure(kind: type[Structure], reader: Reader) -> Structure:
    """The next structure of a request; raises `ServiceError`."""
    try:
        found: Structure = ua_binary.struct_from_binary(kind, reader)
    except ServiceError:
        raise
    except Exception:  # asyncua raises whatever comes of wrong bytes
        raise ServiceError(_BAD_DECODING) from None
    return found


def node_id(data: bytes, at: int = 0) -> ua.NodeId:
    """The NodeId at `at`; raises `ServiceError`, also for one whose text is null or no text."""
    try:
        return nodeid_from_binary(Buffer(data, at))
    except Exception:  # as above
        raise ServiceError(_BAD_DECODING) from None


class _Utf8:
    """A String, which is UTF-8 or refused (Part 6, 5.2.2.4)."""

    pack = staticmethod(ua_binary.Primitives.String.pack)

    @staticmethod
    def unpack(data: Any) -> str | None:
        raw: bytes | None = ua_binary.Primitives.Bytes.unpack(data)
        return None if raw is None else raw.decode("utf-8")


def _variant(data: Any) -> ua.Variant:
    """A Variant (Part 6, 5.2.2.16)."""
    (encoding,) = data.read(1)
    kind = ua.datatype_to_varianttype(encoding & 0x3F)
    if not encoding & 0x80:
        if encoding & 0x40:
            raise ua.UaError("dimensions of a scalar")
        return ua.Variant(ua_binary.unpack_uatype(kind, data), kind, None, is_array=False)
    if kind is ua.VariantType.Null:
        raise ua.UaError("an array of nothing")
    values = _array(kind, data)
    if not encoding & 0x40:
        return ua.Variant(values, kind, None, is_array=True)
    dimensions = _array(ua.VariantType.Int32, data)
    if not dimensions:
        return ua.Variant(values, kind, None, is_array=True)
    if min(dimensions) < 0 or math.prod(dimensions) != len(values or ()):
        raise ua.UaError("dimensions that do not fit the array")
    return ua.Variant(_matrix(values or [], dimensions), kind, dimensions, is_array=True)


def _matrix(values: list[Any], dimensions: list[int]) -> list[Any]:
    """Lists of lists, the last dimension innermost."""
    for size in dimensions[:0:-1]:
        if not size:
            return []
        values = [values[i : i + size] for i in range(0, len(values), size)]
    return values


def _harden() -> None:
    """Put the bounds in place of asyncua's functions, before it has made a decoder of them."""
    extension_object, variant = ua_binary.extensionobject_from_binary, ua_binary.variant_from_binary
    primitive = type(ua_binary.Primitives1.Byte)
    unpack_array = primitive.unpack_array

    def charged_array(self: Any, data: Any, length: int) -> Any:
        if isinstance(data, Reader):
            data.expect(length * self.size)
            data.charge(max(length, 0) // _NUMBERS)
        return unpack_array(self, data, length)

    def bounded(stock: Callable[[Any], Any], ours: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda data: data.nested(ours) if isinstance(data, Reader) else stock(data)

    def check_list(data: Any, length: int) -> None:
        if isinstance(data, Reader):
            data.expect(length)

    guard_lists(check_list)
    primitive.unpack_array = charged_array
    ua_binary.Primitives.String = ua_binary.Primitives.CharArray = _Utf8()
    ua_binary.variant_from_binary = bounded(variant, _variant)
    ua_binary.extensionobject_from_binary = bounded(extension_object, extension_object)


_array = empty_null_arrays(Reader)
_harden()
