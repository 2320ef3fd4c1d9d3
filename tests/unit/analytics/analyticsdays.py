"""Daily history of made-up jars for the tests of features and of what learns from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from analyticsjars import fleet_of

from analytics.history import Days, Units
from analytics.parameters import Array, Parameters

FIRST = 19_000  # d since 1970, January 2022
JARS = 12


def units_of(jars: int = JARS, strings: int = 1, age: float = 2000.0, today: int = FIRST + 400) -> Units:
    """Jars of one site, `age` [d] old at `today`."""
    parameters = Parameters.of(fleet_of(jars // strings, strings=strings))
    return Units(
        parameters,
        installed=np.full(jars, today - age),
        baseline=parameters.baseline.copy(),
        site=np.zeros(jars, np.intp),
        string=parameters.string_of_jar,
        site_offset=np.full(jars, 1.5),
    )


def days_of(count: int = 400, jars: int = JARS, **columns: float | Array) -> Days:
    """Quiet days on float at 25 °C; `columns` that are given are broadcast over days and jars."""
    usual: dict[str, float | Array] = {
        "voltage": 13.65,
        "temperature": 25.0,
        "resistance": 3.4,
        "discharges": 0.0,
        "drawn": 0.0,
    }
    known = usual | columns
    known.setdefault("temperature_min", known["temperature"])
    known.setdefault("temperature_max", known["temperature"])
    arrays = {name: np.array(np.broadcast_to(v, (count, jars)), np.float32) for name, v in known.items()}
    return Days(FIRST, **arrays)


def with_gaps(days: Days, share: float) -> Days:
    """The same with a share of all readings lost, each quantity by itself."""
    rng = np.random.default_rng(1)
    shape = days.voltage.shape
    lost = {name: rng.random(shape) < share for name in ("voltage", "temperature", "resistance")}
    lost["temperature_min"] = lost["temperature_max"] = lost["temperature"]
    nothing = np.float32(np.nan)
    return replace(days, **{k: np.where(gone, nothing, getattr(days, k)) for k, gone in lost.items()})
