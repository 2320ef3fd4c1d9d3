"""Fields of conditions by alarm type: which there are, what each tells in each state, and their messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from alarmplant import NAN, START, TEMPERATURE, VOLTAGE, AlarmPlant
from asyncua import ua
from asyncua.ua.ua_binary import variant_to_binary

from nodeset.fleet import AssetType
from nodeset.tags import TAG_OF
from server.alarms.definition import AlarmDef, AlarmType, Measure, MeasureKind, Words
from server.alarms.events import ConditionEvent, condition_events
from server.alarms.fields import FIELDS, members
from server.alarms.state import Change

SECOND = 1_000_000
NS = 3
LIMIT_TYPES = (AlarmType.LEVEL, AlarmType.DEVIATION, AlarmType.RATE_OF_CHANGE)
OFF_NORMAL_TYPES = (AlarmType.OFF_NORMAL, AlarmType.SYSTEM, AlarmType.INSTRUMENT)
HOT = replace(TEMPERATURE, type=AlarmType.LEVEL)
STATE = replace(TEMPERATURE, limits=(NAN, NAN, 0.5, NAN), severities=(0, 0, 400, 0), message="Mains supply")


def event_of(definition: AlarmDef, value: float = 46.25, **state: Any) -> ConditionEvent:
    """The event of the second jar's condition, active at `value`, with some of its state changed."""
    plant = AlarmPlant(replace(definition, suppressed_by=()))
    plant.set(definition, value, asset=1)
    plant.set(definition, definition.limits[2] - 1, asset=0)
    (event,) = (e for e in condition_events(plant.table, plant.step(2), NS) if e.source.startswith("A/"))
    return replace(event, definition=definition, state=event.state._replace(**state), _known={}, _encoded={})


def field(event: ConditionEvent, path: str) -> Any:
    return event.value(tuple(path.split("/"))).Value


def text(event: ConditionEvent, path: str = "Message") -> str:
    return str(field(event, path).Text)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (AlarmType.LEVEL, 9482),
        (AlarmType.DEVIATION, 9764),
        (AlarmType.RATE_OF_CHANGE, 9623),
        (AlarmType.OFF_NORMAL, 10637),
        (AlarmType.SYSTEM, 11753),
        (AlarmType.INSTRUMENT, 18347),
        (AlarmType.DISCREPANCY, 17080),
    ],
)
def test_an_event_is_of_its_conditions_type(kind: AlarmType, number: int) -> None:
    event = event_of(replace(TEMPERATURE, type=kind))
    assert event.type == field(event, "EventType") == ua.NodeId(number)


@pytest.mark.parametrize("kind", AlarmType)
def test_limits_are_shown_by_limit_alarms_alone(kind: AlarmType) -> None:
    event = event_of(replace(TEMPERATURE, type=kind))
    limit = kind in LIMIT_TYPES
    assert field(event, "HighHighLimit") == (45.0 if limit else None)
    assert field(event, "SeverityHigh") == (500 if limit else None)
    assert field(event, "HighDeadband") == (1.0 if limit else None)
    assert field(event, "LowLimit") is field(event, "SeverityLow") is field(event, "LowDeadband") is None
    assert field(event, "LimitState/CurrentState") == (ua.LocalizedText("HighHigh", "en") if limit else None)
    assert field(event, "LimitState/CurrentState/Id") == (ua.NodeId(9329) if limit else None)
    assert field(event, "ActiveState/EffectiveDisplayName") == (
        ua.LocalizedText("Active/HighHigh", "en") if limit else None
    )


@pytest.mark.parametrize("kind", AlarmType)
def test_a_type_has_its_own_fields(kind: AlarmType) -> None:
    event = event_of(replace(TEMPERATURE, type=kind, on_delay=0))
    has = {
        name for name in ("SetpointNode", "NormalState", "TargetValueNode") if field(event, name) is not None
    }
    wanted = {AlarmType.DEVIATION: {"SetpointNode"}, AlarmType.DISCREPANCY: {"TargetValueNode"}}
    assert has == wanted.get(kind, {"NormalState"} if kind in OFF_NORMAL_TYPES else set())


