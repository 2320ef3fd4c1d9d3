"""Shelving (Part 9, 5.8.17): an operator hides a condition for a time, or until it has next been active.

A shelved condition is evaluated and told as any other; its events say SuppressedOrShelved. Both ways end by
themselves: one shot when the condition becomes inactive, each when its time is over.
"""

from __future__ import annotations

import numpy as np

from nodeset.fleet import Index
from server.alarms.errors import AlreadyShelvedError, NotShelvedError, ShelvingTimeError
from server.alarms.state import AlarmState, Shelving

_UNSHELVED, _ONE_SHOT, _TIMED = (int(each) for each in Shelving)


def shelve_timed(state: AlarmState, row: int, duration: int, longest: int, time: int) -> None:
    """Shelve for a duration [µs]; a condition in one shot goes over to it. Raises `AlarmError`."""
    if not 0 < duration <= longest:
        raise ShelvingTimeError
    _shelve(state, row, _TIMED, duration, time)


def shelve_one_shot(state: AlarmState, row: int, longest: int, time: int) -> None:
    """Shelve until the condition has next been active; not for longer than `longest` [µs] (5.8.17.1)."""
    _shelve(state, row, _ONE_SHOT, longest, time)


def unshelve(state: AlarmState, row: int, time: int) -> None:
    """End shelving; raises `NotShelvedError`."""
    if state.shelved[row] == _UNSHELVED:
        raise NotShelvedError
    end(state, np.array([row], np.intp), time)


def end(state: AlarmState, rows: Index, time: int) -> None:
    """End the shelving of some conditions."""
    state.shelved[rows] = _UNSHELVED
    state.shelved_until[rows] = 0
    state.shelved_time[rows] = time


def expire(state: AlarmState, cleared: Index, time: int) -> Index:
    """End what is over, where `cleared` became inactive just now; the rows that are no longer shelved."""
    rows = np.flatnonzero(state.shelved)
    if not len(rows):
        return rows
    # A clock that was set back must not hold a condition for ever: what is left starts anew.
    back = rows[state.shelved_time[rows] > time]
    state.shelved_until[back] += time - state.shelved_time[back]
    state.shelved_time[back] = time
    over = state.shelved_until[rows] <= time
    over |= (state.shelved[rows] == _ONE_SHOT) & np.isin(rows, cleared)
    end(state, rows[over], time)
    return rows[over]


def _shelve(state: AlarmState, row: int, how: int, duration: int, time: int) -> None:
    if state.shelved[row] == how:
        raise AlreadyShelvedError
    state.shelved[row] = how
    state.shelved_until[row] = time + duration
    state.shelved_time[row] = time
