"""Past cases: the nearest jars that failed, each once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from analytics.cases import Cases
from analytics.parameters import Array, Single
from analytics.similar import similar


def cases_of(features: list[list[float]], units: list[int], importance: list[float] | None = None) -> Cases:
    known = np.array(features, np.float32)
    count, width = known.shape
    return Cases(
        features=known,
        lived=np.arange(count, dtype=np.float64),
        ending=np.ones(count, np.int8),
        unit=np.array(units, np.int64),
        seed=np.full(count, 101),
        mean=np.zeros(width),
        scale=np.ones(width),
        importance=np.array(importance or [1 / width] * width),
    )


def jars(*rows: list[float]) -> Single:
    return np.array(rows, np.float32)


def test_the_nearest_come_first_with_their_distance() -> None:
    cases = cases_of([[0, 0], [5, 5], [1, 1], [9, 9]], [1, 2, 3, 4])
    found = similar(cases, jars([1, 1], [8, 8]), 2)
    assert found.case.tolist() == [[2, 0], [3, 1]]
    assert found.distance[0].tolist() == pytest.approx([0, 1], abs=1e-3)


def test_a_jar_counts_once_at_the_time_when_it_was_most_alike() -> None:
    cases = cases_of([[7, 7], [2, 2], [1, 1], [6, 6]], [5, 3, 5, 3])
    assert similar(cases, jars([0, 0])).case.tolist() == [[2, 1]]


def test_a_feature_weighs_as_much_as_it_matters() -> None:
    features = [[0, 9.0], [4.0, 0]]
    assert similar(cases_of(features, [1, 2], [0.99, 0.01]), jars([0, 0]), 1).case.tolist() == [[0]]
    assert similar(cases_of(features, [1, 2], [0.01, 0.99]), jars([0, 0]), 1).case.tolist() == [[1]]


def test_what_is_unknown_counts_as_average() -> None:
    cases = cases_of([[0, float("nan")], [0, 3.0]], [1, 2])
    assert similar(cases, jars([0, 0.1]), 2).case.tolist() == [[0, 1]]
    assert similar(cases, jars([float("nan"), float("nan")]), 1).case.tolist() == [[0]]


def test_distances_are_in_spreads_of_what_was_learnt_from() -> None:
    cases = cases_of([[30.0, 0.0]], [1])
    cases = Cases(**{**vars(cases), "mean": np.array([25.0, 0]), "scale": np.array([5.0, 1])})
    (distance,) = similar(cases, jars([25, 0])).distance[0]
    assert distance == pytest.approx(np.sqrt(0.5))


def test_there_may_be_fewer_cases_than_are_asked_for_and_no_jars() -> None:
    cases = cases_of([[0.0]], [1])
    assert similar(cases, jars([3])).case.tolist() == [[0]]
    assert similar(cases, np.empty((0, 1), np.float32)).case.shape == (0, 1)


@given(some.integers(1, 400), some.integers(0, 2**32 - 1))
def test_it_finds_what_looking_at_all_would_find(count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    units = random.integers(0, 8, 40)
    cases = cases_of(random.normal(size=(40, 5)).tolist(), units.tolist())
    present = random.normal(size=(count, 5)).astype(np.float32)
    found = similar(cases, present)
    jar = int(random.integers(count))
    expected = sorted(_nearest_of_each(cases, present[jar]))[: found.case.shape[1]]
    assert found.distance[jar].tolist() == pytest.approx(expected, abs=2e-3)
    assert len(set(units[found.case[jar]].tolist())) == found.case.shape[1]


def _nearest_of_each(cases: Cases, present: Array) -> list[float]:
    far = np.sqrt(np.mean(np.square(cases.features - present), axis=1))
    return [float(far[cases.unit == unit].min()) for unit in np.unique(cases.unit)]
