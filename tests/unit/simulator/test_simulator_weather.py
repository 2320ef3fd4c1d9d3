"""Weather, rooms and mains of the Thai sites."""

from __future__ import annotations

import datetime as dt

import numpy as np

from nodeset.index import TagIndex
from simulator.climate import climate_of
from simulator.interruptions import NEVER
from simulator.load import profile
from simulator.mains import log_of_outages, outages_of
from simulator.parameters import CLIMATE, FAILURES
from simulator.room import hvac_failures_of, rooms_of


def at(year: int, month: int, day: int, hour: int = 0) -> int:
    """A time of Thailand in µs."""
    zone = dt.timezone(dt.timedelta(hours=7))
    return int(dt.datetime(year, month, day, hour, tzinfo=zone).timestamp() * 1e6)


def month_mean(index: TagIndex, month: int) -> np.ndarray:
    climate = climate_of(index.fleet, 1)
    return np.mean(
        [climate.outdoors(at(2026, month, d, h))[0] for d in range(1, 29) for h in (2, 8, 14, 20)], axis=0
    )


def test_april_is_hot_and_december_cool(thailand: TagIndex) -> None:
    april, december = month_mean(thailand, 4), month_mean(thailand, 12)
    assert (april > december).all()
    assert (april - december).mean() > 2.0
    chiangmai, hat_yai = 0, 8
    assert (april - december)[chiangmai] > (april - december)[hat_yai] + 2.0


def test_site_offset_is_added_to_the_region(thailand: TagIndex) -> None:
    chiangmai, phitsanulok = month_mean(thailand, 8)[:2]
    assert abs((phitsanulok - chiangmai) - 1.0) < 0.8


def test_afternoon_is_warmer_and_drier_than_the_small_hours(thailand: TagIndex) -> None:
    climate = climate_of(thailand.fleet, 1)
    warm, dry = climate.outdoors(at(2026, 3, 10, 14))
    cool, moist = climate.outdoors(at(2026, 3, 10, 2))
    assert (warm > cool + 4.0).all()
    assert (dry < moist).all()


def test_outages_are_as_many_as_the_table_says_and_more_in_the_monsoon(thailand: TagIndex) -> None:
    """Realised over many seeds and years: within 3 standard errors of the region's 2 to 8 a year (S1)."""
    first, years, seeds = at(2000, 1, 1), 20, 12
    found: list[np.ndarray] = []
    for seed in range(seeds):
        mains = outages_of(thailand.fleet, seed)
        weeks = range(mains.number(first), mains.number(first) + round(years * 365.25 / 7))
        found.append(np.array([mains.block(week)[0] < NEVER for week in weeks]))
    cut = np.array(found)
    yearly = cut.sum(axis=(0, 1)) / (years * seeds)
    table = np.array([CLIMATE[site.region].outages for site in thailand.fleet.sites])
    assert ((table >= 2.0) & (table <= 8.0)).all()
    assert (np.abs(yearly - table) < 3.0 * np.sqrt(table / (years * seeds))).all()
    week = np.arange(cut.shape[1]) % 52.18
    rainy, cool = (week > 26) & (week < 40), (week < 6) | (week > 46)
    assert cut[:, rainy].mean() > 2.0 * cut[:, cool].mean()


def test_an_outage_lasts_minutes_and_never_longer_than_its_week(thailand: TagIndex) -> None:
    mains = outages_of(thailand.fleet, 1)
    spans = [mains.block(mains.number(at(2020, 1, 1)) + i) for i in range(600)]
    start, end = (np.concatenate(each) for each in zip(*spans, strict=True))
    minutes = (end - start)[start < NEVER] / 60e6
    assert 5.0 < np.median(minutes) < 12.0
    assert minutes.max() <= 240.0


def test_air_conditioning_fails_now_and_then_and_is_repaired_within_a_day(thailand: TagIndex) -> None:
    rates, hours = [], []
    for seed in range(12):
        hvac = hvac_failures_of(thailand.fleet, seed)
        blocks = range(hvac.number(at(2000, 1, 1)), hvac.number(at(2020, 1, 1)))
        starts, ends = (np.array(each) for each in zip(*(hvac.block(i) for i in blocks), strict=True))
        rates.append((starts < NEVER).sum() / 20.0 / 9)
        hours += ((ends - starts)[starts < NEVER] / 3600e6).tolist()
    assert abs(np.mean(rates) - FAILURES.hvac) < 0.05
    assert 3.0 < np.median(hours) < 5.0
    assert max(hours) <= 24.0


