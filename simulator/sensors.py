"""The battery monitors: the plant's truth with bias, noise, resolution, gaps and faults, as Readings.

Errors are hashed from seed, asset and time: the same moment reads the same again. A dead sensor reads as
`BAD_SENSOR_FAILURE`; a gap or a lost line leaves its rows out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Index
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Kind, Origin
from simulator.calendar import SECOND
from simulator.chance import Floats, Stream, normal, uniform
from simulator.effects import JAR_QUANTITIES, Effects, Fault
from simulator.identity import keys_of, keys_of_jars
from simulator.parameters import SENSORS


@dataclass(frozen=True)
class Sensors:
    """Errors of every measured row: absolute and relative noise and bias, and the resolution.

    `rows` are the measured rows of the index; the other arrays are aligned with them. `jar` is the jar
    of a row, or -1.
    """

    seed: int
    rows: Index
    key: Index
    jar: Index
    jar_key: Index
    noise: Floats
    share_noise: Floats
    bias: Floats
    share_bias: Floats
    steps: Floats

    def read(self, truth: Floats, held: Floats, effects: Effects, time: int) -> Readings:
        """Readings at `time` [µs] of the true values of the measured rows; stuck ones stay at `held`."""
        size = np.abs(truth)
        chance = normal(self.seed, Stream.SENSOR_NOISE, self.key, time // 1000)
        value = truth + self.bias + self.share_bias * size + chance * (self.noise + self.share_noise * size)
        fault, bias = effects.fault[self.rows], effects.bias[self.rows]
        value = np.where(fault == Fault.BIASED, value + bias, value)
        value = np.round(value * self.steps) / self.steps
        value = np.where(fault == Fault.STUCK, held, value)
        dead = fault == Fault.DEAD
        value = np.where(dead, 0.0, value)
        status = np.where(dead, st.BAD_SENSOR_FAILURE, st.GOOD).astype(np.uint32)
        here = ~(effects.lost[self.rows] | self._gaps(time))
        return Readings(self.rows[here], value[here], status[here], np.full(int(here.sum()), time, np.int64))

    def _gaps(self, time: int) -> NDArray[np.bool_]:
        """Rows whose jar module is silent for a moment."""
        turn = int(time / SECOND / SENSORS.gap_length)
        silent = uniform(self.seed, Stream.SENSOR_GAP, self.jar_key, turn) < SENSORS.gap_share
        gaps: NDArray[np.bool_] = np.append(silent, False)[self.jar]
        return gaps


# Noise (absolute, relative) and bias (absolute, relative) by tag; states are exact.
_ERRORS: dict[tuple[AssetType, str], tuple[float, float, float, float]] = {
    (AssetType.JAR, "Voltage"): (SENSORS.voltage_noise, 0.0, SENSORS.voltage_bias, 0.0),
    (AssetType.JAR, "Temperature"): (SENSORS.temperature_noise, 0.0, SENSORS.temperature_bias, 0.0),
    (AssetType.JAR, "InternalResistance"): (
        0.0,
        SENSORS.resistance_noise,
        0.0,
        SENSORS.resistance_bias,
    ),
    (AssetType.STRING, "Current"): (SENSORS.current_noise, 0.0, 0.0, 0.0),
    (AssetType.SYSTEM, "BusVoltage"): (SENSORS.bus_noise, 0.0, 0.0, 0.0),
    (AssetType.SYSTEM, "Load"): (0.0, SENSORS.load_noise, 0.0, 0.0),
    (AssetType.SITE, "AmbientTemperature"): (SENSORS.temperature_noise, 0.0, SENSORS.temperature_bias, 0.0),
    (AssetType.SITE, "Humidity"): (SENSORS.humidity_noise, 0.0, 0.0, 0.0),
}


def sensors_of(index: TagIndex, seed: int) -> Sensors:
    """The sensors of every measured tag of a fleet."""
    fleet = index.fleet
    jar_key = keys_of_jars(fleet.jars)
    asset_keys = {
        AssetType.SITE: keys_of(fleet.sites),
        AssetType.SYSTEM: keys_of(fleet.systems),
        AssetType.STRING: keys_of(fleet.strings),
        AssetType.JAR: jar_key,
    }
    tags = [tag for tag in index.tags if tag.origin is Origin.MEASURED]
    counts = [fleet.count(tag.asset) for tag in tags]
    key = np.concatenate([asset_keys[tag.asset] * 64 + i for i, tag in enumerate(tags)])
    error = np.repeat([_ERRORS.get(tag.key, (0.0, 0.0, 0.0, 0.0)) for tag in tags], counts, axis=0)
    drawn = normal(seed, Stream.SENSOR_BIAS, key)
    jar = [
        np.arange(n) if tag.asset is AssetType.JAR and tag.name in JAR_QUANTITIES else np.full(n, -1)
        for tag, n in zip(tags, counts, strict=True)
    ]
    steps = [float(tag.scale) if tag.kind is Kind.ANALOG else 1.0 for tag in tags]
    return Sensors(
        seed=seed,
        rows=index.rows(tags),
        key=key,
        jar=np.concatenate(jar).astype(np.intp),
        jar_key=jar_key,
        noise=error[:, 0],
        share_noise=error[:, 1],
        bias=error[:, 2] * drawn,
        share_bias=error[:, 3] * drawn,
        steps=np.repeat(steps, counts),
    )
