"""Known attacks on OPC UA servers: each costs its attacker, never another client, and leaves nothing behind.

`others_served` has another client read all the while, and looks at what is left afterwards.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import struct
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from opcuaattack import others_served
from opcuacorpus import requests
from opcuaserver import OpcUaTestServer, RawConnection, raw, read_request, read_time, request
from opcuasubscriber import TERMS, item, select

S = ua.StatusCodes
Ids = ua.ObjectIds
FAULT = Ids.ServiceFault_Encoding_DefaultBinary
BASIC256 = b"http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256"
NULL_ARRAY = b"\xff\xff\xff\xff"


def result_of(answer: bytes) -> tuple[int, int]:
    """Type of an answer, and its service result."""
    return struct.unpack_from("<H", answer, 2)[0], struct.unpack_from("<I", answer, 16)[0]


async def burst(connection: RawConnection, bodies: list[bytes]) -> list[bytes]:
    """Send requests without waiting; the answers, by the order of the requests."""
    first = connection.request + 1
    for body in bodies:
        connection.request += 1
        connection.write(connection.chunk(body))
    answers: dict[int, bytes] = {}
    whole = 0
    while whole < len(bodies):
        frame = await connection.frame()
        assert frame[:3] == b"MSG", frame[:16]
        number = struct.unpack_from("<I", frame, 20)[0]
        answers[number] = answers.get(number, b"") + frame[24:]
        whole += frame[3:4] == b"F"
    return [answers[first + i] for i in range(len(bodies))]


async def closed(connection: RawConnection) -> bool:
    """Whether the server hangs up, after whatever it says."""
    while frame := await connection.frame():
        if frame[:3] == b"ERR":
            return True
    return True


# -- transport


async def test_a_flood_of_chunks_that_never_end(server: OpcUaTestServer) -> None:
    """Large ones before log-in, and more than a message may have, without content, after it."""
    async with others_served(server):
        for _ in range(20):
            async with raw(server) as connection:
                for _ in range(3):
                    connection.write(connection.chunk(bytes(60_000), b"C"))
                assert await closed(connection)
        async with raw(server) as connection:
            await connection.log_in()
            connection.write(b"".join(connection.chunk(b"", b"C") for _ in range(600)))
            assert await closed(connection)


async def test_a_flood_before_hello(server: OpcUaTestServer) -> None:
    begun = struct.pack("<3scI", b"HEL", b"F", 8000) + bytes(4000)
    large = struct.pack("<3scI", b"HEL", b"F", 0x7FFF_FFFF)
    async with others_served(server), AsyncExitStack() as stack:
        for number in range(120):
            connection = await stack.enter_async_context(raw(server, opened=False))
            connection.write((begun, large, b"H", b"\0" * 4000)[number % 4])
        async with raw(server) as other:  # there is still room
            await other.log_in()


async def test_a_flood_of_channels(server: OpcUaTestServer) -> None:
    async with others_served(server), AsyncExitStack() as stack:
        for _ in range(150):
            connection = await stack.enter_async_context(raw(server, opened=False))
            await connection.hello()
            try:
                await connection.open()
            except struct.error:  # it had to make room
                continue
        async with raw(server) as other:
            await other.log_in()


async def test_frames_that_are_sent_again(server: OpcUaTestServer, client_home: Path) -> None:
    """A signed and encrypted request, recorded and sent once more, and an older one."""
    for again in (1, 3):
        async with others_served(server):
            client = await server.secured(client_home)
            client.set_user("admin")
            client.set_password("Float-at-13.65-volt")
            await client.connect()
            transport = client.uaclient.protocol.transport
            written: list[bytes] = []
            send = transport.write
            transport.write = lambda data, send=send, to=written: (to.append(bytes(data)), send(data))[1]
            for _ in range(3):
                await client.get_node(ua.NodeId(Ids.Server_ServerStatus_State)).read_value()
            send(written[-again])
            async with asyncio.timeout(10):
                while not transport.is_closing():  # noqa: ASYNC110 - asyncua tells nobody
                    await asyncio.sleep(0.01)
            client.disconnect_socket()


@pytest.mark.parametrize("wrong", [-5, -1, 1, 1000])
async def test_stale_and_future_sequence_numbers(server: OpcUaTestServer, wrong: int) -> None:
    async with others_served(server), raw(server) as connection:
        await connection.log_in()
        for _ in range(5):
            await connection.ask(read_time())
        connection.request += 1
        sequence = connection.sequence + 1 + wrong
        connection.write(connection.chunk(connection.body(read_time()), sequence=sequence))
        assert await connection.error() >= 0x8000_0000


def _certificate(name: str, issuer: str, key: rsa.RSAPrivateKey, signer: rsa.RSAPrivateKey) -> bytes:
    now = dt.datetime.now(dt.UTC)
    subject, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in (name, issuer))
    builder = x509.CertificateBuilder(by, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
    made = builder.sign(signer, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)


async def test_a_chain_of_certificates_that_is_a_loop(server: OpcUaTestServer) -> None:
    """A issued by B, B issued by A, and again, as often as a frame can hold."""
    one, two = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    loop = _certificate("A", "B", one, two) + _certificate("B", "A", two, one)
    async with others_served(server):
        for chain in (loop, loop * 10, loop * 30, loop[:-100], b"\x30\x84\x7f\xff\xff\xff" * 100):
            async with raw(server, opened=False) as connection:
                await connection.hello()
                security = struct.pack("<i", len(BASIC256)) + BASIC256 + struct.pack("<i", len(chain)) + chain
                security += struct.pack("<i", 20) + bytes(20)
                body = struct.pack("<I", 0) + security + bytes(256)
                connection.write(b"OPNF" + struct.pack("<I", len(body) + 8) + body)
                assert await closed(connection)


# -- encoding


async def test_nested_and_null_array_variants(server: OpcUaTestServer) -> None:
    call = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(InputArguments=[ua.Variant()])])
    evil = [
        b"\x98\x01\0\0\0" * 3000 + b"\x01\x01",
        *(bytes([0x80 | kind]) + struct.pack("<i", 50_000_000) for kind in range(26)),
        b"\xc6" + struct.pack("<i", 0) + struct.pack("<iiii", 3, 1 << 30, 1 << 30, 1 << 30),
        b"\x80" + struct.pack("<i", 0x7FFF_FFFF),
    ]
    async with others_served(server), raw(server) as connection:
        await connection.log_in()
        body = connection.body(call)[:-1]
        answers = await burst(connection, [body + each for each in evil] * 10)
        codes = {result_of(answer) for answer in answers}
        assert codes <= {(FAULT, S.BadDecodingError), (FAULT, S.BadEncodingLimitsExceeded)}


async def test_arrays_that_are_null(server: OpcUaTestServer) -> None:
    """Every array of operations, null instead of given: nothing to do, or the parameter that is wrong."""
    async with others_served(server), raw(server) as connection:
        await connection.log_in()
        for body in requests(server, connection)[:-5]:
            end = body.index(NULL_ARRAY) + 11  # of the header, whose AuditEntryId is null
            for at in range(end, len(body) - 3):
                code = result_of((await burst(connection, [body[:at] + NULL_ARRAY + body[at + 4 :]]))[0])
                assert code[1] != S.BadInternalError, body.hex()


BAD_TEXT = [
    b"\xff\xfe\xfd",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xc0\xaf",
    b"ok\x00\xff",
]


@pytest.mark.parametrize("text", BAD_TEXT, ids=lambda text: text.hex())
async def test_text_that_is_not_utf_8(server: OpcUaTestServer, text: bytes) -> None:
    """Wherever a request has a text."""
    marker = "ABC" if len(text) == 3 else "ABCDEFGH"[: len(text)]
    find = ua.FindServersRequest()
    find.Parameters.EndpointUrl = marker
    session = ua.CreateSessionRequest()
    session.Parameters.SessionName = marker
    path = ua.BrowsePath(ua.NodeId(Ids.ObjectsFolder), ua.RelativePath([ua.RelativePathElement()]))
    path.RelativePath.Elements[0].TargetName = ua.QualifiedName(marker)
    node_id = ua.NodeId(marker, server.ns)
    jar = ua.CallMethodRequest(
        server.node_id("Analytics"),
        server.node_id("Analytics.PredictRul"),
        [ua.Variant(marker, ua.VariantType.String)],
    )
    made = [
        find,
        session,
        request(ua.TranslateBrowsePathsToNodeIdsRequest, BrowsePaths=[path]),
        read_request([ua.ReadValueId(node_id, ua.AttributeIds.Value)]),
        read_request([ua.ReadValueId(ua.NodeId(Ids.Server_NamespaceArray), ua.AttributeIds.Value, marker)]),
        request(ua.RegisterNodesRequest, NodesToRegister=[node_id]),
        request(ua.CallRequest, MethodsToCall=[jar]),
    ]
    async with others_served(server), raw(server) as connection:
        await connection.log_in()
        for each in made:
            body = connection.body(each).replace(marker.encode(), text)
            assert text in body
            answer = await connection.ask(body)
            assert result_of(answer)[1] != S.BadInternalError
            assert await connection.ask(read_time())
        audited = connection.body(read_time())
        at = audited.index(NULL_ARRAY)
        audited = audited[:at] + struct.pack("<i", len(text)) + text + audited[at + 4 :]
        assert result_of(await connection.ask(audited)) == (FAULT, S.BadDecodingError)


# -- sessions and subscriptions


async def test_a_flood_of_sessions(server: OpcUaTestServer) -> None:
    """Never activated: they make room for each other, and never take the place of one in use."""
    async with others_served(server), AsyncExitStack() as stack:
        for _ in range(4):
            connection = await stack.enter_async_context(raw(server))
            body = connection.body(ua.CreateSessionRequest())
            for answer in await burst(connection, [body] * 50) + await burst(connection, [body] * 50):
                kind, code = result_of(answer)
                assert (kind, code) == (Ids.CreateSessionResponse_Encoding_DefaultBinary, 0) or code in (
                    S.BadTooManySessions,
                    S.BadTooManyOperations,
                )
        assert len(server.app._opcua.sessions.by_token) <= server.settings.opcua.max_sessions
        async with raw(server) as other:
            await other.log_in()


async def test_publish_requests_without_end(server: OpcUaTestServer) -> None:
    async with others_served(server), raw(server) as connection:
        await connection.log_in()
        sent = request(ua.CreateSubscriptionRequest, **(TERMS | {"RequestedPublishingInterval": 3_600_000.0}))
        await connection.ask(sent)
        body = connection.body(ua.PublishRequest())
        for _ in range(1000):
            connection.request += 1
            connection.write(connection.chunk(body))
        refused = 0
        while refused < 800:
            frame = await connection.frame()
            refused += result_of(frame[24:])[1] == S.BadTooManyPublishRequests
        (session,) = [s for s in server.app._opcua.sessions.by_token.values() if len(s.publish_queue) > 0]
        assert len(session.publish_queue) <= 100


async def test_subscriptions_without_end(server: OpcUaTestServer) -> None:
    async with others_served(server), raw(server) as connection, raw(server) as other:
        await connection.log_in()
        body = connection.body(request(ua.CreateSubscriptionRequest, **TERMS))
        codes = {result_of(await connection.ask(body))[1] for _ in range(600)}
        assert codes == {0, S.BadTooManySubscriptions}
        await other.log_in()  # for whom there are some left
        assert result_of(await other.ask(request(ua.CreateSubscriptionRequest, **TERMS)))[1] == 0
        await close_session(connection)
        await close_session(other)


async def test_monitored_items_without_end(server: OpcUaTestServer) -> None:
    """Items with the largest queues, as many as a message holds, again and again."""
    async with others_served(server, longest=5.0), raw(server) as connection, raw(server) as other:
        await connection.log_in()
        await other.log_in()
        wanted = item(server.node_id("Bangrak/UPS-1/S01/J01.Voltage"), queue=0xFFFF_FFFF)
        for _ in range(2):
            number = await subscription(connection)
            many = request(
                ua.CreateMonitoredItemsRequest,
                SubscriptionId=number,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ItemsToCreate=[wanted] * 8000,
            )
            body = connection.body(many)
            connection.request += 1
            parts = [body[i : i + 65_000] for i in range(0, len(body), 65_000)]
            for part in parts[:-1]:
                connection.write(connection.chunk(part, b"C"))
            connection.write(connection.chunk(parts[-1]))
            answer = b""
            while True:
                frame = await connection.frame()
                answer += frame[24:]
                if frame[3:4] == b"F":
                    break
            assert result_of(answer)[1] in (0, S.BadTooManyOperations, S.BadTooManyMonitoredItems)
        number = await subscription(other)
        few = request(
            ua.CreateMonitoredItemsRequest,
            SubscriptionId=number,
            TimestampsToReturn=ua.TimestampsToReturn.Both,
            ItemsToCreate=[item(server.node_id("Bangrak/UPS-1/S01/J01.Voltage"))],
        )
        response = struct_from_binary(ua.CreateMonitoredItemsResponse, Buffer(await other.ask(few)))
        assert response.Results[0].StatusCode.is_good()
        await close_session(connection)
        await close_session(other)


async def subscription(connection: RawConnection) -> int:
    """A new subscription of a session."""
    data = await connection.ask(request(ua.CreateSubscriptionRequest, **TERMS))
    response = struct_from_binary(ua.CreateSubscriptionResponse, Buffer(data))
    return int(response.Parameters.SubscriptionId)


async def close_session(connection: RawConnection) -> None:
    """End a session with its subscriptions."""
    body = connection.body(ua.CloseSessionRequest())
    connection.request += 1
    connection.write(connection.chunk(body[:-1] + b"\x01"))
    number = 0
    while number != connection.request:
        frame = await connection.frame()
        (number,) = struct.unpack_from("<I", frame, 20)


async def test_continuation_points_without_end(server: OpcUaTestServer) -> None:
    browse = ua.BrowseDescription()
    browse.NodeId = ua.NodeId(Ids.Server)
    many = request(ua.BrowseRequest, NodesToBrowse=[browse] * 300, RequestedMaxReferencesPerNode=1)
    one = request(ua.BrowseRequest, NodesToBrowse=[browse], RequestedMaxReferencesPerNode=1)
    async with others_served(server), raw(server) as connection, raw(server) as other:
        await connection.log_in()
        await other.log_in()
        codes = set()
        for _ in range(10):
            response = struct_from_binary(ua.BrowseResponse, Buffer(await connection.ask(many)))
            codes |= {result.StatusCode.value for result in response.Results}
        assert S.BadNoContinuationPoints in codes
        assert codes <= {0, S.BadNoContinuationPoints}
        response = struct_from_binary(ua.BrowseResponse, Buffer(await other.ask(one)))
        assert response.Results[0].StatusCode.is_good()
        assert response.Results[0].ContinuationPoint
        held = [len(s.points) for s in server.app._opcua.sessions.by_token.values()]
        assert max(held) <= 1000


_TYPE = "PropertyType"


def _path(*elements: tuple[int, bool, str]) -> ua.BrowsePath:
    path = ua.BrowsePath(ua.NodeId(Ids.PropertyType), ua.RelativePath())
    for kind, inverse, name in elements:
        made = ua.RelativePathElement(ua.NodeId(kind), inverse, True, ua.QualifiedName(name))
        path.RelativePath.Elements.append(made)
    return path


async def test_paths_that_are_deep_or_go_round(server: OpcUaTestServer) -> None:
    """From a type to all that have it and back: each round would multiply the nodes."""
    there, back = (
        (Ids.HasTypeDefinition, True, "InputArguments"),
        (Ids.HasTypeDefinition, False, "PropertyType"),
    )
    subtype = (Ids.HasSubtype, False, "PropertyType"), (Ids.HasSubtype, True, "BaseVariableType")
    up, down = subtype[1], subtype[0]
    paths = [_path(*(there, back) * 40), _path(*(up, down) * 45), _path(*(up, down) * 5000)]
    async with others_served(server), raw(server) as connection:
        await connection.log_in()
        for path in paths:
            for _ in range(3):
                sent = request(ua.TranslateBrowsePathsToNodeIdsRequest, BrowsePaths=[path])
                body = connection.body(sent)
                connection.request += 1
                parts = [body[i : i + 65_000] for i in range(0, len(body), 65_000)]
                for part in parts[:-1]:
                    connection.write(connection.chunk(part, b"C"))
                connection.write(connection.chunk(parts[-1]))
                frame = await connection.frame()
                assert result_of(frame[24:])[1] != S.BadInternalError
                assert len(frame) < 65_000


async def test_refreshes_of_conditions_without_end(server: OpcUaTestServer) -> None:
    async with others_served(server), raw(server) as connection:
        await connection.log_in()
        number = await subscription(connection)
        wanted = item(
            ua.NodeId(Ids.Server),
            attribute=ua.AttributeIds.EventNotifier,
            chosen=select("EventType", "Message"),
            queue=0xFFFF_FFFF,
        )
        made = request(ua.CreateMonitoredItemsRequest, SubscriptionId=number, ItemsToCreate=[wanted] * 10)
        assert result_of(await connection.ask(made))[1] == 0
        refresh = ua.CallMethodRequest(
            ua.NodeId(Ids.ConditionType),
            ua.NodeId(Ids.ConditionType_ConditionRefresh),
            [ua.Variant(number, ua.VariantType.UInt32)],
        )
        storm = connection.body(request(ua.CallRequest, MethodsToCall=[refresh] * 50))
        answers = []
        for _ in range(10):
            answers += await burst(connection, [storm] * 5)
        codes = set()
        for data in answers:
            assert result_of(data)[1] == 0
            codes |= {r.StatusCode.value for r in struct_from_binary(ua.CallResponse, Buffer(data)).Results}
        assert codes <= {0, S.BadRefreshInProgress, S.BadTooManyOperations}
        await close_session(connection)


async def test_closing_while_much_is_under_way(server: OpcUaTestServer) -> None:
    """Everything in one go, and the line is cut at another place each time."""
    async with others_served(server):
        for number in range(40):
            async with raw(server) as connection:
                await connection.log_in()
                bodies = [
                    connection.body(request(ua.CreateSubscriptionRequest, **TERMS)),
                    connection.body(ua.PublishRequest()),
                    *requests(server, connection)[:12],
                    connection.body(ua.CloseSessionRequest()),
                    connection.body(ua.PublishRequest()),
                    connection.body(read_time()),
                ]
                frames = b""
                for body in bodies:
                    connection.request += 1
                    frames += connection.chunk(body)
                close = connection.chunk(connection.body(ua.CloseSecureChannelRequest()))
                frames += b"CLO" + close[3:]
                connection.write(frames[: len(frames) * (number + 1) // 40])
                if number % 3 == 0:
                    connection.writer.transport.abort()
                elif number % 3 == 1:
                    await asyncio.sleep(0.005)
