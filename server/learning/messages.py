"""Requests to a process of our own and its answers: pickles with their length before them, over a socket that
only the two have.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from dataclasses import dataclass
from typing import Any, Final

_LENGTH: Final = struct.Struct("<I")


@dataclass(frozen=True)
class Request:
    """To call something by its name; `number` tells the answer from others."""

    number: int
    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of a request: a result, or why there is none."""

    number: int
    result: Any = None
    error: str = ""


async def send(writer: asyncio.StreamWriter, message: Request | Answer) -> None:
    """Send a message; `OSError` where nobody listens any more."""
    content = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    writer.write(_LENGTH.pack(len(content)) + content)
    await writer.drain()


async def receive(reader: asyncio.StreamReader) -> Request | Answer | None:
    """The next message; None when the other side has gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        content = await reader.readexactly(length)
    except (asyncio.IncompleteReadError, OSError):
        return None
    message: Request | Answer = pickle.loads(content)
    return message
