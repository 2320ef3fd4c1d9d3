"""What the monthly report says: figures of a month, of the fleet and of each site, from roll-ups and journal.

All of it is read by a few queries whose answers grow with the sites and days, never with the readings.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from psycopg import sql

from historian.columns import TABLES, Column
from historian.export.lines import Connection
from historian.export.request import ExportError
from nodeset.fleet import AssetType
from nodeset.tags import RUL_BINS, SOH_BINS, Kind, quarter_text

FLEET: Final = "Fleet"
_BAD: Final = 0x8000_0000
# A value of a bad status is no value; the numbers of such qualities by column.
_USABLE: Final = "quality <> ALL (ARRAY(SELECT id FROM quality WHERE (codes ->> {name})::bigint >= {bad}))"
_FIGURES: Final = """
SELECT split_part(path, '/', 1), ts, sum({sum})::float8 / sum({count}) / {scale},
    min({min}) / {scale}::float8, max({max}) / {scale}::float8
FROM {table} JOIN asset ON asset.id = asset_id
WHERE ts >= %s AND ts < %s AND {count} > 0 AND {usable} GROUP BY 1, 2 ORDER BY 1, 2
"""
_LAST: Final = """
SELECT split_part(path, '/', 1), {value} / {scale}::float8 FROM (
    SELECT DISTINCT ON (asset_id) asset_id, {max} AS value FROM {table}
    WHERE ts >= %s AND ts < %s AND {count} > 0 AND {usable} ORDER BY asset_id, ts DESC
) AS newest JOIN asset ON asset.id = asset_id
"""
_ALARMS: Final = """
SELECT site, content ->> 'kind', severity, count(*) FROM (
    SELECT site, condition, source, active_ts, max(severity) AS severity, max(definition) AS definition
    FROM event WHERE ts >= %(low)s AND ts < %(high)s AND active_ts >= %(low)s AND level <> 0 AND NOT simulated
    GROUP BY site, condition, source, active_ts
) AS activation JOIN condition_definition ON condition_definition.id = definition GROUP BY 1, 2, 3
"""
_OUTAGES: Final = """
SELECT path, count(*),
    sum(extract(epoch FROM least(coalesce(ended, %(high)s), %(high)s) - greatest(began, %(low)s)))
