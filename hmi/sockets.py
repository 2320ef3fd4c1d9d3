"""Open websockets: so many at once and no more, and none outlives the session in whose name it was opened."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

LOG_IN_AGAIN: Final = 4401  # close codes
TOO_MANY: Final = 4429
MAX_OF_USER: Final = 400
MAX_SOCKETS: Final = 1000
FAREWELL: Final = 2.0  # s for a browser to take the word that it is over


class Sockets:
    """All websockets; the session of one is in its scope."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    async def serve(
        self, app: Callable[..., Awaitable[None]], scope: MutableMapping[str, Any], receive: Any, send: Send
    ) -> None:
        """Serve one until it is closed, at the latest when its session ends."""
        session = scope["state"]["session"]
        if session is None or self._is_full(session.user):
            code = LOG_IN_AGAIN if session is None else TOO_MANY
            await send({"type": "websocket.close", "code": code, "reason": "too many"})
            return
        socket = _Socket(send)
        self._open[session.user] += 1
        session.endings.add(socket.end)
        try:
            await app(scope, receive, socket.send)
        finally:
            session.endings.discard(socket.end)
            self._open[session.user] -= 1
            self._open += Counter()  # forgets users without any

    def _is_full(self, user: str) -> bool:
        return self._open[user] >= MAX_OF_USER or self._open.total() >= MAX_SOCKETS


class _Socket:
    """The way to one browser; closed once."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._ended = False

    async def send(self, message: Message) -> None:
        """Pass a message on, unless it is over."""
        if not self._ended:
            await self._send(message)

    async def end(self) -> None:
        """Say that the session has ended; whoever does not listen is cut off by the next ping."""
        self._ended = True
        with contextlib.suppress(TimeoutError, RuntimeError, OSError):
            async with asyncio.timeout(FAREWELL):
                await self._send({"type": "websocket.close", "code": LOG_IN_AGAIN, "reason": "log in again"})
