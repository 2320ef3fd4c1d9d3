"""How good a learnt model is on a plant that it has never met, and what stands beside it; no I/O.

The same rows are put to the model, to the twin, to both as an operator sees them, to the simple predictions
of `analytics.baselines` and to the observers of `server.learning.floor`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics import baselines, gate
from analytics.followup import followed
from analytics.fusion import fuse
from analytics.learnt import Learnt
from analytics.metrics import Metrics, Prediction, metrics
from analytics.outcomes import Ending, Outcomes
from analytics.parameters import Array, Parameters, Single
from analytics.rul import Life
from analytics.splits import unseen_sites
from nodeset.fleet import Fleet
from server.learning import floor
from server.learning.floor import Truth
from server.learning.outcomesof import place_and_generation

MODEL: Final = "learnt model"
FUSED: Final = "fused with the twin, as operators see it"
TWIN: Final = "twin"
MEAN_LIFE: Final = "mean life less age"
AGE: Final = "age only"
TREND: Final = "resistance trend"
OF_YEAR: Final = "ideal observer, the last year's readings"
OF_LIFETIME: Final = "ideal observer, all readings since installation"
OF_WEAR: Final = "one who sees the true wear"
_GATE_ROWS: Final = 5_000  # that the gate is shown, evenly chosen


class Model(Protocol):
    """What is evaluated."""

    @property
    def version(self) -> str: ...

    def predict(self, features: Single) -> Learnt:
        """Of rows of shape (jars, len(FEATURES))."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """Figures of every predictor on the rows of jars that were followed to their end."""

    version: str
    seed: int
    outcomes: Outcomes  # the rows judged by
    sites: tuple[str, ...]
    unseen: tuple[int, ...]
    said: Mapping[str, Prediction]
    figures: Mapping[str, Metrics]
    worn: Mapping[str, Metrics]  # on jars that wore out, without sudden failures
    verdict: gate.Verdict
    left_out: float  # share of the jars that were not followed long enough

    @property
    def flat(self) -> dict[str, float]:
        """The model's figures with those that they are compared with, for its card and the registry."""
        named = self.figures[MODEL].flat()
        for name, prefix in ((MEAN_LIFE, "mean_life_less_age"), (TWIN, "twin"), (FUSED, "fused")):
            figures = self.figures[name]
            named |= {f"{prefix}_mae": figures.mae, f"{prefix}_coverage": figures.coverage}
        named |= {"floor_mae": self.figures[OF_YEAR].mae, "arrhenius_obeying": self.verdict.obeying}
        return {name: float(value) for name, value in named.items() if np.isfinite(value)}


def evaluate(
    model: Model, outcomes: Outcomes, fleet: Fleet, truth: Truth, tell: Callable[[str], None]
) -> Evaluation:
    """Judge a model by what became of the jars of one plant; `tell` hears who is asked."""
    rows = followed(outcomes)
    judged = outcomes.take(rows)
    said: dict[str, Prediction] = {}
    for name, predict in _predictors(model, judged, fleet, truth).items():
        tell(name)
        said[name] = predict()
    said[FUSED] = _fused(said[TWIN], said[MODEL])
    worn = judged.ending != Ending.OPEN
    worn &= judged.ending != Ending.SHORTED
    names = tuple(site.path for site in fleet.sites)
    return Evaluation(
        version=model.version,
        seed=truth.tenures.seed,
        outcomes=judged,
        sites=names,
        unseen=unseen_sites(names),
        said=said,
        figures={name: metrics(each, judged) for name, each in said.items()},
        worn={name: metrics(_of(each, worn), judged.take(worn)) for name, each in said.items()},
        verdict=gate.examine(model, judged.features[:: max(judged.rows // _GATE_ROWS, 1)]),
        left_out=1 - len(np.unique(judged.unit)) / max(len(np.unique(outcomes.unit)), 1),
    )


def parameters_of_rows(fleet: Fleet, outcomes: Outcomes) -> Parameters:
    """The twin's parameters of the jar of each row."""
    place, _ = place_and_generation(outcomes.unit)
    whole = Parameters.of(fleet)
    jars = whole.jars
    arrays = {f.name: getattr(whole, f.name) for f in fields(Parameters)}
    of_jars = {name: each for name, each in arrays.items() if np.shape(each)[-1:] == (jars,)}
    return replace(whole, **{name: each[..., place] for name, each in of_jars.items()})


def _predictors(
    model: Model, outcomes: Outcomes, fleet: Fleet, truth: Truth
) -> dict[str, Callable[[], Prediction]]:
    """Who is asked. How long jars live the baselines know from these very jars, which flatters them."""
    known, table = outcomes.features, baselines.LifeTable.of(outcomes)
    limit = 100 * float(Parameters.of(fleet).ohmic_at_end_of_life[0])
    return {
        MODEL: lambda: model.predict(known),
        TWIN: lambda: baselines.twin(parameters_of_rows(fleet, outcomes), known),
        MEAN_LIFE: lambda: baselines.mean_life_minus_age(table, known),
        AGE: lambda: baselines.age_only(table, known),
        TREND: lambda: baselines.resistance_trend(table, known, limit),
        OF_YEAR: lambda: floor.of_readings(truth, outcomes, floor.YEAR),
        OF_LIFETIME: lambda: floor.of_readings(truth, outcomes, floor.LIFETIME),
        OF_WEAR: lambda: floor.of_wear(truth, outcomes),
    }


def _fused(twin: Prediction, learnt: Prediction) -> Prediction:
    if not isinstance(twin, Life) or not isinstance(learnt, Learnt):
        raise TypeError("only the twin's life and a learnt one are fused")
    return fuse(twin, learnt)


def _of(said: Prediction, rows: NDArray[np.bool_]) -> Life:
    def part(values: Array) -> Array:
        return values[rows]

    return Life(part(said.days), part(said.lower), part(said.upper))
