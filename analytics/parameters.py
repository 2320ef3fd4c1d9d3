"""What the twin knows of a jar before it has seen it: named tables by chemistry, scaled to each jar.

`CHEMISTRIES` holds the figures with their sources, a cell where a quantity adds up over cells; what the fleet
file says of a jar model under `twin` stands in their place (`chemistry_of`).
`Parameters.of(fleet)` lays them out as arrays, one entry a jar in the fleet's order; nothing else in
`analytics` holds a physical constant of a jar. Identification of the circuit: docs/analytics.md.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields, replace
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from config.fleetfile import JarModel
from nodeset.fleet import Fleet, Jar

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Single = NDArray[np.float32]

KELVIN: Final = 273.15
THERMAL_VOLTAGE: Final = 8.617333e-5  # V/K, R / F, CODATA 2018
GAS_CONSTANT: Final = 8.314463  # J/mol/K, CODATA 2018
REFERENCE_TEMPERATURE: Final = 25.0  # °C, IEC 60896-21
DAYS_PER_YEAR: Final = 365.25
SECONDS_PER_DAY: Final = 86_400.0
LIFE_GRID: Final[Single] = np.linspace(0.02, 1.30, 33, dtype=np.float32)  # shares of life spent
KNOTS: Final = 337  # of the tables over SOC: piecewise linear error < 0.1 mV a cell over 0..1
SOC_LOW: Final = -0.08  # the acid in the pores falls behind a discharge, and
SOC_HIGH: Final = 1.26  # runs ahead of a charge: the tables go beyond empty and full
SOC_KNOTS: Final[Array] = np.linspace(SOC_LOW, SOC_HIGH, KNOTS)
FULL_STEP: Final = 0.05  # of SOC, over which the slope of the open-circuit voltage of a full jar is taken
LEAST_ACID: Final = 0.01  # share of the acid below which Bode's relation means nothing


@dataclass(frozen=True, slots=True)
class Chemistry:
    """Figures of one kind of lead-acid cell.

    Acid: open-circuit voltage after Bode, Lead-Acid Batteries (1977), 92 ff., as used by Sulzer et al.,
    J. Electrochem. Soc. 166 (2019) A2363, doi:10.1149/2.0301910jes. Its rise with temperature: Berndt,
    Maintenance-Free Batteries (3rd ed. 2003). Circuit: identified, docs/analytics.md; that the exchange
    current falls with a power of the acid between 1 (lead) and 2 (lead dioxide) is Sulzer et al.'s.
    Overcharge: Schiffer et al., J. Power Sources 168 (2007) 66, doi:10.1016/j.jpowsour.2006.11.092.
    Cycles: Panasonic, data sheets of the LC-R series, 25 °C: about 200, 500 and 1,200 of 100, 50 and 30 %.
    """

    acid_full: float  # mol/l, acid of a full cell
    acid_empty: float  # share of `acid_full` left when the 10 h rate ends
    acid_bow: float  # how far the acid lies above the straight line between the two at half charge, times 4
    ocv_temperature: float  # V/K a cell, rise of the open-circuit voltage
    exchange: float  # 1/h, current against the capacity at which kinetics turn from linear to logarithmic
    exchange_order: float  # power of the acid's share with which that current falls
    charge_exchange: float  # 1/h, the same for charging
    fast_time: float  # s, of the kinetics
    diffusion: float  # h, charge by which the acid in a full jar's pores falls behind, against the current
    slow_time: float  # s in which it does
    diffusion_order: float  # power of the acid's share with which diffusion slows down
    acceptance: float  # further resistance to charge against the ohmic one, at SOC 0
    acceptance_soc: float  # distance to full charge at which acceptance ends
    gassing_current: float  # A for 1 Ah at `gassing_voltage` and `gassing_temperature`
    gassing_voltage: float  # V a cell
    gassing_temperature: float  # °C
    gassing_slope: float  # 1/V a cell: Tafel
    gassing_heat: float  # 1/K
    charge_limit: float  # V a cell that no charger exceeds
    activation_energy: float  # J/mol
    ohmic_temperature: float  # 1/K, change of the ohmic resistance as monitors read it
    load_temperature: float  # 1/K, change of the resistance under load: half lead (+0.4 %/K), half acid
    end_of_life: float  # capacity against rated
    ohmic_at_end_of_life: float  # rise of resistance over the baseline that goes with the end of life
    fade_exponent: float  # capacity lost grows with this power of the life consumed
    service_life: float  # mean life in service at 25 °C, against the design life
    life_spread: float  # standard deviation of life, against its mean
    cycles: float  # full discharges that take a life
    cycle_exponent: float  # power of its depth with which a shallower discharge takes less
    peukert: float  # exponent above the 10 h rate
    capacity_temperature: float  # 1/K, change of the capacity


_AGM: Final = Chemistry(
    acid_full=5.65,
    acid_empty=0.0985,
    acid_bow=0.129,
    ocv_temperature=0.0002,
    exchange=0.64,
    exchange_order=1.49,
    charge_exchange=0.15,
    fast_time=0.8,
    diffusion=0.07,
    slow_time=255.0,
    diffusion_order=0.27,
    acceptance=3.5,
    acceptance_soc=0.02,
    gassing_current=20e-5,
    gassing_voltage=2.23,
    gassing_temperature=20.0,
    gassing_slope=11.0,
    gassing_heat=0.06,
    charge_limit=2.40,
    activation_energy=50_000.0,
    ohmic_temperature=-0.006,
    load_temperature=-0.004,
    end_of_life=0.80,
    ohmic_at_end_of_life=0.50,
    fade_exponent=5.0,
    service_life=0.85,
    life_spread=0.17,
    cycles=200.0,
    cycle_exponent=1.45,
    peukert=1.25,
    capacity_temperature=0.006,
)

CHEMISTRIES: Final[dict[str, Chemistry]] = {"VRLA-AGM": _AGM, "VRLA-GEL": _AGM}


@dataclass(frozen=True)
class Parameters:
    """Figures a jar, each an array of shape (jars,); voltages and resistances of the whole jar."""

    cells: Array
    capacity: Array  # Ah, 10 h rate
    baseline: Array  # mΩ at 25 °C
    cutoff: Array  # V
    float_voltage: Array  # V at 25 °C
    float_compensation: Array  # V/K
    life: Array  # d, mean in service at 25 °C
    installed: Array  # d since 1970
    fresh: Array  # capacity of a new jar against the rated one
    ohmic: Array  # resistance under load against the monitor's reading
    chemistry: NDArray[np.intp]  # first row in the tables `ocv`, `sluggishness` and `tightness`
    full: Array  # V, open circuit at SOC 1
    lag: Array  # V that the slow pair holds when the acid in the pores is one SOC behind
    ocv: Array  # V a cell, shape (chemistries * KNOTS,)
    sluggishness: Array  # h, one over the exchange current, shape (chemistries * KNOTS,)
    tightness: Array  # how much slower diffusion is than in a full jar, shape (chemistries * KNOTS,)
    ocv_temperature: Array
    charge_exchange: Array
    fast_time: Array
    diffusion: Array
    slow_time: Array
    acceptance: Array
    acceptance_soc: Array
    gassing_current: Array
    gassing_voltage: Array
    gassing_temperature: Array
    gassing_slope: Array
    gassing_heat: Array
    charge_limit: Array
    activation_energy: Array
    ohmic_temperature: Array
    load_temperature: Array
    end_of_life: Array
    ohmic_at_end_of_life: Array
    fade_loss: Single  # capacity lost, against rated, at `LIFE_GRID`; shape (len(LIFE_GRID), jars)
    life_spread: Array
    cycles: Array
    cycle_exponent: Array
    peukert: Array
    capacity_temperature: Array
    string_of_jar: NDArray[np.intp]
    system_of_jar: NDArray[np.intp]
    systems: int
    zone: ZoneInfo  # of the fleet: its quarters are those of this clock

    @property
    def jars(self) -> int:
        """How many jars there are."""
        return len(self.cells)

    @classmethod
    def of(cls, fleet: Fleet) -> Parameters:
        """The parameters of every jar of a fleet."""
        kinds, rows = _kinds(fleet.jars)
        nameplate = _nameplate(fleet.jars)
        ocv = np.array([open_circuit_table(chemistry) for chemistry in kinds])
        full = np.array([np.interp(1.0, SOC_KNOTS, row) for row in ocv])
        below = np.array([np.interp(1.0 - FULL_STEP, SOC_KNOTS, row) for row in ocv])
        return cls(
            **nameplate,
            **_scaled(kinds, rows),
            chemistry=rows * KNOTS,
            full=full[rows] * nameplate["cells"],
            lag=(full - below)[rows] / FULL_STEP * nameplate["cells"],
            ocv=ocv.ravel(),
            fade_loss=np.array([fade_table(c) for c in kinds])[rows].T.copy(),
            sluggishness=np.concatenate([sluggishness_table(c) for c in kinds]),
            tightness=np.concatenate([tightness_table(c) for c in kinds]),
            string_of_jar=fleet.string_of_jar,
            system_of_jar=fleet.system_of_jar,
            systems=len(fleet.systems),
            zone=fleet.zone,
        )

    def pick(self, jar: int) -> Parameters:
        """The parameters of one jar, as arrays of one entry."""
        shared = {"ocv", "sluggishness", "tightness", "systems", "zone"}
        picked = {
            f.name: getattr(self, f.name) if f.name in shared else getattr(self, f.name)[..., jar : jar + 1]
            for f in fields(self)
        }
        return Parameters(**picked)


def open_circuit_voltage(acid: Array) -> Array:
    """Open-circuit voltage [V] of a cell with acid of the concentration `acid` [mol/l], after Bode (1977)."""
    # Partial molar volumes of water and acid [l/mol] and the mass of water [kg/mol]: Sulzer et al. (2019).
    molality = acid * 0.0175 / ((1 - acid * 0.045) * 0.01802)
    m = np.log10(molality)
    return np.asarray(1.922 + 0.148 * m + 0.063 * m**2 + 0.074 * m**3 + 0.034 * m**4)


def open_circuit_table(chemistry: Chemistry) -> Array:
    """Open-circuit voltage [V] of a cell at `SOC_KNOTS`, shape (KNOTS,)."""
    return open_circuit_voltage(chemistry.acid_full * acid_share(chemistry))


def sluggishness_table(chemistry: Chemistry) -> Array:
    """One over the exchange current, against the capacity [h], at `SOC_KNOTS`, shape (KNOTS,)."""
    return np.asarray(1 / (chemistry.exchange * acid_share(chemistry) ** chemistry.exchange_order))


def tightness_table(chemistry: Chemistry) -> Array:
    """How much slower acid diffuses into the pores than in a full cell, at `SOC_KNOTS`, shape (KNOTS,)."""
    return np.asarray(acid_share(chemistry) ** -chemistry.diffusion_order)


def fade_table(chemistry: Chemistry) -> Single:
    """Capacity lost, against rated, when the shares `LIFE_GRID` of life are spent."""
    lost: Single = np.float32(1 - chemistry.end_of_life) * LIFE_GRID ** np.float32(chemistry.fade_exponent)
    return lost


def acid_share(chemistry: Chemistry) -> Array:
    """Acid against that of a full cell at `SOC_KNOTS`, shape (KNOTS,)."""
    soc = SOC_KNOTS
    straight = chemistry.acid_empty + (1 - chemistry.acid_empty) * soc
    return np.asarray(np.maximum(straight + chemistry.acid_bow * soc * (1 - soc), LEAST_ACID))


def chemistry_of(model: JarModel) -> Chemistry:
    """The figures of a jar model: those of its chemistry, but for what the fleet file says otherwise."""
    own = model.twin.model_dump(exclude_none=True, exclude={"capacity", "resistance"})
    return replace(CHEMISTRIES[model.chemistry], **own)


def _kinds(jars: tuple[Jar, ...]) -> tuple[list[Chemistry], NDArray[np.intp]]:
    """The different sets of figures in a fleet, and which of them is each jar's."""
    of_model = {jar.model_name: chemistry_of(jar.model) for jar in jars}
    kinds = list(dict.fromkeys(of_model.values()))
    row = {name: kinds.index(chemistry) for name, chemistry in of_model.items()}
    return kinds, np.array([row[jar.model_name] for jar in jars], np.intp)


