"""Failed log-ins slow down: each answer to one who keeps failing takes longer (Part 4, 5.7.3.1).

Who comes in is not kept waiting, and who fails now and then is not, either.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FREE: Final = 2  # failures without delay
FIRST: Final = 0.25  # s
LONGEST: Final = 5.0  # s
FORGET: Final = 300.0  # s without a failure
MOST: Final = 10_000  # clients that are remembered


class SlowDown:
    """Failures of each client, and how long the next one is kept waiting."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}

    def failed(self, client: str) -> float:
        """Note a failure; the time [s] after which to say so."""
        now = self._clock()
        count, last = self._failures.pop(client, (0, now))
        count = 1 if now - last > FORGET else count + 1
        while len(self._failures) >= MOST:
            self._failures.pop(next(iter(self._failures)))
        self._failures[client] = (count, now)
        if count <= FREE:
            return 0.0
        return min(LONGEST, FIRST * 2.0 ** min(count - FREE - 1, 10))

    def clear(self) -> None:
        """Forget all."""
        self._failures.clear()

    def succeeded(self, client: str) -> None:
        """Forget a client's failures."""
        self._failures.pop(client, None)
