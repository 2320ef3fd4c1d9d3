"""`voltkeep evaluate`: how good a learnt model is on a simulated fleet that it has never met (R2)."""

from __future__ import annotations

import datetime as dt
import importlib.resources
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from config.settings import CONFIG_VARIABLE, Settings, load_settings
from server.console import out as console
from server.errors import RequestError

if TYPE_CHECKING:
    from analytics.model import RulModel
    from analytics.outcomes import Outcomes
    from config.fleetfile import FleetFile
    from server.learning.evaluation import Evaluation
    from server.learning.plantyears import PlantYears
    from server.learning.report import AtSpread

SEED: Final = 201  # of no training set
FIRST: Final = dt.date(2020, 1, 1)
YEARS: Final = 14  # so that whole lives are seen
SMALL: Final = ("Bangrak",)  # sites that other spreads are tried on
SMALL_SEEDS: Final = (111, 211)  # to train with, and to judge by


def evaluate(
    model: Annotated[
        Path | None, typer.Argument(help="Artefact of a model (.zip); by default the one of the package.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=100, help="Of the simulated fleet to judge by.")] = SEED,
    out: Annotated[Path, typer.Option("--out", help="Page to write; plots go to `images` beside it.")] = Path(
        "model-report.md"
    ),
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder that keeps what was simulated, for the next time.")
    ] = None,
    spreads: Annotated[
        str, typer.Option("--spreads", help="Also train and judge on fleets of these spreads, as 0.5,0.25.")
    ] = "",
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="By default one a core.")
    ] = None,
    fleet: Annotated[Path | None, typer.Option("--fleet", help="Fleet file.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings file (voltkeep.yaml).")] = None,
) -> None:
    """Judge a learnt model by the lives of a simulated fleet that it has never met, and write a page."""
    from config.fleetfile import read_fleet_file
    from server.learning import report

    settings = _settings(config, fleet)
    file = read_fleet_file(settings.fleet)
    judged = _model(model)
    if seed in judged.card.seeds:
        raise RequestError(f"Model {judged.version} was trained with seed {seed}; choose another.")
    workers = processes or os.cpu_count() or 1
    evaluation = _judge(judged, _outcomes(_years(file, seed), data, workers), file, seed)
    others = [_at_spread(file, spread, data, workers) for spread in _spreads(spreads)]
    report.write(evaluation, others, out)
    _tell(evaluation, out)


def _settings(config: Path | None, fleet: Path | None) -> Settings:
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config)
    settings = load_settings()
    return settings if fleet is None else settings.model_copy(update={"fleet": fleet})


def _model(path: Path | None) -> RulModel:
    from analytics.model import RulModel
    from analytics.modelfile import ArtefactError

    try:
        if path is not None:
            return RulModel.from_bytes(path.read_bytes())
        packaged = importlib.resources.files("analytics") / "default" / "rul-model.zip"
        return RulModel.from_bytes(packaged.read_bytes())
    except (OSError, ArtefactError) as error:
        raise RequestError(f"The model cannot be read: {error}") from None


def _years(file: FleetFile, seed: int, spread: float = 1.0) -> PlantYears:
    from server.learning.plantyears import PlantYears

    first = (FIRST - dt.date(1970, 1, 1)).days
    after = (FIRST.replace(year=FIRST.year + YEARS) - dt.date(1970, 1, 1)).days
    return PlantYears(file, seed, first, after, spread)


def _outcomes(years: PlantYears, folder: Path | None, processes: int) -> Outcomes:
    """What became of the jars of plant years: from a file of an earlier time, or simulated."""
    from server.learning.outcomefile import load, save
    from server.learning.trainingset import outcomes_of_plants
    from server.progress import Bar

    spread = "" if years.spread == 1.0 else f"-spread-{years.spread:g}"
    path = None if folder is None else folder / f"outcomes-{years.seed}{spread}.npz"
    if path is not None and path.exists():
        return load(path)
    with Bar(console, f"Simulating {YEARS} years with seed {years.seed}", 100.0, "%") as bar:
        outcomes = outcomes_of_plants([years], 0.0, processes, lambda share: bar(100 * share))
    if path is not None:
        save(outcomes, path)
    return outcomes


def _judge(
    model: RulModel, outcomes: Outcomes, file: FleetFile, seed: int, spread: float = 1.0
) -> Evaluation:
    from nodeset.fleet import build_fleet
    from server.learning import evaluation
    from server.learning.floor import Truth
    from simulator.ageing import spread_by

    fleet = build_fleet(file)
    truth = Truth.of(fleet, seed, spread_by(spread))
    return evaluation.evaluate(model, outcomes, fleet, truth, lambda name: console.print(f"Asking: {name}"))


def _at_spread(file: FleetFile, spread: float, data: Path | None, processes: int) -> AtSpread:
    """Train on some sites of a fleet whose jars differ less or more, and judge on another plant of them."""
    from analytics import training
    from analytics.splits import split
    from server.learning.evaluation import MODEL, OF_YEAR
    from server.learning.report import AtSpread

    small = file.model_copy(
        update={"sites": {name: file.sites[name] for name in SMALL if name in file.sites}}
    )
    if not small.sites:
        small = file
    learn, test = (_outcomes(_years(small, seed, spread), data, processes) for seed in SMALL_SEEDS)
    console.print(f"Training at spread {spread:g}")
    model = training.train(learn, split(learn, ()), training.Origin("simulated plant", small.name))
    judged = _judge(model, test, small, SMALL_SEEDS[1], spread)
    return AtSpread(spread, judged.figures[MODEL], judged.figures[OF_YEAR])


def _spreads(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise RequestError(f"--spreads {text}: numbers separated by commas are asked for.") from None


def _tell(evaluation: Evaluation, out: Path) -> None:
    from server.learning.targets import targets

    for target in targets(evaluation):
        met = "met" if target.met else "not met"
        console.print(f"{target.asked}: {target.reached} ({target.goal}: {met})")
    console.print(f"Written: {out}")
