"""The database behind the historian: the embedded server, or the user's own at a URL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psycopg

from historian.connections import connect
from historian.embedded import Embedded


class Database:
    """Knows how to reach the database; keeps the embedded server alive when it is that one."""

    def __init__(self, url: str | None, home: Path, say: Callable[[str], None]) -> None:
        self._url = url
        self._server = Embedded(home, say) if url is None else None
        self._reviving = asyncio.Lock()

    @property
    def embedded(self) -> bool:
        """Whether the server is ours."""
        return self._server is not None

    @property
    def conninfo(self) -> str:
        """How libpq reaches the database."""
        if self._server is not None:
            return self._server.conninfo
        return psycopg.conninfo.make_conninfo(self._url or "", connect_timeout=5)

    @property
    def name(self) -> str:
        """For messages; without the password that a URL can hold."""
        if self._server is not None:
            return "The embedded database"
        try:
            parts = psycopg.conninfo.conninfo_to_dict(self._url or "")
        except psycopg.ProgrammingError:
            return "The setting historian.url"
        return f"The database {parts.get('dbname', '')} at {parts.get('host', 'localhost')} (historian.url)"

    async def start(self) -> None:
        """Start the server if it is ours."""
        if self._server is not None:
            await self._server.start()

    async def stop(self) -> None:
        """Stop the server if it is ours."""
        if self._server is not None:
            await self._server.stop()

    async def connect(self) -> psycopg.AsyncConnection:
        """A new connection; an embedded server that has ended is started again first."""
        async with self._reviving:
            if self._server is not None and not self._server.running:
                await self._server.start()
        return await connect(self.conninfo)
