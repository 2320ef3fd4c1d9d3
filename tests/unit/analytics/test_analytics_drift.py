"""Drift: a fleet of the same kind is none, whatever its age and season; another climate or wear is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from analytics import drift
from analytics.drift import PSI_DRIFT, Judgement, Reference, drifts, error_of, judge, reference
from analytics.features import NAMES
from analytics.parameters import Single
from nodeset.tags import ModelDrift

EVEN = np.ones(len(NAMES))
JARS, SITES = 1944, 9


def fleet(seed: int, jars: int, day: float, age: float | None = None) -> tuple[Single, NDArray[np.intp]]:
    """Jars of nine sites whose rooms differ: on a day of the year, of an age [d] or of any."""
    random = np.random.default_rng(seed)
    site = np.arange(jars) * SITES // jars
    ages = random.uniform(0, 5000, jars) if age is None else np.full(jars, age)
    angle = 2 * np.pi * np.broadcast_to(day, jars) / 365.25
    room = np.random.default_rng(1).normal(26, 1, SITES)[site]
    known = {name: random.normal(0, 1, jars) for name in NAMES}
    known |= {
        "temperature_mean_30d": room + 2 * np.sin(angle) + random.normal(0, 0.3, jars),
        "temperature_mean_365d": room + random.normal(0, 0.3, jars),
        "calendar_age_days": ages,
        "resistance_rise": ages / 100 + random.normal(0, 3, jars),
        "cycle_count": random.poisson(4, jars).astype(np.float64),
        "season_sin": np.sin(angle),
        "season_cos": np.cos(angle),
        "site_offset": room - 26,
        "history_days": np.full(jars, 365.0),
    }
    return np.stack([known[name] for name in NAMES], axis=1).astype(np.float32), site


@pytest.fixture(scope="module")
def trained() -> Reference:
    days = np.random.default_rng(2).uniform(0, 365, 60_000)
    known, _ = fleet(3, 60_000, days)  # type: ignore[arg-type]
    return reference(known)


def column(name: str) -> int:
    return NAMES.index(name)


def state(judgement: Judgement, error: float = float("nan")) -> ModelDrift:
    return drifts(judgement, EVEN, error)[0]


@pytest.mark.parametrize("day", [20.0, 110.0, 250.0])
@pytest.mark.parametrize("age", [100.0, 1500.0, 4000.0])
@pytest.mark.parametrize("jars", [18, 216, JARS])
def test_a_fleet_of_the_same_kind_does_not_drift(
    trained: Reference, day: float, age: float, jars: int
) -> None:
    known, site = fleet(int(day + age), jars, day, age)
    found = judge(trained, known, site)
    assert state(found) is not ModelDrift.DRIFTING
    assert (found.level == ModelDrift.DRIFTING).sum() == 0
    for name in ("season_sin", "calendar_age_days", "site_offset", "history_days"):
        assert np.isnan(found.psi[column(name)])


def test_without_strata_age_alone_would_be_drift(trained: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    known, site = fleet(5, JARS, 20, 4000)
    monkeypatch.setattr(drift, "_stratum", lambda rows: np.zeros(len(rows), np.intp))
    all_ages, _ = fleet(3, 60_000, 20)
    assert judge(reference(all_ages), known, site).psi[column("resistance_rise")] > PSI_DRIFT


@pytest.mark.parametrize(("name", "shift"), [("temperature_mean_365d", 6), ("voltage_deviation", 3)])
def test_what_has_shifted_is_found_and_named(trained: Reference, name: str, shift: float) -> None:
    known, site = fleet(7, JARS, 110, 1500)
    known[:, column(name)] += shift
    found = judge(trained, known, site)
    assert found.level[column(name)] == ModelDrift.DRIFTING
    assert found.order()[0] == column(name)
    attention = np.where(np.arange(len(NAMES)) == column(name), 0.5, 0.5 / len(NAMES))
    drifting, reason = drifts(found, attention, float("nan"))
    assert drifting is ModelDrift.DRIFTING
    assert name in reason
    # A feature that the model hardly looks at is worth watching, no more.
    assert drifts(found, np.where(attention == 0.5, 0.01, 1.0), float("nan"))[0] is ModelDrift.WATCH


def test_psi_and_ks_of_a_known_shift(trained: Reference) -> None:
    """Half of the jars in the highest tenth, the others as trained: by hand."""
    edges = np.arange(1.0, 10.0)
    even = replace(
        trained, edges=np.broadcast_to(edges, trained.edges.shape), shares=np.full(trained.shares.shape, 0.1)
    )
    known, site = fleet(8, 1000, 20, 1500)
    known[:, column("voltage_spread")] = np.concatenate([np.arange(500) % 10 + 0.5, np.full(500, 9.5)])
    found = judge(even, known, site)
    # 0.05 in each of nine tenths instead of 0.1, 0.55 in the last.
    expected = 9 * (0.05 - 0.1) * np.log(0.05 / 0.1) + (0.55 - 0.1) * np.log(0.55 / 0.1)
    assert found.psi[column("voltage_spread")] == pytest.approx(expected)
    assert found.ks[column("voltage_spread")] == pytest.approx(0.45)


def test_a_young_history_is_not_compared_with_whole_years(trained: Reference) -> None:
    known, site = fleet(9, JARS, 20, 1500)
    known[:, column("history_days")] = 90
    known[:, column("temperature_mean_365d")] += 6  # of the hot season alone
    found = judge(trained, known, site)
    assert np.isnan(found.psi[column("temperature_mean_365d")])
    assert state(found) is not ModelDrift.DRIFTING


def test_one_site_drifts_only_where_nothing_was_trained(trained: Reference) -> None:
    known, _ = fleet(10, 60, 20, 1500)
    one = np.zeros(60, np.intp)
    known[:, column("temperature_mean_30d")] = 27.5
    assert judge(trained, known, one).level[column("temperature_mean_30d")] == ModelDrift.NONE
    known[:, column("temperature_mean_30d")] = 45
    found = judge(trained, known, one)
    assert found.outside[column("temperature_mean_30d")] == 1
    assert found.level[column("temperature_mean_30d")] == ModelDrift.DRIFTING


@pytest.mark.parametrize("jars", [0, 1, 3])
def test_a_handful_of_jars_says_nothing(trained: Reference, jars: int) -> None:
    known, site = fleet(11, 18, 20, 1500)
    found = judge(trained, known[:jars], site[:jars])
    assert np.isnan(found.psi).all()
    assert state(found) is ModelDrift.NONE


def test_what_is_unknown_is_left_out(trained: Reference) -> None:
    known, site = fleet(12, JARS, 20, 1500)
    known[:, column("cycle_count")] = np.nan
    known[::2, column("resistance_rise")] = np.nan
    found = judge(trained, known, site)
    assert np.isnan(found.psi[column("cycle_count")])
    assert found.psi[column("resistance_rise")] < PSI_DRIFT


def test_a_reference_survives_its_arrays(trained: Reference) -> None:
    again = Reference.of(trained.arrays())
    known, site = fleet(13, 216, 20, 1500)
    np.testing.assert_array_equal(judge(again, known, site).psi, judge(trained, known, site).psi)
    with pytest.raises(ValueError, match="other features"):
        Reference.of(trained.arrays() | {"shares": trained.shares[:, 1:]})


def test_errors_of_matured_predictions() -> None:
    nan = float("nan")
    then = np.array([100.0, 100.0, 50.0, 80.0])
    now = np.array([93.0, 83.0, nan, nan])
    failed, passed = np.array([False, False, True, False]), np.array([7.0, 7.0, 5.0, 7.0])
    # Exact, 10 d too much of 90, 45 d too much of 5, unknown.
    assert error_of(then, now, failed, passed) == pytest.approx(100 * 55 / (100 + 90 + 5))
    assert np.isnan(error_of(then[:0], now[:0], failed[:0], passed[:0]))


@pytest.mark.parametrize(
    ("error", "expected"),
    [(14.9, ModelDrift.NONE), (15.0, ModelDrift.WATCH), (30.0, ModelDrift.DRIFTING)],
)
def test_predictions_that_were_wrong_count_too(
    trained: Reference, error: float, expected: ModelDrift
) -> None:
    known, site = fleet(14, JARS, 20, 1500)
    drifting, reason = drifts(judge(trained, known, site), EVEN, error)
    assert drifting is expected
    assert (f"wrong by {error:.0f} %" in reason) is (expected is not ModelDrift.NONE)


def test_chance_is_that_of_the_tables() -> None:
    assert drift._chance(9) == pytest.approx(27.88, rel=0.01)  # chi-square, 9 degrees, 0.999
