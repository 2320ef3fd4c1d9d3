"""A real Voltkeep server in a thread of the tests, its clients, and requests as bytes."""

from __future__ import annotations

import asyncio
import atexit
import functools
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from asyncua import Client, ua
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from config.settings import Settings, load_settings
from server.app import App
from server.endpoint import NODE_SET
from server.security.certificates import Application, own_certificate
from server.space.nodecache import open_nodes

PASSWORD = "Float-at-13.65-volt"
CLIENT_URI = "urn:voltkeep:test"
FLEET_URI = "urn:voltkeep:fleet"
SCAN_PERIOD = 0.2

Result = TypeVar("Result")

FLEET_FILE = """
name: Small
models:
  M:
    {manufacturer: Make, nominal_voltage: 12, cells: 6, capacity: 120, cutoff_voltage: 10.5,
     float_voltage: 13.65, baseline_resistance: 3.4, limits: {temperature: {low: 0, high: 90}}}
sites:
  Bangrak:
    region: Bangkok
    latitude: 13.7
    longitude: 100.5
    systems:
      UPS-1:
        kind: UPS
        rated_power: 60
        strings:
          S01: {model: M, jars: 6, installed: 2024-01-01, first_serial: A001}
          S02: {model: M, jars: 6, installed: 2024-01-01, first_serial: B001}
  Hat Yai:
    region: Southern
    latitude: 7.0
    longitude: 100.5
    systems:
      UPS-1:
        kind: UPS
        rated_power: 60
        strings:
          S01: {model: M, jars: 4, installed: 2024-01-01, first_serial: C001}
"""
ALARM_FILE = """
conditions:
  TemperatureHigh:
    asset: Jar
    tag: Temperature
    class: process
    limits: {high: {value: 45, severity: 500}, high_high: {value: 80, severity: 800}}
    message: Jar temperature is high
    advice: Look at the air conditioning.
"""


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


@dataclass(frozen=True)
class OpcUaTestServer:
    """A server that runs: its app, its loop, and how to reach it."""

    app: App
    loop: asyncio.AbstractEventLoop
    settings: Settings
    ns: int

    @property
    def url(self) -> str:
        """Endpoint."""
        return self.settings.endpoint

    def inside(self, act: Callable[[], Result]) -> Result:
        """Run something in the server's loop, and give its result."""

        async def run() -> Result:
            return act()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def node_id(self, identifier: str) -> ua.NodeId:
        """A NodeId of the fleet."""
        return ua.NodeId(identifier, self.ns)

    @asynccontextmanager
    async def client(self, **terms: Any) -> AsyncIterator[Client]:
        """An anonymous client without security."""
        client = Client(self.url, timeout=10)
        client.session_timeout = terms.get("session_timeout", 60_000)
        async with client:
            yield client

    @asynccontextmanager
    async def admin(
        self, home: Path, name: str = "admin", password: str = PASSWORD, mode: str = "SignAndEncrypt"
    ) -> AsyncIterator[Client]:
        """A client that has logged in."""
        client = await self.secured(home, mode)
        client.set_user(name)
        client.set_password(password)
        async with client:
            yield client

    async def secured(self, home: Path, mode: str = "SignAndEncrypt") -> Client:
        """A client with a certificate that is not yet connected."""
        folder = home / "client"
        if not folder.exists():
            application = Application(CLIENT_URI, "Voltkeep tests", "localhost")
            made = await asyncio.to_thread(own_certificate, folder, application)
            assert made.issuers == ()
        trusted = self.settings.home / "pki" / "trusted" / "certs" / "tests.der"
        if not trusted.exists():
            shutil.copy(folder / "own.der", trusted)
        client = Client(self.url, timeout=10)
        client.application_uri = CLIENT_URI
        await client.set_security(
            SecurityPolicyBasic256Sha256,
            folder / "own.der",
            folder / "own.key.pem",
            mode=ua.MessageSecurityMode[mode],
        )
        return client