def test_a_discrepancy_tells_its_tolerance_and_how_long_it_waits() -> None:
    definition = replace(TEMPERATURE, type=AlarmType.DISCREPANCY, limits=(NAN, -3, 3, NAN))
    event = event_of(definition)
    late = replace(event, limits=event.limits._replace(on_delay=90 * SECOND), _known={}, _encoded={})
    assert (field(event, "Tolerance"), field(late, "ExpectedTime")) == (3.0, 90_000.0)
    assert text(event) == "Jar temperature is high: 46.25 °C from its target, tolerance 3 °C"


@pytest.mark.parametrize(
    ("measure", "node"),
    [
        (MeasureKind.FROM_BASELINE, "A/UPS-1/S01/J02.BaselineResistance"),
        (MeasureKind.FLOAT_COMPENSATED, "A/UPS-1.FloatVoltageSetpoint"),
        (MeasureKind.FROM_STRING_MEAN, None),
    ],
)
def test_a_deviation_names_its_set_point(measure: MeasureKind, node: str | None) -> None:
    event = event_of(replace(TEMPERATURE, type=AlarmType.DEVIATION))
    deviation = replace(
        event, definition=replace(event.definition, measure=Measure(measure)), _known={}, _encoded={}
    )
    assert field(deviation, "SetpointNode") == (ua.NodeId(node, NS) if node else ua.NodeId())
    mirrored = replace(deviation, source=f"Shadow/{event.source}", _known={}, _encoded={})
    assert field(mirrored, "SetpointNode") == (ua.NodeId(f"Shadow/{node}", NS) if node else ua.NodeId())


def test_a_rate_of_change_tells_its_window() -> None:
    event = event_of(replace(TEMPERATURE, type=AlarmType.RATE_OF_CHANGE))
    window = Measure(MeasureKind.CHANGE, 600 * SECOND)
    event = replace(event, definition=replace(event.definition, measure=window), _known={}, _encoded={})
    assert field(event, "EngineeringUnits").DisplayName.Text == "K in 10 min"
    assert text(event) == "Jar temperature is high: 46.25 K in 10 min, HighHigh limit 45 K"


@pytest.mark.parametrize(
    ("confirm", "confirmed", "name", "told"),
    [(False, True, None, None), (True, True, "Confirmed", True), (True, False, "Unconfirmed", False)],
)
def test_only_what_is_to_be_confirmed_has_a_confirmed_state(
    confirm: bool, confirmed: bool, name: str | None, told: bool | None
) -> None:
    event = event_of(replace(TEMPERATURE, confirm=confirm), confirmed=confirmed, confirmed_time=START)
    state = field(event, "ConfirmedState")
    assert (state and state.Text, field(event, "ConfirmedState/Id")) == (name, told)
    assert (field(event, "ConfirmedState/TransitionTime") is not None) is confirm


@pytest.mark.parametrize(
    ("state", "names", "hidden"),
    [
        ({}, ("Unshelved", "Unsuppressed", "In Service"), False),
        ({"shelved": 2}, ("TimedShelved", "Unsuppressed", "In Service"), True),
        ({"shelved": 1}, ("OneShotShelved", "Unsuppressed", "In Service"), True),
        ({"suppressed": 1}, ("Unshelved", "Suppressed", "In Service"), True),
        ({"suppressed": 2}, ("Unshelved", "Suppressed", "In Service"), True),
        ({"out_of_service": True}, ("Unshelved", "Unsuppressed", "Out of Service"), True),
    ],
)
def test_what_hides_a_condition_from_operators(
    state: dict[str, Any], names: tuple[str, str, str], hidden: bool
) -> None:
    event = event_of(TEMPERATURE, **state)
    paths = ("ShelvingState/CurrentState", "SuppressedState", "OutOfServiceState")
    assert tuple(text(event, path) for path in paths) == names
    assert field(event, "SuppressedOrShelved") is hidden
    assert field(event, "SuppressedState/Id") is bool(state.get("suppressed"))
    assert field(event, "OutOfServiceState/Id") is bool(state.get("out_of_service"))
    number = {0: 2930, 1: 2933, 2: 2932}[state.get("shelved", 0)]
    assert field(event, "ShelvingState/CurrentState/Id") == ua.NodeId(number)
    assert field(event, "Retain") is True


