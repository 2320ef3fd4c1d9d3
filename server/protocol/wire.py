"""The few pieces of OPC UA Binary that hot paths read and write themselves (Part 6, 5.2 and 6.7).

Everything else goes through the codec of asyncua. What does not look as expected raises `WireError`,
and the caller answers with Bad_DecodingError.
"""

from __future__ import annotations

import struct
import time
from typing import Final

EPOCH: Final = 116_444_736_000_000_000  # 1601-01-01 to 1970-01-01 in 100 ns

OPERATION_ADDITIONAL_INFO: Final = 0x80  # bit of ReturnDiagnostics (Part 4, 7.33)
U32: Final = struct.Struct("<I")
I32: Final = struct.Struct("<i")
I64: Final = struct.Struct("<q")
_NODE_ID_LENGTH: Final = {0: 2, 1: 4, 2: 7, 4: 19}
_REQUEST: Final = struct.Struct("<qIIi")
# The header of most requests: one of our tokens (an opaque NodeId of 32 bytes), no audit entry, nothing more.
_USUAL: Final = struct.Struct("<39sqIIiI3s")
_OUR_TOKEN: Final = b"\x05\x00\x00\x20\x00\x00\x00"
_NOTHING_MORE: Final = b"\x00\x00\x00"
_RESPONSE: Final = struct.Struct("<BBHqIIBiBBB")


class WireError(Exception):
    """Bytes that are not what the encoding says."""


def ticks(microseconds: int) -> int:
    """An OPC UA DateTime for microseconds since 1970."""
    return microseconds * 10 + EPOCH


def now_us() -> int:
    """The present, in microseconds since 1970."""
    return time.time_ns() // 1000


def now_ticks() -> int:
    """The present as an OPC UA DateTime, to the microsecond."""
    return ticks(now_us())


def node_id_end(data: bytes, at: int) -> int:
    """Where the NodeId that begins at `at` ends."""
    kind = data[at]
    length = _NODE_ID_LENGTH.get(kind)
    if length is not None:
        return at + length
    if kind not in (3, 5):
        raise WireError("NodeId encoding")
    size: int = I32.unpack_from(data, at + 3)[0]
    return at + 7 + max(size, 0)


class RequestHeader:
    """What the server uses of a RequestHeader (Part 4, 7.33); `token` is the NodeId as it was sent."""

    __slots__ = ("audit_id", "end", "handle", "timeout_hint", "token")

    def __init__(self, token: bytes, handle: int, audit_id: str | None, timeout_hint: int, end: int) -> None:
        self.token = token
        self.handle = handle
        self.audit_id = audit_id
        self.timeout_hint = timeout_hint
        self.end = end


def request_header(data: bytes, at: int) -> RequestHeader:
    """The RequestHeader that begins at `at`."""
    if data[at : at + 7] == _OUR_TOKEN and len(data) >= at + _USUAL.size:
        token, _, handle, _, audit, hint, additional = _USUAL.unpack_from(data, at)
        if audit == -1 and additional == _NOTHING_MORE:
            return RequestHeader(token, handle, None, hint, at + _USUAL.size)
    return _any_request_header(data, at)


def _any_request_header(data: bytes, at: int) -> RequestHeader:
    try:
        after = node_id_end(data, at)
        _, handle, _, audit_length = _REQUEST.unpack_from(data, after)
        position = after + 20
        audit_id = None
        if audit_length >= 0:
            audit_id = data[position : position + audit_length].decode("utf-8")
            position += audit_length
        (timeout_hint,) = U32.unpack_from(data, position)
        end = _extension_object_end(data, position + 4)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise WireError(str(error)) from None
    if end > len(data):
        raise WireError("RequestHeader is cut short")
    return RequestHeader(data[at:after], handle, audit_id, timeout_hint, end)


def return_diagnostics(data: bytes) -> int:
    """What a request wants to know of what goes wrong (Part 4, 7.33); its header is known to be whole."""
    (wanted,) = U32.unpack_from(data, node_id_end(data, 4) + 12)
    return int(wanted)


def _extension_object_end(data: bytes, at: int) -> int:
    end = node_id_end(data, at)
    encoding = data[end]
    if encoding == 0:
        return end + 1
    size: int = I32.unpack_from(data, end + 1)[0]
    return end + 5 + max(size, 0)


def response_header(type_id: int, handle: int, result: int = 0) -> bytes:
    """TypeId and ResponseHeader without diagnostics (Part 4, 7.34)."""
    return _RESPONSE.pack(1, 0, type_id, now_ticks(), handle, result, 0, 0, 0, 0, 0)


def u32_array(values: list[int]) -> bytes:
    """An array of UInt32 or StatusCode."""
    return struct.pack(f"<i{len(values)}I", len(values), *values)


def string(text: str | None) -> bytes:
    """A String."""
    if text is None:
        return b"\xff\xff\xff\xff"
    raw = text.encode()
    return I32.pack(len(raw)) + raw
