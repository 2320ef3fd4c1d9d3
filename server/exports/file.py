"""A file that is made for one session, and what the methods of FileType do with it (Part 20, 4.2).

It can be read while it is made: `read` waits until there is something behind the position. Only at the end of
the whole file does it give nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Final

from historian.export.request import ExportError
from server.exports.making import Making
from server.protocol.sessions import Session

MAX_HANDLES: Final = 4
_LOOK: Final = 0.05  # s between looks at a file that grows


class UnknownHandle(Exception):
    """No handle of this file has that number."""


class NotYet(Exception):
    """What is asked for is still being made."""


class ExportFile:
    """One file with its handles: numbers with a position [bytes]."""

    def __init__(self, name: str, path: Path, media: str, session: Session, making: Making) -> None:
        self.name = name
        self.path = path
        self.media = media
        self.session = session
        self.user = session.user.name
        self.used = time.monotonic()
        self.failure: str | None = None
        self._made = asyncio.Event()
        self._making = making
        self._positions: dict[int, int] = {}
        self._last = 0

    @property
    def whole(self) -> bool:
        """Whether it is finished, well or not."""
        return self._made.is_set()

    @property
    def handles(self) -> int:
        """How many are open."""
        return len(self._positions)

    @property
    def size(self) -> int:
        """Bytes that there are by now."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    async def make(self) -> None:
        """Make it; a failure is kept, for whoever reads."""
        try:
            await self._making.run()
        except ExportError as error:
            self.failure = str(error)
        finally:
            self._made.set()

    async def made(self, wait: float) -> bool:
        """Wait so long [s] for its end; whether that has come."""
        try:
            async with asyncio.timeout(wait):
                await self._made.wait()
        except TimeoutError:
            return False
        return True

    def open(self) -> int:
        """A new handle at the beginning; `UnknownHandle` when there are enough."""
        if len(self._positions) >= MAX_HANDLES:
            raise UnknownHandle
        self._last += 1
        self._positions[self._last] = 0
        return self._last

    def close(self, handle: int) -> None:
        """Give a handle back."""
        if self._positions.pop(handle, None) is None:
            raise UnknownHandle

    def position(self, handle: int) -> int:
        """Where a handle stands."""
        try:
            return self._positions[handle]
        except KeyError:
            raise UnknownHandle from None

    def seek(self, handle: int, position: int) -> None:
        """Set a handle elsewhere, at the end where that is beyond it."""
        self.position(handle)
        self._positions[handle] = min(position, self.size)

    async def read(self, handle: int, length: int, wait: float) -> bytes:
        """Up to `length` bytes from the handle's position, which moves on; nothing at the end.

        `NotYet` when nothing came within `wait` [s]; `ExportError` when nothing will.
        """
        until = time.monotonic() + wait
        while True:
            self.used = time.monotonic()
            finished = self.whole  # before the look, lest its last bytes be missed
            if self.failure is not None:
                raise ExportError(self.failure)
            data = await asyncio.to_thread(self._data, self.position(handle), length)
            if data or finished:
                self._positions[handle] = self.position(handle) + len(data)
                return data
            if time.monotonic() >= until:
                raise NotYet
            await self.made(_LOOK)

    def _data(self, position: int, length: int) -> bytes:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return b""
        try:
            return os.pread(descriptor, length, position)
        finally:
            os.close(descriptor)
