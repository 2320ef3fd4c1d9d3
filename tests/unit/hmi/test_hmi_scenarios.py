"""What the page of simulations sends becomes the methods' plain arguments; nonsense becomes no call."""

from __future__ import annotations

from typing import Any

import pytest

from hmi.scenarioapi import wanted
from hmi.topology import Topology

FLEET = Topology(3, ())
STEP = {"kind": "PowerOutage", "target": "", "begin": 60, "duration": 0, "parameters": {"DepthVoltage": 11.5}}


def arguments(action: str, **asked: Any) -> list[Any]:
    return [each.Value for each in wanted(FLEET, action, asked).InputArguments]


def test_a_start_names_what_differs() -> None:
    asked = {"scenario": "HvacFailure", "target": "Bangrak", "duration": 1800, "parameters": {"Rate": 4}}
    assert arguments("start", **asked) == ["HvacFailure", "Bangrak", 1800.0, ["Rate"], [4.0]]


def test_a_definition_has_one_element_a_step() -> None:
    name, _, kinds, targets, begins, durations, parameters = arguments(
        "define", name="Dark", description="", steps=[STEP, STEP | {"parameters": {}}]
    )
    assert (name, kinds, targets) == ("Dark", ["PowerOutage"] * 2, ["", ""])
    assert (begins, durations) == ([60.0, 60.0], [0.0, 0.0])
    assert parameters == ["DepthVoltage=11.5", ""]


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("start", {"scenario": "HvacFailure", "target": "Bangrak", "duration": "nan", "parameters": {}}),
        ("start", {"scenario": 3, "target": "Bangrak", "duration": 0, "parameters": {}}),
        ("stop", {}),
        ("define", {"name": "Dark", "description": "", "steps": []}),
        ("define", {"name": "Dark", "description": "", "steps": [STEP] * 51}),
        ("explode", {}),
    ],
)
def test_nonsense_is_no_call(action: str, asked: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
        wanted(FLEET, action, asked)
