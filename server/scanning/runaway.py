"""Thermal runaway: by how much each jar is hotter than its string and its room explain; pure.

A jar in runaway feeds its own heat from the charger, so it leaves its neighbours, which share its room and
its current; an air conditioning that fails warms them all alike. Manufacturers of VRLA jars name 10 K above
the surroundings as the sign of it and ask to end the charge (C&D Technologies, installation manual of the
DCS-100HIT); IEEE 1188 asks to find the cause of a difference of 3 K between jars.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType, Index
from nodeset.frame import Frame

JAR, SITE = AssetType.JAR, AssetType.SITE
# K above the room that recharge explains: a whole string that runs away together is hotter, and no measure.
ABOVE_ROOM: Final = 10.0


def put_excess(frame: Frame, median: NDArray[np.float64], string: Index) -> None:
    """Set TemperatureExcess [K]: above the string's median, or above the room by more than recharge explains.

    `median` is that of each string's believed temperatures, `string` the string of each jar. A jar whose
    temperature is not believed keeps its last excess, and says so by its status.
    """
    temperature, status = frame.column(JAR, "Temperature"), frame.column_status(JAR, "Temperature")
    good = st.is_good(status)
    room = frame.column(SITE, "AmbientTemperature") + ABOVE_ROOM
    known = st.is_good(frame.column_status(SITE, "AmbientTemperature"))
    limit = np.where(known, room, np.nan)[frame.index.fleet.site_of_string]
    excess = temperature - np.fmin(median, limit)[string]
    kept = np.where(st.is_bad(status), status, np.uint32(st.UNCERTAIN_LAST_USABLE_VALUE))
    frame.put(
        JAR,
        "TemperatureExcess",
        np.where(good, excess, frame.column(JAR, "TemperatureExcess")),
        np.where(good, st.GOOD, kept).astype(np.uint32),
    )
