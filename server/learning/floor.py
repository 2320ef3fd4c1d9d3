"""The noise floor: how well anybody could predict the lives of a simulated plant's jars; no I/O.

The only code that looks at the plant's truth, and nothing but the evaluation asks it. Three observers, each
of whom knows more than a model can learn:

- of a year: knows the plant's equations, figures and spreads, the mean climate and outages of each place, the
  age of each jar, and its readings of the last year, as features do;
- of a lifetime: remembers the readings since installation too;
- of wear: sees how worn each jar is.

None knows which jar will fail suddenly. What the readings tell is Bayes' rule on a grid over a jar's hidden
life, with the scatter of its resistance, of its float voltage, and bias, drift and noise of its sensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from analytics.baselines import named
from analytics.outcomes import Outcomes
from analytics.parameters import DAYS_PER_YEAR, Array, Mask
from analytics.rul import LOWER, UPPER, Life
from analytics.windows import by_group
from nodeset.fleet import Fleet
from nodeset.index import TagIndex
from server.learning.outcomesof import place_and_generation
from simulator.ageing import births_of
from simulator.makeup import makeup_of
from simulator.parameters import AGEING, ELECTRICAL, FAILURES, SENSORS, THERMAL, Ageing
from simulator.tenure import Paces, Tenures

_LIVES: Final = np.linspace(0.2, 1.5, 201)  # of the design life: what a jar may have been made for
_STEEPNESS: Final = np.arange(-2.6, 7.0, 0.03)  # logarithm of how fast the resistance may rise, against usual
_NOISE: Final = 0.001  # left in a month's mean: share of a resistance, V of a float voltage
_UNKNOWN: Final = 1e3  # the same of a reading that there is not
_DAYS_PER_DRIFT: Final = SENSORS.drift_time / 86_400.0
_TINY: Final = 1e-290
_BLOCK: Final = 20_000  # rows at once


@dataclass(frozen=True)
class Memory:
    """Which readings count: the present one and `readings` - 1 before it, `every` rows apart."""

    readings: int
    every: int


YEAR: Final = Memory(13, 1)  # rows are 30 days apart
LIFETIME: Final = Memory(26, 6)  # drift takes half a year to move, so readings between tell next to nothing


@dataclass(frozen=True)
class Truth:
    """What the plant of a seed is made of."""

    fleet: Fleet
    tenures: Tenures
    figures: Ageing

    @classmethod
    def of(cls, fleet: Fleet, seed: int, figures: Ageing = AGEING) -> Truth:
        """The truth of a fleet's plant."""
        return cls(fleet, makeup_of(TagIndex(fleet), seed, figures).tenures, figures)

    @property
    def paces(self) -> Paces:
        """How fast the jars of each place use up their lives."""
        return self.tenures.paces

    def worn_after(self, outcomes: Outcomes) -> Array:
        """Years in service after which the jar of each row wears out, if nothing befalls it before."""
        place, generation = place_and_generation(outcomes.unit)
        found, places = np.empty(outcomes.rows), len(self.fleet.jars)
        for each in np.unique(generation):
            lives = births_of(self.fleet, self.tenures.seed, np.full(places, each), self.figures).life
            rate = self.paces.floated / lives + self.paces.cycled + self.paces.sulphated
            found[generation == each] = (1 / rate)[place[generation == each]]
        return found


def of_wear(truth: Truth, outcomes: Outcomes) -> Life:
    """What one who sees the wear says: when it ends the jar; sudden failures are too rare to expect."""
    days = truth.worn_after(outcomes) * DAYS_PER_YEAR - named(outcomes.features, "calendar_age_days")
    days = np.maximum(days, 0.0)
    return Life(days, days, days)


def of_readings(truth: Truth, outcomes: Outcomes, memory: Memory) -> Life:
    """What the observer of a year, or of a lifetime, says of each row."""
    age = named(outcomes.features, "calendar_age_days") / DAYS_PER_YEAR
    ends = _ends(truth, outcomes)
    seen = _Seen(
        age=age * _running(truth, outcomes),
        position=outcomes.day / _DAYS_PER_DRIFT,
        rise=np.log1p(named(outcomes.features, "resistance_rise") / 100),
        voltage=named(outcomes.features, "voltage_deviation") / 1000 - _of_string(truth, outcomes, age, ends),
    )
    order = np.lexsort((outcomes.day, outcomes.unit))
    first = np.flatnonzero(np.diff(outcomes.unit[order], prepend=-1))
    answer = np.empty((3, outcomes.rows))
    for rows in np.split(order, first[1:]):
        told = _told(truth, seen, ends[rows[0]], rows, memory)
        answer[:, rows] = _left(prior(truth.figures), told, ends[rows[0]], age[rows])
    return Life(*np.maximum(answer * DAYS_PER_YEAR, 0.0))


