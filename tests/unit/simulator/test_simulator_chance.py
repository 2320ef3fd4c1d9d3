"""Chance without memory: repeatable, independent and rightly distributed."""

from __future__ import annotations

import numpy as np

from simulator.chance import Stream, normal, smooth, uniform

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


def test_smooth_noise_does_not_jump_at_its_knots() -> None:
    before, at = (smooth(1, Stream.LOAD_SLOW, KEYS[:100], x) for x in (6.999_99, 7.0))
    assert np.abs(before - at).max() < 0.01
    far = smooth(1, Stream.LOAD_SLOW, KEYS[:100], 7.5)
    assert np.abs(far - at).max() > 0.5


def test_negative_keys_and_seeds_are_numbers_too() -> None:
    assert np.isfinite(smooth(-5, Stream.LOAD_SLOW, KEYS[:3], -0.5)).all()
