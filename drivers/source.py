"""What every source of readings can do; the simulator and each field protocol implement it.

A device that fails is bad quality or silence in `read`'s result, never an exception.
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

    async def close(self) -> None:
        """Let go of everything; `read` is not called again."""