def test_next_change_is_where_the_supply_changes(thailand: TagIndex) -> None:
    mains = outages_of(thailand.fleet, 1)
    time, changes = at(2026, 7, 1), 0
    while changes < 6:
        following = mains.next_change(time)
        before, after = mains.active(following - 1), mains.active(following)
        assert (mains.active(time) == before).all()
        changes += int((before != after).any())
        time = following


def test_the_log_of_outages_is_what_the_mains_do(thailand: TagIndex) -> None:
    mains, begin, end = outages_of(thailand.fleet, 1), at(2026, 7, 1), at(2026, 8, 1)
    log = log_of_outages(thailand.fleet, 1, begin, end)
    assert len(log) > 3
    assert [entry[1] for entry in log] == sorted(entry[1] for entry in log)
    numbers = {site.path: i for i, site in enumerate(thailand.fleet.sites)}
    for time in [*range(begin, end, 3_600_000_000), *(entry[1] for entry in log)]:
        out = {numbers[site] for site, began, ended in log if began <= time < ended}
        assert out == set(np.flatnonzero(mains.active(time)).tolist())
    site, began, ended = log[0]
    assert (site, began, ended) in log_of_outages(thailand.fleet, 1, ended - 1, ended)  # as it ends
    assert (site, began, ended) not in log_of_outages(thailand.fleet, 1, ended, end)


def test_an_interruption_is_remembered_for_as_long_as_it_is_asked(thailand: TagIndex) -> None:
    mains = outages_of(thailand.fleet, 1)
    start = mains.next_change(at(2026, 7, 1))
    while not mains.active(start).any():
        start = mains.next_change(start)
    site = int(np.flatnonzero(mains.active(start))[0])
    end = int(mains.block(mains.number(start))[1][site])
    assert mains.busy_since(start - 1, 0) != start
    assert mains.busy_since(end - 1, 0) == start
    assert mains.busy_since(end + 60_000_000, 120_000_000) == start


def test_a_working_day_is_busiest_in_the_afternoon_and_a_weekend_is_quiet() -> None:
    workday = [profile(at(2026, 11, 10, hour)) for hour in range(24)]
    sunday = [profile(at(2026, 11, 15, hour)) for hour in range(24)]
    assert 12 <= int(np.argmax(workday)) <= 16
    assert int(np.argmin(workday)) < 6
    assert max(sunday) < max(workday) - 0.05
    assert np.mean(sunday) < np.mean(workday)


def test_the_load_does_not_jump_at_full_hours_nor_at_midnight_before_a_weekend() -> None:
    for moment in (at(2026, 11, 10, 9), at(2026, 11, 14)):
        assert abs(profile(moment - 1) - profile(moment)) < 1e-4


def test_room_follows_its_set_point_with_hvac_and_the_weather_without(thailand: TagIndex) -> None:
    rooms, climate = rooms_of(thailand.fleet, 1), climate_of(thailand.fleet, 1)
    noon = at(2026, 4, 10, 13)
    weather = climate.outdoors(noon)
    start = rooms.settled(weather, noon)
    assert ((start.temperature > 22) & (start.temperature < 27)).all()
    off = rooms.step(start, weather, np.zeros(9, bool), noon, 36_000.0)
    assert (off.temperature > weather[0]).all()
    on = rooms.step(off, weather, np.ones(9, bool), noon, 36_000.0)
    assert np.abs(on.temperature - start.temperature).max() < 0.1


def test_two_half_steps_of_a_room_are_one_whole(thailand: TagIndex) -> None:
    rooms, climate = rooms_of(thailand.fleet, 1), climate_of(thailand.fleet, 1)
    noon, off = at(2026, 4, 10, 13), np.zeros(9, bool)
    weather = climate.outdoors(noon)
    start = rooms.settled(weather, noon)
    quarter, end = noon + 900_000_000, noon + 1_800_000_000
    half = rooms.step(rooms.step(start, weather, off, quarter, 900.0), weather, off, end, 900.0)
    whole = rooms.step(start, weather, off, end, 1800.0)
    assert np.abs(half.temperature - whole.temperature).max() < 1e-9
