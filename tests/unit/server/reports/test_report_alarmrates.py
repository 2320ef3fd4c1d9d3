"""How alarms came, by the metrics of ISA-18.2."""

from __future__ import annotations

import pytest

from config.alarmmanagement import Management
from server.reports.alarmrates import figures

DAY = 86_400.0


def test_rates_of_two_days_with_a_flood() -> None:
    flood = [3600.0 + 10 * i for i in range(40)]  # 40 alarms in 390 s, from the second hour on
    found = figures([*flood, 100_000.0], [300] * 40 + [850], 2 * DAY, Management())
    assert (found.count, found.by_priority) == (41, (40, 0, 0, 1))
    day, period, peak, hours, periods = found.rates
    assert day.value == 20.5
    assert period.value == pytest.approx(41 / 288)
    assert (peak.value, peak.acceptable) == (40.0, False)
    assert hours.value == pytest.approx(100 / 48)  # one hour of 48 had more than 30
    assert periods.value == pytest.approx(100 / 288)
    assert day.acceptable


def test_the_peak_is_found_wherever_its_ten_minutes_begin() -> None:
    times = [595.0, 599.0, 601.0, 605.0]  # over the edge of two periods
    assert figures(times, [300] * 4, DAY, Management()).rates[2].value == 4


def test_no_alarm_is_no_rate() -> None:
    assert [rate.value for rate in figures([], [], DAY, Management()).rates] == [0, 0, 0, 0, 0]
