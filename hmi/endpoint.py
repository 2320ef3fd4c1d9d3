"""How the HMI comes to an OPC UA session: the best endpoint offered, its own certificate, a user's name.

`Endpoint.open` gives a connected `asyncua.Client`, or raises a fault in words for the operator. A password
leaves this machine only encrypted.

    ConnectionFault
    +-- Refused    the server does not accept this user
    +-- Barred     there is no session for anybody: too busy, or the two programs do not trust each other
    +-- Away       the server does not answer, or not in time
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlparse

from asyncua import Client, ua
from asyncua.crypto import uacrypto
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from hmi.timelimit import time_limit
from hmi.userclient import UserClient

APPLICATION_URI: Final = "urn:voltkeep:hmi"
TIMEOUT: Final = 4.0  # s, for one request
CONNECT_TIMEOUT: Final = 10.0  # s, for all that makes a session
SESSION_TIMEOUT: Final = 60_000  # ms after which the server forgets a session that was lost
SILENT: Final = "The OPC UA server does not answer."

WRONG: Final = "User name or password is wrong."
REFUSALS: Final = {
    "BadUserAccessDenied": WRONG,
    "BadIdentityTokenRejected": WRONG,
    "BadIdentityTokenInvalid": WRONG,
    "BadUserSignatureInvalid": WRONG,
}
UNTRUSTED: Final = (
    "The server does not trust the certificate of this HMI. Accept it on the server: voltkeep trust list."
)
BARS: Final = {
    "BadServerTooBusy": "The server is busy. Try again later.",
    "BadTooManySessions": "The server has no free session. Try again later.",
    "BadShutdown": "The server is stopping.",
    "BadCertificateUntrusted": UNTRUSTED,
    "BadSecurityChecksFailed": UNTRUSTED,
    "BadCertificateTimeInvalid": (
        "The server finds the certificate of this HMI not valid: compare their clocks."
    ),
}
HMI_EXPIRED: Final = (
    "The certificate of this HMI has expired. The server makes a new one within a day, and when it is "
    "started; an HMI on another machine needs a copy."
)
SERVER_EXPIRED: Final = (
    "The certificate of the OPC UA server has expired. Start the server again: it makes a new one. One that "
    "was brought has to be renewed."
)


class ConnectionFault(Exception):
    """There is no session; the text is for the operator."""


class Refused(ConnectionFault):
    """The server does not accept this user."""


class Barred(ConnectionFault):
    """There is no session for anybody."""


class Away(ConnectionFault):
    """The server does not answer."""


@dataclass(frozen=True)
class Identity:
    """Who opens a session; no name means anonymous."""

    user: str = ""
    password: str = ""


class Endpoint:
    """The server's OPC UA endpoint, and the certificates by which both know each other.

    The server makes them in `folder`, where an HMI of the same home finds them; one elsewhere gets a copy.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._key = folder / "client.key.pem"
        self._certificate = folder / "client.der"
        self._server = folder / "server.der"

    async def open(self, identity: Identity, watchdog: float = 10.0) -> UserClient:
        """A connected client; `watchdog` [s] is how often it looks whether the server still answers."""
        client = UserClient(self.url, timeout=TIMEOUT, watchdog_intervall=watchdog)
        client.session_timeout = SESSION_TIMEOUT
        client.application_uri = APPLICATION_URI
        client.name = client.description = "Voltkeep HMI"
        if identity.user:
            client.set_user(identity.user)
            client.set_password(identity.password)
        try:
            async with time_limit(CONNECT_TIMEOUT):
                await self._secure(client, identity)
                await client.connect()
        except ua.UaStatusCodeError as error:
            raise refusal(error) from error
        except (OSError, TimeoutError, ua.UaError) as error:
            raise Away(SILENT) from error
        return client

    async def _secure(self, client: Client, identity: Identity) -> None:
        """Encrypt where the server can; only the server's own machine may see a password in the clear."""
        offered = await client.connect_and_get_server_endpoints()
        best = [
            e
            for e in offered
            if e.SecurityPolicyUri == SecurityPolicyBasic256Sha256.URI
            and e.SecurityMode == ua.MessageSecurityMode.SignAndEncrypt
        ]
        if best:
            self._check_own()
            shown = uacrypto.der_from_x509(uacrypto.x509_from_der(best[0].ServerCertificate))
            self._check_server(shown)
            await client.set_security(
                SecurityPolicyBasic256Sha256,
                str(self._certificate),
                str(self._key),
                server_certificate=shown,
            )
        elif identity.user and not _is_loopback(self.url):
            raise Barred("The server offers no encryption, so the password was not sent.")

    def _check_own(self) -> None:
        """This HMI has a certificate that is still valid."""
        if not self._certificate.exists():
            raise Away(f"This HMI has no certificate: the server makes it in {self._certificate.parent}.")
        if expired(self._certificate.read_bytes()):
            raise Barred(HMI_EXPIRED)

    def _check_server(self, shown: bytes) -> None:
        """The server is the one whose certificate lies in our folder, where there is one, and it is valid."""
        if self._server.exists() and self._server.read_bytes() != shown:
            raise Barred("Another server answers than the one this HMI knows: its certificate has changed.")
        if expired(shown):
            raise Barred(SERVER_EXPIRED)


async def close(client: Client) -> None:
    """End a session politely, but never wait long for a server that is gone."""
    try:
        async with time_limit(2):
            await client.disconnect()
    except (OSError, TimeoutError, ua.UaError):
        client.disconnect_socket()


def refusal(error: ua.UaStatusCodeError) -> ConnectionFault:
    """What a bad status means to an operator."""
    name = ua.StatusCode(error.code).name
    if name in REFUSALS:
        return Refused(REFUSALS[name])
    return Barred(BARS.get(name, f"The server refused: {name}."))


def expired(certificate: bytes) -> bool:
    """Whether a certificate (DER) is no longer valid."""
    return bool(uacrypto.x509_from_der(certificate).not_valid_after_utc < dt.datetime.now(dt.UTC))


def _is_loopback(url: str) -> bool:
    host: Any = urlparse(url).hostname
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
