"""Argon2 outside the event loop, with a short queue that serves addresses in turn.

A hash takes 64 MiB and some 50 ms of a core. Only few run at once; whoever guesses from one address
delays others by one hash each, not by all of his, and what is too much is `Busy`.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.security.errors import Busy
from server.security.passwords import normal

AT_ONCE: Final = 2
MAX_WAITING: Final = 256
MAX_WAITING_OF_ONE: Final = 32
MOST_LOOKED_AT: Final = 1024  # characters; nobody has a password that long


class Turns:
    """A few at once; who waits is served by turns of where they come from."""

    def __init__(
        self, at_once: int = AT_ONCE, most: int = MAX_WAITING, most_of_one: int = MAX_WAITING_OF_ONE
    ) -> None:
        self._free = at_once
        self._most = most
        self._most_of_one = most_of_one
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @asynccontextmanager
    async def turn(self, source: str) -> AsyncIterator[None]:
        """Wait for a turn and have it; `Busy` when too many wait, here or from there."""
        if self._free:
            self._free -= 1
        else:
            await self._wait(source)
        try:
            yield
        finally:
            self._next()

    async def _wait(self, source: str) -> None:
        queue = self._waiting.get(source, ())
        if len(queue) >= self._most_of_one or sum(map(len, self._waiting.values())) >= self._most:
            raise Busy("Too many passwords are being looked at.")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(source, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()
            raise

    def _next(self) -> None:
        while self._waiting:
            source, queue = self._waiting.popitem(last=False)
            turn = queue.popleft()
            if queue:
                self._waiting[source] = queue
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Hashing:
    """Hashes and verifies passwords."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = Turns()
        self._nobody: Future[str] = Future()
        # A hash takes long, and a start does not wait for this one.
        threading.Thread(target=self._make_nobody, name="nobody", daemon=True).start()

    def _make_nobody(self) -> None:
        """The hash that an unknown user's password is compared with: nobody knows what it is of."""
        self._nobody.set_result(self._hasher.hash(secrets.token_urlsafe()))

    async def hash(self, password: str, source: str = "") -> str:
        """The hash of a new password."""
        async with self._turns.turn(source):
            return await asyncio.to_thread(self._hasher.hash, normal(password))

    async def verify(self, hashed: str | None, password: str, source: str = "") -> bool:
        """Whether a password is right; without a hash it is wrong, and takes as long to find out."""
        async with self._turns.turn(source):
            right = await asyncio.to_thread(self._verify, hashed, password)
        return right and bool(hashed)

    def _verify(self, hashed: str | None, password: str) -> bool:
        if not hashed or len(password) > MOST_LOOKED_AT:
            hashed = self._nobody.result()
        if len(password) > MOST_LOOKED_AT:
            password = ""
        try:
            return self._hasher.verify(hashed, normal(password))
        except (VerificationError, InvalidHashError):
            return False
