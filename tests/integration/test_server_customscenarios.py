"""Custom scenarios over OPC UA: defined by engineers, described to everybody, run, kept over a restart."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request

from server.statefiles import read_text
from simulator.compositions import Catalogue

S = ua.StatusCodes
VT = ua.VariantType
STRING = "Bangrak/UPS-1/S02"
NAMES, NUMBERS = ua.Variant([], VT.String, is_array=True), ua.Variant([], VT.Double, is_array=True)


async def call(
    client: Client, server: OpcUaTestServer, method: str, *arguments: ua.Variant
) -> ua.CallMethodResult:
    node_ids = [server.node_id("Simulation"), server.node_id(f"Simulation.{method}")]
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(*node_ids, list(arguments))])
    result: ua.CallMethodResult = (await answer(client, ua.CallResponse, sent)).Results[0]
    return result


def definition(name: str, *steps: tuple[str, str, float, float, str]) -> list[ua.Variant]:
    """Arguments of Define."""
    columns = list(zip(*steps, strict=True)) or [()] * 5
    types = (VT.String, VT.String, VT.Double, VT.Double, VT.String)
    arrays = [ua.Variant(list(c), t, is_array=True) for c, t in zip(columns, types, strict=True)]
    return [ua.Variant(name, VT.String), ua.Variant("What happens", VT.String), *arrays]


async def described(client: Client, server: OpcUaTestServer) -> list[Any]:
    result = await call(client, server, "Describe")
    assert result.StatusCode.is_good()
    return [argument.Value for argument in result.OutputArguments]


async def test_everybody_can_ask_what_there_is(client: Client, server: OpcUaTestServer) -> None:
    names, descriptions, targets, removable, *rest = await described(client, server)
    owners, parameters, units, _texts, defaults, lows, highs, wholes, *steps = rest
    assert len(names) == len(descriptions) == len(targets) == len(removable)
    kinds = dict(zip(names, targets, strict=True))
    assert kinds["PowerOutage"] == "Site System String"
    assert "MonsoonStorm" in kinds
    assert not any(removable)
    columns = (owners, parameters, units, defaults, lows, highs, wholes)
    rows = {row[:2]: row[2:] for row in zip(*columns, strict=True)}
    assert rows["HvacFailure", "Rate"] == ("K/h", 2.0, 0.5, 60.0, False)
    assert rows["SensorFault", "Fault"] == ("", 0.0, 0.0, 2.0, True)
    assert rows["MonsoonStorm", "2.Rate"] == ("K/h", 4.0, 0.5, 60.0, False)
    storm = [row for row in zip(*steps, strict=True) if row[0] == "MonsoonStorm"]
    assert [row[1] for row in storm] == ["PowerOutage", "HvacFailure", "CommunicationLoss"]


async def test_only_engineers_define_and_remove(client: Client, server: OpcUaTestServer) -> None:
    arguments = definition("Mine", ("PowerOutage", "", 0.0, 0.0, ""))
    for method, given in (("Define", arguments), ("Remove", arguments[:1])):
        assert (await call(client, server, method, *given)).StatusCode.value == S.BadUserAccessDenied


async def test_a_defined_scenario_runs_and_is_kept(admin: Client, server: OpcUaTestServer) -> None:
    steps = [("TemperatureSpike", "J02", 0.0, 0.0, "Rise=12; Ramp=0"), ("NormalOperation", "", 1.0, 2.0, "")]
    assert (await call(admin, server, "Define", *definition("Mine", *steps))).StatusCode.is_good()
    names, _, _, removable, *rest = await described(admin, server)
    assert [n for n, own in zip(names, removable, strict=True) if own] == ["Mine"]
    assert [row for row in zip(*rest[8:], strict=True) if row[0] == "Mine"] == [
        ("Mine", "TemperatureSpike", "J02", 0.0, 0.0),
        ("Mine", "NormalOperation", "", 1.0, 2.0),
    ]
    saved = read_text(server.settings.home / "state" / "scenarios.json")
    assert saved is not None
    again = Catalogue()
    again.take_up(saved)
    assert list(again)[-1] == "Mine"
    await _run_and_stop(admin, server)
    assert (await call(admin, server, "Remove", ua.Variant("Mine", VT.String))).StatusCode.is_good()
    assert "Mine" not in (await described(admin, server))[0]


async def _run_and_stop(admin: Client, server: OpcUaTestServer) -> None:
    terms = [ua.Variant("Mine", VT.String), ua.Variant(STRING, VT.String), ua.Variant(0.0, VT.Double)]
    started = await call(admin, server, "Start", *terms, NAMES, NUMBERS)
    assert started.StatusCode.is_good()
    number = started.OutputArguments[0]
    names = ua.Variant(["1.Rise"], VT.String, is_array=True)
    adjusted = await call(
        admin, server, "Adjust", number, names, ua.Variant([20.0], VT.Double, is_array=True)
    )
    assert adjusted.StatusCode.is_good()
    for method, given in (
        ("Remove", [ua.Variant("Mine", VT.String)]),
        ("Define", definition("Mine", ("PowerOutage", "", 0.0, 0.0, ""))),
    ):
        assert (await call(admin, server, method, *given)).StatusCode.value == S.BadInvalidState
    assert (await call(admin, server, "Stop", number)).StatusCode.is_good()


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [("Thunder", "", 0.0, 0.0, "")],
        [("PowerOutage", "", 0.0, 0.0, "Depth=11")],
        [("PowerOutage", "", 0.0, 0.0, "DepthVoltage=high")],
        [("PowerOutage", "", 0.0, 0.0, "DepthVoltage=11;DepthVoltage=12")],
        [("PowerOutage", "", -1.0, 0.0, "")],
        [("PowerOutage", "../Phuket", 0.0, float("inf"), "")],
    ],
)
async def test_wrong_definitions_are_refused(
    admin: Client, server: OpcUaTestServer, steps: list[tuple[str, str, float, float, str]]
) -> None:
    result = await call(admin, server, "Define", *definition("Mine", *steps))
    assert result.StatusCode.value == S.BadInvalidArgument
    assert "Mine" not in (await described(admin, server))[0]


async def test_arrays_of_different_length_are_refused(admin: Client, server: OpcUaTestServer) -> None:
    arguments = definition("Mine", ("PowerOutage", "", 0.0, 0.0, ""))
    arguments[4] = NUMBERS
    assert (await call(admin, server, "Define", *arguments)).StatusCode.value == S.BadInvalidArgument
