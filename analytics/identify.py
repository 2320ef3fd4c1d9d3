"""Figures of a jar model from a measured discharge: what `models.<name>.twin` of the fleet file should say.

`fit` finds the figures with which the twin itself, without seeing the voltage (open loop), comes closest to
the recorded one: non-linear least squares on the logarithms of the figures. Each has a prior, its chemistry's
with the spread of `FITTED`, so that what a recording does not show stays as the chemistry has it. Pure; SciPy
is imported by `fit` alone, and never in the server's process.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from analytics import twin
from analytics.ageing import ohmic_factor
from analytics.parameters import Array, Mask, Parameters, chemistry_of
from config.fleetfile import JarModel, TwinPart
from nodeset.fleet import Fleet, Jar, Site, String, System

# Figures and the standard deviation of their logarithms among jars of one chemistry: judgement, from data
# sheets of AGM blocks and the span of what the sources of `analytics.parameters` give.
FITTED: Final[dict[str, float]] = {
    "capacity": 0.15,
    "resistance": 0.50,
    "acid_full": 0.05,
    "acid_empty": 0.50,
    "acid_bow": 0.50,
    "exchange": 0.70,
    "exchange_order": 0.40,
    "diffusion": 0.70,
    "slow_time": 0.40,
}
BOUND: Final = 3.0  # standard deviations of the prior that a figure can go
CELL_ERROR: Final = 0.0033  # V a cell that the circuit cannot follow
LEARNT: Final = (
    40.0  # independent voltages in a discharge: what the circuit cannot follow goes on for minutes
)
DISCHARGING: Final = 0.02  # 1/h; a smaller current against the capacity is none
PAUSE: Final = 5400.0  # s at rest within which a discharge may go on
SHALLOWEST: Final = 0.10  # of the capacity; a shallower discharge shows too little
SAMPLES: Final = 1_000  # of a discharge that take part; more are put together
STEP: Final = 1e-4  # of the logarithms, for derivatives
INSTALLED: Final = dt.date(2000, 1, 1)  # of the jars that stand for sets of figures


class RecordingError(ValueError):
    """A recording that nothing can be learnt from; the text says why."""


@dataclass(frozen=True)
class Recording:
    """Readings of one jar, arrays of shape (readings,); discharge current is positive."""

    time: Array  # s, rising
    current: Array  # A
    voltage: Array  # V
    temperature: Array  # °C

    def part(self, where: slice) -> Recording:
        """The readings of a part."""
        return Recording(self.time[where], self.current[where], self.voltage[where], self.temperature[where])


@dataclass(frozen=True)
class Discharge:
    """One discharge, from the last reading before it on, and what had been drawn before [Ah]."""

    readings: Recording
    before: float

    @property
    def drawn(self) -> float:
        """Charge [Ah] drawn."""
        r = self.readings
        return float(np.sum(r.current[1:] * np.diff(r.time)) / 3600.0)

    @property
    def hours(self) -> float:
        """How long it took."""
        return float(self.readings.time[-1] - self.readings.time[0]) / 3600.0


@dataclass(frozen=True)
class Figure:
    """A figure of the model: before, fitted, and the standard deviation of what was fitted."""

    name: str
    before: float
    fitted: float
    error: float


def discharges(recording: Recording, model: JarModel, soc: float = 1.0) -> tuple[Discharge, ...]:
    """The discharges in a recording that starts at the state of charge `soc` [0-1].

    Rests of up to `PAUSE` belong to a discharge. What is missing before each is counted; a recharge that gave
    back as much leaves the jar full. Raises `RecordingError` where there is none.
    """
    found: list[Discharge] = []
    missing = charge_missing(recording, (1 - soc) * model.capacity)
    for where in _spans(recording, DISCHARGING * model.capacity):
        part = Discharge(_thinned(recording.part(where)), float(missing[where.start]))
        if part.drawn >= SHALLOWEST * model.capacity:
            found.append(part)
    if not found:
        raise RecordingError(
            f"There is no discharge by {SHALLOWEST:.0%} of {model.capacity:g} Ah or more in it."
        )
    if any(d.readings.voltage[-1] > d.readings.voltage[1] for d in found):
        raise RecordingError("The voltage rises where the current says discharge: is charge positive in it?")
    return tuple(found)


def charge_missing(recording: Recording, first: float) -> Array:
    """Charge [Ah] that is missing to a full jar at each reading, of which `first` was at the beginning."""
    steps = recording.current[1:] * np.diff(recording.time) / 3600.0
    missing = np.empty(len(recording.time))
    missing[0] = first
    for i, step in enumerate(steps):
        missing[i + 1] = max(missing[i] + step, 0.0)
    return missing


def fit(model: JarModel, learnt: Sequence[Discharge]) -> tuple[TwinPart, tuple[Figure, ...]]:
    """The figures with which the open-loop twin follows these discharges best, and how sure each is."""
    from scipy.optimize import least_squares

    plain = model.model_copy(update={"twin": TwinPart()})
    start, spread = np.log(list(figures_of(plain).values())), np.array(list(FITTED.values()))
    misfit = _misfit(plain, learnt)

    def cost(x: Array) -> Array:
        return np.concatenate([misfit(x[None])[0], (x - start) / spread])

    def slopes(x: Array) -> Array:
        moved = misfit(np.vstack([x, x + STEP * np.eye(len(x))]))
        return np.vstack([((moved[1:] - moved[0]) / STEP).T, np.diag(1 / spread)])

    limits = (start - BOUND * spread, start + BOUND * spread)
    found = least_squares(cost, start, slopes, bounds=limits, max_nfev=40)
    errors = np.sqrt(np.diag(np.linalg.inv(found.jac.T @ found.jac)))
    part = part_of(np.exp(found.x))
    before, fitted = figures_of(model), figures_of(model.model_copy(update={"twin": part}))
    return part, tuple(
        Figure(name, before[name], fitted[name], fitted[name] * float(error))
        for name, error in zip(FITTED, errors, strict=True)
    )


def open_loop(model: JarModel, discharge: Discharge) -> Array:
    """Voltage [V] by the twin that sees current and temperature only, at each reading but the first."""
    voltages: Array = _voltages([model], discharge)[0]
    return voltages


def voltage_errors(model: JarModel, discharge: Discharge) -> Array:
    """How far [V] the open-loop twin is above the recorded voltage at each reading but the first."""
    return open_loop(model, discharge) - discharge.readings.voltage[1:]


def figures_of(model: JarModel) -> dict[str, float]:
    """The figures of a model that can be fitted, in the order of `FITTED`."""
    chemistry, own = chemistry_of(model), model.twin
    ratings = {
        "capacity": own.capacity or model.capacity,
        "resistance": own.resistance or model.baseline_resistance,
    }
    return {name: float(ratings.get(name) or getattr(chemistry, name)) for name in FITTED}


def part_of(figures: Array) -> TwinPart:
    """The part of the fleet file with these figures, in the order of `FITTED`, to four digits."""
    return TwinPart(**{name: float(f"{x:.4g}") for name, x in zip(FITTED, figures.tolist(), strict=True)})


def _misfit(model: JarModel, learnt: Sequence[Discharge]) -> Callable[[Array], Array]:
    """Weighted errors of the voltage for rows of logarithms of figures, shape (rows, readings)."""
    scale = CELL_ERROR * model.cells
    weights = []
    for discharge in learnt:
        spans = np.minimum(np.diff(discharge.readings.time), PAUSE)
        weights.append(np.sqrt(spans * (LEARNT / spans.sum())) / scale)

    def misfit(rows: Array) -> Array:
        models = [model.model_copy(update={"twin": part_of_row(row)}) for row in np.exp(rows)]
        parts = [
            weight * (_voltages(models, discharge) - discharge.readings.voltage[1:])
            for weight, discharge in zip(weights, learnt, strict=True)
        ]
        return np.concatenate(parts, axis=1)

    return misfit


def part_of_row(figures: Array) -> TwinPart:
    """These figures as they are, for derivatives: neither rounded nor checked."""
    return TwinPart.model_construct(**dict(zip(FITTED, figures.tolist(), strict=True)))


def _voltages(models: Sequence[JarModel], discharge: Discharge) -> Array:
    """Open-loop voltage [V] of each model, shape (models, readings - 1)."""
    p, r = Parameters.of(_fleet(models)), discharge.readings
    capacity = p.capacity * p.fresh
    soc = np.clip(1 - discharge.before / capacity, 0.0, 1.0)
    circuit = replace(twin.rest(p.jars), soc=soc)
    blind = np.zeros(p.jars, np.bool_)
    voltages = np.empty((p.jars, len(r.time) - 1))
    for i, span in enumerate(np.diff(r.time).tolist()):
        temperature = np.full(p.jars, r.temperature[i + 1])
        inputs = twin.Inputs(
            voltage=np.full(p.jars, r.voltage[i + 1]),
            current=np.full(p.jars, r.current[i + 1]),
            temperature=temperature,
            resistance=p.baseline * p.ohmic * ohmic_factor(p.load_temperature, temperature),
            capacity=capacity,
            usable=blind,
        )
        circuit, prediction = twin.advance(circuit, p, inputs, span)
        voltages[:, i] = prediction.voltage
    return voltages


def _fleet(models: Sequence[JarModel]) -> Fleet:
    """A string with one jar of each model."""
    jars = tuple(
        Jar(
            path=str(i),
            name=str(i),
            position=i + 1,
            string=0,
            model_name=str(i),
            model=model,
            serial=str(i),
            installed=INSTALLED,
            warranty_end=INSTALLED,
            baseline_resistance=model.baseline_resistance,
        )
        for i, model in enumerate(models)
    )
    site = Site("", "", "Bangkok", 0.0, 0.0, ZoneInfo("UTC"), 0.0, slice(0, 1))
    system = System("", "", 0, "UPS", 1.0, slice(0, 1))
    string = String("", "", 0, slice(0, len(jars)), models[0])
    return Fleet("", site.zone, (site,), (system,), (string,), jars)


def _spans(recording: Recording, least: float) -> list[slice]:
    """Readings of each discharge by a current of at least `least` [A], and the one before it."""
    on, charging = recording.current > least, recording.current < -least
    spans: list[slice] = []
    for i in np.flatnonzero(on).tolist():
        last = spans[-1] if spans else None
        if last is not None and _goes_on(recording, last, i, charging):
            spans[-1] = slice(last.start, i + 1)
        else:
            spans.append(slice(max(i - 1, 0), i + 1))
    return [span for span in spans if span.stop - span.start > 2]


def _goes_on(recording: Recording, span: slice, i: int, charging: Mask) -> bool:
    """Whether the reading `i` belongs to the discharge `span` before it."""
    pause = recording.time[i] - recording.time[span.stop - 1]
    return bool(pause <= PAUSE and not charging[span.stop : i].any())


def _thinned(readings: Recording) -> Recording:
    """At most `SAMPLES` readings with the same charge: the last of each group, with the mean current."""
    size = -(-(len(readings.time) - 1) // SAMPLES)
    if size <= 1:
        return readings
    firsts = np.arange(1, len(readings.time), size)
    lasts = np.minimum(firsts + size, len(readings.time)) - 1
    charge = np.add.reduceat((readings.current[1:] * np.diff(readings.time)), firsts - 1)
    kept = np.concatenate([[0], lasts])
    time = readings.time[kept]
    spans = np.diff(time)
    mean = np.where(spans > 0, charge / np.maximum(spans, 1e-9), readings.current[lasts])
    current = np.concatenate([readings.current[:1], mean])
    return Recording(time, current, readings.voltage[kept], readings.temperature[kept])
