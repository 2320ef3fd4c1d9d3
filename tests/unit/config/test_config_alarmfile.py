"""The alarm file: what ships is right, and each fault is told with its key and line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from config.alarmfile import json_schema, open_alarm_file
from config.alarmmanagement import Management
from config.settings import HERE
from config.yamlfile import ConfigurationError
from nodeset.tags import STATES_OF

SHIPPED = HERE / "alarms.yaml"
SCHEMA = HERE / "alarms.schema.json"
GOOD = """\
conditions:
  VoltageLevel:
    asset: Jar
    tag: Voltage
    class: process
    limits:
      low: {value: 11.5, severity: 600}
      high: {value: 14.5, severity: 600}
    hysteresis: 0.1
    message: Voltage is out of range
    advice: Look at the charger
  MainsLost:
    asset: Site
    tag: MainsState
    type: off_normal
    measure:
      kind: abnormal
      states: [Lost]
    class: process
    limits:
      high: {value: 0.5, severity: 700}
    message: Mains supply
    advice: Mind the runtime
    words: {normal: Present, active: Lost}
  Warming:
    asset: Site
    tag: AmbientTemperature
    type: rate_of_change
    measure:
      kind: change
      window: 600
    class: process
    limits:
      high: {value: 2, severity: 400}
    suppressed_by: [MainsLost]
    linger: 60
    message: Room warms
    advice: Look at the air conditioning
  Both:
    asset: Jar
    tag: Voltage
    type: off_normal
    measure:
      kind: all_of
      of: {VoltageLevel: high}
    class: maintenance
    limits:
      high: {value: 0.5, severity: 500}
    message: All at once
    advice: Replace it
overrides:
  - target: A/UPS-1
    conditions:
      VoltageLevel:
        limits: {low: {value: 11.8}, high: null}
        on_delay: 5
