"""Monitored items on live values that every scan samples: with a queue, another trigger, or links to others.

All queues of a subscription stand in one log, in the order of sampling. A row of the log is an encoded
DataValue with the item it belongs to and the item's next row, so that each item's queue is a chain from its
`head` to its `tail`, and a scan is a few array operations whatever the number of items that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.livetable import ROW, LiveTable
from server.subscriptions.columns import Columns, find, first_of_each
from server.subscriptions.liveitems import DISABLED, REPORTING, Ids, LiveItem

STATUS, STATUS_VALUE, STATUS_VALUE_TIMESTAMP = 0, 1, 2
# DataValue: InfoType DataValue (0x400) and Overflow (0x80) in the StatusCode (Part 4, 7.38.1).
OVERFLOW: Final = 0x0480
_NOWHERE: Final = -1


@dataclass(frozen=True, slots=True)
class LiveTerms:
    """What a live item that is sampled by each scan was asked for."""

    trigger: int = STATUS_VALUE
    size: int = 1
    discard_oldest: bool = True


class LiveQueues:
    """The queued live items of one subscription; ids ascend."""

    def __init__(self, table: LiveTable) -> None:
        self._table = table
        self._items = Columns(
            {
                "row": np.intp,
                "id": np.uint32,
                "handle": np.uint32,
                "timestamps": np.uint8,
                "mode": np.uint8,
                "trigger": np.uint8,
                "deadband": np.float64,
                "size": np.uint32,
                "oldest": np.bool_,  # DiscardOldest
                "value": np.float64,
                "status": np.uint32,
                "source": np.int64,
                "count": np.uint32,
                "head": np.intp,
                "tail": np.intp,
            }
        )
        self._log = Columns(
            {"id": np.uint32, "data": ROW, "next": np.intp, "alive": np.bool_, "sendable": np.bool_}
        )
        self._tick = table.tick
        self._ready: Index | None = None
        self.overflows = 0  # values lost
        self.room = 0  # of all queues together
        self.tell: Callable[[Ids], None] | None = None  # told the items that have a sample, if links matter

    def __len__(self) -> int:
        return len(self._items)

    @property
    def ids(self) -> Ids:
        """Ids of all items."""
        return self._items["id"]

    @property
    def handles(self) -> NDArray[np.uint32]:
        """Client handles of all items, in the order of `ids`."""
        return self._items["handle"]

    def size_of(self, item_id: int) -> int:
        """Size of the queue of an item that there is."""
        i = self._position(item_id)
        return 1 if i is None else int(self._items["size"][i])

    def disabled(self) -> int:
        """How many items are disabled."""
        return int(np.count_nonzero(self._items["mode"] == DISABLED))

    def add(self, ids: Ids, items: Sequence[LiveItem], terms: Sequence[LiveTerms]) -> None:
        """Add items, whose present values are queued where they are news."""
        added = self._items.extend(
            len(ids),
            row=[item.row for item in items],
            id=ids,
            handle=[item.handle for item in items],
            timestamps=[item.timestamps for item in items],
            mode=[item.mode for item in items],
            deadband=[item.deadband for item in items],
            trigger=[each.trigger for each in terms],
            size=[each.size for each in terms],
            oldest=[each.discard_oldest for each in terms],
            head=_NOWHERE,
            tail=_NOWHERE,
        )
        self.room += sum(each.size for each in terms)
        if added.start and ids[0] < self.ids[added.start - 1]:  # it was an item of another kind before
            order = np.argsort(self.ids)
            for name in self._items.names:
                self._items[name][:] = self._items[name][order]
        at, _ = find(self.ids, ids)
        self._known(at)
        fresh = at[[item.due and item.mode != DISABLED for item in items]]
        if fresh.size:
            self._queue(fresh)

    def change(self, item_id: int, item: LiveItem, terms: LiveTerms) -> None:
        """Modify an item; values that no longer fit into its queue go as when it overflows."""
        i, items = self._position(item_id), self._items
        assert i is not None
        items["handle"][i], items["timestamps"][i] = item.handle, item.timestamps
        items["trigger"][i], items["deadband"][i] = terms.trigger, item.deadband
        self.room += terms.size - int(items["size"][i])
        items["size"][i], items["oldest"][i] = terms.size, terms.discard_oldest
        self._shrink(i)

    def _shrink(self, i: int) -> None:
        items, log = self._items, self._log
        too_many = int(items["count"][i]) - int(items["size"][i])
        if too_many <= 0:
            return
        rows = self._chain(i)
        gone = rows[:too_many] if items["oldest"][i] else rows[len(rows) - 1 - too_many : -1]
        log["alive"][gone] = False
        left = [row for row in rows if row not in set(gone)]
        log["next"][left[:-1]] = left[1:]
        items["head"][i], items["count"][i] = left[0], len(left)
        if items["size"][i] > 1:
            marked = left[0] if items["oldest"][i] else left[-1]
            log["data"]["status"][marked] |= OVERFLOW
        self._ready = None

    def _chain(self, i: int) -> list[int]:
        """Rows of the log that an item's queue consists of, in order."""
        rows, at = [], int(self._items["head"][i])
        while at != _NOWHERE:
            rows.append(at)
            at = int(self._log["next"][at])
        return rows

    # -- sampling

    def sample(self) -> None:
        """Queue what is news since the last scan."""
        items, table = self._items, self._table
        tick, self._tick = self._tick, table.tick
        if not len(items):
            return
        look = (table.changed[items["row"]] > tick) | (items["trigger"] == STATUS_VALUE_TIMESTAMP)
        picked = np.flatnonzero(look & (items["mode"] != DISABLED))
        picked = picked[self._is_news(picked)]
        if picked.size:
            self._queue(picked)

    def _is_news(self, picked: Index) -> NDArray[np.bool_]:
        """By the filter's trigger and deadband, against what was queued last (Part 4, 7.22.2)."""
        items = self._items
        rows = items["row"][picked]
        now, current = self._table.rows[rows], self._table.values[rows]
        trigger, value = items["trigger"][picked], items["value"][picked]
        with np.errstate(invalid="ignore"):
            within = np.abs(current - value) <= items["deadband"][picked]
        other = (current.view(np.int64) != value.view(np.int64)) & ~within
        news: NDArray[np.bool_] = now["status"] != items["status"][picked]
        news |= other & (trigger != STATUS)
        news |= (now["source"] != items["source"][picked]) & (trigger == STATUS_VALUE_TIMESTAMP)
        return news

    def _queue(self, picked: Index) -> None:
        """Append the present values of items to their queues."""
        items, log = self._items, self._log
        data = self._table.rows[items["row"][picked]]
        self._known(picked)
        if self.tell is not None:
            self.tell(items["id"][picked])
        full = items["count"][picked] >= items["size"][picked]
        replaced = full & ~items["oldest"][picked]
        if replaced.any():
            self._replace_newest(picked[replaced], data[replaced])
        more = picked[~replaced]
        sendable = items["mode"][more] == REPORTING
        added = log.extend(
            len(more),
            id=items["id"][more],
            data=data[~replaced],
            next=_NOWHERE,
            alive=True,
            sendable=sendable,
        )
        at = np.arange(added.start, added.stop)
        others = items["tail"][more] != _NOWHERE
        log["next"][items["tail"][more[others]]] = at[others]
        items["head"][more[~others]] = at[~others]
        items["tail"][more] = at
        items["count"][more] += 1
        self._ready = None
        over = full[~replaced]
        if over.any():
            self._drop_oldest(more[over])

    def _known(self, picked: Index) -> None:
        """What comes next is compared with the present values."""
        items, rows = self._items, self._items["row"][picked]
        now = self._table.rows[rows]
        items["value"][picked] = self._table.values[rows]
        items["status"][picked], items["source"][picked] = now["status"], now["source"]

    def _replace_newest(self, picked: Index, data: NDArray[np.void]) -> None:
        log, tail = self._log, self._items["tail"][picked]
        self.overflows += len(picked)
        data = data.copy()
        data["status"][self._items["size"][picked] > 1] |= OVERFLOW
        log["data"][tail] = data

    def _drop_oldest(self, picked: Index) -> None:
        items, log = self._items, self._log
        self.overflows += len(picked)
        old = items["head"][picked]
        log["alive"][old] = False
        heads = log["next"][old]
        items["head"][picked] = heads
        items["count"][picked] -= 1
        log["data"]["status"][heads[items["size"][picked] > 1]] |= OVERFLOW
        self._compact()

    def _compact(self) -> None:
        """Forget rows of the log that were sent or dropped, once they are the greater part."""
        log, items = self._log, self._items
        alive = log["alive"]
        if 2 * int(np.count_nonzero(alive)) >= len(log):
            return
        where = np.concatenate((np.cumsum(alive) - 1, [_NOWHERE]))  # _NOWHERE stays what it is
        for column in (items["head"], items["tail"], log["next"]):
            column[:] = where[column]
        log.keep(alive.copy())
        self._ready = None

    # -- modes, links, deletion

    def set_modes(self, ids: Ids, mode: int) -> NDArray[np.bool_]:
        """Disable, sample or report, at first the value of what was disabled; which of `ids` there are."""
        items, log = self._items, self._log
        at, known = find(items["id"], ids)
        i = np.unique(at[known])
        if not i.size:
            return known
        fresh = i[items["mode"][i] == DISABLED] if mode != DISABLED else i[:0]
        items["mode"][i] = mode
        theirs = np.isin(log["id"], items["id"][i])
        log["sendable"][theirs] = mode == REPORTING
        if mode == DISABLED:
            self._clear(i, theirs)
        elif fresh.size:
            self._queue(fresh)
        self._ready = None
        return known

    def _clear(self, i: Index, theirs: NDArray[np.bool_]) -> None:
        items = self._items
        self._log["alive"][theirs] = False
        items["head"][i] = items["tail"][i] = _NOWHERE
        items["count"][i] = 0
        self._compact()

    def release(self, ids: Ids) -> None:
        """A trigger fired: what these items have sampled is reported too (Part 4, 5.13.1.6)."""
        self._log["sendable"][:] |= np.isin(self._log["id"], ids)
        self._ready = None

    def remove_all(self, ids: Ids) -> NDArray[np.bool_]:
        """Delete many items; which of `ids` there were."""
        at, known = find(self.ids, ids)
        known &= first_of_each(ids)
        if known.any():
            i = at[known]
            self._clear(i, np.isin(self._log["id"], self.ids[i]))
            self.room -= int(self._items["size"][i].sum())
            kept = np.ones(len(self), np.bool_)
            kept[i] = False
            self._items.keep(kept)
            self._ready = None
        return known

    def resend(self) -> None:
        """Report every value once more."""
        self._queue(np.flatnonzero(self._items["mode"] != DISABLED))

    # -- sending

    def waiting(self) -> int:
        """How many notifications can be sent."""
        if self._ready is None:
            self._ready = np.flatnonzero(self._log["alive"] & self._log["sendable"])
        return len(self._ready)

    def take(self, most: int) -> tuple[int, bytes]:
        """Up to `most` notifications: how many, and their bytes."""
        if not self.waiting():
            return 0, b""
        items, log = self._items, self._log
        assert self._ready is not None
        picked, self._ready = self._ready[:most], self._ready[most:]
        at, _ = find(items["id"], log["id"][picked])
        data = self._table.encode_sampled(
            log["data"][picked], items["row"][at], items["timestamps"][at], items["handle"][at]
        )
        log["alive"][picked] = False
        items["head"][at] = log["next"][picked]  # the last one of each item holds
        np.subtract.at(items["count"], at, 1)
        items["tail"][at[items["count"][at] == 0]] = _NOWHERE
        self._compact()
        return len(picked), data

    def _position(self, item_id: int) -> int | None:
        at, known = find(self.ids, np.array([item_id], np.uint32))
        return int(at[0]) if known[0] else None

    def row_of(self, item_id: int) -> int | None:
        """Row of the live table that an item watches, or None where there is no such item."""
        i = self._position(item_id)
        return None if i is None else int(self._items["row"][i])
