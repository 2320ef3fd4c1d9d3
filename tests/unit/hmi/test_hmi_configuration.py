"""Definitions and changes of conditions, as the page of configuration has them; what a change would touch."""

from __future__ import annotations

import math
from typing import Any

import pytest
from asyncua import ua

from hmi.configuration import (
    SETTINGS,
    configuring,
    definition,
    models_of,
    of_configuration,
    resetting,
    touched,
)
from hmi.topology import Asset, Topology


def asset(path: str, *parts: Asset) -> Asset:
    return Asset(path.rpartition("/")[2], path, parts)


STRING = asset("A/U/S1", asset("A/U/S1/J1"), asset("A/U/S1/J2"))
OTHER = asset("A/U/S2", asset("A/U/S2/J1"))
FLEET = Topology(3, (asset("A", asset("A/U", STRING, OTHER)), asset("B")))
MODELS = {"A/U/S1/J1": "HX12", "A/U/S1/J2": "HX12", "A/U/S2/J1": "OPzV"}


def test_a_definition_has_no_severity_where_it_has_no_limit() -> None:
    row: dict[str, Any] = dict.fromkeys(SETTINGS, 0.0)
    row |= {"LowLimit": None, "SeverityLow": 0, "HighLimit": 35.0, "SeverityHigh": 500, "advice": "Cool it."}
    row |= {"condition": "Hot", "asset": "Jar", "count": 3, "tag": "T", "measure": "value", "unit": "°C"}
    row |= {"cells": 0, "kind": "process"}
    settings = definition(row)["settings"]
    assert (settings["LowLimit"], settings["SeverityLow"]) == (None, None)
    assert (settings["HighLimit"], settings["SeverityHigh"]) == (35.0, 500)


@pytest.mark.parametrize(
    ("kind", "target", "count"),
    [
        ("Jar", "", 3),
        ("Jar", "Fleet", 3),
        ("Jar", "A", 3),
        ("Jar", "A/U/S1", 2),
        ("Jar", "A/U/S1/J2", 1),
        ("Jar", "HX12", 2),
        ("Jar", "B", 0),
        ("String", "A", 2),
        ("String", "HX12", 1),
        ("String", "A/U/S1/J1", 0),
        ("Site", "", 2),
        ("Site", "A", 1),
        ("Site", "HX12", 0),
        ("Fleet", "", 1),
        ("Fleet", "A", 0),
        ("Jar", "Mars", 0),
    ],
)
def test_what_a_target_touches(kind: str, target: str, count: int) -> None:
    assert touched(FLEET, MODELS, kind, target) == count


def test_models_are_counted() -> None:
    assert models_of(MODELS | {"A/U/S2/J2": ""}) == [{"name": "HX12", "jars": 2}, {"name": "OPzV", "jars": 1}]


def test_a_limit_that_is_taken_away_is_no_number() -> None:
    asked = {"condition": "Hot", "target": "A", "values": {"HighLimit": 40, "HighHighLimit": None}}
    condition, target, names, values = (each.Value for each in configuring(FLEET, asked).InputArguments)
    assert (condition, target, names) == ("Hot", "A", ["HighLimit", "HighHighLimit"])
    assert values[0] == 40.0
    assert math.isnan(values[1])


@pytest.mark.parametrize("values", [{}, {"Limit": 3}, {"HighLimit": "hot"}, ["HighLimit"]])
def test_what_is_no_setting_is_no_call(values: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        configuring(FLEET, {"condition": "Hot", "target": "", "values": values})


def test_a_reset_names_condition_and_target() -> None:
    call = resetting(FLEET, {"condition": "Hot", "target": ""})
    assert call.MethodId == ua.NodeId("Alarms.ResetConfiguration", 3)
    assert [each.Value for each in call.InputArguments] == ["Hot", ""]


def test_of_the_trail_only_what_configures_conditions() -> None:
    targets = [
        "Alarms.Configure",
        "Alarms.ResetConfiguration",
        "A/U/S1/J1#Hot.HighLimit",
        "A/U/S1/J1#Hot.HighDeadband",
        "A/U/S1/J1#Hot",
        "A/U/S1/J1.Voltage",
        "Simulation.Start",
    ]
    assert [each["target"] for each in of_configuration([{"target": t} for t in targets])] == targets[:4]
