"""What is called for each action of a user: the type's method, on the condition, with what Part 9 says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from asyncua import ua

from hmi.actions import ACTIONS, Action, refusals, request
from hmi.alarms import Condition
from hmi.topology import Topology

HOT = Condition("A/B/C/D#Hot", "00ff", "A/B/C/D", "Hot", "Hot", 500, 0, True, False, True)
EVENT = b"\x00\xff"


def called(name: str, **terms: Any) -> tuple[int, list[Any]]:
    """Number of the method, and its arguments."""
    made = request(Topology(2, ()), HOT, Action(name, "Why", **terms))
    assert made.ObjectId == ua.NodeId("A/B/C/D#Hot", 2)
    arguments = [getattr(each.Value, "Text", each.Value) for each in made.InputArguments]
    return made.MethodId.Identifier, arguments


@pytest.mark.parametrize(
    ("name", "method", "arguments"),
    [
        ("acknowledge", "AcknowledgeableConditionType_Acknowledge", [EVENT, "Why"]),
        ("confirm", "AcknowledgeableConditionType_Confirm", [EVENT, "Why"]),
        ("comment", "ConditionType_AddComment", [EVENT, "Why"]),
        ("shelve", "ShelvedStateMachineType_OneShotShelve2", ["Why"]),
        ("unshelve", "ShelvedStateMachineType_Unshelve2", ["Why"]),
        ("suppress", "AlarmConditionType_Suppress2", ["Why"]),
        ("unsuppress", "AlarmConditionType_Unsuppress2", ["Why"]),
        ("remove", "AlarmConditionType_RemoveFromService2", ["Why"]),
        ("place", "AlarmConditionType_PlaceInService2", ["Why"]),
        ("enable", "ConditionType_Enable", []),
        ("disable", "ConditionType_Disable", []),
    ],
)
def test_each_action_is_its_method(name: str, method: str, arguments: list[Any]) -> None:
    assert called(name) == (getattr(ua.ObjectIds, method), arguments)


def test_shelving_for_a_time_says_how_long_in_milliseconds() -> None:
    timed = ua.ObjectIds.ShelvedStateMachineType_TimedShelve2
    assert called("shelve", seconds=1800.0) == (timed, [1_800_000.0, "Why"])


def test_every_action_can_be_asked_for() -> None:
    for name in ACTIONS:
        called(name)


def test_refusals_are_counted_and_say_who_was_first() -> None:
    taken = "Already acknowledged."
    last = {"a": replace(HOT, user="Kanya"), "b": replace(HOT, user="Kanya"), "c": replace(HOT, user="Anan")}
    failed = {"a": taken, "b": taken, "c": "You are not allowed to do this.", "d": "The alarm is gone."}
    assert refusals(failed, last.get) == [
        {"fault": taken, "by": "Kanya", "count": 2},
        {"fault": "You are not allowed to do this.", "by": "", "count": 1},
        {"fault": "The alarm is gone.", "by": "", "count": 1},
    ]
