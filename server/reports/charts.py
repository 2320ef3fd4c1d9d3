"""The drawings of a report as blocks; pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Final

from nodeset.tags import RUL_BINS, SOH_BINS
from server.reports.blocks import Block, bars, beside, heading, lines
from server.reports.facts import Day, Report
from server.reports.wording import Wording, number

_ONE: Final = dt.timedelta(days=1)


def trends(report: Report, say: Wording) -> list[Block]:
    """How the period went, and how the jars stand at its end."""
    whole = report.whole
    days = []
    if whole.health:
        means = [[day.mean for day in _each_day(report, whole.health)]]
        days.append(_lines(report, say, "Mean state of health [%]", means))
    if whole.raised:
        days.append(_alarms(report, say))
    if whole.room:
        rooms = _each_day(report, whole.room)
        series = [[getattr(day, name) for day in rooms] for name in ("mean", "low", "high")]
        days.append(_lines(report, say, "Room temperature [°C]: mean, with lowest and highest", series))
    found = [beside(*days[at : at + 2]) for at in range(0, len(days), 2)]
    healths = [jar.health for jar in whole.jars if jar.health is not None]
    lives = [jar.life for jar in whole.jars if jar.life is not None]
    if healths or lives:
        names = [f"{low}–{min(high, 100)}" for low, high in SOH_BINS]
        health = _histogram(say("Jars by state of health [%]"), names, SOH_BINS, healths)
        names = [_span(low, high, say) for low, high in RUL_BINS]
        found.append(beside(health, _histogram(say("Jars by remaining life"), names, RUL_BINS, lives)))
    return [heading(say("Trends")), *found] if found else []


def _alarms(report: Report, say: Wording) -> Block:
    counts = Counter(alarm.time.date() for alarm in report.whole.raised)
    days = _dates(report)
    every = 5 if len(days) > 7 else 1
    names = [str(day.day) if len(days) <= 7 or day.day % every == 0 or day.day == 1 else "" for day in days]
    values = [counts[day] for day in days]
    most = max(values, default=0)
    labels = [number(value) if value and (len(days) <= 7 or value == most) else "" for value in values]
    return bars(say("Alarms raised, by day"), names, values, labels)


def _lines(report: Report, say: Wording, title: str, series: list[list[float | None]]) -> Block:
    return lines(say(title), [say.dates.short(day) for day in _dates(report)], series)


def _histogram(
    title: str, names: Sequence[str], bins: Sequence[tuple[int, int]], values: Sequence[float]
) -> Block:
    counts = [sum(low <= value < high for value in values) for low, high in bins]
    return bars(title, names, counts, [number(count) if count else "" for count in counts])


def _span(low: int, high: int, say: Wording) -> str:
    """`90–180 d`, `1–2 y`, `over 5 y`."""
    if low and low % 365 == 0:
        if high == RUL_BINS[-1][1]:
            return say("over {n} y", n=low // 365)
        return f"{low // 365}–{high // 365} {say('y')}"
    return f"{low}–{high} {say('d')}"


def _dates(report: Report) -> list[dt.date]:
    period = report.period
    return [period.first + i * _ONE for i in range((period.after - period.first).days)]


class _Missing:
    """A day without data."""

    low = mean = high = None


def _each_day(report: Report, days: Sequence[Day]) -> list[Day | _Missing]:
    known = {day.date: day for day in days}
    return [known.get(date, _Missing()) for date in _dates(report)]
