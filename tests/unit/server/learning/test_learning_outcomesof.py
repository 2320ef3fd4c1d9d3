"""Outcomes: who has rows when, how they are labelled, and how units are told apart."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from smallfleets import file_of

from analytics.features import FEATURES, NAMES, features
from analytics.history import Days, Units
from analytics.outcomes import Ending, Outcomes
from analytics.parameters import Parameters
from nodeset.fleet import build_fleet
from server.learning.outcomesof import outcomes_of, tenancies_of
from server.learning.plantyears import DAY, PlantYears, Record
from server.learning.trainingset import outcomes_of_plants
from simulator.occurrences import Occurrence, OccurrenceKind
from simulator.offline import groups
from simulator.offline.groups import part_of

FILE = file_of({"A": {"UPS-1": (10, {"S01": 2, "S02": 2})}, "B": {"UPS-1": (10, {"S01": 3})}})
FLEET = build_fleet(FILE)
FIRST = 19_723 + 400  # the jars are some years old by then
AFTER = FIRST + 400
YEARS = PlantYears(FILE, 101, FIRST, AFTER)
FAILS, REPLACED = FIRST + 100.25, FIRST + 150.75


def quiet_days(jars: int) -> Days:
    """A year and more at rest, a bit hotter every day."""
    shape = (AFTER - FIRST, jars)
    warm = np.broadcast_to(20 + 0.01 * np.arange(shape[0])[:, None], shape).astype(np.float32)
    voltage, resistance = np.full(shape, 13.65, np.float32), np.full(shape, 3.4, np.float32)
    zero = np.zeros(shape, np.float32)
    return Days(FIRST, voltage, warm, warm, warm, resistance, zero, zero)


def record(site: str = "A") -> Record:
    """A site of which J01 of S01 fails and is replaced, and J02 of S02 fails for good."""
    fleet = build_fleet(part_of(FILE, [site]))
    entries = (
        (FAILS, OccurrenceKind.JAR_FAILED, "A/UPS-1/S01/J01", "worn out, less than 80 % of its capacity"),
        (REPLACED, OccurrenceKind.JAR_REPLACED, "A/UPS-1/S01/J01", "jar number 2 of its place"),
        (FIRST + 200.5, OccurrenceKind.JAR_FAILED, "A/UPS-1/S02/J02", "shorted cell"),
        (FIRST + 10.0, OccurrenceKind.OUTAGE_BEGAN, "A", ""),
    )
    log = tuple(Occurrence(round(day * DAY), kind, path, detail) for day, kind, path, detail in entries)
    return Record(fleet, quiet_days(len(fleet.jars)), log if site == "A" else ())


def rows_of(found: Outcomes, unit: int) -> Outcomes:
    return found.take(found.unit == unit)


FIRST_JAR = 101 * 1_000_000 * 100


def test_a_jar_has_rows_until_it_fails_and_its_successor_from_its_installation_on() -> None:
    found = outcomes_of(YEARS, record(), 0)
    old, new = rows_of(found, FIRST_JAR), rows_of(found, FIRST_JAR + 1)
    assert old.day.tolist() == [FIRST + 30, FIRST + 60, FIRST + 90]
    assert old.lived == pytest.approx([70.25, 40.25, 10.25])
    assert old.failed.all()
    assert set(old.ending.tolist()) == {Ending.WORN}
    assert new.day[0] == FIRST + 180
    assert new.features[0, NAMES.index("calendar_age_days")] == pytest.approx(29.25)
    assert not new.failed.any()
    assert new.lived == pytest.approx(AFTER - new.day)
    assert set(new.ending.tolist()) == {Ending.NONE}


def test_a_jar_that_is_replaced_before_it_fails_was_seen_until_then() -> None:
    """Preventive work on a real fleet: no failure is on record, and one jar a place has rows at a time."""
    whole = record()
    log = tuple(entry for entry in whole.log if entry.kind is not OccurrenceKind.JAR_FAILED)
    found = outcomes_of(YEARS, Record(whole.fleet, whole.days, log), 0)
    old, new = rows_of(found, FIRST_JAR), rows_of(found, FIRST_JAR + 1)
    assert old.day.max() == FIRST + 150
    assert old.lived == pytest.approx(REPLACED - old.day)
    assert not old.failed.any()
    assert new.day[0] == FIRST + 180


def test_a_place_whose_jar_is_not_replaced_has_no_rows_any_more() -> None:
    found = outcomes_of(YEARS, record(), 0)
    shorted = rows_of(found, FIRST_JAR + 3 * 100)
    assert shorted.day.max() == FIRST + 180
    assert set(shorted.ending.tolist()) == {Ending.SHORTED}


def test_jars_strings_and_sites_keep_their_numbers_in_a_part_of_the_fleet() -> None:
    found = outcomes_of(YEARS, record("B"), 0)
    assert set(found.site.tolist()) == {1}
    assert set(found.string.tolist()) == {101 * 1_000_000 + 2}
    assert sorted(set(found.unit.tolist())) == [FIRST_JAR + 100 * jar for jar in (4, 5, 6)]
    assert set(found.seed.tolist()) == {101}
    assert found.features.shape == (found.rows, len(FEATURES))


def test_rows_hold_what_serving_would_work_out_for_the_same_days() -> None:
    one = record()
    found = outcomes_of(YEARS, one, 0)
    day = FIRST + 60
    expected = features(one.days, Units.of(one.fleet, Parameters.of(one.fleet)), day)
    np.testing.assert_array_equal(found.take(found.day == day).features, expected)


def test_some_rows_have_a_short_history() -> None:
    found = outcomes_of(YEARS, record("B"), 0.5)
    late = found.take(found.day > FIRST + 300)
    history = late.features[:, NAMES.index("history_days")]
    assert 0.2 < (history <= 270).mean() < 0.8
    whole = outcomes_of(YEARS, record("B"), 0.0).take(found.day > FIRST + 300)
    same = history > 270
    np.testing.assert_array_equal(late.features[same], whole.features[same])
    means = [rows.features[~same, NAMES.index("temperature_mean_365d")] for rows in (late, whole)]
    assert (means[0] > means[1]).all()  # the latest days are the warmest


def test_a_failure_that_nobody_explains_is_one_all_the_same() -> None:
    log = (Occurrence(FIRST * DAY, OccurrenceKind.JAR_FAILED, "B/UPS-1/S01/J02"),)
    found = tenancies_of(FLEET, log)
    assert found.ending[5] == Ending.OTHER
    assert found.fails[5] == FIRST
    assert np.isinf(np.delete(found.fails, 5)).all()


def test_processes_give_what_one_gives_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST_JARS", 4)
    plants = [PlantYears(FILE, seed, FIRST, FIRST + 31) for seed in (101, 102)]
    assert [len(plant.groups) for plant in plants] == [2, 2]
    heard: list[float] = []
    one, two = (outcomes_of_plants(plants, 0.25, processes, heard.append) for processes in (1, 2))
    for f in fields(Outcomes):
        np.testing.assert_array_equal(getattr(one, f.name), getattr(two, f.name))
    assert one.rows == 2 * len(FLEET.jars)
    assert (np.diff(heard[: heard.index(1.0) + 1]) >= 0).all()
    assert heard[-1] == 1.0
