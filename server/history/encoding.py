"""Histories as OPC UA Binary (Part 11, 6.6): whole arrays at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from historian.aggregation import Result
from historian.modifications import Modified
from historian.series import History
from nodeset.fleet import AssetType, Index
from nodeset.index import TagIndex
from nodeset.tags import TEXTS, Kind, TagDef, quarter_text
from server.protocol.wire import EPOCH, I32, string

HISTORY_DATA: Final = int(ua.ObjectIds.HistoryData_Encoding_DefaultBinary)
HISTORY_MODIFIED_DATA: Final = int(ua.ObjectIds.HistoryModifiedData_Encoding_DefaultBinary)
AT_ONCE: Final = 10_000  # values, which take a millisecond or two
NO_BODY: Final = b"\x00\x00\x00"  # an ExtensionObject without a body
_BAD_BOUND: Final = 0x80D7_0000
# Bits of a DataValue's mask (Part 6, 5.2.2.17).
_VALUE, _STATUS, _SOURCE = 0x01, 0x02, 0x04

Records = NDArray[np.void]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.generic]
_Part = tuple[Index, Records]  # places in the array, and what is there


@dataclass(frozen=True, slots=True)
class _Type:
    """A type of Variant by its number, and how NumPy has its values."""

    number: int
    form: str


_DOUBLE: Final = _Type(11, "<f8")
_UINT32: Final = _Type(7, "<u4")
_STRING: Final = 12
_MADE: Final = {
    Result.DOUBLE: _DOUBLE,
    Result.INT32: _Type(6, "<i4"),
    Result.STATUS_CODE: _Type(19, "<u4"),
}


def extension_object(type_id: int, body: bytes) -> bytes:
    """A structure of namespace 0 whose encoding has that number."""
    return b"".join((b"\x01\x00", type_id.to_bytes(2, "little"), b"\x01", I32.pack(len(body)), body))


NO_VALUES: Final = extension_object(HISTORY_DATA, I32.pack(0))
NO_MODIFIED_VALUES: Final = extension_object(HISTORY_MODIFIED_DATA, 2 * I32.pack(0))


async def encoded(encode: Callable[..., bytes], row: int, found: History | Modified, *terms: Any) -> bytes:
    """What one of the encoder's methods makes; a long history is none of the event loop's work."""
    if len(found.time) <= AT_ONCE:
        return encode(row, found, *terms)
    return await asyncio.to_thread(encode, row, found, *terms)


class ValueEncoder:
    """Encodes histories of variables as HistoryData, in ExtensionObjects."""

    def __init__(self, index: TagIndex) -> None:
        self._index = index

    def stored(self, row: int, found: History) -> bytes:
        """Values of the variable in `row` as they were live; a bound that is not there has none."""
        return extension_object(HISTORY_DATA, self._values(row, found, found.status == _BAD_BOUND))

    def made(self, row: int, found: History, result: Result = Result.SOURCE) -> bytes:
        """What was worked out of values of the variable in `row`; NaN is no value."""
        return extension_object(HISTORY_DATA, self._values(row, found, np.isnan(found.value), result))

    def modified(self, row: int, found: Modified) -> bytes:
        """Modified values of the variable in `row`, as HistoryModifiedData; NaN is no value."""
        values = History(found.value, found.status, found.time, more=False)
        body = self._values(row, values, np.isnan(found.value))
        return extension_object(HISTORY_MODIFIED_DATA, body + _modifications(found))

    def _values(self, row: int, found: History, absent: Mask, result: Result = Result.SOURCE) -> bytes:
        """An array of DataValues."""
        tag, _ = self._index.locate(row)
        if result is Result.SOURCE and tag.kind in TEXTS:
            parts = self._texts(tag, found)
        else:
            kind = _MADE.get(result) or (_UINT32 if tag.kind is Kind.STATE else _DOUBLE)
            numbers = found.value if kind is _DOUBLE else np.nan_to_num(found.value)
            parts = [_part(found, ~absent, kind, numbers), _part(found, absent)]
        return I32.pack(len(found.time)) + _joined(parts)

    def _texts(self, tag: TagDef, found: History) -> list[_Part]:
        """A part for each text: there are few, and records of one text are of one size."""
        jars = self._index.fleet.assets(AssetType.JAR)
        absent = np.isnan(found.value)
        parts = [_part(found, absent)]
        for number in np.unique(found.value[~absent]):
            text = quarter_text(number) if tag.kind is Kind.QUARTER else jars[int(number)].path
            encoded = np.frombuffer(string(text), np.uint8)
            kind = _Type(_STRING, f"({len(encoded)},)u1")
            parts.append(_part(found, found.value == number, kind, encoded))
        return parts


def _part(found: History, own: Mask, kind: _Type | None = None, value: Numbers | None = None) -> _Part:
    """Some of the DataValues, of one size, with status and source time.

    They have no value, or one of a type: their own of `value`, or the same text.
    """
    places = np.flatnonzero(own)
    valued = [] if kind is None else [("type", "u1"), ("value", kind.form)]
    fields = [("mask", "u1"), *valued, ("status", "<u4"), ("source", "<i8")]
    out = np.zeros(len(places), np.dtype(fields))
    out["mask"] = _STATUS | _SOURCE
    if kind is not None and value is not None:
        out["mask"] |= _VALUE
        out["type"] = kind.number
        out["value"] = value if kind.number == _STRING else value[places]
    out["status"] = found.status[places]
    out["source"] = found.time[places] * 10 + EPOCH
    return places, out


def _modifications(found: Modified) -> bytes:
    """An array of ModificationInfos (Part 11, 6.6.3): a part for each user."""
    users = np.array(found.user, object)
    parts: list[_Part] = []
    for name in set(found.user):
        own = np.flatnonzero(users == name)
        encoded = np.frombuffer(string(name), np.uint8)
        fields = [("time", "<i8"), ("change", "<i4"), ("user", "u1", (len(encoded),))]
        out = np.zeros(len(own), np.dtype(fields))
        out["time"] = found.changed_at[own] * 10 + EPOCH
        out["change"] = found.change[own]
        out["user"] = encoded
        parts.append((own, out))
    return I32.pack(len(found.user)) + _joined(parts)


def _joined(parts: list[_Part]) -> bytes:
    """The records of all parts, each at its place."""
    parts = [part for part in parts if len(part[0])]
    if len(parts) <= 1:
        return b"".join(records.tobytes() for _, records in parts)
    sizes = np.zeros(sum(len(own) for own, _ in parts), np.intp)
    for own, records in parts:
        sizes[own] = records.itemsize
    ends: Index = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), np.uint8)
    for own, records in parts:
        size = records.itemsize
        places = (ends[own] - size)[:, None] + np.arange(size)
        out[places] = records.view(np.uint8).reshape(-1, size)
    return out.tobytes()
