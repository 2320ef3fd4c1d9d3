"""Chance without memory: repeatable, independent and rightly distributed."""

from __future__ import annotations

import numpy as np

from simulator.chance import Stream, Wander, normal, ripple_of, uniform

KEYS = np.arange(20_000)


def test_the_same_question_has_the_same_answer() -> None:
    assert np.array_equal(normal(1, Stream.JAR_LIFE, KEYS, 7), normal(1, Stream.JAR_LIFE, KEYS, 7))


def test_seed_stream_and_key_each_change_the_answer() -> None:
    base = uniform(1, Stream.JAR_LIFE, KEYS)
    for other in (uniform(2, Stream.JAR_LIFE, KEYS), uniform(1, Stream.JAR_PLACE, KEYS)):
        assert abs(np.corrcoef(base, other)[0, 1]) < 0.03
    assert np.unique(base).size == KEYS.size


def test_uniform_fills_the_unit_interval() -> None:
    numbers = uniform(1, Stream.JAR_LIFE, KEYS)
    counts, _ = np.histogram(numbers, bins=10, range=(0, 1))
    assert counts.min() > 1_800
    assert 0.0 < numbers.min() < numbers.max() < 1.0


def test_normal_has_mean_0_and_deviation_1() -> None:
    numbers = normal(1, Stream.JAR_LIFE, KEYS)
    assert abs(numbers.mean()) < 0.03
    assert abs(numbers.std() - 1.0) < 0.03
    assert abs((np.abs(numbers) > 1.96).mean() - 0.05) < 0.01


def test_what_wanders_does_not_jump_at_its_knots() -> None:
    wander = Wander(1, Stream.LOAD_SLOW, KEYS[:100], 3600.0)
    knot = 7 * 3600 * 1_000_000
    before, at = wander.at(knot - 36_000), wander.at(knot)
    assert np.abs(before - at).max() < 0.01
    assert np.abs(wander.at(knot + knot // 14) - at).max() > 0.5


def test_what_wanders_is_standard_normal_at_any_time() -> None:
    wander = Wander(1, Stream.LOAD_SLOW, KEYS, 60.0)
    for time in (0, 30_000_000, 70_000_000, -10_000_000):
        assert abs(wander.at(time).std() - 1.0) < 0.03
    assert np.array_equal(wander.at(70_000_000), Wander(1, Stream.LOAD_SLOW, KEYS, 60.0).at(70_000_000))


def test_ripple_is_close_to_normal_and_new_at_every_tick() -> None:
    ripple = ripple_of(1, Stream.SENSOR_NOISE, KEYS)
    numbers = np.array([ripple.at(tick) for tick in range(50)])
    assert abs(numbers.mean()) < 0.005
    assert abs(numbers.std() - 1.0) < 0.005
    for limit, share in ((1.0, 0.3173), (2.0, 0.0455), (3.0, 0.0027)):
        assert abs((np.abs(numbers) > limit).mean() - share) < 0.015
    assert np.abs(np.corrcoef(numbers)[~np.eye(50, dtype=bool)]).max() < 0.04
    assert np.array_equal(ripple_of(1, Stream.SENSOR_NOISE, KEYS).at(7), numbers[7])


def test_negative_keys_seeds_and_times_are_numbers_too() -> None:
    assert np.isfinite(Wander(-5, Stream.LOAD_SLOW, -KEYS[:3], 10.0).at(-5_000_000)).all()
    assert np.isfinite(ripple_of(-5, Stream.LOAD_SLOW, -KEYS[:3]).at(-5)).all()
