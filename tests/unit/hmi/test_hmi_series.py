"""Spans of trends, and what happened beside them."""

from __future__ import annotations

from typing import Any

import pytest

from hmi.markers import Marker, markers
from hmi.series import POINTS, identifier, span_of
from hmi.topology import Asset, Topology
from hmi.trend import DAY, HOUR

FLEET = Topology(2, (Asset("Bangrak", "Bangrak"),))


def test_a_day_is_shown_as_it_was_stored() -> None:
    assert span_of(0, DAY).interval == 0


@pytest.mark.parametrize("days", [2, 7, 30, 90, 365, 3650])
def test_longer_spans_are_of_whole_intervals_and_not_too_many(days: int) -> None:
    span = span_of(5, 5 + days * DAY)
    assert span.interval % HOUR == 0
    assert span.length % span.interval == 0
    assert days * DAY <= span.length < days * DAY + span.interval
    assert span.length // span.interval <= POINTS


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (-1, 5), (0, 10**18)])
def test_what_is_no_span(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no span"):
        span_of(start, end)


def test_variables_are_those_of_the_fleet() -> None:
    assert identifier(FLEET, "Bangrak.Humidity") == "Bangrak.Humidity"
    assert identifier(FLEET, "Fleet.Jars") == "Fleet.Jars"
    for wrong in ("Paris.Humidity", "Bangrak", "Bangrak.Humidity.X", "Bangrak.#", "Bangrak."):
        with pytest.raises(KeyError):
            identifier(FLEET, wrong)


def event(name: str, time: int, active: bool | None, simulated: bool = False) -> dict[str, Any]:
    condition = f"Bangrak#{name}" if active is not None else ""
    return {
        "condition": condition,
        "source": "Bangrak",
        "name": name,
        "time": time,
        "message": name,
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
        event("MainsLost", 40, True),
    ]
    assert markers(told) == [
        Marker("Outage", 10, 30, "MainsLost", "Bangrak"),
        Marker("Simulation", 20, None, "TemperatureHigh", "Bangrak"),
        Marker("Outage", 40, None, "MainsLost", "Bangrak"),
    ]
