"""The alarm engine: one array step a scan for every condition of the fleet; pure, without I/O or clock.

A limit is exceeded beyond its value and cleared `hysteresis` inside it; either must last for its delay.
The condition's level is the outermost exceeded limit (Part 9, ExclusiveLimitAlarmType). Whatever makes it
worse (none to High, High to HighHigh, Low to High) asks for acknowledgement; what eases it does not.
A Bad input changes no level, nor does one whose sensor is doubted, which has a condition of its own: it is
told by the event's Quality, and a delay starts anew after it; any other Uncertain input is evaluated.
Branches are not kept yet: a condition that becomes active again before it was acknowledged stays one, and
only the EventIds since the latest activation acknowledge it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import copy
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import Index
from nodeset.frame import Frame
from server.alarms.definition import LIMIT_LEVELS, ConditionIndex
from server.alarms.errors import (
    AlreadyAcknowledgedError,
    AlreadyDisabledError,
    AlreadyEnabledError,
    ConditionDisabledError,
    UnknownEventError,
)
from server.alarms.limits import SIGN
from server.alarms.overrides import Override, resolve
from server.alarms.state import AlarmState, Change, Flags, Transitions, first_state

_LEVELS = np.array(LIMIT_LEVELS, np.int8)
# Columns from the outermost to the innermost limit: the first that is exceeded gives the level.
_OUTERMOST = np.argsort(-np.abs(_LEVELS), kind="stable")
_LOWS, _HIGHS = slice(0, 2), slice(2, 4)
_QUALITY_CLASS = np.uint32(0xC000_0000)

_NONCE = 4
# Events that may have been published after the last save: their numbers are not given again.
_LOST_EVENTS = 1 << 32
# Numbers of events from here on are of simulated conditions, and so never among those of the plant's.
_SIMULATED_EVENTS = 1 << 62


class AlarmTable:
    """All conditions of a fleet: `state`, and the step and calls that change it."""

    def __init__(self, index: ConditionIndex, time: int, overrides: Sequence[Override] = ()) -> None:
        self.index = index
        self.limits = resolve(index, overrides)
        mildest = np.where(self.limits.severity > 0, self.limits.severity, np.uint16(1001)).min(axis=1)
        self.state: AlarmState = first_state(mildest.astype(np.uint16), time)
        self._nonce = self._simulated_nonce = os.urandom(_NONCE)
        self._events = 0

    def fork(self) -> AlarmTable:
        """A table of its own in the same state, of simulated conditions.

        It knows the EventIds that this one has given so far. Its own are unknown here, and to later forks.
        """
        other = copy(self)
        other.state = self.state.copy()
        other._simulated_nonce = os.urandom(_NONCE)
        other._events = _SIMULATED_EVENTS
        return other

    @property
    def simulated(self) -> bool:
        """Whether this is a fork."""
        return self._events >= _SIMULATED_EVENTS

    def adopt(self, other: AlarmTable, rows: Index) -> None:
        """Take the state of some conditions from another table of the fleet."""
        self.state.put(rows, other.state.take(rows))

    def step(self, frame: Frame) -> Transitions:
        """Evaluate every condition against a scan's values; gives what changed."""
        state = self.state
        value, status = self._inputs(frame)
        usable = state.enabled & ~st.is_bad(status) & ~st.is_doubted(status) & np.isfinite(value)
        np.copyto(state.value, value, where=usable)
        flipped = self._latch(value, usable, frame.time)
        change = self._requalify(status, frame.time)
        rows = np.flatnonzero(flipped.any(axis=1))
        if len(rows):
            change[rows] |= self._relevel(rows, flipped[rows], frame.time)
        return self._emit(np.flatnonzero(change), change, frame.time)

    def acknowledge(
        self, row: int, event_id: bytes, comment: str | None, user: str, time: int
    ) -> Transitions:
        """Part 9, 5.7.3. A comment of None leaves the one that is there; raises `AlarmError`."""
        state = self.state
        number = self._known_event(row, event_id)
        if state.acked[row]:
            raise AlreadyAcknowledgedError
        if number < state.ack_from[row]:
            raise UnknownEventError
        state.acked[row] = True
        state.acked_time[row] = time
        self._remark(row, comment, user, time)
        return self._tell(row, Change.ACKNOWLEDGED, time)

    def add_comment(
        self, row: int, event_id: bytes, comment: str | None, user: str, time: int
    ) -> Transitions:
        """Part 9, 5.5.6; raises `AlarmError`."""
        self._known_event(row, event_id)
        self._remark(row, comment, user, time)
        return self._tell(row, Change.COMMENTED, time)

    def enable(self, row: int, user: str, time: int) -> Transitions:
        """Part 9, 5.5.5: the next step evaluates the condition anew."""
        state = self.state
        if state.enabled[row]:
            raise AlreadyEnabledError
        state.enabled[row] = True
        state.enabled_time[row] = time
        state.user[row] = user
        return self._tell(row, Change.ENABLED, time)

    def disable(self, row: int, user: str, time: int) -> Transitions:
        """Part 9, 5.5.4: a disabled condition has no state, so nothing is left to acknowledge."""
        state = self.state
        if not state.enabled[row]:
            raise AlreadyDisabledError
        state.enabled[row] = False
        state.latched[row] = False
        state.since[row] = 0
        state.level[row] = 0
        state.acked[row] = True
        state.enabled_time[row] = time
        state.user[row] = user
        return self._tell(row, Change.DISABLED, time)

    def tell_again(self, rows: Index, time: int) -> Transitions:
        """What some conditions are, as news: they were not shown for a while."""
        return self._emit(rows, np.zeros(self.index.size, np.uint32), time)

    def close(self, rows: Index, plant: AlarmTable, time: int) -> Transitions:
        """End some simulated conditions: as the plant has them, but inactive and acknowledged."""
        self.adopt(plant, rows)
        state = self.state
        state.latched[rows] = False
        state.since[rows] = 0
        state.level[rows] = 0
        state.acked[rows] = True
        state.active_time[rows] = time
        return self._emit(rows, np.full(self.index.size, Change.CLEARED, np.uint32), time)

    def told_simulated(self, rows: Index) -> Flags:
        """Which of some conditions have told anything that was simulated."""
        told: Flags = self.state.event[rows] >= _SIMULATED_EVENTS
        return told

    def retained(self, rows: Index | None = None) -> Transitions:
        """What ConditionRefresh tells again, of every retained condition (Part 9, 5.5.7); nothing changed.

        Of those in `rows` alone, where they are given.
        """
        rows = np.flatnonzero(self.state.retain) if rows is None else rows[self.state.retain[rows]]
        return Transitions(0, rows, np.zeros(len(rows), np.uint32), self.state.take(rows))

    def snapshot(self, row: int) -> AlarmState:
        """The state of one condition, as arrays of length 1."""
        return self.state.take(np.array([row], np.intp))

    def event_id(self, row: int, number: int) -> bytes:
        """EventId of a condition's event: 16 bytes, never given twice."""
        return self.event_id_of(self.index.identifier(row), number)

    def event_id_of(self, identifier: str, number: int) -> bytes:
        """The same by the text of the condition's NodeId."""
        identity = crc32(identifier.encode())
        nonce = self._nonce if number < _SIMULATED_EVENTS else self._simulated_nonce
        return nonce + identity.to_bytes(4, "big") + number.to_bytes(8, "big")

    def save(self) -> dict[str, NDArray[np.generic]]:
        """All state as arrays without Python objects, by identifier, for a file that outlives the process."""
        state = self.state
        rows = np.flatnonzero((state.event > 0) | ~state.enabled | (state.since > 0).any(axis=1))
        kept = state.take(rows)
        columns = {name: getattr(kept, name) for name in AlarmState.__dataclass_fields__}
        return {
            **columns,
            "comment": np.array(kept.comment.tolist(), np.str_),
            "user": np.array(kept.user.tolist(), np.str_),
            "identifier": np.array([self.index.identifier(int(i)) for i in rows], np.str_),
            "nonce": np.frombuffer(self._nonce, np.uint8),
            "events": np.array(self._events, np.int64),
        }

    def restore(self, saved: dict[str, NDArray[np.generic]]) -> int:
        """Take up what `save` gave; how many conditions were found again. Others keep their first state.

        A condition whose active limit is configured no more starts anew, too. KeyError: not from `save`.
        """
        found = [self.index.row_of_id(str(name)) for name in saved["identifier"]]
        kept = np.array([i for i, row in enumerate(found) if row is not None], np.intp)
        rows = np.array([row for row in found if row is not None], np.intp)
        valid = ~(saved["latched"][kept] & np.isnan(self.limits.signed[rows])).any(axis=1)
        kept, rows = kept[valid], rows[valid]
        columns = {name: saved[name][kept] for name in AlarmState.__dataclass_fields__}
        for name in ("comment", "user"):
            columns[name] = columns[name].astype(np.object_)
        self.state.put(rows, AlarmState(**columns))
        self._nonce = saved["nonce"].tobytes()
        self._events = int(saved["events"]) + _LOST_EVENTS
        return len(rows)

    def _inputs(self, frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
        inputs = self.index.of_inputs
        return inputs(frame.value, frame.index), inputs(frame.status, frame.index)

    def _latch(self, value: NDArray[np.float64], usable: Flags, time: int) -> Flags:
        """Exceed and clear limits; where one flipped, shape (rows, 4)."""
        state, limits = self.state, self.limits
        threshold = limits.signed - np.where(state.latched, limits.hysteresis, 0.0)
        asks = ((value[:, None] * SIGN > threshold) != state.latched) & usable[:, None]
        np.copyto(state.since, 0, where=~asks)
        # A clock that was set back must not hold a change for ever.
        np.copyto(state.since, time, where=asks & ((state.since == 0) | (state.since > time)))
        delay = np.where(state.latched, limits.off_delay, limits.on_delay)
        flipped: Flags = asks & (time - state.since >= delay)
        state.latched[flipped] ^= True
        state.since[flipped] = 0
        return flipped

    def _requalify(self, status: NDArray[np.uint32], time: int) -> NDArray[np.uint32]:
        """Take over the inputs' status; a retained condition tells when its class changes."""
        state = self.state
        other = state.enabled & (state.quality != status)
        told = other & state.retain & (((state.quality ^ status) & _QUALITY_CLASS) != 0)
        np.copyto(state.quality, status, where=other)
        state.quality_time[other] = time
        change = np.zeros(len(status), np.uint32)
        change[told] = Change.QUALITY
        return change

    def _relevel(self, rows: Index, flipped: Flags, time: int) -> NDArray[np.uint32]:
        """Level, severity and acknowledgement of rows whose limits flipped; the `Change` of each."""
        state = self.state
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
        state.acked[rows[worse]] = False
        # The number that `_emit` will give to the event of this transition, or less.
        state.ack_from[rows[worse]] = self._events + 1
        self._grade(rows[new != 0], self.limits.severity[rows, column][new != 0], time)
        moved = (old != new) & ~activated & ~cleared
        change = np.zeros(len(rows), np.uint32)
        change[activated], change[cleared], change[moved] = Change.ACTIVATED, Change.CLEARED, Change.LEVEL
        return change

    def _grade(self, rows: Index, severity: NDArray[np.uint16], time: int) -> None:
        """An inactive condition keeps the severity it last had: it may still wait for acknowledgement."""
        state = self.state
        other = state.severity[rows] != severity
        rows, severity = rows[other], severity[other]
        state.last_severity[rows] = state.severity[rows]
        state.severity[rows] = severity
        state.severity_time[rows] = time

    def _known_event(self, row: int, event_id: bytes) -> int:
        """Number of an event of this condition."""
        state = self.state
        if not state.enabled[row]:
            raise ConditionDisabledError
        number = int.from_bytes(event_id[8:], "big")
        if (
            event_id != self.event_id(row, number & 0xFFFF_FFFF_FFFF_FFFF)
            or not 0 < number <= state.event[row]
        ):
            raise UnknownEventError
        return number

    def _remark(self, row: int, comment: str | None, user: str, time: int) -> None:
        state = self.state
        state.user[row] = user
        if comment is not None:
            state.comment[row] = comment
            state.comment_time[row] = time

    def _tell(self, row: int, change: Change, time: int) -> Transitions:
        rows = np.array([row], np.intp)
        changes = np.zeros(self.index.size, np.uint32)
        changes[row] = change
        return self._emit(rows, changes, time)

    def _emit(self, rows: Index, change: NDArray[np.uint32], time: int) -> Transitions:
        """Number the events of `rows` and take the state that they tell."""
        state = self.state
        state.event[rows] = self._events + 1 + np.arange(len(rows))
        state.time[rows] = time
        self._events += len(rows)
        return Transitions(time, rows, change[rows], state.take(rows))
