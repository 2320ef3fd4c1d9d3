"""Whether the plant's clock can be believed.

A clock that jumps by years, as they do when their battery fails, must cost neither the scans of that time nor
the past. A jump is believed once the clock has gone on from there for long enough to be noticed. Functions of
the times they are told, one after the other, in µs.
"""

from __future__ import annotations

from typing import Final

DAY: Final = 86_400_000_000
CONFIRMED: Final = DAY
# More than a simulator's clock takes in a scan at its fastest. What is dropped by a wrong clock is gone ...
SUSPECT: Final = 100 * DAY
# ... but a scan at a wrong time can be told from others, and a server may have been asleep for long.
ABSURD: Final = 1000 * DAY


class Believed:
    """The latest time that is believed enough to drop what is too old by it; `newest` is stored."""

    def __init__(self, newest: int | None) -> None:
        self._time = newest
        self._jumped_to: int | None = None

    def __call__(self, time: int) -> int:
        """Hear the clock's present time; gives the one to go by."""
        if self._time is None or abs(time - self._time) <= SUSPECT:
            self._time, self._jumped_to = max(self._time or time, time), None
        elif self._jumped_to is None or time < self._jumped_to:
            self._jumped_to = time
        elif time >= self._jumped_to + CONFIRMED:
            self._time, self._jumped_to = time, None
        return self._time


class Steady:
    """The times under which scans are stored: the clock's, but for absurd jumps of it.

    After one they go on from the scan before, a second later, until the clock is back or confirmed.
    `moved` counts the scans that are stored under another time than their own.
    """

    def __init__(self) -> None:
        self.moved = 0
        self._last: int | None = None  # as stored
        self._ahead = 0  # how far the clock is from it
        self._jumped_to = 0

    @property
    def jumped(self) -> bool:
        """Whether the clock's last time was not believed."""
        return self._ahead != 0

    def __call__(self, time: int) -> int:
        """The time to store a scan of this time under."""
        stored = time - self._ahead
        if self._last is None or abs(time - self._last) <= ABSURD:
            stored, self._ahead = time, 0
        elif abs(stored - self._last) > ABSURD:
            stored, self._jumped_to = self._last + 1_000_000, time
            self._ahead = time - stored
        elif time >= self._jumped_to + CONFIRMED:
            stored, self._ahead = time, 0
        self._last = stored
        self.moved += stored != time
        return stored