def test_unshelve_time_is_what_is_left() -> None:
    event = event_of(TEMPERATURE, shelved=2, shelved_until=START + 3_602 * SECOND)
    assert field(event, "ShelvingState/UnshelveTime") == 3_600_000.0
    assert event.unshelve_time(START + 3_601 * SECOND).Value == 1000.0
    assert event.unshelve_time(START + 4_000 * SECOND).Value == 0.0
    assert field(event_of(TEMPERATURE), "ShelvingState/UnshelveTime") == 0.0


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ({}, "Active/HighHigh | Unacknowledged"),
        ({"acked": True}, "Active/HighHigh"),
        ({"acked": True, "confirmed": False}, "Active/HighHigh | Unconfirmed"),
        ({"level": 0, "acked": True, "shelved": 2, "suppressed": 1}, "Inactive | TimedShelved | Suppressed"),
        ({"out_of_service": True}, "Active/HighHigh | Unacknowledged | Out of Service"),
        ({"enabled": False}, "Disabled"),
    ],
)
def test_all_states_in_one_line(state: dict[str, Any], line: str) -> None:
    assert text(event_of(TEMPERATURE, **state), "EnabledState/EffectiveDisplayName") == line


def test_a_branch_names_itself() -> None:
    event = event_of(TEMPERATURE, branch=77)
    assert field(event, "BranchId") == ua.NodeId("A/UPS-1/S01/J02#TemperatureHigh@77", NS)
    assert event.attribute(ua.AttributeIds.NodeId).Value == ua.NodeId("A/UPS-1/S01/J02#TemperatureHigh", NS)
    assert text(event) == "Jar temperature is high: an earlier alarm, 46.25 °C, HighHigh limit 45 °C"
    assert field(event_of(TEMPERATURE), "BranchId") == ua.NodeId()


@pytest.mark.parametrize(
    ("change", "state", "said"),
    [
        (Change.ACKNOWLEDGED, {}, ", acknowledged by ann"),
        (Change.CONFIRMED, {}, ", confirmed by ann"),
        (Change.COMMENTED, {}, ", commented on by ann"),
        (
            Change.SHELVED,
            {"shelved": 2, "shelved_until": START},
            ", shelved until 2023-11-14 22:13 UTC by ann",
        ),
        (
            Change.SHELVED,
            {"shelved": 1, "shelved_until": START},
            ", shelved until it clears, at the latest 2023-11-14 22:13 UTC by ann",
        ),
        (Change.UNSHELVED | Change.BY_USER, {}, ", no longer shelved by ann"),
        (Change.UNSHELVED, {}, ", no longer shelved"),
        (Change.SUPPRESSED | Change.BY_USER, {"suppressed": 1}, ", suppressed by ann"),
        (Change.SUPPRESSED, {"suppressed": 2}, ", suppressed by MainsLost or GatewayOffline"),
        (Change.UNSUPPRESSED, {}, ", no longer suppressed"),
        (Change.REMOVED_FROM_SERVICE, {}, ", taken out of service by ann"),
        (Change.PLACED_IN_SERVICE, {}, ", back in service by ann"),
        (Change.CONFIGURED, {}, ", configured anew by ann"),
        (
            Change.ACTIVATED | Change.SUPPRESSED,
            {"suppressed": 2},
            ", suppressed by MainsLost or GatewayOffline",
        ),
        (Change.QUALITY, {"quality": 0x8000_0000}, "; the input is bad"),
    ],
)
def test_a_message_says_what_was_done_and_by_whom(change: Change, state: dict[str, Any], said: str) -> None:
    definition = replace(TEMPERATURE, suppressed_by=("MainsLost", "GatewayOffline"))
    event = replace(event_of(definition, user="ann", **state), change=int(change))
    assert text(event) == f"Jar temperature is high: 46.25 °C, HighHigh limit 45 °C{said}"


