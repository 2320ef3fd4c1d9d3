"""Training of the learnt model: rows weighed, three monotone boosters, their interval calibrated; pure.

The same outcomes, split and recipe give the same bytes on the same versions of the libraries: threads are
fixed, and what CatBoost notes of the time is taken out. docs/analytics.md, "The learnt model", says why.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from analytics.cases import cases_of
from analytics.censoring import censoring_weights
from analytics.conformal import Margins, calibrate
from analytics.drift import reference
from analytics.features import FEATURES, NAMES
from analytics.model import (
    LOWER,
    MEDIAN,
    UPPER,
    RulModel,
    inputs,
    learnt_unit,
    loaded,
    quantiles,
    thermal_share,
)
from analytics.modelcard import ModelCard
from analytics.novelty import range_of
from analytics.outcomes import Outcomes
from analytics.parameters import Array, Mask, Single
from analytics.splits import Split

FEWEST_FAILURES: Final = 30  # jars seen to fail, without which nothing is learnt
# What says whose jar it is rather than how it does, or has another meaning for another jar model.
_LEFT_OUT: Final = frozenset(
    {"resistance_level", "float_voltage", "site_offset", "history_days", "nominal_life_days"}
)
INPUTS: Final = tuple(f.name for f in FEATURES if not f.temperature and f.name not in _LEFT_OUT)
_COLUMNS: Final = [NAMES.index(name) for name in INPUTS]
_AGE: Final = NAMES.index("effective_age_days")
_FACTOR: Final = NAMES.index("arrhenius_factor")

Progress = Callable[[float], None]


class TrainingError(ValueError):
    """Why nothing can be learnt from these rows, in words."""


@dataclass(frozen=True)
class Recipe:
    """How boosters are grown. `threads` is fixed, so that sums are taken in the same order everywhere."""

    iterations: int = 400
    iterations_of_bounds: int = 150
    every: int = 2  # of the rows of a jar one is learnt from: neighbours say nearly the same
    depth: int = 6
    learning_rate: float = 0.1
    l2: float = 3.0
    seed: int = 1
    threads: int = 2
    coverage: float = UPPER - LOWER


DEFAULT: Final = Recipe()


@dataclass(frozen=True)
class Origin:
    """Where outcomes come from, for the model's card."""

    source: str
    fleet: str
    unseen_sites: tuple[str, ...] = ()


def train(
    outcomes: Outcomes,
    split: Split,
    origin: Origin,
    recipe: Recipe = DEFAULT,
    progress: Progress = lambda share: None,
) -> RulModel:
    """Learn from the training rows and calibrate with those for it; test and unseen rows are not touched.

    `progress` is told shares from 0 to 1. Raises TrainingError.
    """
    usable = known(outcomes.features) & (outcomes.lived > 0)
    learn = outcomes.take(split.train & usable & _every(outcomes, recipe.every))
    calibration = outcomes.take(split.calibration & usable)
    _check(learn, "training")
    _check(calibration, "calibration")
    boosters = _grown(learn, recipe, progress)
    importance = _importance(boosters[1])
    card = _card(outcomes, split, origin, recipe)
    model = RulModel(
        card=card,
        boosters=boosters,
        margins=_margins(boosters, calibration, recipe),
        range=range_of(learn.features, importance),
        pace=float(np.exp(np.log(learn.features[:, _FACTOR]).mean(dtype=np.float64))),
        cases=cases_of(learn, importance),
        reference=reference(learn.features),
    )
    return dataclasses.replace(model, card=dataclasses.replace(card, version=_version(model)))


def known(features: Single) -> Mask:
    """Rows of which enough is known: at the least pace and age."""
    return np.asarray(np.isfinite(features[:, [_FACTOR, _AGE]]).all(axis=1))


def data_hash(outcomes: Outcomes) -> str:
    """SHA-256 of all rows, whatever their order in memory."""
    digest = hashlib.sha256()
    for each in dataclasses.fields(Outcomes):
        digest.update(each.name.encode())
        digest.update(np.ascontiguousarray(getattr(outcomes, each.name)).tobytes())
    return digest.hexdigest()


def _every(outcomes: Outcomes, count: int) -> Mask:
    """One row of `count` of each jar, whichever order they are in."""
    order = np.lexsort((outcomes.day, outcomes.unit))
    _, first, rows = np.unique(outcomes.unit[order], return_index=True, return_counts=True)
    place = np.arange(outcomes.rows) - np.repeat(first, rows)
    chosen = np.zeros(outcomes.rows, np.bool_)
    chosen[order] = (place + np.repeat(np.arange(len(first)), rows)) % count == 0
    return chosen


def _check(rows: Outcomes, part: str) -> None:
    failures = len(np.unique(rows.unit[rows.failed]))
    least = FEWEST_FAILURES if part == "training" else FEWEST_FAILURES // 3
    if failures < least:
        raise TrainingError(
            f"Of the jars for {part} {failures} were seen to fail; at least {least} are needed to learn from."
        )


