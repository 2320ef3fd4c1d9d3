"""Twin and model together (R3): shares, conflicts, intervals, and what holds for any two of them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from analytics import fusion
from analytics.fusion import DISAGREEMENT, LASTS, MODEL_SHARE, Fused, fuse
from analytics.learnt import Learnt
from analytics.parameters import Array
from analytics.rul import LONGEST, Life
from nodeset.tags import Confidence

NAN = float("nan")


class Says(NamedTuple):
    """Days of life left with their interval."""

    days: float
    lower: float
    upper: float


def life(*each: Says) -> Life:
    return Life(*np.array(each, float).T)


def model(*each: Says, confidence: float = 1.0) -> Learnt:
    return Learnt(*np.array(each, float).T, np.full(len(each), confidence))


def one(twin: float, learnt: float, confidence: float = 1.0, age: float = 0.0) -> Fused:
    """The two of one jar, each half as much again at most."""
    both = (Says(days, days / 2, days * 1.5) for days in (twin, learnt))
    return fuse(life(next(both)), model(next(both), confidence=confidence), age)


def only(values: Array) -> float:
    (value,) = values
    return float(value)


def test_the_twin_has_60_per_cent_and_a_sure_model_40() -> None:
    assert only(one(1000, 900).days) == pytest.approx(0.6 * 1000 + 0.4 * 900)


@pytest.mark.parametrize(("confidence", "share"), [(1.0, 0.4), (0.9, 0.32), (0.75, 0.2), (0.6, 0.08)])
def test_the_share_goes_to_the_twin_as_the_models_confidence_falls(confidence: float, share: float) -> None:
    fused = one(1000, 900, confidence)
    assert only(fused.weight) == pytest.approx(share)
    assert only(fused.days) == pytest.approx(1000 - 100 * share)


@pytest.mark.parametrize("confidence", [0.5, 0.49, 0.0, NAN])
def test_a_model_of_less_than_half_confidence_is_not_heard(confidence: float) -> None:
    fused = one(1000, 100, confidence)
    assert [only(each) for each in (fused.days, fused.lower, fused.upper)] == [1000, 500, 1500]
    assert only(fused.weight) == 0
    assert not fused.conflict.any()


@pytest.mark.parametrize(
    ("twin", "learnt", "conflict"),
    [
        (1000, 701, False),
        (1000, 699, True),
        (1000, 1299, False),
        (1000, 1301, True),
        (1, 2, False),  # less than a day apart is nothing to look at
        (0, 2, True),
        (0, 0, False),
    ],
)
def test_more_than_30_per_cent_of_the_twins_days_is_a_conflict(
    twin: float, learnt: float, conflict: bool
) -> None:
    assert bool(only(one(twin, learnt).conflict)) is conflict


def test_the_days_since_the_model_spoke_are_counted_down() -> None:
    assert only(one(1000, 906, age=6.0).days) == pytest.approx(only(one(1000, 900).days))
    assert only(one(10, 3, age=5.0).days) == pytest.approx(6.0)  # nobody has less than no life left
    assert only(one(1000, 900, age=-5.0).days) == only(one(1000, 900).days)  # a clock that was put back


def test_what_was_said_too_long_ago_is_not_heard() -> None:
    assert only(one(1000, 900, age=LASTS).weight) == MODEL_SHARE
    assert only(one(1000, 900, age=LASTS + 0.1).days) == 1000


def test_jars_of_which_the_model_says_nothing_are_the_twins() -> None:
    twin = life(Says(1000, 500, 1500), Says(800, 100, 900))
    fused = fuse(twin, model(Says(NAN, NAN, NAN), Says(700, 600, 800)))
    assert fused.days.tolist() == pytest.approx([1000, 760])
    assert (fused.lower[0], fused.upper[0]) == (500, 1500)
    assert fused.weight.tolist() == pytest.approx([0, 0.4])


def test_two_that_agree_leave_an_interval_between_theirs_and_a_disagreement_widens_it() -> None:
    twin, narrow = Says(1000, 400, 1600), Says(1000, 800, 1200)
    agreed = fuse(life(twin), model(narrow))
    assert 400 < only(agreed.lower) < 800
    assert 1200 < only(agreed.upper) < 1600
    apart = fuse(life(twin), model(Says(500, 300, 700)))
    assert only(apart.upper - apart.lower) > only(agreed.upper - agreed.lower)


def test_an_interval_that_the_model_does_not_know_is_none_of_its_own() -> None:
    fused = fuse(life(Says(1000, 500, 1500)), model(Says(1000, NAN, NAN)))
    assert np.isfinite(fused.lower).all()
    assert only(fused.lower) > 500


@pytest.mark.parametrize(
    ("twin", "learnt", "together"),
    [
        (Confidence.MEDIUM, 1.0, Confidence.HIGH),
        (Confidence.LOW, 1.0, Confidence.MEDIUM),
        (Confidence.HIGH, 0.6, Confidence.HIGH),
        (Confidence.LOW, 0.6, Confidence.LOW),
        (Confidence.MEDIUM, 0.0, Confidence.MEDIUM),
        (Confidence.HIGH, NAN, Confidence.HIGH),
    ],
)
def test_confidence_is_that_of_both(twin: Confidence, learnt: float, together: Confidence) -> None:
    said = model(Says(1000, 800, 1200), confidence=learnt)
    fused = fuse(life(Says(1000, 800, 1200)), said)
    assert only(fusion.confidence(np.array([float(twin)]), said, fused)) == together


def test_a_conflict_is_of_low_confidence() -> None:
    said = model(Says(500, 400, 600))
    fused = fuse(life(Says(1000, 800, 1200)), said)
    assert only(fusion.confidence(np.array([float(Confidence.HIGH)]), said, fused)) == Confidence.LOW


@some.composite
def says(draw: some.DrawFn) -> Says:
    lower, days, upper = sorted(draw(some.lists(some.floats(0, LONGEST), min_size=3, max_size=3)))
    return Says(days, lower, upper)


CONFIDENCES = some.floats(0, 1)
AGES = some.floats(0, 20)


@given(says(), says(), CONFIDENCES, AGES)
def test_the_fused_days_lie_between_the_two_and_in_their_interval(
    twin: Says, learnt: Says, confidence: float, age: float
) -> None:
    fused = fuse(life(twin), model(learnt, confidence=confidence), age)
    low, high = sorted((twin.days, max(learnt.days - age, 0.0)))
    days = only(fused.days)
    assert low - 1e-6 <= days <= high + 1e-6 or (only(fused.weight) == 0 and days == twin.days)
    assert 0 <= only(fused.lower) <= days + 1e-9
    assert days - 1e-9 <= only(fused.upper) <= LONGEST
    assert 0 <= only(fused.weight) <= MODEL_SHARE


@given(says(), says(), some.lists(CONFIDENCES, min_size=2, max_size=2))
def test_the_surer_the_model_the_nearer_are_the_days_to_it(
    twin: Says, learnt: Says, confidences: list[float]
) -> None:
    less, more = (only(fuse(life(twin), model(learnt, confidence=each)).days) for each in sorted(confidences))
    assert abs(more - learnt.days) <= abs(less - learnt.days) + 1e-6


@given(says(), says(), CONFIDENCES, some.floats(1, 500))
def test_a_model_that_says_more_never_shortens_life(
    twin: Says, learnt: Says, confidence: float, more: float
) -> None:
    said = model(learnt, confidence=confidence)
    longer = replace(said, days=said.days + more, upper=said.upper + more)
    assert only(fuse(life(twin), longer).days) >= only(fuse(life(twin), said).days) - 1e-9


@given(says(), says(), CONFIDENCES)
def test_who_is_in_conflict_disagrees_and_is_heard(twin: Says, learnt: Says, confidence: float) -> None:
    fused = fuse(life(twin), model(learnt, confidence=confidence))
    apart = abs(learnt.days - twin.days) > max(DISAGREEMENT * twin.days, 1.0)
    assert bool(only(fused.conflict)) is (apart and only(fused.weight) > 0)


@given(some.lists(some.tuples(says(), says(), CONFIDENCES), min_size=1, max_size=5))
def test_a_fleet_is_as_each_of_its_jars(jars: list[tuple[Says, Says, float]]) -> None:
    said = replace(model(*(jar[1] for jar in jars)), confidence=np.array([jar[2] for jar in jars]))
    fleet = fuse(life(*(jar[0] for jar in jars)), said)
    for i, (twin, learnt, sure) in enumerate(jars):
        alone = fuse(life(twin), model(learnt, confidence=sure))
        for name in ("days", "lower", "upper", "weight", "conflict"):
            assert getattr(fleet, name)[i] == only(getattr(alone, name))
