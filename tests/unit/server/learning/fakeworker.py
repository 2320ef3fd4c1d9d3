"""A process that answers as the one that predicts does, but knows next to nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from server.learning.worker import serve, settle

BEGUN: list[Any] = []


async def begin(*arguments: Any) -> None:
    BEGUN.extend(arguments)
    if arguments == ("ill",):
        raise ValueError("nothing to begin with")


async def echo(*arguments: Any) -> tuple[Any, ...]:
    return (*BEGUN, *arguments)


async def niceness() -> int:
    return os.nice(0)


async def fail() -> None:
    raise ValueError("no such jar")


async def wait(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def die() -> None:
    os._exit(3)


if __name__ == "__main__":
    settle(int(sys.argv[2]))
    handlers = {each.__name__: each for each in (begin, echo, niceness, fail, wait, die)}
    asyncio.run(serve(int(sys.argv[1]), handlers))
