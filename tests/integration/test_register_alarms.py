"""End to end: registers change on a Modbus device, and within two scans an OPC UA client is told of it.

Severity, message, limit and source are looked at as an operator gets them, by conditions of the test's own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from opcuasubscriber import Subscriber, item, select
from registerplant import SITE, STRING, Drive, RegisterPlant, start

ALARM_FILE = """
conditions:
  TemperatureHigh:
    asset: Jar
    tag: Temperature
    class: process
    limits: {high: {value: 35, severity: 500}, high_high: {value: 45, severity: 800}}
    hysteresis: 1.0
    message: Jar temperature is high
    advice: Look at the air conditioning.
  VoltageLow:
    asset: Jar
    tag: Voltage
    class: process
    limits: {low: {value: 12.0, severity: 450}}
    message: Jar voltage is low
    advice: Mind the runtime.
  MainsLost:
    asset: Site
    tag: MainsState
    type: off_normal
    measure: {kind: abnormal, states: [Lost]}
    class: process
    limits: {high: {value: 0.5, severity: 700}}
    message: Mains supply
    advice: Mind the runtime.
    words: {normal: present, active: lost}
  GatewayLost:
    asset: Site
    tag: GatewayState
    type: system
    measure: {kind: abnormal, states: [Offline]}
    class: system
    limits: {high: {value: 0.5, severity: 650}}
    message: Gateway
    advice: Look at the network.
    words: {normal: answers, active: does not answer}
incidents:
  MainsLost: {members: [VoltageLow]}
"""
FIELDS = (
    "SourceName",
    "ConditionName",
    "EventType",
    "ActiveState/Id",
    "Severity",
    "Message",
    "LimitState/CurrentState",
    "HighLimit",
    "Quality",
)
JAR = f"{STRING}/J04"
MINUTE = 60.0
Told = list[dict[str, Any]]


@pytest.fixture
async def plant(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RegisterPlant]:
    alarms = tmp_path / "own.yaml"
    alarms.write_text(ALARM_FILE)
    plant, end = await start(tmp_path, database, Drive(monkeypatch), alarms)
    try:
        await plant.scan(MINUTE, 3)
        yield plant
    finally:
        end()
        await plant.gateways.close()


@pytest.fixture
async def reader(plant: RegisterPlant) -> AsyncIterator[Client]:
    async with plant.server.client() as client:
        yield client


@pytest.fixture
async def events(reader: Client) -> Subscriber:
    made = await Subscriber.create(reader, RequestedMaxKeepAliveCount=2)
    server = ua.NodeId(ua.ObjectIds.Server)
    wanted = item(server, attribute=ua.AttributeIds.EventNotifier, chosen=select(*FIELDS), queue=1000)
    (result,) = await made.monitor(wanted)
    assert result.StatusCode.is_good()
    return made


async def told(events: Subscriber) -> Told:
    """Conditions that were told of, until nothing comes any more."""
    found: Told = []
    while data := (await events.publish()).NotificationMessage.NotificationData:
        for event in (event for part in data for event in part.Events):
            values = [getattr(field.Value, "Text", field.Value) for field in event.EventFields]
            found.append(dict(zip(FIELDS, values, strict=True)))
    return [each for each in found if each["ConditionName"]]


async def within_two_scans(plant: RegisterPlant, events: Subscriber, period: float = 1.0) -> Told:
    """What is told of two scans from now on."""
    await plant.scan(period, 2)
    return await told(events)


async def test_a_hot_jar_is_told_with_severity_message_limit_and_source(
    plant: RegisterPlant, events: Subscriber
) -> None:
    temperature = plant.of("Temperature")
    while temperature[3] < 34.0:  # as quickly as a jar can
        temperature[3] += 3.0
        await plant.scan(MINUTE)
    assert await told(events) == []
    temperature[3] = 36.5
    (event,) = await within_two_scans(plant, events, MINUTE)
    assert (event["SourceName"], event["ConditionName"]) == (JAR, "TemperatureHigh")
    assert event["EventType"] == ua.NodeId(ua.ObjectIds.ExclusiveLevelAlarmType)
    assert (event["ActiveState/Id"], event["Severity"]) == (True, 500)
    assert (event["LimitState/CurrentState"], event["HighLimit"]) == ("High", 35.0)
    seen = event["Message"].removeprefix("Jar temperature is high: ").split(" ")[0]
    assert float(seen) == pytest.approx(36.5, abs=0.3)
    assert event["Message"].endswith("High limit 35 °C")


async def test_a_jar_that_cools_down_is_told_to_be_well(plant: RegisterPlant, events: Subscriber) -> None:
    temperature = plant.of("Temperature")
    for value in (28.0, 31.0, 34.0, 37.0, 34.5):
        temperature[3] = value
        await plant.scan(MINUTE)
    (event,) = await told(events)
    assert event["ActiveState/Id"], "34.5 °C is within the hysteresis"
    temperature[3] = 33.0
    (event,) = await within_two_scans(plant, events, MINUTE)
    assert not event["ActiveState/Id"]
    assert "no longer" in event["Message"]


async def test_lost_mains_are_told_and_open_an_incident(
    plant: RegisterPlant, events: Subscriber, reader: Client
) -> None:
    plant.of("MainsState", SITE)[:] = 0.0
    (event,) = await within_two_scans(plant, events)
    assert (event["SourceName"], event["ConditionName"], event["Severity"]) == ("Bangrak", "MainsLost", 700)
    assert event["EventType"] == ua.NodeId(ua.ObjectIds.OffNormalAlarmType)
    assert event["Message"] == "Mains supply: lost"
    assert event["HighLimit"] is None, "a state has no limit to show"
    alarms = reader.get_node(plant.server.node_id("Alarms"))
    _, sites, causes, firsts, *_ = await alarms.call_method(
        plant.server.node_id("Alarms.ListIncidents"), True
    )
    assert (sites, causes, firsts) == (["Bangrak"], ["MainsLost"], ["Bangrak#MainsLost"])
    plant.of("MainsState", SITE)[:] = 1.0
    (event,) = await within_two_scans(plant, events)
    assert (event["ActiveState/Id"], event["Message"]) == (False, "Mains supply: present")


async def test_a_device_that_answers_no_more_is_a_lost_gateway(
    plant: RegisterPlant, events: Subscriber
) -> None:
    await plant.gateways.close()
    found = await within_two_scans(plant, events)
    lost = [each for each in found if each["ConditionName"] == "GatewayLost"]
    assert [(each["SourceName"], each["ActiveState/Id"], each["Severity"]) for each in lost] == [
        ("Bangrak", True, 650)
    ]
    assert lost[0]["EventType"] == ua.NodeId(ua.ObjectIds.SystemOffNormalAlarmType)
    assert lost[0]["Message"] == "Gateway: does not answer"
    others = {each["ConditionName"] for each in found if each["ActiveState/Id"]} - {"GatewayLost"}
    assert not others, "what cannot be read is no limit that is passed"
