"""Methods (Part 4, 5.12): arguments, roles and what they give."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import Client, ua
from opcuaserver import OpcUaTestServer, answer, request

S = ua.StatusCodes
VT = ua.VariantType
JAR = "Bangrak/UPS-1/S01/J05"
TEXTS, NUMBERS = ua.Variant([], VT.String, is_array=True), ua.Variant([], VT.Double, is_array=True)


def text(value: str | None) -> ua.Variant:
    return ua.Variant(value, VT.String)


def number(value: float) -> ua.Variant:
    return ua.Variant(value, VT.Double)


async def call(
    client: Client, server: OpcUaTestServer, method: str, *arguments: ua.Variant, owner: str = ""
) -> ua.CallMethodResult:
    node_ids = [server.node_id(owner or method.partition(".")[0]), server.node_id(method)]
    sent = request(ua.CallRequest, MethodsToCall=[ua.CallMethodRequest(*node_ids, list(arguments))])
    result: ua.CallMethodResult = (await answer(client, ua.CallResponse, sent)).Results[0]
    return result


async def test_the_life_of_a_jar_can_be_asked_for(client: Client, server: OpcUaTestServer) -> None:
    live = client.get_node(server.node_id(f"{JAR}.RemainingUsefulLife"))
    before = await live.read_value()
    result = await call(client, server, "Analytics.PredictRul", text(JAR))
    after = await live.read_value()  # a twin that has just begun still learns from each scan
    assert result.StatusCode.is_good()
    assert result.InputArgumentResults == []
    days, lower, upper, confidence, factors, shares, version = (v.Value for v in result.OutputArguments)
    assert 0 <= lower <= days <= upper
    assert confidence in ("Low", "Medium", "High")
    assert len(factors) == len(shares)
    assert version
    assert min(before, after) - 1 <= days <= max(before, after) + 1


@pytest.mark.parametrize("path", ["Bangrak/UPS-1/S01/J99", "Bangrak", "", None, JAR + ".Voltage"])
async def test_there_must_be_such_a_jar(client: Client, server: OpcUaTestServer, path: str | None) -> None:
    result = await call(client, server, "Analytics.PredictRul", text(path))
    assert result.StatusCode.value == S.BadInvalidArgument
    assert [status.value for status in result.InputArgumentResults] == [S.BadNodeIdUnknown]


@pytest.mark.parametrize(
    ("arguments", "code", "each"),
    [
        ([], S.BadArgumentsMissing, []),
        ([text(JAR), text(JAR)], S.BadTooManyArguments, []),
        ([number(1.0)], S.BadInvalidArgument, [S.BadTypeMismatch]),
        ([ua.Variant([JAR], VT.String)], S.BadInvalidArgument, [S.BadTypeMismatch]),
        ([ua.Variant(JAR.encode(), VT.ByteString)], S.BadInvalidArgument, [S.BadTypeMismatch]),
        ([ua.Variant()], S.BadInvalidArgument, [S.BadTypeMismatch]),
    ],
)
async def test_arguments_are_checked(
    client: Client, server: OpcUaTestServer, arguments: list[ua.Variant], code: int, each: list[int]
) -> None:
    result = await call(client, server, "Analytics.PredictRul", *arguments)
    assert result.StatusCode.value == code
    assert [status.value for status in result.InputArgumentResults] == each


async def test_a_method_is_called_on_its_object(client: Client, server: OpcUaTestServer) -> None:
    predict = "Analytics.PredictRul"
    for owner, code in (
        ("nowhere", S.BadNodeIdUnknown),
        ("Simulation", S.BadMethodInvalid),
        ("Bangrak", S.BadMethodInvalid),
        (f"{JAR}.Voltage", S.BadMethodInvalid),
    ):
        assert (await call(client, server, predict, text(JAR), owner=owner)).StatusCode.value == code
    unknown = await call(client, server, "Analytics.Guess", text(JAR))
    assert unknown.StatusCode.value == S.BadMethodInvalid


async def test_nobody_anonymous_starts_a_simulation(client: Client, server: OpcUaTestServer) -> None:
    arguments: list[Any] = [text("PowerOutage"), text("Bangrak"), number(1.0), TEXTS, NUMBERS]
    for method, given in (
        ("Simulation.Start", arguments),
        ("Simulation.Stop", [text("SIM-0001")]),
        ("Simulation.Adjust", [text("SIM-0001"), TEXTS, NUMBERS]),
    ):
        assert (await call(client, server, method, *given)).StatusCode.value == S.BadUserAccessDenied
    listed = await call(client, server, "Simulation.List")
    assert [v.Value for v in listed.OutputArguments] == [[], [], []]


async def test_five_simulations_and_no_more(admin: Client, server: OpcUaTestServer) -> None:
    started = []
    for jar in range(1, 6):
        target = f"Bangrak/UPS-1/S02/J0{jar}"
        result = await call(
            admin, server, "Simulation.Start", text("SensorFault"), text(target), number(0.0), TEXTS, NUMBERS
        )
        assert result.StatusCode.is_good()
        started.append(result.OutputArguments[0].Value)
    assert len(set(started)) == 5
    sixth = [text("SensorFault"), text(JAR), number(0.0), TEXTS, NUMBERS]
    result = await call(admin, server, "Simulation.Start", *sixth)
    assert result.StatusCode.value == S.BadTooManyOperations
    listed = await call(admin, server, "Simulation.List")
    assert listed.OutputArguments[0].Value == started
    for simulation in started:
        assert (await call(admin, server, "Simulation.Stop", text(simulation))).StatusCode.is_good()
    gone = await call(admin, server, "Simulation.Stop", text(started[0]))
    assert gone.StatusCode.value == S.BadNotFound


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([text("Flood"), text(JAR), number(1.0), TEXTS, NUMBERS], S.BadInvalidArgument),
        ([text(None), text(None), number(1.0), TEXTS, NUMBERS], S.BadInvalidArgument),
        ([text("SensorFault"), text("Nowhere"), number(1.0), TEXTS, NUMBERS], S.BadInvalidArgument),
        ([text("SensorFault"), text(JAR), number(-1.0), TEXTS, NUMBERS], S.BadOutOfRange),
        ([text("SensorFault"), text(JAR), number(float("nan")), TEXTS, NUMBERS], S.BadOutOfRange),
        ([text("SensorFault"), text(JAR), number(float("inf")), TEXTS, NUMBERS], S.BadOutOfRange),
        (
            [text("SensorFault"), text(JAR), number(1.0), ua.Variant([None], VT.String), NUMBERS],
            S.BadInvalidArgument,
        ),
        (
            [
                text("SensorFault"),
                text(JAR),
                number(1.0),
                ua.Variant([None], VT.String),
                ua.Variant([1.0], VT.Double),
            ],
            S.BadOutOfRange,
        ),
        (
            [
                text("SensorFault"),
                text(JAR),
                number(1.0),
                ua.Variant(["Bias"], VT.String),
                ua.Variant([float("nan")], VT.Double),
            ],
            S.BadOutOfRange,
        ),
    ],
)
async def test_a_simulation_without_sense_is_refused(
    admin: Client, server: OpcUaTestServer, arguments: list[ua.Variant], code: int
) -> None:
    result = await call(admin, server, "Simulation.Start", *arguments)
    assert result.StatusCode.value == code
    listed = await call(admin, server, "Simulation.List")
    assert listed.OutputArguments[0].Value == []


@pytest.mark.parametrize(
    ("scenario", "target", "each"),
    [
        ("Flood", JAR, [S.BadNotFound, 0, 0, 0, 0]),
        ("SensorFault", "Nowhere", [0, S.BadNodeIdUnknown, 0, 0, 0]),
    ],
)
async def test_it_is_said_which_argument_names_nothing(
    admin: Client, server: OpcUaTestServer, scenario: str, target: str, each: list[int]
) -> None:
    result = await call(
        admin, server, "Simulation.Start", text(scenario), text(target), number(1.0), TEXTS, NUMBERS
    )
    assert [status.value for status in result.InputArgumentResults] == each


async def test_a_start_with_null_arrays_uses_the_defaults(admin: Client, server: OpcUaTestServer) -> None:
    nothing = [ua.Variant(None, kind, is_array=True) for kind in (VT.String, VT.Double)]
    result = await call(
        admin, server, "Simulation.Start", text("SensorFault"), text(JAR), number(600.0), *nothing
    )
    assert result.StatusCode.is_good()
    await call(admin, server, "Simulation.Stop", result.OutputArguments[0])


async def test_no_call_at_all_is_refused(client: Client) -> None:
    with pytest.raises(ua.UaStatusCodeError) as refused:
        await answer(client, ua.CallResponse, request(ua.CallRequest, MethodsToCall=[]))
    assert refused.value.code == S.BadNothingToDo
