from dataclasses import replace

import numpy as np
import pytest
from analyticsjars import parameters_of
from outcomerows import outcomes_of

from analytics import baselines
from analytics.ageing import OHMIC_ERROR
from analytics.baselines import LifeTable
from analytics.followup import followed, lives, survival
from analytics.outcomes import Outcomes
from analytics.rul import LONGEST, Evidence, remaining


def test_survival_is_that_of_the_textbook() -> None:
    """Freireich's leukaemia data, group 6-MP (Kaplan-Meier estimates as in Kleinbaum and Klein, ch. 2)."""
    seen = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    lost = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    total = np.array(seen + lost, float)
    times, alive = survival(total, np.arange(21) < 9)
    assert times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert alive == pytest.approx([0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482], abs=1e-4)


@pytest.fixture
def jars() -> Outcomes:
    """A hundred jars that lived 1,001 to 1,100 days; first seen when 50 and again when 80 days old."""
    unit = np.repeat(np.arange(100), 2)
    age = np.tile([50.0, 80.0], 100)
    lived = 1001.0 + unit - age
    outcomes = outcomes_of(lived, unit=unit, calendar_age_days=age)
    return replace(outcomes, day=(20_000 + age).astype(np.int64))


def test_each_jar_is_one_life_from_its_first_row(jars: Outcomes) -> None:
    known = lives(jars)
    assert known.since.tolist() == [20_050.0] * 100
    assert known.total == pytest.approx(951.0 + np.arange(100))


def test_a_life_table_knows_mean_and_quantiles_of_what_is_left(jars: Outcomes) -> None:
    table = LifeTable.of(jars)
    assert table.mean == pytest.approx(1050.5)
    left = table.left(np.array([0.0, 1000.0, 1050.0, 5000.0]))
    assert left.days == pytest.approx([1050.0, 50.0, 25.0, 0.0], abs=1.01)
    assert left.lower == pytest.approx([1005.0, 5.0, 2.5, 0.0], abs=1.01)
    assert left.upper == pytest.approx([1095.0, 95.0, 47.5, 0.0], abs=1.01)


def test_mean_life_less_age_never_is_negative(jars: Outcomes) -> None:
    table = LifeTable.of(jars)
    features = outcomes_of(np.ones(2), calendar_age_days=np.array([50.5, 3000.0])).features
    assert baselines.mean_life_minus_age(table, features).days == pytest.approx([1000.0, 0.0])
    assert baselines.age_only(table, features).days == pytest.approx([999.5, 0.0])


def test_resistance_trend_runs_to_the_limit_and_a_flat_one_to_a_mean_life(jars: Outcomes) -> None:
    rise, slope = np.array([20.0, 20.0, 60.0, 1.0]), np.array([36.525, -1.0, 5.0, 0.5])
    features = outcomes_of(np.ones(4), resistance_rise=rise, resistance_slope_365d=slope).features
    said = baselines.resistance_trend(LifeTable.of(jars), features, 50.0)
    assert said.days == pytest.approx([300.0, 1050.5, 0.0, 1050.5], rel=1e-5)
    assert (said.upper == LONGEST).all()


def test_the_twin_of_the_features_is_the_twin(jars: Outcomes) -> None:
    parameters = parameters_of(2)
    age, factor, rise = np.array([500.0, 2500.0]), np.array([1.0, 1.3]), np.array([0.0, 25.0])
    features = outcomes_of(
        np.ones(2), calendar_age_days=age, arrhenius_factor=factor, resistance_rise=rise
    ).features
    evidence = Evidence(age, factor, np.array([1.0, 0.9]), np.full(2, OHMIC_ERROR))
    assert baselines.twin(parameters, features).days == pytest.approx(
        remaining(parameters, evidence).days, rel=1e-4
    )


def test_one_jars_parameters_serve_for_many_rows() -> None:
    features = outcomes_of(np.ones(5), calendar_age_days=np.linspace(100, 3000, 5)).features
    one, many = parameters_of(3).pick(0), parameters_of(5)
    assert baselines.twin(one, features).days == pytest.approx(baselines.twin(many, features).days)


def test_jars_that_came_late_are_not_followed(jars: Outcomes) -> None:
    """Of jars installed 500 days before the end only the short-lived are seen to fail."""
    late = replace(
        jars,
        unit=jars.unit + 1000,
        day=jars.day + 600,
        lived=np.minimum(jars.lived, 200.0),
        failed=np.zeros(jars.rows, np.bool_),
    )
    both = Outcomes(
        *(np.concatenate([getattr(jars, name), getattr(late, name)]) for name in jars.__dataclass_fields__)
    )
    kept = followed(both)
    assert kept[: jars.rows].all()
    assert not kept[jars.rows :].any()
