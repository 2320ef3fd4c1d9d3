"""Discharges from outages: which jars, on which day, and how much charge the load drew."""

from __future__ import annotations

import numpy as np
import pytest
from analyticsjars import fleet_of

from analytics.discharges import Outages, discharges
from analytics.parameters import Mask, Parameters, Single

P = Parameters.of(fleet_of(24, strings=2))  # 48 jars of 120 Ah and 12 V: 69.12 kWh
SITE = np.zeros(P.jars, np.intp)
FIRST = 19_000
DAY = 86_400_000_000
READ = np.ones((3, P.jars), np.bool_)


def found(
    *spans: tuple[float, float], load: float = 19.0, site: int = 0, read: Mask = READ
) -> tuple[Single, Single]:
    """Counts and charges; spans are begin and length [d] from the first day on."""
    began = np.array([FIRST * DAY + round(begin * DAY) for begin, _ in spans], np.int64)
    ended = began + np.array([round(length * DAY) for _, length in spans], np.int64)
    outages = Outages(np.full(len(spans), site), began, ended)
    loads = np.full((3, 1), load, np.float32)
    return discharges(outages, loads, FIRST, P, SITE, read)


def test_an_hour_draws_the_loads_energy() -> None:
    count, drawn = found((1.5, 1 / 24))
    np.testing.assert_array_equal(count[:, 0], [0, 1, 0])
    # 19 kW of a UPS that is 95 % efficient: 20 kW from 48 jars at 12 V.
    assert drawn[1] == pytest.approx(20_000 / (48 * 12.0) * 1.0, rel=1e-3)


def test_two_on_a_day_add_up_and_one_over_midnight_counts_where_it_began() -> None:
    count, drawn = found((0.1, 0.01), (0.99, 0.02))
    np.testing.assert_array_equal(count[:, 5], [2, 0, 0])
    assert drawn[0, 5] == pytest.approx(20_000 / 576 * 0.03 * 24, rel=1e-3)


def test_no_jar_gives_more_than_it_holds() -> None:
    _, drawn = found((0.0, 2.0), load=300.0)
    assert (drawn[0] == 120).all()


def test_what_a_slow_scan_would_miss_and_other_sites_do_not_count() -> None:
    assert not found((0.5, 30 / 86_400))[0].any()
    assert not found((0.5, 0.1), site=1)[0].any()
    assert not found((-3.0, 0.1), (9.0, 0.1))[0].any()


def test_an_unknown_load_is_the_usual_one() -> None:
    outages = Outages(np.array([0]), np.array([FIRST * DAY]), np.array([FIRST * DAY + DAY // 24]))
    load = np.array([[np.nan], [19.0], [19.0]], np.float32)
    _, drawn = discharges(outages, load, FIRST, P, SITE, READ)
    assert drawn[0] == pytest.approx(34.7, abs=0.1)


def test_where_nothing_was_read_nobody_knows_but_of_what_the_log_tells() -> None:
    read = READ.copy()
    read[:2] = False
    count, drawn = found((1.0, 0.01), read=read)
    assert np.isnan(count[0]).all()
    assert (count[1] == 1).all()
    assert (drawn[1] > 0).all()
