"""Overrides: the more specific wins, models differ by their cells, and what cannot be is refused whole."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from alarmplant import NAN, TEMPERATURE, VOLTAGE, small_fleet

from nodeset.fleet import AssetType
from nodeset.tags import TAG_OF
from server.alarms.definition import ConditionIndex
from server.alarms.limits import Limits
from server.alarms.overrides import NONE, Override, OverrideError, Setting, apply, resolve

INDEX = ConditionIndex(small_fleet(), (TEMPERATURE, replace(VOLTAGE, cells=6)))
MODEL, STRING, JAR = "M", "A/UPS-1/S01", "A/UPS-1/S01/J01"


def high(target: str, value: float) -> Override:
    return Override("TemperatureHigh", target, {Setting.HIGH: value})


def of(limits: Limits, path: str, name: str = "TemperatureHigh") -> tuple[float, ...]:
    row = INDEX.row(path, name)
    assert row is not None
    return limits.values(row)


def test_the_more_specific_wins_and_of_two_alike_the_later() -> None:
    given = [
        high(JAR, 40.0), high(STRING, 39.0), high("A", 38.0), high("A/UPS-1", 38.5), high(MODEL, 37.0),
        high("Fleet", 36.0), high("B", 41.0), high("B", 42.0),
    ]  # fmt: skip
    limits = resolve(INDEX, given)
    assert of(limits, JAR)[2] == 40.0
    assert of(limits, f"{STRING}/J02")[2] == 39.0
    assert of(limits, "B/UPS-1/S01/J01")[2] == 42.0
    assert of(resolve(INDEX, given[2:6]), JAR)[2] == 38.5
    assert of(resolve(INDEX, given[4:6]), JAR)[2] == 37.0


def test_only_what_is_named_changes() -> None:
    before, limits = Limits.of(INDEX), Limits.of(INDEX)
    values = {
        Setting.HIGH_HIGH: 50.0,
        Setting.SEVERITY_HIGH: 450.0,
        Setting.HYSTERESIS: 2.0,
        Setting.ON_DELAY: 1.5,
    }
    rows = apply(limits, INDEX, Override("TemperatureHigh", "B", values))
    assert rows.tolist() == [2, 3]
    assert limits.values(2)[2:] == (35.0, 50.0)
    assert limits.severity[2].tolist() == [0, 0, 450, 800]
    assert limits.hysteresis[2, 0] == 2.0
    assert limits.on_delay[2, 0] == 1_500_000
    assert limits.off_delay[2, 0] == 0
    others = [row for row in range(INDEX.size) if row not in rows]
    for each in fields(limits):
        np.testing.assert_array_equal(getattr(limits, each.name)[others], getattr(before, each.name)[others])


def test_a_limit_can_be_taken_away_and_given() -> None:
    limits = resolve(INDEX, [Override("TemperatureHigh", JAR, {Setting.HIGH_HIGH: NONE})])
    assert of(limits, JAR)[2] == 35.0
    assert np.isnan(of(limits, JAR)[3])
    assert limits.severity[0].tolist() == [0, 0, 500, 0]
    low = {Setting.LOW: 5.0, Setting.SEVERITY_LOW: 300.0}
    assert of(resolve(INDEX, [Override("TemperatureHigh", JAR, low)]), JAR)[1] == 5.0


def test_limits_grow_with_the_cells_of_a_jar_unless_they_are_given_for_its_kind() -> None:
    fleet = small_fleet()
    cell = fleet.jars[2].model.model_copy(update={"cells": 1})
    jars = tuple(
        jar if i < 2 else replace(jar, model=cell, model_name="Cell") for i, jar in enumerate(fleet.jars)
    )
    index = ConditionIndex(replace(fleet, jars=jars), INDEX.defs)
    small, large = 4 + 2, 4

    def lows(*overrides: Override) -> list[float]:
        limits = resolve(index, overrides)
        return [round(limits.values(row)[1], 4) for row in (large, small)]

    def low(target: str, value: float) -> Override:
        return Override("VoltageLevel", target, {Setting.LOW: value})

    assert lows() == [11.5, 1.9167]
    assert round(Limits.of(index).hysteresis[small, 0], 4) == 0.0167
    assert lows(low("Fleet", 11.4)) == [11.4, 1.9]
    assert lows(low("B", 11.4)) == [11.5, 1.9]
    assert lows(low("Cell", 1.88)) == [11.5, 1.88]
    assert lows(low("B/UPS-1/S01/J01", 1.7), low("Fleet", 11.4)) == [11.4, 1.7]


@pytest.mark.parametrize(
    ("override", "told"),
    [
        (high("C", 40.0), "'C' is neither an asset nor a jar model"),
        (Override("Humid", JAR, {}), "there is no condition 'Humid'"),
        (high(JAR, 45.0), f"{JAR}#TemperatureHigh: HighHighLimit must be above HighLimit \\(45\\)"),
        (high(JAR, NAN), None),
        (
            Override("TemperatureHigh", JAR, {Setting.HIGH: NONE, Setting.HIGH_HIGH: NONE}),
            "at least one limit",
        ),
        (Override("TemperatureHigh", JAR, {Setting.LOW: 3.0}), "LowLimit and SeverityLow go together"),
        (
            Override("TemperatureHigh", JAR, {Setting.SEVERITY_LOW: 3.0}),
            "LowLimit and SeverityLow go together",
        ),
        (Override("TemperatureHigh", JAR, {Setting.SEVERITY_HIGH: 0.0}), "whole number from 1 to 1000"),
        (Override("TemperatureHigh", JAR, {Setting.SEVERITY_HIGH: 400.5}), "whole number from 1 to 1000"),
        (high(JAR, float("inf")), "HighLimit must be finite"),
        (Override("VoltageLevel", "A", {Setting.HYSTERESIS: 1.5}), "less than half the band"),
        (Override("VoltageLevel", "A", {Setting.HYSTERESIS: NAN}), "must not be negative"),
        (Override("VoltageLevel", "A", {Setting.OFF_DELAY: 86_401.0}), "at most 86400 s"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(override: Override, told: str | None) -> None:
    before, limits = Limits.of(INDEX), Limits.of(INDEX)
    if told is None:
        assert apply(limits, INDEX, override).tolist() == [0]
        return
    with pytest.raises(OverrideError, match=told) as caught:
        apply(limits, INDEX, override)
    assert caught.value.override is override
    for each in fields(limits):
        np.testing.assert_array_equal(getattr(limits, each.name), getattr(before, each.name))


def test_a_condition_that_the_target_has_not() -> None:
    system = replace(TEMPERATURE, tag=TAG_OF[AssetType.SYSTEM, "Load"])
    with pytest.raises(OverrideError, match="condition of a System: there is none at 'A/UPS-1/S01'"):
        apply(Limits.of(index := ConditionIndex(small_fleet(), (system,))), index, high(STRING, 40.0))
