"""The live values as they go over the wire: one row a variable, a row being its encoded DataValue.

A row of a Double is 30 bytes: mask, variant type, value, StatusCode, source and server timestamp. A
row of a UInt32 leaves four of them out, a String is encoded when it is asked for; `encode` hides that.
A Read is a gather of rows, a notification a gather of rows with handles before them. Change ticks a
row let a subscription find what is new without comparing values.

Where the index has a mirror its rows follow the plant's, and have no data but what `mirror` shows there.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Index
from nodeset.frame import Frame, Statuses, Times, Values
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef, quarter_text
from server.livetexts import Texts
from server.protocol.wire import EPOCH, now_ticks

ROW: Final = np.dtype(
    [
        ("mask", "u1"),
        ("type", "u1"),
        ("value", "<f8"),
        ("status", "<u4"),
        ("source", "<i8"),
        ("server", "<i8"),
    ]
)
NOTIFICATION: Final = np.dtype([("handle", "<u4"), ("row", "V30")])

_DOUBLE, _UINT32, _STRING = 11, 7, 12
# How a row looks on the wire; what is in the table is always as wide as a Double's.
_NUMBER, _STATE, _QUARTER, _JAR = range(4)
_SHAPE: Final = {
    Kind.ANALOG: _NUMBER,
    Kind.COUNT: _NUMBER,
    Kind.STATE: _STATE,
    Kind.QUARTER: _QUARTER,
    Kind.JAR: _JAR,
}
_TYPE: Final = (_DOUBLE, _UINT32, _STRING, _STRING)

# TimestampsToReturn (Part 4, 7.40): Source, Server, Both, Neither. Bits of the DataValue's mask.
BOTH: Final = 2
_MASK: Final = np.array([0x07, 0x0B, 0x0F, 0x03], np.uint8)

# A notification's columns: handle, mask and type, value, and then status and timestamps.
_VALUE_AT: Final = 6
_TAIL: Final = 20
_LENGTH: Final = 4  # bytes of a String's length
_HEADS: Final = [[bytes((mask, kind)) for kind in _TYPE] for mask in _MASK.tolist()]
# Where the timestamps that are sent begin and end.
_TIMES: Final = [(14, 22), (22, 30), (14, 30), (30, 30)]
_FEW: Final = 128
_F64: Final = struct.Struct("<d")


@cache
def _kept_bytes(width: int, with_handles: bool) -> NDArray[np.bool_]:
    """Which columns are sent, by shape and timestamps, where values are `width` bytes wide."""
    end = _VALUE_AT + width
    keep = np.ones((len(_TYPE), 4, end + _TAIL), np.bool_)
    keep[..., :4] = with_handles
    for shape, size in ((_NUMBER, 8), (_STATE, 4), (_QUARTER, 0), (_JAR, 0)):
        keep[shape, :, _VALUE_AT + size : end] = False
    for timestamps, (source, server) in enumerate([(1, 0), (0, 1), (1, 1), (0, 0)]):
        keep[:, timestamps, end + 4 : end + 12] = bool(source)
        keep[:, timestamps, end + 12 :] = bool(server)
    return keep


class LiveTable:
    """The last committed frame in wire layout. Row numbers are those of the tag index."""

    def __init__(self, index: TagIndex) -> None:
        n = index.size
        self.index = index
        self.rows = np.zeros(n, ROW)
        self.raw = self.rows.view("V30")
        self.changed = np.zeros(n, np.int64)  # tick at which value or status last changed
        self.tick = 0
        self.frame: Frame | None = None
        self.shape = np.empty(n, np.uint8)
        self._scale = np.empty(index.plant.size)
        self._states: list[slice] = []
        for tag in index.tags:
            self._declare(tag, index.slice(tag.asset, tag.name))
        self._declare_mirror(index.first_mirrored)
        self.rows["mask"] = _MASK[BOTH]
        self._code_view = self.rows.view(np.uint8).reshape(n, 30)
        self._bits = np.zeros(n, np.int64)
        self.values = self._bits.view(np.float64)  # the numbers of all rows, states too
        self._texts = Texts(np.flatnonzero(self.shape >= _QUARTER), self._text)

    def _declare(self, tag: TagDef, rows: slice) -> None:
        shape = _SHAPE[tag.kind]
        self.shape[rows] = shape
        self.rows["type"][rows] = _TYPE[shape]
        self._scale[rows] = tag.scale
        if shape == _STATE:
            self._states.append(rows)

    def _declare_mirror(self, first: int | None) -> None:
        if first is None:
            return
        self.shape[first:] = self.shape[:first]
        self.rows["type"][first:] = self.rows["type"][:first]
        self.rows["status"][first:] = st.BAD_NO_DATA
        self.rows["source"][first:] = self.rows["server"][first:] = now_ticks()

    def quantised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at the resolution at which they are stored, so that history reads back what was live."""
        result: NDArray[np.float64] = np.rint(values * self._scale) / self._scale
        return result

    def commit(self, frame: Frame) -> int:
        """Take over a frame; how many rows changed."""
        self.frame = frame
        return self._put(0, frame.value, frame.status, frame.source_time)

    def mirror(self, frame: Frame, shown: NDArray[np.bool_]) -> int:
        """Show some rows of a frame in the mirror, and no data in its others; how many changed."""
        assert self.index.first_mirrored is not None
        return self._put(
            self.index.first_mirrored,
            np.where(shown, frame.value, 0.0),
            np.where(shown, frame.status, np.uint32(st.BAD_NO_DATA)),
            np.where(shown, frame.source_time, frame.time),
        )

    def _put(self, first: int, value: Values, status: Statuses, time: Times) -> int:
        """Take over values from row `first` on; how many rows changed."""
        part = slice(first, first + len(value))
        rows, known = self.rows[part], self._bits[part]
        bits = value.view(np.int64)
        changed = (bits != known) | (rows["status"] != status)
        np.copyto(known, bits)
        self.tick += 1
        self.changed[part][changed] = self.tick
        rows["value"] = value
        code_view = self._code_view[part]
        for span in self._states:
            codes = np.nan_to_num(value[span]).astype("<u4")
            code_view[span, 2:6] = codes.view(np.uint8).reshape(-1, 4)
        rows["status"] = status
        rows["source"] = time * 10 + EPOCH
        rows["server"] = now_ticks()
        return int(np.count_nonzero(changed))

    def text(self, row: int) -> str:
        """A String row's value."""
        encoded = self._texts.one(int(self.shape[row]), float(self.rows["value"][row]))
        return encoded[_LENGTH:].decode()

    def _text(self, shape: int, number: float) -> bytes:
        if not np.isfinite(number):
            return b""
        if shape == _QUARTER:
            return quarter_text(number).encode()
        jars = self.index.fleet.assets(AssetType.JAR)
        return jars[int(number)].path.encode() if 0 <= number < len(jars) else b""

    def encode(
        self, rows: Index, timestamps: Index | int = BOTH, handles: NDArray[np.uint32] | None = None
    ) -> bytes:
        """DataValues of `rows` one after the other, each after its client handle if there are `handles`."""
        if handles is None and isinstance(timestamps, int) and timestamps == BOTH:
            if len(rows) == 1 and not self.shape[row := rows.item()]:  # what a client asks one at a time
                return bytes(self.raw[row])
            if not self.shape[rows].any():
                return self.raw[rows].tobytes()
        return self.encode_sampled(self.raw[rows], rows, timestamps, handles)

    def encode_sampled(
        self,
        data: NDArray[np.void],
        rows: Index,
        timestamps: Index | int,
        handles: NDArray[np.uint32] | None,
    ) -> bytes:
        """The same of `data`, which are rows as they were sampled before."""
        shapes = self.shape[rows]
        lines = data.view(ROW)
        if shapes.any() or not np.all(np.equal(timestamps, BOTH)):
            if handles is None and isinstance(timestamps, int) and len(rows) <= _FEW:
                return self._encode_few(lines, shapes, timestamps)
            return self._encode_mixed(lines, rows, timestamps, handles)
        if handles is None:
            return lines.tobytes()
        out = np.empty(len(rows), NOTIFICATION)
        out["row"] = data.view("V30")
        out["handle"] = handles
        return out.tobytes()

    def encode_numbers(self, rows: Index) -> bytes:
        """DataValues with both timestamps of rows that are known to be Doubles."""
        return self.raw[rows].tobytes()

    def are_numbers(self, rows: Index) -> bool:
        """Whether all rows are Doubles."""
        return not self.shape[rows].any()

    def _encode_few(self, lines: NDArray[np.void], shapes: NDArray[np.uint8], timestamps: int) -> bytes:
        """One row after the other, which is quicker than by columns for a few."""
        heads, (first, last) = _HEADS[timestamps], _TIMES[timestamps]
        data = lines.tobytes()
        parts: list[bytes] = []
        at = 0
        for shape in shapes.tolist():
            if shape < _QUARTER:
                value = data[at + 2 : at + (10 if shape == _NUMBER else 6)]
            else:
                value = self._texts.one(shape, _F64.unpack_from(data, at + 2)[0])
            parts += (heads[shape], value, data[at + 10 : at + 14], data[at + first : at + last])
            at += ROW.itemsize
        return b"".join(parts)

    def _encode_mixed(
        self,
        lines: NDArray[np.void],
        rows: Index,
        timestamps: Index | int,
        handles: NDArray[np.uint32] | None,
    ) -> bytes:
        """Rows side by side, as wide as the longest value; what a row has too much is left out."""
        n, shapes = len(lines), self.shape[rows]
        where = np.flatnonzero(shapes >= _QUARTER)
        texts, sizes = self._texts.gather(rows[where], shapes[where], lines["value"][where])
        width = max(8, texts.shape[1])
        end = _VALUE_AT + width
        wanted = np.broadcast_to(np.asarray(timestamps), n)
        keep = _kept_bytes(width, handles is not None)[shapes, wanted]
        matrix = np.empty((n, end + _TAIL), np.uint8)
        cells = lines.view(np.uint8).reshape(n, 30)
        matrix[:, 4 : _VALUE_AT + 8] = cells[:, :10]
        matrix[:, end:] = cells[:, 10:]
        matrix[:, 4] = _MASK[wanted]
        if handles is not None:
            matrix[:, :4] = handles.astype("<u4").view(np.uint8).reshape(n, 4)
        if where.size:
            matrix[where, _VALUE_AT : _VALUE_AT + texts.shape[1]] = texts
            keep[where, _VALUE_AT:end] = np.arange(width) < sizes[:, None]
        sent: NDArray[np.uint8] = matrix.ravel()[keep.ravel()]
        return sent.tobytes()
