"""State of each jar's sensors from the statuses of its measurements: one tag for an alarm to watch; pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.tags import SensorState

JAR: Final = AssetType.JAR
MEASUREMENTS: Final = ("Voltage", "Temperature", "InternalResistance")


def put_state(frame: Frame) -> None:
    """Set SensorState: the worst of the jar's measurements.

    Where nothing of the jar arrives any more its sensors are unknown: the tag is Bad, and alarms that
    watch it stay as they are.
    """
    statuses = np.array([frame.column_status(JAR, name) for name in MEASUREMENTS])
    state = np.zeros(statuses.shape[1])
    state[(statuses == st.UNCERTAIN_SENSOR_NOT_ACCURATE).any(axis=0)] = SensorState.SUSPECT
    state[(statuses == st.BAD_SENSOR_FAILURE).any(axis=0)] = SensorState.FAILED
    silent = (statuses == st.BAD_NO_COMMUNICATION).all(axis=0)
    state[silent] = SensorState.NO_COMMUNICATION
    waiting = (statuses == st.BAD_WAITING_FOR_INITIAL_DATA).all(axis=0)
    status = np.where(silent, st.BAD_NO_COMMUNICATION, st.GOOD)
    status = np.where(waiting, st.BAD_WAITING_FOR_INITIAL_DATA, status)
    frame.put(JAR, "SensorState", state, status.astype(np.uint32))
