"""The state of all conditions as arrays, one row a condition; and what a step or a call changed in it.

Times are microseconds since 1970 (UTC), 0 for never. `AlarmState.take` copies rows out: what it gives
stays as it is while the table goes on, so an event can be built from it at any later moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import Index
from server.alarms.definition import LIMIT_LEVELS

Flags = NDArray[np.bool_]
Times = NDArray[np.int64]


class Change(IntFlag):
    """What happened to a condition."""

    ACTIVATED = 1
    CLEARED = 2
    LEVEL = 4
    QUALITY = 8
    ACKNOWLEDGED = 16
    COMMENTED = 32
    ENABLED = 64
    DISABLED = 128
    CONFIRMED = 256
    SHELVED = 512
    UNSHELVED = 1024
    SUPPRESSED = 2048
    UNSUPPRESSED = 4096
    REMOVED_FROM_SERVICE = 8192
    PLACED_IN_SERVICE = 16384
    CONFIGURED = 32768
    BRANCHED = 65536  # of a branch: it began; of the condition itself: the last of its branches has ended
    BY_USER = 131072  # with what could happen by itself: by the call of a user, who is in the state


class Shelving(IntEnum):
    """State of a ShelvedStateMachineType (Part 9, 5.8.17)."""

    UNSHELVED = 0
    ONE_SHOT = 1
    TIMED = 2


class Suppression(IntFlag):
    """Why a condition is suppressed (Part 9, 5.8.2); several may hold at once."""

    BY_OPERATOR = 1  # by the method Suppress
    BY_DESIGN = 2  # by the cause that its definition names


@dataclass(frozen=True)
class AlarmState:
    """Columns over rows; `latched` and `since` have shape (rows, 4), a column a limit, the rest (rows,).

    `since` is when a limit began to ask for a change that its delay still holds back. `event` counts the
    condition's last event, `ack_from` the one that asked for acknowledgement; 0 is none. `branch` is 0
    for the condition itself, and for a branch the number of the event that it began with; `branches` counts
    those that a condition has. `lifted` is where an operator has ended a suppression by design for as long
    as its cause lasts.
    """

    enabled: Flags
    latched: Flags
    since: Times
    level: NDArray[np.int8]
    acked: Flags
    severity: NDArray[np.uint16]
    last_severity: NDArray[np.uint16]
    quality: NDArray[np.uint32]
    value: NDArray[np.float64]
    event: NDArray[np.int64]
    ack_from: NDArray[np.int64]
    time: Times
    active_time: Times
    acked_time: Times
    enabled_time: Times
    quality_time: Times
    severity_time: Times
    comment_time: Times
    confirmed: Flags
    confirmed_time: Times
    shelved: NDArray[np.int8]
    shelved_time: Times
    shelved_until: Times
    suppressed: NDArray[np.uint8]
    suppressed_time: Times
    lifted: Flags
    out_of_service: Flags
    service_time: Times
    branch: NDArray[np.int64]
    branches: NDArray[np.uint8]
    comment: NDArray[np.object_]
    user: NDArray[np.object_]

    @property
    def active(self) -> Flags:
        """Where the condition is active."""
        active: Flags = self.level != 0
        return active

    @property
    def unacknowledged(self) -> Flags:
        """Where an operator has still to acknowledge."""
        return ~self.acked

    @property
    def retain(self) -> Flags:
        """Where the condition is of interest to a client: as long as it has branches, too (Part 9, B.1.3)."""
        return self.enabled & (self.active | ~self.acked | ~self.confirmed | (self.branches > 0))

    def take(self, rows: Index | slice) -> AlarmState:
        """A copy of some rows, in their order; a view of them where they are a slice."""
        return AlarmState(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def copy(self) -> AlarmState:
        """All of it, for somebody else to change."""
        return AlarmState(**{f.name: getattr(self, f.name).copy() for f in fields(self)})

    def followed_by(self, other: AlarmState) -> AlarmState:
        """A copy of these rows, and after them those of another."""
        return AlarmState.joined((self, other))

    @classmethod
    def joined(cls, states: Sequence[AlarmState]) -> AlarmState:
        """A copy of the rows of all, one after the other."""
        return cls(**{f.name: np.concatenate([getattr(s, f.name) for s in states]) for f in fields(cls)})

    def put(self, rows: Index, other: AlarmState) -> None:
        """Set some rows from another state, whose rows are these in this order."""
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(other, f.name)


@dataclass(frozen=True)
class Transitions:
    """What changed at `time` [µs]: rows, `Change` bits of each, and the state that each then had."""

    time: int
    rows: Index
    change: NDArray[np.uint32]
    state: AlarmState

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, start: int, stop: int) -> Transitions:
        """Some of them, in order."""
        return self.where(slice(start, stop))

    def where(self, some: Index | slice) -> Transitions:
        """Some of them, by their place."""
        return Transitions(self.time, self.rows[some], self.change[some], self.state.take(some))

    def followed_by(self, later: Transitions) -> Transitions:
        """These, and after them others of the same time."""
        if not len(later):
            return self
        if not len(self):
            return later
        return Transitions(
            self.time,
            np.concatenate((self.rows, later.rows)),
            np.concatenate((self.change, later.change)),
            self.state.followed_by(later.state),
        )


def first_state(severity: NDArray[np.uint16], time: int) -> AlarmState:
    """Every condition enabled, inactive and acknowledged; `severity` is what it starts with."""
    n, k = len(severity), len(LIMIT_LEVELS)

    def never() -> Times:
        return np.zeros(n, np.int64)

    return AlarmState(
        enabled=np.ones(n, np.bool_),
        latched=np.zeros((n, k), np.bool_),
        since=np.zeros((n, k), np.int64),
        level=np.zeros(n, np.int8),
        acked=np.ones(n, np.bool_),
        severity=severity.copy(),
        last_severity=severity.copy(),
        quality=np.full(n, st.BAD_WAITING_FOR_INITIAL_DATA, np.uint32),
        value=np.full(n, np.nan),
        event=never(),
        ack_from=never(),
        time=never(),
        active_time=never(),
        acked_time=never(),
        enabled_time=np.full(n, time, np.int64),
        quality_time=np.full(n, time, np.int64),
        severity_time=np.full(n, time, np.int64),
        comment_time=never(),
        confirmed=np.ones(n, np.bool_),
        confirmed_time=never(),
        shelved=np.zeros(n, np.int8),
        shelved_time=never(),
        shelved_until=never(),
        suppressed=np.zeros(n, np.uint8),
        suppressed_time=never(),
        lifted=np.zeros(n, np.bool_),
        out_of_service=np.zeros(n, np.bool_),
        service_time=never(),
        branch=never(),
        branches=np.zeros(n, np.uint8),
        comment=np.full(n, "", np.object_),
        user=np.full(n, "", np.object_),
    )


_NO_ROWS: Index = np.empty(0, np.intp)
_NO_STATE = first_state(np.empty(0, np.uint16), 0)


def nothing(time: int) -> Transitions:
    """No transitions."""
    return Transitions(time, _NO_ROWS, np.empty(0, np.uint32), _NO_STATE)
