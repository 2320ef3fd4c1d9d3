"""What limits that were exceeded or cleared (latching.py) make of level, severity and acknowledgement.

Functions of the state's arrays and the limits'; a time is that of the scan [µs since 1970].
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from server.alarms.definition import LIMIT_LEVELS
from server.alarms.limits import Limits
from server.alarms.state import AlarmState, Change, Flags

_LEVELS: Final = np.array(LIMIT_LEVELS, np.int8)
# Columns from the outermost to the innermost limit: the first that is exceeded gives the level.
_OUTERMOST: Final = np.argsort(-np.abs(_LEVELS), kind="stable")
_LOWS, _HIGHS = slice(0, 2), slice(2, 4)
_QUALITY_CLASS: Final = np.uint32(0xC000_0000)


def release(state: AlarmState, limits: Limits, rows: Index, time: int) -> None:
    """Let exceeded limits that were taken away clear with the next value: their delay is over."""
    gone = state.latched[rows] & np.isnan(limits.signed[rows])
    over = np.maximum(time - limits.off_delay[rows], 1)
    state.since[rows] = np.where(gone, over, state.since[rows])


def requalify(state: AlarmState, status: NDArray[np.uint32], time: int) -> NDArray[np.uint32]:
    """Take over the inputs' status; a retained condition tells when its class changes."""
    other = state.enabled & (state.quality != status)
    told = other & state.retain & (((state.quality ^ status) & _QUALITY_CLASS) != 0)
    np.copyto(state.quality, status, where=other)
    state.quality_time[other] = time
    change = np.zeros(len(status), np.uint32)
    change[told] = Change.QUALITY
    return change


def relevel(
    state: AlarmState, limits: Limits, rows: Index, flipped: Flags, time: int, event: int
) -> NDArray[np.uint32]:
    """Level, severity and acknowledgement of rows whose limits flipped; the `Change` of each.

    `event` is the number of the transition's event, or less.
    """
    latched = state.latched[rows]
    exceeded = flipped & latched
    # The other side cannot be exceeded at the same time, whatever is left of its off-delay.
    latched[exceeded[:, _HIGHS].any(axis=1), _LOWS] = False
    latched[exceeded[:, _LOWS].any(axis=1), _HIGHS] = False
    state.latched[rows] = latched
    outermost = latched[:, _OUTERMOST].argmax(axis=1)
    column = _OUTERMOST[outermost]
    old = state.level[rows]
    new = np.where(latched.any(axis=1), _LEVELS[column], np.int8(0))
    state.level[rows] = new
    activated, cleared = (old == 0) & (new != 0), (old != 0) & (new == 0)
    state.active_time[rows[activated | cleared]] = time
    worse = (new != 0) & ((np.abs(new) > np.abs(old)) | (np.sign(new) != np.sign(old)))
    _ask(state, rows[worse], event)
    grade(state, rows[new != 0], limits.severity[rows, column][new != 0], time)
    moved = (old != new) & ~activated & ~cleared
    change = np.zeros(len(rows), np.uint32)
    change[activated], change[cleared], change[moved] = Change.ACTIVATED, Change.CLEARED, Change.LEVEL
    return change


def _ask(state: AlarmState, rows: Index, event: int) -> None:
    """Acknowledgement anew; what had only to be confirmed has to be acknowledged first (Part 9, B.1.2)."""
    state.acked[rows] = False
    state.confirmed[rows] = True
    state.ack_from[rows] = event


def grade(state: AlarmState, rows: Index, severity: NDArray[np.uint16], time: int) -> None:
    """An inactive condition keeps the severity it last had: it may still wait for acknowledgement."""
    other = state.severity[rows] != severity
    rows, severity = rows[other], severity[other]
    state.last_severity[rows] = state.severity[rows]
    state.severity[rows] = severity
    state.severity_time[rows] = time


def regrade(state: AlarmState, limits: Limits, rows: Index, time: int) -> None:
    """Give active conditions among `rows` the severities that their limits have by now."""
    rows = rows[state.level[rows] != 0]
    column = np.searchsorted(_LEVELS, state.level[rows])
    severity = limits.severity[rows, column]
    grade(state, rows[severity > 0], severity[severity > 0], time)
