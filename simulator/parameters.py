"""Every physical figure of the plant in named tables, each with its unit and its source; no formula here.

Electrical figures are relative to a jar's rated capacity, number of cells and baseline resistance, so
that they fit any model of the fleet file. The reference jar is a 12 V, 120 Ah VRLA-AGM block.
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

    Open-circuit voltage and resistances are fitted to a 10 h discharge and to a pulse test at 25 °C of
    the reference jar; Tafel slope and float current are of Berndt, Maintenance-Free Batteries (3rd ed.,
    2003), ch. 1.4 and 4.
    """

    ocv: tuple[float, float, float] = (1.8517, 0.3698, -0.0565)  # V a cell: c0 + c1 SOC + c2 SOC²
    reserve: float = 1.11  # charge in the plates against the capacity at the 10 h rate to cut-off
    ohmic_temperature: float = -0.006  # 1/K
    transfer: float = 1.3  # charge transfer at small currents
    transfer_knee: float = 0.5  # A per Ah, where charge transfer bends as asinh (Butler-Volmer)
    diffusion: tuple[float, float] = (-0.6, 1.9)  # a + b / SOC
    diffusion_floor: float = 0.05  # SOC below which diffusion grows no more
    diffusion_time: float = 900.0  # s
    acceptance: tuple[float, float] = (9.0, 3.5)  # on charge: a + b / (1 - SOC)
    tafel_slope: float = 0.120  # V a decade a cell
    float_current: float = 0.0005  # A per Ah at the float voltage and 25 °C, new
    float_doubling: float = 10.0  # K for twice the float current
    float_scatter: float = 0.004  # V a cell, standard deviation between jars
    charge_limit: float = 0.10  # A per Ah, limit of the rectifier for each string
    recharge_above: float = 0.01  # A per Ah, charge current above which a system recharges


@dataclass(frozen=True)
class Thermal:
    """Temperatures of jars and rooms. Heat capacity: 36 kg at 0.9 kJ/(kg K), for 120 Ah of 12 V."""

    jar_lag: float = 900.0  # s, jar behind its room (S3)
    heat_capacity: float = 45.0  # J/K per Ah and cell
    jar_scatter: float = 0.5  # K, standard deviation of a jar's place in the rack
    jar_rise: float = 0.8  # K, a rack above its room
    set_point: float = 24.0  # °C
    set_point_scatter: float = 0.5  # K between sites
    droop: float = 0.12  # K of room per K of weather beyond the set-point, with HVAC on
    swing: float = 0.3  # K, thermostat
    swing_period: float = 1500.0  # s
    lag_on: float = 1200.0  # s, room with HVAC
    lag_off: float = 10_800.0  # s, room without
    gain_off: float = 6.0  # K above the weather that an unventilated room reaches
    humidity_on: float = 50.0  # %, held by HVAC


@dataclass(frozen=True)
class Ageing:
    """Life on float. Arrhenius: 50 kJ/mol halves life per 10 °C (IEEE 1188, annex; EUROBAT guide).

    Weibull spread and early failures: field returns of telecom VRLA (Feder, INTELEC 2001) show a life
    about two thirds to nine tenths of the design life, and a few per cent of early failures.
    """

    activation_energy: float = 50_000.0  # J/mol
    shape: float = 8.0
    scale: float = 0.92  # of the design life
    early_share: float = 0.01
    early_life: tuple[float, float] = (0.35, 0.75)  # of the design life
    longest: float = 1.2  # lives; a jar worn further has been replaced long ago
    end_of_life_loss: float = 0.20  # of the capacity (IEEE 1188: replace at 80 %)
    loss_exponent: float = 2.5
    initial_scatter: float = 0.01  # of the capacity when new
    end_of_life_resistance: float = 0.50  # rise of the ohmic value (IEEE 1188, annex C: act)
    resistance_exponent: float = 4.0
    end_of_life_float: float = 0.10  # decades more float current (dry-out)


@dataclass(frozen=True)
class Load:
    """What a UPS or rectifier carries, as a share of its rated power."""

    low: float = 0.35
    high: float = 0.60
    daily: float = 0.06  # amplitude, most at 14:30
    weather: float = 0.03  # slow random part
    efficiency: float = 0.95  # battery to load


@dataclass(frozen=True)
class Sensors:
    """Measurement errors as standard deviations, and resolutions, of a typical battery monitor."""

    voltage_noise: float = 0.002  # V
    voltage_bias: float = 0.003
    temperature_noise: float = 0.05  # °C
    temperature_bias: float = 0.2
    resistance_noise: float = 0.005  # of the value
    resistance_bias: float = 0.01
    current_noise: float = 0.02  # A
    bus_noise: float = 0.02  # V
    load_noise: float = 0.003  # of the value
    humidity_noise: float = 0.3  # %
    gap_share: float = 0.0002  # of jars at any time
    gap_length: float = 20.0  # s


ELECTRICAL: Final = Electrical()
THERMAL: Final = Thermal()
AGEING: Final = Ageing()
LOAD: Final = Load()
SENSORS: Final = Sensors()


@dataclass(frozen=True)
class RegionClimate:
    """Weather and mains of a region; seasonal figures stand for hot, rainy and cool season."""

    temperature: tuple[float, float, float]  # °C, mean
    amplitude: tuple[float, float, float]  # K, half of the daily range
    humidity: tuple[float, float, float]  # %, mean
    outages: float  # a year


# Normals 1991-2020 of the Thai Meteorological Department, rounded; outages after the SAIFI that the
# Metropolitan and the Provincial Electricity Authority publish, felt at a site's incomer.
CLIMATE: Final[dict[str, RegionClimate]] = {
    "Northern": RegionClimate((28.5, 27.5, 23.0), (6.5, 4.0, 6.5), (62, 80, 73), 5.0),
    "North-Eastern": RegionClimate((29.0, 28.0, 24.0), (5.5, 4.0, 6.0), (66, 80, 69), 6.0),
    "Bangkok": RegionClimate((30.5, 29.0, 27.0), (4.5, 3.8, 4.5), (69, 79, 71), 2.5),
    "Eastern": RegionClimate((29.5, 28.7, 26.8), (4.0, 3.2, 4.2), (74, 81, 71), 4.0),
    "Southern": RegionClimate((29.0, 28.2, 27.2), (4.2, 3.7, 3.5), (77, 80, 81), 7.0),
}

SEASON_CENTRES: Final = (105.0, 227.0, 365.25)  # day of the year: mid-April, mid-August, new year
OUTAGE_SEASON: Final = (1.0, 1.5, 0.4)  # against the yearly mean: the monsoon breaks lines
OUTAGE_MEDIAN: Final = 480.0  # s
OUTAGE_SPREAD: Final = 1.0  # standard deviation of the logarithm
OUTAGE_LONGEST: Final = 4 * 3600.0  # s
