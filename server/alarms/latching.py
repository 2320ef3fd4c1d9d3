"""Limits of all conditions that are exceeded and cleared in a scan; pure.

A limit is exceeded beyond its value and cleared `hysteresis` inside it; either must last for its delay. A
value that cannot be used changes nothing, and a delay starts anew after it. A condition that does not apply
is cleared at once. Nearly all conditions of a scan are quiet, so only the others are looked at closely.
"""

from __future__ import annotations

import numpy as np

from nodeset.fleet import Index
from server.alarms.inputs import Measured
from server.alarms.limits import SIGN, Floats, Limits
from server.alarms.measures import is_usable
from server.alarms.state import AlarmState, Flags


def usable_rows(state: AlarmState, measured: Measured) -> Flags:
    """Enabled conditions whose value tells something of the plant."""
    usable: Flags = state.enabled & is_usable(measured.status) & np.isfinite(measured.value)
    return usable


def latch(
    state: AlarmState, limits: Limits, measured: Measured, usable: Flags, time: int
) -> tuple[Index, Flags]:
    """Exceed and clear limits; rows in which one flipped, and which limits did, shape (those rows, 4)."""
    rows = _of_interest(state, limits, measured, usable)
    latched, since = state.latched[rows], state.since[rows]
    asks, ended = _asks(latched, limits, measured, rows, usable)
    # A clock that was set back must not hold a change for ever.
    since = np.where(asks, np.where((since == 0) | (since > time), time, since), 0)
    delay = np.where(latched, limits.off_delay[rows], limits.on_delay[rows])
    flips = asks & (time - since >= delay) | ended
    state.latched[rows] = latched ^ flips
    state.since[rows] = np.where(flips, 0, since)
    some = np.flatnonzero(flips.any(axis=1))
    return rows[some], flips[some]


def _of_interest(state: AlarmState, limits: Limits, measured: Measured, usable: Flags) -> Index:
    """Rows with a delay that runs, a limit that asks for a change, or active ones that do not apply."""
    value, signed = measured.value, limits.signed
    beyond = (value > np.fmin(signed[:, 2], signed[:, 3])) | (-value > np.fmin(signed[:, 0], signed[:, 1]))
    rows = np.flatnonzero(usable & (beyond | (state.level != 0)))
    news = np.zeros(len(value), np.bool_)
    news[np.flatnonzero(state.since) // state.since.shape[1]] = True
    differ = _differ(state, limits, value[rows], rows)
    news[rows] |= np.where(measured.applies[rows], differ, state.level[rows] != 0)
    return np.flatnonzero(news)


def _differ(state: AlarmState, limits: Limits, value: Floats, rows: Index) -> Flags:
    """Which of some rows have a limit that is not as their values say: of those that stay active, few."""
    differ: Flags = np.zeros(len(rows), np.bool_)
    hysteresis = limits.hysteresis[rows, 0]
    for column, sign in enumerate(SIGN.tolist()):
        signed, latched = limits.signed[rows, column], state.latched[rows, column]
        threshold = np.where(latched, signed - hysteresis, signed)
        differ |= (value * sign > threshold) != latched
    return differ


def _asks(
    latched: Flags, limits: Limits, measured: Measured, rows: Index, usable: Flags
) -> tuple[Flags, Flags]:
    """Where a limit of these rows asks for a change, and where it ends without a delay."""
    threshold = limits.signed[rows] - np.where(latched, limits.hysteresis[rows], 0.0)
    exceeded = measured.value[rows, None] * SIGN > threshold
    applies = (usable & measured.applies)[rows, None]
    return (exceeded != latched) & applies, latched & (usable & ~measured.applies)[rows, None]