def _nameplate(jars: tuple[Jar, ...]) -> dict[str, Array]:
    epoch = dt.date(1970, 1, 1)
    rows = [
        (
            jar.model.cells,
            jar.model.capacity,
            jar.baseline_resistance,
            jar.model.cutoff_voltage,
            jar.model.float_voltage,
            jar.model.float_compensation * jar.model.cells / 1000,
            jar.model.design_life * DAYS_PER_YEAR * CHEMISTRIES[jar.model.chemistry].service_life,
            (jar.installed - epoch).days,
            (jar.model.twin.capacity or jar.model.capacity) / jar.model.capacity,
            (jar.model.twin.resistance or jar.model.baseline_resistance) / jar.model.baseline_resistance,
        )
        for jar in jars
    ]
    names = [f.name for f in fields(Parameters)[: len(rows[0])]]
    return dict(zip(names, np.array(rows, np.float64).T.copy(), strict=True))


def _scaled(kinds: list[Chemistry], rows: NDArray[np.intp]) -> dict[str, Array]:
    """The chemistry's figures that hold for a jar as they are, one array a figure."""
    own = {f.name for f in fields(Parameters)}
    return {
        f.name: np.array([getattr(chemistry, f.name) for chemistry in kinds])[rows]
        for f in fields(Chemistry)
        if f.name in own
    }
