"""Weights of rows where some jars were not seen to fail."""

import numpy as np

from analytics.censoring import HEAVIEST, censoring_weights, still_followed


def test_kaplan_meier_of_the_censoring_times_by_hand() -> None:
    """Six jars: after the censoring at 3 four are left of five, after that at 6 one of two."""
    lived = np.array([2.0, 3.0, 5.0, 5.0, 6.0, 9.0])
    failed = np.array([True, False, True, True, False, True])
    np.testing.assert_allclose(still_followed(lived, failed), [1, 1, 0.8, 0.8, 0.8, 0.4])


def test_a_jar_that_fails_on_the_day_another_is_lost_was_followed_until_then() -> None:
    followed = still_followed(np.array([4.0, 4.0, 7.0]), np.array([False, True, True]))
    np.testing.assert_allclose(followed, [1, 1, 0.5])


def test_without_censoring_each_row_counts_once() -> None:
    lived = np.random.default_rng(1).uniform(1, 100, 400)
    np.testing.assert_array_equal(censoring_weights(lived, np.ones(400, np.bool_), lived), np.ones(400))


def test_weighted_failures_have_the_mean_of_all_lives() -> None:
    """Lives of 600 to 1,400 d, each followed for 800 to 2,000 d: the plain mean of failures is too short."""
    draw = np.random.default_rng(2)
    life, follow = draw.uniform(600, 1_400, 20_000), draw.uniform(800, 2_000, 20_000)
    lived, failed = np.minimum(life, follow), life <= follow
    weight = censoring_weights(lived, failed, draw.uniform(0, 1, 20_000))
    assert lived[failed].mean() < 960
    assert abs(np.average(lived, weights=weight) - 1_000) < 10


def test_old_jars_that_are_soon_lost_are_not_taken_for_young_ones() -> None:
    """Old jars are followed for less; within a band of age that says nothing of their lives."""
    draw = np.random.default_rng(3)
    old = draw.uniform(0, 1, 20_000) > 0.5
    life = np.where(old, draw.uniform(100, 500, 20_000), draw.uniform(1_000, 1_400, 20_000))
    follow = np.where(old, draw.uniform(0, 600, 20_000), draw.uniform(500, 2_000, 20_000))
    lived, failed = np.minimum(life, follow), life <= follow
    weight = censoring_weights(lived, failed, old * 1_000.0 + draw.uniform(0, 10, 20_000))
    assert abs(np.average(lived[old], weights=weight[old]) - 300) < 10
    assert abs(np.average(lived[~old], weights=weight[~old]) - 1_200) < 10


def test_no_row_speaks_for_all() -> None:
    lived = np.arange(1.0, 1_001.0)
    failed = np.arange(1_000) == 999
    assert censoring_weights(lived, failed, np.zeros(1_000)).max() == HEAVIEST
