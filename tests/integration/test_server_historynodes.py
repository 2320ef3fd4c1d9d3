"""What the address space says of history: configurations, capabilities and aggregates (Parts 11 and 13)."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import Client, Node, ua
from opcuaserver import OpcUaTestServer

from historian.aggregation import Aggregate

Ids = ua.ObjectIds
JAR = "Bangrak/UPS-1/S01/J02"
FOLDERS = (
    Ids.Server_ServerCapabilities_AggregateFunctions,
    Ids.HistoryServerCapabilities_AggregateFunctions,
    Ids.DefaultHAConfiguration_AggregateFunctions,
)
DEFAULTS = {
    "TreatUncertainAsBad": True,
    "PercentDataBad": 100,
    "PercentDataGood": 100,
    "UseSlopedExtrapolation": False,
}


async def configuration_of(client: Client, server: OpcUaTestServer, name: str) -> Node:
    variable = client.get_node(server.node_id(f"{JAR}.{name}"))
    (found,) = await variable.get_referenced_nodes(Ids.HasHistoricalConfiguration)
    return found


async def properties(node: Node) -> dict[str, Any]:
    found = await node.get_properties()
    return {(await each.read_browse_name()).Name: await each.read_value() for each in found}


@pytest.mark.parametrize(
    ("name", "stepped"),
    [("Voltage", False), ("Temperature", False), ("HealthStatus", True), ("ReplacementQuarter", True)],
)
async def test_a_variable_says_how_it_is_historised(
    client: Client, server: OpcUaTestServer, name: str, stepped: bool
) -> None:
    variable = client.get_node(server.node_id(f"{JAR}.{name}"))
    assert await variable.read_attribute(ua.AttributeIds.Historizing) is not None
    assert (await variable.read_attribute(ua.AttributeIds.Historizing)).Value.Value is True
    assert ua.AccessLevel.HistoryRead in await variable.get_access_level()
    assert ua.AccessLevel.HistoryRead in await variable.get_user_access_level()
    found = await configuration_of(client, server, name)
    assert await found.read_browse_name() == ua.QualifiedName("HA Configuration", 0)
    assert await found.read_type_definition() == ua.NodeId(Ids.HistoricalDataConfigurationType)
    period = server.settings.scan.period * 1000
    assert await properties(found) == {
        "Stepped": stepped,
        "MinTimeInterval": period,
        "MaxTimeInterval": period,
        "MaxTimeStoredValues": server.settings.historian.raw_days * 86_400_000.0,
        "ServerTimestampSupported": False,
    }
    rules = await found.get_child("0:AggregateConfiguration")
    assert await rules.read_type_definition() == ua.NodeId(Ids.AggregateConfigurationType)
    assert await properties(rules) == DEFAULTS


async def test_variables_of_a_kind_share_their_configuration(client: Client, server: OpcUaTestServer) -> None:
    names = ("Voltage", "Temperature", "HealthStatus", "ReplacementQuarter")
    found = [(await configuration_of(client, server, name)).nodeid for name in names]
    assert found[0] == found[1]
    assert found[2] == found[3]
    assert found[0] != found[2]


async def test_members_are_of_the_types_that_the_standard_gives_them(
    client: Client, server: OpcUaTestServer
) -> None:
    found = await configuration_of(client, server, "Voltage")
    of_type = client.get_node(ua.NodeId(Ids.HistoricalDataConfigurationType))
    for node, pattern in (
        (found, of_type),
        (
            await found.get_child("0:AggregateConfiguration"),
            client.get_node(ua.NodeId(Ids.AggregateConfigurationType)),
        ),
    ):
        for member in await node.get_properties():
            declared = await pattern.get_child(await member.read_browse_name())
            assert await member.read_data_type() == await declared.read_data_type()
            value = await member.read_data_value()
            built_in = await ua_type(client, await member.read_data_type())
            assert value.Value.VariantType is built_in


async def ua_type(client: Client, data_type: ua.NodeId) -> ua.VariantType:
    """The built-in type that a data type comes down to."""
    duration = ua.NodeId(Ids.Duration)
    return ua.VariantType.Double if data_type == duration else ua.VariantType(data_type.Identifier)


async def test_the_servers_own_configuration_holds_where_variables_say_nothing(client: Client) -> None:
    default = client.get_node(ua.NodeId(Ids.DefaultHAConfiguration))
    found = await properties(default)
    assert found["Stepped"] is False
    assert found["ServerTimestampSupported"] is False
    assert None not in found.values()
    assert await properties(await default.get_child("0:AggregateConfiguration")) == DEFAULTS


@pytest.mark.parametrize("folder", FOLDERS)
async def test_aggregates_are_those_that_are_worked_out(client: Client, folder: int) -> None:
    found = await client.get_node(ua.NodeId(folder)).get_children()
    assert sorted(node.nodeid.Identifier for node in found) == sorted(Aggregate)
    assert {await node.read_type_definition() for node in found} == {ua.NodeId(Ids.AggregateFunctionType)}
