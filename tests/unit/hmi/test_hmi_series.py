"""Spans of trends, and the variables that they can show."""

from __future__ import annotations

import pytest

from hmi.series import identifier, label
from hmi.topology import Asset, Topology
from hmi.trend import DAY, POINTS, Reading, reading_of

FLEET = Topology(2, (Asset("Bangrak", "Bangrak"),))


def test_a_day_is_shown_as_it_was_stored() -> None:
    assert reading_of(7, 7 + DAY) == Reading(7, 7 + DAY, 0, 5.0)


@pytest.mark.parametrize("days", [2, 7, 30, 90, 365, 3650])
def test_longer_spans_are_of_whole_steps_and_not_too_many(days: int) -> None:
    start = 1_000 * DAY + 5
    found = reading_of(start, start + days * DAY)
    assert found.start % found.step == found.end % found.step == 0
    assert found.start <= start < found.start + found.step
    assert found.end - found.step < start + days * DAY <= found.end
    assert 200 < (found.end - found.start) // found.step <= POINTS + 1


def test_a_year_is_read_from_whole_days() -> None:
    assert reading_of(0, 365 * DAY).step == DAY


@pytest.mark.parametrize(("start", "end"), [(5, 5), (6, 5), (-1, 5), (0, 10**18)])
def test_what_is_no_span(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="no span"):
        reading_of(start, end)


def test_variables_are_called_as_the_pages_call_them() -> None:
    assert label("InternalResistance") == "Internal resistance"
    assert label("DischargesSinceRenewal") == "Discharges since renewal"


def test_variables_are_those_of_the_fleet() -> None:
    assert identifier(FLEET, "Bangrak.Humidity") == "Bangrak.Humidity"
    assert identifier(FLEET, "Fleet.Jars") == "Fleet.Jars"
    for wrong in ("Paris.Humidity", "Bangrak", "Bangrak.Humidity.X", "Bangrak.#", "Bangrak."):
        with pytest.raises(KeyError):
            identifier(FLEET, wrong)
