"""User management as an OPC UA client of the running server (Part 18), for the command line.

Whether the server is away, does not let this user in, or refuses what was asked: a `RequestError` says it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256

from config.settings import Settings
from server.errors import RequestError
from server.security.certificates import Application, own_certificate
from server.security.certificatestore import CertificateStore

Ids = ua.ObjectIds
VT = ua.VariantType
APPLICATION_URI: Final = "urn:voltkeep:cli"
TIMEOUT: Final = 10.0
ROLES: Final = {
    "Viewer": "Observer",
    "Operator": "Operator",
    "Engineer": "Engineer",
    "Admin": "SecurityAdmin",
}
DISABLED: Final = int(ua.UserConfigurationMask.Disabled)
MUST_CHANGE: Final = int(ua.UserConfigurationMask.MustChangePassword)
_SAID: Final = {
    "BadUserAccessDenied": "User name or password is wrong, or this user is no administrator. A one-time "
    "password must be changed first: voltkeep user password",
    "BadIdentityTokenInvalid": "The old password is wrong.",
    "BadIdentityTokenRejected": "User name or password is wrong.",
    "BadServerTooBusy": "Too many log-ins at once. Try again.",
    "BadAlreadyExists": "It is so already: the user, the role or the password is there.",
    "BadNotFound": "There is no such user.",
    "BadInvalidArgument": "There is no such user, or nobody can have that name.",
    "BadOutOfRange": "The password does not follow the rules",
    "BadRequestNotAllowed": "This is the last administrator.",
    "BadInvalidSelfReference": "Nobody removes or disables themselves: let another administrator do it.",
    "BadNotSupported": "This account is Voltkeep's own: it can only be disabled.",
    "BadResourceUnavailable": "The server cannot store it: its database is away, or it has too many users.",
    "BadCertificateUntrusted": "The server does not trust the certificate of this program",
    "BadSecurityChecksFailed": "The server does not trust the certificate of this program",
}


@dataclass(frozen=True)
class Listed:
    """A user as the server tells."""

    name: str
    role: str
    configuration: int
    description: str

    @property
    def marks(self) -> str:
        """What is worth knowing besides."""
        mask = ua.UserConfigurationMask
        marks = [
            "disabled" if self.configuration & mask.Disabled else "",
            "must change the password" if self.configuration & mask.MustChangePassword else "",
            self.description,
        ]
        return ", ".join(filter(None, marks))


class UserClient:
    """What an administrator may do, over a session of theirs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def all(self) -> list[Listed]:
        """All users."""
        users = await self._read(Ids.UserManagement_Users)
        roles: dict[str, str] = {}
        for ours, theirs in ROLES.items():
            for rule in await self._read(getattr(Ids, f"WellKnownRole_{theirs}_Identities")):
                roles[_account_of(rule)] = ours
        return [
            Listed(u.UserName, roles.get(u.UserName, ""), int(u.UserConfiguration), u.Description or "")
            for u in users
        ]

    async def _configuration(self, name: str) -> int:
        for user in await self._read(Ids.UserManagement_Users):
            if user.UserName == name:
                return int(user.UserConfiguration)
        raise RequestError(_SAID["BadNotFound"])

    async def add(self, name: str, password: str, description: str) -> None:
        """Add a user with role Viewer and a one-time password."""
        configuration = ua.Variant(MUST_CHANGE, VT.UInt32)
        await self._manage("AddUser", _text(name), _text(password), configuration, _text(description))

    async def configure(
        self, name: str, *, enabled: bool | None = None, one_time_password: str | None = None
    ) -> None:
        """Change whether a user is enabled, and the password; this ends a lock-out, too."""
        mask = await self._configuration(name)
        if enabled is not None:
            mask = mask & ~DISABLED if enabled else mask | DISABLED
        if one_time_password is not None:
            mask |= MUST_CHANGE
        await self._manage(
            "ModifyUser",
            _text(name),
            ua.Variant(one_time_password is not None, VT.Boolean),
            _text(one_time_password or ""),
            ua.Variant(True, VT.Boolean),
            ua.Variant(mask, VT.UInt32),
            ua.Variant(False, VT.Boolean),
            _text(""),
        )

    async def remove(self, name: str) -> None:
        """Remove a user."""
        await self._manage("RemoveUser", _text(name))

    async def change_password(self, old: str, new: str) -> None:
        """Change one's own password."""
        await self._manage("ChangePassword", _text(old), _text(new))

    async def give_role(self, role: str, criterion: str, kind: str = "UserName") -> None:
        """Give a role, by one of our names, to whom a criterion of that kind means (Part 18, 4.4.4)."""
        theirs = ROLES[role]
        rule = ua.IdentityMappingRuleType(ua.IdentityCriteriaType[kind], criterion)
        argument = ua.Variant(rule, VT.ExtensionObject)
        await self._call(f"WellKnownRole_{theirs}", f"WellKnownRole_{theirs}_AddIdentity", argument)

    async def _manage(self, method: str, *arguments: ua.Variant) -> None:
        await self._call("UserManagement", f"UserManagement_{method}", *arguments)

    async def _call(self, owner: str, method: str, *arguments: ua.Variant) -> None:
        node = self._client.get_node(ua.NodeId(getattr(Ids, owner)))
        await node.call_method(ua.NodeId(getattr(Ids, method)), *arguments)

    async def _read(self, node_id: int) -> list[Any]:
        found = await self._client.get_node(ua.NodeId(node_id)).read_value()
        return list(found or ())

    async def rules(self) -> str:
        """The rules of passwords in words."""
        node = self._client.get_node(ua.NodeId(Ids.UserManagement_PasswordRestrictions))
        return str((await node.read_value()).Text)


