"""Simulations as node-opcua-client sees them (S4, S5): see node/simulation.mjs."""

from __future__ import annotations

from typing import Any

import pytest
from nodeclient import Step
from program import Voltkeep

pytestmark = pytest.mark.node

JAR, OTHER_JAR = "Bangrak/UPS-1/S02/J07", "Phuket/UPS-1/S01/J01"
OTHERS = [f"Sriracha/UPS-1/S01/J0{i}" for i in range(1, 5)]
TESTING = "i=17221"


@pytest.fixture(scope="module")
def seen(voltkeep: Voltkeep, node: Step) -> Any:
    """What the client saw of six starts and five stops."""
    return node(voltkeep, "simulation", limit=120, jar=JAR, otherJar=OTHER_JAR, others=OTHERS)


def test_its_target_is_marked_and_nothing_else(seen: Any) -> None:
    assert seen["before"]["temperature"]["status"] == "Good"
    assert seen["during"]["temperature"]["status"] == "UncertainSimulatedValue"
    assert seen["during"]["temperature"]["value"] > seen["before"]["temperature"]["value"] + 15
    assert seen["during"]["other"]["status"] == "Good"
    assert seen["after"]["temperature"]["status"] == "Good"
    assert seen["after"]["temperature"]["value"] < seen["before"]["temperature"]["value"] + 3


def test_its_state_can_be_read_and_subscribed_to(seen: Any) -> None:
    assert seen["before"]["ids"]["value"] == []
    assert seen["during"]["ids"]["value"] == [seen["simulation"]]
    state = seen["during"]["state"]
    assert (state["Simulated"], state["RunningSimulations"]) == (True, 1)
    assert (state["Scenarios"], state["Targets"]) == (["TemperatureSpike"], [JAR])
    assert (state["EndTimes"], state["Progress"]) == (["1601-01-01T00:00:00.000Z"], [None])  # NaN
    assert (seen["after"]["state"]["Simulated"], seen["after"]["state"]["RunningSimulations"]) == (False, 0)


def test_the_sixth_is_refused_in_words(seen: Any) -> None:
    assert seen["sixth"]["status"] == "BadTooManyOperations"
    assert "5 simulations run already" in seen["sixth"]["text"]


def test_its_events_tell_who_did_what(seen: Any) -> None:
    told = [event for event in seen["heard"] if event["kind"] != "Condition"]
    assert [event["kind"] for event in told] == ["Started"] * 5 + ["Stopped"] * 5
    mine = [event for event in told if event["own"][0] == seen["simulation"]]
    assert [event["own"] for event in mine] == [[seen["simulation"], "TemperatureSpike", JAR, "admin"]] * 2
    assert {event["source"] for event in told} == {"Simulation"}


def test_its_alarms_are_marked_and_close_within_five_seconds(seen: Any) -> None:
    alarms = [event for event in seen["heard"] if event["kind"] == "Condition" and event["source"] == JAR]
    assert all(event["message"].startswith("SIMULATION: ") for event in alarms)
    assert all(TESTING in event["classes"][0] for event in alarms)
    assert alarms[0]["retain"] is True
    assert (alarms[-1]["active"], alarms[-1]["retain"]) == (False, False)
    assert (seen["stopped"], seen["seconds"] < 5) == ("Good", True)
