"""What arrives on the socket before anybody has logged in: refused cheaply, and nobody else notices."""

from __future__ import annotations

import asyncio
import resource
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary
from opcuaserver import OpcUaTestServer, RawConnection, raw, read_time

S = ua.StatusCodes
MEGABYTE = 1024  # in the unit of ru_maxrss, KiB


@pytest.fixture(autouse=True)
async def others_are_served(server: OpcUaTestServer) -> AsyncIterator[None]:
    """Whatever a test does, a client that was there before and one that comes after are answered."""
    async with server.client() as before:
        state = before.get_node(ua.ObjectIds.Server_ServerStatus_State)
        await state.read_value()
        yield
        assert await state.read_value() == 0
        async with server.client() as after:
            assert await after.get_node(ua.ObjectIds.Server_ServerStatus_State).read_value() == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"HELF\xff\xff\xff\xff",
        b"HELF\x07\0\0\0",
        b"HELF\x08\0\0\0",
        b"HELF\x20\0\0\0" + bytes(24),
        b"HELF\x20\0\0\0" + b"\xff" * 23 + b"\x7f",
        b"MSGF\x20\0\0\0" + bytes(24),
        b"OPNF\x20\0\0\0" + bytes(24),
        b"ERRF\x10\0\0\0" + bytes(8),
        b"ACKF\x1c\0\0\0" + bytes(20),
        bytes(64),
    ],
    ids=lambda data: data[:12].hex(),
)
async def test_garbage_before_hello_ends_the_connection(server: OpcUaTestServer, garbage: bytes) -> None:
    async with raw(server, opened=False) as connection:
        connection.write(garbage)
        assert await connection.error() >= 0x8000_0000


async def test_a_chunk_that_is_too_large_ends_the_connection_at_its_header(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        connection.write(struct.pack("<3scI", b"MSG", b"F", 65_536))
        assert await connection.error() == S.BadTcpMessageTooLarge


async def test_a_message_that_is_too_large_ends_the_connection(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        part = bytes(65_000)
        for _ in range(16 * 1024 * 1024 // len(part) + 1):
            connection.write(connection.chunk(part, b"C"))
        assert await connection.error() == S.BadTcpMessageTooLarge


async def test_a_second_hello_ends_the_connection(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        connection.write(b"HELF\x20\0\0\0" + bytes(20) + b"\xff" * 4)
        assert await connection.error() == S.BadTcpMessageTypeInvalid


@pytest.mark.parametrize("size", [0, 24, 25, 8191])
async def test_a_client_that_takes_tiny_chunks_only_is_refused(server: OpcUaTestServer, size: int) -> None:
    """Part 6, 7.1.2.3: at least 8,192 bytes; fewer multiply what an answer costs."""
    async with raw(server, opened=False) as connection:
        url = struct.pack("<IIIIIi", 0, size, 65_535, 0, 0, -1)
        connection.write(b"HELF" + struct.pack("<I", len(url) + 8) + url)
        assert await connection.error() == S.BadConnectionRejected


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"channel": 0xDEAD_BEEF}, S.BadTcpSecureChannelUnknown),
        ({"token": 0xDEAD_BEEF}, S.BadTcpSecureChannelUnknown),
        ({"sequence": 77}, S.BadSequenceNumberInvalid),
        ({"sequence": 1}, S.BadSequenceNumberInvalid),
    ],
)
async def test_wrong_numbers_in_a_chunk_end_the_connection(
    server: OpcUaTestServer, wrong: dict[str, int], code: int
) -> None:
    async with raw(server) as connection:
        connection.write(connection.chunk(struct_to_binary(read_time()), **wrong))
        assert await connection.error() == code


