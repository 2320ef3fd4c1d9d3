"""Conditions as Part 9 has them, over real sockets: nodes, methods, who may call them, the audit trail."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from asyncua import Client, ua
from opcuaserver import PASSWORD, OpcUaTestServer, answer, request, serve
from opcuasubscriber import Heat, Subscriber, item, select

from server.alarms.definition import AlarmType
from server.security.users import Role
from server.space import conditionmembers as cm

S = ua.StatusCodes
Ids = ua.ObjectIds
VT = ua.VariantType
A = ua.AttributeIds
JAR = "Bangrak/UPS-1/S02/J04"
HOT, DAMP = f"{JAR}#TemperatureHigh", "Bangrak#RoomDamp"
HOUR = 3_600_000.0  # ms
ALARMS = """
conditions:
  TemperatureHigh:
    asset: Jar
    tag: Temperature
    class: process
    confirm: true
    limits: {high: {value: 45, severity: 500}, high_high: {value: 80, severity: 800}}
    message: Jar temperature is high
    advice: Look at the air conditioning.
  RoomDamp:
    asset: Site
    tag: Humidity
    class: maintenance
    limits: {high: {value: 101, severity: 200}}
    message: Room is damp
    advice: Look at the drain.
  RoomWarms:
    asset: Site
    tag: AmbientTemperature
    type: rate_of_change
    measure: {kind: change, window: 600}
    class: safety
    limits: {high: {value: 90, severity: 200}}
    message: Room gets warmer
    advice: Look at the air conditioning.
  Resistance:
    asset: Jar
    tag: InternalResistance
    type: deviation
    measure: {kind: from_baseline}
    class: maintenance
    limits: {high: {value: 9000, severity: 200}}
    message: Jar has more than its resistance
    advice: Test it.
  MainsLost:
    asset: Site
    tag: MainsState
    type: off_normal
    measure: {kind: abnormal, states: [Lost]}
    words: {normal: Present, active: Lost}
    on_delay: 80000
    class: process
    limits: {high: {value: 0.5, severity: 700}}
    message: Mains supply
    advice: Look at the switchgear.
  Behind:
    asset: Fleet
    tag: HistorianLag
    type: system
    class: system
    limits: {high: {value: 80000, severity: 200}}
    message: History is behind
    advice: Look at the database.
  Sensor:
    asset: Jar
    tag: SensorState
    type: instrument
    class: maintenance
    on_delay: 80000
    limits: {high: {value: 2.5, severity: 200}}
    message: Sensor
    advice: Look at the sensor.
  Twin:
    asset: Jar
    tag: TwinVoltageResidual
    type: discrepancy
    class: process
    on_delay: 80000
    limits: {low: {value: -9, severity: 200}, high: {value: 9, severity: 200}}
    message: Twin and measurement disagree
    advice: Compare.
"""
OF_TYPE = {
    AlarmType.LEVEL: HOT,
    AlarmType.RATE_OF_CHANGE: "Bangrak#RoomWarms",
    AlarmType.DEVIATION: f"{JAR}#Resistance",
    AlarmType.OFF_NORMAL: "Bangrak#MainsLost",
    AlarmType.SYSTEM: "Fleet#Behind",
    AlarmType.INSTRUMENT: f"{JAR}#Sensor",
    AlarmType.DISCREPANCY: f"{JAR}#Twin",
}


@pytest.fixture(scope="module")
def server(postgres: str) -> Iterator[OpcUaTestServer]:
    """A server with a condition of every type."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE conditions")
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        os.chmod(name, 0o711)
        alarms = Path(name) / "types.yaml"
        alarms.write_text(ALARMS)
        database = psycopg.conninfo.make_conninfo(postgres, dbname="conditions")
        running, end = serve(Path(name), database, alarms=alarms)
        yield running
        end()


async def _as(server: OpcUaTestServer, home: Path, role: Role) -> Client:
    name = f"condition-{role.name.lower()}"
    making = server.app._opcua.accounts.set(name, role, PASSWORD)
    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(making, server.loop))
    client = await server.secured(home)
    client.set_user(name)
    client.set_password(PASSWORD)
    return client


