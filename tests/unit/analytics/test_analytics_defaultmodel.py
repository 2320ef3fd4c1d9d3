"""The model that ships with the package: what it was trained on, and that it says what physics says."""

import importlib.resources

import numpy as np
import pytest

from analytics.features import FEATURES, NAMES, shifted
from analytics.model import RulModel
from analytics.outcomes import Ending
from analytics.parameters import Single
from config.fleetfile import read_fleet_file
from tests.unit.server.learning.test_learning_training import FLEET


@pytest.fixture(scope="module")
def content() -> bytes:
    return (importlib.resources.files("analytics") / "default" / "rul-model.zip").read_bytes()


@pytest.fixture(scope="module")
def model(content: bytes) -> RulModel:
    return RulModel.from_bytes(content)


@pytest.fixture(scope="module")
def jars(model: RulModel) -> Single:
    """Jars that the model was taught by, at several times of their lives."""
    return model.cases.features


def test_it_is_small_and_knows_todays_features(content: bytes, model: RulModel) -> None:
    assert len(content) < 3_000_000
    assert max(map(len, model.boosters)) < 1_000_000
    assert model.card.features == NAMES


def test_it_has_learnt_from_no_live_plant_and_not_from_the_one_that_judges(model: RulModel) -> None:
    assert model.card.seeds == (101, 102, 103)
    assert model.card.unseen_sites == ("Khon Kaen", "Sriracha")
    assert model.card.fleet == read_fleet_file(FLEET).name


def test_its_card_says_that_it_meets_what_is_asked(model: RulModel) -> None:
    figures = model.card.metrics
    assert 0.88 <= figures["coverage"] <= 0.92
    assert figures["coverage_worst_site"] >= 0.85
    assert figures["auroc_180d"] >= 0.95
    assert abs(figures["bias_predicted_under_year"]) < 0.2
    assert figures["unseen_mae"] < 1.1 * figures["mae"]


@pytest.mark.parametrize(("kelvin", "least", "most"), [(10.0, 0.40, 0.50), (-10.0, -1.2, -0.8)])
def test_warmth_shortens_every_life_by_arrhenius_law(
    model: RulModel, jars: Single, kelvin: float, least: float, most: float
) -> None:
    lost = 1 - model.predict(shifted(jars, kelvin, 50_000.0)).days / model.predict(jars).days
    assert ((lost > least) & (lost < most)).mean() > 0.99


def test_a_risen_resistance_never_lengthens_a_life(model: RulModel, jars: Single) -> None:
    before = model.predict(jars).days
    for rise in (5.0, 20.0, 60.0):
        worse = jars.copy()
        for name in ("resistance_rise", "resistance_rise_vs_string"):
            worse[:, NAMES.index(name)] += rise
        assert (model.predict(worse).days <= before + 1e-6).all()
    assert {f.name for f in FEATURES if f.monotone < 0} >= {"resistance_rise"}


def test_it_orders_jars_by_how_soon_they_fail(model: RulModel, jars: Single) -> None:
    worn = model.cases.ending == Ending.WORN
    chance = model.failure_probability(jars[worn], 180.0)
    soon = model.cases.lived[worn] < 120
    late = model.cases.lived[worn] > 600
    assert np.median(chance[soon]) > 0.5
    assert np.median(chance[late]) < 0.05