def _grown(rows: Outcomes, recipe: Recipe, progress: Progress) -> tuple[bytes, bytes, bytes]:
    from catboost import Pool

    weight = censoring_weights(rows.lived, rows.failed, rows.features[:, _AGE].astype(np.float64))
    counted = weight > 0
    seen = inputs(rows.features[counted])[:, _COLUMNS]
    truth = learnt_unit(thermal_share(rows.features[counted], rows.lived[counted]))
    pool = Pool(seen, truth, weight=weight[counted], feature_names=list(INPUTS))
    median = _fitted(pool, recipe, recipe.iterations, _monotone(), _part(progress, 0, 0.6))
    left = truth - loaded(median).predict(seen, thread_count=1)
    pool = Pool(seen, left, weight=weight[counted], feature_names=list(INPUTS))
    bounds = (
        _fitted(pool, recipe, recipe.iterations_of_bounds, _free(quantile), _part(progress, begin, 0.2))
        for quantile, begin in ((LOWER, 0.6), (UPPER, 0.8))
    )
    lower, upper = bounds
    return lower, median, upper


def _fitted(pool: Any, recipe: Recipe, iterations: int, terms: dict[str, Any], progress: Progress) -> bytes:
    from catboost import CatBoost

    booster = CatBoost(
        {
            "iterations": iterations,
            "depth": recipe.depth,
            "learning_rate": recipe.learning_rate,
            "l2_leaf_reg": recipe.l2,
            "random_seed": recipe.seed,
            "thread_count": recipe.threads,
            "bootstrap_type": "No",
            "allow_writing_files": False,
            "verbose": False,
            **terms,
        }
    )
    booster.fit(pool, callbacks=[_Told(progress, iterations)])
    return _bytes_of(booster)


def _monotone() -> dict[str, Any]:
    """Of the median, whose steps CatBoost takes along the gradient: exact leaves know no constraints."""
    constraints = [FEATURES[column].monotone for column in _COLUMNS]
    return {
        "loss_function": f"Quantile:alpha={MEDIAN}",
        "monotone_constraints": constraints,
        "leaf_estimation_iterations": 5,
    }


def _free(quantile: float) -> dict[str, Any]:
    """Of the distance to a bound, with exact leaves: along the gradient it would take a thousand trees."""
    return {"loss_function": f"Quantile:alpha={quantile}", "leaf_estimation_method": "Exact"}


def _bytes_of(booster: Any) -> bytes:
    """CatBoost's own bytes, without the time and the random name of the run."""
    notes = booster.get_metadata()
    for name in list(notes.keys()):
        del notes[name]
    # The public `save_model` writes to a file only; this is what pickling a booster uses.
    content: bytes = booster._serialize_model()
    return content


class _Told:
    """Tells progress after each tree; the form that CatBoost calls."""

    def __init__(self, progress: Progress, iterations: int) -> None:
        self._progress, self._iterations = progress, iterations

    def after_iteration(self, info: Any) -> bool:
        """True: go on."""
        self._progress(info.iteration / self._iterations)
        return True


def _part(progress: Progress, begin: float, length: float) -> Progress:
    return lambda share: progress(begin + length * share)


def _margins(boosters: tuple[bytes, ...], rows: Outcomes, recipe: Recipe) -> Margins:
    weight = censoring_weights(rows.lived, rows.failed, rows.features[:, _AGE].astype(np.float64))
    said = quantiles(tuple(map(loaded, boosters)), inputs(rows.features)[:, _COLUMNS])
    truth = learnt_unit(thermal_share(rows.features, rows.lived))
    return calibrate(truth, said, rows.unit, weight, recipe.coverage)


def _importance(median: bytes) -> Array:
    """How much each feature changes the median, shape (len(FEATURES),).

    Pace counts half as much as the most important one: beyond what was seen Arrhenius' law still holds.
    """
    importance = np.zeros(len(NAMES))
    importance[_COLUMNS] = loaded(median).get_feature_importance(type="PredictionValuesChange")
    importance[_FACTOR] = importance.max() / 2
    return importance


def _card(outcomes: Outcomes, split: Split, origin: Origin, recipe: Recipe) -> ModelCard:
    parts = {f.name: outcomes.take(getattr(split, f.name)) for f in dataclasses.fields(Split)}
    return ModelCard(
        version="",
        source=origin.source,
        fleet=origin.fleet,
        seeds=tuple(np.unique(outcomes.seed).tolist()),
        first_day=int(outcomes.day.min()),
        last_day=int(outcomes.day.max()),
        data_hash=data_hash(outcomes),
        unseen_sites=origin.unseen_sites,
        features=NAMES,
        inputs=INPUTS,
        rows={name: part.rows for name, part in parts.items()},
        jars={name: len(np.unique(part.unit)) for name, part in parts.items()},
        failures={name: len(np.unique(part.unit[part.failed])) for name, part in parts.items()},
        strings={name: len(np.unique(part.string)) for name, part in parts.items()},
        recipe=dataclasses.asdict(recipe),
        libraries=_libraries(),
    )


def _libraries() -> dict[str, str]:
    import catboost

    return {"catboost": catboost.__version__, "numpy": np.__version__}


def _version(model: RulModel) -> str:
    """A name by content: the same model has the same one wherever it was trained."""
    digest = hashlib.sha256()
    for booster in model.boosters:
        digest.update(booster)
    digest.update(json.dumps(dataclasses.asdict(model.margins)).encode())
    digest.update(model.card.data_hash.encode())
    return f"rul-{digest.hexdigest()[:10]}"
