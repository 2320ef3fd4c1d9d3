"""The jars of a report as blocks: the weakest, those to replace with their cost, and strings; pure."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from server.reports.attention import due_in_a_year
from server.reports.blocks import Block, Cell, Column, bars, heading, subheading, table, text
from server.reports.cut import MOST, more
from server.reports.facts import JarFacts, Report, Value, mean
from server.reports.wording import NONE, Wording, number

WEAKEST: Final = 15


def weakest(report: Report, say: Wording) -> list[Block]:
    """The jars of lowest health."""
    known = sorted((jar.health, jar.path, jar) for jar in report.whole.jars if jar.health is not None)
    title = heading(say("Weakest jars"))
    if not known:
        return [title, text(say("No health is known of any jar in this period."))]
    return [title, _jars([jar for _, _, jar in known[:WEAKEST]], "", say)]


def replacement(report: Report, say: Wording) -> list[Block]:
    """What comes by quarter, what it costs, and which jars are due."""
    if not report.lives:
        return [
            heading(say("Replacement")),
            text(say("No remaining life is known of any jar in this period.")),
        ]
    due = due_in_a_year(report)
    listed = _jars(due[:MOST], more(len(due), say), say) if due else text(say("No jar is due."))
    unknown = len(report.whole.jars) - report.lives
    left_out = say("{n} jars of unknown life are left out.", n=number(unknown))
    return [
        heading(say("Replacement")),
        *([text(left_out)] if unknown else []),
        _quarters(report, say),
        subheading(say("Forecast by quarter")),
        _forecast(report, say),
        subheading(say("Jars due in the next four quarters")),
        listed,
    ]


def strings(report: Report, say: Wording) -> Block:
    """The strings of a site."""
    columns = [
        Column(say("String"), "l", 1.6),
        Column(say("Jars")),
        Column(say("SOH [%]")),
        Column(say("Lowest [%]")),
        Column(say("Life, mean"), width=1.4),
        Column(say("Jars [°C] mean (highest)"), width=1.6),
        Column(say("Due in a year"), width=1.3),
    ]
    due = {jar.path for jar in due_in_a_year(report)}
    parts = groupby(report.whole.jars, key=lambda jar: jar.path.rpartition("/")[0])
    return table(columns, [_string(path, list(jars), due, say) for path, jars in parts])


def rise(jar: JarFacts) -> Value:
    """Resistance above the jar's own when new [%]."""
    return None if jar.resistance is None else 100.0 * (jar.resistance / jar.baseline - 1.0)


def _string(path: str, jars: list[JarFacts], due: set[str], say: Wording) -> list[Cell]:
    temperatures = [jar.temperature for jar in jars if jar.temperature is not None]
    warm = NONE
    if temperatures:
        warm = f"{number(mean(temperatures), 1)} ({number(max(temperatures), 1)})"
    return [
        path.partition("/")[2],
        number(len(jars)),
        number(mean(jar.health for jar in jars), 1),
        number(min((jar.health for jar in jars if jar.health is not None), default=None), 1),
        say.life(mean(jar.life for jar in jars)),
        warm,
        number(sum(jar.path in due for jar in jars)),
    ]


def _jars(jars: list[JarFacts], note: str, say: Wording) -> Block:
    columns = [
        Column(say("Jar"), "l", 2.1),
        Column(say("Installed"), width=1.05),
        Column(say("SOH [%]"), width=0.75),
        Column(say("Resistance [mΩ]"), width=1.1),
        Column(say("Rise [%]"), width=0.7),
        Column(say("Temperature [°C]")),
        Column(say("Life left"), width=1.05),
        Column(say("90 % interval"), width=1.3),
        Column(say("Replace in"), width=0.95),
    ]
    return table(columns, [_jar(jar, say) for jar in jars], note)


def _jar(jar: JarFacts, say: Wording) -> list[Cell]:
    interval = NONE
    if jar.life_lower is not None and jar.life_upper is not None:
        interval = f"{say.life(jar.life_lower)} – {say.life(jar.life_upper)}"
    return [
        jar.path,
        say.dates.day(jar.installed),
        number(jar.health, 1),
        number(jar.resistance, 2),
        number(rise(jar), 0),
        number(jar.temperature, 1),
        say.life(jar.life),
        interval,
        NONE if jar.quarter is None else say.dates.quarter(jar.quarter),
    ]


def _quarters(report: Report, say: Wording) -> Block:
    found = report.forecast
    names = [say.dates.quarter(int(quarter)) for quarter in found.quarters]
    values = [float(value) for value in found.jars]
    title = say("Jars to replace, expected, by quarter")
    decimals = 0 if max(values) >= 10 else 1
    return bars(title, names, values, [number(value, decimals) if value >= 0.05 else "" for value in values])


def _forecast(report: Report, say: Wording) -> Block:
    found, currency = report.forecast, report.currency
    columns = [
        Column(say("Quarter"), "l"),
        Column(say("Jars, expected")),
        Column(say("90 % interval")),
        Column(say("Cost [{currency}]", currency=currency)),
        Column(say("Cost, 90 % interval [{currency}]", currency=currency), width=1.8),
    ]
    rows: list[list[Cell]] = [
        [
            say.dates.quarter(int(found.quarters[i])),
            number(float(found.jars[i]), 1),
            f"{number(float(found.jars_lower[i]))} – {number(float(found.jars_upper[i]))}",
            _thousands(found.cost[i]),
            f"{_thousands(found.cost_lower[i])} – {_thousands(found.cost_upper[i])}",
        ]
        for i in range(len(found.quarters))
    ]
    return table(columns, rows)


def _thousands(cost: float) -> str:
    """Rounded: nobody knows it better."""
    return number(round(float(cost), -3))