async def test_chunks_of_two_messages_do_not_mix(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        connection.write(connection.chunk(b"12", b"C", request=1))
        connection.write(connection.chunk(b"34", b"F", request=2))
        assert await connection.error() >= 0x8000_0000


async def test_a_message_may_come_in_chunks_and_be_aborted(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        body = connection.body(read_time())
        connection.write(connection.chunk(body[:10], b"C", request=7))
        connection.write(connection.chunk(struct.pack("<Ii", 0x8000_0000, -1), b"A", request=7))
        for part, final in ((body[:9], b"C"), (body[9:20], b"C"), (body[20:], b"F")):
            connection.write(connection.chunk(part, final, request=8))
        answer = await connection.frame()
    assert struct.unpack_from("<I", answer, 20)[0] == 8
    assert struct.unpack_from("<H", answer, 26)[0] == ua.ObjectIds.ReadResponse_Encoding_DefaultBinary


async def test_the_sequence_number_may_start_again_near_its_end(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        inside = next(
            c for c in server.inside(lambda: list(_connections(server))) if c.activated and _is(c, connection)
        )
        connection.sequence = inside.channel.last_in = 0xFFFF_FFFF - 500
        await connection.ask(read_time())
        connection.sequence = 0
        assert len(await connection.ask(read_time())) > 24


def _connections(server: OpcUaTestServer) -> set:  # type: ignore[type-arg]
    return server.app._opcua.dispatcher.connections


def _is(inside, connection: RawConnection) -> bool:  # type: ignore[no-untyped-def]
    return bool(inside.transport.get_extra_info("peername") == connection.writer.get_extra_info("sockname"))


async def test_a_request_with_a_token_of_nobody_is_refused(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        for token in (ua.NodeId(), ua.NodeId(1000), ua.NodeId(bytes(32), 0, ua.NodeIdType.ByteString)):
            request = read_time()
            request.RequestHeader.AuthenticationToken = token
            assert await connection.fault(request) == S.BadSessionIdInvalid


async def test_a_request_that_is_cut_short_is_a_fault_and_no_more(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        body = connection.body(read_time())
        for end in range(len(body)):
            assert await connection.fault(body[:end]) in (
                S.BadDecodingError,
                S.BadSessionIdInvalid,
                S.BadServiceUnsupported,
            )
        assert len(await connection.ask(body)) > 24


def _nested(kind: str, depth: int) -> bytes:
    """A Variant that holds Variants, diagnostics or extension objects in each other."""
    if kind == "variant":
        return b"\x98\x01\0\0\0" * depth + b"\x01\x01"
    if kind == "diagnostics":
        return b"\x19" + b"\x40" * depth + b"\x00"
    body = b"\x01\x01"
    for _ in range(depth):
        # A LiteralOperand (597 in binary) holds a Variant, here again an extension object.
        body = b"\x16\x01\x00\x55\x02\x01" + struct.pack("<i", len(body)) + body
    return body


def _call(connection: RawConnection, variant: bytes) -> bytes:
    """A Call with one argument that is these bytes."""
    call = ua.CallRequest()
    call.Parameters.MethodsToCall = [ua.CallMethodRequest(InputArguments=[ua.Variant()])]
    body = connection.body(call)
    assert body[-1:] == b"\0"
    return body[:-1] + variant


@pytest.mark.parametrize("kind", ["variant", "diagnostics", "extension"])
async def test_deep_nesting_crashes_nothing(server: OpcUaTestServer, kind: str) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        answer = await connection.ask(_call(connection, _nested(kind, 4000)))
        assert len(answer) >= 24
        if kind != "diagnostics":  # of which the decoder takes the outermost only
            fault = struct_from_binary(ua.ServiceFault, Buffer(answer))
            assert fault.ResponseHeader.ServiceResult.value == S.BadEncodingLimitsExceeded
        assert len(await connection.ask(read_time())) > 24


@pytest.mark.parametrize("kind", range(26))
async def test_an_array_that_claims_to_be_huge_costs_nothing(server: OpcUaTestServer, kind: int) -> None:
    length = 20_000_000  # enough to be seen, and no more than this machine has
    async with raw(server) as connection:
        await connection.log_in()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.monotonic()
        code = await connection.fault(_call(connection, bytes([0x80 | kind]) + struct.pack("<i", length)))
        assert code == S.BadDecodingError
        assert time.monotonic() - began < 1
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * MEGABYTE


async def test_a_huge_array_before_log_in_costs_nothing(server: OpcUaTestServer) -> None:
    """In the identity token's place: an extension object whose body is a Variant."""
    async with raw(server) as connection:
        token = (await connection.create_session()).Parameters.AuthenticationToken
        request = connection.activation(token)
        body = connection.body(request)
        at = body.rindex(b"\x01\x00\x41\x01")  # AnonymousIdentityToken, 321
        literal = b"\x80" + struct.pack("<i", 20_000_000)
        evil = b"\x01\x00\x55\x02\x01" + struct.pack("<i", len(literal)) + literal
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        code = await connection.fault(body[:at] + evil + body[-8:])
        assert code == S.BadDecodingError
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * MEGABYTE


async def test_a_connection_without_a_session_is_closed(server: OpcUaTestServer) -> None:
    limits = server.app._opcua._limits
    quick = type(limits)(activation_s=0.3)
    server.app._opcua._limits = quick
    try:
        async with raw(server) as idle, raw(server) as active:
            await idle.create_session()
            await active.log_in()
            assert await idle.frame() == b""
            assert len(await active.ask(read_time())) > 24
            # A session that ends leaves its connection without one.
            await active.ask(_with(ua.CloseSessionRequest(), active.session))
            assert await active.frame() == b""
    finally:
        server.app._opcua._limits = limits


def _with(request, token):  # type: ignore[no-untyped-def]
    request.RequestHeader.AuthenticationToken = token
    return request


async def test_a_slow_reader_stops_being_listened_to(server: OpcUaTestServer) -> None:
    """Many cheap requests with long answers, none of which is read: they are not all answered."""
    async with raw(server) as connection:
        await connection.log_in()
        node_id = ua.NodeId(ua.ObjectIds.Server)
        browse = ua.BrowseRequest()
        desc = ua.BrowseDescription(node_id, ua.BrowseDirection.Both, ua.NodeId(), True, 0, 63)
        browse.Parameters.NodesToBrowse = [desc] * 100
        body = connection.body(browse)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for _ in range(100):
            connection.write(connection.chunk(body))
        await asyncio.sleep(0.5)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 * MEGABYTE
        for _ in range(100):
            answer = await connection.frame()
            while answer[3:4] == b"C":
                answer = await connection.frame()
            assert answer[:4] == b"MSGF"


async def test_the_client_of_a_closed_channel_is_gone(server: OpcUaTestServer, client_home: Path) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        close = struct_to_binary(ua.CloseSecureChannelRequest())
        connection.write(connection.chunk(close).replace(b"MSGF", b"CLOF", 1))
        connection.write(connection.chunk(connection.body(read_time())))
        assert await connection.frame() == b""
