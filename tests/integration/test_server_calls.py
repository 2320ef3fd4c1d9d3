"""Call (Part 4, 5.12): which method is meant, which arguments it takes, and how calls stand to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request

from server.security.audit import AuditEntry
from server.security.permissions import Profile
from server.services.method import Function, Invocation, MethodError, MethodService, Outputs

pytestmark = pytest.mark.asyncio(loop_scope="module")

S = ua.StatusCodes
Ids = ua.ObjectIds
VT = ua.VariantType


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(server: OpcUaTestServer) -> AsyncIterator[Client]:
    async with server.client() as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    async with server.admin(client_home) as client:
        yield client


class Methods:
    """Methods of standard types that nobody answers, answered for a test."""

    def __init__(self, server: OpcUaTestServer) -> None:
        handler = server.app._opcua.dispatcher._secured[int(Ids.CallRequest_Encoding_DefaultBinary)]
        self._service: MethodService = handler.__self__  # type: ignore[attr-defined]
        self._declared = self._service._permissions._declared
        self._server = server
        self._before: dict[ua.NodeId, tuple[Any, Any]] = {}
        self.calls: list[list[Any]] = []

    def add(
        self, method: int, function: Function | None = None, profile: Profile = Profile.CALL_OPEN
    ) -> None:
        """Serve a standard method, which the server may serve otherwise, as long as the test lasts."""
        node_id = ua.NodeId(method)
        assert node_id not in self._before
        self._before[node_id] = self._service._methods.get(node_id), self._declared.get(node_id)
        self._server.inside(lambda: self._service.add(node_id, profile, function or self._note))

    def _note(self, call: Invocation) -> Outputs:
        self.calls.append(call.values)
        return ()

    def leave(self) -> None:
        for node_id, (served, profile) in self._before.items():
            del self._service._methods[node_id]
            del self._declared[node_id]
            if served is None:
                self._service._space.executable.discard(node_id)
                continue
            self._service._methods[node_id] = served
            self._declared[node_id] = profile


@pytest.fixture
def methods(server: OpcUaTestServer) -> Iterator[Methods]:
    made = Methods(server)
    yield made
    made.leave()


def wanted(owner: Any, method: Any, *arguments: ua.Variant) -> ua.CallMethodRequest:
    ids = [each if isinstance(each, ua.NodeId) else ua.NodeId(each) for each in (owner, method)]
    return ua.CallMethodRequest(*ids, list(arguments))


async def call(client: Client, *calls: ua.CallMethodRequest) -> list[ua.CallMethodResult]:
    sent = request(ua.CallRequest, MethodsToCall=list(calls))
    found: list[ua.CallMethodResult] = (await answer(client, ua.CallResponse, sent)).Results
    return found


async def code(client: Client, *one: Any) -> int:
    return int((await call(client, wanted(*one)))[0].StatusCode.value)


async def test_a_method_of_the_type_is_that_of_the_object(client: Client, server: OpcUaTestServer) -> None:
    """Part 4, 5.12.2: MethodId may be that of the object's type."""
    simulation = server.node_id("Simulation")
    assert await code(client, simulation, ua.NodeId("SimulationType.List", server.ns - 1)) == S.Good
    other = ua.NodeId("AnalyticsType.PredictRul", server.ns - 1)
    assert await code(client, simulation, other) == S.BadMethodInvalid


async def test_a_method_of_the_type_asks_for_the_role_too(client: Client, server: OpcUaTestServer) -> None:
    stop = ua.NodeId("SimulationType.Stop", server.ns - 1)
    argument = ua.Variant("SIM-0001", VT.String)
    assert await code(client, server.node_id("Simulation"), stop, argument) == S.BadUserAccessDenied


