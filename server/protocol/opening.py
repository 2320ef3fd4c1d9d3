"""What begins a connection, before anything is secured: the Hello, and the head of an OpenSecureChannel.

Both come from whoever can reach the port, so they are taken apart here, with nothing but bounds checks
(Part 6, 6.7.2.3 and 7.1.2.3).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

_HELLO: Final = struct.Struct("<IIIIIi")
_FRAME_HEAD: Final = 8
_CHANNEL: Final = struct.Struct("<I")
_LENGTH: Final = struct.Struct("<i")
_MOST_URI: Final = 255


@dataclass(frozen=True, slots=True)
class Hello:
    """Sizes [bytes] that a client receives and sends, its limits for responses, and the URL it wants."""

    receive: int
    send: int
    message: int
    chunks: int
    url: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """The clear part of an OPN chunk."""

    channel_id: int
    policy: str
    certificates: bytes
    thumbprint: bytes


def hello(frame: bytes) -> Hello | None:
    """A Hello; None when it is none."""
    try:
        _, receive, send, message, chunks, length = _HELLO.unpack_from(frame, _FRAME_HEAD)
    except struct.error:
        return None
    url = frame[_FRAME_HEAD + _HELLO.size :]
    return Hello(receive, send, message, chunks, url) if len(url) == max(length, 0) else None


def opening(frame: bytes) -> Opening | None:
    """The head of an OpenSecureChannel, request or response; None when it is none."""
    try:
        (channel_id,) = _CHANNEL.unpack_from(frame, _FRAME_HEAD)
        uri, at = _bytes(frame, _FRAME_HEAD + _CHANNEL.size)
        certificates, at = _bytes(frame, at)
        thumbprint, _ = _bytes(frame, at)
        if len(uri) > _MOST_URI:
            return None
        return Opening(channel_id, uri.decode("ascii"), certificates, thumbprint)
    except (struct.error, ValueError):
        return None


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    (length,) = _LENGTH.unpack_from(data, at)
    start = at + _LENGTH.size
    end = start + max(length, 0)
    if end > len(data):
        raise ValueError("cut short")
    return data[start:end], end
