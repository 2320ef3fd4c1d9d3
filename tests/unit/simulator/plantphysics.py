"""Jars and strings on the bench: new ones, at rest, and under a constant current."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Fleet
from nodeset.index import TagIndex
from simulator.ageing import Wear
from simulator.bus import Bus, Demand, rectifiers_of, solve, supply
from simulator.jars import (
    JarState,
    Plates,
    approached,
    circuit_at,
    linear,
    moved,
    plates_of,
    reactions,
    transfer,
)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def new_wear(plates: Plates) -> Wear:
    """Jars as their nameplates say."""
    zero = np.zeros_like(plates.rated)
    return Wear(plates.rated.copy(), plates.baseline.copy(), zero + 1.0, plates.cells.copy(), zero)


def settled(
    index: TagIndex, state: JarState, power: Floats, mains: Flags, wear: Wear | None = None
) -> tuple[Bus, JarState, Floats]:
    """Bus, jars and their main currents [A] once nothing moves any more; power [W] and mains by string."""
    fleet, plates = index.fleet, plates_of(index.fleet, 1)
    for _ in range(8):
        bus, state, main = solved(fleet, plates, wear or new_wear(plates), state, Demand(power, mains))
    return bus, state, main


def solved(
    fleet: Fleet, plates: Plates, wear: Wear, state: JarState, demand: Demand
) -> tuple[Bus, JarState, Floats]:
    """One solution of the bus."""
    now = supply(fleet, plates, rectifiers_of(fleet, plates), state.temperature)
    return solve(fleet, plates, circuit_at(plates, wear, state), state, demand, now)


def step_at(
    plates: Plates, wear: Wear, state: JarState, current: Floats, room: Floats, dt: float
) -> JarState:
    """Each jar alone, `dt` [s] later at a discharge current [A], with the voltage that it had meanwhile."""
    circuit = circuit_at(plates, wear, state)
    multiple = transfer(plates.rated, current)
    branch = state.branch
    for _ in range(30):
        form = linear(circuit, multiple, branch)
        voltage = form.source - form.resistance * current
        branch = approached(circuit, branch, voltage + circuit.series * current)
    main, _, _ = reactions(circuit, multiple, branch)
    state = replace(state, branch=branch, current=current, voltage=voltage)
    return moved(plates, wear, state, main, room, 0.0, dt)


def one_jar(index: TagIndex) -> Plates:
    """The constants of the fleet's first jar, without scatter."""
    plates = plates_of(index.fleet, 1)
    first = {name: getattr(plates, name)[:1] for name in Plates.__dataclass_fields__}
    return replace(Plates(**first), deviation=np.zeros(1), place=np.zeros(1))
