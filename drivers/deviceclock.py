"""The clocks of devices that say when they measured: whether each is believed, and what its values' time is.

Four cases, judged at each scan, the first that applies:

1. no time (0, or the no-data value): the device does not know it. Its values are as of the scan.
2. frozen (the same time for longer than `frozen_after`): the device hangs or measures no more. Its values
   are not new, whatever they say; they are left out, and age as V3 has it.
3. wrong (farther from our time than `ahead` or `behind`): a clock that nobody has set, yet it runs. Its
   values are as of the scan.
4. believed: its values are as of the device's time.

Nothing here reads a clock: the time of the scan is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.codec import Floats
from drivers.registermap import TimeRegister
from nodeset.fleet import Index

Flags = NDArray[np.bool_]
Times = NDArray[np.int64]

_SECOND = 1_000_000


class ClockState(IntEnum):
    """What is made of a device's clock."""

    BELIEVED = 0
    NONE = 1
    FROZEN = 2
    WRONG = 3


_SAID: Final = {
    ClockState.BELIEVED: "right again",
    ClockState.NONE: "not set",
    ClockState.FROZEN: "standing still",
    ClockState.WRONG: "wrong",
}


@dataclass
class DeviceClocks:
    """What a gateway's driver remembers of its devices' clocks from scan to scan; `unit` is each one's."""

    limits: TimeRegister
    unit: Index
    states: NDArray[np.int64] = field(init=False)
    _told: NDArray[np.int64] = field(init=False)
    _last: Floats = field(init=False)
    _since: Times = field(init=False)

    def __post_init__(self) -> None:
        self.states = np.zeros(self.unit.size, np.int64)
        self._told = self.states
        self._last = np.full(self.unit.size, np.nan)
        self._since = np.zeros(self.unit.size, np.int64)

    def news(self) -> dict[str, list[int]]:
        """Units whose clocks became something else since the last call, by what they are now."""
        changed = np.flatnonzero(self.states != self._told)
        self._told = self.states
        found: dict[str, list[int]] = {}
        for clock in changed:
            found.setdefault(_SAID[ClockState(self.states[clock])], []).append(int(self.unit[clock]))
        return {said: sorted(set(units)) for said, units in found.items()}

    def judge(self, seconds: Floats, heard: Flags, now: int) -> Times:
        """Source time of each clock's values [µs]; states are those of now.

        `seconds` since 1970 as the devices say, NaN for none; `heard` where one has answered; `now` is the
        scan's time [µs].
        """
        known = heard & (seconds > 0.0)
        moved = known & (seconds != self._last)
        self._last[moved] = seconds[moved]
        self._since[moved] = now
        frozen = known & (now - self._since > self.limits.frozen_after * _SECOND)
        stamp = np.where(known, seconds, 0.0) - self.limits.utc_offset * 3600.0
        ahead = stamp - now / _SECOND
        wrong = (ahead > self.limits.ahead) | (ahead < -self.limits.behind)
        states = np.select(
            [~known, frozen, wrong],
            [ClockState.NONE, ClockState.FROZEN, ClockState.WRONG],
            default=int(ClockState.BELIEVED),
        )
        self.states = np.where(heard, states, self.states)
        believed = states == ClockState.BELIEVED
        return np.where(believed, np.round(np.where(believed, stamp, 0.0) * _SECOND).astype(np.int64), now)
