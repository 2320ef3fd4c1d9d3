"""Monitored items on live values with a queue of one, as columns: a notification is one gather.

An item is due when its row changed since the last look, moved beyond its deadband from the value that
was last *reported* (Part 4, 7.22.2), or was created or re-enabled. The newest value is read when it is
sent, which is what a queue of one with DiscardOldest holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.livetable import BOTH, LiveTable
from server.subscriptions.columns import Columns, find, first_of_each

DISABLED, SAMPLING, REPORTING = 0, 1, 2
NO_DEADBAND: Final = -1.0

Ids = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class LiveItem:
    """One item; `due` where its present value is news."""

    row: int
    handle: int
    timestamps: int
    mode: int
    deadband: float = NO_DEADBAND
    due: bool = True


class LiveItems:
    """The items of one subscription; ids ascend."""

    def __init__(self, table: LiveTable) -> None:
        self._table = table
        self._items = Columns(
            {
                "row": np.intp,
                "id": np.uint32,
                "handle": np.uint32,
                "timestamps": np.uint8,
                "mode": np.uint8,
                "deadband": np.float64,
                "value": np.float64,
                "status": np.uint32,
                "due": np.bool_,
            }
        )
        self._tick = table.tick
        self._fine = False  # whether some item has a deadband
        self._uniform = True  # whether all items want both timestamps
        self._quiet = False  # whether some item does not report
        self._ready: Index | None = None  # what can be sent, None until it is worked out
        self._after = 0  # where the last message ended: the next one begins there

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, item_id: int) -> bool:
        return self._position(item_id) is not None

    @property
    def ids(self) -> Ids:
        """Ids of all items."""
        return self._items["id"]

    @property
    def handles(self) -> NDArray[np.uint32]:
        """Client handles of all items, in the order of `ids`."""
        return self._items["handle"]

    def disabled(self) -> int:
        """How many items are disabled."""
        return int(np.count_nonzero(self._items["mode"] == DISABLED)) if self._quiet else 0

    def add(
        self,
        rows: Index,
        ids: Ids,
        handles: NDArray[np.uint32],
        modes: NDArray[np.uint8],
        timestamps: int,
        deadbands: NDArray[np.float64] | float,
    ) -> None:
        """Add items, with ids above all others; deadbands in the unit of the tag, `NO_DEADBAND` for none."""
        self._items.extend(
            len(rows),
            row=rows,
            id=ids,
            handle=handles,
            mode=modes,
            timestamps=timestamps,
            deadband=deadbands,
            value=np.nan,
            due=modes != DISABLED,
        )
        self._ready = None
        self._fine = self._fine or bool(np.any(np.asarray(deadbands) >= 0))
        self._uniform = self._uniform and timestamps == BOTH
        self._quiet = self._quiet or bool(np.any(modes != REPORTING))

    def change(self, item_id: int, handle: int, timestamps: int, deadband: float) -> None:
        """Modify an item; the changed filter holds from the next value on."""
        i = self._position(item_id)
        if i is None:
            return
        self.waiting()
        items = self._items
        items["handle"][i], items["timestamps"][i], items["deadband"][i] = handle, timestamps, deadband
        self._fine = self._fine or deadband >= 0
        self._uniform = self._uniform and timestamps == BOTH

    def set_mode(self, item_id: int, mode: int) -> None:
        """Disable, sample or report one item."""
        self.set_modes(np.array([item_id], np.uint32), mode)

    def set_modes(self, ids: Ids, mode: int) -> NDArray[np.bool_]:
        """Disable, sample or report, at first the value of what was disabled; which of `ids` there are."""
        self.waiting()
        items = self._items
        at, known = find(items["id"], ids)
        i = at[known]
        was_disabled = items["mode"][i] == DISABLED
        items["mode"][i] = mode
        items["due"][i] = (mode != DISABLED) & (items["due"][i] | was_disabled)
        self._quiet = self._quiet or mode != REPORTING
        self._ready = None
        return known

    def remove_all(self, ids: list[int] | Ids) -> NDArray[np.bool_]:
        """Delete many items; which of `ids` there were."""
        wanted = np.asarray(ids, np.uint32)
        at, known = find(self._items["id"], wanted)
        known &= first_of_each(wanted)
        if known.any():
            self.waiting()
            kept = np.ones(len(self), np.bool_)
            kept[at[known]] = False
            self._items.keep(kept)
            self._ready = None
        return known

    def pop(self, item_id: int) -> LiveItem | None:
        """Take an item out to watch it otherwise, or None where there is none."""
        i = self._position(item_id)
        if i is None:
            return None
        self.waiting()
        items = self._items
        found = LiveItem(
            row=int(items["row"][i]),
            handle=int(items["handle"][i]),
            timestamps=int(items["timestamps"][i]),
            mode=int(items["mode"][i]),
            deadband=float(items["deadband"][i]),
            due=bool(items["due"][i]),
        )
        self.remove_all([item_id])
        return found

    def resend(self) -> None:
        """Report every value once more (ResendData, TransferSubscriptions)."""
        self.waiting()
        self._items["due"][:] |= self._items["mode"] != DISABLED
        self._ready = None

    def waiting(self) -> int:
        """How many notifications are due, after a look at what changed."""
        if self._tick != self._table.tick:
            self._look()
        if self._ready is None:
            due = self._items["due"]
            ready = np.flatnonzero(due & (self._items["mode"] == REPORTING) if self._quiet else due)
            start = np.searchsorted(ready, self._after) if self._after else 0
            self._ready = np.concatenate((ready[start:], ready[:start])) if start else ready
        return len(self._ready)

    def _look(self) -> None:
        items, tick = self._items, self._tick
        self._tick = self._table.tick
        moved = self._table.changed[items["row"]] > tick
        if self._quiet:
            moved &= items["mode"] != DISABLED
        if self._fine:
            fine = np.flatnonzero(moved & (items["deadband"] >= 0) & ~items["due"])
            moved[fine] = self._beyond_deadband(fine)
        if moved.any():
            items["due"][:] |= moved
            self._ready = None

    def _beyond_deadband(self, picked: Index) -> NDArray[np.bool_]:
        items = self._items
        rows = items["row"][picked]
        step = np.abs(self._table.values[rows] - items["value"][picked])
        # NaN on either side is a change of its own: not (step <= deadband).
        beyond: NDArray[np.bool_] = ~(step <= items["deadband"][picked])
        beyond |= self._table.rows["status"][rows] != items["status"][picked]
        return beyond

    def take(self, most: int) -> tuple[int, bytes]:
        """Up to `most` notifications that are due: how many, and their bytes."""
        picked = self._pick(most)
        if not picked.size:
            return 0, b""
        items = self._items
        rows = items["row"][picked]
        data = self._encode(picked, rows)
        items["due"][picked] = False
        if self._fine:
            items["value"][picked] = self._table.values[rows]
            items["status"][picked] = self._table.rows["status"][rows]
        return int(picked.size), data

    def _encode(self, picked: Index, rows: Index) -> bytes:
        """Their notifications; Doubles first, as those are a plain gather."""
        handles, encode = self._items["handle"][picked], self._table.encode
        if not self._uniform:
            return encode(rows, self._items["timestamps"][picked], handles)
        plain = self._table.shape[rows] == 0
        if plain.all():
            return encode(rows, BOTH, handles)
        others = ~plain
        return encode(rows[plain], BOTH, handles[plain]) + encode(rows[others], BOTH, handles[others])

    def _pick(self, most: int) -> Index:
        """The next that are due; what did not fit into one message is first in the next."""
        self.waiting()
        assert self._ready is not None
        picked, self._ready = self._ready[:most], self._ready[most:]
        self._after = int(picked[-1]) + 1 if len(self._ready) else 0
        return picked

    def _position(self, item_id: int) -> int | None:
        at, known = find(self._items["id"], np.array([item_id], np.uint32))
        return int(at[0]) if known[0] else None

    def row_of(self, item_id: int) -> int | None:
        """Row of the live table that an item watches, or None where there is no such item."""
        i = self._position(item_id)
        return None if i is None else int(self._items["row"][i])
