"""Monitored items on live values with a queue of one, as columns: a notification is one gather.

An item is due when its row changed since the last look, moved beyond its deadband from the value that
was last *reported* (Part 4, 7.22.2), or was created or re-enabled. The newest value is read when it is
sent, which is what a queue of one with DiscardOldest holds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.livetable import LiveTable

DISABLED, SAMPLING, REPORTING = 0, 1, 2
NO_DEADBAND: Final = -1.0

_COLUMN: Final = np.dtype(
    [
        ("row", np.intp),
        ("id", "<u4"),
        ("handle", "<u4"),
        ("timestamps", "u1"),
        ("mode", "u1"),
        ("deadband", "<f8"),
        ("value", "<f8"),
        ("status", "<u4"),
        ("due", np.bool_),
    ]
)


class LiveItems:
    """The items of one subscription, one row of `_items` each."""

    def __init__(self, table: LiveTable) -> None:
        self._table = table
        self._items = np.zeros(0, _COLUMN)
        self._tick = table.tick
        self._due = 0

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: int) -> bool:
        return bool(np.any(self._items["id"] == item_id))

    def add(
        self,
        rows: Index,
        ids: NDArray[np.uint32],
        handles: NDArray[np.uint32],
        modes: NDArray[np.uint8],
        timestamps: int,
        deadbands: NDArray[np.float64],
    ) -> None:
        """Add items; deadbands in the unit of the tag, `NO_DEADBAND` for none."""
        new = np.zeros(len(rows), _COLUMN)
        new["row"], new["id"], new["handle"], new["mode"] = rows, ids, handles, modes
        new["timestamps"], new["deadband"], new["value"] = timestamps, deadbands, np.nan
        new["due"] = modes != DISABLED
        self._items = np.concatenate((self._items, new))
        self._count()

    def change(self, item_id: int, handle: int, timestamps: int, deadband: float) -> None:
        """Modify an item; the changed filter holds from the next value on."""
        i = self._items["id"] == item_id
        self._items["handle"][i] = handle
        self._items["timestamps"][i] = timestamps
        self._items["deadband"][i] = deadband

    def set_mode(self, item_id: int, mode: int) -> None:
        """Disable, sample or report; what was disabled starts with its present value."""
        i = self._items["id"] == item_id
        was_disabled = self._items["mode"][i] == DISABLED
        self._items["mode"][i] = mode
        self._items["due"][i] = np.where(mode == DISABLED, False, self._items["due"][i] | was_disabled)
        self._count()

    def remove_all(self, ids: list[int]) -> NDArray[np.bool_]:
        """Delete many items; which of `ids` there were."""
        wanted = np.asarray(ids, np.uint32)
        known = np.isin(wanted, self._items["id"])
        again = np.ones(len(wanted), np.bool_)
        again[np.unique(wanted, return_index=True)[1]] = False
        known &= ~again
        self._items = self._items[~np.isin(self._items["id"], wanted)]
        self._count()
        return known

    def resend(self) -> None:
        """Report every value once more (ResendData, TransferSubscriptions)."""
        self._items["due"] |= self._items["mode"] != DISABLED
        self._count()

    def waiting(self) -> int:
        """How many notifications are due, after a look at what changed."""
        if self._tick != self._table.tick and len(self._items):
            self._look()
        return self._due

    def _look(self) -> None:
        items = self._items
        moved = self._table.changed[items["row"]] > self._tick
        moved &= items["mode"] != DISABLED
        self._tick = self._table.tick
        fine = np.flatnonzero(moved & (items["deadband"] >= 0) & ~items["due"])
        if fine.size:
            moved[fine] = self._beyond_deadband(fine)
        items["due"] |= moved
        self._count()

    def _beyond_deadband(self, picked: Index) -> NDArray[np.bool_]:
        items = self._items
        now = self._table.rows[items["row"][picked]]
        step = np.abs(now["value"] - items["value"][picked])
        # NaN on either side is a change of its own: not (step <= deadband).
        beyond: NDArray[np.bool_] = ~(step <= items["deadband"][picked])
        beyond |= now["status"] != items["status"][picked]
        return beyond

    def _count(self) -> None:
        self._due = int(np.count_nonzero(self._items["due"] & (self._items["mode"] == REPORTING)))

    def take(self, most: int) -> tuple[int, bytes]:
        """Up to `most` notifications that are due: how many, and their bytes."""
        items = self._items
        picked = np.flatnonzero(items["due"] & (items["mode"] == REPORTING))[:most]
        if not picked.size:
            return 0, b""
        rows = items["row"][picked]
        data = self._table.encode(rows, items["timestamps"][picked], items["handle"][picked])
        items["due"][picked] = False
        items["value"][picked] = self._table.rows["value"][rows]
        items["status"][picked] = self._table.rows["status"][rows]
        self._due -= int(picked.size)
        return int(picked.size), data

    def row_of(self, item_id: int) -> int | None:
        """Row of the live table that an item watches, or None where there is no such item."""
        rows = self._items["row"][self._items["id"] == item_id]
        return int(rows[0]) if rows.size else None

    def mode_of(self, item_id: int) -> int:
        """Monitoring mode of an item that there is."""
        return int(self._items["mode"][self._items["id"] == item_id][0])

    def is_due(self, item_id: int) -> bool:
        """Whether an item that there is has something to report."""
        self.waiting()
        return bool(self._items["due"][self._items["id"] == item_id][0])
