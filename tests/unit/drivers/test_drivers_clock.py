"""Clocks of devices: which are believed, and what becomes of the values of one that is not."""

from __future__ import annotations

import numpy as np
import pytest

from drivers.deviceclock import ClockState, DeviceClocks
from drivers.mapfile import read_map
from drivers.registermap import TimeRegister
from drivers.registers import Plan, plan_of
from nodeset.index import TagIndex

NOW = 1_794_286_800  # s
LIMITS = TimeRegister(address=0, ahead=60, behind=300, frozen_after=120)


def one_clock(limits: TimeRegister = LIMITS) -> DeviceClocks:
    return DeviceClocks(limits, np.array([7]))


def judged(clocks: DeviceClocks, said: float, now: float) -> tuple[float, ClockState]:
    """Source time [s] and state for what one clock says at `now` [s]."""
    times = clocks.judge(np.array([said]), np.array([True]), round(now * 1e6))
    return times[0] / 1e6, ClockState(clocks.states[0])


@pytest.mark.parametrize(
    ("said", "state"),
    [
        (NOW, ClockState.BELIEVED),
        (NOW + 60, ClockState.BELIEVED),
        (NOW + 61, ClockState.WRONG),
        (NOW - 300, ClockState.BELIEVED),
        (NOW - 301, ClockState.WRONG),
        (0, ClockState.NONE),
        (np.nan, ClockState.NONE),
        (1, ClockState.WRONG),
        (2.0**63, ClockState.WRONG),
    ],
)
def test_a_clock_is_believed_within_its_limits_and_else_the_scan_s_time_counts(
    said: float, state: ClockState
) -> None:
    assert judged(one_clock(), said, NOW) == (said if state is ClockState.BELIEVED else NOW, state)


def test_local_time_is_taken_back_to_utc() -> None:
    limits = TimeRegister(address=0, utc_offset=7)
    assert judged(one_clock(limits), NOW + 7 * 3600, NOW) == (NOW, ClockState.BELIEVED)
    assert judged(one_clock(limits), NOW, NOW) == (NOW, ClockState.WRONG)


def test_a_clock_that_ticks_slower_than_the_scan_is_believed() -> None:
    clocks = one_clock()
    for now in range(NOW, NOW + 600, 5):
        cycle = now - (now - NOW) % 60  # a monitor that measures once a minute
        assert judged(clocks, cycle, now) == (cycle, ClockState.BELIEVED)


@pytest.mark.parametrize("said", [NOW, NOW - 86_400, 1])
def test_a_clock_that_stands_still_is_frozen_whatever_it_says_until_it_moves(said: int) -> None:
    clocks = one_clock()
    assert judged(clocks, said, NOW)[1] is not ClockState.FROZEN
    assert judged(clocks, said, NOW + 120)[1] is not ClockState.FROZEN
    assert judged(clocks, said, NOW + 121)[1] is ClockState.FROZEN
    assert judged(clocks, said, NOW + 10**6)[1] is ClockState.FROZEN
    assert judged(clocks, NOW + 10**6, NOW + 10**6) == (NOW + 10**6, ClockState.BELIEVED)


def test_a_clock_that_is_never_set_does_not_count_as_frozen() -> None:
    clocks = one_clock()
    for now in (NOW, NOW + 1000, NOW + 100_000):
        assert judged(clocks, 0, now) == (now, ClockState.NONE)


def test_what_becomes_of_a_clock_is_told_once() -> None:
    clocks = one_clock()
    judged(clocks, NOW, NOW)
    assert clocks.news() == {}
    judged(clocks, NOW, NOW + 121)
    assert clocks.news() == {"standing still": [7]}
    judged(clocks, NOW, NOW + 122)
    assert clocks.news() == {}
    clocks.judge(np.array([0.0]), np.array([False]), (NOW + 123) * 1_000_000)
    assert clocks.news() == {}
    judged(clocks, NOW + 124, NOW + 124)
    assert clocks.news() == {"right again": [7]}


@pytest.fixture
def modules(site_index: TagIndex) -> Plan:
    """Three modules of 15 inputs, in units 1 to 3."""
    return plan_of(site_index, read_map("modules-of-15"), 0)


def test_each_unit_s_values_have_its_time_and_those_of_a_frozen_one_are_left_out(
    site_index: TagIndex, modules: Plan
) -> None:
    clocks = modules.new_clocks()
    whole = np.ones(len(modules.requests), bool)
    n = modules.rows.size

    def scan(now: int, *said: int) -> dict[int, int]:
        """Source time [s] by unit, for what the units' clocks say at `now`."""
        image = modules.encode(np.ones(n), np.ones(n, bool))
        for request, each in zip(modules.requests, said, strict=True):
            image[request.offset : request.offset + 2] = divmod(each, 65_536)
        found = modules.decode(image, whole, now * 1_000_000, clocks)
        units = modules.units[np.isin(modules.rows, found.rows)]
        return dict(zip(units.tolist(), (found.time // 1_000_000).tolist(), strict=True))

    assert scan(NOW, NOW - 3, 0, NOW - 9000) == {1: NOW - 3, 2: NOW, 3: NOW}
    later = NOW + 200
    assert scan(later, NOW - 3, 0, NOW - 8800) == {2: later, 3: later}
    assert scan(later + 5, later, later, later) == dict.fromkeys((1, 2, 3), later)


def test_values_whose_clock_was_not_read_are_as_of_the_scan(modules: Plan) -> None:
    image = modules.encode(np.ones(modules.rows.size), np.ones(modules.rows.size, bool), NOW * 1_000_000)
    only = np.array([request.unit == 2 for request in modules.requests])
    found = modules.decode(image, only, (NOW + 9) * 1_000_000, modules.new_clocks())
    assert (found.time == NOW * 1_000_000).all()
    assert found.rows.size == 4
