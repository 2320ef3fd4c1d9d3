"""Limits, delays and severities of conditions changed by an engineer over OPC UA, and kept over a restart."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request, serve
from opcuasubscriber import Heat, Subscriber, item, select

from server.methods.alarmconfiguration import STATE_FILE
from server.security.audit import AuditEntry

S, VT, A = ua.StatusCodes, ua.VariantType, ua.AttributeIds
Ids = ua.ObjectIds
JAR = "Bangrak/UPS-1/S02/J04"
CONDITION = f"{JAR}#TemperatureHigh"
ADDITIONAL_INFO = 0x80  # of operations, in ReturnDiagnostics


def strings(*texts: str) -> ua.Variant:
    return ua.Variant(list(texts), VT.String, is_array=True)


def doubles(*numbers: float) -> ua.Variant:
    return ua.Variant(list(numbers), VT.Double, is_array=True)


async def call(
    client: Client, server: OpcUaTestServer, method: str, *arguments: Any
) -> tuple[ua.CallMethodResult, str | None]:
    """The result, and what is said of it."""
    given = [each if isinstance(each, ua.Variant) else ua.Variant(each, VT.String) for each in arguments]
    node_ids = [server.node_id("Alarms"), server.node_id(f"Alarms.{method}")]
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(*node_ids, given)])
    sent.RequestHeader.ReturnDiagnostics = ADDITIONAL_INFO
    response = await answer(client, ua.CallResponse, sent)
    infos = response.DiagnosticInfos
    return response.Results[0], infos[0].AdditionalInfo if infos else None


async def configure(
    client: Client, server: OpcUaTestServer, target: str, **values: float
) -> tuple[ua.CallMethodResult, str | None]:
    arguments = ("TemperatureHigh", target, strings(*values), doubles(*values.values()))
    return await call(client, server, "Configure", *arguments)


async def write(client: Client, node_id: ua.NodeId, value: ua.Variant) -> int:
    sent = request(ua.WriteRequest, NodesToWrite=[ua.WriteValue(node_id, A.Value, None, ua.DataValue(value))])
    return int((await answer(client, ua.WriteResponse, sent)).Results[0].value)


@pytest.fixture
async def engineer(server: OpcUaTestServer, admin: Client) -> AsyncIterator[Client]:
    """Who may configure; afterwards all is as before."""
    yield admin
    result, _ = await call(admin, server, "ResetConfiguration", "", "")
    assert result.StatusCode.is_good()


async def test_a_site_is_configured_audited_and_reset(
    server: OpcUaTestServer, engineer: Client, client: Client, entries: list[AuditEntry]
) -> None:
    result, _ = await configure(engineer, server, "Bangrak", HighLimit=40.0, OnDelay=2.0)
    assert result.StatusCode.is_good()
    assert result.OutputArguments[0].Value == 12, "the jars of the site"
    kept = json.loads((server.settings.home / "state" / STATE_FILE).read_text())
    assert [each["target"] for each in kept["changes"]] == ["Bangrak"], "it is on disk before it is answered"
    (entry,) = entries
    assert entry.kind == Ids.AuditUpdateMethodEventType
    assert entry.old == "TemperatureHigh at Bangrak: HighLimit 45, OnDelay 0"
    assert "['HighLimit', 'OnDelay'], [40.0, 2.0]" in entry.new
    other = server.node_id("Hat Yai/UPS-1/S01/J01#TemperatureHigh.HighLimit")
    for node_id, value in (
        (server.node_id(f"{CONDITION}.HighLimit"), 40.0),
        (server.node_id(f"{CONDITION}.OnDelay"), 2000.0),
        (other, 45.0),
    ):
        assert await client.get_node(node_id).read_value() == value
    listed, _ = await call(client, server, "ListConfiguration")
    columns = [argument.Value for argument in listed.OutputArguments]
    rows = list(zip(*columns, strict=True))
    assert [(*row[:5], row[6]) for row in rows] == [
        ("TemperatureHigh", "Bangrak", "HighLimit", 40.0, "admin", ""),
        ("TemperatureHigh", "Bangrak", "OnDelay", 2.0, "admin", ""),
    ]
    result, _ = await call(engineer, server, "ResetConfiguration", "TemperatureHigh", "Bangrak")
    assert result.OutputArguments[0].Value == 1
    assert entries[-1].old == "TemperatureHigh at Bangrak: HighLimit 40, OnDelay 2"
    assert await client.get_node(server.node_id(f"{CONDITION}.HighLimit")).read_value() == 45.0


@pytest.mark.parametrize(
    ("arguments", "place", "code", "text"),
    [
        (
            ("TemperatureHigh", "Bangrak", strings("HighLimit"), doubles(80.0)),
            3,
            S.BadOutOfRange,
            "Bangrak/UPS-1/S01/J01#TemperatureHigh: HighHighLimit must be above HighLimit (80)",
        ),
        (("Nonsense", "", strings("HighLimit"), doubles(1.0)), 0, S.BadNotFound, "no condition 'Nonsense'"),
        (("TemperatureHigh", "Mars", strings("HighLimit"), doubles(1.0)), 1, S.BadNotFound, "'Mars'"),
        (("TemperatureHigh", "", strings("Limit"), doubles(1.0)), 2, S.BadOutOfRange, "no setting 'Limit'"),
        (
            ("TemperatureHigh", "", strings("HighLimit"), doubles()),
            2,
            S.BadOutOfRange,
            "one element a setting",
        ),
        (
            ("TemperatureHigh", "", strings("HighLimit", "HighHighLimit"), doubles(math.nan, math.nan)),
            3,
            S.BadOutOfRange,
            "at least one limit must be left",
        ),
    ],
)
async def test_what_cannot_be_is_refused_in_words(
    server: OpcUaTestServer, admin: Client, arguments: tuple[Any, ...], place: int, code: int, text: str
) -> None:
    result, said = await call(admin, server, "Configure", *arguments)
    assert result.StatusCode.value == S.BadInvalidArgument
    codes = [each.value for each in result.InputArgumentResults]
    assert codes == [code if i == place else S.Good for i in range(4)]
    assert text in (said or "")
    assert not server.app._opcua._configuration.changes


async def test_definitions_are_those_of_the_alarm_file_whatever_is_changed(
    server: OpcUaTestServer, engineer: Client, client: Client
) -> None:
    await configure(engineer, server, "Fleet", HighLimit=40.0)
    result, _ = await call(client, server, "ListDefinitions")
    columns = [argument.Value for argument in result.OutputArguments]
    rows = {row[0]: row[1:] for row in zip(*columns, strict=True)}
    defs = server.app._opcua.alarms.index.defs
    assert list(rows) == [d.name for d in defs], "in the order of the file"
    asset, count, tag, measure, unit, cells, kind, *numbers, advice = rows["TemperatureHigh"]
    assert (asset, tag, measure, unit, cells, kind) == ("Jar", "Temperature", "value", "°C", 0, "process")
    assert count == len(server.app._opcua.alarms.index.fleet.jars) == 16
    limits, severities, others = numbers[:4], numbers[4:8], numbers[8:]
    assert [limit if limit == limit else None for limit in limits] == [None, None, 45.0, 80.0]
    assert [severity > 0 for severity in severities] == [False, False, True, True]
    assert others == [0.0, 0.0, 0.0]
    assert advice


async def test_only_engineers_configure(server: OpcUaTestServer, client: Client) -> None:
    result, _ = await configure(client, server, "Bangrak", HighLimit=40.0)
    assert result.StatusCode.value == S.BadUserAccessDenied
    result, _ = await call(client, server, "ResetConfiguration", "", "")
    assert result.StatusCode.value == S.BadUserAccessDenied
    limit = client.get_node(server.node_id(f"{CONDITION}.HighLimit"))
    assert (await limit.read_attribute(A.AccessLevel)).Value.Value == 3
    assert (await limit.read_attribute(A.UserAccessLevel)).Value.Value == 1
    assert await write(client, limit.nodeid, ua.Variant(40.0, VT.Double)) == S.BadUserAccessDenied
    severity = client.get_node(server.node_id(f"{CONDITION}.Severity"))
    assert (await severity.read_attribute(A.AccessLevel)).Value.Value == 1


async def test_a_property_of_one_condition_is_written(
    server: OpcUaTestServer, engineer: Client, entries: list[AuditEntry]
) -> None:
    limit = server.node_id(f"{CONDITION}.HighLimit")
    assert await write(engineer, limit, ua.Variant(41.5, VT.Double)) == S.Good
    assert await engineer.get_node(limit).read_value() == 41.5
    neighbour = server.node_id("Bangrak/UPS-1/S02/J03#TemperatureHigh.HighLimit")
    assert await engineer.get_node(neighbour).read_value() == 45.0
    (entry,) = entries
    assert (entry.kind, entry.old, entry.new) == (Ids.AuditWriteUpdateEventType, "45.0", "41.5")
    assert (entry.fields["OldValue",].Value, entry.fields["NewValue",].Value) == (45.0, 41.5)
    delay = server.node_id(f"{CONDITION}.OffDelay")
    assert await write(engineer, delay, ua.Variant(2500.0, VT.Double)) == S.Good
    assert await engineer.get_node(delay).read_value() == 2500.0
    grade = server.node_id(f"{CONDITION}.SeverityHigh")
    assert await write(engineer, grade, ua.Variant(450, VT.UInt16)) == S.Good
    assert await write(engineer, grade, ua.Variant(1001, VT.UInt16)) == S.BadOutOfRange
    assert await engineer.get_node(grade).read_value() == 450
    for name in ("HighDeadband", "HighHighDeadband"):  # there is one hysteresis for all limits
        deadband = server.node_id(f"{CONDITION}.{name}")
        assert await write(engineer, deadband, ua.Variant(1.5, VT.Double)) == S.Good
        assert await engineer.get_node(deadband).read_value() == 1.5
    for value, code in (
        (ua.Variant(80.0, VT.Double), S.BadOutOfRange),
        (ua.Variant(math.nan, VT.Double), S.BadOutOfRange),
        (ua.Variant(41, VT.Int32), S.BadTypeMismatch),
    ):
        assert await write(engineer, limit, value) == code
    assert await engineer.get_node(limit).read_value() == 41.5
    value = ua.DataValue(ua.Variant(80.0, VT.Double))
    sent = request(ua.WriteRequest, NodesToWrite=[ua.WriteValue(limit, A.Value, None, value)])
    sent.RequestHeader.ReturnDiagnostics = ADDITIONAL_INFO
    (info,) = (await answer(engineer, ua.WriteResponse, sent)).DiagnosticInfos
    assert info.AdditionalInfo == f"{CONDITION}: HighHighLimit must be above HighLimit (80)"


async def test_an_active_condition_tells_it_and_follows_with_the_next_scan(
    server: OpcUaTestServer, engineer: Client, heat: Heat
) -> None:
    made = await Subscriber.create(engineer)
    chosen = select("SourceName", "ActiveState/Id", "HighLimit", "ClientUserId")
    await made.monitor(item(server.node_id(JAR.rpartition("/")[0]), attribute=A.EventNotifier, chosen=chosen))
    heat(JAR, 47.0)
    assert (await made.events())[-1][:3] == [JAR, True, 45.0]
    result, _ = await configure(engineer, server, "Fleet", HighLimit=50.0)
    assert result.OutputArguments[0].Value == 16
    told = await made.events()
    assert [JAR, True, 50.0, "admin"] in told
    assert all(fields[2:] == [50.0, "admin"] for fields in told), "those that other tests left to acknowledge"
    heat(JAR, 47.5)
    assert (await made.events())[-1][:3] == [JAR, False, 50.0]


def test_over_a_restart(empty: str) -> None:
    """What was changed is there again; what no longer fits is set aside, and said."""
    with tempfile.TemporaryDirectory(prefix="voltkeep-") as name:
        home = Path(name)
        changes = [
            {"condition": "TemperatureHigh", "target": "Bangrak", "values": {"HighLimit": 40.0}},
            {"condition": "TemperatureHigh", "target": "Chiang Mai", "values": {"HighLimit": 41.0}},
        ]
        file = home / "var" / "state" / STATE_FILE
        file.parent.mkdir(parents=True)
        kept = [{**each, "user": "somsri", "time": 1.7e9} for each in changes]
        file.write_text(json.dumps({"version": 1, "changes": kept}))
        server, end = serve(home, empty)
        try:
            limits = server.app._opcua.alarms.limits
            index = server.app._opcua.alarms.index
            row = index.row(JAR, "TemperatureHigh")
            assert row is not None
            assert limits.values(row)[2] == 40.0
            faults = [each.fault for each in server.app._opcua._configuration.changes]
            assert faults == ["", "'Chiang Mai' is neither an asset nor a jar model of the fleet"]
        finally:
            end()
