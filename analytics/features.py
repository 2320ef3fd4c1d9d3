"""What a learnt model may know of a jar (R1): one function for training and serving, for all jars; pure.

`FEATURES` declares each feature once; `features` works all of them out for the jars that stand in their
places on a day, from the year before it. What is not known is NaN. Counts and sums over the last year are a
year's worth, however many of its days are known: a young history must not be taken for an easy life.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from analytics.ageing import arrhenius
from analytics.history import Days, Units
from analytics.parameters import DAYS_PER_YEAR, GAS_CONSTANT, KELVIN, REFERENCE_TEMPERATURE, Array, Single
from analytics.windows import YEAR, Window, by_group, slope, window_of

HOT: Final = 30.0  # °C, R1
MONTH: Final = 30  # d
QUARTER: Final = 90  # d
LONGEST: Final = 9_131.0  # d, as far as a trend is followed: 25 years, the range of the tag
_FLATTEST: Final = 1e-4  # 1/a: a resistance that rises more slowly does not rise
_STEADIEST: Final = 0.1  # K, standard deviation of a year's temperatures at the least
_HOURS_PER_YEAR: Final = 24 * DAYS_PER_YEAR


@dataclass(frozen=True)
class FeatureDef:
    """A feature, described in words that stand alone: an explanation names it so.

    `temperature`: warmer air from now on changes it; `monotone`: 1 or -1 if more of it can only mean a longer
    or a shorter life, else 0.
    """

    name: str
    unit: str
    description: str
    temperature: bool = False
    monotone: int = 0


FEATURES: Final = (
    FeatureDef("temperature_mean_30d", "°C", "Mean temperature of the last 30 days", True, -1),
    FeatureDef("temperature_mean_365d", "°C", "Mean temperature of the last year", True, -1),
    FeatureDef("temperature_max", "°C", "Highest temperature of the last year", True, -1),
    FeatureDef("temperature_deviation", "K", "Standard deviation of the temperature over the last year"),
    FeatureDef("time_above_30c_hours", "h/a", "Hours above 30 °C", True, -1),
    FeatureDef(
        "temperature_cycles_count", "1/a", "Days on which the temperature swung by more than 5 °C", False, -1
    ),
    FeatureDef(
        "arrhenius_factor", "1", "Pace of ageing over the last year, against 25 °C (Arrhenius)", True, -1
    ),
    FeatureDef("calendar_age_days", "d", "Age since installation"),
    FeatureDef("effective_age_days", "d", "Age weighted by temperature (Arrhenius)"),
    FeatureDef("cycle_count", "1/a", "Number of discharges", False, -1),
    FeatureDef("ah_throughput", "Ah/a", "Charge drawn in discharges", False, -1),
    FeatureDef("discharge_depth", "1", "Mean depth of a discharge, of the rated capacity"),
    FeatureDef("days_since_discharge", "d", "Days since the last discharge"),
    FeatureDef("resistance_level", "mΩ", "Resistance, as at 25 °C, over the last 30 days on float"),
    FeatureDef("resistance_rise", "%", "Rise of resistance over the baseline", False, -1),
    FeatureDef("resistance_rise_vs_string", "%", "Rise of resistance against that of the string", False, -1),
    FeatureDef("string_resistance_rise", "%", "Median rise of resistance of the string"),
    FeatureDef("resistance_slope_30d", "%/a", "Trend of resistance over 30 days", False, -1),
    FeatureDef("resistance_slope_90d", "%/a", "Trend of resistance over 90 days", False, -1),
    FeatureDef("resistance_slope_365d", "%/a", "Trend of resistance over a year", False, -1),
    FeatureDef("resistance_slope_at_25c", "%/a", "Trend of resistance over a year, as at 25 °C", False, -1),
    FeatureDef(
        "resistance_days_to_limit",
        "d",
        "Days until the trend of resistance, as at 25 °C, meets the end of life",
        False,
        1,
    ),
    FeatureDef("float_voltage", "V", "Float voltage, as at 25 °C, over the last 30 days"),
    FeatureDef("voltage_deviation", "mV", "Float voltage against the string"),
    FeatureDef("voltage_deviation_slope", "mV/a", "Trend of float voltage against the string"),
    FeatureDef("voltage_spread", "mV", "Spread of float voltages in the string"),
    FeatureDef("season_sin", "1", "Season (sine of the day of the year)"),
    FeatureDef("season_cos", "1", "Season (cosine of the day of the year)"),
    FeatureDef("site_offset", "K", "How much warmer than its region the site is"),
    FeatureDef("history_days", "d", "Days of the last year with readings"),
    FeatureDef("nominal_life_days", "d", "Mean life in service at 25 °C of a jar of this model"),
)
NAMES: Final = tuple(feature.name for feature in FEATURES)


def features(days: Days, units: Units, day: int) -> Single:
    """Features of the jars on the morning of `day` (since 1970), shape (jars, len(FEATURES)).

    Looks back a year from before `day` and no further than the jar's installation; later days are not seen.
    """
    window = window_of(days, units, day)
    known = _climate(window) | _service(window, units, day) | _ohmic(window, units)
    known |= _voltages(window, units) | _surroundings(window, units, day)
    _with_age(known, 100 * units.parameters.ohmic_at_end_of_life)
    return np.stack([known[name] for name in NAMES], axis=1).astype(np.float32)


def shifted(known: Single, kelvin: Array | float, activation_energy: float) -> Single:
    """Features as they would be if it were `kelvin` warmer from now on, for good; shape as `known`.

    All of temperature moves together, the Arrhenius factor by Arrhenius' law with `activation_energy`
    [J/mol]; what a jar has lived through, such as its effective age, stays. Hours above 30 °C move as those
    of a normal distribution.
    """
    warmer = known.copy()
    for name in ("temperature_mean_30d", "temperature_mean_365d", "temperature_max"):
        warmer[:, NAMES.index(name)] += np.asarray(kelvin, np.float32)
    column = NAMES.index("arrhenius_factor")
    warmer[:, column] = _warmer_factor(known[:, column], kelvin, activation_energy)
    column = NAMES.index("time_above_30c_hours")
    hours = known[:, column] + _more_hot_hours(known, kelvin)
    warmer[:, column] = np.clip(hours, 0.0, _HOURS_PER_YEAR)
    return warmer


def hot_share(low: Single, mean: Single, high: Single) -> Single:
    """Share of a day hotter than 30 °C, of which least, mean and highest temperature are known.

    Temperatures are taken to be uniform below and above the mean, each with the weight that keeps the mean.
    """
    hot = np.float32(HOT)
    share: Single = np.where(np.isnan(mean), np.float32(np.nan), (low >= hot).astype(np.float32))
    partly = np.nonzero((low < hot) & (high > hot))
    a, b = low[partly], high[partly]
    m = np.clip(mean[partly], a + (b - a) / 1000, b - (b - a) / 1000)
    above = np.minimum(b - m, b - hot) * (m - a) / (b - m)
    below = np.maximum(m - hot, 0) * (b - m) / (m - a)
    share[partly] = np.clip((above + below) / (b - a), 0, 1)
    return share


def _climate(window: Window) -> dict[str, Array]:
    mean, low, high = window.temperature, window.temperature_min, window.temperature_max
    swing = high - low
    year = window.mean(mean)
    energy = window.parameters.activation_energy
    within = window.mean(np.square(swing)) / 12
    share = window.mean(hot_share(low, mean, high))
    return {
        "temperature_mean_30d": window.mean(mean, MONTH),
        "temperature_mean_365d": year,
        "temperature_max": window.highest(high),
        "temperature_deviation": np.sqrt(window.mean(np.square(mean - year.astype(np.float32))) + within),
        "time_above_30c_hours": share * _HOURS_PER_YEAR,
        "temperature_cycles_count": window.mean(np.where(np.isnan(swing), swing, swing > 5)) * DAYS_PER_YEAR,
        "arrhenius_factor": window.mean(_pace(mean, energy)),
        "history_days": window.count(mean),
    }


def _pace(temperature: Single, energy: Array) -> Single:
    """Arrhenius factor in single precision, which is five times as fast and right to six digits."""
    exponent = (energy / GAS_CONSTANT).astype(np.float32)
    inverse = np.float32(1 / (REFERENCE_TEMPERATURE + KELVIN)) - 1 / (temperature + np.float32(KELVIN))
    return np.asarray(np.exp(exponent * inverse), np.float32)


def _service(window: Window, units: Units, day: int) -> dict[str, Array]:
    counts, drawn = window.mean(window.discharges), window.mean(window.drawn)
    known = window.count(window.discharges)
    a_year = DAYS_PER_YEAR * known / np.maximum(known, QUARTER)  # a few days do not make a rate
    happened = np.where(window.discharges > 0, window.ago[:, None], np.inf)
    since = happened.min(axis=0, initial=np.inf)
    depth = drawn / np.where(counts > 0, counts, np.nan) / window.parameters.capacity
    return {
        "calendar_age_days": day - units.installed,
        "cycle_count": counts * a_year,
        "ah_throughput": drawn * a_year,
        "discharge_depth": depth,
        "days_since_discharge": np.where(np.isfinite(since), since, np.nan),
    }


def _ohmic(window: Window, units: Units) -> dict[str, Array]:
    """Resistance at 25 °C and its rise over the baseline [%]."""
    coefficient = window.parameters.ohmic_temperature.astype(np.float32)
    factor = 1 + coefficient * (window.temperature - np.float32(REFERENCE_TEMPERATURE))
    daily = window.resistance / np.clip(factor, 0.5, 1.5)
    level = window.mean(daily, MONTH)
    percent = DAYS_PER_YEAR * 100 / units.baseline
    rise = 100 * (level / units.baseline - 1)
    median = by_group(rise, units.string, 0.5)
    slopes = {last: window.slope(daily, last) * percent for last in (MONTH, QUARTER, YEAR)}
    return {
        "resistance_level": level,
        "resistance_rise": rise,
        "resistance_rise_vs_string": rise - median,
        "string_resistance_rise": median,
        "resistance_slope_30d": slopes[MONTH],
        "resistance_slope_90d": slopes[QUARTER],
        "resistance_slope_365d": slopes[YEAR],
    }


def _voltages(window: Window, units: Units) -> dict[str, Array]:
    """Float voltage as at 25 °C, and against the string, whose charger and whose room its jars share."""
    compensation = window.parameters.float_compensation.astype(np.float32)
    daily = window.voltage - compensation * (window.temperature - np.float32(REFERENCE_TEMPERATURE))
    level = window.mean(daily, MONTH)
    quarter, median, three = (by_group(level, units.string, share) for share in (0.25, 0.5, 0.75))
    ago, months = window.by_month(daily)
    apart = [(month - by_group(month, units.string, 0.5)) * 1000 for month in months]
    deviations = np.array(apart, np.float32).reshape(months.shape)
    return {
        "float_voltage": level,
        "voltage_deviation": 1000 * (level - median),
        "voltage_deviation_slope": slope(-ago, deviations, 6) * DAYS_PER_YEAR,
        "voltage_spread": 1000 * (three - quarter) / 1.349,  # of a normal distribution
    }


def _surroundings(window: Window, units: Units, day: int) -> dict[str, Array]:
    new_year = int(np.datetime64(day, "D").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64))
    angle = 2 * np.pi * (day - new_year) / DAYS_PER_YEAR
    everywhere = np.ones(len(units.installed))
    return {
        "season_sin": np.sin(angle) * everywhere,
        "season_cos": np.cos(angle) * everywhere,
        "site_offset": units.site_offset,
        "nominal_life_days": units.parameters.life,
    }


def _with_age(known: dict[str, Array], limit: Array) -> None:
    """What follows from age, pace and trend together; `limit` is the rise [%] at the end of life."""
    factor, trend = known["arrhenius_factor"], known["resistance_slope_365d"]
    known["effective_age_days"] = known["calendar_age_days"] * factor
    known["resistance_slope_at_25c"] = trend / factor
    rate = np.maximum(trend / factor / DAYS_PER_YEAR, _FLATTEST)
    known["resistance_days_to_limit"] = np.clip((limit - known["resistance_rise"]) / rate, 0.0, LONGEST)


def _warmer_factor(factor: Single, kelvin: Array | float, energy: float) -> Array:
    """The factor of a year that is warmer throughout, taken at the one temperature that gives the factor."""
    inverse = 1 / (REFERENCE_TEMPERATURE + KELVIN) - np.log(factor.astype(np.float64)) * GAS_CONSTANT / energy
    return arrhenius(1 / inverse - KELVIN + kelvin, np.asarray(energy))


def _more_hot_hours(known: Single, kelvin: Array | float) -> Array:
    mean = known[:, NAMES.index("temperature_mean_365d")].astype(np.float64)
    scale = np.maximum(known[:, NAMES.index("temperature_deviation")].astype(np.float64), _STEADIEST)
    before, after = (_normal_share((at - HOT) / scale) for at in (mean, mean + kelvin))
    return (after - before) * _HOURS_PER_YEAR


def _normal_share(z: Array) -> Array:
    """The normal distribution function, to 0.02 %; Page, Applied Statistics 26 (1977) 75."""
    return np.asarray(0.5 + 0.5 * np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))
