"""Every physical figure of the plant in named tables, each with its unit and its source; no formula here.

Electrical figures are relative to a jar's rated capacity, number of cells and baseline resistance, so
that they fit any model of the fleet file. The reference jar is a 12 V, 120 Ah VRLA-AGM block. Figures
without a source are assumed; docs/simulator.md says which, and how the model compares with what is published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFERENCE_TEMPERATURE: Final = 25.0  # °C, at which nameplate figures hold (IEC 60896-21)
KELVIN: Final = 273.15
GAS_CONSTANT: Final = 8.314_462  # J/(mol K)


@dataclass(frozen=True)
class Electrical:
    """Electro-chemistry of a lead-acid cell; resistances as multiples of the ohmic resistance.

    Open-circuit voltage, reserve, resistances and depletion are fitted together to a 10 h discharge and a
    pulse test of the reference jar and to the capacities of AGM blocks at the 3 h, 1 h and 15 min rates
    (docs/simulator.md). Their temperature coefficients give the factors of IEC 60896-21: 0.6 %/K at 3 h and
    longer, 1 %/K at shorter rates. Tafel slope and float current: Berndt, Maintenance-Free Batteries (3rd
    ed., 2003), ch. 1.4 and 4; the float current at the open-circuit voltage is the self-discharge, 3 to
    4 % a month.
    """

    ocv: tuple[float, float, float] = (
        1.8625,
        0.4025,
        -0.1013,
    )  # V a cell: c0 + c1 s + c2 s², s by the plates
    reserve: float = 1.125  # charge in the plates against the capacity at the 10 h rate to cut-off
    reserve_temperature: float = 0.0045  # 1/K
    ohmic_temperature: float = -0.006  # 1/K
    ohmic_least: float = 0.3  # of the ohmic resistance, however hot
    transfer: float = 1.9125  # charge transfer at small currents
    transfer_knee: float = 0.4654  # A per Ah, where charge transfer bends as asinh (Butler-Volmer)
    concentration: tuple[float, float] = (-2.0, 1.29)  # a + b / s
    depletion: float = 0.4793  # h: acid in the pores falls behind by this times the current [A per Ah]
    depletion_time: float = 3261.0  # s
    depletion_energy: float = 12_000.0  # J/mol, diffusion of the acid
    emptiest: float = 0.02  # state of the plates' surface below which it gets no worse
    layering: float = 0.006  # V a cell, fully stratified acid reads too high
    layering_loss: float = 0.03  # of the charge that fully stratified acid withholds
    layering_gain: float = 0.5  # of full stratification by a full discharge or recharge
    layering_time: float = 10 * 86_400.0  # s, by diffusion in the mat
    acceptance: tuple[float, float] = (9.0, 3.5)  # on charge: a + b / (1 - SOC)
    tafel_slope: float = 0.120  # V a decade a cell
    float_current: float = 0.0004  # A per Ah at the float voltage and 25 °C, new
    float_doubling: float = 10.0  # K for twice the float current
    float_scatter: float = 0.004  # V a cell, standard deviation between jars
    charge_limit: float = 0.10  # A per Ah, limit of the rectifier for each string
    recharge_above: float = 0.01  # A per Ah, charge current above which a system recharges
    open_resistance: float = 1e4  # Ω of a jar with an open cell


@dataclass(frozen=True)
class Thermal:
    """Temperatures of jars and rooms.

    Heat capacity: 36 kg at 0.9 kJ/(kg K), for 120 Ah of 12 V. A jar's case follows its room within the 15 min
    of S3; the heat of its plates leaves it slowly, 2.6 W/K for the reference jar (a block of 0.45 m² at
    some 6 W/(m² K), free convection and radiation in a rack).
    """

    jar_lag: float = 900.0  # s, a jar's case behind its room (S3)
    heat_capacity: float = 45.0  # J/K per Ah and cell
    core_lag: float = 12_600.0  # s, in which the heat of the plates leaves
    boiling: float = 110.0  # °C, at which the acid boils and no jar gets hotter
    jar_scatter: float = 0.5  # K, standard deviation of a jar's place in the rack
    jar_rise: float = 0.8  # K, a rack above its room
    set_point: float = 24.0  # °C
    set_point_scatter: float = 0.5  # K between sites
    droop: float = 0.12  # K of room per K of weather beyond the set-point, with HVAC on
    swing: float = 0.1  # K, thermostat
    swing_period: float = 1500.0  # s
    lag_on: float = 1200.0  # s, room with HVAC
    lag_off: float = 10_800.0  # s, room without
    gain_off: float = 6.0  # K above the weather that an unventilated room reaches
    humidity_on: float = 50.0  # %, held by HVAC
    humidity_slope: float = 0.15  # % of room per % of weather beyond 70 %
    humidity_off: float = 0.8  # of the weather's, in a room without HVAC
    runaway_share: float = 0.5  # of a runaway's full heat that its cause gives at 25 °C
    runaway_band: float = 2.0  # K below its peak in which a runaway's heat fades
    runaway_leak: float = 0.25  # A per Ah, most that an internal short carries


@dataclass(frozen=True)
class Ageing:
    """Life on float. Arrhenius: 50 kJ/mol halves life per 10 °C (IEEE 1188, annex; EUROBAT guide).

    Weibull spread and early failures: field returns of telecom VRLA (Feder, INTELEC 2001) show a life
    about two thirds to nine tenths of the design life, and a few per cent of early failures. Cycling: data
    sheets of AGM blocks give some 250 discharges of 100 %, 500 of 50 % and 1,200 of 30 %, so an ampere-hour
    counts by how empty the jar is when it is drawn (Schiffer et al., J. Power Sources 168, 2007).
    """

    activation_energy: float = 50_000.0  # J/mol
    shape: float = 8.0
    scale: float = 0.92  # of the design life
    early_share: float = 0.02
    early_life: tuple[float, float] = (0.35, 0.75)  # of the design life
    shortest: float = 0.2  # of the design life
    longest: float = 1.2  # lives; no capacity is left to lose that matters
    full_cycles: float = 250.0  # discharges of the rated capacity that use up a life
    depth_weight: tuple[float, float] = (0.5, 1.0)  # a + b (1 - SOC)
    sulphation: float = 2.0  # lives a year at 25 °C for a jar that stands empty
    end_of_life_loss: float = 0.20  # of the capacity (IEEE 1188: replace at 80 %)
    loss_exponent: float = 2.5
    initial_scatter: float = 0.01  # of the capacity when new
    end_of_life_resistance: float = 0.50  # rise of the ohmic value (IEEE 1188, annex C: act)
    resistance_exponent: float = 4.0
    resistance_scatter: float = 0.20  # standard deviation of the logarithm of that rise, between jars
    end_of_life_float: float = 0.10  # decades more float current (dry-out)


@dataclass(frozen=True)
class Failures:
    """Sudden failures, and how long jars and air conditioning wait for whoever mends them (assumed).

    A jar fails by an open cell (strap or post corrodes through) less often than by a shorted one.
    """

    sudden: float = 0.0015  # a jar and year
    open_share: float = 0.3
    sudden_delay: tuple[float, float] = (3.0, 21.0)  # d, until a failed jar is replaced
    worn_delay: tuple[float, float] = (60.0, 420.0)  # d, until a worn jar is, at planned maintenance
    hvac: float = 0.6  # a room and year
    hvac_season: tuple[float, float, float] = (1.6, 1.0, 0.6)  # hot, rainy, cool, against each other
    hvac_median: float = 4 * 3600.0  # s to repair
    hvac_spread: float = 0.7  # standard deviation of the logarithm
    hvac_shortest: float = 1800.0  # s
    hvac_longest: float = 24 * 3600.0  # s


@dataclass(frozen=True)
class Load:
    """What a UPS or rectifier carries, as a share of its rated power; a flat profile, as data centres have.

    `workday` and `weekend` are shares to add, by hour of the day (assumed).
    """

    low: float = 0.35
    high: float = 0.60
    workday: tuple[float, ...] = (
        *(-0.050, -0.055, -0.060, -0.060, -0.058, -0.050, -0.038, -0.020),
        *(0.010, 0.035, 0.050, 0.055, 0.052, 0.058, 0.065, 0.062),
        *(0.055, 0.042, 0.025, 0.010, 0.000, -0.012, -0.025, -0.040),
    )
    weekend: tuple[float, ...] = (
        *(-0.058, -0.062, -0.066, -0.068, -0.066, -0.062, -0.056, -0.048),
        *(-0.040, -0.032, -0.026, -0.022, -0.020, -0.018, -0.016, -0.016),
        *(-0.018, -0.020, -0.022, -0.024, -0.028, -0.034, -0.042, -0.050),
    )
    wander: float = 0.03  # slow random part
    wander_time: float = 7200.0  # s
    least: float = 0.05
    most: float = 1.0
    efficiency: float = 0.95  # battery to load


@dataclass(frozen=True)
class Sensors:
    """Measurement errors as standard deviations, and resolutions, of a typical battery monitor.

    Drift wanders slowly, by its figure within about `drift_time`.
    """

    voltage_noise: float = 0.002  # V
    voltage_bias: float = 0.003
    voltage_drift: float = 0.002
    temperature_noise: float = 0.05  # °C
    temperature_bias: float = 0.2
    temperature_drift: float = 0.15
    resistance_noise: float = 0.005  # of the value
    resistance_bias: float = 0.01
    resistance_drift: float = 0.005
    current_noise: float = 0.02  # A
    current_drift: float = 0.02
    bus_noise: float = 0.02  # V
    load_noise: float = 0.003  # of the value
    humidity_noise: float = 0.3  # %
    humidity_drift: float = 1.0
    drift_time: float = 180 * 86_400.0  # s
    gap_share: float = 0.0002  # of jars at any time
    gap_length: float = 20.0  # s


ELECTRICAL: Final = Electrical()
THERMAL: Final = Thermal()
AGEING: Final = Ageing()
FAILURES: Final = Failures()
LOAD: Final = Load()
SENSORS: Final = Sensors()


@dataclass(frozen=True)
class RegionClimate:
    """Weather and mains of a region; seasonal figures stand for hot, rainy and cool season."""

    temperature: tuple[float, float, float]  # °C, mean
    amplitude: tuple[float, float, float]  # K, half of the daily range
    humidity: tuple[float, float, float]  # %, mean
    outages: float  # a year


# Normals 1991-2020 of the Thai Meteorological Department, rounded; outages within S1's 2 to 8 a year, ordered
# as the SAIFI that the Metropolitan and the Provincial Electricity Authority publish.
CLIMATE: Final[dict[str, RegionClimate]] = {
    "Northern": RegionClimate((28.5, 27.5, 23.0), (6.5, 4.0, 6.5), (62, 80, 73), 5.0),
    "North-Eastern": RegionClimate((29.0, 28.0, 24.0), (5.5, 4.0, 6.0), (66, 80, 69), 6.0),
    "Bangkok": RegionClimate((30.5, 29.0, 27.0), (4.5, 3.8, 4.5), (69, 79, 71), 2.5),
    "Eastern": RegionClimate((29.5, 28.7, 26.8), (4.0, 3.2, 4.2), (74, 81, 71), 4.0),
    "Southern": RegionClimate((29.0, 28.2, 27.2), (4.2, 3.7, 3.5), (77, 80, 81), 7.0),
}


@dataclass(frozen=True)
class Weather:
    """How the weather of days and hours departs from the normals (assumed)."""

    hottest_hour: float = 14.5
    days: float = 1.4  # K, weather of a few days
    days_time: float = 3 * 86_400.0  # s
    hours: float = 0.5  # K, clouds and showers
    hours_time: float = 10_800.0  # s
    drying: float = 2.0  # % of humidity per K


WEATHER: Final = Weather()
SEASON_CENTRES: Final = (105.0, 227.0, 365.25)  # day of the year: mid-April, mid-August, new year
OUTAGE_SEASON: Final = (1.0, 1.5, 0.4)  # against each other: the monsoon breaks lines
OUTAGE_MEDIAN: Final = 480.0  # s
OUTAGE_SPREAD: Final = 1.0  # standard deviation of the logarithm
OUTAGE_SHORTEST: Final = 5.0  # s
OUTAGE_LONGEST: Final = 4 * 3600.0  # s
