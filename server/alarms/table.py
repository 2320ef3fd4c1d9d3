"""The alarm engine: one array step a scan for every condition of the fleet; pure, without I/O or clock.

What a condition compares is worked out by inputs.py, and which limits are exceeded by latching.py.
The condition's level is the outermost exceeded limit (Part 9, ExclusiveLimitAlarmType). Whatever makes it
worse (none to High, High to HighHigh, Low to High) asks for acknowledgement; what eases it does not.
A Bad input changes no level, nor does one whose sensor is doubted, which has a condition of its own: it is
told by the event's Quality, and a delay starts anew after it; any other Uncertain input is evaluated.
A condition that becomes active again while it waits for acknowledgement or confirmation leaves a branch; an
EventId speaks of the activation that the event told.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from nodeset.fleet import Index
from nodeset.frame import Frame
from server.alarms import shelving, suppression
from server.alarms.branches import MOST_BRANCHES, Branches
from server.alarms.definition import AlarmDef, ConditionIndex
from server.alarms.errors import (
    AlreadyAcknowledgedError,
    AlreadyConfirmedError,
    AlreadyDisabledError,
    AlreadyEnabledError,
    ConditionDisabledError,
    UnknownEventError,
)
from server.alarms.eventids import SIMULATED_EVENTS, EventIds, number_of
from server.alarms.inputs import Inputs
from server.alarms.latching import latch, usable_rows
from server.alarms.levels import regrade, release, relevel, requalify
from server.alarms.overrides import Override, resolve
from server.alarms.saving import Saved, pack, unpack
from server.alarms.state import AlarmState, Change, Flags, Transitions, first_state, nothing
from server.alarms.telling import Telling

_UNCHANGED = Change(0)
_CLEARED, _UNSHELVED, _SUPPRESSED, _UNSUPPRESSED = np.array(
    (Change.CLEARED, Change.UNSHELVED, Change.SUPPRESSED, Change.UNSUPPRESSED), np.uint32
)


class AlarmTable:
    """All conditions of a fleet: `state` and `branches`, and the step and calls that change them.

    Calls raise `AlarmError`. A comment of None leaves the one that is there, an empty one clears it.
    """

    def __init__(self, index: ConditionIndex, time: int, overrides: Sequence[Override] = ()) -> None:
        self.index = index
        self.limits = resolve(index, overrides)
        self.inputs = Inputs(index)
        mildest = np.where(self.limits.severity > 0, self.limits.severity, np.uint16(1001)).min(axis=1)
        self.state: AlarmState = first_state(mildest.astype(np.uint16), time)
        self.branches = Branches()
        self._explanations = suppression.Explanations(index)
        self.ids = EventIds()
        self._telling = Telling(self.state, self.branches, self.ids)

    def fork(self) -> AlarmTable:
        """A table of its own in the same state, of simulated conditions.

        It knows the EventIds that this one has given so far. Its own are unknown here, and to later forks.
        """
        other = copy(self)
        other.state = self.state.copy()
        other.inputs = self.inputs.fork()
        other.branches = self.branches.copy()
        other._explanations = copy(self._explanations)
        other.ids = self.ids.fork()
        other._telling = Telling(other.state, other.branches, other.ids)
        return other

    @property
    def simulated(self) -> bool:
        """Whether this is a fork."""
        return self.ids.simulated

    def adopt(self, other: AlarmTable, rows: Index) -> None:
        """Take the state of some conditions from another table of the fleet."""
        self.state.put(rows, other.state.take(rows))
        self.branches.replace(rows, other.branches)
        self.inputs.adopt(other.inputs, rows)

    def step(self, frame: Frame) -> Transitions:
        """Evaluate every condition against a scan's values; gives what changed."""
        state, time = self.state, frame.time
        measured = self.inputs.step(frame, state.level)
        usable = usable_rows(state, measured)
        rows, flipped = latch(state, self.limits, measured, usable, time)
        begun = self._branch_off(rows, time)
        np.copyto(state.value, measured.value, where=usable)
        change = requalify(state, measured.status, time)
        if len(rows):
            change[rows] |= relevel(state, self.limits, rows, flipped, time, self.ids.last + 1)
        self._hide(change, time)
        rows = np.flatnonzero(change)
        return begun.followed_by(self._telling.emit(rows, change[rows], time))

    # -- what operators do

    def acknowledge(
        self, row: int, event_id: bytes, comment: str | None, user: str, time: int
    ) -> Transitions:
        """Part 9, 5.7.3; a condition that asks for it has then to be confirmed."""
        state, at, number = self._told_by(row, event_id)
        if state.acked[at]:
            raise AlreadyAcknowledgedError
        if number < state.ack_from[at]:
            raise UnknownEventError
        state.acked[at] = True
        state.acked_time[at] = time
        if self._definition(row).confirm:
            state.confirmed[at] = False
            state.confirmed_time[at] = time
        return self._act(row, state, at, Change.ACKNOWLEDGED, comment, user, time)

    def confirm(self, row: int, event_id: bytes, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.7.4; only what is acknowledged can be confirmed."""
        state, at, number = self._told_by(row, event_id)
        if state.confirmed[at]:
            raise AlreadyConfirmedError
        if number < state.ack_from[at]:
            raise UnknownEventError
        state.confirmed[at] = True
        state.confirmed_time[at] = time
        return self._act(row, state, at, Change.CONFIRMED, comment, user, time)

    def add_comment(
        self, row: int, event_id: bytes, comment: str | None, user: str, time: int
    ) -> Transitions:
        """Part 9, 5.5.6."""
        state, at, _ = self._told_by(row, event_id)
        return self._act(row, state, at, Change.COMMENTED, comment, user, time)

    def enable(self, row: int, user: str, time: int) -> Transitions:
        """Part 9, 5.5.5: the next step evaluates the condition anew."""
        state = self.state
        if state.enabled[row]:
            raise AlreadyEnabledError
        state.enabled[row] = True
        state.enabled_time[row] = time
        state.user[row] = user
        return self._telling.one(row, Change.ENABLED, time)

    def disable(self, row: int, user: str, time: int) -> Transitions:
        """Part 9, 5.5.4: what is disabled has no state: nothing to acknowledge, no branches, not shelved."""
        state = self.state
        if not state.enabled[row]:
            raise AlreadyDisabledError
        rows = np.array([row], np.intp)
        self.branches.state.user[self.branches.of_row(row)] = user
        ended = self._telling.end_branches(rows, Change.DISABLED, time)
        state.enabled[row] = False
        self._rest(rows)
        state.enabled_time[row] = time
        state.user[row] = user
        if state.shelved[row]:
            shelving.end(state, rows, time)
        return ended.followed_by(self._telling.one(row, Change.DISABLED, time))

    def timed_shelve(self, row: int, duration: int, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.8.17.4, for a duration [µs]."""
        state, longest = self._enabled(row), self._definition(row).shelve_max
        shelving.shelve_timed(state, row, duration, longest, time)
        return self._act(row, state, row, Change.SHELVED, comment, user, time)

    def one_shot_shelve(self, row: int, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.8.17.6: until the condition has next been active."""
        state, longest = self._enabled(row), self._definition(row).shelve_max
        shelving.shelve_one_shot(state, row, longest, time)
        return self._act(row, state, row, Change.SHELVED, comment, user, time)

    def unshelve(self, row: int, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.8.17.2."""
        state = self._enabled(row)
        shelving.unshelve(state, row, time)
        return self._act(row, state, row, Change.UNSHELVED | Change.BY_USER, comment, user, time)

    def suppress(self, row: int, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.8.8."""
        state = self._enabled(row)
        change = Change.SUPPRESSED if suppression.suppress(state, row, time) else _UNCHANGED
        return self._act_if(row, change, comment, user, time)

    def unsuppress(self, row: int, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.8.10; also what is suppressed by design, until its cause has ended."""
        state = self._enabled(row)
        change = Change.UNSUPPRESSED if suppression.unsuppress(state, row, time) else _UNCHANGED
        return self._act_if(row, change, comment, user, time)

    def remove_from_service(self, row: int, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.8.12: somebody works at it."""
        return self._serve(row, Change.REMOVED_FROM_SERVICE, comment, user, time)

    def place_in_service(self, row: int, comment: str | None, user: str, time: int) -> Transitions:
        """Part 9, 5.8.14."""
        return self._serve(row, Change.PLACED_IN_SERVICE, comment, user, time)

    def configured(self, rows: Index, user: str, time: int) -> Transitions:
        """Limits of some conditions were set: severities of active ones follow, and the retained tell it.

        A limit that is there no more is exceeded no more from the next scan on, however long its off-delay.
        """
        rows = rows[self.state.retain[rows]]
        release(self.state, self.limits, rows, time)
        regrade(self.state, self.limits, rows, time)
        self.state.user[rows] = user
        return self._telling.emit(rows, np.full(len(rows), Change.CONFIGURED, np.uint32), time)

    # -- simulations

    def tell_again(self, rows: Index, time: int) -> Transitions:
        """What some conditions are, as news: they were not shown for a while."""
        return self._telling.again(rows, time)

    def close(self, rows: Index, plant: AlarmTable, time: int) -> Transitions:
        """End some simulated conditions: as the plant has them, but with nothing left to do."""
        ended = self._telling.end_branches(rows, Change.CLEARED, time)
        self.adopt(plant, rows)
        self.branches.remove(self.branches.of(rows))
        self._rest(rows)
        self.state.active_time[rows] = time
        return ended.followed_by(
            self._telling.emit(rows, np.full(len(rows), Change.CLEARED, np.uint32), time)
        )

    def told_simulated(self, rows: Index) -> Flags:
        """Which of some conditions have told anything that was simulated."""
        branches = self.branches
        told: Flags = self.state.event[rows] >= SIMULATED_EVENTS
        return told | np.isin(rows, branches.rows[branches.state.event >= SIMULATED_EVENTS])

    # -- what there is

    def of_interest(self) -> Index:
        """Rows of all conditions that are retained."""
        return np.flatnonzero(self.state.retain)

    def retained(self, rows: Index | None = None) -> Transitions:
        """What ConditionRefresh tells again, of every retained condition and branch (Part 9, 5.5.7).

        Of the conditions in `rows` alone, where they are given. Nothing changes.
        """
        rows = self.of_interest() if rows is None else rows[self.state.retain[rows]]
        now = Transitions(0, rows, np.zeros(len(rows), np.uint32), self.state.take(rows))
        if not len(self.branches):
            return now
        places = self.branches.of(rows)
        self.branches.follow(self.state, places)
        state = self.branches.state.take(places)
        before = Transitions(0, self.branches.rows[places], np.zeros(len(places), np.uint32), state)
        return before.followed_by(now)

    def snapshot(self, row: int) -> AlarmState:
        """The state of one condition, as arrays of length 1."""
        return self.state.take(np.array([row], np.intp))

    @property
    def unacknowledged(self) -> Flags:
        """Where a condition or one of its branches has still to be acknowledged."""
        where: Flags = np.logical_not(self.state.acked)
        where[self.branches.rows[self.branches.state.unacknowledged]] = True
        return where

    def waiting(self, row: int) -> list[bytes]:
        """EventIds that acknowledge all that waits for it: of a condition's branches, then of itself."""
        state, of = self.branches.state, self.branches.of_row(row) if self.state.enabled[row] else []
        identifier = self.index.identifier(row)
        found = [
            self.event_id_of(identifier, int(state.event[place]), int(state.branch[place]))
            for place in of
            if not state.acked[place]
        ]
        if not self.state.acked[row]:
            found.append(self.event_id_of(identifier, int(self.state.event[row])))
        return found

    def event_id(self, row: int, number: int) -> bytes:
        """EventId of a condition's own event: 16 bytes, never given twice."""
        return self.event_id_of(self.index.identifier(row), number)

    def event_id_of(self, identifier: str, number: int, branch: int = 0) -> bytes:
        """The same by the text of the condition's NodeId, or of one of its branches."""
        return self.ids.event_id(identifier, number, branch)

    # -- over a restart

    def kept(self) -> Transitions:
        """Conditions that are not in their first state, and all branches, as they are; nothing changed."""
        state = self.state
        hidden = (state.shelved != 0) | (state.suppressed != 0) | state.lifted | state.out_of_service
        rows = np.flatnonzero((state.event > 0) | ~state.enabled | (state.since > 0).any(axis=1) | hidden)
        self.branches.follow(state, np.arange(len(self.branches)))
        before = Transitions(0, rows, np.zeros(len(rows), np.uint32), state.take(rows))
        branches, unchanged = self.branches, np.zeros(len(self.branches), np.uint32)
        return before.followed_by(Transitions(0, branches.rows, unchanged, branches.state.copy()))

    def save(self) -> Saved:
        """All state as arrays without Python objects, by identifier, for a file that outlives the process."""
        kept = self.kept()
        return {
            **pack(self.index, kept.rows, kept.state),
            **self.inputs.save(),
            "nonce": np.frombuffer(self.ids.nonce, np.uint8),
            "events": np.array(self.ids.last, np.int64),
        }

    def restore(self, saved: Saved) -> int:
        """Take up what `save` gave; how many conditions were found again. Others keep their first state.

        A condition whose active limit is configured no more starts anew, too. KeyError: not from `save`.
        """
        rows, state = unpack(self.index, saved)
        self.inputs.restore(saved)
        self.replay(rows, state)
        self.ids.resume(saved["nonce"].tobytes(), max(int(saved["events"]), self.ids.last))
        own = state.branch == 0
        return int((own & self._fits(rows, state)).sum())

    def replay(self, rows: Index, state: AlarmState) -> None:
        """Put back what was told after the last save, in its order: the last of each row and branch counts.

        Numbers of events go on after the highest; a condition whose active limit is configured no more is
        left as it is.
        """
        fits = self._fits(rows, state)
        own = np.flatnonzero(fits & (state.branch == 0))
        self.state.put(rows[own], state.take(own))
        branches = np.flatnonzero(fits & (state.branch != 0))
        self.branches.replay(rows[branches], state.take(branches))
        self._free_of_confirmation()
        self.state.branches[:] = np.bincount(self.branches.rows, minlength=self.index.size)
        self.ids.last = max(self.ids.last, int(state.event.max(initial=0)))

    def _fits(self, rows: Index, state: AlarmState) -> Flags:
        """Where no limit is exceeded that there is no more."""
        gone = state.latched & np.isnan(self.limits.signed[rows])
        fits: Flags = np.logical_not(gone.any(axis=1))
        return fits

    def _free_of_confirmation(self) -> None:
        """What was left to confirm is not, where the configuration does not ask for it any more."""
        branches = self.branches
        for d, rows in self.index.spans():
            if not d.confirm:
                self.state.confirmed[rows] = True
                branches.state.confirmed[(branches.rows >= rows.start) & (branches.rows < rows.stop)] = True
        branches.remove(np.flatnonzero(~branches.state.retain))

    # -- the step

    def _branch_off(self, rows: Index, time: int) -> Transitions:
        """Leave a branch of each of `rows`, whose limits flipped, that is about to become active once more.

        What it was goes on there with its comment; the condition itself starts anew.
        """
        state = self.state
        waits = ~(state.acked[rows] & state.confirmed[rows]) & (state.branches[rows] < MOST_BRANCHES)
        rows = rows[waits & (state.level[rows] == 0) & state.latched[rows].any(axis=1)]
        if not len(rows):
            return nothing(time)
        before = state.take(rows)
        before.latched[:] = False
        before.since[:] = 0
        before.branches[:] = 0
        before.time[:] = time
        before.event[:] = before.branch[:] = self.ids.take(len(rows))
        self.branches.add(rows, before)
        state.branches[rows] += 1
        state.comment[rows] = state.user[rows] = ""
        state.comment_time[rows] = time
        return Transitions(time, rows, np.full(len(rows), Change.BRANCHED, np.uint32), before)

    def _hide(self, change: NDArray[np.uint32], time: int) -> None:
        """End what shelving is over, suppress by design, and add to `change` what is to be told."""
        state = self.state
        over = shelving.expire(state, np.flatnonzero(change & _CLEARED), time)
        change[over[state.enabled[over]]] |= _UNSHELVED
        rows = suppression.suppress_by_design(state, self._explanations.step(state, time), time)
        rows = rows[state.retain[rows] | (change[rows] != 0)]  # of others nobody knows
        suppressed = state.suppressed[rows] != 0
        change[rows] |= np.where(suppressed, _SUPPRESSED, _UNSUPPRESSED)

    # -- calls

    def _definition(self, row: int) -> AlarmDef:
        return self.index.locate(row)[0]

    def _enabled(self, row: int) -> AlarmState:
        if not self.state.enabled[row]:
            raise ConditionDisabledError
        return self.state

    def _told_by(self, row: int, event_id: bytes) -> tuple[AlarmState, int, int]:
        """The state that an event told, as arrays and a place in them, and the number of the event."""
        state, branches = self._enabled(row), self.branches
        number, identifier = number_of(event_id), self.index.identifier(row)
        if 0 < number <= state.event[row] and event_id == self.event_id_of(identifier, number):
            place = branches.of_event(row, number)
            return (state, row, number) if place is None else (branches.state, place, number)
        for place in branches.of_row(row):
            branch, last = int(branches.state.branch[place]), branches.state.event[place]
            if branch <= number <= last and event_id == self.event_id_of(identifier, number, branch):
                return branches.state, place, number
        raise UnknownEventError

    def _act(
        self, row: int, state: AlarmState, at: int, change: Change, comment: str | None, user: str, time: int
    ) -> Transitions:
        """Tell what a user did to a condition or, where `state` is that of the branches, to one of these."""
        state.user[at] = user
        if comment is not None:
            state.comment[at] = comment
            state.comment_time[at] = time
        tell = self._telling.one if state is self.state else self._telling.branch
        return tell(at, change, time)

    def _act_if(self, row: int, change: Change, comment: str | None, user: str, time: int) -> Transitions:
        """The same to a condition, where there is a change, or at least a comment."""
        if not change and comment is None:
            return nothing(time)
        change = change | Change.BY_USER if change else Change.COMMENTED
        return self._act(row, self.state, row, change, comment, user, time)

    def _serve(self, row: int, change: Change, comment: str | None, user: str, time: int) -> Transitions:
        state, out = self._enabled(row), change is Change.REMOVED_FROM_SERVICE
        if state.out_of_service[row] == out:
            return self._act_if(row, _UNCHANGED, comment, user, time)
        state.out_of_service[row] = out
        state.service_time[row] = time
        return self._act_if(row, change, comment, user, time)

    def _rest(self, rows: Index) -> None:
        """Inactive, with nothing to acknowledge or confirm."""
        state = self.state
        state.latched[rows] = False
        state.since[rows] = 0
        state.level[rows] = 0
        state.acked[rows] = state.confirmed[rows] = True
        state.branches[rows] = 0
