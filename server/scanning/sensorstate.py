"""State of each jar's sensors as one tag, for alarms to watch; pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.tags import SensorState
from server.scanning.physics import MEASUREMENTS

JAR: Final = AssetType.JAR


def put_state(frame: Frame, found: NDArray[np.integer]) -> None:
    """Set SensorState to what was `found` of each jar, the worst of its measurements, shape (jars,).

    A measurement that is lost while others of the jar arrive counts as failed. Where nothing of the jar
    arrives any more its sensors are unknown: the tag is Bad, and alarms that watch it stay as they are.
    """
    statuses = np.array([frame.column_status(JAR, name) for name in MEASUREMENTS])
    never = (statuses == st.BAD_WAITING_FOR_INITIAL_DATA) | st.is_unmeasured(statuses)
    lost = statuses == st.BAD_NO_COMMUNICATION
    if not (lost.any() or never.any()):
        frame.put(JAR, "SensorState", found.astype(np.float64))
        return
    waiting, silent = never.all(axis=0), (never | lost).all(axis=0)
    state = np.where(lost.any(axis=0), SensorState.FAILED, found)
    state = np.where(silent, SensorState.NO_COMMUNICATION, state)
    status = np.where(silent, st.BAD_NO_COMMUNICATION, st.GOOD)
    status = np.where(waiting, st.BAD_WAITING_FOR_INITIAL_DATA, status)
    frame.put(JAR, "SensorState", state.astype(np.float64), status.astype(np.uint32))
