"""The battery monitors: the plant's truth with bias, drift, noise, resolution, gaps and faults, as Readings.

Errors are hashed from seed, asset and time: the same moment reads the same again. What is beyond a tag's
range reads as its end. A dead sensor reads as `BAD_SENSOR_FAILURE`; a gap or a lost line leaves its rows out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Fleet, Index
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef
from simulator.calendar import SECOND
from simulator.chance import Floats, Ripple, Stream, Wander, normal, ripple_of, uniform
from simulator.effects import JAR_QUANTITIES, Effects, Fault
from simulator.identity import keys_of, keys_of_jars
from simulator.parameters import SENSORS


@dataclass(frozen=True)
class Errors:
    """Noise, bias and drift as standard deviations, in a tag's unit and as shares of the value."""

    noise: float = 0.0
    share_noise: float = 0.0
    bias: float = 0.0
    share_bias: float = 0.0
    drift: float = 0.0
    share_drift: float = 0.0


@dataclass(frozen=True)
class Sensors:
    """Errors of every measured row: absolute and relative noise, bias and drift; the steps a unit that it
    resolves, and the ends of its range.

    `rows` are the measured rows of the index; the other arrays are aligned with them. `jar` is the jar
    of a row, or -1.
    """

    seed: int
    tags: tuple[TagDef, ...]
    rows: Index
    jar: Index
    jar_key: Index
    ripple: Ripple
    noise: Floats
    share_noise: Floats
    bias: Floats
    share_bias: Floats
    wander: Wander
    drift: Floats
    share_drift: Floats
    steps: Floats
    low: Floats
    high: Floats
    _settled: dict[str, tuple[int, Floats, Floats]] = field(default_factory=dict)
    _silent: dict[int, NDArray[np.bool_]] = field(default_factory=dict)

    def read(self, truth: Floats, held: Floats, effects: Effects, time: int) -> Readings:
        """Readings at `time` [µs] of the true values of the measured rows; stuck ones stay at `held`."""
        offset, gain = self._systematic(time)
        chance = self.ripple.at(time // 1000)
        value = truth * (gain + chance * self.share_noise) + (offset + chance * self.noise)
        fault = effects.fault[self.rows]
        faulty = bool((fault >= 0).any())
        if faulty:
            value = np.where(fault == Fault.BIASED, value + effects.bias[self.rows], value)
        value = np.clip(np.rint(value * self.steps) / self.steps, self.low, self.high)
        status = np.full(value.size, st.GOOD, np.uint32)
        if faulty:
            dead = fault == Fault.DEAD
            value = np.where(dead, 0.0, np.where(fault == Fault.STUCK, held, value))
            status[dead] = st.BAD_SENSOR_FAILURE
        here = np.flatnonzero(~(effects.lost[self.rows] | self._gaps(time)))
        return Readings(self.rows[here], value[here], status[here], np.full(here.size, time, np.int64))

    def _systematic(self, time: int) -> tuple[Floats, Floats]:
        """Bias and drift of the hour: what is added, and what a value is multiplied by."""
        hour = time // _HOUR
        known = self._settled.get("hour")
        if known is None or known[0] != hour:
            wander = self.wander.at(hour * _HOUR)
            known = hour, self.bias + self.drift * wander, 1.0 + self.share_bias + self.share_drift * wander
            self._settled["hour"] = known
        return known[1], known[2]

    def _gaps(self, time: int) -> NDArray[np.bool_]:
        """Rows whose jar module is silent for a moment."""
        turn = int(time / SECOND / SENSORS.gap_length)
        if turn not in self._silent:
            silent = uniform(self.seed, Stream.SENSOR_GAP, self.jar_key, turn) < SENSORS.gap_share
            self._silent.clear()
            self._silent[turn] = np.append(silent, False)[self.jar]
        return self._silent[turn]


_HOUR = 3600 * SECOND
# What the monitors read; states and set-points exactly.
_ERRORS: dict[tuple[AssetType, str], Errors] = {
    (AssetType.JAR, "Voltage"): Errors(
        noise=SENSORS.voltage_noise, bias=SENSORS.voltage_bias, drift=SENSORS.voltage_drift
    ),
    (AssetType.JAR, "Temperature"): Errors(
        noise=SENSORS.temperature_noise, bias=SENSORS.temperature_bias, drift=SENSORS.temperature_drift
    ),
    (AssetType.JAR, "InternalResistance"): Errors(
        share_noise=SENSORS.resistance_noise,
        share_bias=SENSORS.resistance_bias,
        share_drift=SENSORS.resistance_drift,
    ),
    (AssetType.STRING, "Current"): Errors(noise=SENSORS.current_noise, drift=SENSORS.current_drift),
    (AssetType.SYSTEM, "BusVoltage"): Errors(noise=SENSORS.bus_noise),
    (AssetType.SYSTEM, "Load"): Errors(share_noise=SENSORS.load_noise),
    (AssetType.SITE, "AmbientTemperature"): Errors(
        noise=SENSORS.temperature_noise, bias=SENSORS.temperature_bias, drift=SENSORS.temperature_drift
    ),
    (AssetType.SITE, "Humidity"): Errors(noise=SENSORS.humidity_noise, drift=SENSORS.humidity_drift),
} | dict.fromkeys(
    (
        (AssetType.SYSTEM, "OperatingMode"),
        (AssetType.SYSTEM, "FloatVoltageSetpoint"),
        (AssetType.SYSTEM, "ChargeCurrentLimit"),
        (AssetType.SITE, "HvacState"),
        (AssetType.SITE, "MainsState"),
    ),
    Errors(),
)


def sensors_of(index: TagIndex, seed: int) -> Sensors:
    """The sensors of every tag of a fleet that its monitors read."""
    fleet = index.fleet
    tags = tuple(tag for tag in index.tags if tag.key in _ERRORS)
    counts = [fleet.count(tag.asset) for tag in tags]
    key = _keys(fleet, tags)
    drawn = normal(seed, Stream.SENSOR_BIAS, key)

    def spread(name: str) -> Floats:
        return np.repeat([getattr(_ERRORS[tag.key], name) for tag in tags], counts)

    return Sensors(
        seed=seed,
        tags=tags,
        rows=index.rows(tags),
        jar=_jars(fleet, tags),
        jar_key=keys_of_jars(fleet.jars),
        ripple=ripple_of(seed, Stream.SENSOR_NOISE, key),
        noise=spread("noise"),
        share_noise=spread("share_noise"),
        bias=spread("bias") * drawn,
        share_bias=spread("share_bias") * drawn,
        wander=Wander(seed, Stream.SENSOR_DRIFT, key, SENSORS.drift_time),
        drift=spread("drift"),
        share_drift=spread("share_drift"),
        steps=np.repeat([float(tag.scale) if tag.kind is Kind.ANALOG else 1.0 for tag in tags], counts),
        low=np.repeat([tag.low for tag in tags], counts),
        high=np.repeat([tag.high for tag in tags], counts),
    )


def _keys(fleet: Fleet, tags: tuple[TagDef, ...]) -> Index:
    """A key for each row of some tags: its asset's, and the tag's number."""
    of_assets = {
        AssetType.SITE: keys_of(fleet.sites),
        AssetType.SYSTEM: keys_of(fleet.systems),
        AssetType.STRING: keys_of(fleet.strings),
        AssetType.JAR: keys_of_jars(fleet.jars),
    }
    return np.concatenate([of_assets[tag.asset] * 64 + i for i, tag in enumerate(tags)])


def _jars(fleet: Fleet, tags: tuple[TagDef, ...]) -> Index:
    """The jar of each row of some tags, or -1."""
    jars = [
        np.arange(n) if tag.asset is AssetType.JAR and tag.name in JAR_QUANTITIES else np.full(n, -1)
        for tag, n in ((tag, fleet.count(tag.asset)) for tag in tags)
    ]
    return np.concatenate(jars).astype(np.intp)