@pytest.fixture
async def operator(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    async with await _as(server, client_home, Role.OPERATOR) as client:
        yield client


@pytest.fixture
async def engineer(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    async with await _as(server, client_home, Role.ENGINEER) as client:
        yield client


@pytest.fixture
async def viewer(server: OpcUaTestServer, client_home: Path) -> AsyncIterator[Client]:
    async with await _as(server, client_home, Role.VIEWER) as client:
        yield client


async def call(client: Client, owner: ua.NodeId, method: int, *arguments: ua.Variant) -> int:
    sent = request(
        ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(owner, ua.NodeId(method), list(arguments))]
    )
    return int((await answer(client, ua.CallResponse, sent)).Results[0].StatusCode.value)


def remark(text: str | None) -> ua.Variant:
    return ua.Variant(ua.LocalizedText(text), VT.LocalizedText)


def number(value: bytes) -> ua.Variant:
    return ua.Variant(value, VT.ByteString)


def duration(milliseconds: float) -> ua.Variant:
    return ua.Variant(milliseconds, VT.Double)


async def read(client: Client, server: OpcUaTestServer, condition: str, member: str) -> Any:
    value = await client.get_node(server.node_id(f"{condition}.{member}")).read_data_value(False)
    assert value.StatusCode.is_good(), (member, value.StatusCode)
    return value.Value.Value


async def watch(client: Client, *fields: str) -> Subscriber:
    made = await Subscriber.create(client)
    (result,) = await made.monitor(
        item(ua.NodeId(Ids.Server), attribute=A.EventNotifier, chosen=select(*fields), queue=100)
    )
    assert result.StatusCode.is_good()
    return made


# -- nodes


class Declared(NamedTuple):
    """What a type says of a member."""

    node: ua.NodeId
    reference: int
    node_class: ua.NodeClass
    type: ua.NodeId
    mandatory: bool


class Types:
    """Instance declarations of the standard, by browsing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def members(self, node: ua.NodeId, type_id: ua.NodeId | None = None) -> dict[str, Declared]:
        """Members of a declaration and of its type, or of a type and those above it; the nearest counts."""
        found: dict[str, Declared] = {}
        above: ua.NodeId | None = node
        while above is not None:
            refs = await self._client.get_node(above).get_references()
            for ref in refs:
                kinds = (Ids.HasProperty, Ids.HasComponent)
                if (
                    ref.IsForward
                    and ref.ReferenceTypeId.Identifier in kinds
                    and ref.BrowseName.Name not in found
                ):
                    found[ref.BrowseName.Name] = await self._declared(ref)
            supers = [
                r.NodeId for r in refs if r.ReferenceTypeId.Identifier == Ids.HasSubtype and not r.IsForward
            ]
            above = supers[0] if supers else None
        if type_id is not None:
            found = await self.members(type_id) | found
        return found

    async def _declared(self, ref: ua.ReferenceDescription) -> Declared:
        rules = await self._client.get_node(ref.NodeId).get_references(Ids.HasModellingRule)
        mandatory = any(rule.NodeId.Identifier == Ids.ModellingRule_Mandatory for rule in rules)
        return Declared(
            ref.NodeId,
            ref.ReferenceTypeId.Identifier,
            ua.NodeClass(ref.NodeClass),
            ref.TypeDefinition,
            mandatory,
        )


@pytest.mark.parametrize("kind", AlarmType)
async def test_a_condition_is_what_its_type_declares(
    client: Client, server: OpcUaTestServer, kind: AlarmType
) -> None:
    """All mandatory members, and none that the type does not have, as it has them (Part 3, 6.4.4)."""
    types, condition = Types(client), client.get_node(server.node_id(OF_TYPE[kind]))
    type_id = await condition.read_type_definition()
    open_members = [((), type_id, None, condition)]
    while open_members:
        path, node, its_type, instance = open_members.pop()
        declared = await types.members(node, its_type)
        if not path and OF_TYPE[kind] == HOT:
            declared |= {"Confirm": declared["Confirm"]._replace(mandatory=True)}
        refs = {
            ref.BrowseName.Name: ref
            for ref in await instance.get_references()
            if ref.IsForward and ref.ReferenceTypeId.Identifier in (Ids.HasProperty, Ids.HasComponent)
        }
        missing = {name for name, one in declared.items() if one.mandatory and name not in refs}
        assert not missing, (path, missing)
        for name, ref in refs.items():
            one = declared[name]
            assert (ref.ReferenceTypeId.Identifier, ref.NodeClass) == (one.reference, one.node_class), (
                path,
                name,
            )
            if ref.NodeClass == ua.NodeClass.Method:
                assert ref.NodeId == one.node, name
                continue
            assert ref.TypeDefinition == one.type, (path, name)
            member = client.get_node(ref.NodeId)
            if ref.NodeClass == ua.NodeClass.Variable:
                for attribute in (A.DataType, A.ValueRank):
                    wanted = await client.get_node(one.node).read_attribute(attribute)
                    found = await member.read_attribute(attribute)
                    assert found.Value.Value == wanted.Value.Value, (path, name)
            open_members.append(((*path, name), one.node, one.type, member))


async def test_states_refer_to_the_states_that_they_are_part_of(
    client: Client, server: OpcUaTestServer
) -> None:
    async def sub_states(state: str) -> set[str]:
        refs = await client.get_node(server.node_id(f"{HOT}.{state}")).get_references(Ids.HasTrueSubState)
        return {f"{'' if ref.IsForward else '^'}{ref.BrowseName.Name}" for ref in refs}

    assert await sub_states("EnabledState") == {
        *(
            "AckedState",
            "ConfirmedState",
            "ActiveState",
            "SuppressedState",
            "OutOfServiceState",
            "ShelvingState",
        )
    }
    assert await sub_states("ActiveState") == {"^EnabledState", "LimitState"}
    assert await sub_states("LimitState") == {"^ActiveState"}


async def test_what_a_condition_does_not_know_it_does_not_tell(
    client: Client, engineer: Client, server: OpcUaTestServer
) -> None:
    async def status(member: str) -> int:
        value = await client.get_node(server.node_id(f"{DAMP}.{member}")).read_data_value(False)
        return int(value.StatusCode.value)

    assert await status("LimitState.CurrentState") == S.BadStateNotActive
    assert await status("ActiveState.Id") == S.Good
    condition = server.node_id(DAMP)
    assert await call(engineer, condition, Ids.ConditionType_Disable) == S.Good
    try:
        unknown = ("ActiveState", "ActiveState.Id", "AckedState", "LimitState.CurrentState", "Quality")
        assert [await status(member) for member in unknown] == [S.BadConditionDisabled] * len(unknown)
        assert await read(client, server, DAMP, "EnabledState.Id") is False
        assert await read(client, server, DAMP, "Retain") is False
        shelve = Ids.AlarmConditionType_ShelvingState_TimedShelve
        assert await call(engineer, condition, shelve, duration(HOUR)) == S.BadConditionDisabled
    finally:
        assert await call(engineer, condition, Ids.ConditionType_Enable) == S.Good
    assert await call(engineer, condition, Ids.ConditionType_Enable) == S.BadConditionAlreadyEnabled


async def test_states_can_be_monitored(operator: Client, server: OpcUaTestServer, heat: Heat) -> None:
    names = ("ActiveState", "ActiveState.Id", "AckedState.Id", "Comment", "ShelvingState.CurrentState")
    made = await Subscriber.create(operator)
    nodes = [server.node_id(f"{HOT}.{name}") for name in names]
    results = await made.monitor(*(item(node, handle=i, sampling=50.0) for i, node in enumerate(nodes)))
    assert all(result.StatusCode.is_good() for result in results)
    first = dict(await made.values(len(names)))
    assert [first[i].Value.Value for i in (1, 2)] == [False, True]
    heat(JAR, 47.0)
    news = dict(await made.values(3))
    assert {i: value.Value.Value for i, value in news.items()} == {
        0: ua.LocalizedText("Active", "en"),
        1: True,
        2: False,
    }
    events = await watch(operator, "EventId", "ConditionName")
    refresh = Ids.ConditionType_ConditionRefresh
    arguments = ua.Variant(events.id, VT.UInt32)
    await call(operator, ua.NodeId(Ids.ConditionType), refresh, arguments)
    last = server.inside(lambda: server.app._opcua.conditions.event(_row(server, HOT)).event_id)
    method = Ids.AcknowledgeableConditionType_Acknowledge
    assert await call(operator, server.node_id(HOT), method, number(last), remark("seen")) == S.Good
    assert await call(operator, server.node_id(HOT), Ids.ShelvedStateMachineType_OneShotShelve) == S.Good
    found: dict[int, Any] = {}
    while {2, 3, 4} - set(found):
        for part in await made.next():
            found |= {
                each.ClientHandle: each.Value.Value.Value for each in getattr(part, "MonitoredItems", [])
            }
    assert (found[2], found[3].Text, found[4].Text) == (True, "seen", "OneShotShelved")
    heat(JAR, 25.0)
    assert await read(operator, server, HOT, "ShelvingState.CurrentState.Id") == ua.NodeId(2930)


def _row(server: OpcUaTestServer, identifier: str) -> int:
    row = server.app._opcua.conditions.table.index.row_of_id(identifier)
    assert row is not None
    return row


# -- methods


async def test_an_alarm_is_acknowledged_and_then_confirmed(
    operator: Client, server: OpcUaTestServer, heat: Heat
) -> None:
    acknowledge = Ids.AcknowledgeableConditionType_Acknowledge
    confirm = Ids.AcknowledgeableConditionType_Confirm
    made = await watch(
        operator,
        "EventId",
        "Message",
        "AckedState/Id",
        "ConfirmedState/Id",
        "Retain",
        "ClientUserId",
        "Comment",
    )
    heat(JAR, 47.0)
    ((first, *_),) = await made.events()
    condition, none = server.node_id(HOT), remark(None)
    assert (
        await call(operator, condition, confirm, number(first), none) == S.BadConditionBranchAlreadyConfirmed
    )
    assert await call(operator, condition, acknowledge, number(b"x" * 16), none) == S.BadEventIdUnknown
    assert await call(operator, condition, acknowledge, number(first), remark("ไปดูแล้ว")) == S.Good
    ((second, message, acked, confirmed, retain, user, said),) = await made.events()
    assert (acked, confirmed, retain, user, said.Text) == (
        *(True, False, True),
        *("condition-operator", "ไปดูแล้ว"),
    )
    assert message.Text.endswith("High limit 45 °C, acknowledged by condition-operator")
    assert (
        await call(operator, condition, acknowledge, number(second), none) == S.BadConditionBranchAlreadyAcked
    )
    heat(JAR, 25.0)
    ((third, _, _, confirmed, retain, _, _),) = await made.events()
    assert (confirmed, retain) == (False, True)
    assert await call(operator, condition, confirm, number(third), none) == S.Good
    ((_, message, _, confirmed, retain, _, said),) = await made.events()
    assert (confirmed, retain, said.Text) == (True, False, "ไปดูแล้ว")
    assert message.Text.endswith(", confirmed by condition-operator")
    assert (
        await call(operator, condition, confirm, number(third), none) == S.BadConditionBranchAlreadyConfirmed
    )


async def test_only_what_is_to_be_confirmed_can_be(operator: Client, server: OpcUaTestServer) -> None:
    confirm = Ids.AcknowledgeableConditionType_Confirm
    names = [each.Name for each in await _names(operator, server.node_id(DAMP))]
    assert {"Confirm", "ConfirmedState"} & set(names) == set()
    arguments = number(b"x" * 16), remark(None)
    assert await call(operator, server.node_id(DAMP), confirm, *arguments) == S.BadMethodInvalid


async def _names(client: Client, node_id: ua.NodeId) -> list[ua.QualifiedName]:
    return [ref.BrowseName for ref in await client.get_node(node_id).get_references()]


@pytest.mark.parametrize("owner", [HOT, f"{HOT}.ShelvingState"])
@pytest.mark.parametrize("of", ["AlarmConditionType_ShelvingState", "ShelvedStateMachineType"])
async def test_a_condition_is_shelved_by_any_way(
    operator: Client, server: OpcUaTestServer, owner: str, of: str
) -> None:
    node = server.node_id(owner)
    timed, once, back = (
        getattr(Ids, f"{of}_{name}") for name in ("TimedShelve", "OneShotShelve", "Unshelve")
    )
    longest = await read(operator, server, HOT, "MaxTimeShelved")
    assert await call(operator, node, back) == S.BadConditionNotShelved
    for wrong in (longest + 1000, 0.0, -1.0, float("nan"), float("inf")):
        assert await call(operator, node, timed, duration(wrong)) == S.BadShelvingTimeOutOfRange
    assert await call(operator, node, timed, duration(HOUR)) == S.Good
    assert await call(operator, node, timed, duration(HOUR)) == S.BadConditionAlreadyShelved
    assert await read(operator, server, HOT, "SuppressedOrShelved") is True
    assert (await read(operator, server, HOT, "ShelvingState.CurrentState")).Text == "TimedShelved"
    left = await read(operator, server, HOT, "ShelvingState.UnshelveTime")
    assert HOUR - 60_000 < left < HOUR
    assert await read(operator, server, HOT, "ShelvingState.UnshelveTime") < left
    assert await call(operator, node, once) == S.Good
    assert (await read(operator, server, HOT, "ShelvingState.CurrentState")).Text == "OneShotShelved"
    assert HOUR < await read(operator, server, HOT, "ShelvingState.UnshelveTime") <= longest
    assert await call(operator, node, once) == S.BadConditionAlreadyShelved
    assert await call(operator, node, back) == S.Good
    assert await read(operator, server, HOT, "ShelvingState.UnshelveTime") == 0.0
    assert await read(operator, server, HOT, "SuppressedOrShelved") is False


@pytest.mark.parametrize("owner", [HOT, f"{HOT}.ShelvingState"])
async def test_shelving_takes_a_comment(
    operator: Client, server: OpcUaTestServer, owner: str, heat: Heat
) -> None:
    made = await watch(operator, "Message", "Comment", "ShelvingState/CurrentState/Id", "SuppressedOrShelved")
    heat(JAR, 47.0)
    await made.events()
    node = server.node_id(owner)
    told = []
    for name, arguments in (
        ("TimedShelve2", (duration(HOUR), remark("fan is ordered"))),
        ("OneShotShelve2", (remark("one"),)),
        ("Unshelve2", (remark("fan is there"),)),
    ):
        assert (
            await call(operator, node, getattr(Ids, f"ShelvedStateMachineType_{name}"), *arguments) == S.Good
        )
        told += await made.events()
    assert [(text.Text, state.Identifier, hidden) for _, text, state, hidden in told] == [
        ("fan is ordered", Ids.ShelvedStateMachineType_TimedShelved, True),
        ("one", Ids.ShelvedStateMachineType_OneShotShelved, True),
        ("fan is there", Ids.ShelvedStateMachineType_Unshelved, False),
    ]
    assert all(message.Text.endswith(" by condition-operator") for message, *_ in told)
    assert ", shelved until 20" in told[0][0].Text


@pytest.mark.parametrize(
    ("do", "undo", "state"),
    [
        ("Suppress", "Unsuppress", "SuppressedState"),
        ("RemoveFromService", "PlaceInService", "OutOfServiceState"),
    ],
)
@pytest.mark.parametrize("more", ["", "2"])
async def test_a_condition_is_suppressed_and_taken_out_of_service(
    engineer: Client, server: OpcUaTestServer, heat: Heat, do: str, undo: str, state: str, more: str
) -> None:
    heat(JAR, 47.0)
    made = await watch(engineer, "Comment", f"{state}/Id", "SuppressedOrShelved", "Message")
    arguments = [remark("works at the rack")] if more else []
    condition = server.node_id(HOT)
    for name, is_hidden in ((do, True), (undo, False)):
        method = getattr(Ids, f"AlarmConditionType_{name}{more}")
        assert await call(engineer, condition, method, *arguments) == S.Good
        ((said, now, hidden, message),) = await made.events()
        assert (now, hidden) == (is_hidden, is_hidden)
        assert message.Text.endswith(" by condition-engineer")
        assert not more or said.Text == "works at the rack"
        assert await read(engineer, server, HOT, f"{state}.Id") is is_hidden
        assert await call(engineer, condition, method) in (S.Good, S.BadArgumentsMissing)


METHODS = {
    **dict.fromkeys(
        (
            Ids.ConditionType_AddComment,
            Ids.AcknowledgeableConditionType_Acknowledge,
            Ids.AcknowledgeableConditionType_Confirm,
            Ids.AlarmConditionType_ShelvingState_TimedShelve,
            Ids.AlarmConditionType_ShelvingState_OneShotShelve,
            Ids.AlarmConditionType_ShelvingState_Unshelve,
            Ids.ShelvedStateMachineType_TimedShelve,
            Ids.ShelvedStateMachineType_TimedShelve2,
            Ids.ShelvedStateMachineType_OneShotShelve,
            Ids.ShelvedStateMachineType_OneShotShelve2,
            Ids.ShelvedStateMachineType_Unshelve,
            Ids.ShelvedStateMachineType_Unshelve2,
        ),
        Role.OPERATOR,
    ),
    **dict.fromkeys(
        (
            Ids.ConditionType_Enable,
            Ids.ConditionType_Disable,
            *(
                getattr(Ids, f"AlarmConditionType_{name}{more}")
                for name in ("Suppress", "Unsuppress", "RemoveFromService", "PlaceInService")
                for more in ("", "2")
            ),
        ),
        Role.ENGINEER,
    ),
}


async def test_a_method_is_for_its_role(
    viewer: Client, operator: Client, engineer: Client, server: OpcUaTestServer
) -> None:
    """Whoever may not is refused before anything else, and is told so by UserExecutable."""
    clients = {Role.VIEWER: viewer, Role.OPERATOR: operator, Role.ENGINEER: engineer}
    for method, least in METHODS.items():
        for role, client in clients.items():
            code = await call(client, server.node_id(HOT), method, *(ua.Variant(1, VT.Int16),) * 9)
            wanted = S.BadTooManyArguments if role >= least else S.BadUserAccessDenied
            assert code == wanted, (ua.ObjectIdNames[method], role)
            may = await client.get_node(ua.NodeId(method)).read_attribute(A.UserExecutable)
            assert may.Value.Value is (role >= least)


async def test_methods_are_called_on_conditions_alone(engineer: Client, server: OpcUaTestServer) -> None:
    suppress, shelve = Ids.AlarmConditionType_Suppress, Ids.ShelvedStateMachineType_OneShotShelve
    for owner, method, code in (
        (ua.NodeId(Ids.AlarmConditionType), suppress, S.BadNodeIdInvalid),
        (ua.NodeId(Ids.ShelvedStateMachineType), shelve, S.BadNodeIdInvalid),
        (server.node_id(JAR), suppress, S.BadMethodInvalid),
        (server.node_id(f"{HOT}.ShelvingState"), suppress, S.BadMethodInvalid),
        (server.node_id(f"{HOT}.LimitState"), shelve, S.BadMethodInvalid),
        (server.node_id(f"{JAR}#Nothing"), suppress, S.BadNodeIdUnknown),
    ):
        assert await call(engineer, owner, method) == code, (owner, method)


@pytest.mark.parametrize(
    ("comment", "left"),
    [
        (ua.LocalizedText("new"), "new"),
        (ua.LocalizedText(None), "old"),
        (ua.LocalizedText("", "en"), ""),
        (ua.LocalizedText(None, "en"), ""),
    ],
)
async def test_a_comment_without_text_is_none_or_removes_the_one_that_is_there(
    operator: Client, server: OpcUaTestServer, heat: Heat, comment: ua.LocalizedText, left: str
) -> None:
    heat(JAR, 47.0)
    event = server.inside(lambda: server.app._opcua.conditions.event(_row(server, HOT)).event_id)
    told = []
    for each in (ua.LocalizedText("old"), comment):
        arguments = number(event), ua.Variant(each, VT.LocalizedText)
        assert await call(operator, server.node_id(HOT), Ids.ConditionType_AddComment, *arguments) == S.Good
        told.append((await read(operator, server, HOT, "Comment")).Text or "")
    assert told == ["old", left]


# -- audit


@pytest.mark.parametrize(
    ("method", "arguments", "kind", "field", "value"),
    [
        (
            Ids.ShelvedStateMachineType_TimedShelve2,
            (duration(HOUR), remark("noise")),
            Ids.AuditConditionShelvingEventType,
            "ShelvingTime",
            HOUR,
        ),
        (
            Ids.AlarmConditionType_ShelvingState_Unshelve,
            (),
            Ids.AuditConditionShelvingEventType,
            "ShelvingTime",
            None,
        ),
        (Ids.AlarmConditionType_Suppress, (), Ids.AuditConditionSuppressionEventType, "ServerId", "urn:"),
        (
            Ids.AlarmConditionType_Unsuppress2,
            (remark("x"),),
            Ids.AuditConditionSuppressionEventType,
            "ServerId",
            "urn:",
        ),
        (
            Ids.AlarmConditionType_RemoveFromService,
            (),
            Ids.AuditConditionOutOfServiceEventType,
            "ServerId",
            "urn:",
        ),
        (
            Ids.AlarmConditionType_PlaceInService,
            (),
            Ids.AuditConditionOutOfServiceEventType,
            "ServerId",
            "urn:",
        ),
        (
            Ids.AcknowledgeableConditionType_Confirm,
            (number(b"x" * 16), remark("well")),
            Ids.AuditConditionConfirmEventType,
            "ConditionEventId",
            b"x" * 16,
        ),
    ],
)
async def test_every_call_is_audited(
    server: OpcUaTestServer,
    admin: Client,
    engineer: Client,
    method: int,
    arguments: tuple[ua.Variant, ...],
    kind: int,
    field: str,
    value: Any,
) -> None:
    made = await watch(admin, "EventType", "SourceNode", "SourceName", "ClientUserId", "Status", field)
    code = await call(engineer, server.node_id(HOT), method, *arguments)
    told: list[Any] = []
    while not told:
        told = [event for event in await made.events() if event[0] == ua.NodeId(kind)]
    ((_, node, source, user, status, found),) = told
    name = ua.ObjectIdNames[method].rpartition("_")[2]
    assert (node, source, user) == (server.node_id(HOT), f"Method/{name}", "condition-engineer")
    assert status is (code == S.Good)
    assert found.startswith(value) if field == "ServerId" else found == value


async def test_the_trail_has_the_states_before_and_after(
    server: OpcUaTestServer, engineer: Client, heat: Heat, monkeypatch: pytest.MonkeyPatch
) -> None:
    heat(JAR, 25.0)
    kept: list[Any] = []
    monkeypatch.setattr(server.app._opcua.audit, "sinks", [kept.append])
    node = server.node_id(f"{HOT}.ShelvingState")
    reason = remark("noise")
    assert await call(engineer, node, Ids.ShelvedStateMachineType_OneShotShelve2, reason) == S.Good
    assert await call(engineer, node, Ids.ShelvedStateMachineType_OneShotShelve2, reason) != S.Good
    assert await call(engineer, node, Ids.ShelvedStateMachineType_Unshelve) == S.Good
    shelved, refused, back = (entry for entry in kept if "shelve" in entry.action.lower())
    assert shelved.new == back.old == "Inactive | OneShotShelved (noise)"
    assert back.new == "Inactive (noise)"
    assert "noise" in refused.new
    assert refused.status == S.BadConditionAlreadyShelved


# -- refresh


async def test_a_refresh_tells_branches(operator: Client, server: OpcUaTestServer, heat: Heat) -> None:
    for value in (47.0, 25.0, 48.0):
        heat(JAR, value)
    made = await watch(
        operator, "EventType", "BranchId", "EventId", "ActiveState/Id", "AckedState/Id", "Retain"
    )
    arguments = ua.Variant(made.id, VT.UInt32)
    owner = ua.NodeId(Ids.ConditionType)
    assert await call(operator, owner, Ids.ConditionType_ConditionRefresh, arguments) == S.Good
    told: list[Any] = []
    while len(told) < 4:
        told += await made.events()
    start, branch, trunk, end = told
    assert (start[0].Identifier, end[0].Identifier) == (Ids.RefreshStartEventType, Ids.RefreshEndEventType)
    assert str(branch[1].Identifier).startswith(f"{HOT}@")
    assert trunk[1] == ua.NodeId()
    assert (branch[3:], trunk[3:]) == ([False, False, True], [True, False, True])
    acknowledge = Ids.AcknowledgeableConditionType_Acknowledge
    assert await call(operator, server.node_id(HOT), acknowledge, number(branch[2]), remark(None)) == S.Good
    ((_, of, _, _, acked, _), *_) = await made.events()
    assert (of, acked) == (branch[1], True)
    assert await read(operator, server, HOT, "AckedState.Id") is False


def test_every_method_of_a_condition_is_in_the_table() -> None:
    """Whoever adds one says for whom it is."""
    shown = {*cm.METHODS.values(), *cm._CONFIRM.values(), *cm._SHELVING.values()}
    assert shown <= set(METHODS)
