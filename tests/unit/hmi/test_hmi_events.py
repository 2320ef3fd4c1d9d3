"""What the HMI makes of a condition's event: every state of Part 9, and null where a condition has none."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from asyncua import ua

from hmi.alarms import AlarmList, Condition
from hmi.events import FIELDS, event_filter, take

T = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)
MS = round(T.timestamp() * 1000)
TOLD: dict[str, Any] = {
    "EventId": b"\x01\x02",
    "EventType": ua.NodeId(ua.ObjectIds.ExclusiveLevelAlarmType),
    "SourceNode": ua.NodeId("Bangrak/UPS-1/S03/J07", 2),
    "Time": T,
    "Message": ua.LocalizedText("Jar temperature is high: 47.00 °C, High limit 45 °C"),
    "Severity": 500,
    "ConditionName": "TemperatureHigh",
    "ConditionClassName": ua.LocalizedText("ProcessConditionClassType"),
    "Retain": True,
    "ActiveState/Id": True,
    "ActiveState/TransitionTime": T - dt.timedelta(minutes=1),
    "AckedState/Id": False,
    "LimitState/CurrentState": ua.LocalizedText("High"),
    "HighLimit": 45.0,
    "HighHighLimit": 80.0,
    "ConditionId": ua.NodeId("Bangrak/UPS-1/S03/J07#TemperatureHigh", 2),
}


def told(alarms: AlarmList, **changed: Any) -> bool:
    """Tell an event; what is not named is null. Whether a refresh is asked for."""
    values = TOLD | {name.replace("__", "/"): value for name, value in changed.items()}
    return take(alarms, [ua.Variant(values.get(name)) for name in (*FIELDS, "ConditionId")])


def only(alarms: AlarmList) -> Condition:
    (found,) = alarms.conditions.values()
    return found


def test_an_alarm_without_optional_states_has_none() -> None:
    alarms = AlarmList()
    assert not told(alarms)
    found = only(alarms)
    assert (found.id, found.event, found.time, found.since) == (
        "Bangrak/UPS-1/S03/J07#TemperatureHigh",
        "0102",
        MS,
        MS - 60_000,
    )
    assert (found.limit, found.bound, found.kind) == ("High", 45.0, "Process")
    assert (found.active, found.acknowledged, found.confirmed, found.confirmable) == (
        True,
        False,
        True,
        False,
    )
    assert not found.held


def test_confirmation_is_waited_for_where_there_is_any() -> None:
    alarms = AlarmList()
    told(alarms, AckedState__Id=True, ConfirmedState__Id=False)
    assert (only(alarms).confirmable, only(alarms).confirmed) == (True, False)


@pytest.mark.parametrize(
    ("number", "shelved"),
    [
        (ua.ObjectIds.ShelvedStateMachineType_Unshelved, ""),
        (ua.ObjectIds.ShelvedStateMachineType_TimedShelved, "timed"),
        (ua.ObjectIds.ShelvedStateMachineType_OneShotShelved, "once"),
    ],
)
def test_shelving(number: int, shelved: str) -> None:
    alarms = AlarmList()
    state = {"ShelvingState/CurrentState/Id": ua.NodeId(number), "ShelvingState/UnshelveTime": 90_000.0}
    told(alarms, **state)
    assert (only(alarms).shelved, only(alarms).held) == (shelved, bool(shelved))
    if shelved == "timed":
        assert only(alarms).until == MS + 90_000


@pytest.mark.parametrize("field", ["SuppressedState/Id", "OutOfServiceState/Id"])
def test_who_is_suppressed_or_out_of_service_is_held_back(field: str) -> None:
    alarms = AlarmList()
    told(alarms, **{field: True})
    assert only(alarms).held
    told(alarms, **{field: False})
    assert not only(alarms).held


def test_a_branch_is_a_row_of_its_own_and_goes_alone() -> None:
    alarms = AlarmList()
    told(alarms)
    branch = ua.NodeId("Bangrak/UPS-1/S03/J07#TemperatureHigh@7", 2)
    told(alarms, BranchId=branch, EventId=b"\x03")
    assert [c.event for c in alarms.conditions.values()] == ["0102", "03"]
    told(alarms, BranchId=branch, Retain=False)
    assert only(alarms).branch == ""


@pytest.mark.parametrize(
    "kind", [ua.ObjectIds.RefreshRequiredEventType, ua.ObjectIds.EventQueueOverflowEventType]
)
def test_what_may_be_missing_is_asked_for_again(kind: int) -> None:
    alarms = AlarmList()
    assert told(alarms, EventType=ua.NodeId(kind), ConditionId=None)
    assert not alarms.conditions


def test_the_filter_selects_every_field_and_the_condition() -> None:
    paths = ["/".join(name.Name for name in each.BrowsePath) for each in event_filter().SelectClauses]
    assert paths == [*FIELDS, ""]