FROM outage JOIN asset ON asset.id = asset_id
WHERE began < %(high)s AND (ended IS NULL OR ended > %(low)s) GROUP BY path
"""
# Part 8's classes of severity, as alarm lists show them.
SEVERITIES: Final = (("Low", 1), ("Medium", 334), ("High", 667))


@dataclass(frozen=True)
class Day:
    """Lowest, mean and highest of a day."""

    date: dt.date
    mean: float
    low: float
    high: float


@dataclass
class Facts:
    """Figures of the fleet or of a site; days without data are missing."""

    name: str
    jars: int = 0
    fresh: list[float] = field(default_factory=list)  # % of the jars, mean of each day
    outages: int = 0
    outage_seconds: float = 0.0
    alarms: Counter[tuple[str, str]] = field(default_factory=Counter)  # by class and severity
    soh: list[float] = field(default_factory=list)  # of each jar, last in the month [%]
    rul: list[float] = field(default_factory=list)  # [d]
    quarters: Counter[str] = field(default_factory=Counter)  # jars to replace
    room: list[Day] = field(default_factory=list)  # ambient temperature
    jar_temperature: list[Day] = field(default_factory=list)

    @property
    def soh_bins(self) -> list[int]:
        """Jars by state of health, as the HMI shows them."""
        return _counted(self.soh, SOH_BINS)

    @property
    def rul_bins(self) -> list[int]:
        """Jars by remaining useful life."""
        return _counted(self.rul, RUL_BINS)


@dataclass(frozen=True)
class Month:
    """A month with the facts of the fleet and of its sites, by name."""

    start: dt.datetime
    end: dt.datetime
    fleet: Facts
    sites: list[Facts]

    @property
    def name(self) -> str:
        """`2026-10`."""
        return f"{self.start:%Y-%m}"

    @property
    def days(self) -> int:
        """How many days have data."""
        return len({day.date for site in self.sites for day in (*site.room, *site.jar_temperature)})


def month_of(time: int) -> tuple[dt.datetime, dt.datetime]:
    """Begin and end of the month of a time [µs since 1970]."""
    moment = dt.datetime.fromtimestamp(time / 1e6, dt.UTC)
    start = dt.datetime(moment.year, moment.month, 1, tzinfo=dt.UTC)
    return start, (start + dt.timedelta(days=32)).replace(day=1)


def read_month(connection: Connection, time: int) -> Month:
    """The facts of the month of `time` [µs]; `ExportError` for one that has not begun."""
    low, high = month_of(time)
    if low > dt.datetime.now(dt.UTC):
        raise ExportError(f"The month {low:%Y-%m} has not begun.")
    reading = _Reading(connection, low, high)
    reading.read()
    sites = [reading.facts[name] for name in sorted(reading.facts) if name != FLEET]
    return Month(low, high, _whole(reading.facts[FLEET], sites), sites)


class _Reading:
    """Reads facts by site into `facts`."""

    def __init__(self, connection: Connection, low: dt.datetime, high: dt.datetime) -> None:
        self._connection = connection
        self._bounds = {"low": low, "high": high}
        self.facts: dict[str, Facts] = {FLEET: Facts(FLEET)}

    def read(self) -> None:
        sites = "SELECT split_part(path, '/', 1), count(*) FILTER (WHERE type = 'Jar') FROM asset GROUP BY 1"
        for name, jars in self._connection.execute(sites):
            self.facts.setdefault(name, Facts(name)).jars = jars
        for kind in (AssetType.FLEET, AssetType.SITE):
            for name, day in self._days(kind, "FreshDataShare"):
                self.facts[name].fresh.append(day.mean)
        for name, day in self._days(AssetType.SITE, "AmbientTemperature"):
            self.facts[name].room.append(day)
        for name, day in self._days(AssetType.JAR, "Temperature"):
            self.facts[name].jar_temperature.append(day)
        for name, value in self._last("StateOfHealth"):
            self.facts[name].soh.append(value)
        for name, value in self._last("RemainingUsefulLife"):
            self.facts[name].rul.append(value)
        for name, value in self._last("ReplacementQuarter"):
            self.facts[name].quarters[quarter_text(value)] += 1
        self._read_events()

    def _read_events(self) -> None:
        for site, kind, severity, count in self._connection.execute(_ALARMS, self._bounds):
            name = next(name for name, least in reversed(SEVERITIES) if severity >= least)
            if site in self.facts:
                self.facts[site].alarms[kind, name] += count
        for path, count, seconds in self._connection.execute(_OUTAGES, self._bounds):
            self.facts[path].outages, self.facts[path].outage_seconds = count, float(seconds)

    def _days(self, kind: AssetType, tag: str) -> Iterator[tuple[str, Day]]:
        rows = self._connection.execute(_query(_FIGURES, kind, tag), (*self._bounds.values(),))
        for name, ts, mean, low, high in rows:
            yield name, Day(ts.astimezone(dt.UTC).date(), mean, low, high)

    def _last(self, tag: str) -> list[Any]:
        query = _query(_LAST, AssetType.JAR, tag)
        return self._connection.execute(query, (*self._bounds.values(),)).fetchall()


def _query(text: str, kind: AssetType, tag: str) -> sql.Composed:
    table = TABLES[kind]
    column = next(each for each in table.columns if each.tag.name == tag)
    usable = sql.SQL(_USABLE).format(name=sql.Literal(column.name), bad=sql.Literal(_BAD))
    return sql.SQL(text).format(
        table=sql.Identifier(table.daily),
        usable=usable,
        value=sql.Identifier("value"),
        scale=sql.Literal(_scale(column)),
        **{part: sql.Identifier(f"{column.name}_{part}") for part in ("sum", "count", "min", "max")},
    )


def _scale(column: Column) -> int:
    return 1 if column.tag.kind is Kind.QUARTER else column.tag.scale


def _whole(fleet: Facts, sites: list[Facts]) -> Facts:
    """The fleet, with what its sites sum up to."""
    for site in sites:
        fleet.jars += site.jars
        fleet.outages += site.outages
        fleet.outage_seconds += site.outage_seconds
        fleet.alarms.update(site.alarms)
        fleet.soh += site.soh
        fleet.rul += site.rul
        fleet.quarters.update(site.quarters)
    fleet.room = _over_sites(site.room for site in sites)
    fleet.jar_temperature = _over_sites(site.jar_temperature for site in sites)
    return fleet


def _over_sites(days_of: Iterator[list[Day]]) -> list[Day]:
    by_date: defaultdict[dt.date, list[Day]] = defaultdict(list)
    for days in days_of:
        for day in days:
            by_date[day.date].append(day)
    return [
        Day(
            date,
            float(np.mean([d.mean for d in found])),
            min(d.low for d in found),
            max(d.high for d in found),
        )
        for date, found in sorted(by_date.items())
    ]


def _counted(values: list[float], bins: tuple[tuple[int, int], ...]) -> list[int]:
    return [sum(low <= value < high for value in values) for low, high in bins]
