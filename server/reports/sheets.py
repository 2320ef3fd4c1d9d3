"""The sheets of a report's workbook: numbers with units in their headings, dates, texts; pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from numpy.typing import NDArray

from nodeset.tags import Health
from server.reports.attention import due_in_a_year
from server.reports.document import REPLACEMENT, document, share
from server.reports.documentalarms import priority, state
from server.reports.documentjars import rise
from server.reports.facts import Alarm, JarFacts, Report, SiteFacts, mean
from server.reports.wording import Wording

Cell = str | float | int | dt.date | dt.datetime | None
Row = Sequence[Cell]
_HEALTH = {Health.HEALTHY: "Healthy", Health.WARNING: "Warning", Health.CRITICAL: "Critical"}


class Head(NamedTuple):
    """A column: its heading, and the decimals of its numbers."""

    text: str
    decimals: int = 0


@dataclass(frozen=True)
class Sheet:
    """A table below some lines of text."""

    name: str
    lines: Sequence[str]
    heads: Sequence[Head]
    rows: Sequence[Row]


def sheets(report: Report, say: Wording) -> list[Sheet]:
    """Of a workbook, in order."""
    return [
        _summary(report, say),
        _sites(report, say),
        jars(report, say),
        _alarms(report, say),
        _outages(report, say),
        _maintenance(report, say),
        _forecast(report, say),
    ]


def jars(report: Report, say: Wording) -> Sheet:
    """All jars, as the CSV file has them, too."""
    heads = (
        ("Jar", 0), ("Site", 0), ("Model", 0), ("Serial number", 0), ("Installed", 0), ("Health", 0),
        ("SOH [%]", 1), ("SOH before [%]", 1), ("Voltage [V]", 2), ("Temperature [°C]", 1),
        ("Resistance [mΩ]", 3), ("Baseline [mΩ]", 3), ("Rise [%]", 1), ("Life left [d]", 0), ("Lower [d]", 0),
        ("Upper [d]", 0), ("Replace in", 0), ("Due in a year", 0),
    )  # fmt: skip
    due = {jar.path for jar in due_in_a_year(report)}
    rows = [_jar(jar, jar.path in due, say) for jar in report.whole.jars]
    return Sheet(say("All jars"), (), [Head(say(text), decimals) for text, decimals in heads], rows)


def _jar(jar: JarFacts, due: bool, say: Wording) -> Row:
    health = say("Unknown") if jar.status is None else say(_HEALTH.get(Health(jar.status), "Unknown"))
    return (
        jar.path, jar.site, jar.model, jar.serial, jar.installed, health, jar.health, jar.health_before,
        jar.voltage, jar.temperature, jar.resistance, jar.baseline, rise(jar), jar.life, jar.life_lower,
        jar.life_upper, None if jar.quarter is None else say.dates.quarter(jar.quarter),
        say("yes") if due else say("no"),
    )  # fmt: skip


def _summary(report: Report, say: Wording) -> Sheet:
    """The first page of the PDF as figures, and what they are made of."""
    content = document(report, say.language, say.dates.calendar)
    lines = [content["title"], content["lead"], *([content["notice"]] if content["notice"] else [])]
    lines += ["", *content["blocks"][-1]["points"], ""]
    whole, forecast = report.whole, report.forecast
    assert whole.rates is not None
    health = whole.statuses
    rows: list[Row] = [
        (say("Healthy [%]"), share(whole)),
        (say("Healthy"), health[Health.HEALTHY]),
        (say("Warning"), health[Health.WARNING]),
        (say("Critical"), health[Health.CRITICAL]),
        (say("Unknown"), health[Health.UNKNOWN] + health[None]),
        (say("Mean state of health [%]"), whole.mean("health")),
        (say("Lost [%]"), whole.decline),
        (say("Mean life left [d]"), whole.mean("life")),
        (say("Data [%]"), whole.fresh),
        (say("Outages of the mains"), len(whole.outages)),
        (say("Outages of the mains [min]"), whole.outage_seconds / 60),
        (say("Alarms raised"), len(whole.raised)),
        (say("Alarms open at the end"), len(whole.open)),
        *((say(rate.name, n=rate.number), rate.value) for rate in whole.rates.rates),
        (say("To replace in a year, expected"), _year(forecast.jars, report)),
        (say("Cost [{currency}]", currency=report.currency), _year(forecast.cost, report)),
    ]
    return Sheet(say("Summary"), lines, [Head(say("Figure")), Head(say("Value"), 2)], rows)


def _year(quarters: NDArray[Any], report: Report) -> float | None:
    """Of the next four quarters; None where no life is known."""
    return float(quarters[:4].sum()) if report.lives else None


def _sites(report: Report, say: Wording) -> Sheet:
    heads = (
        ("Site", 0), ("Region", 0), ("Jars", 0), ("Healthy [%]", 1), ("Data [%]", 1), ("SOH [%]", 1),
        ("Lost [%]", 2), ("Mean life left [d]", 0), ("Outages", 0), ("Outages of the mains [min]", 1),
        ("Raised", 0), ("Open at the end", 0), ("Room, lowest [°C]", 1), ("Room, mean [°C]", 1),
        ("Room, highest [°C]", 1),
    )  # fmt: skip
    rows = [_site(site, site.name, say) for site in report.sites]
    if not report.site:
        rows.append(_site(report.whole, say("All sites"), say))
    return Sheet(say("Sites"), (), [Head(say(text), decimals) for text, decimals in heads], rows)


def _site(site: SiteFacts, name: str, say: Wording) -> Row:
    room = site.room
    return (
        name, say.name(site.region), len(site.jars), share(site), site.fresh, site.mean("health"),
        site.decline, site.mean("life"), len(site.outages), site.outage_seconds / 60, len(site.raised),
        len(site.open), min((day.low for day in room), default=None), mean(day.mean for day in room),
        max((day.high for day in room), default=None),
    )  # fmt: skip


def _alarms(report: Report, say: Wording) -> Sheet:
    texts = ("List", "Site", "Source", "Alarm", "Since", "Priority", "Severity", "State", "Message")
    raised = [_alarm(alarm, "Raised", "", report, say) for alarm in report.whole.raised]
    left = [_alarm(alarm, "Open at the end", say(state(alarm)), report, say) for alarm in report.whole.open]
    return Sheet(say("Alarms"), (), [Head(say(text)) for text in texts], [*left, *raised])


def _alarm(alarm: Alarm, kind: str, how: str, report: Report, say: Wording) -> Row:
    rank = say(priority(alarm.severity, report.priorities))
    name = say.condition(alarm.condition)
    return say(kind), alarm.site, alarm.source, name, alarm.time, rank, alarm.severity, how, alarm.message


def _outages(report: Report, say: Wording) -> Sheet:
    heads = [Head(say("Site")), Head(say("Began")), Head(say("Ended")), Head(say("Duration [min]"), 1)]
    rows = [
        (each.site, each.began, None if each.open else each.ended, each.seconds / 60)
        for each in report.whole.outages
    ]
    return Sheet(say("Outages"), (), heads, rows)


def _maintenance(report: Report, say: Wording) -> Sheet:
    texts = ("Date", "Part", "Kind", "By", "New serial number", "Capacity [Ah]", "Rated [Ah]")
    heads = [*(Head(say(text), 1) for text in texts), Head(say("Health at 25 °C [%]"), 1), Head(say("Note"))]
    works: list[Row] = [
        (
            work.began, work.asset, say("Replaced jars") if work.kind == REPLACEMENT else say.name(work.kind),
            work.done_by, work.serial, None, None, None, work.note,
        )
        for work in report.whole.works
    ]  # fmt: skip
    tests: list[Row] = [
        (
            test.began, test.asset, say("Capacity tests"), test.done_by, "", test.capacity, test.rated,
            test.health, "",
        )
        for test in report.whole.tests
    ]  # fmt: skip
    return Sheet(say("Maintenance"), (), heads, [*works, *tests])


def _forecast(report: Report, say: Wording) -> Sheet:
    found = report.forecast
    money = ("Cost [{currency}]", "Cost, lower [{currency}]", "Cost, upper [{currency}]")
    heads = [
        Head(say("Quarter")),
        *(Head(say(text), 1) for text in ("Jars, expected", "Jars, lower", "Jars, upper")),
        *(Head(say(text, currency=report.currency)) for text in money),
    ]
    columns = (
        found.jars, found.jars_lower, found.jars_upper, found.cost, found.cost_lower, found.cost_upper
    )  # fmt: skip
    rows: list[Row] = [
        (say.dates.quarter(int(quarter)), *(float(column[i]) for column in columns))
        for i, quarter in enumerate(found.quarters if report.lives else ())
    ]
    return Sheet(say("Forecast"), (), heads, rows)
