"""Others are served beside the largest requests, floods and connections that end while work is done."""

from __future__ import annotations

import asyncio
import gc
import resource
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from opcuaserver import OpcUaTestServer, RawConnection, raw, read_request, read_time, request

from server.protocol.assembly import HELD
from server.protocol.transport import Connection
from server.security.permissions import Profile
from server.services import attribute, view
from server.services.method import Invocation, MethodService, Outputs
from server.subscriptions.limits import MAX_ITEMS_PER_CALL

S = ua.StatusCodes
A = ua.AttributeIds
Ids = ua.ObjectIds
JAR = "Bangrak/UPS-1/S01/J03"
OTHERS = 10  # requests of another client that are answered beside a large one
LONGEST = 0.1  # s of processor time of a round of the loop; in one go each would take more
CHUNK = 65_000


@pytest.fixture
async def other(server: OpcUaTestServer) -> AsyncIterator[RawConnection]:
    """Another client."""
    async with raw(server) as connection:
        await connection.log_in()
        yield connection


def _inside(server: OpcUaTestServer, connection: RawConnection) -> Connection:
    """The server's end of a connection."""
    port = connection.writer.get_extra_info("sockname")[1]
    ends = server.inside(lambda: list(server.app._opcua.dispatcher.connections))
    return next(c for c in ends if c.peer.endswith(f":{port}"))


async def _until(server: OpcUaTestServer, true: Callable[[], bool]) -> None:
    """Wait for something to be so inside the server."""
    end = time.monotonic() + 10
    while not server.inside(true):
        assert time.monotonic() < end, "never came to be"
        await asyncio.sleep(0.01)


def _chunks(connection: RawConnection, body: bytes) -> bytes:
    """A message in as many chunks as it takes."""
    connection.request += 1
    parts = [body[i : i + CHUNK] for i in range(0, len(body), CHUNK)]
    last = len(parts) - 1
    return b"".join(connection.chunk(part, b"F" if i == last else b"C") for i, part in enumerate(parts))


async def _message(connection: RawConnection) -> bytes:
    """The next message, of all its chunks."""
    parts = []
    while True:
        frame = await asyncio.wait_for(connection.frame(), 60)
        assert frame[:3] == b"MSG", frame[:16]
        parts.append(frame[24:])
        if frame[3:4] == b"F":
            return b"".join(parts)


# -- the largest requests


