"""The time domain of a history request (Part 11, 4.6 and 6.5.3.2); times in µs since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FIRST: Final = -62_135_596_800_000_000  # 0001-01-01, before all that is stored
LAST: Final = 253_402_300_799_999_999  # the end of 9999


@dataclass(frozen=True)
class Span:
    """From `start`, which is in it, to `end`, which is not; time flows `forward` or backward.

    `end` is None where the request left it open.
    """

    start: int
    end: int | None
    forward: bool

    @classmethod
    def of(cls, start: int | None, end: int | None) -> Span:
        """A start after the end, or an end alone, means backward; equal times mean forward."""
        if start is None:
            if end is None:
                raise ValueError("a history request needs a start, an end, or both")
            return cls(_clamp(end), None, forward=False)
        if end is None:
            return cls(_clamp(start), None, forward=True)
        return cls(_clamp(start), _clamp(end), forward=start <= end)

    def limits(self, after: int | None = None) -> tuple[int, int]:
        """Lowest and highest time of the domain, both in it; of what follows `after` when that is given.

        A start that equals the end is a domain of that one instant.
        """
        if self.forward:
            high = LAST if self.end is None else max(self.end - 1, self.start)
            return (self.start if after is None else max(self.start, after + 1)), high
        low = FIRST if self.end is None else self.end + 1
        return low, (self.start if after is None else min(self.start, after - 1))


def _clamp(time: int) -> int:
    return min(max(time, FIRST + 1), LAST - 1)
