from dataclasses import replace

import numpy as np
import pytest
from outcomerows import outcomes_of
from scipy import stats

from analytics.metrics import auroc, jar_weights, metrics
from analytics.rul import Life

YEAR = 365.25


def life(days: list[float], margin: float = 100.0) -> Life:
    middle = np.array(days)
    return Life(middle, middle - margin, middle + margin)


def test_errors_by_hand() -> None:
    told = metrics(life([110.0, 480.0, 900.0]), outcomes_of(np.array([100.0, 500.0, 1000.0])))
    assert told.mae == pytest.approx((10 + 20 + 100) / 3)
    assert told.rmse == pytest.approx(np.sqrt((100 + 400 + 10_000) / 3))
    assert told.mean == pytest.approx(1600 / 3)
    assert told.bias == pytest.approx((10 - 20 - 100) / 1600)
    deviations = np.array([100.0, 500.0, 1000.0]) - 1600 / 3
    assert told.r2 == pytest.approx(1 - 10_500 / (deviations**2).sum())
    assert told.bias_under_year == pytest.approx(0.10)


def test_a_jar_with_many_rows_has_no_more_say_than_one_with_a_single_row() -> None:
    lived = np.array([100.0, 100.0, 100.0, 1000.0])
    told = metrics(life([200.0, 200.0, 200.0, 1000.0]), outcomes_of(lived, unit=np.array([7, 7, 7, 8])))
    assert told.jars == 2
    assert told.mae == pytest.approx(50.0)
    assert told.coverage == pytest.approx(1.0)
    assert jar_weights(np.array([7, 7, 7, 8])) == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])


def test_coverage_by_jar_and_by_row() -> None:
    lived = np.array([100.0, 100.0, 100.0, 1000.0])
    told = metrics(life([900.0, 900.0, 900.0, 1000.0]), outcomes_of(lived, unit=np.array([7, 7, 7, 8])))
    assert (told.coverage, told.coverage_of_rows) == (0.5, 0.25)


def test_bands_go_by_what_was_really_left() -> None:
    lived = np.array([0.5, 1.5, 3.0, 5.0]) * YEAR
    told = metrics(Life(lived + np.array([10, 20, 30, 40]), lived - 1, lived + 100), outcomes_of(lived))
    assert [band.mae for band in told.bands] == pytest.approx([10, 20, 30, 40])
    assert [band.jars for band in told.bands] == [1, 1, 1, 1]
    assert told.bands[0].bias == pytest.approx(10 / (0.5 * YEAR))


def test_bias_where_less_than_a_year_was_predicted() -> None:
    told = metrics(life([200.0, 300.0, 900.0]), outcomes_of(np.array([250.0, 450.0, 100.0])))
    assert told.bias_predicted_under_year == pytest.approx((500 - 700) / 700)
    assert told.bias_under_year == pytest.approx((200 + 900 - 350) / 350)


def test_censored_rows_have_no_error_but_show_an_interval_that_was_too_short() -> None:
    lived = np.array([100.0, 5000.0, 50.0])
    failed = np.array([True, False, False])
    told = metrics(life([150.0, 1000.0, 1000.0]), outcomes_of(lived, failed))
    assert told.mae == pytest.approx(50.0)
    assert told.coverage == pytest.approx(0.5)  # the third may yet end inside
    assert told.censored == pytest.approx(2 / 3)


def test_censored_rows_rank_where_they_outlived_the_horizon() -> None:
    lived = np.array([30.0, 60.0, 400.0, 100.0])
    failed = np.array([True, True, False, False])
    told = metrics(life([500.0, 20.0, 300.0, 0.0]), outcomes_of(lived, failed))
    assert told.auroc == (0.25, 0.5)  # at 90 d the fourth is known to live, at 180 d it is not


@pytest.mark.parametrize("levels", [5, 1000])
def test_auroc_is_that_of_mann_and_whitney_with_ties(levels: int) -> None:
    rng = np.random.default_rng(levels)
    score = rng.integers(0, levels, 300).astype(float)
    positive = rng.random(300) < 0.2 + 0.5 * score / levels
    u = stats.mannwhitneyu(score[positive], score[~positive]).statistic
    expected = u / (positive.sum() * (~positive).sum())
    assert auroc(score, positive, np.ones(300)) == pytest.approx(expected)


def test_auroc_with_weights_is_that_of_rows_written_down_so_many_times() -> None:
    rng = np.random.default_rng(3)
    score, positive = rng.integers(0, 9, 60).astype(float), rng.random(60) < 0.4
    times = rng.integers(1, 4, 60)
    again = auroc(np.repeat(score, times), np.repeat(positive, times), np.ones(times.sum()))
    assert auroc(score, positive, times.astype(float)) == pytest.approx(again)
    assert np.isnan(auroc(score, np.zeros(60, bool), np.ones(60)))


def test_coverage_by_site() -> None:
    lived = np.array([100.0, 100.0, 100.0, 100.0])
    outcomes = replace(outcomes_of(lived), site=np.array([0, 0, 3, 3]))
    told = metrics(life([150.0, 150.0, 150.0, 900.0]), outcomes)
    assert [(place.site, place.coverage) for place in told.places] == [(0, 1.0), (3, 0.5)]
    assert told.worst_site == 0.5
    assert told.coverage == pytest.approx(0.75)


def test_rows_without_a_prediction_are_left_out_and_counted() -> None:
    told = metrics(life([110.0, np.nan]), outcomes_of(np.array([100.0, 500.0])))
    assert told.mae == pytest.approx(10.0)
    assert told.answered == pytest.approx(0.5)


def test_all_figures_have_a_name_and_what_is_not_known_has_none() -> None:
    lived = np.linspace(10.0, 3000.0, 200)
    flat = metrics(Life(lived, lived - 9, lived + 9), outcomes_of(lived)).flat()
    assert {"mae", "r2", "auroc_90d", "auroc_180d", "coverage", "coverage_worst_site", "mae_0_to_1a"} <= set(
        flat
    )
    assert flat["auroc_180d"] == 1.0
    assert all(np.isfinite(value) for value in flat.values())
    assert "auroc_90d" not in metrics(life([500.0]), outcomes_of(np.array([500.0]))).flat()


def test_nothing_at_all_gives_no_figures_and_no_warning() -> None:
    assert metrics(life([]), outcomes_of(np.array([]))).flat() == {"rows": 0.0, "jars": 0.0}
