"""The live values as they go over the wire: one row a variable, a row being its encoded DataValue.

A row of a Double is 30 bytes: mask, variant type, value, StatusCode, source and server timestamp. A
row of a UInt32 leaves four of them out, a String is encoded when it is asked for; `encode` hides that.
A Read is a gather of rows, a notification a gather of rows with handles before them. Change ticks a
row let a subscription find what is new without comparing values.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Index
from nodeset.frame import Frame
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef, quarter_text
from server.protocol.wire import EPOCH, I32, now_ticks

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
_SHAPE: Final = {Kind.ANALOG: 0, Kind.COUNT: 0, Kind.STATE: 1, Kind.QUARTER: 2, Kind.JAR: 2}
_TYPE: Final = (_DOUBLE, _UINT32, _STRING)

# TimestampsToReturn (Part 4, 7.40): Source, Server, Both, Neither. Bits of the DataValue's mask.
BOTH: Final = 2
_MASK: Final = np.array([0x07, 0x0B, 0x0F, 0x03], np.uint8)


def _kept_bytes() -> NDArray[np.bool_]:
    """Which of a row's 30 bytes are sent: by shape (Double, UInt32) and timestamps."""
    keep = np.ones((2, 4, 30), np.bool_)
    keep[1, :, 6:10] = False
    for timestamps, (source, server) in enumerate([(1, 0), (0, 1), (1, 1), (0, 0)]):
        keep[:, timestamps, 14:22] = bool(source)
        keep[:, timestamps, 22:30] = bool(server)
    return keep


_KEEP: Final = _kept_bytes()


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
        self._scale = np.empty(n)
        self._states: list[slice] = []
        for tag in index.tags:
            self._declare(tag, index.slice(tag.asset, tag.name))
        self.rows["mask"] = _MASK[BOTH]
        self._code_view = self.rows.view(np.uint8).reshape(n, 30)
        self._bits = np.zeros(n, np.int64)
        self.values = self._bits.view(np.float64)  # the numbers of all rows, states too

    def _declare(self, tag: TagDef, rows: slice) -> None:
        shape = _SHAPE[tag.kind]
        self.shape[rows] = shape
        self.rows["type"][rows] = _TYPE[shape]
        self._scale[rows] = tag.scale
        if shape == 1:
            self._states.append(rows)

    def quantised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values at the resolution at which they are stored, so that history reads back what was live."""
        result: NDArray[np.float64] = np.rint(values * self._scale) / self._scale
        return result

    def commit(self, frame: Frame) -> int:
        """Take over a frame; how many rows changed."""
        rows = self.rows
        bits = frame.value.view(np.int64)
        changed = (bits != self._bits) | (rows["status"] != frame.status)
        np.copyto(self._bits, bits)
        self.tick += 1
        self.changed[changed] = self.tick
        rows["value"] = frame.value
        for span in self._states:
            codes = np.nan_to_num(frame.value[span]).astype("<u4")
            self._code_view[span, 2:6] = codes.view(np.uint8).reshape(-1, 4)
        rows["status"] = frame.status
        rows["source"] = frame.source_time * 10 + EPOCH
        rows["server"] = now_ticks()
        self.frame = frame
        return int(np.count_nonzero(changed))

    def text(self, row: int) -> str:
        """A String row's value."""
        return self._text_of(row, float(self.rows["value"][row]))

    def _text_of(self, row: int, number: float) -> str:
        tag, _ = self.index.locate(row)
        if not np.isfinite(number):
            return ""
        if tag.kind is Kind.QUARTER:
            return quarter_text(number)
        jars = self.index.fleet.assets(AssetType.JAR)
        return jars[int(number)].path if 0 <= number < len(jars) else ""

    def encode(
        self, rows: Index, timestamps: Index | int = BOTH, handles: NDArray[np.uint32] | None = None
    ) -> bytes:
        """DataValues of `rows` one after the other, each after its client handle if there are `handles`."""
        if handles is None and not self.shape[rows].any() and np.all(np.equal(timestamps, BOTH)):
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
        out = np.empty(len(rows), NOTIFICATION)
        out["row"] = data.view("V30")
        if handles is not None:
            out["handle"] = handles
            if not shapes.any() and np.all(np.equal(timestamps, BOTH)):
                return out.tobytes()
        return self._encode_mixed(out, shapes, rows, timestamps, handles is not None)

    def _encode_mixed(
        self,
        out: NDArray[np.void],
        shapes: NDArray[np.uint8],
        rows: Index,
        timestamps: Index | int,
        with_handles: bool,
    ) -> bytes:
        n = len(rows)
        matrix = out.view(np.uint8).reshape(n, 34)
        wanted = np.broadcast_to(np.asarray(timestamps), n)
        matrix[:, 4] = _MASK[wanted]
        keep = np.ones((n, 34), np.bool_)
        keep[:, 4:] = _KEEP[np.minimum(shapes, 1), wanted]
        if not with_handles:
            keep[:, :4] = False
        texts = np.flatnonzero(shapes == 2)
        if not texts.size:
            return matrix[keep].tobytes()
        numbers = out["row"].view(ROW)["value"][texts]
        parts = []
        start = 0
        for i, number in zip(texts.tolist(), numbers.tolist(), strict=True):
            parts.append(matrix[start:i][keep[start:i]].tobytes())
            text = self._text_of(int(rows[i]), number)
            parts.append(self._encode_text(matrix[i], keep[i], text))
            start = i + 1
        parts.append(matrix[start:][keep[start:]].tobytes())
        return b"".join(parts)

    def _encode_text(self, line: NDArray[np.uint8], keep: NDArray[np.bool_], value: str) -> bytes:
        text = value.encode()
        head = line[:6][keep[:6]].tobytes()[: (6 if keep[0] else 2)]
        tail = line[14:][keep[14:]].tobytes()
        return head + I32.pack(len(text)) + text + tail
