"""What is told of the learnt models: the variables of the Analytics object, health and metrics read it.

Each part of `server.learning` writes down here what it has found; nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan, nan
from typing import Any


class TrainingState(StrEnum):
    """How a training does."""

    IDLE = "Idle"  # none since the start
    RUNNING = "Running"
    DONE = "Done"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


@dataclass
class Training:
    """The last training, or the one that runs."""

    job: str = ""
    state: TrainingState = TrainingState.IDLE
    progress: float = 0.0  # %
    message: str = ""
    version: str = ""  # of the model that it made


@dataclass
class Drift:
    """How like its training data the fleet is; arrays have one element a feature, the least alike first."""

    state: str = "Unknown"
    reason: str = ""
    judged: int | None = None  # µs
    features: Sequence[str] = ()
    psi: Sequence[float] = ()
    ks: Sequence[float] = ()
    matured: int = 0  # predictions that were looked up
    error: float = nan  # %, of those


@dataclass
class ModelStatus:
    """All that is told of models; times in µs."""

    published: str = ""
    shadow: str = ""
    predicting: str = ""
    predicted: int | None = None
    fallback: str = ""  # why the twin speaks alone, though a model is published; empty: it does not
    drift: Drift = field(default_factory=Drift)
    training: Training = field(default_factory=Training)

    def state(self) -> dict[str, Any]:
        """How models do, for JSON."""
        return {
            "status": "fallback" if self.fallback else "ok",
            "published": self.published,
            "shadow": self.shadow,
            "fallback": self.fallback,
            "drift": self.drift.state,
            "drift_reason": self.drift.reason,
            "matured_error_percent": None if isnan(self.drift.error) else round(self.drift.error, 1),
            "training": self.training.state.value,
        }
