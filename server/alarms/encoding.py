"""Fields of conditions as encoded Variants (Part 6, 5.2.2.16): the bytes that asyncua makes, sooner."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

from server.events.event import ENCODED_NULL, LOCALE
from server.protocol.wire import ticks

_UINT16: Final = struct.Struct("<BH")
_DATE: Final = struct.Struct("<Bq")
_STATUS: Final = struct.Struct("<BI")
_DOUBLE: Final = struct.Struct("<Bd")
_STRING: Final = struct.Struct("<Bi")
_NODE_ID: Final = struct.Struct("<BBHi")
_TYPE_UINT16, _TYPE_DOUBLE, _TYPE_STRING, _TYPE_DATE = 5, 11, 12, 13
_TYPE_BYTES, _TYPE_NODE_ID, _TYPE_STATUS = 15, 17, 19
_STRING_ID: Final = 3
# A LocalizedText with locale and text; its text's length comes next.
_TEXT: Final = b"\x15\x03" + struct.pack("<i", len(LOCALE)) + LOCALE.encode()
_LENGTH: Final = struct.Struct("<i")


def _utf8(value: str) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def string(value: str) -> bytes:
    """A String."""
    data = _utf8(value)
    return _STRING.pack(_TYPE_STRING, len(data)) + data


def byte_string(value: bytes) -> bytes:
    """A ByteString; a null one for no bytes."""
    return _STRING.pack(_TYPE_BYTES, len(value) or -1) + value


def text(value: str) -> bytes:
    """A LocalizedText in Voltkeep's language."""
    data = _utf8(value)
    return b"".join((_TEXT, _LENGTH.pack(len(data)), data))


def node_id(identifier: str, namespace: int) -> bytes:
    """A NodeId with a String."""
    data = _utf8(identifier)
    return _NODE_ID.pack(_TYPE_NODE_ID, _STRING_ID, namespace, len(data)) + data


@lru_cache(maxsize=256)
def date(time: int) -> bytes:
    """A DateTime from µs since 1970; null for 0, never. Conditions of one scan have the same."""
    return _DATE.pack(_TYPE_DATE, ticks(time)) if time else ENCODED_NULL


@lru_cache(maxsize=1001)
def severity(value: int) -> bytes:
    """A Severity."""
    return _UINT16.pack(_TYPE_UINT16, value)


def status(code: int) -> bytes:
    """A StatusCode."""
    return _STATUS.pack(_TYPE_STATUS, code)


def double(value: float) -> bytes:
    """A Double."""
    return _DOUBLE.pack(_TYPE_DOUBLE, value)
