"""What the alarm system is measured by: the metrics of ISA-18.2-2016, 16.5 and EEMUA 191, with their targets.

They are worked out when somebody asks, of the last 24 h, and of the last 7 days where the standards want
more than a day: the split by priority and the share of the worst.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.alarmmanagement import Management, Target
from nodeset.fleet import Index
from server.alarms.management.record import DAY, MINUTE, MINUTES, Record, Slots

PERIOD: Final = 10 * MINUTE  # what a rate is told of (ISA-18.2, 16.5.2)
HOUR: Final = 60 * MINUTE


@dataclass(frozen=True)
class Figure:
    """One figure: NaN where not enough is known yet, or where there is no maximum."""

    name: str
    value: float
    target: float
    maximum: float


def figures(
    record: Record, column: int, settings: Management, now: dict[str, float], time: int
) -> list[Figure]:
    """Those of a site or, in the last column, of the fleet; `now` holds what is counted by tag."""
    targets, known = settings.targets, _known(record, time)
    raised = record.oldest_first(record.raised[:, column])
    day = float(raised.sum())
    period, hour = PERIOD // MINUTE, HOUR // MINUTE
    values: list[tuple[str, Target, float]] = [
        ("Alarms in 24 h", targets.alarms_per_day, day),
        ("Alarms an hour, on average", targets.alarms_per_hour, _over(day, known, HOUR)),
        ("Alarms in 10 min, on average", targets.alarms_per_period, _over(day, known, PERIOD)),
        ("Alarms in 10 min, at most", targets.peak_rate, float(record.peak[:, column].max())),
        (
            f"Hours of more than {settings.busy_hour} alarms [%]",
            targets.busy_hours,
            _busy(raised, hour, known, settings.busy_hour),
        ),
        (
            f"Periods of 10 min of more than {settings.flood.begins_above} alarms [%]",
            targets.busy_periods,
            _busy(raised, period, known, settings.flood.begins_above),
        ),
        ("Time in flood [%]", targets.time_in_flood, flood_share(record, column, time)),
        (
            f"Share of the {settings.bad_actors} worst conditions in 7 d [%]",
            targets.bad_actors,
            now["bad_actors"],
        ),
        ("Chattering alarms", targets.chattering, now["ChatteringAlarms"]),
        ("Fleeting alarms in 24 h", targets.fleeting, float(record.fleeting[:, column].sum())),
        ("Standing alarms", targets.standing, now["StandingAlarms"]),
    ]
    return [Figure(n, v, t.target, math.nan if t.maximum is None else t.maximum) for n, t, v in values]


def flood_share(record: Record, column: int, time: int) -> float:
    """Share of the last 24 h, or of what is known of them, that was flood [%]."""
    minutes = record.oldest_first(record.flood[:, column])[-max(_known(record, time) // MINUTE, 1) :]
    return 100.0 * float(minutes.mean())


def priority_shares(record: Record, column: int) -> list[float]:
    """Share of each priority in the alarms of the last 7 days [%]; NaN without alarms."""
    split = record.priorities[:, column].sum(axis=0, dtype=np.int64)
    total = split.sum()
    return [100.0 * float(each) / float(total) if total else math.nan for each in split]


def worst(record: Record, rows: Index | slice, most: int) -> tuple[Index, Index, float]:
    """Of some rows those that raised most alarms in 7 days, how many each, and their share of all [%]."""
    counts = record.by_row[:, rows].sum(axis=0, dtype=np.int64)
    order = np.argsort(-counts, kind="stable")[:most]
    order = order[counts[order] > 0]
    total = int(counts.sum())
    share = 100.0 * float(counts[order].sum()) / total if total else 0.0
    found = order if isinstance(rows, slice) else rows[order]
    return found, counts[order], share


def _known(record: Record, time: int) -> int:
    """How much of the last 24 h is on record [µs]."""
    return min(max(time - record.since, 0), DAY) if record.since else 0


def _over(count: float, known: int, unit: int) -> float:
    """How many in each `unit`, of what is known; NaN where that is too little."""
    return count * unit / known if known >= PERIOD else math.nan


def _busy(raised: Slots, length: int, known: int, most: int) -> float:
    """Share of periods of `length` minutes with more than `most` [%], of those that are known."""
    periods = known // (length * MINUTE)
    if not periods:
        return math.nan
    sums = raised.reshape(MINUTES // length, length).sum(axis=1)[-periods:]
    return 100.0 * float((sums > most).mean())
