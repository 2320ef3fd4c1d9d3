"""Users and roles (Part 18): who may change what, what ends at once, what a restart keeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from asyncua import Client, ua
from opcuaserver import PASSWORD, OpcUaTestServer, answer, request, serve

from server.security.audit import AuditEntry
from server.security.users import Role

S = ua.StatusCodes
VT = ua.VariantType
Ids = ua.ObjectIds
FIRST, NEW = "first password of all", "another one altogether"
MUST_CHANGE, DISABLED = 8, 2
ROLES = {"Observer": 15668, "Operator": 15680, "Engineer": 16036, "SecurityAdmin": 15704}


async def call(client: Client, object_id: int, method: str, *arguments: ua.Variant) -> int:
    """Call a standard method; its StatusCode."""
    owner = ua.NodeId(object_id)
    method_id = ua.NodeId(getattr(Ids, method))
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(owner, method_id, list(arguments))])
    return int((await answer(client, ua.CallResponse, sent)).Results[0].StatusCode.value)


def text(value: str | None) -> ua.Variant:
    return ua.Variant(value, VT.String)


def flag(value: bool) -> ua.Variant:
    return ua.Variant(value, VT.Boolean)


def mask(value: int) -> ua.Variant:
    return ua.Variant(value, VT.UInt32)


async def add(client: Client, name: str, password: str = FIRST, options: int = 0, about: str = "") -> int:
    arguments = (text(name), text(password), mask(options), text(about))
    return await call(client, Ids.UserManagement, "UserManagement_AddUser", *arguments)


async def modify(client: Client, name: str, **changes: Any) -> int:
    arguments = [text(name)]
    for key, kind, nothing in (("password", text, ""), ("options", mask, 0), ("about", text, "")):
        arguments += [flag(key in changes), kind(changes.get(key, nothing))]
    return await call(client, Ids.UserManagement, "UserManagement_ModifyUser", *arguments)


async def remove(client: Client, name: str) -> int:
    return await call(client, Ids.UserManagement, "UserManagement_RemoveUser", text(name))


async def change(client: Client, old: str, new: str) -> int:
    return await call(client, Ids.UserManagement, "UserManagement_ChangePassword", text(old), text(new))


async def identity(
    client: Client, action: str, role: str, criterion: str, criteria: ua.IdentityCriteriaType | None = None
) -> int:
    rule = ua.IdentityMappingRuleType(criteria or ua.IdentityCriteriaType.UserName, criterion)
    argument = ua.Variant(rule, VT.ExtensionObject)
    return await call(client, ROLES[role], f"WellKnownRole_{role}_{action}Identity", argument)


async def identities(client: Client, role: str) -> list[str]:
    node = ua.NodeId(getattr(Ids, f"WellKnownRole_{role}_Identities"))
    return [rule.Criteria for rule in await client.get_node(node).read_value()]


async def users(client: Client) -> dict[str, tuple[int, str]]:
    found = await client.get_node(ua.NodeId(Ids.UserManagement_Users)).read_value()
    return {user.UserName: (int(user.UserConfiguration), user.Description) for user in found}


@pytest.fixture
async def admin(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    """An administrator; whatever accounts a test leaves are gone after it."""
    async with server.admin(client_home) as client:
        yield client
        for name in await users(client):
            if name not in ("admin", "hmi"):
                assert await remove(client, name) == 0


@pytest.fixture
def trail(server: OpcUaTestServer) -> Iterator[list[AuditEntry]]:
    """What is audited meanwhile, but for calls as such."""
    entries: list[AuditEntry] = []

    def keep(entry: AuditEntry) -> None:
        if entry.action not in ("call", "log in"):
            entries.append(entry)

    audit = server.app._opcua.audit
    server.inside(lambda: audit.sinks.append(keep))
    yield entries
    server.inside(lambda: audit.sinks.remove(keep))


@asynccontextmanager
async def logged_in(
    server: OpcUaTestServer, home: Path, name: str, password: str = FIRST, mode: str = "SignAndEncrypt"
) -> AsyncIterator[Client]:
    """A client of a user that does not mind when the server ends its session."""
    client = await server.secured(home, mode)
    client.set_user(name)
    client.set_password(password)
    await client.connect()
    try:
        yield client
    finally:
        try:
            await client.disconnect()
        except ua.UaError:
            client.disconnect_socket()


async def refusal(server: OpcUaTestServer, home: Path, name: str, password: str = FIRST) -> int:
    """With which StatusCode a log-in is refused."""
    with pytest.raises(ua.UaStatusCodeError) as refused:
        async with logged_in(server, home, name, password):
            pass
    server.inside(lambda: server.app._opcua.accounts.lockout.unlock(name))
    return int(refused.value.code)


def role_of(server: OpcUaTestServer, name: str) -> Role:
    """The role in which a user has a session."""
    sessions = server.app._opcua.sessions
    (role,) = server.inside(lambda: {s.user.role for s in sessions.by_token.values() if s.user.name == name})
    return role


# -- users


async def test_a_user_is_added_changed_and_removed(
    server: OpcUaTestServer, client_home: Path, admin: Client, trail: list[AuditEntry]
) -> None:
    assert await add(admin, "eve", about="Night shift") == 0
    assert (await users(admin))["eve"] == (0, "Night shift")
    async with logged_in(server, client_home, "eve"):
        assert role_of(server, "eve") is Role.VIEWER
    assert await modify(admin, "eve", about="Day shift", options=DISABLED) == 0
    assert (await users(admin))["eve"] == (DISABLED, "Day shift")
    assert await refusal(server, client_home, "eve") == S.BadUserAccessDenied
    assert await modify(admin, "eve", options=0, password=NEW) == 0
    async with logged_in(server, client_home, "eve", NEW):
        pass
    assert await remove(admin, "eve") == 0
    assert "eve" not in await users(admin)
    assert await refusal(server, client_home, "eve", NEW) == S.BadUserAccessDenied
    mine = [(e.action, e.user, e.target, e.old, e.new) for e in trail if e.target == "eve"]
    assert mine == [
        ("add user", "admin", "eve", "", "Viewer, enabled, Night shift"),
        ("change user", "admin", "eve", "Viewer, enabled, Night shift", "Viewer, disabled, Day shift"),
        ("set password", "admin", "eve", "", ""),
        ("change user", "admin", "eve", "Viewer, disabled, Day shift", "Viewer, enabled, Day shift"),
        ("remove user", "admin", "eve", "Viewer, enabled, Day shift", ""),
    ]
    assert not [e for e in trail if FIRST in repr(e) or NEW in repr(e)]


async def test_refusals_have_the_codes_of_the_standard(admin: Client) -> None:
    assert await add(admin, "eve") == 0
    assert await add(admin, "eve") == S.BadAlreadyExists
    assert await add(admin, "bob", "short") == S.BadOutOfRange
    assert await add(admin, "bob", "Password-1234") == S.BadOutOfRange
    assert await add(admin, "bob", "robert-bob-1", 1) == S.BadNotSupported  # NoDelete
    assert await add(admin, "bob", FIRST, 4) == S.BadNotSupported  # NoChangeByUser
    assert await add(admin, "bob", FIRST, 4 | MUST_CHANGE) == S.BadConfigurationError
    assert await add(admin, "bob", FIRST, 1 << 20) == S.BadNotSupported
    assert await add(admin, " bob") == S.BadInvalidArgument
    assert await add(admin, "") == S.BadInvalidArgument
    for wrong in (await remove(admin, "bob"), await modify(admin, "bob", options=0)):
        assert wrong == S.BadNotFound
    assert await modify(admin, "eve", password="short") == S.BadOutOfRange
    for wrong in (await remove(admin, "admin"), await modify(admin, "admin", options=DISABLED)):
        assert wrong == S.BadInvalidSelfReference
    assert (await users(admin))["hmi"][0] == 1 | 4
    for wrong in (
        await remove(admin, "hmi"),
        await modify(admin, "hmi", password=NEW),
        await identity(admin, "Add", "Engineer", "hmi"),
    ):
        assert wrong == S.BadNotSupported


async def test_password_rules_can_be_read_by_whoever_is_asked_to_change_it(server: OpcUaTestServer) -> None:
    async with server.client() as client:
        length = await client.get_node(ua.NodeId(Ids.UserManagement_PasswordLength)).read_value()
        assert (length.Low, length.High) == (12, 128)
        options = await client.get_node(ua.NodeId(Ids.UserManagement_PasswordOptions)).read_value()
        assert options == 1 | 2 | 16
        rules = await client.get_node(ua.NodeId(Ids.UserManagement_PasswordRestrictions)).read_value()
        assert "12 to 128 characters" in rules.Text


async def test_only_administrators_on_encrypted_channels(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    assert await add(admin, "eve") == 0
    assert await identity(admin, "Add", "Engineer", "eve") == 0
    async with server.client() as anonymous, logged_in(server, client_home, "eve") as engineer:
        for other in (anonymous, engineer):
            for wrong in (
                await add(other, "bob"),
                await modify(other, "eve", options=0),
                await remove(other, "admin"),
                await identity(other, "Add", "SecurityAdmin", "eve"),
                await identity(other, "Remove", "Engineer", "eve"),
            ):
                assert wrong == S.BadUserAccessDenied
            for node_id in (Ids.UserManagement_Users, Ids.WellKnownRole_Engineer_Identities):
                with pytest.raises(ua.UaStatusCodeError) as refused:
                    await other.get_node(ua.NodeId(node_id)).read_value()
                assert refused.value.code == S.BadUserAccessDenied
    async with logged_in(server, client_home, "admin", PASSWORD, mode="Sign") as signed:
        assert await add(signed, "bob") == S.BadSecurityModeInsufficient
        assert await change(signed, PASSWORD, NEW) == S.BadSecurityModeInsufficient


async def test_changes_end_the_sessions_of_the_user(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    for act in (
        lambda: modify(admin, "eve", options=DISABLED),
        lambda: modify(admin, "eve", password=NEW),
        lambda: identity(admin, "Add", "Operator", "eve"),
        lambda: remove(admin, "eve"),
    ):
        assert await add(admin, "eve") in (0, S.BadAlreadyExists)
        assert await modify(admin, "eve", options=0, password=FIRST) == 0
        async with logged_in(server, client_home, "eve") as client:
            assert await client.get_node(Ids.Server_ServerStatus_State).read_value() == 0
            assert await act() == 0
            with pytest.raises(ua.UaStatusCodeError) as ended:
                await client.get_node(Ids.Server_ServerStatus_State).read_value()
            assert ended.value.code == S.BadSessionIdInvalid


async def test_the_description_of_a_user_ends_no_session(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    assert await add(admin, "eve") == 0
    async with logged_in(server, client_home, "eve") as client:
        assert await modify(admin, "eve", about="Day shift") == 0
        assert await client.get_node(Ids.Server_ServerStatus_State).read_value() == 0


# -- roles


async def test_roles_are_given_and_taken(
    server: OpcUaTestServer, client_home: Path, admin: Client, trail: list[AuditEntry]
) -> None:
    assert await add(admin, "eve") == 0
    assert "eve" in await identities(admin, "Observer")
    for role, ours in (
        ("Operator", Role.OPERATOR),
        ("SecurityAdmin", Role.ADMIN),
        ("Engineer", Role.ENGINEER),
    ):
        assert await identity(admin, "Add", role, "eve") == 0
        assert await identity(admin, "Add", role, "eve") == S.BadAlreadyExists
        assert [r for r in ROLES if "eve" in await identities(admin, r)] == [role]
        async with logged_in(server, client_home, "eve"):
            assert role_of(server, "eve") is ours
    assert await identity(admin, "Remove", "Operator", "eve") == S.BadNotFound
    assert await identity(admin, "Remove", "Engineer", "eve") == 0
    assert "eve" in await identities(admin, "Observer")
    assert await identity(admin, "Remove", "Observer", "eve") == S.BadRequestNotAllowed
    assert [(e.old, e.new) for e in trail if e.action == "change role"] == [
        ("Viewer", "Operator"),
        ("Operator", "Admin"),
        ("Admin", "Engineer"),
        ("Engineer", "Viewer"),
    ]


async def test_rules_that_make_no_sense(admin: Client) -> None:
    criteria = ua.IdentityCriteriaType
    assert await identity(admin, "Add", "Operator", "nobody") == S.BadInvalidArgument
    assert await identity(admin, "Remove", "Operator", "nobody") == S.BadNotFound
    assert await identity(admin, "Add", "Operator", "") == S.BadInvalidArgument
    assert await identity(admin, "Add", "Operator", "x", criteria.Thumbprint) == S.BadInvalidArgument
    assert await identity(admin, "Add", "Operator", "CN=eve", criteria.X509Subject) == S.BadInvalidArgument
    assert await identity(admin, "Add", "Operator", "x", criteria.GroupId) == S.BadNotSupported
    assert await identity(admin, "Add", "Operator", "", criteria.Anonymous) == S.BadNotSupported


async def test_the_last_administrator_stays(admin: Client) -> None:
    assert await identity(admin, "Remove", "SecurityAdmin", "admin") == S.BadRequestNotAllowed
    assert await identity(admin, "Add", "Engineer", "admin") == S.BadRequestNotAllowed
    assert await add(admin, "eve") == 0
    assert await identity(admin, "Add", "SecurityAdmin", "eve") == 0
    assert await modify(admin, "eve", options=DISABLED) == 0
    assert await identity(admin, "Remove", "SecurityAdmin", "admin") == S.BadRequestNotAllowed


async def test_who_gives_up_being_administrator_does_so_at_once(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    assert await add(admin, "eve") == 0
    assert await identity(admin, "Add", "SecurityAdmin", "eve") == 0
    async with logged_in(server, client_home, "eve") as eve:
        rule = ua.Variant(
            ua.IdentityMappingRuleType(ua.IdentityCriteriaType.UserName, "eve"), VT.ExtensionObject
        )
        demote = ua.CallMethodRequest(
            ua.NodeId(ROLES["SecurityAdmin"]),
            ua.NodeId(Ids.WellKnownRole_SecurityAdmin_RemoveIdentity),
            [rule],
        )
        reach = ua.CallMethodRequest(
            ua.NodeId(Ids.UserManagement), ua.NodeId(Ids.UserManagement_RemoveUser), [text("admin")]
        )
        sent = request(ua.CallRequest, MethodsToCall=[demote, reach])
        results = (await answer(eve, ua.CallResponse, sent)).Results
    assert [r.StatusCode.value for r in results] == [S.Good, S.BadSessionClosed]


async def test_certificates_are_identities(admin: Client) -> None:
    criteria = ua.IdentityCriteriaType
    for kind, criterion, name in (
        (criteria.Thumbprint, "0A" * 20, "x509-" + "0A" * 8),
        (criteria.X509Subject, 'CN="mai"/O="Plant"', "mai"),
    ):
        assert await identity(admin, "Add", "Operator", criterion, kind) == 0
        assert await identity(admin, "Add", "Operator", criterion, kind) == S.BadAlreadyExists
        assert criterion in await identities(admin, "Operator")
        assert name in await users(admin)
        assert await identity(admin, "Add", "Engineer", criterion, kind) == 0
        assert criterion in await identities(admin, "Engineer")
        assert await identity(admin, "Remove", "Engineer", criterion, kind) == 0
        assert name not in await users(admin)


# -- one-time passwords


async def test_a_one_time_password_opens_nothing_but_its_change(
    server: OpcUaTestServer, client_home: Path, admin: Client, trail: list[AuditEntry]
) -> None:
    assert await add(admin, "eve", options=MUST_CHANGE) == 0
    assert await identity(admin, "Add", "SecurityAdmin", "eve") == 0
    async with logged_in(server, client_home, "eve") as eve:
        assert role_of(server, "eve") is Role.ANONYMOUS
        for wrong in (
            await add(eve, "bob"),
            await remove(eve, "admin"),
            await modify(eve, "eve", options=0),
            await identity(eve, "Remove", "SecurityAdmin", "admin"),
        ):
            assert wrong == S.BadUserAccessDenied
        assert await change(eve, FIRST, "short") == S.BadOutOfRange
        assert await change(eve, FIRST, FIRST) == S.BadAlreadyExists
        assert await change(eve, "wrong", NEW) == S.BadIdentityTokenInvalid
        assert await change(eve, FIRST, NEW) == 0
        assert role_of(server, "eve") is Role.ANONYMOUS  # until the session is activated anew
        await eve.activate_session("eve", NEW)
        assert role_of(server, "eve") is Role.ADMIN
        assert (await users(eve))["eve"] == (0, "")
    assert await refusal(server, client_home, "eve") == S.BadUserAccessDenied
    assert [e.user for e in trail if e.action == "change password"] == ["eve"]


async def test_activation_says_that_the_password_must_change(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    assert await add(admin, "eve", options=MUST_CHANGE) == 0
    said: list[int] = []
    async with logged_in(server, client_home, "admin", PASSWORD) as client:
        original = client.uaclient.activate_session

        async def activate(parameters: Any) -> Any:
            sent = ua.ActivateSessionRequest()
            sent.Parameters = parameters
            response = await answer(client, ua.ActivateSessionResponse, sent)
            said.append(response.ResponseHeader.ServiceResult.value)
            return response.Parameters

        client.uaclient.activate_session = activate
        await client.activate_session("eve", FIRST)
        await client.activate_session("admin", PASSWORD)
        client.uaclient.activate_session = original
    assert said == [S.GoodPasswordChangeRequired, S.Good]


async def test_ones_own_password_ends_ones_other_sessions(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    assert await add(admin, "eve") == 0
    async with logged_in(server, client_home, "eve") as here, logged_in(server, client_home, "eve") as there:
        assert await change(here, FIRST, NEW) == 0
        assert await here.get_node(Ids.Server_ServerStatus_State).read_value() == 0
        with pytest.raises(ua.UaStatusCodeError):
            await there.get_node(Ids.Server_ServerStatus_State).read_value()


async def test_nobody_has_no_password(server: OpcUaTestServer, client_home: Path) -> None:
    async with server.client() as client:
        assert await change(client, "", NEW) == S.BadSecurityModeInsufficient


# -- guessing


async def test_a_lock_out_is_audited_once(
    server: OpcUaTestServer, client_home: Path, admin: Client, trail: list[AuditEntry]
) -> None:
    assert await add(admin, "eve") == 0
    accounts = server.app._opcua.accounts

    async def guess() -> None:
        await asyncio.gather(*(accounts.authenticate("eve", f"guess {i}", "10.9.9.9:1") for i in range(9)))

    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(guess(), server.loop))
    assert [(e.user, e.new, e.status) for e in trail if e.action == "lock out"] == [
        ("eve", "10.9.9.9:1", S.BadUserAccessDenied)
    ]
    async with logged_in(server, client_home, "eve"):  # from elsewhere eve comes in
        pass


async def test_guessing_costs_other_log_ins_little(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    """A guesser keeps both hashing threads busy; somebody elsewhere still comes in between."""
    accounts = server.app._opcua.accounts

    async def guess_and_log_in() -> tuple[int, str | None]:
        guesses = [
            asyncio.create_task(accounts.authenticate("admin", f"guess {i}", "10.9.9.9:1")) for i in range(30)
        ]
        await asyncio.sleep(0)
        user = await accounts.authenticate("admin", PASSWORD, "10.8.8.8:1")
        waiting = sum(not guess.done() for guess in guesses)
        await asyncio.gather(*guesses)
        return waiting, user.name if user else None

    found = asyncio.run_coroutine_threadsafe(guess_and_log_in(), server.loop)
    waiting, name = await asyncio.wrap_future(found)
    assert name == "admin"
    assert waiting > 20


async def test_too_many_guesses_at_once_are_refused_as_such(
    server: OpcUaTestServer, client_home: Path, admin: Client
) -> None:
    client = await server.secured(client_home)
    await client.connect_socket()
    try:
        await client.send_hello()
        await client.open_secure_channel()
        await client.create_session()
        accounts = server.app._opcua.accounts

        async def flood() -> None:
            for i in range(40):
                task = asyncio.create_task(accounts.authenticate("eve", f"{i}", "127.0.0.1:1"))
                task.add_done_callback(lambda done: done.exception())

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(flood(), server.loop))
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await client.activate_session("eve", "x")
        assert refused.value.code == S.BadServerTooBusy
    finally:
        client.disconnect_socket()


# -- restart


async def test_users_outlive_a_restart(home: Path, postgres: str, client_home: Path) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE users")
    url = psycopg.conninfo.make_conninfo(postgres, dbname="users")
    server, end = await asyncio.to_thread(serve, home, url, admin={}, demo=False)
    try:
        one_time = server.app.admin_password
        assert one_time is not None
        async with logged_in(server, client_home, "admin", one_time) as admin:
            assert await add(admin, "eve") == S.BadUserAccessDenied
            with pytest.raises(ua.UaStatusCodeError):
                await admin.get_node(server.node_id("Bangrak/UPS-1/S01/J05.Voltage")).read_value()
            assert await change(admin, one_time, NEW) == 0
            await admin.activate_session("admin", NEW)
            assert await add(admin, "eve", options=MUST_CHANGE, about="Night shift") == 0
            assert await identity(admin, "Add", "Operator", "eve") == 0
    finally:
        await asyncio.to_thread(end)
    server, end = await asyncio.to_thread(serve, home, url, admin={}, demo=False)
    try:
        assert server.app.admin_password is None
        async with logged_in(server, client_home, "admin", NEW) as admin:
            assert (await users(admin))["eve"] == (MUST_CHANGE, "Night shift")
            assert "eve" in await identities(admin, "Operator")
        async with logged_in(server, client_home, "eve"):
            assert role_of(server, "eve") is Role.ANONYMOUS
    finally:
        await asyncio.to_thread(end)
