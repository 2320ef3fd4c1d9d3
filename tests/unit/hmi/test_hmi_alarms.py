"""The list of retained conditions, and what its viewers are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hmi.alarms import AlarmList, Condition

HOT = Condition(
    id="Bangrak/UPS-1/S03/J07#TemperatureHigh",
    event="00ff",
    source="Bangrak/UPS-1/S03/J07",
    name="TemperatureHigh",
    message="Temperature above 35 °C",
    severity=500,
    time=1_790_000_000_000,
    active=True,
    acknowledged=False,
    retain=True,
)
WEAK = replace(HOT, id="Phuket/UPS-1/S01/J01#StateOfHealthLow", source="Phuket/UPS-1/S01/J01", severity=800)


def test_retained_conditions_stay_until_no_longer_retained() -> None:
    alarms = AlarmList()
    alarms.take(HOT)
    alarms.take(replace(HOT, active=False))
    assert [c.active for c in alarms.conditions.values()] == [False]
    alarms.take(replace(HOT, active=False, acknowledged=True, retain=False))
    assert alarms.conditions == {}


def test_what_has_left_the_list_is_remembered_for_who_acts_on_it() -> None:
    alarms = AlarmList()
    assert alarms.last(HOT.key) is None
    alarms.take(HOT)
    alarms.take(replace(HOT, active=False, acknowledged=True, retain=False, user="Kanya"))
    gone = alarms.last(HOT.key)
    assert gone is not None
    assert gone.user == "Kanya"
    alarms.take(HOT)
    assert alarms.last(HOT.key) == HOT


def test_counts_and_gravest() -> None:
    alarms = AlarmList()
    assert alarms.counts() == (0, 0, 0)
    alarms.take(HOT)
    alarms.take(replace(WEAK, acknowledged=True))
    assert alarms.counts() == (2, 1, 800)


def test_a_refresh_drops_what_it_does_not_name() -> None:
    alarms = AlarmList()
    alarms.take(HOT)
    alarms.take(WEAK)
    view = alarms.view("")
    alarms.begin_refresh()
    alarms.take(WEAK)
    alarms.end_refresh()
    assert list(alarms.conditions) == [WEAK.key]
    changes = view.changes()
    assert changes is not None
    assert changes["gone"] == [HOT.key]


def test_an_end_without_a_start_drops_nothing() -> None:
    alarms = AlarmList()
    alarms.take(HOT)
    alarms.end_refresh()
    assert list(alarms.conditions) == [HOT.key]


def test_a_view_is_told_of_its_own_part_only() -> None:
    alarms = AlarmList()
    bangrak, jar, neighbour = (
        alarms.view(path) for path in ("Bangrak", "Bangrak/UPS-1/S03/J07", "Bangrak/UPS-1/S03/J0")
    )
    alarms.take(HOT)
    alarms.take(WEAK)
    for view in (bangrak, jar):
        changes = view.changes()
        assert changes is not None
        assert [c["key"] for c in changes["set"]] == [HOT.key]
        assert view.changes() is None
    assert neighbour.changes() is None
    assert len(bangrak.content()["alarms"]) == 1


def test_branches_of_a_condition_stand_apart() -> None:
    alarms = AlarmList()
    alarms.take(HOT)
    alarms.take(replace(HOT, branch="7"))
    assert len(alarms.conditions) == 2


def test_a_dropped_view_is_told_nothing() -> None:
    alarms = AlarmList()
    view = alarms.view("")
    alarms.drop(view)
    alarms.take(HOT)
    assert view.changes() is None


@pytest.mark.parametrize(
    "hidden",
    [{"shelved": "timed"}, {"shelved": "once"}, {"suppressed": True}, {"out_of_service": True}],
    ids=lambda hidden: next(iter(hidden)),
)
def test_what_is_held_back_or_simulated_is_listed_but_counts_for_nothing(hidden: dict[str, Any]) -> None:
    alarms = AlarmList()
    alarms.take(replace(HOT, **hidden))
    alarms.take(replace(WEAK, simulated=True))
    assert alarms.counts() == (0, 0, 0)
    found = {each["key"]: each["held"] for each in alarms.view("").content()["alarms"]}
    assert found == {HOT.key: True, WEAK.key: False}


def test_an_earlier_activation_waits_but_is_no_alarm_more() -> None:
    alarms = AlarmList()
    alarms.take(HOT)
    alarms.take(replace(HOT, branch="7"))
    assert alarms.counts() == (1, 2, 500)
