"""The alarm file: what ships is right, and each fault is told with its key and line."""

from __future__ import annotations

from pathlib import Path

import pytest

import config
from config.alarmfile import read_alarm_file
from config.yamlfile import ConfigurationError

TAGS = {
    ("Jar", name) for name in ("Temperature", "Voltage", "StateOfHealth", "SensorState", "TemperatureExcess")
} | {("Fleet", name) for name in ("HistorianLag", "HistorianSpillUsed", "HistorianState")}
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
"""


def test_shipped_file() -> None:
    file = read_alarm_file(Path(config.__file__).parent / "alarms.yaml", TAGS)
    limits = {
        name: [(at, limit.value) for at, limit in condition.limits.set()]
        for name, condition in file.conditions.items()
    }
    assert limits == {
        "TemperatureHigh": [("high", 35), ("high_high", 45)],
        "VoltageLevel": [("low", 11.5), ("high", 14.5)],
        "StateOfHealthLow": [("low_low", 80), ("low", 85)],
        "SensorFault": [("high", 0.5), ("high_high", 2.5)],
        "ThermalRunawaySuspected": [("high", 10), ("high_high", 20)],
        "HistoryBehind": [("high", 300), ("high_high", 86400)],
        "HistorySpillFull": [("high", 50), ("high_high", 90)],
        "HistoryLost": [("high", 1.5)],
    }


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
        ("high:", "hihg:", "8: conditions.VoltageLevel.limits.hihg: unknown key"),
        ("14.5", ".nan", "8: conditions.VoltageLevel.limits.high.value: "),
        ("class: process", "class: alarm", "5: conditions.VoltageLevel.class: "),
        ("VoltageLevel", "voltage level", "2: conditions.voltage level: "),
        ("hysteresis: 0.1", "on_delay: -1", "9: conditions.VoltageLevel.on_delay: "),
        ("Look at the charger", "''", "11: conditions.VoltageLevel.advice: "),
    ],
)
def test_fault_names_key_and_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "alarms.yaml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigurationError) as error:
        read_alarm_file(path, TAGS)
    assert f"{path}:{told}" in str(error.value)


def test_a_condition_needs_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "alarms.yaml"
    start, rest = GOOD.split("    limits:\n")
    path.write_text(start + "    limits: {}\n" + rest.split("}\n")[-1])
    with pytest.raises(ConfigurationError, match=r":6: conditions\.VoltageLevel\.limits: at least one of"):
        read_alarm_file(path, TAGS)