@dataclass(frozen=True)
class _Seen:
    """Readings, arrays of shape (rows,): age as far as it shows [a], time in periods of drift, logarithm of
    the resistance against its baseline, float voltage against the string as its jars' ages explain it [V]."""

    age: Array
    position: Array
    rise: Array
    voltage: Array


def prior(figures: Ageing) -> Array:
    """Probability of each of `_LIVES`, as jars are made."""
    share = _LIVES / figures.scale
    worn = figures.shape / figures.scale * share ** (figures.shape - 1) * np.exp(-(share**figures.shape))
    low, high = figures.early_life
    early = np.where((low <= _LIVES) & (high >= _LIVES), 1 / (high - low), 0.0)
    density = (1 - figures.early_share) * worn + figures.early_share * early
    return np.asarray(density / density.sum())


def _ends(truth: Truth, outcomes: Outcomes) -> Array:
    """Years in service at which the jar of each row is worn out, for each of `_LIVES`; (rows, lives)."""
    place, _ = place_and_generation(outcomes.unit)
    design = np.array([jar.model.design_life for jar in truth.fleet.jars], np.float64)[place]
    paces = truth.paces
    other = (paces.cycled + paces.sulphated)[place]
    rate = (paces.floated[place] / design)[:, None] / _LIVES + other[:, None]
    return np.asarray(1 / rate, np.float32)


def _running(truth: Truth, outcomes: Outcomes) -> float:
    """Wear of a plant that runs, against that of mean climate, by which jars fail (`simulator.tenure`)."""
    place, _ = place_and_generation(outcomes.unit)
    ratio = named(outcomes.features, "arrhenius_factor") / truth.paces.floated[place]
    return float(np.nanmedian(ratio))


def _of_string(truth: Truth, outcomes: Outcomes, age: Array, ends: Array) -> Array:
    """What the wear of its siblings adds to a jar's float voltage against theirs [V], as far as ages tell."""
    chance = prior(truth.figures).astype(np.float32)
    spent = np.empty(outcomes.rows)
    for i in range(0, outcomes.rows, _BLOCK):
        at = slice(i, i + _BLOCK)
        alive = (ends[at] > age[at, None]) * chance
        spent[at] = age[at] * (alive / ends[at]).sum(axis=1) / np.maximum(alive.sum(axis=1), _TINY)
    together = np.unique(outcomes.string * 100_000 + outcomes.day, return_inverse=True)[1]
    return np.asarray(_volts_a_life(truth) * by_group(spent, together, 0.5))


def _volts_a_life(truth: Truth) -> float:
    """By how much a jar's float voltage falls over its life, by Tafel's law."""
    cells = float(truth.fleet.jars[0].model.cells)
    return cells * ELECTRICAL.tafel_slope * truth.figures.end_of_life_float


def _told(truth: Truth, seen: _Seen, ends: Array, rows: NDArray[np.intp], memory: Memory) -> Array:
    """Log-likelihood of each of `_LIVES` of one jar by what was read to each of its rows; (rows, lives)."""
    back = np.arange(len(rows))[:, None] - memory.every * np.arange(memory.readings)[None, ::-1]
    at = rows[np.maximum(back, 0)]
    known = (back >= 0) & np.isfinite(seen.rise[at]) & np.isfinite(seen.voltage[at])
    return _by_resistance(truth, seen, ends, at, known) + _by_voltage(truth, seen, ends, at, known)


def _by_resistance(truth: Truth, seen: _Seen, ends: Array, at: NDArray[np.intp], known: Mask) -> Array:
    """Log-likelihood of each of `_LIVES` by the readings `at`, shape (rows, lives)."""
    figures = truth.figures
    usual = float(ends[np.searchsorted(_LIVES, figures.scale)])
    whiten = _whitening(seen.position[at], known, SENSORS.resistance_bias, SENSORS.resistance_drift)
    worn = figures.end_of_life_resistance * (seen.age[at] / usual) ** figures.resistance_exponent
    read = np.where(known, seen.rise[at], 0.0)
    misfit = read[..., None] - np.log1p(worn[..., None] * np.exp(_STEEPNESS))
    fits = -0.5 * np.square(whiten @ misfit).sum(axis=1)
    fits = np.exp(fits - fits.max(axis=1, keepdims=True))
    # How steeply a resistance rises is the jar's own scatter, and its life to the power of the exponent.
    scatter = _STEEPNESS[:, None] + figures.resistance_exponent * np.log(ends / usual)
    chance = np.exp(-0.5 * np.square(scatter / figures.resistance_scatter))
    return np.asarray(np.log(fits @ chance + _TINY))


