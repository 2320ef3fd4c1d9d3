"""Falls of remaining useful life from one scan to the next, which wear cannot explain; pure.

A jar that wears loses a day a day. One that loses weeks between two scans has a new model, a new reading
of its resistance or an error in its data: somebody has to look at it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame

JAR, FLEET = AssetType.JAR, AssetType.FLEET
_DAY: Final = 86_400 * 1_000_000  # µs
_LIFE: Final = "RemainingUsefulLife"
_TAGS: Final = ("RemainingUsefulLifeDrop", "RemainingUsefulLifeDropJar")


def put_drop(last: Frame, frame: Frame, steady: NDArray[np.bool_]) -> None:
    """Set the largest fall [d] of the last day and its jar; `last` is the frame of the scan before.

    Only of jars that are `steady`, shape (jars,): a twin that has just begun learns much from each scan,
    and one that has taken over from another says something else.
    What is known is kept in the frame itself: a day is counted from its source time.
    """
    drop, jar = _largest(last, frame, steady)
    row, named = (frame.index.slice(FLEET, name).start for name in _TAGS)
    age = frame.time - int(last.source_time[row])
    if drop < last.value[row] and 0 <= age < _DAY and not st.is_bad_code(int(last.status[row])):
        frame.status[[row, named]] = st.GOOD
        return
    frame.put(FLEET, _TAGS[0], drop)
    frame.put(FLEET, _TAGS[1], jar, st.GOOD if drop > 0 else st.BAD_NO_DATA)


def _largest(last: Frame, frame: Frame, steady: NDArray[np.bool_]) -> tuple[float, float]:
    """The largest fall beyond the time that has passed [d], and its jar; 0 and NaN where none fell."""
    before, now = (each.column(JAR, _LIFE) for each in (last, frame))
    unknown = st.is_bad(last.column_status(JAR, _LIFE)) | st.is_bad(frame.column_status(JAR, _LIFE))
    since = frame.index.column(last.source_time, JAR, _LIFE)  # long ago, where Voltkeep stood still
    falls = np.where(unknown | ~steady, 0.0, before - now - np.maximum(frame.time - since, 0) / _DAY)
    jar = int(falls.argmax())
    return (float(falls[jar]), float(jar)) if falls[jar] > 0 else (0.0, float("nan"))
