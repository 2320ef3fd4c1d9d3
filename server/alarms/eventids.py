"""EventIds of conditions: 16 bytes, never given twice (Part 9, 5.5.2); the numbers in them rise.

An EventId is a nonce of the plant, a check sum of the condition's or branch's identifier, and the event's
number. Numbers of simulated events are apart from the plant's, and each simulation has a nonce of its own.
"""

from __future__ import annotations

import os
from copy import copy
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_NONCE = 4
# Events that may have been published after the last save: their numbers are not given again.
_LOST_EVENTS = 1 << 32
# Numbers of events from here on are of simulated conditions, and so never among those of the plant's.
SIMULATED_EVENTS = 1 << 62


class EventIds:
    """Gives numbers to events of all conditions of a table, and EventIds to the numbers."""

    def __init__(self) -> None:
        self.nonce = self._simulated_nonce = os.urandom(_NONCE)
        self.last = 0

    def fork(self) -> EventIds:
        """For simulated conditions: knows the EventIds given so far; its own are unknown to other forks."""
        other = copy(self)
        other._simulated_nonce = os.urandom(_NONCE)
        other.last = SIMULATED_EVENTS
        return other

    @property
    def simulated(self) -> bool:
        """Whether this is a fork."""
        return self.last >= SIMULATED_EVENTS

    def take(self, count: int) -> NDArray[np.int64]:
        """The numbers of the next events."""
        numbers = self.last + 1 + np.arange(count, dtype=np.int64)
        self.last += count
        return numbers

    def resume(self, nonce: bytes, last: int) -> None:
        """Go on after a restart, where events may have been given after `last` was saved."""
        self.nonce = nonce
        self.last = last + _LOST_EVENTS

    def event_id(self, identifier: str, number: int, branch: int = 0) -> bytes:
        """EventId of an event of a condition, or of one of its branches."""
        nonce = self.nonce if number < SIMULATED_EVENTS else self._simulated_nonce
        identity = crc32((f"{identifier}@{branch}" if branch else identifier).encode())
        return nonce + identity.to_bytes(4, "big") + number.to_bytes(8, "big")


def number_of(event_id: bytes) -> int:
    """The number in an EventId; of bytes that are none, any number of 64 bits."""
    return int.from_bytes(event_id[8:16], "big")
