"""What never changes in a plant: all that is a function of the fleet, the seed and the time."""

from __future__ import annotations

from dataclasses import dataclass

from nodeset.index import TagIndex
from simulator import bus as dc
from simulator.chance import Floats
from simulator.climate import Climate, climate_of
from simulator.interruptions import Interruptions
from simulator.jars import Plates, plates_of
from simulator.load import Loads, loads_of
from simulator.mains import outages_of
from simulator.parameters import AGEING, Ageing
from simulator.room import Rooms, hvac_failures_of, rooms_of
from simulator.sensors import Sensors, sensors_of
from simulator.tenure import Tenures, tenures_of


@dataclass(frozen=True)
class Makeup:
    """Weather, mains, rooms and loads of the sites and systems; the jars of all times; the monitors; and the
    rectifiers as commissioned, their cut-off [V], and each string's share of its system's load."""

    climate: Climate
    outages: Interruptions
    rooms: Rooms
    hvac: Interruptions
    loads: Loads
    plates: Plates
    tenures: Tenures
    sensors: Sensors
    rectifiers: dc.Rectifiers
    cutoff: Floats
    share_of_load: Floats


def makeup_of(index: TagIndex, seed: int, figures: Ageing = AGEING) -> Makeup:
    """The makeup of a fleet's plant; `figures` says how its jars differ when new."""
    fleet = index.fleet
    climate, rooms, loads = climate_of(fleet, seed), rooms_of(fleet, seed), loads_of(fleet, seed)
    plates = plates_of(fleet, seed)
    return Makeup(
        climate=climate,
        outages=outages_of(fleet, seed),
        rooms=rooms,
        hvac=hvac_failures_of(fleet, seed),
        loads=loads,
        plates=plates,
        tenures=tenures_of(fleet, seed, climate, rooms, loads, plates.place, figures),
        sensors=sensors_of(index, seed),
        rectifiers=dc.rectifiers_of(fleet, plates),
        cutoff=dc.cutoff_voltage(fleet, plates),
        share_of_load=dc.share_of_load(fleet, plates),
    )
