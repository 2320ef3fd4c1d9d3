"""Learnt models for tests of all that does not ask them anything: artefacts whose boosters are empty."""

from __future__ import annotations

import dataclasses

import numpy as np

from analytics.cases import Cases
from analytics.conformal import Margins
from analytics.drift import reference
from analytics.features import NAMES
from analytics.model import RulModel
from analytics.modelcard import ModelCard
from analytics.novelty import Range

FIRST_DAY, LAST_DAY = 18_262, 23_000  # 2020-01-01 and later


def bare_model(version: str, mae: float | None = 100.0) -> RulModel:
    """A model of a version with a mean error [d] on its card, or without figures."""
    zeros, counts = np.zeros(len(NAMES)), {"train": 1, "calibration": 1, "test": 1, "unseen": 0}
    card = ModelCard(
        version=version,
        source="test bench",
        fleet="Bench",
        seeds=(101,),
        first_day=FIRST_DAY,
        last_day=LAST_DAY,
        data_hash="ab" * 32,
        unseen_sites=(),
        features=NAMES,
        inputs=NAMES,
        rows=counts,
        jars=counts,
        failures=counts,
        strings=counts,
        recipe={},
        libraries={},
        metrics={} if mae is None else {"mae": mae, "mean": 1000.0},
    )
    cases = Cases(
        features=np.zeros((1, len(NAMES)), np.float32),
        lived=np.ones(1),
        ending=np.ones(1, np.int8),
        unit=np.ones(1, np.int64),
        seed=np.ones(1, np.int64),
        mean=zeros,
        scale=zeros + 1,
        importance=zeros + 1 / len(NAMES),
    )
    bounds = Range(zeros - 1, zeros + 1, zeros + 1, zeros, zeros + 1)
    margins = Margins(*((0.0,) for _ in dataclasses.fields(Margins)))
    like = reference(np.zeros((1, len(NAMES)), np.float32))
    return RulModel(card, (b"", b"", b""), margins, bounds, 1.0, cases, like)
