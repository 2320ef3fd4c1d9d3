"""Jars whose lives are drawn, with features that tell of them: enough to train a small model in a second."""

from __future__ import annotations

import numpy as np

from analytics.features import FEATURES, NAMES
from analytics.model import RulModel
from analytics.outcomes import Ending, Outcomes
from analytics.parameters import Array, Single
from analytics.splits import split
from analytics.training import Origin, Recipe, train

NOMINAL = 3_000.0  # d
SITES = 3
STRINGS = 15  # a site
JARS = 24  # a string
EVERY = 90  # d between the rows of a jar
SMALL = Recipe(iterations=80, iterations_of_bounds=40, every=1, depth=4, learning_rate=0.2)
ORIGIN = Origin("test bench", "Bench", ("Third",))
UNSEEN = (2,)


def column(name: str) -> int:
    """Where a feature stands."""
    return NAMES.index(name)


def outcomes_of(seed: int, follow: float = 1e9) -> Outcomes:
    """Rows of all jars; each is followed for so many days of its life at the most."""
    draw = np.random.default_rng(seed)
    jars = SITES * STRINGS * JARS
    site = np.arange(jars) // (STRINGS * JARS)
    factor = np.array([0.9, 1.2, 1.1])[site] * draw.uniform(0.95, 1.05, jars)
    life = NOMINAL * draw.normal(1.0, 0.15, jars) / factor  # d
    limit = 50 * np.exp(0.1 * draw.normal(size=jars))  # %, rise at the end of life
    rows = [
        (jar, age) for jar in range(jars) for age in np.arange(30.0, min(life[jar], follow), EVERY).tolist()
    ]
    jar = np.array([row[0] for row in rows])
    age = np.array([row[1] for row in rows])
    end = np.minimum(life, follow)[jar]
    features = _features(age, factor[jar], limit[jar] * (age / life[jar]) ** 3, draw)
    failed = life[jar] <= follow
    return Outcomes(
        features=features,
        lived=end - age,
        failed=failed,
        unit=seed * 100_000 + jar,
        string=seed * 1_000 + jar // JARS,
        site=site[jar],
        seed=np.full(len(jar), seed),
        day=(15_000 + age).astype(np.int64),
        ending=np.where(failed, Ending.WORN, Ending.NONE).astype(np.int8),
    )


def _features(age: Array, factor: Array, rise: Array, draw: np.random.Generator) -> Single:
    """Features of which those that matter are known, and the rest mean nothing."""
    known = draw.normal(10.0, 1.0, (len(age), len(FEATURES)))
    for name, value in (
        ("arrhenius_factor", factor),
        ("temperature_mean_365d", 25 + 13 * np.log(factor)),
        ("calendar_age_days", age),
        ("effective_age_days", age * factor),
        ("resistance_rise", rise + draw.normal(0.0, 0.5, len(age))),
        ("nominal_life_days", np.full(len(age), NOMINAL)),
    ):
        known[:, column(name)] = value
    return known.astype(np.float32)


def small_model(outcomes: Outcomes) -> RulModel:
    """A model of these rows, the third site kept back."""
    return train(outcomes, split(outcomes, UNSEEN), ORIGIN, SMALL)
