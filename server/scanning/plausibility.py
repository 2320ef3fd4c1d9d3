"""Which readings physics allows (V4): verdicts on the sensors of the whole fleet, in one step a scan; pure.

A reading beyond its limits is believed when it came there by a path that is possible in the time that it
took: what runs away is the truth and an alarm, what jumps is a broken sensor. A jump within the limits is
doubted, unless the whole string made it or its electric loop explains it. A sensor that was judged is
believed again after some plausible readings, so a loose one does not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from nodeset import status as st
from nodeset.fleet import Index
from nodeset.frame import Frame
from nodeset.tags import SensorState
from server.scanning.loops import OPEN_SHARE, Loops
from server.scanning.physics import HOLE, PLAUSIBLE_SCANS, PLAUSIBLE_TIME, WINDOW, Measurements
from server.scanning.siblings import Siblings

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_MICROSECONDS: Final = 1e6
_COMPANY: Final = 3  # jars that make a median worth asking


@dataclass
class Memory:
    """What is remembered of every judged row: verdict, last value that was believed and when [µs], and the
    one at the begin of a window; the reading that is watched since, how many in a row were plausible and
    since when; refusals in a row."""

    verdict: NDArray[np.int8]
    believed: Floats
    believed_at: NDArray[np.int64]
    anchor: Floats
    anchor_at: NDArray[np.int64]
    watched: Floats
    watched_at: NDArray[np.int64]
    steady: NDArray[np.int32]
    steady_since: NDArray[np.int64]
    refused: NDArray[np.int32]

    @classmethod
    def of(cls, size: int) -> Memory:
        """Nothing known yet."""
        nothing, never = np.full(size, np.nan), np.zeros(size, np.int64)
        count = np.zeros(size, np.int32)
        return cls(
            np.zeros(size, np.int8),
            nothing,
            never,
            nothing.copy(),
            never.copy(),
            nothing.copy(),
            never.copy(),
            count,
            never.copy(),
            count.copy(),
        )

    def fork(self) -> Memory:
        """One of its own."""
        return Memory(*(getattr(self, field.name).copy() for field in fields(self)))

    def adopt(self, other: Memory, where: Flags) -> None:
        """Take some rows of another."""
        for field in fields(self):
            np.copyto(getattr(self, field.name), getattr(other, field.name), where=where)

    def believe(self, rows: Index, value: Floats, time: int) -> None:
        """Take readings as true."""
        self.verdict[rows] = SensorState.NORMAL
        self.believed[rows] = self.anchor[rows] = value
        self.believed_at[rows] = self.anchor_at[rows] = time

    def suspect(self, rows: Index, value: Floats, time: int, verdict: Flags | int) -> None:
        """Judge sensors, and watch their readings from now on."""
        self.verdict[rows] = verdict
        self.watched[rows] = value
        self.watched_at[rows] = self.steady_since[rows] = time
        self.steady[rows] = 1


class Plausibility:
    """Verdicts of all judged rows; `memory` is aligned with `measurements`."""

    def __init__(self, measurements: Measurements, siblings: Siblings, jars: int) -> None:
        self._m = measurements
        self._siblings = siblings
        self._jars = jars
        self.memory = Memory.of(len(measurements.rows))

    def resume(self, last: Frame) -> None:
        """Believe what a frame before the first scan knows."""
        rows, memory = self._m.rows, self.memory
        memory.believed[:] = np.where(st.is_bad(last.status[rows]), np.nan, last.value[rows])
        memory.believed_at[:] = last.source_time[rows]
        memory.anchor[:], memory.anchor_at[:] = memory.believed, memory.believed_at

    def fork(self) -> Plausibility:
        """One of its own that remembers the same."""
        other = Plausibility(self._m, self._siblings, self._jars)
        other.memory = self.memory.fork()
        return other

    def judge(self, frame: Frame, fresh: Flags, loops: Loops) -> None:
        """Judge the readings of the rows, of all, that are `fresh`, and set the statuses of the doubted."""
        m, memory, time = self._m, self.memory, frame.time
        value, status = frame.value[m.rows], frame.status[m.rows]
        here = fresh[m.rows]
        good = here & st.is_good(status)
        refused = here & ~good
        if refused.any():
            refused &= ~st.is_unmeasured(status)
        if refused.any() or memory.refused.any():
            self._count_refusals(refused, good, value, time)
        near = np.abs(value - memory.believed) <= self._reach(memory.believed_at, time)
        slow = np.abs(value - memory.anchor) <= self._reach(memory.anchor_at, time)
        plain = good & near & slow & (memory.verdict == SensorState.NORMAL)
        odd = np.flatnonzero(good & ~plain)
        if odd.size:
            self._weigh(odd, value, near, good, time, loops)
        np.copyto(memory.believed, value, where=plain)
        np.copyto(memory.believed_at, time, where=plain)
        self._move_window(plain, time)
        self._tell(frame, good)

    def _move_window(self, plain: Flags, time: int) -> None:
        memory = self.memory
        over = plain & (time - memory.anchor_at >= WINDOW * _MICROSECONDS)
        np.copyto(memory.anchor, memory.believed, where=over)
        np.copyto(memory.anchor_at, time, where=over)

    def _tell(self, frame: Frame, good: Flags) -> None:
        judged = np.flatnonzero(good & (self.memory.verdict != SensorState.NORMAL))
        failed = self.memory.verdict[judged] == SensorState.FAILED
        frame.status[self._m.rows[judged]] = np.where(
            failed, st.BAD_SENSOR_FAILURE, st.UNCERTAIN_SENSOR_NOT_ACCURATE
        )

    def _reach(self, since: NDArray[np.int64], time: int, rows: Index | slice = slice(None)) -> Floats:
        """How far readings can have moved in the time since `since` [µs]."""
        seconds = np.minimum(np.maximum(time - since, 0) / _MICROSECONDS, HOLE)
        reach: Floats = self._m.step[rows] + self._m.rate[rows] * seconds
        return reach

    def _count_refusals(self, refused: Flags, good: Flags, value: Floats, time: int) -> None:
        """A sensor that its device called broken for some scans is watched when it is back."""
        memory = self.memory
        back = np.flatnonzero(good & (memory.refused >= PLAUSIBLE_SCANS))
        if back.size:
            back = back[memory.verdict[back] == SensorState.NORMAL]
            memory.suspect(back, value[back], time, SensorState.SUSPECT)
        memory.refused += refused
        memory.refused[good] = 0

    def _weigh(self, odd: Index, value: Floats, near: Flags, good: Flags, time: int, loops: Loops) -> None:
        """Judge the rows that are not plainly right; those that are `near` moved too far over the window."""
        m, memory = self._m, self.memory
        new = memory.verdict[odd] == SensorState.NORMAL
        inside = (value >= m.low) & (value <= m.high)  # NaN is not
        first = odd[new]
        unknown = np.isnan(memory.believed[first])
        excused = np.zeros(len(first), np.bool_)
        for over_window, start, since in (
            (False, memory.believed, memory.believed_at),
            (True, memory.anchor, memory.anchor_at),
        ):
            meant = near[first] == over_window
            if meant.any():
                found = self._excused(value - start, self._reach(since, time), good, loops, inside)
                excused |= meant & found[first]
        fine = np.where(inside[first], unknown | m.jumps[first] | excused, excused & ~unknown)
        memory.believe(first[fine], value[first[fine]], time)
        faulty = first[~fine]
        verdict = np.where(inside[faulty], SensorState.SUSPECT, SensorState.FAILED)
        memory.suspect(faulty, value[faulty], time, verdict)
        self._watch(odd[~new], value, inside, time)

    def _watch(self, rows: Index, value: Floats, inside: Flags, time: int) -> None:
        """Follow sensors that were judged, until they have been plausible for long enough."""
        m, memory = self._m, self.memory
        rows = rows[(memory.verdict[rows] != SensorState.STUCK) | (value[rows] != memory.watched[rows])]
        reading = value[rows]
        step = np.abs(reading - memory.watched[rows])
        steady = inside[rows] & (step <= self._reach(memory.watched_at[rows], time, rows))
        steady &= memory.verdict[rows] != SensorState.STUCK  # which has just begun to move
        memory.steady[rows] = np.where(steady, memory.steady[rows] + 1, inside[rows])
        memory.steady_since[rows] = np.where(steady, memory.steady_since[rows], time)
        memory.watched[rows], memory.watched_at[rows] = reading, time
        home = np.abs(reading - memory.believed[rows]) <= m.step[rows]
        needed = np.where(home, PLAUSIBLE_TIME, m.settle[rows]) * _MICROSECONDS
        well = (memory.steady[rows] >= PLAUSIBLE_SCANS) & (time - memory.steady_since[rows] >= needed)
        memory.verdict[rows] = np.where(inside[rows], SensorState.SUSPECT, SensorState.FAILED)
        memory.believe(rows[well], reading[well], time)

    def _excused(self, change: Floats, reach: Floats, good: Flags, loops: Loops, inside: Flags) -> Flags:
        """Where a jar's jump is not its sensor's: its string made it too, or its loop explains it."""
        string, jars = self._siblings.string, self._jars
        company = good & (self.memory.verdict == SensorState.NORMAL)
        reach[:jars] += loops.drop(string)
        excused = np.zeros(len(change), np.bool_)
        for part in (slice(0, jars), slice(jars, 2 * jars)):  # voltage, temperature
            members = np.where(company[part], change[part], np.nan)
            common = self._siblings.median(members, _COMPANY)[string]
            own = np.abs(change[part] - common)
            # Within the limits only: a monitor that fails as a whole is no string that jumps.
            excused[part] = inside[part] & (own <= reach[part])
            if part.start == 0:
                jumped = np.abs(change[part])
                excused[part] |= jumped <= reach[part]
                excused[part] |= (own > np.abs(common)) & (loops.opened[string] <= OPEN_SHARE * jumped)
        return excused