def _by_voltage(truth: Truth, seen: _Seen, ends: Array, at: NDArray[np.intp], known: Mask) -> Array:
    """The same by float voltages, which fall with the share of life that is spent."""
    model, fall = truth.fleet.jars[0].model, _volts_a_life(truth)
    # Voltages are taken to 25 °C by each jar's own thermometer.
    per_kelvin = model.float_compensation * model.cells / 1000
    constant = np.hypot(ELECTRICAL.float_scatter * model.cells, per_kelvin * THERMAL.jar_scatter)
    drift = float(np.hypot(SENSORS.voltage_drift, per_kelvin * SENSORS.temperature_drift))
    # Nobody knows the wear of the siblings either; their mean is as uncertain as that of so many.
    jars = len(truth.fleet.jars) / len(truth.fleet.strings)
    common = fall * seen.age[at] * _deviation(prior(truth.figures), 1 / ends) / np.sqrt(jars)
    whiten = _whitening(seen.position[at], known, constant, drift, common)
    slope = (whiten @ (-fall * seen.age[at])[..., None])[..., 0]
    read = (whiten @ np.where(known, seen.voltage[at], 0.0)[..., None])[..., 0]
    rate = 1 / ends[None, :]
    a, b = np.square(slope).sum(axis=1)[:, None], (slope * read).sum(axis=1)[:, None]
    return np.asarray(-0.5 * a * np.square(rate) + b * rate)


def _deviation(chance: Array, values: Array) -> float:
    mean = (chance * values).sum()
    return float(np.sqrt((chance * np.square(values - mean)).sum()))


def _whitening(position: Array, known: Mask, bias: float, drift: float, common: Array | None = None) -> Array:
    """What makes the errors of readings independent and of deviation 1, shape (rows, readings, readings).

    `bias` is common to a sensor's readings, `drift` wanders between knots as the sensors' does, `common` is
    a further error that all share. A reading that is not known gets no weight.
    """
    knot = np.floor(position)
    x = position - knot
    weight = x * x * (3 - 2 * x)
    size = np.hypot(1 - weight, weight)
    before, after = (1 - weight) / size, weight / size
    apart = knot[:, :, None] - knot[:, None, :]
    same = before[:, :, None] * before[:, None, :] + after[:, :, None] * after[:, None, :]
    next_to = after[:, :, None] * before[:, None, :]
    shared = same * (apart == 0) + next_to * (apart == -1) + next_to.swapaxes(1, 2) * (apart == 1)
    covariance = bias**2 + drift**2 * shared
    if common is not None:
        covariance = covariance + common[:, :, None] * common[:, None, :]
    each = np.arange(position.shape[1])
    covariance[:, each, each] += np.where(known, _NOISE**2, _UNKNOWN**2)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))


def _left(chance: Array, told: Array, ends: Array, age: Array) -> Array:
    """Median, lower and upper bound of the years left, shape (3, rows); a sudden failure may come before."""
    alive = ends[None, :] > age[:, None]
    told = np.where(alive, told, -np.inf)
    best = told.max(axis=1, keepdims=True)
    weight = chance * np.exp(told - np.where(np.isfinite(best), best, 0.0)) + _TINY * alive
    total = np.maximum(weight.sum(axis=1, keepdims=True), _TINY)
    gone = (np.cumsum(weight, axis=1) - weight / 2) / total  # by the middle of each cell of the grid
    years = np.maximum(ends[None, :] - age[:, None], 0.0)
    failed = 1 - np.exp(-FAILURES.sudden * years) * (1 - gone)
    return np.array([_quantile(failed, years, share) for share in (0.5, LOWER, UPPER)])


def _quantile(failed: Array, years: Array, share: float) -> Array:
    """Where each row of an ascending distribution passes a share."""
    last = failed.shape[1] - 1
    after = np.clip((failed < share).sum(axis=1), 1, last)
    row = np.arange(len(failed))
    low, high = failed[row, after - 1], failed[row, after]
    part = np.clip((share - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    return np.asarray(years[row, after - 1] + part * (years[row, after] - years[row, after - 1]))
