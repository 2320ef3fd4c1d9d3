"""Sums and counts of strings, sites and the fleet, against plain Python (V2)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from alarmplant import small_fleet
from hypothesis import given
from hypothesis import strategies as some

from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame, first_frame
from nodeset.index import TagIndex
from nodeset.tags import Health
from server.scanning import totals

JAR, STRING, SITE, FLEET = AssetType.JAR, AssetType.STRING, AssetType.SITE, AssetType.FLEET
CODES = (st.GOOD, st.UNCERTAIN_LAST_USABLE_VALUE, st.BAD_NO_COMMUNICATION)
JARS = 6  # of two strings, each of a site of its own
INDEX = TagIndex(small_fleet(JARS // 2))
volts = some.lists(some.sampled_from((11.5, 13.0, 13.25, 13.5)), min_size=JARS, max_size=JARS)
codes = some.lists(some.sampled_from(CODES), min_size=JARS, max_size=JARS)


def frame() -> Frame:
    made = first_frame(INDEX, 1)
    made.status[:] = st.GOOD
    return made


@given(volts, codes)
def test_strings_are_the_sum_of_their_jars(voltage: list[float], status: list[int]) -> None:
    it = frame()
    it.put(JAR, "Voltage", np.array(voltage), np.array(status, np.uint32))
    totals.add_up_strings(it)
    for string in range(2):
        mine = slice(string * 3, string * 3 + 3)
        assert it.column(STRING, "Voltage")[string] == sum(voltage[mine])
        assert it.column_status(STRING, "Voltage")[string] == max(status[mine])
        usable = [
            (v, i)
            for i, v in enumerate(voltage)
            if string * 3 <= i < string * 3 + 3 and status[i] != CODES[2]
        ]
        low, high = it.column(STRING, "JarVoltageMin")[string], it.column(STRING, "JarVoltageMax")[string]
        spread, weakest = (
            it.column(STRING, "JarVoltageSpread")[string],
            it.column(STRING, "WeakestJar")[string],
        )
        if usable:
            assert (low, high) == (min(usable)[0], max(usable)[0])
            assert spread == high - low
            assert weakest == min(usable)[1]
            assert it.column_status(STRING, "WeakestJar")[string] == min(status[mine])
        else:
            assert all(math.isnan(x) for x in (low, high, spread, weakest))
            assert it.column_status(STRING, "WeakestJar")[string] == CODES[2]


@given(some.lists(some.sampled_from(list(Health)), min_size=JARS, max_size=JARS), codes)
def test_jars_are_counted_once_each(health: list[Health], status: list[int]) -> None:
    it = frame()
    it.put(JAR, "HealthStatus", np.array(health, np.float64))
    it.put(JAR, "Voltage", 13.0, np.array(status, np.uint32))
    totals.count_jars(it)
    names = {
        "HealthyJars": Health.HEALTHY,
        "WarningJars": Health.WARNING,
        "CriticalJars": Health.CRITICAL,
        "UnknownJars": Health.UNKNOWN,
    }
    for name, kind in names.items():
        by_site = [health[:3].count(kind), health[3:].count(kind)]
        assert it.column(SITE, name).tolist() == by_site
        assert it.column(FLEET, name)[0] == sum(by_site)
    assert it.column(FLEET, "Jars")[0] == JARS
    fresh = sum(code == st.GOOD for code in status)
    assert it.column(FLEET, "FreshDataShare")[0] == pytest.approx(100 * fresh / JARS)


@given(
    some.lists(some.floats(0, 100.9), min_size=JARS, max_size=JARS),
    codes,
)
def test_means_and_distributions_are_of_what_is_known(soh: list[float], status: list[int]) -> None:
    it = frame()
    it.put(JAR, "StateOfHealth", np.array(soh), np.array(status, np.uint32))
    totals.count_jars(it)
    known = [value for value, code in zip(soh, status, strict=True) if code != CODES[2]]
    bins = [t.name for t in INDEX.tags if t.asset is FLEET and t.name.startswith("StateOfHealthFrom")]
    assert sum(it.column(FLEET, name)[0] for name in bins) == len(known)
    mean = it.column(FLEET, "MeanStateOfHealth")[0]
    if known:
        assert mean == pytest.approx(sum(known) / len(known))
    else:
        assert math.isnan(mean)
        assert it.column_status(FLEET, "MeanStateOfHealth")[0] == st.BAD_WAITING_FOR_INITIAL_DATA


def test_jars_carry_the_current_of_their_string() -> None:
    it = frame()
    it.put(STRING, "Current", np.array([1.5, -2.0]), np.array([st.GOOD, st.BAD_DEVICE_FAILURE], np.uint32))
    totals.share_current(it)
    assert it.column(JAR, "Current").tolist() == [1.5] * 3 + [-2.0] * 3
    assert it.column_status(JAR, "Current").tolist() == [st.GOOD] * 3 + [st.BAD_DEVICE_FAILURE] * 3
