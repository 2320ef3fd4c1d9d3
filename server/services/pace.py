"""Long requests in short turns: whoever else waits is served in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final

TURN: Final = 0.005  # s
_SHORT: Final = 64  # operations that fit into a turn


def paced(
    results: Iterator[bytes], count: int, finish: Callable[[list[bytes]], bytes]
) -> bytes | Coroutine[Any, Any, bytes]:
    """`finish` of all results: at once where they are few, or later, with the loop given back every turn."""
    if count <= _SHORT:
        return finish(list(results))
    return _in_turns(results, finish)


async def _in_turns(results: Iterator[bytes], finish: Callable[[list[bytes]], bytes]) -> bytes:
    done = []
    end = time.monotonic() + TURN
    for result in results:
        done.append(result)
        if time.monotonic() > end:
            await asyncio.sleep(0)
            end = time.monotonic() + TURN
    return finish(done)
