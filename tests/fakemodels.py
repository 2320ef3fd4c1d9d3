"""A learnt model that needs no training: what is left of a fixed life, by age and temperature."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from analytics.cases import Cases
from analytics.features import FEATURES, NAMES
from analytics.learnt import Learnt
from analytics.modelcard import ModelCard
from analytics.outcomes import Ending
from analytics.parameters import Array, Single

AGE, FACTOR = NAMES.index("calendar_age_days"), NAMES.index("arrhenius_factor")


@dataclass(frozen=True)
class FakeModel:
    """Days are `life` less age, over the pace of ageing; the interval is half of that on either side."""

    version: str = "fake-1"
    life: float = 3_000.0
    confidence: float = 1.0

    @property
    def card(self) -> ModelCard:
        """Nothing but a figure."""
        none: dict[str, int] = {}
        return ModelCard(
            version=self.version,
            source="nowhere",
            fleet="",
            seeds=(),
            first_day=0,
            last_day=1,
            data_hash="00",
            unseen_sites=(),
            features=NAMES,
            inputs=NAMES,
            rows=none,
            jars=none,
            failures=none,
            strings=none,
            recipe={},
            libraries={},
            metrics={"mae": 123.0},
        )

    @property
    def cases(self) -> Cases:
        """Two jars that failed."""
        features = np.zeros((2, len(FEATURES)), np.float32)
        features[:, AGE] = (1_000, 2_000)
        every = np.ones(len(FEATURES))
        return Cases(
            features=features,
            lived=np.array([400.0, 90.0]),
            ending=np.array([Ending.WORN, Ending.OPEN], np.int8),
            unit=np.array([1, 2]),
            seed=np.array([101, 101]),
            mean=np.zeros(len(FEATURES)),
            scale=1_000 * every,
            importance=every / len(FEATURES),
        )

    def predict(self, features: Single) -> Learnt:
        """Life left."""
        pace = np.nan_to_num(features[:, FACTOR], nan=1.0)
        days = np.maximum(self.life - features[:, AGE], 0.0) / pace
        return Learnt(days, days / 2, 1.5 * days, np.full(len(days), self.confidence))

    def contributions(self, features: Single) -> Array:
        """Age and pace."""
        added = np.zeros(features.shape)
        added[:, AGE] = -features[:, AGE]
        added[:, FACTOR] = -100 * np.nan_to_num(features[:, FACTOR])
        return added


def artefact(path: Path, version: str = "fake-1", life: float = 3_000.0, confidence: float = 1.0) -> Path:
    """A file that `load` knows."""
    path.write_text(json.dumps({"version": version, "life": life, "confidence": confidence}))
    return path


def load(content: bytes) -> FakeModel:
    """The model of an artefact; ValueError where it is none."""
    return FakeModel(**json.loads(content))


if __name__ == "__main__":
    from server.learning.days import RecentDays
    from server.learning.serving import Serving
    from server.learning.worker import serve, settle

    settle(int(sys.argv[2]))
    asyncio.run(serve(int(sys.argv[1]), Serving(RecentDays().read, load).handlers))
