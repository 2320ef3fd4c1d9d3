"""Gateways for tests: free ports, a fleet of two sites, and gateways that misbehave."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress

from smallfleets import index_of

from config.settings import LOOPBACK, Link, Modbus
from nodeset.index import TagIndex

Answer = Callable[[bytes], bytes | None]


def free_ports(count: int) -> int:
    """The first of `count` consecutive ports that nothing listens on."""
    for _ in range(200):
        with closing(socket.socket()) as first:
            first.bind((LOOPBACK, 0))
            port = int(first.getsockname()[1])
        if port + count < 65_536 and all(_is_free(port + i) for i in range(count)):
            return port
    raise RuntimeError("no run of free ports")


def two_sites() -> TagIndex:
    """Bangrak with two systems, Phuket with one; strings of four jars."""
    bangrak = {"UPS-1": (5, {"SA": 4, "SB": 4}), "UPS-2": (5, {"SC": 4})}
    return index_of({"Bangrak": bangrak, "Phuket": {"UPS-1": (5, {"SD": 4})}})


def links_of(index: TagIndex, port: int, **all_of_them: str) -> tuple[Link, ...]:
    """Gateways of all sites on this machine, on `port` and up."""
    settings = Modbus.model_validate({"port": port, **all_of_them})
    return settings.links([site.name for site in index.fleet.sites])


@asynccontextmanager
async def strange_gateway(port: int, answer: Answer) -> AsyncIterator[None]:
    """Listens on `port` and answers each request with what `answer` makes of it; None is silence."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            while request := await reader.read(260):
                reply = answer(request)
                if reply is not None:
                    writer.write(reply)
                    await writer.drain()

    server = await asyncio.start_server(_quietly(talk), LOOPBACK, port)
    try:
        yield
    finally:
        server.close()


def _quietly(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def wrapped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await talk(reader, writer)

    return wrapped


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
