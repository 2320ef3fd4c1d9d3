"""A copy of a plant that is real: a simulated plant of the same fleet, brought to what a frame shows (S6).

Taken over are, wherever the frame has them: the room's temperature and humidity; each jar's temperature,
ohmic value, state of charge, capacity (by its state of health), and how its float voltage lies against its
string's mean; loads, set-points, and whether there is mains and air conditioning. From then on the copy goes
its own way: mains and air conditioning stay as they are, loads follow the usual hours, no jar fails by
chance, and monitors have noise but no bias.

What cannot be aligned is the model's: the mean float voltage (that of the set-point), the float current, acid
stratification, and how a battery that is being discharged or recharged polarises.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.tags import Hvac, Mains, Mode
from simulator.chance import Floats
from simulator.effects import Effects, Flags, no_effects
from simulator.interruptions import Interruptions
from simulator.jars import ohmic
from simulator.makeup import Makeup
from simulator.parameters import ELECTRICAL, THERMAL
from simulator.plant import Plant
from simulator.state import State

SITE, SYSTEM, JAR = AssetType.SITE, AssetType.SYSTEM, AssetType.JAR
_FULL = 98.0  # %, from which the twin's estimate says full
_ROUNDS = 6  # of finding the float voltages
_FARTHEST = 0.5  # V, of a jar's float voltage from its string's mean


@dataclass(frozen=True)
class Seen:
    """What a frame shows; NaN where it has nothing to go by."""

    frame: Frame

    def column(self, asset: AssetType, name: str) -> Floats:
        """Values of a tag."""
        status = self.frame.column_status(asset, name)
        return np.where(st.is_bad(status), np.nan, self.frame.column(asset, name))


def align(plant: Plant, frame: Frame) -> Effects:
    """Bring a plant to what `frame` shows at the plant's time; gives what it feels from then on."""
    seen = Seen(frame)
    plant.set_points(_set_points(plant, frame))
    state = _state(plant.state, seen, plant)
    plant.become(_makeup(plant.makeup, state, seen, plant), state, _held(plant, frame))
    effects = _effects(plant, seen)
    plant.disturb(effects)
    for _ in range(_ROUNDS):
        plates = plant.makeup.plates
        deviation = plates.deviation + _off(plant, seen)
        makeup = replace(plant.makeup, plates=replace(plates, deviation=deviation))
        plant.become(makeup, plant.state, {})
    return effects


def _known(seen: Floats, model: Floats) -> Floats:
    """What was seen, or the model's where nothing was."""
    return np.where(np.isfinite(seen), seen, model)


def _set_points(plant: Plant, frame: Frame) -> dict[int, float]:
    rows = plant.index.writable()
    rows = rows[st.is_good(frame.status[rows])]
    return dict(zip(rows.tolist(), frame.value[rows].tolist(), strict=True))


def _held(plant: Plant, frame: Frame) -> dict[int, float]:
    """What a sensor that gets stuck stays at."""
    rows = np.flatnonzero(plant.read_rows() & ~st.is_bad(frame.status))
    return dict(zip(rows.tolist(), frame.value[rows].tolist(), strict=True))


def _state(state: State, seen: Seen, plant: Plant) -> State:
    room = replace(
        state.room,
        temperature=_known(seen.column(SITE, "AmbientTemperature"), state.room.temperature),
        humidity=_known(seen.column(SITE, "Humidity"), state.room.humidity),
    )
    temperature = _known(seen.column(JAR, "Temperature"), state.jars.temperature)
    charge = seen.column(JAR, "StateOfCharge")
    emptied = 1.0 - (1.0 - charge / 100.0) / ELECTRICAL.reserve
    soc = np.where(charge < _FULL, np.clip(emptied, 0.0, 1.0), state.jars.soc)
    jars = replace(state.jars, case=temperature - state.jars.rise, soc=soc)
    return replace(state, room=room, jars=jars, offline=np.zeros_like(state.offline))


def _makeup(makeup: Makeup, state: State, seen: Seen, plant: Plant) -> Makeup:
    """Rooms that keep their temperature, jars that keep theirs in it, monitors without bias, no failures."""
    room = state.room.temperature
    shift = (room - makeup.rooms.settled(makeup.climate.outdoors(plant.time), plant.time).temperature) / (
        1.0 - THERMAL.droop
    )
    sensors, nothing = makeup.sensors, np.zeros_like(makeup.sensors.bias)
    return replace(
        makeup,
        rooms=replace(makeup.rooms, set_point=makeup.rooms.set_point + shift),
        plates=replace(makeup.plates, place=state.jars.case - room[plant.fleet.site_of_jar]),
        sensors=replace(
            sensors, bias=nothing, share_bias=nothing, drift=nothing, share_drift=nothing, _settled={}
        ),
        outages=_never(makeup.outages),
        hvac=_never(makeup.hvac),
    )


def _never(interruptions: Interruptions) -> Interruptions:
    return replace(interruptions, rate=np.zeros_like(interruptions.rate), _known={}, _edges={})


def _effects(plant: Plant, seen: Seen) -> Effects:
    """The difference of the plant to the model: wear, load, what is off."""
    fleet, worn = plant.fleet, plant.state.worn
    modelled = 1000.0 * ohmic(worn, plant.state.jars.temperature)
    health = seen.column(JAR, "StateOfHealth") / 100.0 * plant.makeup.plates.rated
    load = seen.column(SYSTEM, "Load") * 1000.0 / plant.makeup.loads.at(plant.time)
    dark = seen.column(SITE, "MainsState") == Mains.LOST
    calm = no_effects(plant.index)
    return replace(
        calm,
        outage=dark[fleet.site_of_string],
        site_outage=dark,
        hvac_failed=~dark & (seen.column(SITE, "HvacState") == Hvac.FAULT),
        load=_factor(load)[fleet.system_of_string],
        resistance=_factor(seen.column(JAR, "InternalResistance") / modelled),
        capacity=_factor(health / worn.capacity),
    )


def _factor(ratio: Floats) -> Floats:
    """A ratio, or 1 where there is none to speak of."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isfinite(ratio) & (ratio > 0.0), ratio, 1.0)


def _off(plant: Plant, seen: Seen) -> Floats:
    """How much farther from its string's mean than in the model each jar's float voltage is [V]."""
    fleet = plant.fleet
    floating = (seen.column(SYSTEM, "OperatingMode") == Mode.FLOAT)[fleet.system_of_jar]
    voltage = seen.column(JAR, "Voltage")
    usable: Flags = floating & np.isfinite(voltage) & (plant.state.jars.soc > _FULL / 100.0)
    off = np.where(usable, voltage - plant.state.jars.voltage, 0.0)
    count = np.add.reduceat(usable.astype(np.float64), fleet.first_jar_of_string)
    mean = np.add.reduceat(off, fleet.first_jar_of_string) / np.maximum(count, 1.0)
    own: Floats = np.where(usable, off - mean[fleet.string_of_jar], 0.0)
    return np.clip(own, -_FARTHEST, _FARTHEST)
