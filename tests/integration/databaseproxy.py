"""The network between the historian and its database, in the hands of a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

WRITTEN = b"INSERT 0 1\0Z\0\0\0\5I"  # a scan's last statement, committed: the server is ready again


class DatabaseProxy:
    """Passes on what both sides say, unless it is told otherwise."""

    def __init__(self, conninfo: str) -> None:
        self._terms = conninfo_to_dict(conninfo)
        self._lines: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.delay = 0.0  # s before what the database says is passed on
        self.cut_after_commit = 0  # so many answers to a commit never arrive

    @property
    def conninfo(self) -> str:
        """How the historian reaches the database through here."""
        names = {name: self._terms[name] for name in ("user", "dbname")}
        return make_conninfo(
            host="127.0.0.1", port=self._port, sslmode="disable", gssencmode="disable", **names
        )

    async def open(self) -> None:
        """Let through."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Nobody gets through, and who was is cut off."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in self._lines:
            line.transport.abort()
        if self._talks:
            await asyncio.wait(self._talks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = f"{self._terms['host']}/.s.PGSQL.{self._terms['port']}"
        from_database, to_database = await asyncio.open_unix_connection(path)
        lines = {writer, to_database}
        self._lines |= lines
        talks = {
            asyncio.create_task(self._talk(reader, to_database, lines)),
            asyncio.create_task(self._answer(from_database, writer, lines)),
        }
        self._talks |= talks
        await asyncio.wait(talks)
        self._talks -= talks
        self._lines -= lines

    async def _talk(self, source: Any, sink: Any, lines: Any) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                sink.write(data)
                await sink.drain()
        for line in lines:
            line.transport.abort()

    async def _answer(self, source: Any, sink: Any, lines: Any) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.cut_after_commit and data.endswith(WRITTEN):
                    self.cut_after_commit -= 1
                    break
                sink.write(data)
                await sink.drain()
        for line in lines:
            line.transport.abort()


@asynccontextmanager
async def proxy_of(conninfo: str) -> AsyncIterator[DatabaseProxy]:
    """A proxy that lets through."""
    proxy = DatabaseProxy(conninfo)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.shut()
