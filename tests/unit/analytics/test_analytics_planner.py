"""The planner: what holds for every plan, whatever is due when; and small plans that can be told by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import workcalendar as calendar
from analytics.planner import Needs, Plan, Reason, Rules, plan
from analytics.replacements import Prices
from analytics.workcalendar import Note
from config.fleetfile import FleetFile
from nodeset.fleet import Fleet, build_fleet

NOW = int(dt.datetime(2026, 11, 20, tzinfo=dt.UTC).timestamp() * 1e6)
PRESENT = 2026 * 4 + 3
RULES = Rules(jars_a_day=10, crews=2, lead_days=3, whole_share=1.0)
JAR_PRICE, STRING_PRICE, VISIT_PRICE, LIFE = 10_000.0, 2_000.0, 8_000.0, 3_000.0


def fleet_of(sites: int = 2) -> Fleet:
    """Sites with two systems of two strings with six jars each."""
    model = {
        "manufacturer": "Make",
        "nominal_voltage": 12,
        "cells": 6,
        "capacity": 120,
        "cutoff_voltage": 10.5,
        "float_voltage": 13.65,
        "baseline_resistance": 3.4,
    }
    strings = {
        f"S0{i}": {"model": "M", "jars": 6, "installed": "2022-01-01", "first_serial": f"A{i}001"}
        for i in (1, 2)
    }
    systems = {f"UPS-{i}": {"kind": "UPS", "rated_power": 50, "strings": strings} for i in (1, 2)}
    place = {"region": "Bangkok", "latitude": 13.7, "longitude": 100.5, "systems": systems}
    file = {"name": "F", "models": {"M": model}, "sites": {f"Site {i}": place for i in range(sites)}}
    return build_fleet(FleetFile.model_validate(file))


FLEET = fleet_of()
JARS = len(FLEET.jars)


def made(due: list[int], rules: Rules = RULES, quarters: int = 8, time: int = NOW) -> Plan:
    """The plan where jar i is due in quarter PRESENT + due[i], and those behind never."""
    far = np.full(JARS, PRESENT + 100.0)
    far[: len(due)] = PRESENT + np.array(due, float)
    needs = Needs(far, (far - PRESENT) * 91.3, np.full(JARS, LIFE))
    prices = Prices(np.full(JARS, JAR_PRICE), STRING_PRICE, VISIT_PRICE)
    return plan(FLEET, range(JARS), needs, prices, rules, time, quarters)


def everyone(found: Plan) -> dict[int, int]:
    """The quarter in which each jar is replaced."""
    return {job.jar: visit.quarter for visit in found.visits for job in visit.jobs}


dues = st.lists(st.integers(-3, 14), min_size=JARS, max_size=JARS)
rules = st.builds(
    Rules,
    jars_a_day=st.integers(1, 20),
    crews=st.integers(1, 3),
    lead_days=st.integers(0, 20),
    whole_share=st.sampled_from([0.2, 0.5, 1.0]),
)


@settings(max_examples=60)
@given(due=dues, rules=rules, quarters=st.integers(1, 12))
def test_everybody_is_replaced_once_and_nobody_late(due: list[int], rules: Rules, quarters: int) -> None:
    found = made(due, rules, quarters)
    replaced = [job.jar for visit in found.visits for job in visit.jobs]
    assert len(replaced) == len(set(replaced))
    for jar, wanted in enumerate(due):
        if max(wanted, 0) < quarters:
            assert jar in replaced
    for visit in found.visits:
        for job in visit.jobs:
            if job.reason is Reason.LATE:  # only what is due now finds no day
                assert job.due == PRESENT
                assert Note.LATE in visit.notes
            else:
                assert visit.quarter <= job.due
            assert visit.quarter >= PRESENT


@settings(max_examples=60)
@given(due=dues, rules=rules, quarters=st.integers(1, 12))
def test_crews_days_and_redundancy(due: list[int], rules: Rules, quarters: int) -> None:
    found = made(due, rules, quarters)
    seen: set[tuple[int, int]] = set()
    for visit in found.visits:
        assert (visit.day.day, visit.site) not in seen
        seen.add((visit.day.day, visit.site))
        assert calendar.is_work_day(visit.day.day)
        assert visit.day.day >= calendar.local_day(NOW, FLEET.zone) + rules.lead_days
        assert len(visit.jobs) <= rules.jars_a_day
        strings = {(job.system, job.string) for job in visit.jobs}
        assert len({system for system, _ in strings}) == len(strings)
        assert {FLEET.site_of_jar[job.jar] for job in visit.jobs} == {visit.site}
    for day in {day for day, _ in seen}:
        assert sum(1 for other, _ in seen if other == day) <= rules.crews


@settings(max_examples=60)
@given(due=dues, rules=rules, quarters=st.integers(1, 12))
def test_costs_add_up_and_batches_never_cost_more_than_visits_for_each(
    due: list[int], rules: Rules, quarters: int
) -> None:
    found = made(due, rules, quarters)
    jobs = [job for visit in found.visits for job in visit.jobs]
    assert found.separate_cost == len(jobs) * (JAR_PRICE + STRING_PRICE + VISIT_PRICE)
    cost = 0.0
    for visit in found.visits:
        cost += VISIT_PRICE + STRING_PRICE * len({job.string for job in visit.jobs})
        cost += JAR_PRICE * len(visit.jobs)
    assert abs(found.cost - cost) < 1.0
    assert found.cost <= found.separate_cost + 1e-6
    early = sum(max(job.due - everyone(found)[job.jar], 0) for job in jobs)
    assert abs(found.given_up - early * 365.25 / 4 * JAR_PRICE / LIFE) < 1.0


@settings(max_examples=40)
@given(due=dues)
def test_what_is_saved_is_worth_what_is_given_up(due: list[int]) -> None:
    """With crews enough, plan and lost service life cost no more than if nothing is brought forward."""
    rules = replace(RULES, crews=9, jars_a_day=99)
    found = made(due, rules)
    assert found.cost + found.given_up <= made_apart(due) + 1e-6


def made_apart(due: list[int]) -> float:
    """Cost of visits in the quarter in which each is due: service life is beyond price."""
    costly = Needs(PRESENT + np.array(due, float), np.zeros(JARS), np.full(JARS, 1e-3))
    prices = Prices(np.full(JARS, 1e9), STRING_PRICE, VISIT_PRICE)
    found = plan(FLEET, range(JARS), costly, prices, replace(RULES, crews=9, jars_a_day=99), NOW, 8)
    return found.cost - sum(len(v.jobs) for v in found.visits) * (1e9 - JAR_PRICE)


def test_the_next_quarter_is_brought_forward_and_a_far_one_is_not() -> None:
    """A visit and a string cost as much as a quarter of a jar's ten: 91 days of 3,000 are worth 304."""
    near = made([0, 1])
    assert everyone(near) == {0: PRESENT, 1: PRESENT}
    assert [job.reason for visit in near.visits for job in visit.jobs] == [Reason.DUE, Reason.EARLY]
    assert near.cost == VISIT_PRICE + STRING_PRICE + 2 * JAR_PRICE
    many = made([0, *[7] * 5])  # 5 jars x 7 quarters x 304 are more than a visit and a string
    assert everyone(many) == {0: PRESENT, **dict.fromkeys(range(1, 6), PRESENT + 7)}