@pytest.mark.parametrize(("change", "said"), [(Change.ENABLED, "enabled"), (Change.DISABLED, "disabled")])
def test_a_condition_that_is_switched_says_nothing_else(change: Change, said: str) -> None:
    event = replace(event_of(TEMPERATURE, user="ann"), change=int(change | Change.BY_USER))
    assert text(event) == f"Jar temperature is high: {said} by ann"


@pytest.mark.parametrize("kind", OFF_NORMAL_TYPES)
@pytest.mark.parametrize(
    ("changes", "active", "normal"),
    [
        ({"words": Words("Present", "Lost")}, "Lost", "Present"),
        ({"tag": TAG_OF[AssetType.JAR, "SensorState"]}, "Suspect", "Normal"),
        ({}, "1.00 °C", "normal, 0.00 °C"),
        (
            {"tag": TAG_OF[AssetType.JAR, "SensorState"], "measure": Measure(MeasureKind.ABNORMAL)},
            "off normal",
            "normal",
        ),
    ],
)
def test_an_off_normal_condition_names_its_state(
    kind: AlarmType, changes: dict[str, Any], active: str, normal: str
) -> None:
    event = event_of(replace(STATE, type=kind), 1.0)
    named = replace(event, definition=replace(event.definition, **changes), _known={}, _encoded={})
    assert text(named) == f"Mains supply: {active}"
    over = replace(named, state=named.state._replace(level=0, value=0.0), _known={}, _encoded={})
    assert text(over) == f"Mains supply: {normal}"


def test_a_value_that_is_none_is_said_so() -> None:
    event = event_of(TEMPERATURE)
    event = replace(event, state=event.state._replace(level=0, value=NAN))
    assert text(event) == "Jar temperature is high: no longer, no value"


@pytest.mark.parametrize("kind", AlarmType)
def test_every_field_is_encoded_as_asyncua_encodes_it(kind: AlarmType) -> None:
    definition = replace(TEMPERATURE, type=kind, confirm=True, suppressed_by=("MainsLost",))
    states: list[dict[str, Any]] = [
        {},
        {
            "level": 0,
            "acked": True,
            "confirmed": False,
            "confirmed_time": START,
            "comment": "ไฟดับ",
            "user": "สมชาย",
        },
        {"shelved": 1, "shelved_until": START + 10 * SECOND, "shelved_time": START},
        {"shelved": 2, "suppressed": 3, "suppressed_time": START + 7, "out_of_service": True},
        {"branch": 5, "enabled": False, "quality": 0x8000_0000, "service_time": START},
    ]
    for state in states:
        event = event_of(definition, **state)
        for path in FIELDS[kind]:
            assert event.encoded(path) == variant_to_binary(event.value(path)), (path, state)


@pytest.mark.parametrize("kind", AlarmType)
def test_members_are_the_fields_that_are_not_always_null(kind: AlarmType) -> None:
    bare, full = replace(TEMPERATURE, type=kind), replace(VOLTAGE, type=kind, confirm=True)
    assert ("ConfirmedState", "Id") in members(full)
    assert ("ConfirmedState", "Id") not in members(bare)
    limits = {path[0] for path in members(bare) if path[0].endswith(("Limit", "Deadband"))}
    assert limits == (
        {"HighLimit", "HighDeadband", "HighHighLimit", "HighHighDeadband"} if kind in LIMIT_TYPES else set()
    )
    assert set(members(full)) <= set(FIELDS[kind])


def test_a_slice_of_events_costs_one_look_at_the_limits() -> None:
    plant = AlarmPlant(TEMPERATURE, VOLTAGE)
    plant.table.limits.signed[1, 2] = 33.0
    plant.set(TEMPERATURE, 40.0)
    plant.set(VOLTAGE, 10.0)
    events = condition_events(plant.table, plant.step(2), NS)
    assert [event.limits.values[2] for event in events] == [35.0, 33.0, 35.0, 35.0, *4 * [14.5]]
    assert np.isnan(events[0].limits.values[0])
