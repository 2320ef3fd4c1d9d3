"""A real server under spoilt frames: it answers or hangs up, and nobody else notices.

`VOLTKEEP_FUZZ_SECONDS` makes it longer, `VOLTKEEP_FUZZ_SEED` repeats a run; the seed is in the output of a
test that fails.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
import time
from pathlib import Path

import pytest
from asyncua import ua
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from opcuaattack import others_served
from opcuacorpus import requests, spoilt
from opcuaserver import OpcUaTestServer, RawConnection, raw, read_time

SECONDS = float(os.environ.get("VOLTKEEP_FUZZ_SECONDS", "24"))
SEED = int(os.environ.get("VOLTKEEP_FUZZ_SEED", "4840"))
FAULT = int(ua.ObjectIds.ServiceFault_Encoding_DefaultBinary)
HANG = 10.0  # s
INTERNAL = int(ua.StatusCodes.BadInternalError)
KINDS = sorted(
    int(getattr(ua.ObjectIds, name))
    for name in dir(ua.ObjectIds)
    if name.endswith("Request_Encoding_DefaultBinary")
)


async def answered(connection: RawConnection, body: bytes) -> bool:
    """Send a request and one that is right; whether the connection is still there afterwards.

    All answers that come before that to the right one are looked at.
    """
    for sent in (body, connection.body(read_time())):
        connection.request += 1
        connection.write(connection.chunk(sent))
    async with asyncio.timeout(HANG):
        while True:
            frame = await connection.frame()
            if frame[:3] != b"MSG":
                return False
            (number,) = struct.unpack_from("<I", frame, 20)
            check(frame[24:], body)
            if number == connection.request:
                return True


def check(answer: bytes, body: bytes) -> None:
    """An answer, whatever it says, never says that the server failed."""
    (result,) = struct.unpack_from("<I", answer, 16)
    kind = struct.unpack_from("<H", answer, 2)[0]
    assert not (kind == FAULT and result == INTERNAL), body.hex()


class Fuzzer:
    """A client that sends spoilt requests, and connects again when it is thrown out."""

    def __init__(self, server: OpcUaTestServer, chance: random.Random, log_in: bool) -> None:
        self._server = server
        self._chance = chance
        self._log_in = log_in
        self.sent = self.connections = 0

    async def run(self, seconds: float) -> None:
        """Until the time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.connections += 1
            async with raw(self._server) as connection:
                if self._log_in:
                    await connection.log_in()
                bodies = requests(self._server, connection)
                while time.monotonic() < until:
                    body = spoilt(self._chance.choice(bodies), self._chance, bodies)
                    self.sent += 1
                    if not await answered(connection, body):
                        break


@pytest.mark.parametrize("log_in", [False, True], ids=["before log-in", "after log-in"])
async def test_spoilt_requests(server: OpcUaTestServer, log_in: bool) -> None:
    print(f"VOLTKEEP_FUZZ_SEED={SEED}")
    fuzzer = Fuzzer(server, random.Random(SEED + log_in), log_in)
    async with others_served(server):
        await fuzzer.run(SECONDS / 3)
    print(f"{fuzzer.sent} requests on {fuzzer.connections} connections")
    assert fuzzer.sent > 50


async def test_spoilt_frames(server: OpcUaTestServer, client_home: Path) -> None:
    """Whole frames with their headers, of a plain and of a secured client, in any order."""
    print(f"VOLTKEEP_FUZZ_SEED={SEED}")
    chance = random.Random(SEED)
    frames = await recorded(server, client_home)
    until = time.monotonic() + SECONDS / 4
    rounds = 0
    async with others_served(server):
        while time.monotonic() < until:
            rounds += 1
            await one_round(server, chance, frames)
    print(f"{rounds} connections")
    assert rounds > 10


async def one_round(server: OpcUaTestServer, chance: random.Random, frames: list[bytes]) -> None:
    """Send some frames, of which at least one is spoilt, and hang up."""
    begin = chance.choice((frames[:1], frames[:2], []))
    sent = [*begin, *(chance.choice(frames) for _ in range(chance.randint(1, 5)))]
    at = chance.randrange(len(sent))
    sent[at] = spoilt(sent[at], chance, frames)
    async with raw(server, opened=False) as connection:
        connection.write(b"".join(sent))
        if chance.random() < 0.5:
            try:
                async with asyncio.timeout(0.05):
                    while frame := await connection.frame():
                        if frame[:3] == b"MSG":
                            check(frame[24:], b"".join(sent))
            except TimeoutError:
                pass


async def recorded(server: OpcUaTestServer, home: Path) -> list[bytes]:
    """Frames as clients sent them: Hello, OpenSecureChannel, requests; plain, then secured."""
    written: list[bytes] = []
    async with raw(server) as connection:
        write = connection.writer.write
        connection.writer.write = lambda data: (written.append(bytes(data)), write(data))[1]  # type: ignore[method-assign]
        await connection.log_in()
        for body in requests(server, connection):
            connection.request += 1
            written.append(connection.chunk(body))
    async with raw(server, opened=False) as connection:
        write = connection.writer.write
        first: list[bytes] = []
        connection.writer.write = lambda data: (first.append(bytes(data)), write(data))[1]  # type: ignore[method-assign]
        await connection.hello()
        await connection.open()
    client = await server.secured(home)
    await client.connect_socket()
    transport = client.uaclient.protocol.transport
    secured: list[bytes] = []
    send = transport.write
    transport.write = lambda data: (secured.append(bytes(data)), send(data))[1]
    try:
        await client.send_hello()
        await client.open_secure_channel()
        await client.create_session()
    finally:
        client.disconnect_socket()
    return [*first, *written, *secured]


@settings(
    max_examples=max(40, int(SECONDS * 8)),
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(kind=st.sampled_from(KINDS), rest=st.binary(max_size=200), log_in=st.booleans())
def test_any_bytes_as_any_request(server: OpcUaTestServer, kind: int, rest: bytes, log_in: bool) -> None:
    """A request's type and header, and then anything."""

    async def send() -> None:
        async with raw(server) as connection:
            if log_in:
                await connection.log_in()
            body = connection.body(read_time())
            head = body[: body.index(b"\xff\xff\xff\xff") + 11]
            await answered(connection, b"\x01\x00" + struct.pack("<H", kind) + head[4:] + rest)

    asyncio.run(send())
