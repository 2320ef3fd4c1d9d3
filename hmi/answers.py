"""Answers that many browsers ask for alike: worked out once, and kept for a moment."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

MOST: Final = 200


class Answers:
    """Answers by what was asked; who asks while one is being worked out gets the same."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, asyncio.Future[bytes]]] = OrderedDict()

    async def get(self, key: Hashable, seconds: float, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The answer, at most so many `seconds` old; a failure is not kept."""
        now = time.monotonic()
        known = self._kept.get(key)
        if known is None or now - known[0] > seconds:
            known = self._kept[key] = now, asyncio.ensure_future(make())
            self._kept.move_to_end(key)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        try:
            return await asyncio.shield(known[1])
        except Exception:
            if self._kept.get(key) is known:
                del self._kept[key]
            raise
