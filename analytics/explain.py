"""Why a jar's remaining life is what it is: the factors that shortened it, each with its share.

A factor's part is what the remaining life would gain if that factor alone were neutral: temperature at 25 °C
throughout, age nil, resistance at the baseline, no discharges, no correction by what they showed. Parts that
lengthen life count nothing; shares are of the three largest and sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from analytics import ageing, rul
from analytics.ageing import Ageing
from analytics.parameters import Array, Parameters

TOP: Final = 3


@dataclass(frozen=True, slots=True)
class Factor:
    """One cause of ageing and its share of the life that was lost."""

    name: str
    share: float


def evidence(parameters: Parameters, state: Ageing) -> rul.Evidence:
    """What the slow state says about each jar's life, shape (jars,)."""
    health = ageing.state_of_health(parameters, state)
    pace = ageing.cycling(state)
    # What was before the first scan was as what has been seen since.
    cycled = state.cycled + pace * np.maximum(state.age - state.watched, 0.0)
    return rul.Evidence(state.age, state.factor, health, np.sqrt(state.correction_variance), cycled, pace)


def explain(parameters: Parameters, state: Ageing) -> list[tuple[Factor, ...]]:
    """The top three factors of each jar, largest first."""
    neutral = {
        "Temperature": replace(state, factor=np.minimum(state.factor, 1.0)),
        "Age": replace(state, age=np.zeros_like(state.age)),
        "Resistance": replace(state, resistance=np.minimum(state.resistance, parameters.baseline)),
        "Discharges": replace(state, cycled=np.zeros_like(state.cycled)),
        "Capacity": replace(state, correction=np.maximum(state.correction, 0.0)),
    }
    now = _days(parameters, state)
    gains = np.maximum(np.stack([_days(parameters, other) for other in neutral.values()]) - now, 0.0)
    names = list(neutral)
    order = np.argsort(-gains, axis=0, kind="stable")[:TOP]
    top = np.take_along_axis(gains, order, axis=0)
    total = top.sum(axis=0)
    shares = (top / np.where(total > 0, total, 1.0)).T.tolist()
    return [
        tuple(Factor(names[k], share) for k, share in zip(which, share_of, strict=True))
        if whole > 0
        else (Factor("Age", 1.0),)
        for which, share_of, whole in zip(order.T.tolist(), shares, total.tolist(), strict=True)
    ]


def _days(parameters: Parameters, state: Ageing) -> Array:
    return rul.remaining(parameters, evidence(parameters, state)).days
