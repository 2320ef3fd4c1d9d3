from collections.abc import Callable

import numpy as np
import pytest
from outcomerows import outcomes_of

from analytics.features import NAMES
from analytics.gate import examine
from analytics.learnt import Learnt
from analytics.parameters import Array, Single

AGE, FACTOR, RISE = (NAMES.index(n) for n in ("effective_age_days", "arrhenius_factor", "resistance_rise"))


class Model:
    """A model given by a formula of the features."""

    def __init__(self, formula: Callable[[Array], Array]) -> None:
        self.formula = formula

    def predict(self, features: Single) -> Learnt:
        days = self.formula(features.astype(np.float64))
        return Learnt(days, 0.8 * days, 1.2 * days, np.ones(len(days)))


def thermal(f: Array) -> Array:
    return (4000.0 - f[:, AGE] - 10 * f[:, RISE]) / f[:, FACTOR]


@pytest.fixture
def features() -> Single:
    """Two hundred jars of rooms from 22 to 30 °C."""
    rng = np.random.default_rng(1)
    warm = rng.uniform(22.0, 30.0, 200)
    return outcomes_of(
        np.ones(200),
        temperature_mean_30d=warm,
        temperature_mean_365d=warm,
        temperature_max=warm + 4,
        arrhenius_factor=np.exp(50_000 / 8.314462 * (1 / 298.15 - 1 / (warm + 273.15))),
        effective_age_days=rng.uniform(100, 3000, 200),
        resistance_rise=rng.uniform(0, 60, 200),
    ).features


def test_a_model_that_obeys_arrhenius_passes(features: Single) -> None:
    verdict = examine(Model(thermal), features)
    assert verdict.findings == ()
    assert verdict.passed
    assert verdict.obeying == 1.0
    assert 0.45 < verdict.shorter < 0.49


def test_a_model_that_ignores_temperature_fails_and_is_told_why(features: Single) -> None:
    verdict = examine(Model(lambda f: 4000.0 - f[:, AGE]), features)
    assert not verdict.passed
    assert verdict.obeying == 0.0
    assert "10 K" in verdict.findings[0]
    assert "0.0% of the jars" in verdict.findings[0]


def test_two_jars_in_a_hundred_that_feel_no_heat_are_too_many(features: Single) -> None:
    some = np.arange(len(features)) % 50 == 0

    def partly(f: Array) -> Array:
        return np.where(some, 4000.0 - f[:, AGE], thermal(f))

    verdict = examine(Model(partly), features)
    assert verdict.obeying == pytest.approx(0.98)
    assert not verdict.passed


def test_too_much_heat_is_as_wrong_as_too_little(features: Single) -> None:
    assert not examine(Model(lambda f: thermal(f) / f[:, FACTOR]), features).passed


def test_a_rise_of_resistance_that_lengthens_a_life_is_named(features: Single) -> None:
    def backwards(f: Array) -> Array:
        return (4000.0 - f[:, AGE] + 10 * f[:, RISE]) / f[:, FACTOR]

    verdict = examine(Model(backwards), features)
    assert verdict.violations == ("resistance_rise",)
    assert any("resistance_rise" in finding for finding in verdict.findings)


def test_a_prediction_outside_its_own_interval_is_found(features: Single) -> None:
    class Crossed(Model):
        def predict(self, features: Single) -> Learnt:
            said = super().predict(features)
            return Learnt(said.days, said.days * 1.1, said.upper, said.confidence)

    assert "interval" in examine(Crossed(thermal), features).findings[-1]


def test_a_model_without_a_word_is_not_published(features: Single) -> None:
    assert not examine(Model(lambda f: np.full(len(f), np.nan)), features).passed
