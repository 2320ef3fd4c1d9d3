"""What a model said of the fleet: what it rests on, in words, and over a restart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fakemodels import AGE, FACTOR, FakeModel

from analytics.features import FEATURES
from analytics.outcomes import Ending
from analytics.similar import similar
from server.learning.forecast import Forecast, SimilarCase, forecast_of
from server.statefiles import read_arrays, write_arrays

MODEL = FakeModel()


def forecast(*ages: float) -> Forecast:
    known = np.zeros((len(ages), len(FEATURES)), np.float32)
    known[:, AGE], known[:, FACTOR] = ages, 1.0
    found = similar(MODEL.cases, known)
    return forecast_of(
        "fake-1", 7, 123.0, MODEL.predict(known), MODEL.contributions(known), MODEL.cases, found
    )


def test_the_weightiest_features_are_told_in_words_with_their_shares() -> None:
    first, second = forecast(300.0).reasons(0)
    assert (first.name, first.share, first.days) == ("Age since installation", 0.75, -300.0)
    assert (second.share, second.days) == (0.25, -100.0)


def test_where_nothing_is_known_nothing_is_said() -> None:
    known = forecast(300.0)
    nothing = forecast_of(
        "fake-1",
        7,
        1.0,
        known.learnt,
        np.full((1, len(FEATURES)), np.nan),
        MODEL.cases,
        similar(MODEL.cases, np.full((1, len(FEATURES)), np.nan, np.float32)),
    )
    assert nothing.reasons(0) == ()


def test_similar_cases_say_what_became_of_them() -> None:
    (nearest, other) = forecast(1_900.0).similar(0)
    assert (nearest.age, nearest.lived, nearest.ending) == (2_000, 90, Ending.OPEN)
    assert nearest.distance < other.distance
    assert str(nearest) == "A jar of 5.5 years failed with an open cell after another 90 days"
    assert "worn out" in str(other)


@pytest.mark.parametrize("ending", list(Ending))
def test_every_ending_has_words(ending: Ending) -> None:
    assert str(SimilarCase(100.0, 20.0, ending, 0.0))


def test_it_outlives_the_process(tmp_path: Path) -> None:
    before = forecast(300.0, 500.0)
    write_arrays(tmp_path / "forecast.npz", before.as_arrays())
    saved = read_arrays(tmp_path / "forecast.npz")
    assert saved is not None
    after = Forecast.from_arrays(saved, 2)
    assert after is not None
    assert (after.version, after.issued, after.error) == ("fake-1", 7, 123.0)
    assert after.learnt.days.tolist() == before.learnt.days.tolist()
    assert [after.reasons(i) for i in range(2)] == [before.reasons(i) for i in range(2)]
    assert [after.similar(i) for i in range(2)] == [before.similar(i) for i in range(2)]


def test_that_of_another_fleet_or_another_time_is_left_out() -> None:
    saved = forecast(300.0).as_arrays()
    assert Forecast.from_arrays(saved, 3) is None
    assert Forecast.from_arrays({name: saved[name] for name in list(saved)[1:]}, 1) is None
