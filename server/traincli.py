"""`voltkeep train`: the learnt model of remaining life, from simulated plants or a fleet's own history."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from server.console import err
from server.console import out as console
from server.errors import RequestError
from server.visit import Config, Home, plain_errors, settings_of, url_of

if TYPE_CHECKING:
    from analytics.model import RulModel
    from config.settings import Settings

_LINES: Final = (
    ("mae", "mean error of the life left", "{:,.0f} d"),
    ("mean", "mean life left", "{:,.0f} d"),
    ("r2", "R²", "{:.3f}"),
    ("bias_predicted_under_year", "bias where less than a year is predicted", "{:+.1%}"),
    ("auroc_180d", "AUROC of failure within 180 days", "{:.3f}"),
    ("coverage", "lives that end inside the 90 % interval", "{:.1%}"),
    ("coverage_worst_site", "the same at the worst site", "{:.1%}"),
    ("unseen_mae", "mean error at sites that nothing was learnt from", "{:,.0f} d"),
)


def train(
    target: Annotated[Path, typer.Option("--out", help="File for the model.")] = Path("rul-model.zip"),
    seeds: Annotated[str, typer.Option("--seeds", help="Of the simulated plants.")] = "101,102,103",
    years: Annotated[int, typer.Option("--years", min=2, help="That each plant runs.")] = 14,
    fleet: Annotated[
        Path | None, typer.Option("--fleet", help="Fleet file; by default that of the settings.")
    ] = None,
    from_historian: Annotated[
        bool, typer.Option("--from-historian", help="Learn from what became of the fleet's own jars.")
    ] = False,
    default: Annotated[
        bool, typer.Option("--default", help="Make the model of the package again, byte for byte.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder that keeps what was simulated, for the next time.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="By default one a core.")
    ] = None,
    config: Config = None,
    home: Home = None,
) -> None:
    """Learn from whole lives of the fleet's jars, simulated or its own, and write the model with its figures.

    The model can then be judged (`voltkeep evaluate`) and published (`voltkeep publish`).
    """
    from analytics.training import TrainingError
    from config.fleetfile import read_fleet_file
    from server.learning.training import Order, train_from_plants
    from server.progress import Bar
    from simulator.offline.errors import OfflineError

    if from_historian:
        if default:
            raise RequestError("--default is trained on simulated plants, not on a historian.")
        _write(_from_historian(settings_of(config, home), fleet), target)
        return
    if default and (fleet is not None or seeds != "101,102,103" or years != 14):
        raise RequestError("--default is the shipped fleet with seeds 101, 102 and 103 for 14 years.")
    file = read_fleet_file(_shipped() if default else fleet or settings_of(config, home).fleet)
    order = Order(file, _numbers(seeds), years, data)
    try:
        with Bar(console, "Training", 100.0, "%") as bar:
            model = train_from_plants(
                order, processes or os.cpu_count() or 1, lambda share, doing: bar(100 * share)
            )
    except (TrainingError, OfflineError, ValueError) as error:
        raise RequestError(str(error)) from None
    _write(model, target)


def _from_historian(settings: Settings, fleet: Path | None) -> RulModel:
    """By daily roll-ups, and by failures and replacements on record."""
    from analytics.training import TrainingError
    from config.fleetfile import read_fleet_file
    from historian.visit import visited
    from server.learning.retraining import Order
    from server.learning.retrainingjob import own_outcomes
    from server.learning.training import train_from
    from server.progress import Bar

    path = fleet or settings.fleet
    try:
        with plain_errors(), visited(url_of(settings), settings.home, err.print) as database:
            console.print("Reading what became of the jars")
            outcomes = asyncio.run(own_outcomes(Order("Historian", str(path), database.conninfo, "")))
        with Bar(console, "Training", 100.0, "%") as bar:
            return train_from(outcomes, read_fleet_file(path), "historian", lambda share: bar(100 * share))
    except TrainingError as error:
        raise RequestError(str(error)) from None


def _write(model: RulModel, path: Path) -> None:
    """The file, whole or not at all, and what it holds."""
    content = model.to_bytes()
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {error.strerror}.") from None
    card = model.card
    console.print(f"{model.version}: {card.jars['train']:,} jars to learn from, {len(content) / 1e6:.1f} MB")
    for name, meaning, form in _LINES:
        if name in card.metrics:
            console.print(f"  {meaning}: {form.format(card.metrics[name])}")
    console.print(f"Written to {path}.")


def _shipped() -> Path:
    import config.settings

    return Path(config.settings.__file__).with_name("fleet.yaml")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise RequestError(f"Seeds are whole numbers with commas between them, not '{text}'.") from None
    if len(set(seeds)) < len(seeds):
        raise RequestError("A seed is named twice: its plant would count twice.")
    return seeds
