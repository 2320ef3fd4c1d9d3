"""Read and Write over a real socket (Part 4, 5.11)."""

from __future__ import annotations

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary
from opcuaserver import OpcUaTestServer, answer, raw, read_request, read_time

JAR = "Bangrak/UPS-1/S01/J03"
S = ua.StatusCodes


async def read(
    server: OpcUaTestServer, items: list[ua.ReadValueId], timestamps: int = 2
) -> list[ua.DataValue]:
    async with server.client() as client:
        response = await answer(client, ua.ReadResponse, read_request(items, timestamps))
    found: list[ua.DataValue] = response.Results
    assert len(found) == len(items)
    return found


def decoded(data: bytes) -> ua.ReadResponse:
    return struct_from_binary(ua.ReadResponse, Buffer(data))


def live(server: OpcUaTestServer, tag: str, path: str = JAR) -> ua.ReadValueId:
    return ua.ReadValueId(server.node_id(f"{path}.{tag}"), 13)


@pytest.mark.parametrize(
    ("timestamps", "source", "from_server"),
    [(0, True, False), (1, False, True), (2, True, True), (3, False, False)],
)
async def test_a_value_has_the_timestamps_that_are_asked_for(
    server: OpcUaTestServer, timestamps: int, source: bool, from_server: bool
) -> None:
    slow = ua.ReadValueId(ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime), 13)
    tags = ("Voltage", "HealthStatus", "ReplacementQuarter")
    found = await read(server, [live(server, tag) for tag in tags], timestamps)
    mixed = await read(server, [live(server, "Voltage"), slow], timestamps)
    for value in (*found, *mixed):
        assert (value.SourceTimestamp is not None) == source
        assert (value.ServerTimestamp is not None) == from_server
        assert value.StatusCode.is_good()
        assert value.Value is not None


async def test_kinds_of_tags_have_their_types(server: OpcUaTestServer) -> None:
    tags = ("Voltage", "HealthStatus", "ReplacementQuarter")
    found = await read(server, [live(server, tag) for tag in tags])
    found += await read(server, [live(server, "WeakestJar", "Bangrak/UPS-1/S01")])
    kinds = [value.Value.VariantType for value in found]
    assert kinds == [
        ua.VariantType.Double,
        ua.VariantType.UInt32,
        ua.VariantType.String,
        ua.VariantType.String,
    ]
    assert 12 < found[0].Value.Value < 15
    assert found[2].Value.Value[4:6] == "-Q"
    assert found[3].Value.Value.startswith("Bangrak/UPS-1/S01/J")


async def test_one_bad_node_does_not_spoil_the_others(server: OpcUaTestServer) -> None:
    items = [
        live(server, "Voltage"),
        ua.ReadValueId(server.node_id("Bangrak/UPS-1/S01/J99.Voltage"), 13),
        ua.ReadValueId(server.node_id(f"{JAR}.Colour"), 13),
        ua.ReadValueId(server.node_id(JAR), 13),
        ua.ReadValueId(ua.NodeId("nowhere", 7), 13),
        ua.ReadValueId(ua.NodeId(ua.ObjectIds.Server_ServerStatus_State), 13),
    ]
    found = await read(server, items)
    codes = [value.StatusCode.value for value in found]
    unknown = S.BadNodeIdUnknown
    assert codes == [S.Good, unknown, unknown, S.BadAttributeIdInvalid, unknown, S.Good]
    assert found[1].Value.Value is None
    assert found[5].Value.Value == 0


async def test_an_attribute_number_that_does_not_exist_spoils_its_own_node_only(
    server: OpcUaTestServer,
) -> None:
    request = read_request([live(server, "Voltage"), live(server, "Voltage")])
    async with raw(server) as connection:
        await connection.log_in()
        data = bytearray(connection.body(request))
        data[data.rindex(b"\x0d\0\0\0")] = 99
        response = decoded(await connection.ask(bytes(data)))
    assert [v.StatusCode.value for v in response.Results] == [S.Good, S.BadAttributeIdInvalid]


async def test_attributes_of_a_live_variable(server: OpcUaTestServer) -> None:
    A = ua.AttributeIds  # noqa: N806
    node_id = server.node_id(f"{JAR}.Voltage")
    wanted = (A.NodeClass, A.BrowseName, A.DisplayName, A.DataType, A.ValueRank, A.AccessLevel, A.Historizing)
    found = await read(server, [ua.ReadValueId(node_id, attribute) for attribute in wanted])
    values = [value.Value.Value for value in found]
    assert values[0] == ua.NodeClass.Variable
    assert values[1].Name == "Voltage"
    assert values[2].Text == "Voltage"
    assert values[3:] == [ua.NodeId(ua.ObjectIds.Double), -1, 13, True]
    assert all(value.SourceTimestamp is None for value in found)


async def test_properties_of_a_live_variable(server: OpcUaTestServer) -> None:
    names = ("Voltage.EURange", "Voltage.EngineeringUnits", "HealthStatus.EnumStrings")
    found = await read(server, [live(server, name) for name in names])
    span, unit, states = (value.Value.Value for value in found)
    assert (span.Low, span.High) == (0.0, 20.0)
    assert (unit.DisplayName.Text, unit.UnitId) == ("V", 5655636)  # UNECE VLT
    assert [state.Text for state in states] == ["Healthy", "Warning", "Critical", "Unknown"]