@functools.cache
def _nodes() -> Path:
    """A cache of the nodes, made once for all servers of a run."""
    folder = Path(tempfile.mkdtemp(prefix="voltkeep-nodes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_nodes(folder, [NODE_SET])
    return folder


def serve(home: Path, database: str, **overrides: Any) -> tuple[OpcUaTestServer, Callable[[], None]]:
    """Start a server in a thread of its own; the server, and how to stop it."""
    settings = _settings(home, database, overrides)
    shutil.copytree(_nodes(), settings.home / "cache", dirs_exist_ok=True)
    app = App(settings, lambda _text: None)
    ready, failed = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def run() -> None:
        try:
            loop.run_until_complete(app.run(ready.set, stop))
        except BaseException as error:
            failed.append(error)
            ready.set()
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=run, name="voltkeep")
    thread.start()

    def end() -> None:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(30)
        assert not failed, failed
        assert not thread.is_alive(), "the server does not stop"

    ready.wait(60)
    if failed:
        thread.join()
        raise failed[0]
    return OpcUaTestServer(app, loop, settings, _namespace(app)), end


def _namespace(app: App) -> int:
    return int(app._opcua.conditions._namespace)


def _settings(home: Path, database: str, overrides: dict[str, Any]) -> Settings:
    fleet, alarms = home / "fleet.yaml", home / "alarms.yaml"
    fleet.write_text(FLEET_FILE)
    alarms.write_text(ALARM_FILE)
    return load_settings(
        overrides={
            "home": home / "var",
            "demo": True,
            "fleet": fleet,
            "alarms": alarms,
            "opcua": {"port": free_port(), "max_sessions": 300},
            "metrics": {"port": free_port()},
            "scan": {"period": SCAN_PERIOD},
            "historian": {"url": database},
            "simulator": {"past_days": 0},
            "admin": {"password": PASSWORD},
            **overrides,
        }
    )


async def send(client: Client, request: Any) -> bytes:
    """Send a request; the response's bytes from the TypeId on, whatever it says."""
    protocol = client.uaclient.protocol
    assert protocol is not None
    future = protocol._send_request(request, 10)
    return bytes(await asyncio.wait_for(future, 10))


def request(kind: type[Any], **fields: Any) -> Any:
    """A request with parameters."""
    made = kind()
    for name, value in fields.items():
        setattr(made.Parameters, name, value)
    return made


async def answer(client: Client, kind: type[Any], sent: Any) -> Any:
    """The decoded answer to a request; a ServiceFault is raised as its StatusCode's error."""
    data = await send(client, sent)
    type_id = struct.unpack_from("<H", data, 2)[0]
    if type_id == ua.ObjectIds.ServiceFault_Encoding_DefaultBinary:
        fault = struct_from_binary(ua.ServiceFault, Buffer(data))
        raise ua.UaStatusCodeError(fault.ResponseHeader.ServiceResult.value)
    return struct_from_binary(kind, Buffer(data))


# -- bytes, without a client


class RawConnection:
    """A socket that speaks UA TCP on a channel without security."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.channel = self.token = 0
        self.sequence = 0
        self.request = 0
        self.session: ua.NodeId | None = None

    async def frame(self) -> bytes:
        """The next frame; empty when the server has closed."""
        try:
            head = await asyncio.wait_for(self.reader.readexactly(8), 10)
            rest = await self.reader.readexactly(struct.unpack_from("<I", head, 4)[0] - 8)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        return head + rest

    async def error(self) -> int:
        """The code of the ERR message that comes next, after which the connection is closed."""
        found = await self.frame()
        assert found[:4] == b"ERRF", found[:16]
        assert await self.frame() == b""
        return int(struct.unpack_from("<I", found, 8)[0])

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    async def hello(self, receive: int = 65_535, message: int = 0) -> bytes:
        """Say Hello; the answer."""
        url = b"opc.tcp://127.0.0.1/"
        body = struct.pack("<IIIIIi", 0, receive, 65_535, message, 0, len(url)) + url
        self.write(b"HELF" + struct.pack("<I", len(body) + 8) + body)
        return await self.frame()

    async def open(self) -> None:
        """Open a channel."""
        uri = b"http://opcfoundation.org/UA/SecurityPolicy#None"
        opening = ua.OpenSecureChannelRequest()
        opening.Parameters.RequestType = ua.SecurityTokenRequestType.Issue
        opening.Parameters.SecurityMode = ua.MessageSecurityMode.None_
        opening.Parameters.RequestedLifetime = 600_000
        security = struct.pack("<i", len(uri)) + uri + struct.pack("<ii", -1, -1)
        self.sequence += 1
        body = struct.pack("<I", 0) + security + struct.pack("<II", self.sequence, 1)
        body += struct_to_binary(opening)
        self.write(b"OPNF" + struct.pack("<I", len(body) + 8) + body)
        found = await self.frame()
        at = 12 + len(security) + 8
        response = struct_from_binary(ua.OpenSecureChannelResponse, Buffer(found[at:]))
        self.channel = response.Parameters.SecurityToken.ChannelId
        self.token = response.Parameters.SecurityToken.TokenId

    def chunk(self, body: bytes, final: bytes = b"F", **wrong: int) -> bytes:
        """A chunk of a message, with the numbers that are due, or wrong ones."""
        self.sequence += 1
        return (
            struct.pack(
                "<3scIIIII",
                b"MSG",
                final,
                len(body) + 24,
                wrong.get("channel", self.channel),
                wrong.get("token", self.token),
                wrong.get("sequence", self.sequence),
                wrong.get("request", self.request),
            )
            + body
        )

    async def ask(self, sent: Any) -> bytes:
        """Send a request, as a structure or as bytes; the body of the answer."""
        self.request += 1
        self.write(self.chunk(self.body(sent)))
        return (await self.frame())[24:]

    def body(self, sent: Any) -> bytes:
        """The bytes of a request in this connection's session."""
        if isinstance(sent, bytes):
            return sent
        if self.session is not None and sent.RequestHeader.AuthenticationToken.is_null():
            sent.RequestHeader.AuthenticationToken = self.session
        return bytes(struct_to_binary(sent))

    async def fault(self, sent: Any) -> int:
        """Send a request that is refused; the StatusCode."""
        data = await self.ask(sent)
        found = struct_from_binary(ua.ServiceFault, Buffer(data))
        assert found.TypeId.Identifier == ua.ObjectIds.ServiceFault_Encoding_DefaultBinary
        return int(found.ResponseHeader.ServiceResult.value)

    async def create_session(self) -> ua.CreateSessionResponse:
        """A session that is not activated."""
        made = ua.CreateSessionRequest()
        made.Parameters.RequestedSessionTimeout = 60_000
        data = await self.ask(made)
        return struct_from_binary(ua.CreateSessionResponse, Buffer(data))

    async def log_in(self) -> None:
        """An anonymous session, for all that follows."""
        token = (await self.create_session()).Parameters.AuthenticationToken
        data = await self.ask(self.activation(token))
        assert (
            struct.unpack_from("<H", data, 2)[0]
            == ua.ObjectIds.ActivateSessionResponse_Encoding_DefaultBinary
        )
        self.session = token

    def activation(self, token: ua.NodeId) -> ua.ActivateSessionRequest:
        """A request to activate a session for nobody in particular."""
        made = ua.ActivateSessionRequest()
        made.RequestHeader.AuthenticationToken = token
        made.Parameters.UserIdentityToken = ua.AnonymousIdentityToken("anonymous")
        return made


@asynccontextmanager
async def raw(server: OpcUaTestServer, *, opened: bool = True) -> AsyncIterator[RawConnection]:
    """A connection of bytes, with an open channel or before its Hello."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.settings.opcua.port)
    connection = RawConnection(reader, writer)
    try:
        if opened:
            await connection.hello()
            await connection.open()
        yield connection
    finally:
        writer.close()


def read_time() -> ua.ReadRequest:
    """A request for the server's time."""
    return read_request([ua.ReadValueId(ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime), 13)])


def read_request(items: list[ua.ReadValueId], timestamps: int = 2, max_age: float = 0.0) -> ua.ReadRequest:
    """A Read."""
    made = ua.ReadRequest()
    made.Parameters.NodesToRead = items
    made.Parameters.TimestampsToReturn = ua.TimestampsToReturn(timestamps)
    made.Parameters.MaxAge = max_age
    return made
