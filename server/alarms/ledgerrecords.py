"""What the ledger of alarms writes, as bytes: framed records of conditions' states, and what they mean.

A frame is a length, a check sum and a kind before its content; the first that is not whole ends a file. A
`Heading` says what the records after it mean: their columns by name and type, and which row is whose
condition. So records outlive changes of the fleet, of definitions and of `AlarmState`.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import IntEnum
from itertools import accumulate
from math import prod
from struct import Struct
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import AssetType, Index
from server.alarms.definition import AlarmDef, ConditionIndex
from server.alarms.definitiontext import definition_of, definition_text
from server.alarms.limits import Limits
from server.alarms.state import AlarmState, Transitions

Columns = Mapping[str, NDArray[Any]]

_FRAME: Final = Struct("<IIB")  # bytes of the content, CRC-32 of kind and content, kind
_HEAD: Final = Struct("<qqII")  # time, number of the last event, rows, bytes of the texts
_LIMITS: Final = "limits."  # before the names of limits, which are kept as they were for the record


class Kind(IntEnum):
    """What a frame has."""

    HEADING = 1
    SNAPSHOT = 2  # every condition that is not in its first state; what was before is void
    TOLD = 3  # transitions that are told as events
    SILENT = 4  # changes that make no event, or one that nobody is told of


@dataclass(frozen=True)
class Record:
    """Rows of conditions as they were at `time` [µs], when the last event of all had the number `last`."""

    time: int
    last: int
    rows: Index
    columns: Columns

    @classmethod
    def of(cls, transitions: Transitions, limits: Limits, last: int) -> Record:
        """Transitions, and the limits that the conditions have at the time."""
        state, rows = transitions.state, transitions.rows
        columns = {f.name: getattr(state, f.name) for f in fields(AlarmState)}
        columns |= {_LIMITS + f.name: getattr(limits, f.name)[rows] for f in fields(Limits)}
        return cls(transitions.time, last, rows, {**columns, "change": transitions.change})

    @property
    def newest(self) -> int:
        """Number of its last event."""
        return int(self.columns["event"].max(initial=0))

    def state(self, places: Index, first: AlarmState) -> AlarmState:
        """The state of the rows at some places; a column that the record does not have is as in `first`."""
        return AlarmState(
            **{
                f.name: self.columns[f.name][places] if f.name in self.columns else getattr(first, f.name)
                for f in fields(AlarmState)
            }
        )

    def limits(self) -> dict[str, NDArray[Any]] | None:
        """Columns of `Limits`, None where one is missing."""
        names = [f.name for f in fields(Limits)]
        if not all(_LIMITS + name in self.columns for name in names):
            return None
        return {name: self.columns[_LIMITS + name] for name in names}


@dataclass(frozen=True)
class Heading:
    """Columns of the records that follow, and the conditions that their rows are: those of `definitions` for
    all assets of their type, in the order of `paths`.

    `columns` has the dtype and the shape of a row of each column by name; texts are not among them.
    """

    nonce: bytes
    columns: Mapping[str, tuple[str, tuple[int, ...]]]
    paths: Mapping[AssetType, tuple[str, ...]]
    definitions: tuple[AlarmDef, ...]

    @classmethod
    def of(cls, index: ConditionIndex, nonce: bytes, example: Record) -> Heading:
        """For records like the example."""
        columns = {
            name: (each.dtype.str, each.shape[1:])
            for name, each in example.columns.items()
            if each.dtype != np.object_
        }
        kinds = {d.asset for d in index.defs}
        paths = {kind: tuple(asset.path for asset in index.fleet.assets(kind)) for kind in kinds}
        return cls(nonce, columns, paths, index.defs)

    @property
    def first_rows(self) -> tuple[int, ...]:
        """The first row of each definition, and the number of all rows."""
        return tuple(accumulate((len(self.paths[d.asset]) for d in self.definitions), initial=0))

    def packed(self) -> bytes:
        """As bytes."""
        content = {
            "nonce": self.nonce.hex(),
            "columns": self.columns,
            "paths": self.paths,
            "definitions": [definition_text(each) for each in self.definitions],
        }
        return zlib.compress(json.dumps(content).encode(), 1)

    @classmethod
    def unpacked(cls, content: bytes) -> Heading:
        """What `packed` made; ValueError, KeyError: it is of another version."""
        try:
            kept = json.loads(zlib.decompress(content))
        except zlib.error as error:
            raise ValueError("not a heading") from error
        return cls(
            bytes.fromhex(kept["nonce"]),
            {name: (str(dtype), tuple(shape)) for name, (dtype, shape) in kept["columns"].items()},
            {AssetType(kind): tuple(paths) for kind, paths in kept["paths"].items()},
            tuple(map(definition_of, kept["definitions"])),
        )

    def pack(self, record: Record) -> bytes:
        """A record as bytes."""
        columns = record.columns
        texts = {
            name: {str(i): text for i, text in enumerate(each.tolist()) if text}
            for name, each in columns.items()
            if name not in self.columns
        }
        said = json.dumps(texts).encode()
        parts = [np.ascontiguousarray(columns[name]).tobytes() for name in self.columns]
        head = _HEAD.pack(record.time, record.last, len(record.rows), len(said))
        return b"".join((head, said, record.rows.astype("<i4").tobytes(), *parts))

    def unpack(self, content: bytes) -> Record:
        """What `pack` made; the columns are its own to change."""
        time, last, count, length = _HEAD.unpack_from(content)
        at = _HEAD.size + length
        columns: dict[str, NDArray[Any]] = {}
        for name, texts in json.loads(content[_HEAD.size : at]).items():
            columns[name] = np.full(count, "", np.object_)
            for i, text in texts.items():
                columns[name][int(i)] = text
        rows = np.frombuffer(content, "<i4", count, at)
        at += rows.nbytes
        for name, (dtype, shape) in self.columns.items():
            each = np.frombuffer(content, dtype, count * prod(shape), at).copy()
            at += each.nbytes
            columns[name] = each.reshape(count, *shape)
        return Record(time, last, rows.astype(np.intp), columns)


def framed(kind: Kind, content: bytes) -> bytes:
    """Content in its frame."""
    return _FRAME.pack(len(content), zlib.crc32(content, kind), kind) + content


def frames(data: bytes) -> Iterator[tuple[Kind, bytes, int]]:
    """Kind, content and end of each frame that is whole, up to the first that is not."""
    at = 0
    while at + _FRAME.size <= len(data):
        length, check, kind = _FRAME.unpack_from(data, at)
        at += _FRAME.size
        content = data[at : at + length]
        if len(content) < length or zlib.crc32(content, kind) != check or kind not in _KINDS:
            return
        at += length
        yield Kind(kind), content, at


_KINDS: Final = frozenset(Kind)
