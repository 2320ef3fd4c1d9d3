"""The process that predicts: it takes requests over the socket that it was given, until the server is gone.

`python -m server.learning.worker <file descriptor> <process id of the server>`. The library of the learnt
model is loaded here, and in commands, but never in the server.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from server.learning.messages import Answer, Request, receive, send

NICE: Final = 10
_PR_SET_PDEATHSIG: Final = 1

Handlers = Mapping[str, Callable[..., Awaitable[Any]]]


def settle(parent: int) -> None:
    """End with the parent, however it ends, and leave the processor to it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it has ended before it could be asked to take this process along
        os._exit(0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's business
    os.nice(NICE)


async def serve(descriptor: int, handlers: Handlers) -> None:
    """Answer requests, several at a time, until the other side is gone."""
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    turn = asyncio.Lock()  # one answer after the other on the wire
    async with asyncio.TaskGroup() as tasks:
        while isinstance(request := await receive(reader), Request):
            tasks.create_task(_answer(request, handlers, writer, turn))
        os._exit(0)  # whatever still computes: nobody waits for it


async def _answer(
    request: Request, handlers: Handlers, writer: asyncio.StreamWriter, turn: asyncio.Lock
) -> None:
    try:
        answer = Answer(request.number, await handlers[request.name](*request.arguments))
    except Exception as error:  # told to who asked; one that fails must not end the others
        answer = Answer(request.number, error=str(error).strip() or type(error).__name__)
    async with turn:
        await send(writer, answer)


def main() -> None:
    """The process."""
    descriptor, parent = map(int, sys.argv[1:3])
    settle(parent)
    from analytics.model import RulModel
    from server.learning.days import RecentDays
    from server.learning.serving import Serving

    asyncio.run(serve(descriptor, Serving(RecentDays().read, RulModel.from_bytes).handlers))


if __name__ == "__main__":
    main()
