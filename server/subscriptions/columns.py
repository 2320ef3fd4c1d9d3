"""Arrays of one length that grow and shrink together, each with a name: a table without rows of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_LEAST = 16


class Columns:
    """Named arrays of equal length; `columns["name"]` is a view until the next `extend` or `keep`."""

    def __init__(self, kinds: dict[str, DTypeLike]) -> None:
        self._arrays: dict[str, NDArray[Any]] = {name: np.zeros(0, kind) for name, kind in kinds.items()}
        self._views = dict(self._arrays)
        self._size = self._room = 0

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._views[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._arrays)

    def extend(self, count: int, **values: Any) -> slice:
        """Add `count` entries; columns that are not named are zero. Where the new ones are."""
        start, end = self._size, self._size + count
        if end > self._room:
            self._grow(max(end, 2 * self._room, _LEAST))
        added = slice(start, end)
        for name, array in self._arrays.items():
            array[added] = values.get(name, 0)
        self._resize(end)
        return added

    def keep(self, wanted: NDArray[np.bool_]) -> None:
        """Remove all entries but `wanted`."""
        left = int(np.count_nonzero(wanted))
        if left * 4 < self._room:
            self._arrays = {name: view[wanted] for name, view in self._views.items()}
            self._room = left
        else:
            for name, view in self._views.items():
                self._arrays[name][:left] = view[wanted]
        self._resize(left)

    def _grow(self, room: int) -> None:
        for name, view in self._views.items():
            wider = np.zeros(room, view.dtype)
            wider[: self._size] = view
            self._arrays[name] = wider
        self._room = room

    def _resize(self, size: int) -> None:
        self._size = size
        self._views = {name: array[:size] for name, array in self._arrays.items()}


def find(ids: NDArray[np.uint32], wanted: NDArray[np.uint32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Positions of `wanted` in the ascending `ids`, and which of them are there; the others' are void."""
    at = np.searchsorted(ids, wanted)
    if not len(ids):
        return at, np.zeros(len(wanted), np.bool_)
    at = np.minimum(at, len(ids) - 1)
    known: NDArray[np.bool_] = ids[at] == wanted
    return at, known


def first_of_each(ids: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Which entries are the first with their id."""
    first = np.zeros(len(ids), np.bool_)
    first[np.unique(ids, return_index=True)[1]] = True
    return first
