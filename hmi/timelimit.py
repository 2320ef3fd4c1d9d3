"""How long an answer of the server is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def time_limit(seconds: float) -> AsyncIterator[None]:
    """`asyncio.timeout`, also where the answer comes in the very moment when the time is over.

    asyncua then raises a subclass of CancelledError (wait_for2), which `asyncio.timeout` does not take for
    its own: it would end the task instead of the waiting.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if limit.expired() and task is not None and not task.cancelling():
            raise TimeoutError from None
        raise
