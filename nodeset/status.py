"""OPC UA StatusCodes of the fleet's values and of writes to them (Part 4, 7.38.2), as plain numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

GOOD: Final = 0x0000_0000
UNCERTAIN_LAST_USABLE_VALUE: Final = 0x4090_0000
UNCERTAIN_INITIAL_VALUE: Final = 0x4092_0000
UNCERTAIN_SENSOR_NOT_ACCURATE: Final = 0x4093_0000
UNCERTAIN_EU_EXCEEDED: Final = 0x4094_0000
UNCERTAIN_DATA_SUB_NORMAL: Final = 0x40A4_0000
UNCERTAIN_SIMULATED_VALUE: Final = 0x4209_0000
BAD_TIMEOUT: Final = 0x800A_0000
BAD_RESOURCE_UNAVAILABLE: Final = 0x8004_0000
BAD_NO_COMMUNICATION: Final = 0x8031_0000
BAD_WAITING_FOR_INITIAL_DATA: Final = 0x8032_0000
BAD_NOT_WRITABLE: Final = 0x803B_0000
BAD_OUT_OF_RANGE: Final = 0x803C_0000
BAD_CONFIGURATION_ERROR: Final = 0x8089_0000
BAD_NOT_CONNECTED: Final = 0x808A_0000
BAD_DEVICE_FAILURE: Final = 0x808B_0000
BAD_SENSOR_FAILURE: Final = 0x808C_0000
BAD_NO_DATA: Final = 0x809B_0000
BAD_INVALID_STATE: Final = 0x80AF_0000

# The severity is in the two highest bits: 00 good, 01 uncertain, 10 and 11 (reserved) bad.
UNCERTAIN: Final = 0x4000_0000
BAD: Final = 0x8000_0000


def is_good(status: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Where the value can be used as it is."""
    good: NDArray[np.bool_] = status < np.uint32(UNCERTAIN)
    return good


def is_unmeasured(status: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Where no device measures the value: by its map, or because it lacks what the map names."""
    unmeasured: NDArray[np.bool_] = (status == BAD_NOT_CONNECTED) | (status == BAD_CONFIGURATION_ERROR)
    return unmeasured


def is_bad(status: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Where the value must not be used."""
    bad: NDArray[np.bool_] = status >= np.uint32(BAD)
    return bad


def is_doubted(status: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Where the sensor is doubted (V4): the value tells nothing of the plant."""
    doubted: NDArray[np.bool_] = status == np.uint32(UNCERTAIN_SENSOR_NOT_ACCURATE)
    return doubted


_NAMES: Final = {
    number: "".join({"EU": "EngineeringUnits"}.get(word, word.capitalize()) for word in name.split("_"))
    for name, number in globals().copy().items()
    if isinstance(number, int) and name.startswith(("GOOD", "UNCERTAIN_", "BAD_"))
}


def name_of(code: int) -> str:
    """The name that Part 4 gives a StatusCode: `BadSensorFailure`; its number where Voltkeep itself has no
    use for it, after its severity: `Bad (0x80B60000)`.
    """
    known = _NAMES.get(code)
    if known is not None:
        return known
    severity = "Good" if code < UNCERTAIN else "Uncertain" if code < BAD else "Bad"
    return f"{severity} (0x{code:08X})"


def is_bad_code(code: int) -> bool:
    """Whether a value with this status must not be used."""
    return code >= BAD
