"""What String rows say, encoded once: each text has a number, and many are gathered by their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.protocol.wire import I32

KNOWN: Final = 100_000
_LEAST, _WIDTH = 64, 32
_EMPTY: Final = I32.pack(0)
_NAN: Final = np.array(np.nan).view(np.int64)


class Texts:
    """Encoded Strings by a row's shape and number; `rows` are all String rows, ascending.

    `text` gives what a shape says of a number (UTF-8). Number 0 is the empty text, which is what NaN says.
    """

    def __init__(self, rows: Index, text: Callable[[int, float], bytes]) -> None:
        self._rows = rows
        self._text = text
        self._forget()

    def _forget(self) -> None:
        self._numbers: dict[tuple[int, float], int] = {}
        self._encoded = [_EMPTY]
        self._cells = np.zeros((_LEAST, _WIDTH), np.uint8)
        self._sizes = np.full(_LEAST, len(_EMPTY), np.int32)
        # What each row said last.
        self._last = np.zeros(len(self._rows), np.int32)
        self._last_bits = np.full(len(self._rows), _NAN)

    def one(self, shape: int, value: float) -> bytes:
        """The String that a row of that shape and value has."""
        if value != value:
            return _EMPTY
        if len(self._encoded) > KNOWN:
            self._forget()
        return self._encoded[self._number((shape, value))]

    def gather(
        self, rows: Index, shapes: NDArray[np.uint8], values: NDArray[np.float64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
        """Strings of rows, one beside the other as wide as the longest, and how many bytes each has."""
        at = np.searchsorted(self._rows, rows)
        bits = values.view(np.int64)
        fresh = np.flatnonzero(self._last_bits[at] != bits)
        if len(self._encoded) + len(fresh) > KNOWN and fresh.size:
            self._forget()
            fresh = np.arange(len(rows))
        numbers = self._last[at]
        if fresh.size:
            keys = zip(shapes[fresh].tolist(), values[fresh].tolist(), strict=True)
            numbers[fresh] = [0 if key[1] != key[1] else self._number(key) for key in keys]
            self._last[at[fresh]] = numbers[fresh]
            self._last_bits[at[fresh]] = bits[fresh]
        sizes = self._sizes[numbers]
        return self._cells[:, : sizes.max(initial=0)][numbers], sizes

    def _number(self, key: tuple[int, float]) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = self._add(self._text(*key))
        return number

    def _add(self, text: bytes) -> int:
        data = I32.pack(len(text)) + text
        number = len(self._encoded)
        room, width = self._cells.shape
        if number == room or len(data) > width:
            wider = np.zeros((2 * room if number == room else room, max(width, len(data))), np.uint8)
            wider[:room, :width] = self._cells
            self._cells = wider
            self._sizes = np.concatenate((self._sizes, np.zeros(len(wider) - room, np.int32)))
        self._cells[number, : len(data)] = np.frombuffer(data, np.uint8)
        self._sizes[number] = len(data)
        self._encoded.append(data)
        return number
