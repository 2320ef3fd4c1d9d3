"""How long to leave alone what does not answer: pauses that double, with jitter.

Gateways that were lost together are not looked for together.
"""

from __future__ import annotations

import random
import time as clock
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Pauses between attempts [s]: doubling, jittered by up to a half."""

    first: float = 0.5
    longest: float = 30.0

    def pause(self, attempt: int) -> float:
        """How long to wait before the attempt with this number, from 0."""
        whole = min(self.first * 2.0 ** min(attempt, 30), self.longest)
        return whole * random.uniform(0.5, 1.0)


class Rests:
    """Parts of a gateway that stay silent and cost a time-out each: when each is asked again."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._attempts: dict[Hashable, int] = {}
        self._due: dict[Hashable, float] = {}

    def __contains__(self, part: Hashable) -> bool:
        return part in self._due

    def over(self, part: Hashable) -> bool:
        """Whether the part can be asked; true for one that answers."""
        return self._due.get(part, 0.0) <= clock.monotonic()

    def begin(self, part: Hashable) -> None:
        """The part stayed silent, once more."""
        attempt = self._attempts.get(part, 0)
        self._attempts[part] = attempt + 1
        self._due[part] = clock.monotonic() + self._backoff.pause(attempt)

    def end(self, part: Hashable) -> None:
        """The part has answered."""
        self._attempts.pop(part, None)
        self._due.pop(part, None)

    def clear(self) -> None:
        """Ask everything anew."""
        self._attempts.clear()
        self._due.clear()
