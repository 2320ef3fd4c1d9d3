"""What an attack must not cost: another client, who is served all the while, and memory, which comes back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from opcuaserver import SCAN_PERIOD, OpcUaTestServer, RawConnection, raw, read_request

LONGEST = 25 * SCAN_PERIOD  # s that the other client may ever wait; attacker and server share a process here
SETTLED = 20.0  # s for what an attack left behind to be gone
MEGABYTE = 1 << 20
MEMORY = 64 * MEGABYTE


@dataclass(frozen=True)
class Level:
    """How much lives in a server."""

    connections: int
    sessions: int
    subscriptions: int

    @classmethod
    def of(cls, server: OpcUaTestServer) -> Level:
        """Now."""
        opcua = server.app._opcua
        return cls(
            len(opcua.dispatcher.connections), len(opcua.sessions.by_token), len(opcua.subscriptions.all)
        )

    def within(self, other: Level) -> bool:
        """Whether there is no more than there was."""
        return (
            self.connections <= other.connections
            and self.sessions <= other.sessions
            and self.subscriptions <= other.subscriptions
        )


def resident() -> int:
    """Memory in use by this process, which the server is part of [bytes]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@dataclass
class Witness:
    """The other client, which reads a live value again and again."""

    connection: RawConnection
    request: bytes
    answers: int = 0
    slowest: float = 0.0
    ended: bool = False

    async def run(self) -> None:
        """Read until it is to end; a cancellation could be lost in `wait_for`."""
        while not self.ended:
            await self.ask()
            await asyncio.sleep(0.01)

    async def ask(self) -> None:
        """One Read; its answer must be good."""
        began = time.monotonic()
        data = await self.connection.ask(self.request)
        self.slowest = max(self.slowest, time.monotonic() - began)
        response = struct_from_binary(ua.ReadResponse, Buffer(data))
        assert response.ResponseHeader.ServiceResult.is_good()
        assert len(response.Results) == 1
        self.answers += 1


@asynccontextmanager
async def others_served(server: OpcUaTestServer, longest: float = LONGEST) -> AsyncIterator[Witness]:
    """Attack inside: another client must be served, nothing may fail inside, and the level comes back."""
    before, memory = Level.of(server), resident()
    defects: list[str] = []
    async with raw(server) as connection:
        await connection.log_in()
        wanted = ua.ReadValueId(server.node_id("Bangrak/UPS-1/S01/J01.Voltage"), ua.AttributeIds.Value)
        witness = Witness(connection, connection.body(read_request([wanted])))
        reading = asyncio.create_task(witness.run())
        try:
            with _defects_of(server, defects.append):
                yield witness
                assert not reading.done(), reading.exception()
                before_last = witness.answers
                await asyncio.sleep(0.05)
                while witness.answers <= before_last + 1 and not reading.done():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        finally:
            witness.ended = True
            await asyncio.gather(reading, return_exceptions=True)
    assert witness.answers > 2
    assert witness.slowest < longest, f"another client waited {witness.slowest:.1f} s"
    assert not defects, "\n".join(defects)
    await settled(server, before, memory)


async def settled(server: OpcUaTestServer, before: Level, memory: int) -> None:
    """Wait until as much lives in the server as did before, in as much memory."""
    await _wait(lambda: Level.of(server).connections <= before.connections)
    server.inside(lambda: _outlast(server))
    await _wait(lambda: Level.of(server).within(before))
    now = Level.of(server)
    assert now.within(before), f"{now} after {before}"
    grown = resident() - memory
    assert grown < MEMORY, f"{grown / MEGABYTE:.0f} MB more than before"


async def _wait(condition: Callable[[], bool]) -> None:
    """Until it holds, or for as long as it may take to settle."""
    deadline = time.monotonic() + SETTLED
    while not condition() and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody announces it
        await asyncio.sleep(0.05)


def _outlast(server: OpcUaTestServer) -> None:
    """Let the time of sessions whose connection is lost be over."""
    sessions = server.app._opcua.sessions
    for session in sessions.by_token.values():
        if session.connection is None:
            session.last_contact = -1e9
    sessions.sweep()


class _defects_of:  # noqa: N801 - read as a statement
    """Hands on what a server reports as errors of its own, BadInternalError above all."""

    def __init__(self, server: OpcUaTestServer, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._server = server

    def __enter__(self) -> None:
        self._processors = structlog.get_config()["processors"]
        structlog.configure(processors=[self._spy, *self._processors])
        self._handler = self._server.inside(lambda: asyncio.get_running_loop().get_exception_handler())
        self._server.inside(lambda: asyncio.get_running_loop().set_exception_handler(self._unhandled))

    def __exit__(self, *_: object) -> None:
        structlog.configure(processors=self._processors)
        self._server.inside(lambda: asyncio.get_running_loop().set_exception_handler(self._handler))

    def _spy(
        self, _logger: object, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        if method in ("error", "exception", "critical"):
            self._tell(f"{event.get('event')}: {event.get('exc_info')!r}")
        return event

    def _unhandled(self, _loop: object, context: dict[str, object]) -> None:
        self._tell(f"unhandled: {context.get('message')}: {context.get('exception')!r}")
