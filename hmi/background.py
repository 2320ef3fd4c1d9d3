"""What runs beside the pages for as long as they are served, and without any of which they would be wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from nicegui import app

Work = Callable[[], Coroutine[Any, Any, None]]

log: Final = logging.getLogger(__name__)


class Background:
    """Works that end only with the HMI; where one ends by itself, the HMI does, to be started again."""

    def __init__(self, *works: Work, end: Callable[[], None] = app.shutdown) -> None:
        self.failed = False
        self._works = works
        self._end = end
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin all of them."""
        for work in self._works:
            task = asyncio.create_task(work())
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def stop(self) -> None:
        """End all of them."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task not in self._tasks:
            return
        fault = None if task.cancelled() else task.exception()
        log.critical("the HMI ends, as a part of it has ended", exc_info=fault)
        self.failed = True
        self._end()
