"""Conditions as node-opcua's alarm client sees and operates them (Part 9): see node/alarms.mjs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from nodeclient import Step
from program import running

pytestmark = pytest.mark.node

JAR = "Bangrak/UPS-1/S03/J07"
ALARMS = """
conditions:
  TemperatureHigh:
    asset: Jar
    tag: Temperature
    class: process
    limits: {high: {value: 60, severity: 500}, high_high: {value: 70, severity: 800}}
    confirm: true
    message: Jar temperature is high
    advice: Look at the air conditioning.
"""


@pytest.fixture(scope="module")
def seen(node: Step) -> Iterator[Any]:
    """What the client saw of the life of one condition, on a program of its own."""
    with TemporaryDirectory(prefix="voltkeep-") as directory:
        Path(directory).chmod(0o755)
        alarms = Path(directory) / "alarms.yaml"
        alarms.write_text(ALARMS)
        settings = {"VOLTKEEP_ALARMS": str(alarms), "VOLTKEEP_SIMULATOR_PAST_DAYS": "0"}
        with running(Path(directory) / "home", **settings) as program:
            yield node(program, "alarms", limit=120, jar=JAR)


def test_it_finds_the_fields_of_the_type_and_of_the_condition(seen: Any) -> None:
    wanted = {
        "ShelvingState.UnshelveTime",
        "ConfirmedState.Id",
        "SuppressedState.Id",
        "OutOfServiceState.Id",
        "EnabledState.TransitionTime",
    }
    assert wanted <= set(seen["fields"])
    assert {*wanted, "HighLimit", "LimitState.CurrentState.Id", "ConditionId"} <= set(seen["own"])


def test_a_limit_that_an_engineer_moves_makes_it_active(seen: Any) -> None:
    assert seen["configured"] == "Good"
    active = seen["active"]
    assert (active["SourceName"], active["Severity"], active["HighLimit"]) == (JAR, 500, 5)
    assert (active["Retain"], active["SuppressedOrShelved"]) == (True, False)


def test_its_alarm_list_acknowledges_and_confirms(seen: Any) -> None:
    listed = seen["listed"]
    assert listed["before"] == {"active": True, "acked": False, "confirmed": True, "retain": True}
    assert listed["refused"] == "BadConditionBranchAlreadyConfirmed"
    assert (listed["acknowledged"], listed["confirmed"]) == ("Good", "Good")
    assert listed["between"] == {"active": True, "acked": True, "confirmed": False, "retain": True}
    assert listed["after"] == {"active": True, "acked": True, "confirmed": True, "retain": True}
    assert listed["comment"] == "done by node-opcua"
    assert seen["confirmed"]["ClientUserId"] == "admin"


def test_a_comment_is_added_to_an_event_that_there_was(seen: Any) -> None:
    assert (seen["comment"]["status"], seen["comment"]["wrong"]) == ("Good", "BadEventIdUnknown")
    assert seen["comment"]["event"]["ClientUserId"] == "admin"


def test_it_is_shelved_for_a_time_or_once(seen: Any) -> None:
    shelving = seen["shelving"]
    assert shelving["timed"] == "Good"
    assert shelving["during"]["state"] == "TimedShelved"
    assert 50_000 < shelving["during"]["left"] <= 60_000
    assert shelving["event"]["ShelvingState.CurrentState"] == "TimedShelved"
    assert shelving["again"] == "BadConditionAlreadyShelved"
    assert shelving["tooLong"] == "BadShelvingTimeOutOfRange"
    assert (shelving["unshelved"], shelving["twice"]) == ("Good", "BadConditionNotShelved")
    assert shelving["free"]["ShelvingState.CurrentState"] == "Unshelved"
    assert (shelving["oneShot"], shelving["once"], shelving["last"]) == ("Good", "OneShotShelved", "Good")


def test_it_is_suppressed(seen: Any) -> None:
    suppressing = seen["suppressing"]
    assert (suppressing["status"], suppressing["back"]) == ("Good", "Good")
    assert suppressing["event"]["SuppressedOrShelved"] is True
    assert suppressing["after"]["SuppressedOrShelved"] is False


def test_a_second_activation_leaves_a_branch(seen: Any) -> None:
    branch = seen["branch"]
    event = branch["event"]
    assert (event["ActiveState.Id"], event["AckedState.Id"], event["Retain"]) == (False, False, True)
    refreshed = branch["refreshed"]
    assert (refreshed["status"], refreshed["brackets"]) == ("Good", [True, True])
    assert sorted(refreshed["branches"]) == [False, True], "the condition and its branch, each once"
    assert refreshed["retained"] is True
    assert branch["status"] == "Good"
    assert branch["ended"]["BranchId"] == event["BranchId"]


def test_its_filters_let_through_what_they_say(seen: Any) -> None:
    filtered = seen["filtered"]
    assert not any(filtered["refused"].values())
    counts = filtered["counts"]
    assert counts["all"] > 10
    assert counts["all"] == counts["level"] == counts["supertype"] == counts["jars"]
    assert (counts["offNormal"], counts["severe"], counts["strings"]) == (0, 0, 0)