@asynccontextmanager
async def connected(settings: Settings, user: str, password: str) -> AsyncIterator[UserClient]:
    """A client that has logged in to the server of these settings; every fault is a `RequestError`."""
    async with logged_in(settings, user, password, "voltkeep user") as client:
        users = UserClient(client)
        try:
            yield users
        except ua.UaStatusCodeError as error:
            raise RequestError(await _words(users, error)) from None


@asynccontextmanager
async def logged_in(
    settings: Settings, user: str, password: str, name: str, timeout: float = TIMEOUT
) -> AsyncIterator[Client]:
    """A session of a command; that it does not come about, or breaks, is a `RequestError`."""
    client = Client(settings.endpoint, timeout=timeout)
    client.application_uri = APPLICATION_URI
    client.name = client.description = name
    client.set_user(user)
    client.set_password(password)
    try:
        await _secure(client, settings)
        async with client:
            yield client
    except ua.UaStatusCodeError as error:
        raise RequestError(_said(error, settings)) from None
    except (OSError, TimeoutError, ua.UaError):
        raise RequestError(f"No server answers at {settings.endpoint}. Is it running?") from None


async def _secure(client: Client, settings: Settings) -> None:
    """A certificate of our own; whoever may write to the server's home is trusted by it, and knows it."""
    pki, server = settings.home / "pki", settings.home / "pki" / "own" / "own.der"
    application = Application(APPLICATION_URI, "Voltkeep CLI", socket.gethostname())
    made = await asyncio.to_thread(own_certificate, pki / "cli", application, "cli")
    if server.exists():
        store = CertificateStore(pki)
        if not (store.trust_list().trusts(made.certificate) or store.was_rejected(made.certificate)):
            store.trust(made.certificate)
    await client.set_security(
        SecurityPolicyBasic256Sha256,
        str(pki / "cli" / "cli.der"),
        str(pki / "cli" / "cli.key.pem"),
        server_certificate=str(server) if server.exists() else None,
        mode=ua.MessageSecurityMode.SignAndEncrypt,
    )


def _account_of(rule: ua.IdentityMappingRuleType) -> str:
    """The name of the account that a rule means; the server names accounts of certificates so."""
    if rule.CriteriaType is ua.IdentityCriteriaType.Thumbprint:
        return f"x509-{rule.Criteria[:16]}"
    if rule.CriteriaType is ua.IdentityCriteriaType.X509Subject:
        return str(rule.Criteria.split('"')[1])
    return str(rule.Criteria)


def _text(value: str) -> ua.Variant:
    return ua.Variant(value, VT.String)


async def _words(users: UserClient, error: ua.UaStatusCodeError) -> str:
    name = ua.StatusCode(error.code).name
    if name == "BadOutOfRange":
        return f"{_SAID[name]}: {await users.rules()}"
    return _SAID.get(name, f"The server refused: {name}.")


def _said(error: ua.UaStatusCodeError, settings: Settings) -> str:
    name = ua.StatusCode(error.code).name
    if "trust" in _SAID.get(name, ""):
        return f"{_SAID[name]}: {settings.home / 'pki' / 'cli' / 'cli.der'}"
    return _SAID.get(name, f"The server refused: {name}.")