@pytest.mark.parametrize(
    ("text", "names", "code"),
    [
        ("0", ["Healthy"], S.Good),
        ("1:2", ["Warning", "Critical"], S.Good),
        ("2:9", ["Critical", "Unknown"], S.Good),
        ("4", None, S.BadIndexRangeNoData),
        ("2:1", None, S.BadIndexRangeInvalid),
        ("1:1", None, S.BadIndexRangeInvalid),
        ("-1", None, S.BadIndexRangeInvalid),
        ("a", None, S.BadIndexRangeInvalid),
        ("1,1", None, S.BadIndexRangeNoData),
        ("1,", None, S.BadIndexRangeInvalid),
    ],
)
async def test_an_index_range_takes_a_part_of_an_array(
    server: OpcUaTestServer, text: str, names: list[str] | None, code: int
) -> None:
    item = ua.ReadValueId(server.node_id(f"{JAR}.HealthStatus.EnumStrings"), 13, text)
    (found,) = await read(server, [item])
    assert found.StatusCode.value == code
    value = found.Value.Value
    assert (None if value is None else [state.Text for state in value]) == names


async def test_a_scalar_has_no_range(server: OpcUaTestServer) -> None:
    found = await read(server, [ua.ReadValueId(server.node_id(f"{JAR}.Voltage"), 13, "0")])
    assert found[0].StatusCode.value == S.BadIndexRangeNoData


@pytest.mark.parametrize(
    ("tag", "attribute", "name", "code"),
    [
        ("Voltage", 13, "Default Binary", S.BadDataEncodingInvalid),
        ("Voltage", 13, "Default Morse", S.BadDataEncodingInvalid),
        ("Voltage.EURange", 13, "Default Binary", S.Good),
        ("Voltage.EURange", 13, "Default XML", S.BadDataEncodingUnsupported),
        ("Voltage.EURange", 13, "Default JSON", S.BadDataEncodingUnsupported),
        ("Voltage.EURange", 13, "Default Morse", S.BadDataEncodingUnsupported),
        ("Voltage.EURange", 3, "Default Binary", S.BadDataEncodingInvalid),
    ],
)
async def test_a_data_encoding_is_for_values_that_are_structures(
    server: OpcUaTestServer, tag: str, attribute: int, name: str, code: int
) -> None:
    """Part 4, 7.38.2: to others none can be applied, and of those that can we know one."""
    node_id = server.node_id(f"{JAR}.{tag}")
    found = await read(server, [ua.ReadValueId(node_id, attribute, None, ua.QualifiedName(name))])
    assert found[0].StatusCode.value == code


@pytest.mark.parametrize(
    ("items", "max_age", "code"),
    [(0, 0.0, S.BadNothingToDo), (1, -1.0, S.BadMaxAgeInvalid), (1, float("nan"), S.BadMaxAgeInvalid)],
)
async def test_a_request_without_sense_is_refused(
    server: OpcUaTestServer, items: int, max_age: float, code: int
) -> None:
    async with server.client() as client:
        request = read_request([live(server, "Voltage")] * items, max_age=max_age)
        with pytest.raises(ua.UaStatusCodeError) as refused:
            await answer(client, ua.ReadResponse, request)
    assert refused.value.code == code


async def test_an_unknown_choice_of_timestamps_is_refused(server: OpcUaTestServer) -> None:
    async with raw(server) as connection:
        await connection.log_in()
        data = bytearray(connection.body(read_time()))
        data[data.rindex(b"\x02\0\0\0\x01\0\0\0")] = 4
        assert await connection.fault(bytes(data)) == S.BadTimestampsToReturnInvalid


async def test_what_a_request_says_too_much_is_not_remembered_for_others(server: OpcUaTestServer) -> None:
    """A request for one node whose bytes hold two must not answer the honest request for both."""
    two = read_request([live(server, "Voltage"), live(server, "Temperature")])
    async with raw(server) as connection:
        await connection.log_in()
        honest = connection.body(two)
        at = honest.index(b"\x02\0\0\0\x02\0\0\0") + 4
        await connection.ask(honest[:at] + b"\x01\0\0\0" + honest[at + 4 :])
        response = decoded(await connection.ask(honest))
    values = [value.Value.Value for value in response.Results]
    assert len(values) == 2
    assert 12 < values[0] < 15 < values[1]


async def test_nothing_can_be_written(server: OpcUaTestServer) -> None:
    node_ids = [server.node_id(f"{JAR}.Voltage"), server.node_id("nowhere"), server.node_id(JAR)]
    value = ua.DataValue(ua.Variant(99.0, ua.VariantType.Double))
    async with server.client() as client:
        codes = await client.uaclient.write(
            _writes([ua.WriteValue(node_id, 13, None, value) for node_id in node_ids])
        )
        now = await client.get_node(node_ids[0]).read_value()
    assert [c.value for c in codes] == [S.BadNotWritable, S.BadNodeIdUnknown, S.BadAttributeIdInvalid]
    assert now < 20


def _writes(values: list[ua.WriteValue]) -> ua.WriteParameters:
    parameters = ua.WriteParameters()
    parameters.NodesToWrite = values
    return parameters
