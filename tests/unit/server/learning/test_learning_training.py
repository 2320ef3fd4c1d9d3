"""Training from outcomes, as the command and a retraining on demand do it."""

from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analytics.model import RulModel
from config.fleetfile import FleetFile, read_fleet_file
from server.cli import program
from server.errors import RequestError
from server.learning import training
from server.learning.outcomefile import save
from server.learning.training import Order, train_from
from tests.unit.analytics.learntjars import SMALL, outcomes_of

FLEET = Path(__file__).parents[4] / "config" / "fleet.yaml"


@pytest.fixture(scope="module")
def file() -> FleetFile:
    return read_fleet_file(FLEET)


def test_the_card_has_the_figures_of_strings_and_sites_that_were_kept_back(file: FleetFile) -> None:
    told: list[float] = []
    outcomes = outcomes_of(101)
    model = train_from(outcomes, file, "simulated plant", told.append, SMALL)
    card = model.card
    assert card.unseen_sites == ("Khon Kaen", "Sriracha")
    assert card.rows["unseen"] == (outcomes.site == 2).sum()
    assert 0 < card.metrics["mae"] < 500
    assert 0.8 < card.metrics["coverage"] <= 1
    assert card.metrics["unseen_mae"] > 0
    assert told == sorted(told)


def test_plants_run_from_the_year_of_the_first_jar_with_seeds_that_no_live_plant_has(file: FleetFile) -> None:
    plants = Order(file, seeds=(101, 102), years=14).plants()
    assert [(plant.seed, plant.first, plant.after) for plant in plants] == [
        (101, 18_262, 23_376),
        (102, 18_262, 23_376),
    ]
    with pytest.raises(ValueError, match="seeds below 100"):
        Order(file, seeds=(1,)).plants()


def test_the_command_writes_the_model_and_says_how_good_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "train_from_plants", partial(training.train_from_plants, recipe=SMALL))
    save(outcomes_of(101), tmp_path / "training-101.npz")
    target = tmp_path / "models" / "own.zip"
    options = ["--seeds", "101", "--fleet", str(FLEET), "--data", str(tmp_path), "--out", str(target)]
    told = CliRunner().invoke(program, ["train", *options], catch_exceptions=False)
    assert told.exit_code == 0
    model = RulModel.from_bytes(target.read_bytes())
    assert f"{model.version}: " in told.output
    assert "mean error of the life left: " in told.output
    assert f"Written to {target}." in told.output
    assert [path.name for path in target.parent.iterdir()] == ["own.zip"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--seeds", "101,x"], "whole numbers"),
        (["--seeds", "101,101"], "twice"),
        (["--seeds", "1"], "seeds below 100"),
        (["--default", "--years", "5"], "--default is the shipped fleet"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_words(options: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=words):
        CliRunner().invoke(
            program,
            ["train", *options, "--fleet", str(FLEET), "--out", str(tmp_path / "m.zip")]
            if "--default" not in options
            else ["train", *options],
            catch_exceptions=False,
        )
