"""Rows of outcomes for the tests of what judges and learns."""

from __future__ import annotations

import numpy as np

from analytics.features import NAMES
from analytics.outcomes import Ending, Outcomes
from analytics.parameters import Array

USUAL = {
    "temperature_mean_30d": 26.0,
    "temperature_mean_365d": 26.0,
    "temperature_max": 29.0,
    "temperature_deviation": 1.0,
    "arrhenius_factor": 1.0,
    "calendar_age_days": 1000.0,
    "effective_age_days": 1000.0,
    "resistance_rise": 5.0,
    "history_days": 365.0,
}


def outcomes_of(
    lived: Array, failed: Array | None = None, unit: Array | None = None, **features: float | Array
) -> Outcomes:
    """Rows with these lives and features, one jar each unless `unit` says otherwise; others zero."""
    n = len(lived)
    table = np.zeros((n, len(NAMES)), np.float32)
    for name, values in (USUAL | features).items():
        table[:, NAMES.index(name)] = values
    seen = np.ones(n, np.bool_) if failed is None else np.asarray(failed, np.bool_)
    units = np.arange(n) if unit is None else np.asarray(unit)
    return Outcomes(
        features=table,
        lived=np.asarray(lived, np.float64),
        failed=seen,
        unit=units.astype(np.int64),
        string=units.astype(np.int64) // 24,
        site=np.zeros(n, np.intp),
        seed=np.full(n, 101),
        day=np.full(n, 20_000),
        ending=np.where(seen, Ending.WORN, Ending.NONE).astype(np.int8),
    )