def _read_attributes(_server: OpcUaTestServer, _subscription: int) -> tuple[Any, type[Any]]:
    items = [ua.ReadValueId(ua.NodeId(Ids.Server), A.BrowseName)] * (attribute.MAX_NODES // 4)
    return read_request(items), ua.ReadResponse


def _read_values(server: OpcUaTestServer, _subscription: int) -> tuple[Any, type[Any]]:
    items = [ua.ReadValueId(server.node_id(f"{JAR}.Voltage"), A.Value)] * attribute.MAX_NODES
    return read_request(items, timestamps=0), ua.ReadResponse


def _write(server: OpcUaTestServer, _subscription: int) -> tuple[Any, type[Any]]:
    value = ua.DataValue(ua.Variant(1.0))
    item = ua.WriteValue(server.node_id(f"{JAR}.Voltage"), A.Value, None, value)
    return request(ua.WriteRequest, NodesToWrite=[item] * attribute.MAX_WRITES), ua.WriteResponse


def _browse(_server: OpcUaTestServer, _subscription: int) -> tuple[Any, type[Any]]:
    items = [ua.BrowseDescription(ua.NodeId(Ids.Server_ServerStatus))] * view.MAX_NODES
    return request(ua.BrowseRequest, NodesToBrowse=items), ua.BrowseResponse


def _create(server: OpcUaTestServer, subscription: int, queue: int) -> tuple[Any, type[Any]]:
    made = ua.MonitoredItemCreateRequest()
    made.ItemToMonitor = ua.ReadValueId(server.node_id(f"{JAR}.Voltage"), A.Value)
    made.MonitoringMode = ua.MonitoringMode.Reporting
    made.RequestedParameters.QueueSize = queue
    sent = request(
        ua.CreateMonitoredItemsRequest,
        SubscriptionId=subscription,
        TimestampsToReturn=ua.TimestampsToReturn.Both,
        ItemsToCreate=[made] * (MAX_ITEMS_PER_CALL if queue == 1 else 10_000),
    )
    return sent, ua.CreateMonitoredItemsResponse


def _create_live(server: OpcUaTestServer, subscription: int) -> tuple[Any, type[Any]]:
    return _create(server, subscription, 1)


def _create_queued(server: OpcUaTestServer, subscription: int) -> tuple[Any, type[Any]]:
    return _create(server, subscription, 10)


@pytest.mark.parametrize(
    "largest", [_read_attributes, _read_values, _write, _browse, _create_live, _create_queued]
)
async def test_another_client_is_answered_beside_the_largest_request(
    server: OpcUaTestServer,
    other: RawConnection,
    largest: Callable[[OpcUaTestServer, int], tuple[Any, type[Any]]],
) -> None:
    async with raw(server) as busy:
        await busy.log_in()
        lasting = request(
            ua.CreateSubscriptionRequest, RequestedPublishingInterval=10_000, RequestedLifetimeCount=1000
        )
        made = struct_from_binary(ua.CreateSubscriptionResponse, Buffer(await busy.ask(lasting)))
        sent, kind = largest(server, made.Parameters.SubscriptionId)
        data = _chunks(busy, await asyncio.to_thread(busy.body, sent))
        rounds, answered = Rounds(server), 0
        busy.write(data)
        answer = asyncio.create_task(_message(busy))
        while not answer.done():
            assert len(await other.ask(read_time())) > 24
            answered += 1
        rounds.end()
        expected = getattr(Ids, f"{kind.__name__}_Encoding_DefaultBinary")
        assert struct.unpack_from("<H", answer.result(), 2)[0] == expected
        assert rounds.longest < LONGEST
        assert answered >= OTHERS


class Rounds:
    """The longest round of the server's loop [s of its thread's processor time], until the end."""

    def __init__(self, server: OpcUaTestServer) -> None:
        self._server = server
        self._ended = False
        self._last = 0.0
        self.longest = 0.0
        server.inside(self._begin)

    def _begin(self) -> None:
        # A server's heap is frozen once it runs; here it shares one with all that the tests have left.
        gc.collect()
        gc.freeze()
        self._last = time.thread_time()
        self._server.loop.call_soon(self._round)

    def _round(self) -> None:
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now
        if not self._ended:
            self._server.loop.call_soon(self._round)

    def end(self) -> None:
        """Watch no longer."""
        self._ended = True
        gc.unfreeze()


# -- floods


async def test_a_flood_of_unfinished_messages_is_bounded_and_leaves_nothing(
    server: OpcUaTestServer, other: RawConnection
) -> None:
    """Each connection keeps within its limit; together they would hold more than there may be."""
    levels = []
    for _ in range(3):  # what a flood leaves behind would grow with each
        await _flood(server)
        assert len(await other.ask(read_time())) > 24
        levels.append(_resident())
    assert levels[-1] - levels[0] < HELD


async def _flood(server: OpcUaTestServer) -> None:
    store = server.app._opcua.dispatcher.connections.store
    async with AsyncExitStack() as stack:
        flood = [await stack.enter_async_context(raw(server)) for _ in range(8)]
        for connection in flood:
            await connection.log_in()
            for _ in range((12 << 20) // CHUNK):
                connection.write(connection.chunk(bytes(CHUNK), b"C"))
        refusals = [asyncio.create_task(connection.frame()) for connection in flood]
        done, rest = await asyncio.wait(refusals, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        # Whoever is still sending may find the connection reset before it has read why.
        told = [frame for frame in (each.result() for each in done) if frame]
        codes = {struct.unpack_from("<I", frame, 8)[0] for frame in told}
        assert codes <= {S.BadTcpNotEnoughResources}
        assert done
        assert server.inside(lambda: store.held) <= HELD
        for each in rest:
            each.cancel()
    await _until(server, lambda: store.held == 0)


def _resident() -> int:
    """Memory of this process and the server in it [bytes]."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


# -- connections that end while work is done


async def test_a_call_that_waits_ends_with_its_connection(
    server: OpcUaTestServer, other: RawConnection
) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait(_call: Invocation) -> Outputs:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ()

    service = _methods(server)
    method = ua.NodeId(Ids.FileType_GetPosition)
    server.inside(lambda: service.add(method, Profile.CALL_OPEN, wait))
    try:
        async with raw(server) as connection:
            await connection.log_in()
            inside = _inside(server, connection)
            wanted = ua.CallMethodRequest(
                ua.NodeId(Ids.FileType), method, [ua.Variant(1, ua.VariantType.UInt32)]
            )
            connection.write(
                _chunks(connection, connection.body(request(ua.CallRequest, MethodsToCall=[wanted])))
            )
            await _until(server, began.is_set)
            assert not ended.is_set()
        await _until(server, ended.is_set)
        await _until(server, lambda: not inside._tasks)
        assert len(await other.ask(read_time())) > 24
    finally:
        server.inside(lambda: _remove(service, method))


async def test_nothing_is_read_on_while_large_requests_are_in_work(server: OpcUaTestServer) -> None:
    gate: asyncio.Event = server.inside(asyncio.Event)

    async def wait(_call: Invocation) -> Outputs:
        await gate.wait()
        return ()

    service = _methods(server)
    method = ua.NodeId(Ids.FileType_GetPosition)
    server.inside(lambda: service.add(method, Profile.CALL_OPEN, wait))
    try:
        async with raw(server) as connection:
            await connection.log_in()
            inside = _inside(server, connection)
            inside.limits = replace(inside.limits, in_work=100)
            sent = request(ua.CallRequest, MethodsToCall=[_wanted(method)] * 5)
            both = (connection.body(sent), connection.body(read_time()))
            connection.write(b"".join(_chunks(connection, body) for body in both))
            await _until(server, lambda: len(inside._tasks) == 1 and bool(inside._buffer))
            server.inside(gate.set)
            kinds = [struct.unpack_from("<H", await _message(connection), 2)[0] for _ in range(2)]
            assert kinds == [
                Ids.CallResponse_Encoding_DefaultBinary,
                Ids.ReadResponse_Encoding_DefaultBinary,
            ]
            assert server.inside(lambda: inside._in_work) == 0
    finally:
        server.inside(lambda: _remove(service, method))


async def test_a_browse_in_turns_ends_with_its_connection(
    server: OpcUaTestServer, other: RawConnection
) -> None:
    ended = []
    async with raw(server) as connection:
        await connection.log_in()
        inside = _inside(server, connection)
        server.inside(lambda: inside.__setattr__("send", lambda *_: ended.append("answered")))
        sent, _ = _browse(server, 0)
        connection.write(_chunks(connection, connection.body(sent)))
        await _until(server, lambda: bool(inside._tasks))
        server.inside(lambda: inside.transport and inside.transport.abort())
        await _until(server, lambda: inside.closed and not inside._tasks)
    assert ended == []
    assert len(await other.ask(read_time())) > 24


def _methods(server: OpcUaTestServer) -> MethodService:
    handler: Any = server.app._opcua.dispatcher._secured[int(Ids.CallRequest_Encoding_DefaultBinary)]
    service: MethodService = handler.__self__
    return service


def _wanted(method: ua.NodeId) -> ua.CallMethodRequest:
    argument = ua.Variant(1, ua.VariantType.UInt32)
    return ua.CallMethodRequest(ua.NodeId(Ids.FileType), method, [argument])


def _remove(service: MethodService, method: ua.NodeId) -> None:
    del service._methods[method]
    service._space.executable.discard(method)
    service._permissions._declared.pop(method)


# -- what a request still has to do when its session has ended


async def test_calls_after_the_end_of_their_session_say_so(server: OpcUaTestServer) -> None:
    opcua = server.app._opcua

    def leave(call: Invocation) -> Outputs:
        opcua.sessions.close(call.session)
        return ()

    service = _methods(server)
    method = ua.NodeId(Ids.FileType_GetPosition)
    server.inside(lambda: service.add(method, Profile.CALL_OPEN, leave))
    try:
        async with raw(server) as connection:
            await connection.log_in()
            wanted = ua.CallMethodRequest(
                ua.NodeId(Ids.FileType), method, [ua.Variant(1, ua.VariantType.UInt32)]
            )
            data = await connection.ask(request(ua.CallRequest, MethodsToCall=[wanted, wanted]))
            found = struct_from_binary(ua.CallResponse, Buffer(data))
            assert [each.StatusCode.value for each in found.Results] == [S.Good, S.BadSessionClosed]
    finally:
        server.inside(lambda: _remove(service, method))
