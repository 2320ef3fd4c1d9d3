"""Messages that were sent and not yet acknowledged, so that they can be sent again (Part 4, 5.14.1.2).

All subscriptions share one memory. When it is used up, whoever keeps most loses the oldest message: a client
that acknowledges nothing cannot use up what others need.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from server.subscriptions.limits import MESSAGE_MEMORY

KEPT_MESSAGES: Final = 1000


class MessageMemory:
    """What the messages of all subscriptions take [bytes]."""

    def __init__(self, limit: int = MESSAGE_MEMORY) -> None:
        self._limit = limit
        self._kept: set[SentMessages] = set()
        self.used = 0

    def join(self, messages: SentMessages) -> None:
        """Share the memory with one more subscription."""
        self._kept.add(messages)

    def leave(self, messages: SentMessages) -> None:
        """A subscription has ended."""
        self._kept.discard(messages)
        self.used -= messages.size

    def take(self, size: int) -> None:
        """Make room."""
        self.used += size
        while self.used > self._limit:
            max(self._kept, key=lambda messages: messages.size).discard_oldest()


class SentMessages:
    """Those of one subscription, by sequence number."""

    def __init__(self, memory: MessageMemory) -> None:
        self._memory = memory
        self._messages: OrderedDict[int, bytes] = OrderedDict()
        self.size = 0
        self.discarded = 0
        memory.join(self)

    def __len__(self) -> int:
        return len(self._messages)

    def numbers(self) -> list[int]:
        """Sequence numbers that can be had again, in order."""
        return list(self._messages)

    def get(self, sequence: int) -> bytes | None:
        """A message, or None where it is no longer there."""
        return self._messages.get(sequence)

    def keep(self, sequence: int, message: bytes) -> None:
        """Keep a message until it is acknowledged or there is no more room."""
        self._messages[sequence] = message
        self.size += len(message)
        if len(self._messages) > KEPT_MESSAGES:
            self.discard_oldest()
        self._memory.take(len(message))

    def acknowledge(self, sequence: int) -> bool:
        """Forget a message that has arrived; False where it is unknown."""
        message = self._messages.pop(sequence, None)
        if message is None:
            return False
        self._forget(message)
        return True

    def discard_oldest(self) -> None:
        """Lose a message that was not acknowledged."""
        _, message = self._messages.popitem(last=False)
        self.discarded += 1
        self._forget(message)

    def _forget(self, message: bytes) -> None:
        self.size -= len(message)
        self._memory.used -= len(message)

    def close(self) -> None:
        """Forget all of them."""
        self._memory.leave(self)
        self._messages.clear()
        self.size = 0
