"""Limits in time and number on connections that flood, stall or do not read; time is told, not waited for."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Callable, Iterator

import pytest
from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from opcuaserver import OpcUaTestServer, RawConnection, raw, read_time

from server.protocol.connections import Bounds
from server.protocol.transport import Connection

S = ua.StatusCodes


def _inside(server: OpcUaTestServer, connection: RawConnection) -> Connection:
    """The server's end of a connection."""
    port = connection.writer.get_extra_info("sockname")[1]
    ends = server.inside(lambda: list(server.app._opcua.dispatcher.connections))
    return next(c for c in ends if c.peer.endswith(f":{port}"))


def _after(server: OpcUaTestServer, inside: Connection, seconds: float) -> None:
    """Check a connection as if so much time had passed."""
    server.inside(lambda: inside.check(time.monotonic() + seconds))


@pytest.fixture
def bounds(server: OpcUaTestServer) -> Iterator[None]:
    """The server's bounds on connections, put back afterwards."""
    connections = server.app._opcua.dispatcher.connections
    before = connections.bounds
    yield
    connections.bounds = before


# -- before a channel is open


async def test_a_hello_must_come_soon(server: OpcUaTestServer) -> None:
    async with raw(server, opened=False) as connection:
        await asyncio.sleep(0)
        inside = await _arrived(server, connection)
        _after(server, inside, 4.0)
        assert not inside.closed
        _after(server, inside, 6.0)
        assert await connection.error() == S.BadTimeout


async def _until(server: OpcUaTestServer, true: Callable[[], bool]) -> None:
    """Wait for something to be so inside the server."""
    for _ in range(500):
        if server.inside(true):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("never came to be")


async def _arrived(server: OpcUaTestServer, connection: RawConnection) -> Connection:
    for _ in range(200):
        try:
            return _inside(server, connection)
        except StopIteration:
            await asyncio.sleep(0.01)
    raise AssertionError("never arrived")


async def test_a_channel_must_be_opened_soon(server: OpcUaTestServer) -> None:
    async with raw(server, opened=False) as connection:
        await connection.hello()
        inside = _inside(server, connection)
        _after(server, inside, 6.0)
        assert not inside.closed
        _after(server, inside, 11.0)
        assert await connection.error() == S.BadTimeout


async def test_an_endpoint_url_is_bounded(server: OpcUaTestServer) -> None:
    async with raw(server, opened=False) as connection:
        url = b"opc.tcp://" + b"a" * 4090
        body = struct.pack("<IIIIIi", 0, 65_535, 65_535, 0, 0, len(url)) + url
        connection.write(b"HELF" + struct.pack("<I", len(body) + 8) + body)
        assert await connection.error() == S.BadTcpEndpointUrlInvalid


@pytest.mark.parametrize("size", [8193, 65_535, 1 << 31])
async def test_a_large_frame_before_the_hello_is_refused_at_its_header(
    server: OpcUaTestServer, size: int
) -> None:
    async with raw(server, opened=False) as connection:
        connection.write(b"HELF" + struct.pack("<I", size))
        assert await connection.error() == S.BadTcpMessageTooLarge


async def test_a_large_opening_is_refused_at_its_header(server: OpcUaTestServer) -> None:
    async with raw(server, opened=False) as connection:
        await connection.hello()
        connection.write(b"OPNF" + struct.pack("<I", 32_769))
        assert await connection.error() == S.BadTcpMessageTooLarge