"""


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "alarms.yaml"
    path.write_text(text)
    open_alarm_file(path, STATES_OF)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("tag: Voltage", "tag: Volt", "4: conditions.VoltageLevel.tag: a Jar has no tag 'Volt'"),
        ("11.5", "15", "8: conditions.VoltageLevel.limits.high: must be above low (15)"),
        (
            "hysteresis: 0.1",
            "hysteresis: 1.5",
            "9: conditions.VoltageLevel.hysteresis: must be less than half",
        ),
        ("severity: 600", "severity: 1001", "7: conditions.VoltageLevel.limits.low.severity: "),
        ("high: {value: 14.5", "hihg: {value: 14.5", "8: conditions.VoltageLevel.limits.hihg: unknown key"),
        ("14.5", ".nan", "8: conditions.VoltageLevel.limits.high.value: "),
        ("class: process", "class: alarm", "5: conditions.VoltageLevel.class: "),
        ("  VoltageLevel:\n    asset", "  voltage level:\n    asset", "2: conditions.voltage level: "),
        ("hysteresis: 0.1", "on_delay: -1", "9: conditions.VoltageLevel.on_delay: "),
        ("Look at the charger", "''", "11: conditions.VoltageLevel.advice: "),
        (
            "states: [Lost]",
            "states: [Gone]",
            "18: conditions.MainsLost.measure.states: 'Gone' is no state of",
        ),
        ("      states: [Lost]\n", "", "16: conditions.MainsLost.measure.states: abnormal needs it"),
        ("window: 600", "window: 5", "31: conditions.Warming.measure.window: "),
        ("      window: 600\n", "", "29: conditions.Warming.measure.window: change needs it"),
        ("kind: change", "kind: value", "31: conditions.Warming.measure.window: belongs to change only"),
        (
            "kind: change",
            "kind: from_baseline",
            "30: conditions.Warming.measure.kind: is not measured of a Site",
        ),
        (
            "class: process",
            "measure: {kind: from_baseline}\n    class: process",
            "5: conditions.VoltageLevel",
        ),
        (
            "{VoltageLevel: high}",
            "{VoltageLevel: low_low}",
            "45: conditions.Both.measure.of.VoltageLevel: has no",
        ),
        ("{VoltageLevel: high}", "{MainsLost: high}", "45: conditions.Both.measure.of.MainsLost: no other"),
        ("suppressed_by: [MainsLost]", "suppressed_by: [Warming]", "35: conditions.Warming.suppressed_by: "),
        ("    suppressed_by: [MainsLost]\n", "", "35: conditions.Warming.linger: belongs to suppressed_by"),
        ("linger: 60", "modes: [Float]", "36: conditions.Warming.modes: a Site has no operating mode"),
        ("linger: 60", "cells: 6", "36: conditions.Warming.cells: a Site has no cells"),
        (
            "linger: 60",
            "words: {normal: a, active: b}",
            "36: conditions.Warming.words: belongs to off_normal",
        ),
        ("VoltageLevel:\n        limits", "Voltage:\n        limits", "54: overrides.0.conditions.Voltage: "),
        ("on_delay: 5", "on_delay: soon", "56: overrides.0.conditions.VoltageLevel.on_delay: "),
    ],
)
def test_fault_names_key_and_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, GOOD.replace(old, new, 1))
    assert f"{tmp_path}/alarms.yaml:{told}" in str(error.value)


def test_the_file_without_a_fault_is_read(tmp_path: Path) -> None:
    read(tmp_path, GOOD)


def test_a_condition_may_be_shelved_for_a_day_where_the_file_does_not_say(tmp_path: Path) -> None:
    path = tmp_path / "alarms.yaml"
    path.write_text(GOOD.replace("    linger: 60\n", "    linger: 60\n    shelve_max: 600\n"))
    conditions = open_alarm_file(path, STATES_OF)[0].conditions
    assert conditions["Warming"].shelve_max == 600
    assert conditions["Both"].shelve_max == 86_400


def test_a_condition_needs_a_limit(tmp_path: Path) -> None:
    start, rest = GOOD.split("    limits:\n", 1)
    with pytest.raises(ConfigurationError, match=r":6: conditions\.VoltageLevel\.limits: at least one of"):
        read(tmp_path, start + "    limits: {}\n" + rest.split("600}\n", 2)[-1])


def test_the_schema_is_up_to_date_and_fits_the_shipped_file() -> None:
    schema = json.loads(SCHEMA.read_text())
    assert schema == json_schema(), "run `make generated`"
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(SHIPPED.read_text()), schema)
    jsonschema.validate(yaml.safe_load(GOOD), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(GOOD.replace("window", "wind")), schema)


def test_shipped_file() -> None:
    file = open_alarm_file(SHIPPED, STATES_OF)[0]
    limits = {
        name: [(at, limit.value) for at, limit in condition.limits.set()]
        for name, condition in file.conditions.items()
    }
    assert limits == {
        "FloatVoltage": [("low", 13.5), ("high", 13.8)],
        "VoltageLevel": [("low", 11.5), ("high", 14.5)],
        "TemperatureHigh": [("high", 35), ("high_high", 45)],
        "OhmicDeviation": [("high", 20), ("high_high", 50)],
        "StateOfHealthLow": [("low_low", 80), ("low", 85)],
        "RemainingUsefulLifeLow": [("low_low", 90), ("low", 180)],
        "ReplacementUrgent": [("high", 0.5)],
        "SensorFault": [("high", 0.5), ("high_high", 2.5)],
        "TwinDisagrees": [("low", -0.3), ("high", 0.3)],
        "ThermalRunawaySuspected": [("high", 10), ("high_high", 20)],
        "StringImbalance": [("high", 0.25), ("high_high", 0.6)],
        "CommunicationLoss": [("high", 0), ("high_high", 50)],
        "MainsLost": [("high", 0.5)],
        "HvacDegradation": [("high", 2)],
        "RoomTemperatureRise": [("high", 10)],
        "ReadingsMissing": [("low", 90)],
        "ModelErrorHigh": [("high", 15)],
        "ModelDrifting": [("high", 0.5)],
        "RemainingUsefulLifeDropped": [("high", 30)],
        "HistoryBehind": [("high", 300), ("high_high", 86400)],
        "HistorySpillFull": [("high", 50), ("high_high", 90)],
        "HistoryLost": [("high", 0.5)],
    }
    assert sum(condition.asset == "Jar" for condition in file.conditions.values()) == 10, "A8"


def test_incidents_name_conditions_that_there_are(tmp_path: Path) -> None:
    wrong = GOOD + "incidents:\n  Nothing: {}\n  VoltageLevel: {members: [VoltageLevel, Other]}\n"
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, wrong)
    text = str(error.value)
    assert "incidents.Nothing: there is no condition of this name to be the cause" in text
    assert "incidents.VoltageLevel.members.0: the cause belongs to the incident anyway" in text
    assert "incidents.VoltageLevel.members.1: there is no condition 'Other'" in text


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ("priorities: {medium: 700}", "must rise"),
        ("flood: {begins_above: 3}", "ends_below must not be above begins_above"),
        ("targets: {standing: {target: 5, maximum: 4}}", "maximum must not be below target"),
        ("flod: {}", "unknown key"),
    ],
)
def test_thresholds_of_alarm_management(tmp_path: Path, section: str, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        read(tmp_path, f"{GOOD}management:\n  {section}\n")


def test_the_shipped_incidents_and_the_defaults_of_management() -> None:
    file = open_alarm_file(SHIPPED, STATES_OF)[0]
    assert file.management == Management(), "the file says what holds without it"
    assert [*file.incidents] == ["MainsLost", "CommunicationLoss", "HvacDegradation", "RoomTemperatureRise"]
