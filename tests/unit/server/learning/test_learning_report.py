from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from smallfleets import index_of
from syntheticlives import lives_of

from analytics import baselines
from analytics.features import NAMES
from analytics.learnt import Learnt
from analytics.outcomes import Ending, Outcomes
from analytics.parameters import Parameters, Single
from server.errors import RequestError
from server.learning import outcomefile, report
from server.learning.evaluation import FUSED, MODEL, OF_WEAR, OF_YEAR, TWIN, Evaluation, evaluate
from server.learning.floor import Truth
from server.learning.plots import calibration
from server.learning.report import AtSpread
from server.learning.targets import targets

FLEET = index_of({"Bangrak": {"UPS-1": (20, {"S01": 24})}, "Phuket": {"UPS-1": (20, {"S01": 24})}}).fleet


class TwinAsModel:
    """A model that says what the twin says, a tenth longer."""

    version = "rul-test"

    def predict(self, features: Single) -> Learnt:
        said = baselines.twin(Parameters.of(FLEET).pick(0), features)
        return Learnt(1.1 * said.days, 0.5 * said.lower, 1.5 * said.upper, np.full(len(features), 0.9))


@pytest.fixture(scope="module")
def lives() -> tuple[Truth, Outcomes]:
    truth = Truth.of(FLEET, 302)
    return truth, lives_of(truth, every=120)


@pytest.fixture(scope="module")
def evaluation(lives: tuple[Truth, Outcomes]) -> Evaluation:
    truth, jars = lives
    sudden = jars.unit == jars.unit[0]
    jars = replace(jars, ending=np.where(sudden, Ending.OPEN, jars.ending).astype(np.int8))
    return evaluate(TwinAsModel(), jars, FLEET, truth, lambda name: None)


def test_all_are_asked_about_the_same_rows(evaluation: Evaluation) -> None:
    assert len({figures.rows for figures in evaluation.figures.values()}) == 1
    assert evaluation.figures[OF_WEAR].mae < 1.0
    assert evaluation.figures[OF_YEAR].mae < evaluation.figures[TWIN].mae
    assert evaluation.worn[MODEL].jars == evaluation.figures[MODEL].jars - 1


def test_what_operators_see_lies_between_twin_and_model(evaluation: Evaluation) -> None:
    twin, model, fused = (evaluation.said[name].days for name in (TWIN, MODEL, FUSED))
    assert (fused >= twin - 1e-6).all()
    assert (fused <= model + 1e-6).all()
    assert (fused > twin).mean() > 0.9


def test_figures_for_the_registry_are_plain_numbers(evaluation: Evaluation) -> None:
    flat = evaluation.flat
    assert {"mae", "floor_mae", "mean_life_less_age_mae", "fused_coverage", "arrhenius_obeying"} <= set(flat)
    assert all(type(value) is float for value in flat.values())


def test_targets_are_met_or_not_by_their_figures(evaluation: Evaluation) -> None:
    found = {target.asked: target for target in targets(evaluation)}
    assert found["R²"].met == (evaluation.figures[MODEL].r2 > 0.80)
    perfect = targets(evaluation, OF_WEAR)
    by_name = {target.asked: target.met for target in perfect}
    assert by_name["MAE below that of mean life less age"]
    assert by_name["AUROC of failure within 180 days"]
    assert not by_name["lives that end inside the 90 % interval"]  # it has none


def test_the_page_has_every_target_site_and_plot(evaluation: Evaluation, tmp_path: Path) -> None:
    half = AtSpread(0.5, evaluation.figures[OF_WEAR], evaluation.figures[OF_WEAR])
    report.write(evaluation, [half], tmp_path / "report.md")
    page = (tmp_path / "report.md").read_text(encoding="utf-8")
    for target in targets(evaluation):
        assert target.asked in page
    assert "| Phuket |" in page
    assert "| 0.5 |" in page
    assert "nan" not in page
    images = sorted((tmp_path / "images").iterdir())
    assert len(images) == 4
    for image in images:
        assert f"images/{image.name}" in page
        assert 2_000 < image.stat().st_size < 60_000


def test_calibration_groups_like_predictions(evaluation: Evaluation) -> None:
    days, share = calibration(evaluation.said[OF_YEAR], evaluation.outcomes)
    assert (np.diff(days) > 0).all()
    assert ((share >= 0) & (share <= 1)).all()
    assert share.mean() > 0.7


def test_outcomes_survive_their_file(lives: tuple[Truth, Outcomes], tmp_path: Path) -> None:
    path = tmp_path / "kept" / "outcomes.npz"
    outcomefile.save(lives[1], path)
    again = outcomefile.load(path)
    assert all(
        np.array_equal(getattr(again, name), getattr(lives[1], name), equal_nan=True)
        for name in Outcomes.__dataclass_fields__
    )


def test_outcomes_of_other_features_are_refused(
    lives: tuple[Truth, Outcomes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outcomes.npz"
    outcomefile.save(lives[1], path)
    monkeypatch.setattr(outcomefile, "NAMES", (*NAMES, "another"))
    with pytest.raises(RequestError, match="other features"):
        outcomefile.load(path)
    path.write_bytes(b"nothing")
    with pytest.raises(RequestError, match="cannot be read"):
        outcomefile.load(path)
