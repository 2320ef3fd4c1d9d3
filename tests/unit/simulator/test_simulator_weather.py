"""Weather, rooms and mains of the Thai sites."""

from __future__ import annotations

import datetime as dt

import numpy as np

from nodeset.index import TagIndex
from simulator.climate import climate_of
from simulator.mains import WEEK, mains_of
from simulator.room import rooms_of


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


def test_outages_are_two_to_eight_a_year_and_more_in_the_monsoon(thailand: TagIndex) -> None:
    mains = mains_of(thailand.fleet, 1)
    first, years = at(2000, 1, 1) // WEEK, 40
    starts = [mains._outages(first + i)[0] for i in range(years * 52)]
    cut = np.array(starts) < np.iinfo(np.int64).max
    yearly = cut.sum(axis=0) / years
    assert ((yearly > 1.5) & (yearly < 8.5)).all()
    week = np.arange(years * 52) % 52.18
    rainy, cool = (week > 26) & (week < 40), (week < 6) | (week > 46)
    assert cut[rainy].mean() > 2.0 * cut[cool].mean()


def test_next_change_is_where_the_supply_changes(thailand: TagIndex) -> None:
    mains = mains_of(thailand.fleet, 1)
    time, changes = at(2026, 7, 1), 0
    while changes < 6:
        following = mains.next_change(time)
        before, after = mains.present(following - 1), mains.present(following)
        assert (mains.present(time) == before).all()
        changes += int((before != after).any())
        time = following


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
    half = rooms.step(rooms.step(start, weather, off, noon, 900.0), weather, off, noon, 900.0)
    whole = rooms.step(start, weather, off, noon, 1800.0)
    assert np.abs(half.temperature - whole.temperature).max() < 1e-9
