"""Days of the fleet from roll-ups: means, extremes and discharges as readings and outages have them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from rollupbench import JAR, START, Bench

from analytics.history import Days
from analytics.parameters import Parameters
from analytics.windows import YEAR
from historian.connections import connect
from historian.due import HOUR
from historian.maintenance import Maintenance, Work, add_maintenance
from historian.outages import add_outages
from historian.rolledup import DAY
from historian.rows import scan_of
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from server.learning.days import RecentDays, recent_days, units_at

FIRST = START // DAY  # of the days that have readings


@pytest.fixture
async def bench(either: str, small_index: TagIndex) -> AsyncIterator[Bench]:
    async with Bench.open(either, small_index) as bench:
        yield bench


async def write(bench: Bench, time: int, voltage: float, temperature: float, status: int = st.GOOD) -> None:
    frame = bench.frame(time)
    values, statuses = frame.value.copy(), frame.status.copy()
    for asset, name, value in (
        (AssetType.JAR, "Temperature", temperature),
        (AssetType.JAR, "InternalResistance", 3.5),
        (AssetType.SYSTEM, "Load", 8.0),
    ):
        values[bench.index.slice(asset, name)] = value
    row = bench.row("Voltage")
    values[row], statuses[row] = voltage, status
    table = type(frame)(bench.index, 0, time, values, statuses, frame.source_time.copy())
    await bench.store.write(scan_of(table.freeze(), bench.ids))


async def days(bench: Bench, day: int) -> Days:
    async with await connect(bench.conninfo) as connection:
        fleet = bench.index.fleet
        found, units = await recent_days(connection, fleet, Parameters.of(fleet), day)
    assert (found.first, found.count) == (day - YEAR, YEAR)
    assert units.site_offset.shape == (len(fleet.jars),)
    return found


def jar(bench: Bench) -> int:
    return bench.index.fleet.index_of[JAR][1]


async def test_a_day_is_told_by_its_good_readings(bench: Bench) -> None:
    await write(bench, START, 13.5, 24.0)
    await write(bench, START + 5 * HOUR, 13.7, 29.0)
    await write(bench, START + 9 * HOUR, 14.9, 25.0, st.UNCERTAIN_LAST_USABLE_VALUE)
    await write(bench, START + DAY, 13.6, 26.0)
    await bench.roll(START + 2 * DAY)
    found, i = await days(bench, FIRST + 2), jar(bench)
    assert found.voltage[-2:, i] == pytest.approx([13.6, 13.6], abs=1e-3)
    assert found.temperature[-2:, i] == pytest.approx([26.0, 26.0], abs=1e-3)
    assert found.temperature_min[-2:, i] == pytest.approx([24.0, 26.0])
    assert found.temperature_max[-2:, i] == pytest.approx([29.0, 26.0])
    assert found.resistance[-2:, i] == pytest.approx([3.5, 3.5], abs=1e-3)
    assert np.isnan(found.voltage[:-2]).all()
    assert np.isnan(found.discharges[:-2]).all()
    assert (found.discharges[-2:] == 0).all()


async def test_a_day_that_is_not_rolled_up_yet_is_told_by_its_hours(bench: Bench) -> None:
    await write(bench, START, 13.5, 24.0)
    await write(bench, START + DAY, 13.6, 25.0)
    await write(bench, START + DAY + 2 * HOUR, 13.7, 27.0)
    await bench.roll(START + DAY + 4 * HOUR)  # the second day's hours, but not the day
    found, i = await days(bench, FIRST + 2), jar(bench)
    assert found.temperature[-2:, i] == pytest.approx([24.0, 26.0], abs=1e-3)
    assert found.temperature_max[-1, i] == pytest.approx(27.0)


async def test_without_any_roll_up_all_is_unknown(bench: Bench) -> None:
    found = await days(bench, FIRST)
    for array in (found.voltage, found.temperature, found.resistance, found.discharges):
        assert np.isnan(array).all()


async def test_what_was_read_of_a_day_is_kept_but_for_late_days(bench: Bench) -> None:
    for day in range(6):
        await write(bench, START + day * DAY, 13.5, 20.0 + day)
    await bench.roll(START + 6 * DAY)
    reader, fleet = RecentDays(), bench.index.fleet
    parameters = Parameters.of(fleet)
    async with await connect(bench.conninfo) as connection:
        before, _ = await reader.read(connection, fleet, parameters, FIRST + 6)
        await connection.execute("UPDATE jar_daily SET temperature_sum = 2 * temperature_sum")
        after, _ = await reader.read(connection, fleet, parameters, FIRST + 6)
        anew, _ = await reader.read(connection, fleet, parameters, FIRST + 7)
    i = jar(bench)
    assert before.temperature[-6:, i] == pytest.approx([20, 21, 22, 23, 24, 25], abs=1e-3)
    assert after.temperature[-6:, i] == pytest.approx([20, 21, 22, 46, 48, 50], abs=1e-3)
    assert anew.temperature[-7:-1, i] == pytest.approx([40, 42, 44, 46, 48, 50], abs=1e-3)


async def test_a_past_that_comes_in_later_is_seen_the_same_day(bench: Bench) -> None:
    reader, fleet = RecentDays(), bench.index.fleet
    parameters = Parameters.of(fleet)
    async with await connect(bench.conninfo) as connection:
        for begin, end in ((4, 6), (0, 4)):
            for day in range(begin, end):
                await write(bench, START + day * DAY, 13.5, 20.0 + day)
            await bench.roll(START + 6 * DAY)
            found, _ = await reader.read(connection, fleet, parameters, FIRST + 6)
    assert found.temperature[-6:, jar(bench)] == pytest.approx([20, 21, 22, 23, 24, 25], abs=1e-3)


async def test_outages_are_discharges_and_one_that_lasts_counts_until_now(bench: Bench) -> None:
    for day in range(2):
        await write(bench, START + day * DAY, 13.5, 24.0)
    await bench.roll(START + 2 * DAY)
    site = bench.index.fleet.sites[0].path
    lost = [(site, START + HOUR, START + 2 * HOUR), (site, START + DAY + 23 * HOUR, START + 3 * DAY)]
    async with await connect(bench.conninfo) as connection:
        await add_outages(connection, lost, START + 2 * DAY)
    found, i = await days(bench, FIRST + 2), jar(bench)
    assert found.discharges[-2:, i].tolist() == [1, 1]
    assert found.drawn[-2, i] == pytest.approx(found.drawn[-1, i])
    assert found.drawn[-2, i] > 1


async def test_a_replaced_jar_is_as_old_as_its_replacement(bench: Bench) -> None:
    fleet, i = bench.index.fleet, jar(bench)
    began = START + 10 * DAY + 6 * HOUR
    work = Maintenance(JAR, Work.REPLACEMENT, began, began, "A. Somebody", "", began, "somebody", "N1", 3.21)
    async with await connect(bench.conninfo) as connection:
        await add_maintenance(connection, work)
        before, after = [
            await units_at(connection, fleet, Parameters.of(fleet), FIRST + day) for day in (10, 11)
        ]
    assert after.installed[i] == pytest.approx(FIRST + 10.25)
    assert after.baseline[i] == pytest.approx(3.21)
    assert np.delete(after.installed, i).tolist() == np.delete(before.installed, i).tolist()
    assert before.baseline.tolist() == Parameters.of(fleet).baseline.tolist()
