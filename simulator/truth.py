"""What monitors without error would read of a plant: the true values of the measured tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nodeset.fleet import AssetType, Fleet
from nodeset.tags import Hvac, Mains, Mode, TagDef
from simulator import jars as cells
from simulator.ageing import Wear
from simulator.chance import Floats
from simulator.effects import Effects, Flags
from simulator.parameters import ELECTRICAL
from simulator.state import State


@dataclass(frozen=True)
class Scene:
    """What a plant's monitors look at: its state and wear, what disturbs it, where there is mains, by site
    and by system, which systems have dropped their load, what they carry [W], and where air conditioning is
    out of order."""

    fleet: Fleet
    rated: Floats
    state: State
    wear: Wear
    effects: Effects
    mains: Flags
    supplied: Flags
    dropped: Flags
    load: Floats
    hvac_failed: Flags


def truth(scene: Scene, tags: Sequence[TagDef]) -> Floats:
    """True values of the rows of some measured tags, tag by tag."""
    values = _values(scene)
    return np.concatenate([values[tag.key] for tag in tags])


def _values(scene: Scene) -> dict[tuple[AssetType, str], Floats]:
    state, effects = scene.state, scene.effects
    temperature = state.jars.temperature + effects.jar_rise
    return {
        (AssetType.JAR, "Voltage"): state.jars.voltage,
        (AssetType.JAR, "Temperature"): temperature,
        (AssetType.JAR, "InternalResistance"): 1000.0
        * (cells.ohmic(scene.wear, temperature) + scene.wear.open),
        (AssetType.STRING, "Current"): state.bus.current,
        (AssetType.SYSTEM, "BusVoltage"): state.bus.voltage,
        (AssetType.SYSTEM, "Load"): scene.load / 1000.0,
        (AssetType.SYSTEM, "OperatingMode"): mode(scene),
        (AssetType.SYSTEM, "FloatVoltageSetpoint"): state.rectifiers.float_voltage,
        (AssetType.SYSTEM, "ChargeCurrentLimit"): 100.0 * state.rectifiers.charge_limit,
        (AssetType.SITE, "AmbientTemperature"): state.room.temperature + effects.room_rise,
        (AssetType.SITE, "Humidity"): np.clip(state.room.humidity, 0.0, 100.0),
        (AssetType.SITE, "HvacState"): _hvac(scene),
        (AssetType.SITE, "MainsState"): np.where(scene.mains, Mains.PRESENT, Mains.LOST).astype(np.float64),
    }


def mode(scene: Scene) -> Floats:
    """Operating mode of each system."""
    limit = scene.rated[scene.fleet.first_jar_of_string] * ELECTRICAL.recharge_above
    charges = scene.state.bus.current < -limit
    charging = np.logical_or.reduceat(charges, scene.fleet.first_string_of_system)
    idle = np.where(charging, Mode.RECHARGE, Mode.FLOAT)
    working = np.where(scene.dropped, Mode.OFFLINE, Mode.DISCHARGE)
    return np.where(scene.supplied, idle, working).astype(np.float64)


def _hvac(scene: Scene) -> Floats:
    runs = np.where(scene.mains, Hvac.ON, Hvac.OFF)
    return np.where(scene.hvac_failed, Hvac.FAULT, runs).astype(np.float64)
