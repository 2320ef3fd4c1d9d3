"""How much subscriptions may take: in number, and in memory over all sessions together.

What is refused is told with the code that Part 4 names for it, and what is revised is told as revised. No
client can use up what others need: a session has its share, and a queue takes but a part of what is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_SUBSCRIPTIONS_PER_SESSION: Final = 100
MAX_ITEMS_PER_CALL: Final = 100_000
MAX_QUEUE: Final = 1000
MAX_EVENT_QUEUE: Final = 10_000
ITEM_MEMORY: Final = 768 << 20  # bytes, items with room for their queues
MESSAGE_MEMORY: Final = 256 << 20  # bytes, messages that were not acknowledged
_SHARES: Final = 4  # of the memory for items a session may take one
_QUEUE_PART: Final = 128  # of the memory that is left a queue may take one part


@dataclass(frozen=True, slots=True)
class Cost:
    """Bytes of an item, and of each entry of its queue."""

    item: int
    entry: int

    def of(self, queue: int) -> int:
        """Bytes of an item with a queue of that size."""
        return self.item + queue * self.entry


LIVE_COST: Final = Cost(48, 0)
QUEUE_COST: Final = Cost(96, 48)
SAMPLED_COST: Final = Cost(2000, 200)
EVENT_COST: Final = Cost(4000, 500)


class Budget:
    """Bytes that may be taken, and how many are."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    @property
    def left(self) -> int:
        """Bytes that are left."""
        return max(self.limit - self.used, 0)

    @property
    def share(self) -> int:
        """Bytes that one session may take."""
        return self.limit // _SHARES

    def take(self, size: int) -> None:
        """Take, or give when negative."""
        self.used += size

    def give(self, size: int) -> None:
        """Give back."""
        self.used -= size

    def queue(self, asked: int, most: int, cost: Cost) -> int:
        """The revised size of a queue: at least one."""
        return max(1, min(asked, most, self.left // _QUEUE_PART // cost.entry))
