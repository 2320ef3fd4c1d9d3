"""Histories as OPC UA Binary (Part 11, 6.6): whole arrays at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from historian.series import History
from nodeset.fleet import AssetType, Index
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef, quarter_text
from server.protocol.wire import EPOCH, I32, string

HISTORY_DATA: Final = int(ua.ObjectIds.HistoryData_Encoding_DefaultBinary)
NO_BODY: Final = b"\x00\x00\x00"  # an ExtensionObject without a body
_BAD_BOUND: Final = 0x80D7_0000
# DataValue (Part 6, 5.2.2.17): bits of its mask, and the Variant's type.
_VALUE, _STATUS, _SOURCE = 0x01, 0x02, 0x04
_UINT32, _DOUBLE, _STRING = 7, 11, 12

Records = NDArray[np.void]
Numbers = NDArray[np.generic]


def extension_object(type_id: int, body: bytes) -> bytes:
    """A structure of namespace 0 whose encoding has that number."""
    return b"".join((b"\x01\x00", type_id.to_bytes(2, "little"), b"\x01", I32.pack(len(body)), body))


NO_VALUES: Final = extension_object(HISTORY_DATA, I32.pack(0))


class ValueEncoder:
    """Encodes histories of variables as HistoryData."""

    def __init__(self, index: TagIndex) -> None:
        self._index = index

    def history_data(self, row: int, found: History) -> bytes:
        """Values of the variable in `row`, as an ExtensionObject."""
        return extension_object(HISTORY_DATA, I32.pack(len(found.time)) + self.values(row, found))

    def values(self, row: int, found: History) -> bytes:
        """The DataValues, one after the other."""
        tag, _ = self._index.locate(row)
        absent = found.status == _BAD_BOUND  # it has no value (Part 11, 6.5.3)
        if tag.kind in (Kind.QUARTER, Kind.JAR):
            return self._texts(tag, found, absent | np.isnan(found.value))
        states = tag.kind is Kind.STATE
        numbers = np.nan_to_num(found.value) if states else found.value
        kind, form = (_UINT32, "<u4") if states else (_DOUBLE, "<f8")
        return _ragged([(~absent, _records(found, kind, form, numbers)), (absent, _records(found))])

    def _texts(self, tag: TagDef, found: History, absent: NDArray[np.bool_]) -> bytes:
        jars = self._index.fleet.assets(AssetType.JAR)
        parts = [(absent, _records(found))]
        for number in np.unique(found.value[~absent]):
            text = quarter_text(number) if tag.kind is Kind.QUARTER else jars[int(number)].path
            encoded = np.frombuffer(string(text), np.uint8)
            parts.append((found.value == number, _records(found, _STRING, f"({len(encoded)},)u1", encoded)))
        return _ragged(parts)


def _records(
    found: History, kind: int = 0, form: str = "", value: NDArray[np.generic] | None = None
) -> Records:
    """DataValues of equal size with status and source time, with a value of a type of Variant or without."""
    timed = [("status", "<u4"), ("source", "<i8")]
    valued = [("type", "u1"), ("value", form)] if form else []
    out = np.zeros(len(found.time), np.dtype([("mask", "u1"), *valued, *timed]))
    out["mask"] = _STATUS | _SOURCE | (_VALUE if form else 0)
    if form:
        out["type"] = kind
        out["value"] = value
    out["status"] = found.status
    out["source"] = found.time * 10 + EPOCH
    return out


def _ragged(parts: list[tuple[NDArray[np.bool_], Records]]) -> bytes:
    """Records of several sizes in their order; of each part those that are its own."""
    parts = [(own, records) for own, records in parts if own.any()]
    if len(parts) <= 1:
        return b"".join(records.tobytes() for _, records in parts)
    sizes = np.zeros(len(parts[0][0]), np.intp)
    for own, records in parts:
        sizes[own] = records.itemsize
    ends: Index = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), np.uint8)
    for own, records in parts:
        size = records.itemsize
        places = (ends[own] - size)[:, None] + np.arange(size)
        out[places] = records[own].view(np.uint8).reshape(-1, size)
    return out.tobytes()
