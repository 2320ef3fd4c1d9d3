"""Events: the fields of a condition, frozen at its transition, and the events of the server itself."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest
from alarmplant import HUMIDITY, START, TEMPERATURE, AlarmPlant
from asyncua import ua
from asyncua.ua.ua_binary import variant_to_binary

from nodeset import status as st
from server.alarms.definition import AlarmType
from server.alarms.events import ConditionEvent, condition_events
from server.alarms.fields import FIELDS
from server.alarms.state import Transitions
from server.events.event import refresh_end, refresh_start, system_event

NAMESPACE = 3


def field(event: Any, path: str) -> Any:
    return event.value(tuple(path.split("/"))).Value


def told(plant: AlarmPlant, second: float) -> list[ConditionEvent]:
    return condition_events(plant.table, plant.step(second), NAMESPACE)


@pytest.fixture
def plant() -> AlarmPlant:
    return AlarmPlant(TEMPERATURE, HUMIDITY)


@pytest.fixture
def event(plant: AlarmPlant) -> ConditionEvent:
    plant.set(TEMPERATURE, 46.25, asset=1)
    (event,) = told(plant, 2)
    return event


@pytest.mark.parametrize(
    ("path", "kind", "value"),
    [
        ("EventType", "NodeId", ua.NodeId(9482)),
        ("SourceNode", "NodeId", ua.NodeId("A/UPS-1/S01/J02", NAMESPACE)),
        ("SourceName", "String", "A/UPS-1/S01/J02"),
        ("Severity", "UInt16", 800),
        ("LastSeverity", "UInt16", 500),
        ("ConditionClassId", "NodeId", ua.NodeId(11164)),
        ("ConditionClassName", "LocalizedText", ua.LocalizedText("ProcessConditionClassType", "en")),
        ("ConditionName", "String", "TemperatureHigh"),
        ("BranchId", "NodeId", ua.NodeId()),
        ("Retain", "Boolean", True),
        ("EnabledState/Id", "Boolean", True),
        ("Quality", "StatusCode", ua.StatusCode(0)),
        ("AckedState", "LocalizedText", ua.LocalizedText("Unacknowledged", "en")),
        ("AckedState/Id", "Boolean", False),
        ("ActiveState", "LocalizedText", ua.LocalizedText("Active", "en")),
        ("ActiveState/Id", "Boolean", True),
        ("ActiveState/EffectiveDisplayName", "LocalizedText", ua.LocalizedText("Active/HighHigh", "en")),
        ("SuppressedOrShelved", "Boolean", False),
        ("InputNode", "NodeId", ua.NodeId("A/UPS-1/S01/J02.Temperature", NAMESPACE)),
        ("LimitState/CurrentState", "LocalizedText", ua.LocalizedText("HighHigh", "en")),
        ("LimitState/CurrentState/Id", "NodeId", ua.NodeId(9329)),
        ("HighHighLimit", "Double", 45.0),
        ("HighLimit", "Double", 35.0),
        ("LowLimit", "Null", None),
        ("ClientUserId", "String", ""),
        ("LocalTime", "Null", None),
        ("ConfirmedState/Id", "Null", None),
        ("Nothing", "Null", None),
    ],
)
def test_field_of_an_active_condition(event: ConditionEvent, path: str, kind: str, value: object) -> None:
    variant = event.value(tuple(path.split("/")))
    assert (variant.VariantType.name, variant.Value) == (kind, value)


def test_time_and_message(event: ConditionEvent) -> None:
    moment = dt.datetime(2023, 11, 14, 22, 13, 22, tzinfo=dt.UTC)
    assert field(event, "Time") == field(event, "ReceiveTime") == moment
    assert field(event, "ActiveState/TransitionTime") == moment
    assert field(event, "AckedState/TransitionTime") is None
    assert field(event, "Message").Text == "Jar temperature is high: 46.25 °C, HighHigh limit 45 °C"


def test_condition_id_and_advice(event: ConditionEvent) -> None:
    node = event.attribute(ua.AttributeIds.NodeId)
    assert node.Value == ua.NodeId("A/UPS-1/S01/J02#TemperatureHigh", NAMESPACE)
    assert event.attribute(ua.AttributeIds.Description).Value.Text == "Look at the air conditioning."
    assert event.attribute(ua.AttributeIds.Executable).Value is None


def test_cleared_condition(plant: AlarmPlant, event: ConditionEvent) -> None:
    plant.set(TEMPERATURE, 20, asset=1)
    (cleared,) = told(plant, 3)
    assert (field(cleared, "ActiveState/Id"), field(cleared, "Retain")) == (False, True)
    assert field(cleared, "LimitState/CurrentState") is None
    assert field(cleared, "LimitState/CurrentState/Id") is None
    assert field(cleared, "EventId") != field(event, "EventId")
    assert field(event, "ActiveState/Id") is True, "what was told stays as it was"


@pytest.mark.parametrize("path", [*FIELDS[AlarmType.LEVEL], ("LocalTime",), ("Nothing", "at all")])
def test_a_field_is_encoded_as_asyncua_encodes_it(plant: AlarmPlant, path: tuple[str, ...]) -> None:
    plant.set(TEMPERATURE, 46.25, asset=1)
    plant.set(HUMIDITY, 90.0, st.UNCERTAIN_LAST_USABLE_VALUE)
    (*told_now, _) = told(plant, 2)
    number = plant.event_id(1)
    plant.table.state.event[2] = 0
    seen = told_now + condition_events(plant.table, plant.table.retained(), NAMESPACE)
    changes = [
        plant.table.acknowledge(1, number, "ไปดูแล้ว \udcff", "สมชาย", START + 5_000_001),
        plant.table.disable(1, "ann", START + 6_000_000),
        plant.table.enable(1, "", START + 7_000_003),
    ]
    seen += [event for change in changes for event in condition_events(plant.table, change, NAMESPACE)]
    now = Transitions(0, np.array([0]), np.array([0], np.uint8), plant.table.snapshot(0))
    seen += condition_events(plant.table, now, NAMESPACE)
    assert len({event.state.level for event in seen}) > 2
    for event in seen:
        assert event.encoded(path) == variant_to_binary(event.value(path)), event
        assert event.encoded(path) is event.encoded(path)


@pytest.mark.parametrize("attribute", [*range(1, 28)])
def test_an_attribute_is_encoded_as_asyncua_encodes_it(event: ConditionEvent, attribute: int) -> None:
    for each in (event, system_event(START, "Hello", 7)):
        assert each.encoded_attribute(attribute) == variant_to_binary(each.attribute(attribute))


def test_subscribers_share_a_field(event: ConditionEvent) -> None:
    assert event.value(("Message",)) is event.value(("Message",))


def test_acknowledged_condition(plant: AlarmPlant, event: ConditionEvent) -> None:
    changes = plant.table.acknowledge(1, event.event_id, "on my way", "ann", START + 5_000_000)
    (acked,) = condition_events(plant.table, changes, NAMESPACE)
    assert field(acked, "AckedState/Id") is True
    assert field(acked, "Comment").Text == "on my way"
    assert field(acked, "ClientUserId") == "ann"
    assert field(acked, "Message").Text.endswith("HighHigh limit 45 °C, acknowledged by ann")
    assert field(acked, "Time") == dt.datetime(2023, 11, 14, 22, 13, 25, tzinfo=dt.UTC)


def test_quality_of_the_input(plant: AlarmPlant, event: ConditionEvent) -> None:
    plant.set(TEMPERATURE, 46.25, st.BAD_NO_COMMUNICATION, asset=1)
    (bad,) = told(plant, 3)
    assert field(bad, "Quality") == ua.StatusCode(st.BAD_NO_COMMUNICATION)
    assert field(bad, "Message").Text.endswith("; the input is bad")


def test_refresh_tells_the_last_event_again(plant: AlarmPlant, event: ConditionEvent) -> None:
    (again,) = condition_events(plant.table, plant.table.retained(), NAMESPACE)
    for path in ("EventId", "Time", "Message", "Severity", "ActiveState/Id"):
        assert field(again, path) == field(event, path)


def test_a_condition_that_never_told_anything(plant: AlarmPlant) -> None:
    plant.step(0)
    now = Transitions(0, np.array([0]), np.array([0], np.uint8), plant.table.snapshot(0))
    (silent,) = condition_events(plant.table, now, NAMESPACE)
    assert field(silent, "EventId") is None
    assert (field(silent, "Retain"), field(silent, "ActiveState/Id")) == (False, False)


def test_condition_without_a_unit_or_a_number(plant: AlarmPlant) -> None:
    plant.set(HUMIDITY, 90.0, asset=0)
    (damp,) = told(plant, 1)
    assert field(damp, "Message").Text == "Room is damp: 90.00 %, High limit 80 %"
    assert field(damp, "ConditionClassId") == ua.NodeId(11165)


@pytest.mark.parametrize(
    ("event", "kind"),
    [(refresh_start(START), 2787), (refresh_end(START), 2788), (system_event(START, "Hello", 7), 2130)],
)
def test_events_of_the_server(event: Any, kind: int) -> None:
    assert field(event, "EventType") == ua.NodeId(kind) == event.type
    assert (field(event, "SourceNode"), field(event, "SourceName")) == (ua.NodeId(2253), "Server")
    assert len(field(event, "EventId")) == 16
    assert field(event, "ActiveState") is None
    assert event.attribute(ua.AttributeIds.NodeId).Value is None