@pytest.mark.parametrize(
    ("owner", "method", "expected"),
    [
        (Ids.TrustListType, Ids.TrustListType_OpenWithMasks, S.BadNotExecutable),
        (Ids.FileType, Ids.FileType, S.BadMethodInvalid),
        (Ids.FileType, Ids.FileType_Size, S.BadMethodInvalid),
        (Ids.FileType, 4_000_000, S.BadMethodInvalid),
        (4_000_000, Ids.FileType_Open, S.BadNodeIdUnknown),
    ],
)
async def test_what_is_no_method_is_not_called(
    client: Client, owner: int, method: int, expected: int
) -> None:
    assert await code(client, owner, method) == expected


def rule() -> ua.Variant:
    return ua.Variant(ua.IdentityMappingRuleType(), VT.ExtensionObject)


@pytest.mark.parametrize(
    ("owner", "method", "good", "bad"),
    [
        # Duration is a Double.
        (
            Ids.ShelvedStateMachineType,
            Ids.ShelvedStateMachineType_TimedShelve,
            [[ua.Variant(1.0, VT.Double)]],
            [[ua.Variant(1, VT.Int32)], [ua.Variant(1.0, VT.Float)], [ua.Variant()]],
        ),
        # UInt32 and ByteString.
        (
            Ids.FileType,
            Ids.FileType_Write,
            [[ua.Variant(1, VT.UInt32), ua.Variant(b"x", VT.ByteString)]],
            [
                [ua.Variant(1, VT.Int32), ua.Variant(b"x", VT.ByteString)],
                [ua.Variant(1, VT.UInt32), ua.Variant("x", VT.String)],
                [ua.Variant([1], VT.UInt32), ua.Variant(b"x", VT.ByteString)],
            ],
        ),
        # A structure is of its type, not of another.
        (
            Ids.RoleType,
            Ids.RoleType_AddIdentity,
            [[rule()]],
            [
                [ua.Variant(ua.Range(1.0, 2.0), VT.ExtensionObject)],
                [ua.Variant([ua.IdentityMappingRuleType()], VT.ExtensionObject)],
            ],
        ),
    ],
)
async def test_arguments_are_of_the_types_that_clients_are_told(
    client: Client,
    methods: Methods,
    owner: int,
    method: int,
    good: list[list[ua.Variant]],
    bad: list[list[ua.Variant]],
) -> None:
    methods.add(method)
    for arguments in good:
        assert await code(client, owner, method, *arguments) == S.Good
    for arguments in bad:
        (found,) = await call(client, wanted(owner, method, *arguments))
        assert found.StatusCode.value == S.BadInvalidArgument
        codes = [status.value for status in found.InputArgumentResults]
        assert len(codes) == len(arguments)
        assert S.BadTypeMismatch in codes
    assert methods.calls == [[value.Value for value in arguments] for arguments in good]
    assert await code(client, owner, method) == S.BadArgumentsMissing
    assert await code(client, owner, method, *good[0], *good[0]) == S.BadTooManyArguments


async def test_the_object_must_allow_it_as_well(client: Client, methods: Methods) -> None:
    """Part 3, 8.55: Call is asked of the object and of the method."""
    methods.add(Ids.FileType_Close)
    permissions = methods._service._permissions
    permissions.declare(ua.NodeId(Ids.FileType), Profile.ADMIN_ONLY)
    try:
        argument = ua.Variant(1, VT.UInt32)
        assert await code(client, Ids.FileType, Ids.FileType_Close, argument) == S.BadUserAccessDenied
    finally:
        permissions._declared.pop(ua.NodeId(Ids.FileType))


async def test_administration_needs_encryption(
    server: OpcUaTestServer, client_home: Path, admin: Client, methods: Methods
) -> None:
    methods.add(Ids.FileType_Close, profile=Profile.CALL_ADMIN)
    argument = ua.Variant(1, VT.UInt32)
    assert await code(admin, Ids.FileType, Ids.FileType_Close, argument) == S.Good
    sent = wanted(Ids.FileType, Ids.FileType_Close, argument)
    async with server.admin(client_home, mode="Sign") as signed:
        assert (await call(signed, sent))[0].StatusCode.value == S.BadSecurityModeInsufficient


