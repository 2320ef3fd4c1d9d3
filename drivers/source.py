"""What every source of readings can do; the simulator and each field protocol implement it.

A device that fails is bad quality or silence in `read`'s result and a StatusCode of `write`, never an
exception.
"""

from __future__ import annotations

from typing import Protocol

from nodeset.frame import Readings


class Source(Protocol):
    """A supplier of measured tags."""

    async def connect(self) -> None:
        """Get ready; a device that does not answer yet is no error."""

    async def read(self, time: int) -> Readings:
        """Readings for the scan at `time` [µs since 1970]; rows that did not answer are left out."""

    async def write(self, row: int, value: float) -> int:
        """Write the set-point in `row` and read it back; the StatusCode of the outcome.

        `value` is in the tag's unit and within its EURange. A `read` meanwhile is not held up.
        """

    async def close(self) -> None:
        """Let go of everything; `read` is not called again."""
