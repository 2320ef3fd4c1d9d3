"""What happened beside a trend, out of events and of lists of work."""

from __future__ import annotations

from typing import Any

import pytest

from hmi.markers import Marker, activations, simulations
from hmi.upkeep import concerns


def event(name: str, time: int, active: bool | None, simulated: bool = False) -> dict[str, Any]:
    return {
        "condition": f"Bangrak#{name}" if active is not None else "",
        "source": "Bangrak",
        "name": name,
        "time": time,
        "message": name,
        "severity": 700,
        "active": active,
        "simulated": simulated,
    }


def test_an_activation_lasts_until_it_clears() -> None:
    told = [
        event("MainsLost", 10, True),
        event("MainsLost", 15, True),  # acknowledged meanwhile
        event("TemperatureHigh", 20, True, simulated=True),
        event("", 25, None),
        event("MainsLost", 30, False),
        event("MainsLost", 35, False),  # acknowledged after it had cleared
        event("MainsLost", 40, True),
    ]
    assert activations(told) == [
        Marker("Outage", 10, 30, "MainsLost", "Bangrak", 700),
        Marker("Alarm", 20, None, "TemperatureHigh", "Bangrak", 700, simulated=True, lasts=True),
        Marker("Outage", 40, None, "MainsLost", "Bangrak", 700, lasts=True),
    ]


def test_what_was_raised_before_is_not_made_up() -> None:
    assert activations([event("MainsLost", 30, False)]) == []


def test_simulations_last_until_they_are_stopped() -> None:
    found = simulations(
        [
            (5, False, "0", "HvacFailure", "Phuket", ""),
            (10, True, "1", "PowerOutage", "Bangrak", "Kanya"),
            (20, True, "2", "TemperatureSpike", "Bangrak/UPS-1/S01", "Kanya"),
            (30, False, "1", "PowerOutage", "Bangrak", "Kanya"),
        ]
    )
    assert [(each.text, each.time, each.until, each.lasts) for each in found] == [
        ("PowerOutage", 10, 30, False),
        ("TemperatureSpike", 20, None, True),
    ]
    assert all(each.simulated and each.detail == "Kanya" for each in found)


@pytest.mark.parametrize(
    ("asset", "path", "is_so"),
    [
        ("Bangrak", "Bangrak/UPS-1/S01/J02", True),
        ("Bangrak/UPS-1/S01/J02", "Bangrak/UPS-1/S01/J02", True),
        ("Bangrak/UPS-1/S01/J02", "Bangrak/UPS-1/S01", False),
        ("Bangrak/UPS-1/S0", "Bangrak/UPS-1/S01/J02", False),
    ],
)
def test_work_on_a_whole_concerns_its_parts(asset: str, path: str, is_so: bool) -> None:
    assert concerns(asset, path) is is_so
