"""A mail server and an HTTP server on the loopback, well-behaved and otherwise, to notify."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID
from pki import key

LOOPBACK = "127.0.0.1"
USER, PASSWORD = "voltkeep", "correct horse battery"


@dataclass(frozen=True)
class Certificate:
    """A server's certificate of its own making."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For the server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def make_certificate(folder: Path, host: str = LOOPBACK) -> Certificate:
    """A certificate for one host, which signs itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    address = ipaddress.ip_address(host)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key(), hashes.SHA256())
    )
    found = Certificate(folder / f"{host}.crt", folder / f"{host}.key")
    found.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    found.key.write_bytes(
        key().private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return found


# -- mail


@dataclass
class Mailbox:
    """What a mail server has taken, and what it says to whom: replies to DATA come from `replies` first."""

    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    replies: deque[str] = field(default_factory=deque)
    refused: dict[str, str] = field(default_factory=dict)  # replies to RCPT by address
    users: list[str] = field(default_factory=list)
    connections: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or not."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail, or not."""
        reply = self.replies.popleft() if self.replies else "250 OK"
        if reply.startswith("2"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.received += [(address, mail) for address in envelope.rcpt_tos]
        return reply

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        """One user has one password."""
        right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
        if right:
            self.users.append(data.login.decode())
        return AuthResult(success=right, handled=right)


@asynccontextmanager
async def mail_server(
    box: Mailbox, certificate: Certificate | None = None, port: int = 0
) -> AsyncIterator[int]:
    """Its port; with a certificate it wants STARTTLS and a password."""
    terms: dict[str, Any] = {}
    if certificate is not None:
        terms = {
            "tls_context": certificate.context(),
            "require_starttls": True,
            "auth_required": True,
            "authenticator": box.authenticate,
        }

    def connection() -> SMTP:
        box.connections += 1
        return SMTP(box, hostname="mail.test", enable_SMTPUTF8=False, **terms)

    server = await asyncio.get_running_loop().create_server(connection, LOOPBACK, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def scripted_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """The port of a server that does nothing but `talk`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take the connection, and never say anything."""
    await reader.read()


async def drop_in_data(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak SMTP, and close in the midst of a mail."""
    writer.write(b"220 mail.test\r\n")
    while line := await reader.readline():
        if line.upper().startswith(b"DATA"):
            writer.write(b"354 go on\r\n")
            await reader.readline()
            return
        writer.write(b"250 OK\r\n")


# -- HTTP


@dataclass
class Hook:
    """What a webhook was sent, and what it answers: status and headers, 204 when nothing is left."""

    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)
    silent: bool = False
    followed: int = 0

    async def post(self, request: web.Request) -> web.Response:
        """Take a message."""
        body = await request.read()
        self.requests.append(({name.lower(): value for name, value in request.headers.items()}, body))
        if self.silent:
            await asyncio.sleep(60)
        status, headers = self.answers.popleft() if self.answers else (204, {})
        return web.Response(status=status, headers=headers)

    async def other(self, request: web.Request) -> web.Response:
        """Where a redirect leads."""
        self.followed += 1
        return web.Response()


@asynccontextmanager
async def hook_server(hook: Hook, certificate: Certificate | None = None) -> AsyncIterator[str]:
    """Its address."""
    application = web.Application()
    application.add_routes([web.post("/hook", hook.post), web.route("*", "/other", hook.other)])
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0, ssl_context=certificate and certificate.context())
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"http{'s' if certificate else ''}://{LOOPBACK}:{port}/hook"
    finally:
        await runner.cleanup()
