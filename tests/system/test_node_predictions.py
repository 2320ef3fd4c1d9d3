"""node-opcua-client asks for predictions, and decodes our structure by its definition: see node/."""

from __future__ import annotations

import pytest
from nodeclient import Step
from program import Voltkeep

pytestmark = pytest.mark.node

SITE, JAR = "Bangrak", "Bangrak/UPS-1/S03/J07"


def test_predictions_are_decoded_by_the_definition(voltkeep: Voltkeep, node: Step) -> None:
    seen = node(voltkeep, "predictions", limit=90, site=SITE, jar=JAR)
    assert seen["fleet"]["status"] == "Good"
    assert len(seen["fleet"]["jars"]) == 216
    structures = seen["structures"]
    assert {each["type"] for each in structures} == {"RulPredictionType"}
    assert [each["jar"] for each in structures] == seen["fleet"]["jars"]
    assert [each["days"] for each in structures] == seen["fleet"]["days"]
    assert all(each["lowerDays"] <= each["days"] <= each["upperDays"] for each in structures)
    explained = seen["explained"]
    assert explained["structure"]["jar"] == JAR
    assert explained["structure"]["factors"] == explained["factors"]
    assert sum(explained["structure"]["shares"]) == pytest.approx(1)
    changed, lower, upper, present, *_ = seen["warmer"]["days"]
    assert lower <= changed <= upper
    assert changed < 0.7 * present
    assert seen["wrong"] == "BadInvalidArgument"
    # Other tests leave what they have tried out retired.
    assert [state for state in seen["models"]["states"] if state != "Retired"] == ["Published"]
