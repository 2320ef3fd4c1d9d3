"""What a jar's life would be if from now on it were warmer, or its load another; pure.

What a jar has lived through stays: only how fast the rest of its life goes changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from analytics import explain, rul
from analytics.ageing import Ageing, arrhenius
from analytics.features import NAMES
from analytics.parameters import GAS_CONSTANT, KELVIN, REFERENCE_TEMPERATURE, Array, Parameters, Single

_THROUGHPUT: Final = NAMES.index("ah_throughput")
_DEPTH: Final = NAMES.index("discharge_depth")


def loaded(known: Single, load: float) -> Single:
    """Features of jars whose load is `load` times what it was: each discharge draws so much more, at most a
    full charge.
    """
    other = known.copy()
    other[:, _DEPTH] = np.minimum(known[:, _DEPTH] * np.float32(load), np.maximum(known[:, _DEPTH], 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        deeper = np.where(known[:, _DEPTH] > 0, other[:, _DEPTH] / known[:, _DEPTH], np.float32(load))
    other[:, _THROUGHPUT] = known[:, _THROUGHPUT] * deeper
    return other


def twin_life(parameters: Parameters, state: Ageing, kelvin: float) -> rul.Life:
    """What the twin says of jars if it were `kelvin` warmer from now on."""
    now = explain.evidence(parameters, state)
    return rul.remaining(parameters, replace(now, factor=warmer_factor(parameters, now.factor, kelvin)))


def warmer_factor(parameters: Parameters, factor: Array, kelvin: float) -> Array:
    """The Arrhenius factor of a place that is warmer, taken at the one temperature that gives the factor."""
    energy = parameters.activation_energy
    inverse = 1 / (REFERENCE_TEMPERATURE + KELVIN) - np.log(np.maximum(factor, 1e-3)) * GAS_CONSTANT / energy
    return arrhenius(1 / inverse - KELVIN + kelvin, energy)
