"""The model that ships: its card, the gate, and failed jars that it remembers."""

import numpy as np
import pytest

from analytics import gate
from analytics.model import RulModel
from server.evaluatecli import SEED, _model
from server.learning.targets import AUROC, COVERAGE, COVERAGE_OF_SITE, SEED_R2


@pytest.fixture(scope="module")
def model() -> RulModel:
    return _model(None)


def test_its_card_has_figures_within_the_targets_that_it_can_meet(model: RulModel) -> None:
    figures = model.card.metrics
    assert COVERAGE[0] <= figures["coverage"] <= COVERAGE[1]
    assert figures["coverage_worst_site"] >= COVERAGE_OF_SITE
    assert figures["auroc_180d"] >= AUROC
    assert figures["r2"] > SEED_R2
    assert abs(figures["bias_predicted_under_year"]) < 0.20


def test_it_has_not_met_the_plant_that_judges_it_nor_a_live_one(model: RulModel) -> None:
    assert SEED not in model.card.seeds
    assert min(model.card.seeds) >= 100
    assert set(model.card.unseen_sites) == {"Khon Kaen", "Sriracha"}


def test_it_passes_the_gate_on_the_jars_that_it_remembers(model: RulModel) -> None:
    verdict = gate.examine(model, model.cases.features[::4])
    assert verdict.findings == ()
    assert verdict.obeying == 1.0


def test_its_interval_holds_the_lives_that_it_remembers(model: RulModel) -> None:
    """Training rows, so this proves no more than that artefact, features and calibration fit together."""
    said = model.predict(model.cases.features)
    inside = (said.lower <= model.cases.lived) & (model.cases.lived <= said.upper)
    assert 0.80 < inside.mean() < 0.98
    errors = np.abs(said.days - model.cases.lived)
    assert np.median(errors) < 0.25 * model.cases.lived.mean()
