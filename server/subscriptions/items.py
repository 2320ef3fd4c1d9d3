"""All monitored items of one subscription, of three kinds, and the links between them (Part 4, 5.13.1.6).

Live values with a queue of one are columns (`LiveItems`), those that each scan must sample are columns with
queues (`LiveQueues`), all others are objects (`DataItem`, `EventItem`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.livetable import LiveTable
from server.subscriptions.columns import first_of_each
from server.subscriptions.limits import EVENT_COST, LIVE_COST, QUEUE_COST, SAMPLED_COST, Budget, Cost
from server.subscriptions.liveitems import DISABLED, Ids, LiveItem, LiveItems
from server.subscriptions.livequeues import LiveQueues, LiveTerms
from server.subscriptions.sampleditems import DataItem, EventItem, Item
from server.subscriptions.sampler import Sampler

Other = DataItem | EventItem
ROW_BYTES: Final = 40  # of a live value in a message, and a little more


@dataclass(slots=True)
class Batch:
    """Notifications for one message: how many data changes in how many pieces, and events."""

    changes: int
    data: list[bytes]
    events: list[bytes]


class Items:
    """The items of the subscription `owner`; `budget` is the memory that all of the server may take."""

    def __init__(self, table: LiveTable, sampler: Sampler, budget: Budget, owner: int) -> None:
        self.live = LiveItems(table)
        self.queues = LiveQueues(table)
        self.others: dict[int, Other] = {}
        self.events: dict[int, EventItem] = {}
        self._sampler = sampler
        self._budget = budget
        self._owner = owner
        self._ids = 0
        self._ready: dict[int, Item] = {}  # others that may have something to send
        self._links: dict[int, set[int]] = {}  # by the triggering item
        self._fired: set[int] = set()
        self._turn = 0  # which kind is first in the next message
        self._others_bytes = 0
        self.footprint = 0  # bytes

    def __len__(self) -> int:
        return len(self.live) + len(self.queues) + len(self.others)

    def __contains__(self, item_id: int) -> bool:
        return item_id in self.others or self.row_of(item_id) is not None

    def row_of(self, item_id: int) -> int | None:
        """Row of the live table that an item watches, None for any other."""
        row = self.live.row_of(item_id)
        return self.queues.row_of(item_id) if row is None else row

    def disabled(self) -> int:
        """How many items are disabled."""
        others = sum(item.mode == DISABLED for item in self.others.values())
        return self.live.disabled() + self.queues.disabled() + others

    def overflows(self, events: bool) -> int:
        """How many values, or events, were lost because a queue was full."""
        if events:
            return sum(item.overflows for item in self.events.values())
        data = sum(item.overflows for item in self.others.values() if isinstance(item, DataItem))
        return data + self.queues.overflows

    def handles(self) -> tuple[list[int], list[int]]:
        """Ids and client handles of all items."""
        ids = [*self.live.ids.tolist(), *self.queues.ids.tolist(), *self.others]
        handles = [*self.live.handles.tolist(), *self.queues.handles.tolist()]
        return ids, handles + [item.handle for item in self.others.values()]

    # -- more and fewer

    def new_ids(self, count: int = 1) -> int:
        """The first of `count` ids that follow each other."""
        first = self._ids + 1
        self._ids += count
        return first

    def add_live(
        self,
        rows: Index,
        handles: NDArray[np.uint32],
        modes: NDArray[np.uint8],
        timestamps: int,
        deadbands: NDArray[np.float64] | float,
    ) -> NDArray[np.uint32]:
        """Add live values with a queue of one; their ids."""
        first = self.new_ids(len(rows))
        ids = np.arange(first, first + len(rows), dtype=np.uint32)
        self.live.add(rows, ids, handles, modes, timestamps, deadbands)
        self.account()
        return ids

    def add_lives(self, items: Sequence[LiveItem]) -> NDArray[np.uint32]:
        """The same from items one by one."""
        first = self.new_ids(len(items))
        ids = np.arange(first, first + len(items), dtype=np.uint32)
        if items:
            self.live.add(
                np.array([item.row for item in items], np.intp),
                ids,
                np.array([item.handle for item in items], np.uint32),
                np.array([item.mode for item in items], np.uint8),
                items[0].timestamps,
                np.array([item.deadband for item in items]),
            )
            self.account()
        return ids

    def add_queues(self, items: Sequence[LiveItem], terms: Sequence[LiveTerms]) -> NDArray[np.uint32]:
        """Add live values that each scan samples; their ids."""
        first = self.new_ids(len(items))
        ids = np.arange(first, first + len(items), dtype=np.uint32)
        if items:
            self.queues.add(ids, items, terms)
            self.account()
        return ids

    def add_other(self, item: Other) -> None:
        """Add any other item, and take its first sample."""
        item.announce = self._announce
        self.others[item.id] = item
        self._others_bytes += cost_of(item).of(item.queue_size)
        if isinstance(item, EventItem):
            self.events[item.id] = item
        else:
            item.sample()
            self._sampler.add(self._owner, item)
        self.account()

    def change_queue(self, item: Other, size: int, discard_oldest: bool) -> None:
        """Give the queue of an item that is not live another size."""
        self._others_bytes += cost_of(item).of(size) - cost_of(item).of(item.queue_size)
        item.change_queue(size, discard_oldest)
        self._announce(item)
        if isinstance(item, DataItem):
            self._sampler.add(self._owner, item)
        self.account()

    def with_queue(self, item_id: int, terms: LiveTerms) -> None:
        """Let each scan sample a live value from now on."""
        item = self.live.pop(item_id)
        if item is not None:
            self.queues.add(np.array([item_id], np.uint32), [item], [terms])
            self.account()

    def remove(self, ids: Ids) -> NDArray[np.bool_]:
        """Delete items, with the links to and from them; which of `ids` there were."""
        known = self.live.remove_all(ids)
        if len(self.queues):
            known |= self.queues.remove_all(ids)
        if self.others:
            known |= [self._remove_other(int(item_id)) for item_id in ids]
        known &= first_of_each(ids)
        if self._links:
            self._unlink_all(set(ids[known].tolist()))
        self.account()
        return known

    def _remove_other(self, item_id: int) -> bool:
        item = self.others.pop(item_id, None)
        if item is None:
            return False
        item.closed = True
        self.events.pop(item_id, None)
        self._ready.pop(item_id, None)
        self._others_bytes -= cost_of(item).of(item.queue_size)
        return True

    def close(self) -> None:
        """Forget all of them."""
        self._sampler.forget(self._owner)
        self._budget.give(self.footprint)
        self.footprint = 0

    def account(self) -> None:
        queues = self.queues
        now = len(self.live) * LIVE_COST.item + self._others_bytes
        now += len(queues) * QUEUE_COST.item + queues.room * QUEUE_COST.entry
        self._budget.take(now - self.footprint)
        self.footprint = now

    # -- modes and links

    def set_modes(self, ids: Ids, mode: int) -> NDArray[np.bool_]:
        """Disable, sample or report; which of `ids` there are."""
        known = self.live.set_modes(ids, mode)
        if len(self.queues):
            known |= self.queues.set_modes(ids, mode)
        if self.others:
            for i, item_id in enumerate(ids.tolist()):
                item = self.others.get(item_id)
                if item is not None:
                    item.set_mode(mode)
                    self._announce(item)
                    known[i] = True
        return known

    def link_all(self, trigger: int, ids: list[int]) -> list[bool]:
        """Report what `ids` sample whenever `trigger` has a sample; which of them there are."""
        known = [item_id in self for item_id in ids]
        linked = {item_id for item_id, there in zip(ids, known, strict=True) if there}
        if linked:
            self._links.setdefault(trigger, set()).update(linked)
            for item_id in {trigger, *linked}:
                self.with_queue(item_id, LiveTerms())
            self.queues.tell = self._triggered
        return known

    def unlink(self, trigger: int, item_id: int) -> bool:
        """Remove a link; False where there is none."""
        linked = self._links.get(trigger, set())
        if item_id not in linked:
            return False
        linked.remove(item_id)
        if not linked:
            del self._links[trigger]
        return True

    def _unlink_all(self, gone: set[int]) -> None:
        for trigger in [*self._links]:
            self._links[trigger] -= gone
            if trigger in gone or not self._links[trigger]:
                del self._links[trigger]

    def _triggered(self, ids: Ids) -> None:
        self._fired.update(self._links.keys() & ids.tolist())

    def _announce(self, item: Item) -> None:
        self._ready[item.id] = item
        if item.id in self._links:
            self._fired.add(item.id)

    def _fire(self) -> None:
        """Let through what is linked to the items that had a sample since the last message."""
        linked = set[int]().union(*(self._links.get(trigger, ()) for trigger in self._fired))
        self._fired.clear()
        if len(self.queues):
            self.queues.release(np.array([*linked], np.uint32))
        for item_id in linked:
            item = self.others.get(item_id)
            if item is not None:
                item.release()
                self._ready[item.id] = item

    # -- samples

    def on_commit(self) -> None:
        """A scan was committed."""
        if len(self.queues):
            self.queues.sample()

    def resend(self) -> None:
        """Report every value once more (ResendData, TransferSubscriptions)."""
        self.live.resend()
        self.queues.resend()
        for item in self.others.values():
            if isinstance(item, DataItem):
                item.resend()
                item.sample()

    # -- messages

    def waiting(self) -> bool:
        """Whether there is something to report."""
        if self._fired:
            self._fire()
        if self.live.waiting() or self.queues.waiting():
            return True
        for item_id, item in [*self._ready.items()]:
            if item.due():
                return True
            del self._ready[item_id]
        return False

    def take(self, most: int, space: int) -> Batch:
        """Up to `most` notifications in about `space` bytes; each kind has its turn to be first."""
        batch = Batch(0, [], [])
        kinds = (self._take_live, self._take_queued, self._take_others)
        for i in range(len(kinds)):
            took, size = kinds[(self._turn + i) % len(kinds)](batch, most, space)
            most, space = most - took, space - size
            if most <= 0 or space <= 0:
                self._turn += 1
                break
        return batch

    def _take_live(self, batch: Batch, most: int, space: int) -> tuple[int, int]:
        return _take_rows(self.live, batch, most, space)

    def _take_queued(self, batch: Batch, most: int, space: int) -> tuple[int, int]:
        return _take_rows(self.queues, batch, most, space)

    def _take_others(self, batch: Batch, most: int, space: int) -> tuple[int, int]:
        took = size = 0
        while self._ready and took < most and size < space:
            item = self._ready.pop(next(iter(self._ready)))
            parts = batch.events if isinstance(item, EventItem) else batch.data
            while item.due() and took < most and size < space:
                parts.append(item.take())
                took += 1
                size += len(parts[-1])
                batch.changes += parts is batch.data
            if item.due():
                self._ready[item.id] = item  # last in its kind: the others go first next time
        return took, size


def _take_rows(items: LiveItems | LiveQueues, batch: Batch, most: int, space: int) -> tuple[int, int]:
    took, data = items.take(min(most, max(1, space // ROW_BYTES)))
    if took:
        batch.changes += took
        batch.data.append(data)
    return took, len(data)


def cost_of(item: Item) -> Cost:
    """What an item that is not live costs."""
    return EVENT_COST if isinstance(item, EventItem) else SAMPLED_COST
