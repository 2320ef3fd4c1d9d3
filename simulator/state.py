"""What changes in a plant, in arrays by asset that are never written to: a copy is a reference.

`taken` puts the state of some assets of one plant into another's.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from simulator.ageing import Wear, Years
from simulator.bus import Bus, Rectifiers
from simulator.chance import Floats
from simulator.effects import Flags, Parts
from simulator.jars import JarState
from simulator.room import RoomState

Arrays = TypeVar("Arrays", JarState, Wear, Years, Rectifiers, RoomState)  # dataclasses of aligned arrays


@dataclass(frozen=True)
class State:
    """Rooms; jars, their main currents [A], what they have lived through and how worn that leaves them;
    strings that have dropped their load; set-points of the rectifiers; and the bus."""

    room: RoomState
    jars: JarState
    main: Floats
    years: Years
    worn: Wear
    offline: Flags
    rectifiers: Rectifiers
    bus: Bus


def taken(mine: State, other: State, part: Parts) -> State:
    """`mine`, with the assets of a part as in `other`; the bus is to be solved anew."""
    site = slice(0, 0) if part.site is None else slice(part.site, part.site + 1)
    return replace(
        mine,
        room=_arrays(mine.room, other.room, site),
        jars=_arrays(mine.jars, other.jars, part.jars),
        main=_mixed(mine.main, other.main, part.jars),
        years=_arrays(mine.years, other.years, part.jars),
        worn=_arrays(mine.worn, other.worn, part.jars),
        offline=_mixed(mine.offline, other.offline, part.strings),
        rectifiers=_arrays(mine.rectifiers, other.rectifiers, part.systems),
    )


def chosen(mine: JarState, other: JarState, flags: Flags) -> JarState:
    """`mine`, with the jars that are flagged as in `other`."""
    mixed = {f.name: np.where(flags, getattr(other, f.name), getattr(mine, f.name)) for f in fields(mine)}
    return replace(mine, **mixed)


def _arrays(mine: Arrays, other: Arrays, part: slice) -> Arrays:
    mixed = {f.name: _mixed(getattr(mine, f.name), getattr(other, f.name), part) for f in fields(mine)}
    return replace(mine, **mixed)


def _mixed(mine: NDArray[Any], other: NDArray[Any], part: slice) -> NDArray[Any]:
    mixed = np.copy(mine)
    mixed[part] = other[part]
    return mixed
