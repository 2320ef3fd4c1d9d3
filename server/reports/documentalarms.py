"""The alarms of a report as blocks; pure."""

from __future__ import annotations

from collections import Counter
from typing import Final

from config.alarmmanagement import PriorityShares
from server.reports.alarmrates import AlarmFigures, Rate
from server.reports.blocks import Block, Cell, Column, heading, marked, subheading, table, text
from server.reports.cut import MOST, more
from server.reports.facts import Alarm, Report
from server.reports.wording import NONE, Wording, number

PRIORITIES: Final = ("Low", "Medium", "High", "Critical")
WORST: Final = 10


def alarms(report: Report, say: Wording) -> list[Block]:
    """How many by priority, the rates, and which came most often."""
    rates = report.whole.rates
    assert rates is not None
    if not rates.count:
        return [heading(say("Alarms")), text(say("No alarm was raised."))]
    return [
        heading(say("Alarms")),
        subheading(say("Alarms by priority")),
        _priorities(rates, say),
        subheading(say("Rates against EEMUA 191 and ISA-18.2")),
        _rates(rates, say),
        subheading(say("Most frequent alarms")),
        _worst(report, say),
    ]


def open_alarms(report: Report, say: Wording) -> list[Block]:
    """What was open at the end, the most severe first."""
    title, found = heading(say("Open alarms at the period's end")), report.whole.open
    if not found:
        return [title, text(say("No alarm is open."))]
    columns = [
        Column(say("Priority"), "l", 0.8), Column(say("Since"), "l", 1.1), Column(say("Source"), "l", 1.5),
        Column(say("Alarm"), "l", 1.4), Column(say("State"), "l", 1.6),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            say(priority(alarm.severity, report.priorities)),
            say.dates.time(alarm.time),
            alarm.source,
            say.condition(alarm.condition),
            say(state(alarm)),
        ]
        for alarm in found[:MOST]
    ]
    return [title, table(columns, rows, more(len(found), say))]


def priority(severity: int, lowest: tuple[int, int, int, int]) -> str:
    """The priority of a severity, as English has it."""
    return PRIORITIES[max(sum(severity >= bound for bound in lowest) - 1, 0)]


def state(alarm: Alarm) -> str:
    """Whether it is still active, and acknowledged, as English has it."""
    if not alarm.active:
        return "over, not acknowledged"
    return "active" if alarm.acknowledged else "active, not acknowledged"


def _priorities(rates: AlarmFigures, say: Wording) -> Block:
    columns = [
        Column(say("Priority"), "l", 2), Column(say("Number")), Column(say("Share [%]")),
        Column(say("Target [%]")),
    ]  # fmt: skip
    targets = PriorityShares().shares()
    rows: list[list[Cell]] = [
        [say(PRIORITIES[i]), number(count), number(100.0 * count / rates.count, 1), f"≈ {number(targets[i])}"]
        for i, count in reversed(list(enumerate(rates.by_priority)))
    ]
    return table(columns, rows)


def _rates(rates: AlarmFigures, say: Wording) -> Block:
    columns = [
        Column(say("Figure"), "l", 3), Column(say("Value")), Column(say("Acceptable up to")),
        Column(say("Manageable up to")),
    ]  # fmt: skip
    return table(columns, [_rate(rate, say) for rate in rates.rates])


def _rate(rate: Rate, say: Wording) -> list[Cell]:
    value = number(rate.value, 0 if rate.value >= 100 else 1)
    return [
        say(rate.name, n=rate.number),
        value if rate.acceptable else marked(value),
        number(rate.target),
        NONE if rate.maximum is None else number(rate.maximum),
    ]


def _worst(report: Report, say: Wording) -> Block:
    raised = report.whole.raised
    counts = Counter((alarm.source, alarm.condition) for alarm in raised)
    columns = [
        Column(say("Source"), "l", 1.6), Column(say("Alarm"), "l", 1.6), Column(say("Times"), width=0.7),
        Column(say("Share [%]"), width=0.7),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [source, say.condition(condition), number(count), number(100.0 * count / len(raised), 1)]
        for (source, condition), count in counts.most_common(WORST)
        if count > 1
    ]
    if not rows:
        return text(say("No alarm was raised more than once."))
    return table(columns, rows)
