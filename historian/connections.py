"""The few database connections that reading shares, and how a connection is opened."""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import psycopg

from historian.errors import HistorianError

READERS: Final = 4
TIMEOUT: Final = 30.0  # s for one use

Connect = Callable[[], Awaitable[psycopg.AsyncConnection]]


async def connect(conninfo: str) -> psycopg.AsyncConnection:
    """A connection whose statements commit by themselves, outside of `transaction()`."""
    return await psycopg.AsyncConnection.connect(conninfo, autocommit=True)


class Connections:
    """Up to `READERS` connections, opened when needed; one that failed is not used again."""

    def __init__(self, open_one: Connect) -> None:
        self._open_one = open_one
        self._free = asyncio.Semaphore(READERS)
        self._idle: list[psycopg.AsyncConnection] = []

    @asynccontextmanager
    async def use(self) -> AsyncIterator[psycopg.AsyncConnection]:
        """A connection for as long as the block lasts; `HistorianError` when the database is away."""
        async with self._free:
            connection: psycopg.AsyncConnection | None = None
            try:
                async with asyncio.timeout(TIMEOUT):
                    connection = await self._idle_one() or await self._open_one()
                    yield connection
                self._idle.append(connection)
            except (psycopg.OperationalError, TimeoutError, OSError) as error:
                await self.close()  # the others will hardly be better
                raise HistorianError(f"The historian's database is away: {error}") from error
            finally:
                if connection is not None and connection not in self._idle:
                    await connection.close()

    async def _idle_one(self) -> psycopg.AsyncConnection | None:
        """An open connection that nobody uses; those that a restarted database has left are let go."""
        while self._idle:
            connection = self._idle.pop()
            poll = select.poll()
            poll.register(connection.fileno(), select.POLLIN)
            if not poll.poll(0):  # nobody asked for anything: what there is to read is the server's farewell
                return connection
            await connection.close()
        return None

    async def close(self) -> None:
        """Close all."""
        while self._idle:
            await self._idle.pop().close()
