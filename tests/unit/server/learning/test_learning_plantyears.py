"""Plant years: what a historian would hold of a simulated fleet, reproducible, with its discharges."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from smallfleets import file_of

from config.fleetfile import FleetFile
from nodeset.fleet import build_fleet
from server.learning.plantyears import DAY, PlantYears, Record, outages_of, record_of
from simulator.ageing import births_of, spread_by
from simulator.occurrences import Occurrence, OccurrenceKind

FIRST = 20_454  # 2026-01-01
FILE: FleetFile = file_of({"Phuket": {"UPS-1": (10, {"S01": 12, "S02": 12})}})
YEARS = PlantYears(FILE, 107, FIRST, FIRST + 75)


@pytest.fixture(scope="module")
def record() -> Record:
    """Eleven weeks of a small site with an outage in them."""
    return record_of(YEARS, YEARS.groups[0])


def test_days_are_those_of_jars_on_float(record: Record) -> None:
    days = record.days
    assert days.first == FIRST
    assert days.voltage.shape == (75, 24)
    quiet = days.discharges == 0
    assert 13.4 < np.nanmin(days.voltage[quiet]) < np.nanmax(days.voltage[quiet]) < 13.9
    assert (days.temperature_min <= days.temperature).all()
    assert (days.temperature <= days.temperature_max).all()
    assert 20 < days.temperature.min() < days.temperature.max() < 40
    assert days.resistance.mean() == pytest.approx(3.4, rel=0.1)


def test_discharges_are_those_of_the_log(record: Record) -> None:
    began = [o.time // DAY - FIRST for o in record.log if o.kind is OccurrenceKind.OUTAGE_BEGAN]
    assert began, "a seed with an outage is needed"
    on = np.flatnonzero(record.days.discharges[:, 0])
    assert set(on.tolist()) <= set(began)
    assert (record.days.drawn[on] > 0).all()
    assert (np.delete(record.days.drawn, on, axis=0) == 0).all()


def test_the_same_years_give_the_same_bytes(record: Record) -> None:
    short = replace(YEARS, after=FIRST + 10)
    again = record_of(short, short.groups[0])
    for f in fields(again.days):
        if f.name not in {"first", "drawn"}:  # an unknown load is the mean of all days
            np.testing.assert_array_equal(getattr(again.days, f.name), getattr(record.days, f.name)[:10])
    assert again.log == tuple(o for o in record.log if o.time <= again.days.after * DAY)


def test_progress_is_told_and_what_it_raises_ends_the_simulation() -> None:
    heard: list[int] = []

    def tell(days: int) -> None:
        heard.append(days)
        if days == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_of(YEARS, YEARS.groups[0], tell)
    assert heard == [1, 2, 3]


def test_seeds_of_live_plants_are_refused() -> None:
    with pytest.raises(ValueError, match="seeds below 100 are those of live plants"):
        PlantYears(FILE, 1, FIRST, FIRST + 10)


def test_a_smaller_spread_makes_jars_more_alike() -> None:
    fleet = build_fleet(file_of({"Phuket": {"UPS-1": (10, {f"S{i:02d}": 48 for i in range(20)})}}))
    first = np.zeros(len(fleet.jars), np.intp)
    usual, alike = (births_of(fleet, 101, first, spread_by(factor)) for factor in (1.0, 0.25))
    assert births_of(fleet, 101, first).life.tolist() == usual.life.tolist()
    for name in ("life", "capacity", "rise"):
        deviations = [float(np.std(getattr(births, name))) for births in (alike, usual)]
        assert deviations[0] == pytest.approx(deviations[1] / 4, rel=0.25), name
    assert float(alike.life.mean()) == pytest.approx(float(usual.life.mean()), rel=0.08)


def test_the_spread_reaches_the_plant() -> None:
    uneven, alike = (
        record_of(replace(YEARS, after=FIRST + 2, spread=spread), YEARS.groups[0]).days.resistance[1]
        for spread in (1.0, 0.01)
    )
    assert not np.array_equal(uneven, alike)


def test_outages_without_a_begin_or_an_end_are_no_discharges() -> None:
    fleet = build_fleet(FILE)
    kinds = (OccurrenceKind.OUTAGE_ENDED, OccurrenceKind.OUTAGE_BEGAN, OccurrenceKind.OUTAGE_ENDED)
    log = [Occurrence(i, kind, "Phuket") for i, kind in enumerate((*kinds, OccurrenceKind.OUTAGE_BEGAN))]
    found = outages_of(fleet, log)
    assert (found.site.tolist(), found.began.tolist(), found.ended.tolist()) == ([0], [1], [2])
    assert len(outages_of(fleet, []).site) == 0
