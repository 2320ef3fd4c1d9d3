"""Histories of values out of an answer to HistoryRead (Part 11, 6.6.2): whole arrays at a time; pure.

A day of readings is twenty thousand DataValues. Made objects one by one they would hold up the event loop,
and with it every browser; as tuples they take a small part of that.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

Value = float | str | None
Sample = tuple[int, Value, int]  # time [µs since 1970], value, StatusCode

# Bits of a DataValue's mask (Part 6, 5.2.2.17).
_VALUE, _STATUS, _SOURCE, _SERVER, _SOURCE_PARTS, _SERVER_PARTS = (1 << bit for bit in range(6))
# Variants of one number, by their type (Part 6, 5.1.2).
_NUMBERS: Final = dict(zip((*range(1, 12), 19), "?bBhHiIqQfdI", strict=True))
_NULL: Final = 0
_STRING: Final = 12
_TICKS_TO_1970: Final = 116_444_736_000_000_000  # of 100 ns, from 1601
_LENGTH: Final = struct.Struct("<i")


@dataclass(frozen=True)
class History:
    """Values of one variable; `rest` is the continuation point, None where that is all."""

    status: int
    samples: list[Sample]
    rest: bytes | None


def histories(answer: Buffer) -> list[History]:
    """The results of a HistoryReadResponse; its own fault is raised as `ua.UaStatusCodeError`."""
    nodeid_from_binary(answer)
    header = struct_from_binary(ua.ResponseHeader, answer)
    header.ServiceResult.check()
    (count,) = _LENGTH.unpack(answer.read(4))
    return [_history(answer) for _ in range(max(count, 0))]


def _history(answer: Buffer) -> History:
    (status,) = struct.unpack("<I", answer.read(4))
    rest = _bytes(answer)
    nodeid_from_binary(answer)
    body = _bytes(answer) if answer.read(1) != b"\x00" else None
    return History(status, list(samples(body)) if body else [], rest or None)


def _bytes(answer: Buffer) -> bytes:
    (length,) = _LENGTH.unpack(answer.read(4))
    return bytes(answer.read(length)) if length > 0 else b""


def samples(body: bytes) -> Iterator[Sample]:
    """The values of a HistoryData; ValueError where one is no number and no text."""
    (count,) = _LENGTH.unpack_from(body)
    at, key, form = _LENGTH.size, -1, _form(0, None)
    for _ in range(count):
        mask, kind = body[at], body[at + 1]
        if mask << 8 | kind != key:
            key = mask << 8 | kind
            form = _form(mask, kind if mask & _VALUE else None)
        if form.plain:  # as nearly all are
            value, status, ticks = form.whole.unpack_from(body, at)
            at += form.whole.size
            yield (ticks - _TICKS_TO_1970) // 10, value, status
        else:
            sample, at = form.read(body, at)
            yield sample


@dataclass(frozen=True)
class _Form:
    """How DataValues of one mask and type lie: before a text, if there is one, and after it."""

    whole: struct.Struct
    text: bool
    valued: bool
    status: bool
    source: bool

    @cached_property
    def plain(self) -> bool:
        """Whether it is a number with status and time."""
        return self.valued and self.status and self.source

    def read(self, body: bytes, at: int) -> tuple[Sample, int]:
        """The value at a place, and where the next one is."""
        value: Value = None
        if self.text:
            (length,) = _LENGTH.unpack_from(body, at + 2)
            value = body[at + 6 : at + 6 + max(length, 0)].decode()
            at += 6 + max(length, 0)
        fields = iter(self.whole.unpack_from(body, at))
        if self.valued:
            value = next(fields)
        status = next(fields) if self.status else 0
        time = (next(fields) - _TICKS_TO_1970) // 10 if self.source else 0
        return (time, value, status), at + self.whole.size


@cache
def _form(mask: int, kind: int | None) -> _Form:
    text = kind == _STRING
    valued = kind not in (None, _NULL, _STRING)
    if valued and kind not in _NUMBERS:
        raise ValueError(f"a value of type {kind} is no number")
    layout = "<" if text else "<x" if kind is None else f"<xx{_NUMBERS.get(kind, '')}"
    parts = ((_STATUS, "I"), (_SOURCE, "q"), (_SOURCE_PARTS, "2x"), (_SERVER, "8x"), (_SERVER_PARTS, "2x"))
    layout += "".join(code for bit, code in parts if mask & bit)
    return _Form(struct.Struct(layout), text, valued, bool(mask & _STATUS), bool(mask & _SOURCE))