async def test_a_message_before_log_in_is_small(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        connection.write(connection.chunk(bytes(60_000), b"C") + connection.chunk(bytes(6_000), b"C"))
        assert await connection.error() == S.BadTcpMessageTooLarge


# -- opening and renewing


def _opening(connection: RawConnection, channel: int, kind: int, mode: int = 1) -> bytes:
    uri = b"http://opcfoundation.org/UA/SecurityPolicy#None"
    opening = ua.OpenSecureChannelRequest()
    opening.Parameters.RequestType = ua.SecurityTokenRequestType(kind)
    opening.Parameters.SecurityMode = ua.MessageSecurityMode(mode)
    opening.Parameters.RequestedLifetime = 600_000
    connection.sequence += 1
    body = struct.pack("<Ii", channel, len(uri)) + uri + struct.pack("<iiII", -1, -1, connection.sequence, 1)
    body += struct_to_binary(opening)
    return b"OPNF" + struct.pack("<I", len(body) + 8) + body


@pytest.mark.parametrize(
    ("channel", "kind", "mode", "code"),
    [
        (0, 0, 1, S.BadTcpSecureChannelUnknown),
        (None, 0, 1, S.BadRequestTypeInvalid),
        (0xDEAD_BEEF, 1, 1, S.BadTcpSecureChannelUnknown),
        (None, 1, 0, S.BadSecurityModeRejected),
        (None, 1, 3, S.BadSecurityModeRejected),
    ],
)
async def test_a_renewal_keeps_what_the_channel_is(
    server: OpcUaTestServer, channel: int | None, kind: int, mode: int, code: int
) -> None:
    async with raw(server) as connection:
        number = connection.channel if channel is None else channel
        connection.write(_opening(connection, number, kind, mode))
        assert await connection.error() == code


async def test_the_first_opening_is_no_renewal(server: OpcUaTestServer) -> None:
    async with raw(server, opened=False) as connection:
        await connection.hello()
        connection.write(_opening(connection, 0, 1))
        assert await connection.error() == S.BadTcpSecureChannelUnknown


async def test_a_new_token_takes_over_at_its_first_use(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        old = connection.token
        connection.write(_opening(connection, connection.channel, 1))
        assert (await connection.frame())[:4] == b"OPNF"
        assert len(await connection.ask(read_time())) > 24  # with the old one
        connection.token = old + 1
        assert len(await connection.ask(read_time())) > 24
        connection.token = old
        connection.write(connection.chunk(connection.body(read_time())))
        assert await connection.error() == S.BadTcpSecureChannelUnknown


async def test_a_stale_token_is_refused_on_a_plain_channel(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        inside = _inside(server, connection)
        inside.channel._clock = lambda: time.monotonic() + 749.0
        assert len(await connection.ask(read_time())) > 24
        inside.channel._clock = lambda: time.monotonic() + 751.0
        connection.write(connection.chunk(connection.body(read_time())))
        code = await connection.error()
        assert code in (S.BadTcpSecureChannelUnknown, S.BadSecureChannelTokenUnknown)


# -- half messages, and answers that nobody reads


async def test_half_a_frame_is_not_waited_for_for_ever(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        inside = _inside(server, connection)
        _after(server, inside, 100.0)
        assert not inside.closed  # nothing is missing
        whole = connection.chunk(connection.body(read_time()))
        connection.write(whole[:30])
        await _until(server, lambda: bool(inside._buffer))
        _after(server, inside, 29.0)
        assert not inside.closed
        _after(server, inside, 31.0)
        assert await connection.error() == S.BadTimeout


async def test_half_a_message_is_not_waited_for_and_gives_its_room_back(server: OpcUaTestServer) -> None:
    store = server.app._opcua.dispatcher.connections.store
    async with raw(server) as connection:
        await connection.log_in()
        inside = _inside(server, connection)
        connection.write(connection.chunk(bytes(50_000), b"C"))
        await _until(server, lambda: bool(inside._assembly))
        assert store.held >= 50_000
        _after(server, inside, 31.0)
        assert await connection.error() == S.BadTimeout
    assert server.inside(lambda: store.held) == 0


async def test_a_client_that_reads_nothing_is_cut_off(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        inside = _inside(server, connection)
        server.inside(inside.pause_writing)
        assert server.inside(lambda: inside.congested)
        _after(server, inside, 29.0)
        assert not inside.closed
        _after(server, inside, 31.0)
        assert await connection.frame() == b""


# -- floods


async def test_the_oldest_connection_without_a_session_makes_room(
    server: OpcUaTestServer, bounds: None
) -> None:
    connections = server.app._opcua.dispatcher.connections
    async with raw(server) as used, raw(server) as oldest:
        await used.log_in()
        waiting = server.inside(lambda: sum(not (c.activated or c.closed) for c in connections))
        connections.bounds = Bounds(unbound=waiting)
        async with raw(server):
            assert await oldest.error() == S.BadSecureChannelClosed
        assert len(await used.ask(read_time())) > 24


async def test_connections_are_refused_when_all_are_used(server: OpcUaTestServer, bounds: None) -> None:
    connections = server.app._opcua.dispatcher.connections
    async with raw(server) as used:
        await used.log_in()
        connections.bounds = Bounds(all=1, unbound=0)
        server.inside(lambda: [c.close() for c in connections if not c.activated])
        async with raw(server, opened=False) as late:
            assert await late.error() == S.BadTcpServerTooBusy
        assert len(await used.ask(read_time())) > 24


async def test_one_address_has_so_many_connections(
    server: OpcUaTestServer, bounds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = server.app._opcua.dispatcher.connections
    monkeypatch.setattr("server.protocol.connections.is_here", lambda _address: False)
    async with raw(server) as used:
        await used.log_in()
        connections.bounds = Bounds(of_address=server.inside(lambda: len(connections)))
        async with raw(server, opened=False) as late:
            assert await late.error() == S.BadTcpServerTooBusy
        assert len(await used.ask(read_time())) > 24


async def test_text_that_is_no_utf_8_costs_its_request_only(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        request = ua.BrowseRequest()
        request.Parameters.NodesToBrowse = [ua.BrowseDescription(ua.NodeId("QQQQ", 3))]
        body = connection.body(request).replace(b"QQQQ", b"\xff\xfe\xc3\x28")
        assert await connection.fault(body) == S.BadDecodingError
        assert len(await connection.ask(read_time())) > 24
