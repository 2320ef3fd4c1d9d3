"""Web sessions: how long they last, what ends them, and what never does."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest
from asyncua import ua

from config.settings import Hmi
from hmi.accounts import MAX_OF_USER, Accounts, Throttled
from hmi.endpoint import Away, Barred, Endpoint, Identity, Refused
from hmi.roles import ROLES, highest
from hmi.userclient import UserClient
from hmi.websession import Terms, WebSession

TERMS = Terms.of_settings(Hmi(timeouts={"Operator": 480}))
OPERATOR = (ua.ObjectIds.WellKnownRole_Observer, ua.ObjectIds.WellKnownRole_Operator)


class Client:
    """An OPC UA session that answers, or fails as it was told to."""

    def __init__(self, roles: tuple[int, ...]) -> None:
        self.must_change = False
        self.fault: Exception | None = None
        self.closed = asyncio.Event()
        self.uaclient = SimpleNamespace(read_attributes=self.read_attributes)
        self._roles = roles

    async def read_attributes(self, nodes: list[ua.NodeId], attribute: ua.AttributeIds) -> list[ua.DataValue]:
        if self.fault is not None:
            raise self.fault
        granted = [ua.RolePermissionType(ua.NodeId(role), ua.PermissionType(1)) for role in self._roles]
        return [ua.DataValue(ua.Variant(granted))]

    async def disconnect(self) -> None:
        self.closed.set()


class Server:
    """An endpoint that opens sessions, or refuses to."""

    def __init__(self) -> None:
        self.roles: tuple[int, ...] = OPERATOR
        self.fault: Exception | None = None
        self.opened: list[tuple[Identity, Client]] = []

    async def open(self, identity: Identity, watchdog: float = 10.0) -> UserClient:
        if self.fault is not None:
            raise self.fault
        client = Client(self.roles)
        self.opened.append((identity, client))
        return cast(UserClient, client)

    @property
    def last(self) -> Client:
        return self.opened[-1][1]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def up() -> dict[str, bool]:
    return {"up": True}


@pytest.fixture
def accounts(server: Server, up: dict[str, bool]) -> Accounts:
    return Accounts(cast(Endpoint, server), TERMS, lambda: up["up"])


async def answer(client: Any) -> str:
    await client.uaclient.read_attributes([], ua.AttributeIds.Value)
    return "answer"


def test_the_highest_role_counts() -> None:
    assert highest(set()) == ""
    assert highest({ua.NodeId(ua.ObjectIds.WellKnownRole_Anonymous)}) == ""
    granted: set[ua.NodeId] = set()
    for role, identifiers in ROLES.items():
        granted |= {ua.NodeId(identifier) for identifier in identifiers}
        assert highest(granted) == role


def test_terms_by_role() -> None:
    assert TERMS.of("Admin").idle == 15 * 60
    assert TERMS.of("Operator").idle == 8 * 3600
    assert TERMS.of("").idle == 15 * 60  # whoever it is has the shortest
    assert TERMS.of("Viewer").longest == 24 * 3600
    assert TERMS.of("Admin").warning == 60


async def test_only_what_a_person_does_keeps_a_session(accounts: Accounts) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    assert session.role == "Operator"
    session.used -= 7 * 3600
    left = session.left(time.monotonic())
    assert accounts.find(session.token) is session
    await accounts.ask(session, answer)
    assert session.left(time.monotonic()) <= left
    accounts.touch(session)
    assert session.left(time.monotonic()) > 8 * 3600 - 1
    session.used -= 8 * 3600
    assert accounts.find(session.token) is None


async def test_nothing_keeps_a_session_for_ever(accounts: Accounts) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    assert not session.final()
    session.opened -= 24 * 3600
    accounts.touch(session)
    assert session.final()
    assert accounts.find(session.token) is None


async def test_a_made_up_token_is_no_session(accounts: Accounts) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    for token in ("", None, "x", session.token + "x", session.token[:-1]):
        assert accounts.find(token) is None


async def closed(*clients: Client) -> None:
    """Wait until sessions on the server were closed in the background."""
    async with asyncio.timeout(5):
        for client in clients:
            await client.closed.wait()


async def test_whom_the_server_sends_away_is_logged_out(accounts: Accounts, server: Server) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    told: list[str] = []

    async def ending() -> None:
        told.append("ended")

    session.endings.add(ending)
    server.last.fault = ua.UaStatusCodeError(ua.StatusCodes.BadSessionIdInvalid)
    with pytest.raises(Refused, match="ended your session"):
        await accounts.ask(session, answer)
    assert len(server.opened) == 1  # not opened again with a password that may be wrong by now
    assert accounts.find(session.token) is None
    await closed(server.last)
    assert told == ["ended"]
    with pytest.raises(Refused):
        await accounts.ask(session, answer)


@pytest.mark.parametrize("loss", [ConnectionError("closed"), TimeoutError()])
async def test_after_a_loss_the_session_is_opened_again(
    accounts: Accounts, server: Server, loss: Exception
) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    first = server.last
    first.fault = loss
    assert await accounts.ask(session, answer) == "answer"
    assert accounts.find(session.token) is session
    await closed(first)


async def test_while_the_server_is_away_nobody_waits_for_it(
    accounts: Accounts, server: Server, up: dict[str, bool]
) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    server.last.fault, up["up"] = ConnectionError("closed"), False
    with pytest.raises(Away):
        await accounts.ask(session, answer)
    assert len(server.opened) == 1
    up["up"] = True
    assert await accounts.ask(session, answer) == "answer"


async def test_who_is_no_longer_accepted_after_a_loss_is_logged_out(
    accounts: Accounts, server: Server
) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    server.last.fault, server.fault = ConnectionError("closed"), Refused("wrong")
    with pytest.raises(Refused):
        await accounts.ask(session, answer)
    assert accounts.find(session.token) is None


@pytest.mark.parametrize("fault", [Barred("busy"), Away("silent")])
async def test_a_busy_server_logs_nobody_out(accounts: Accounts, server: Server, fault: Exception) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    server.last.fault, server.fault = ConnectionError("closed"), fault
    with pytest.raises(type(fault)):
        await accounts.ask(session, answer)
    assert accounts.find(session.token) is session
    server.fault = None
    assert await accounts.ask(session, answer) == "answer"


async def test_with_another_role_after_a_loss_one_logs_in_again(accounts: Accounts, server: Server) -> None:
    session = await accounts.log_in("kanya", "p", "10.0.0.1")
    server.last.fault = ConnectionError("closed")
    server.roles = (ua.ObjectIds.WellKnownRole_Observer,)
    with pytest.raises(Refused):
        await accounts.ask(session, answer)
    assert accounts.find(session.token) is None
    await closed(*(client for _, client in server.opened))


async def test_a_new_password_renews_the_token_and_ends_all_other_sessions(
    accounts: Accounts, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = await accounts.log_in("kanya", "old", "10.0.0.2")
    stranger = await accounts.log_in("anan", "p", "10.0.0.3")
    session = await accounts.log_in("kanya", "old", "10.0.0.1")
    token = session.token

    async def call(client: Any, requests: list[Any]) -> list[Any]:
        return [ua.CallMethodResult(StatusCode=ua.StatusCode(ua.StatusCodes.Good))]

    monkeypatch.setattr("hmi.accounts._call", call)
    assert (await accounts.change_password(session, "old", "new")).is_good()
    assert accounts.find(token) is None
    assert accounts.find(session.token) is session
    assert accounts.find(other.token) is None
    assert accounts.find(stranger.token) is stranger
    assert server.opened[-1][0] == Identity("kanya", "new")
    assert len(server.opened) == 4


async def test_only_wrong_passwords_count_as_guesses(accounts: Accounts, server: Server) -> None:
    async def tries(fault: Exception) -> None:
        server.fault = fault
        for _ in range(4):
            with pytest.raises(type(fault)):
                await accounts.log_in("kanya", "p", "2001:db8::1")

    await tries(Barred("busy"))
    await tries(Refused("wrong"))
    with pytest.raises(Throttled):
        await accounts.log_in("kanya", "p", "10.0.0.1")
    with pytest.raises(Throttled):  # another name, another address of the same network
        await accounts.log_in("anan", "p", "2001:db8::ffff")


async def test_one_user_cannot_push_others_out(accounts: Accounts) -> None:
    other = await accounts.log_in("anan", "p", "10.0.0.2")
    mine = [await accounts.log_in("kanya", "p", "10.0.0.1") for _ in range(MAX_OF_USER + 1)]
    assert accounts.find(other.token) is other
    assert accounts.find(mine[0].token) is None
    assert accounts.find(mine[-1].token) is mine[-1]


async def test_the_service_account_does_not_log_in(accounts: Accounts, server: Server) -> None:
    with pytest.raises(Refused):
        await accounts.log_in("hmi", "p", "10.0.0.1")
    assert not server.opened


async def test_care_ends_what_is_over_and_asks_for_the_rest(
    accounts: Accounts, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmi.accounts.CARE", 0)
    idle = await accounts.log_in("anan", "p", "10.0.0.1")
    idle.used -= 9 * 3600
    dismissed = await accounts.log_in("kanya", "p", "10.0.0.1")
    dismissed.checked -= 5
    server.last.fault = ua.UaStatusCodeError(ua.StatusCodes.BadSessionIdInvalid)
    care = asyncio.create_task(accounts.run())
    await closed(*(client for _, client in server.opened))
    care.cancel()
    assert idle.ended
    assert dismissed.ended


async def test_close_ends_all_sessions_on_the_server(accounts: Accounts, server: Server) -> None:
    sessions: list[WebSession] = [await accounts.log_in(name, "p", "10.0.0.1") for name in "abc"]
    await accounts.close()
    assert all(client.closed.is_set() for _, client in server.opened)
    assert all(session.ended for session in sessions)
