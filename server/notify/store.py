"""The outbox as the event loop uses it: one call at a time, in a thread; where the disk fails, in memory."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import structlog

from server.notify.outbox import Outbox

_log = structlog.get_logger("notify")

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """Calls the outbox; what it keeps after a failure of the disk does not outlive the process."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.kept = True  # whether it outlives the process
        self._lock = asyncio.Lock()

    async def call(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What a method of the outbox gives."""
        async with self._lock:
            try:
                return await _to_its_end(asyncio.to_thread(method, *args, **kwargs))
            except (sqlite3.Error, OSError) as error:
                if not self.kept:
                    raise
                _log.error("messages cannot be kept on disk: they wait in memory", reason=str(error))
                self.kept = False
                await asyncio.to_thread(self.outbox.go_on_in_memory)
                return await asyncio.to_thread(method, *args, **kwargs)


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Who is cancelled waits all the same: a thread cannot be stopped, and the next must not meet it."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
