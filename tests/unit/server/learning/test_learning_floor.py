from dataclasses import replace

import numpy as np
import pytest
from outcomerows import outcomes_of
from scipy import optimize
from smallfleets import index_of
from syntheticlives import lives_of

from analytics.metrics import metrics
from analytics.outcomes import Outcomes
from server.learning import floor
from server.learning.floor import YEAR, Memory, Truth, _whitening, of_readings, of_wear
from server.learning.outcomesof import unit_numbers
from simulator.calendar import DAY, SECOND
from simulator.chance import Stream, Wander
from simulator.parameters import AGEING, FAILURES, SENSORS

FLEET = index_of({"Bangrak": {"UPS-1": (20, {"S01": 24, "S02": 24})}}).fleet


@pytest.fixture(scope="module")
def truth() -> Truth:
    return Truth.of(FLEET, 301)


@pytest.fixture(scope="module")
def jars(truth: Truth) -> Outcomes:
    return lives_of(truth)


def test_of_a_new_jar_nothing_is_known_but_how_jars_are_made() -> None:
    """Median of the earlier of Weibull's and the exponential law, in closed form but for one root."""
    figures = replace(AGEING, early_share=0.0)
    truth = Truth.of(FLEET, 301, figures)
    paces = truth.paces

    def alive(years: float, jar: int) -> float:
        life = paces.floated[jar] / (1 / years - paces.cycled[jar] - paces.sulphated[jar]) / 10.0
        return float(np.exp(-FAILURES.sudden * years - (life / figures.scale) ** figures.shape))

    new = outcomes_of(
        np.ones(48),
        unit=unit_numbers(301, np.arange(48), np.zeros(48, np.int64)),
        calendar_age_days=0.0,
        resistance_rise=np.nan,
    )
    said = of_readings(truth, new, YEAR)
    for share, days in ((0.5, said.days), (0.95, said.lower), (0.05, said.upper)):
        exact = [optimize.brentq(lambda t, j=jar, s=share: alive(t, j) - s, 0.5, 20.0) for jar in (0, 7, 40)]
        assert days[[0, 7, 40]] == pytest.approx(np.array(exact) * 365.25, rel=0.004)


def test_without_scatter_an_old_jars_resistance_tells_its_last_day() -> None:
    truth = Truth.of(FLEET, 301, replace(AGEING, resistance_scatter=0.002))
    jars = lives_of(truth)
    late = jars.take((jars.lived > 200) & (jars.lived < 500))
    said, exact = of_readings(truth, jars, YEAR), of_wear(truth, late)
    found = said.days[(jars.lived > 200) & (jars.lived < 500)]
    assert np.abs(found - exact.days).mean() < 0.02 * 3000


def test_who_sees_the_wear_knows_the_last_day(truth: Truth, jars: Outcomes) -> None:
    assert of_wear(truth, jars).days == pytest.approx(jars.lived, abs=1.0)


def test_observers_are_right_as_often_as_they_say_and_err_less_the_more_they_remember() -> None:
    told = []
    for seed in range(302, 307):
        truth = Truth.of(FLEET, seed)
        jars = lives_of(truth, every=240)  # so that a dozen readings are a lifetime
        told.append([metrics(of_readings(truth, jars, memory), jars) for memory in (Memory(1, 1), YEAR)])
    of_one, of_all = (
        np.mean([[m.mae, m.coverage] for m in each], axis=0) for each in zip(*told, strict=True)
    )
    assert 50.0 < of_all[0] < 0.9 * of_one[0]
    assert 0.86 < of_one[1] < 0.94
    assert 0.86 < of_all[1] < 0.94


def test_errors_of_sensors_become_independent_and_of_deviation_one() -> None:
    """Bias and drift as the plant's own sensors have them."""
    rng, keys, days = np.random.default_rng(1), np.arange(20_000), 20_000 + np.arange(13) * 30
    wander = Wander(1, Stream.SENSOR_DRIFT, keys, SENSORS.drift_time)
    drift = np.array([wander.at(int(day * DAY * SECOND)) for day in days])
    errors = 0.01 * rng.standard_normal(len(keys)) + 0.005 * drift
    errors += floor._NOISE * rng.standard_normal(errors.shape)
    position = days[None] * 86_400.0 / SENSORS.drift_time
    white = _whitening(position, np.ones((1, 13), np.bool_), 0.01, 0.005)[0] @ errors
    assert np.cov(white) == pytest.approx(np.eye(13), abs=0.06)
    unknown = np.arange(13) < 5
    blind = _whitening(position, ~unknown[None], 0.01, 0.005)[0]
    assert np.abs(blind[5:, :5]).max() < 1e-3