async def test_a_slow_method_keeps_nobody_waiting(
    client: Client, server: OpcUaTestServer, methods: Methods
) -> None:
    """Neither others nor the same client; but calls of one request are done in order."""
    done: list[str] = []
    gate: asyncio.Event = server.inside(asyncio.Event)

    async def slow(_call: Invocation) -> Outputs:
        await gate.wait()
        done.append("slow")
        return ()

    def quick(_call: Invocation) -> Outputs:
        done.append("quick")
        return ()

    methods.add(Ids.FileType_Close, slow)
    methods.add(Ids.FileType_GetPosition, quick)
    argument = ua.Variant(1, VT.UInt32)
    first = wanted(Ids.FileType, Ids.FileType_Close, argument)
    second = wanted(Ids.FileType, Ids.FileType_GetPosition, argument)
    waiting = asyncio.create_task(call(client, first, second))
    await call(client, second)
    assert done == ["quick"]
    server.inside(gate.set)
    assert [result.StatusCode.value for result in await waiting] == [S.Good, S.Good]
    assert done == ["quick", "slow", "quick"]


async def test_a_defect_costs_only_its_own_answer(client: Client, methods: Methods) -> None:
    def broken(_call: Invocation) -> Outputs:
        raise RuntimeError("broken")

    def refused(_call: Invocation) -> Outputs:
        raise MethodError(S.BadInvalidState)

    methods.add(Ids.FileType_Close, broken)
    methods.add(Ids.FileType_GetPosition, refused)
    argument = ua.Variant(1, VT.UInt32)
    found = await call(
        client,
        wanted(Ids.FileType, Ids.FileType_Close, argument),
        wanted(Ids.FileType, Ids.FileType_GetPosition, argument),
    )
    assert [result.StatusCode.value for result in found] == [S.BadInternalError, S.BadInvalidState]


async def test_the_caller_is_known(admin: Client, server: OpcUaTestServer, methods: Methods) -> None:
    seen: list[Invocation] = []

    def note(invocation: Invocation) -> Outputs:
        seen.append(invocation)
        return ()

    methods.add(Ids.FileType_Close, note)
    await code(admin, Ids.FileType, Ids.FileType_Close, ua.Variant(1, VT.UInt32))
    (found,) = seen
    assert (found.user.name, found.object_id) == ("admin", ua.NodeId(Ids.FileType))
    assert found.peer.startswith("127.0.0.1:")
    assert found.session.activated


async def test_what_changes_something_is_audited(
    client: Client, admin: Client, methods: Methods, entries: list[AuditEntry]
) -> None:
    methods.add(Ids.FileType_Close, profile=Profile.CALL_ENGINEER)
    methods.add(Ids.FileType_GetPosition)
    argument = ua.Variant(7, VT.UInt32)
    for one in (client, admin):
        await code(one, Ids.FileType, Ids.FileType_Close, argument)
        await code(one, Ids.FileType, Ids.FileType_GetPosition, argument)
    found = [entry for entry in entries if entry.kind == Ids.AuditUpdateMethodEventType]
    assert [(e.user, e.status) for e in found] == [("", S.BadUserAccessDenied), ("admin", S.Good)]
    fields = {path[0]: value.Value for path, value in found[1].fields.items()}
    assert fields["MethodId"] == ua.NodeId(Ids.FileType_Close)
    assert [value.Value for value in fields["InputArguments"]] == [7]
    assert fields["StatusCodeId"].value == S.Good


async def test_no_password_gets_into_the_trail(admin: Client, entries: list[AuditEntry]) -> None:
    secret = "abracadabra-never-told"
    texts = [ua.Variant(text, VT.String) for text in ("nobody", secret, "")]
    arguments = [*texts[:2], ua.Variant(0xFFFF, VT.UInt32), texts[2]]
    method = Ids.UserManagement_AddUser
    await code(admin, Ids.UserManagement, method, *arguments)
    await code(admin, Ids.UserManagement, method, *arguments, texts[1])
    assert any(entry.kind == Ids.AuditUpdateMethodEventType for entry in entries)
    assert not any(secret in repr(entry) for entry in entries)
