"""Jars for the tests of the analytics: small fleets, scans, and recordings replayed through the twin."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from analytics import estimate, twin
from analytics.parameters import Array, Parameters
from config.fleetfile import FleetFile, JarModel
from nodeset.fleet import Fleet, build_fleet

DATA = Path(__file__).parents[4] / "shared" / "data"
HX = JarModel(
    manufacturer="Make",
    nominal_voltage=12,
    cells=6,
    capacity=120,
    cutoff_voltage=10.5,
    float_voltage=13.65,
    baseline_resistance=3.4,
)
NOW = 1_800_000_000_000_000  # µs since 1970, January 2027
FLOAT = {"voltage": 13.65, "temperature": 25.0, "resistance": 3.4, "current": -0.06}


def fleet_of(jars: int, model: JarModel = HX, strings: int = 1) -> Fleet:
    """One system with `strings` strings of `jars` jars each, installed in 2022."""
    parts = {
        f"S{i + 1:02d}": {"model": "M", "jars": jars, "installed": "2022-01-01", "first_serial": f"A{i}001"}
        for i in range(strings)
    }
    system = {"kind": "UPS", "rated_power": 100, "strings": parts}
    site = {"region": "Bangkok", "latitude": 13.7, "longitude": 100.5, "systems": {"UPS-1": system}}
    file = {"name": "Test", "models": {"M": model.model_dump()}, "sites": {"A": site}}
    return build_fleet(FleetFile.model_validate(file))


def parameters_of(jars: int, model: JarModel = HX) -> Parameters:
    """The parameters of one string."""
    return Parameters.of(fleet_of(jars, model))


def scan(jars: int, **readings: float | Array) -> estimate.JarReadings:
    """One scan of jars on float, but for the readings given; all usable."""
    values = {name: np.broadcast_to(value, jars).astype(float) for name, value in (FLOAT | readings).items()}
    usable = {f"{name}_usable": np.ones(jars, np.bool_) for name in FLOAT}
    return estimate.JarReadings(**values, **usable)


def run(
    state: estimate.State, parameters: Parameters, readings: estimate.JarReadings, scans: int, dt: float
) -> tuple[estimate.State, estimate.Estimates]:
    """The same scan many times over."""
    for i in range(scans):
        state, estimates = estimate.step(state, parameters, readings, NOW + round(i * dt * 1e6), dt)
    return state, estimates


def settled(
    parameters: Parameters, age: float = 1000.0, **readings: float | Array
) -> tuple[estimate.State, estimate.Estimates]:
    """Jars of an age [d] that have been on float for some scans."""
    state = estimate.first_state(parameters, np.full(parameters.jars, age))
    return run(state, parameters, scan(parameters.jars, **readings), 20, 5.0)


@dataclass(frozen=True)
class Recording:
    """Columns of a recorded file."""

    columns: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]


def recording(name: str) -> Recording:
    """A file of the shared data; the test is skipped where that is not there."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return Recording({key: np.array([float(row[key]) for row in rows]) for key in rows[0]})


def replay(
    record: Recording, parameters: Parameters, *, suffix: str = "", correct: bool = False, soc: float = 1.0
) -> tuple[Array, Array]:
    """Voltage [V] the twin predicts before each reading, and its SOC after it; open loop unless `correct`."""
    circuit = replace(twin.rest(1), soc=np.array([soc]))
    times, predicted, socs = record["time_s"], [], []
    for i in range(len(times)):
        inputs = twin.Inputs(
            voltage=record[f"voltage{suffix}_V"][i : i + 1],
            current=record[f"current{suffix}_A"][i : i + 1],
            temperature=record[f"temperature{suffix}_C"][i : i + 1],
            resistance=parameters.baseline,
            capacity=parameters.capacity,
            usable=np.array([correct]),
        )
        dt = float(times[i] - times[i - 1]) if i else 0.0
        circuit, prediction = twin.advance(circuit, parameters, inputs, dt)
        predicted.append(prediction.voltage[0])
        socs.append(circuit.soc[0])
    return np.array(predicted), np.array(socs)


def rms(error: Array) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(error))))