def test_strings_of_a_system_are_worked_on_on_different_days() -> None:
    found = made([0] * 12)
    assert [len(visit.jobs) for visit in found.visits] == [6, 6]
    assert len({visit.day.day for visit in found.visits}) == 2


def test_a_string_with_many_weak_jars_is_replaced_as_a_whole() -> None:
    half = replace(RULES, whole_share=0.5)
    found = made([0, 1, 2, 9], half)  # three of six are half, and no more
    assert found.whole_strings == ()
    found = made([1, 2, 2, 4, 40, 40], half)
    assert found.whole_strings == (0,)
    assert everyone(found) == dict.fromkeys(range(6), PRESENT + 1)
    reasons = {job.jar: job.reason for visit in found.visits for job in visit.jobs}
    assert reasons[0] is Reason.DUE
    assert {reasons[jar] for jar in range(1, 6)} == {Reason.WHOLE_STRING}


def test_whoever_is_due_when_no_work_day_is_left_is_late_and_says_so() -> None:
    eve = int(dt.datetime(2026, 12, 30, 12, tzinfo=dt.UTC).timestamp() * 1e6)
    (visit,) = made([0], time=eve).visits
    assert visit.quarter == PRESENT + 1
    assert visit.day.date == dt.date(2027, 1, 4)
    assert visit.notes == (Note.LATE,)
    assert visit.jobs[0].reason is Reason.LATE


def test_too_much_for_a_quarter_is_begun_in_the_one_before() -> None:
    """A crew of one jar a day, and 72 jars due in Q1 of about 60 work days: the rest is done before."""
    slow = replace(RULES, jars_a_day=1, crews=1)
    found = everyone(made([1] * JARS, slow))
    assert set(found.values()) <= {PRESENT, PRESENT + 1}
    assert len(found) == JARS


def test_dry_days_are_taken_before_wet_ones() -> None:
    found = made([3], quarters=4)  # due in 2027-Q3, all of it monsoon
    assert found.visits[0].notes == (Note.MONSOON,)
    dry = made([2], quarters=4)  # in Q2 April and May are dry
    assert dry.visits[0].day.date.month in (4, 5)
    assert Note.MONSOON not in dry.visits[0].notes
