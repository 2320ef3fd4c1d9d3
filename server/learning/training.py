"""Training of the learnt model, from plant years or from outcomes that are there; in whichever process calls.

What is the same gives the same bytes: fleet, seeds, years, recipe and versions of the libraries.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from analytics.followup import followed
from analytics.metrics import metrics
from analytics.splits import split, unseen_sites
from analytics.training import DEFAULT, Origin, Recipe, train
from nodeset.fleet import build_fleet
from server.learning.outcomefile import load, save
from server.learning.outcomesof import joined
from server.learning.plantyears import PlantYears
from server.learning.trainingset import outcomes_of_plants

if TYPE_CHECKING:
    from analytics.model import RulModel
    from analytics.outcomes import Outcomes
    from config.fleetfile import FleetFile

SEEDS: Final = (101, 102, 103)
YEARS: Final = 14  # so that whole lives are seen
BRIEF: Final = 0.25  # share of the rows with a short history, as there is after a first start
PLANT: Final = "simulated plant"
_SIMULATING: Final = 0.9  # share of the time that simulating takes
_TOLD: Final = ("mae", "rmse", "r2", "coverage", "auroc_180d")  # of the unseen sites alone
_EPOCH: Final = dt.date(1970, 1, 1)

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Order:
    """What to learn from: plants of a fleet with these seeds, from the year of the first jar on for `years`.

    `data` is a folder that keeps what became of each plant's jars, for the next time.
    """

    file: FleetFile
    seeds: Sequence[int] = SEEDS
    years: int = YEARS
    data: Path | None = None

    def plants(self) -> list[PlantYears]:
        """The plants; raises ValueError for a seed of live plants."""
        begin = min(jar.installed for jar in build_fleet(self.file).jars).year
        first = (dt.date(begin, 1, 1) - _EPOCH).days
        after = (dt.date(begin + self.years, 1, 1) - _EPOCH).days
        return [PlantYears(self.file, seed, first, after) for seed in self.seeds]


def train_from_plants(
    order: Order,
    processes: int,
    progress: Progress = lambda share, doing: None,
    recipe: Recipe = DEFAULT,
) -> RulModel:
    """Simulate, learn, calibrate and judge.

    Raises `analytics.training.TrainingError`, and ValueError for a seed of live plants. Must be called by a
    process that may have children.
    """
    plants = order.plants()
    parts = []
    for number, plant in enumerate(plants):

        def told(share: float, done: int = number) -> None:
            progress(_SIMULATING * (done + share) / len(plants), "simulating")

        parts.append(_outcomes(plant, order.data, processes, told))
    return train_from(
        joined(parts),
        order.file,
        PLANT,
        lambda share: progress(_SIMULATING + (1 - _SIMULATING) * share, "learning"),
        recipe,
    )


def train_from(
    outcomes: Outcomes,
    file: FleetFile,
    source: str,
    progress: Callable[[float], None] = lambda share: None,
    recipe: Recipe = DEFAULT,
) -> RulModel:
    """Learn from outcomes of a fleet, with strings and sites kept back that judge; their figures on the card.

    Raises `analytics.training.TrainingError`.
    """
    sites = [site.name for site in build_fleet(file).sites]
    unseen = unseen_sites(sites)
    parts = split(outcomes, unseen)
    origin = Origin(source, file.name, tuple(sites[site] for site in unseen))
    model = train(outcomes, parts, origin, recipe, progress)
    figures = figures_of(model, outcomes.take(parts.test | parts.unseen))
    apart = figures_of(model, outcomes.take(parts.unseen))
    figures |= {f"unseen_{name}": apart[name] for name in _TOLD if name in apart}
    return model.with_metrics(figures)


def figures_of(model: RulModel, outcomes: Outcomes) -> dict[str, float]:
    """The figures of a model on rows that it has not learnt from, of jars that were followed to their end."""
    judged = outcomes.take(followed(outcomes)) if outcomes.rows else outcomes
    if not judged.rows:
        return {}
    return metrics(model.predict(judged.features), judged).flat()


def _outcomes(
    plant: PlantYears, folder: Path | None, processes: int, progress: Callable[[float], None]
) -> Outcomes:
    """From a file of an earlier time, or simulated."""
    path = None if folder is None else folder / f"training-{plant.seed}.npz"
    if path is not None and path.exists():
        return load(path)
    outcomes = outcomes_of_plants([plant], BRIEF, processes, progress)
    if path is not None:
        save(outcomes, path)
    return outcomes
