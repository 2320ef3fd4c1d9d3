"""When a message that could not be sent is tried again: ever later, never all at once, at most for a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FIRST: Final = 15.0  # s
LONGEST: Final = 1800.0  # s
GIVE_UP: Final = 86_400.0  # s since it was to be sent first
_DOUBLINGS: Final = 12  # of the first pause, until it is longer than the longest for sure


def pause(tries: int, random: Callable[[], float], asked: float = 0.0) -> float:
    """Seconds until the next attempt after `tries` failed ones; the other side may have `asked` for more.

    `random` gives numbers from 0 to 1: half of the pause is drawn by lot, so that not all come at once.
    """
    longest = min(FIRST * 2.0 ** min(tries - 1, _DOUBLINGS), LONGEST)
    return max(longest * (0.5 + 0.5 * random()), min(asked, GIVE_UP))
