"""Reads the facts of a report from the historian and the plant's files."""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from psycopg import sql

from analytics.capacitytest import at_reference
from analytics.replacements import Forecast, forecast
from analytics.rul import Life
from config.alarmfile import AlarmFile
from config.settings import Maintenance
from historian.export.lines import Connection
from historian.export.request import ExportError
from historian.moments import microseconds
from nodeset.fleet import AssetType, Fleet, Jar, Site
from server.maintenance.prices import prices_of
from server.reports import queries
from server.reports.alarmrates import figures
from server.reports.facts import Alarm, Day, JarFacts, Outage, Report, SiteFacts, Test, Work
from server.reports.period import Period, moment, period_of
from server.reports.request import ReportOrder

QUARTERS: Final = 8  # of the forecast
_HOUR: Final = dt.timedelta(hours=1)
_EDGE: Final = dt.timedelta(days=2)  # of a period: its first values
# Tags of a jar by the fact that they are.
_LAST: Final = {
    "status": "HealthStatus",
    "voltage": "Voltage",
    "resistance": "InternalResistance",
    "health": "StateOfHealth",
    "life": "RemainingUsefulLife",
    "life_lower": "RemainingUsefulLifeLower",
    "life_upper": "RemainingUsefulLifeUpper",
    "quarter": "ReplacementQuarter",
}
_WHOLE: Final = ("status", "quarter")


def read_report(connection: Connection, order: ReportOrder, fleet: Fleet, alarms: AlarmFile) -> Report:
    """All that the report of an order says; `ExportError` where there is none."""
    zones = {"": fleet.zone, **{site.name: site.zone for site in fleet.sites}}
    if order.request.site not in zones:
        raise ExportError(f"There is no site '{order.request.site}'.")
    period = period_of(order.request.period, zones[order.request.site])
    now = moment(order.time)
    if period.low > now:
        raise ExportError(f"{period.name} has not begun.")
    return _Reading(connection, order, fleet, alarms, period, period.until(now)).report()


class _Reading:
    """One report, fact by fact."""

    def __init__(
        self,
        connection: Connection,
        order: ReportOrder,
        fleet: Fleet,
        alarms: AlarmFile,
        period: Period,
        until: dt.datetime,
    ) -> None:
        self._connection = connection
        self._order = order
        self._fleet = fleet
        self._management = alarms.management
        self._period = period
        self._until = until
        self._site = order.request.site
        self._given: dict[str, Any] = {
            "site": self._site, "low": period.low, "until": until, "zone": period.zone.key,
            "first_hour": _nearest(period.low), "after_hour": min(until, _nearest(period.high)),
        }  # fmt: skip
        wanted = [site for site in fleet.sites if self._site in ("", site.name)]
        self._sites = {site.name: SiteFacts(site.name, site.region) for site in wanted}
        self._whole = SiteFacts(self._site or fleet.name, "")

    def report(self) -> Report:
        connection = self._connection
        connection.execute("SET statement_timeout = '5min'")
        connection.execute("SET default_transaction_read_only = on")
        connection.execute("SET jit = off")
        self._read_jars()
        self._read_days()
        self._read_events()
        self._read_works()
        self._sum_up()
        order = self._order
        (simulations,) = connection.execute(queries.SIMULATIONS, self._given).fetchone() or (0,)
        rules = Maintenance.model_validate(order.maintenance)
        return Report(
            self._period, self._fleet.name, self._site, moment(order.time).astimezone(self._period.zone),
            order.simulated, simulations, self._whole, list(self._sites.values()),
            self._forecast(rules), rules.currency, self._management.priorities.lowest(),
        )  # fmt: skip

    def _read_jars(self) -> None:
        at = {**self._given, "at": self._until, "from": self._period.low}
        facts: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for name, tag in _LAST.items():
            for path, value in self._all(queries.last(AssetType.JAR, tag), at):
                facts[path][name] = round(value) if name in _WHOLE else value
        for path, value in self._all(queries.means(AssetType.JAR, "Temperature")):
            facts[path]["temperature"] = value
        begin = {**at, "from": self._period.low - _EDGE, "at": self._period.low + _EDGE}
        for path, value in self._all(queries.last(AssetType.JAR, "StateOfHealth"), begin):
            facts[path]["health_before"] = value
        replaced = {path: rest for path, *rest in self._all(queries.REPLACED)}
        for site, number in zip(self._fleet.sites, range(len(self._fleet.sites)), strict=True):
            if site.name in self._sites:
                jars = self._fleet.jars[self._fleet.jars_of_site(number)]
                self._sites[site.name].jars = [_jar(jar, site, replaced, facts[jar.path]) for jar in jars]

    def _read_days(self) -> None:
        for kind in (AssetType.SITE, AssetType.FLEET):
            for path, day in self._days(kind, "MeanStateOfHealth"):
                self._of(path).health.append(day)
            self._read_freshness(kind)
        for path, day in self._days(AssetType.SITE, "AmbientTemperature"):
            self._of(path).room.append(day)

    def _read_freshness(self, kind: AssetType) -> None:
        """Hours without any data count as hours in which no jar's were fresh."""
        hours = math.ceil((self._given["after_hour"] - self._given["first_hour"]) / _HOUR)
        found = {path: rest for path, *rest in self._all(queries.hours(kind, "FreshDataShare"))}
        paths = self._sites if kind is AssetType.SITE else [self._fleet.path]
        for path in paths:
            known, total = found.get(path, (0, 0.0))
            facts = self._of(path)
            facts.silent_hours = max(hours - known, 0)
            facts.fresh = min(total / hours, 100.0) if hours else None

    def _read_events(self) -> None:
        for path, began, ended, lasts in self._all(queries.OUTAGES):
            self._of(path).outages.append(Outage(path, self._local(began), self._local(ended), lasts))
        for site, source, condition, time, severity in self._all(queries.RAISED):
            alarm = Alarm(site, source, condition, self._local(time), severity)
            self._of(site).raised.append(alarm)
        for site, source, condition, time, severity, message, acked, active in self._all(queries.OPEN):
            alarm = Alarm(site, source, condition, self._local(time), severity, message, acked, active)
            self._of(site).open.append(alarm)

    def _read_works(self) -> None:
        for path, kind, began, done_by, note, serial in self._all(queries.WORKS):
            work = Work(path, kind, self._local(began), done_by, note, serial)
            self._of(path).works.append(work)
        for row in self._all(queries.TESTS):
            path, began, ended, temperature, capacity, rated, done_by = row
            hours = (ended - began) / dt.timedelta(hours=1)
            health = 100.0 * float(at_reference(capacity, temperature, hours)) / rated
            self._of(path).tests.append(Test(path, self._local(began), capacity, rated, health, done_by))

    def _sum_up(self) -> None:
        """The whole: what its sites have, together with what is the fleet's own."""
        whole = self._whole
        for name in ("jars", "outages", "raised", "open", "works", "tests"):
            own = getattr(whole, name)
            own += [each for site in self._sites.values() for each in getattr(site, name)]
        whole.outages.sort(key=lambda each: each.began)
        whole.works.sort(key=lambda each: each.began)
        whole.open.sort(key=lambda each: (-each.severity, each.time))
        if self._site:
            (only,) = self._sites.values()
            whole.fresh, whole.silent_hours, whole.health = only.fresh, only.silent_hours, only.health
            whole.region = only.region
        whole.room = _over_sites(site.room for site in self._sites.values())
        seconds = (self._until - self._period.low).total_seconds()
        for facts in (whole, *self._sites.values()):
            times = [(alarm.time - self._period.low).total_seconds() for alarm in facts.raised]
            severities = [alarm.severity for alarm in facts.raised]
            facts.rates = figures(times, severities, seconds, self._management)

    def _forecast(self, rules: Maintenance) -> Forecast:
        """Of the jars whose life is known, from the period's end on."""
        index_of = self._fleet.index_of
        jars = [jar for jar in self._whole.jars if jar.predicted]
        numbers = np.array([index_of[jar.path][1] for jar in jars], np.intp)
        columns = (
            np.array([getattr(jar, name) for jar in jars], np.float64)
            for name in ("life", "life_lower", "life_upper")
        )
        return forecast(
            Life(*columns),
            prices_of(rules, (jar.model for jar in jars)),
            self._fleet.string_of_jar[numbers],
            self._fleet.site_of_jar[numbers],
            microseconds(self._until),
            QUARTERS,
            self._fleet.zone,
        )

    def _of(self, path: str) -> SiteFacts:
        """Whose it is: the site's, or what is above the sites."""
        return self._sites.get(path.partition("/")[0], self._whole)

    def _days(self, kind: AssetType, tag: str) -> Iterable[tuple[str, Day]]:
        for path, date, low, mean, high in self._all(queries.days(kind, tag)):
            if not self._site or path == self._site:
                yield path, Day(date, low, mean, high)

    def _all(self, query: sql.Composed | str, given: dict[str, Any] | None = None) -> list[Any]:
        statement = query.encode() if isinstance(query, str) else query
        return self._connection.execute(statement, given or self._given).fetchall()

    def _local(self, time: dt.datetime) -> dt.datetime:
        return time.astimezone(self._period.zone)


def _nearest(time: dt.datetime) -> dt.datetime:
    """The full hour of UTC that is nearest to a time, of two the earlier one."""
    whole = time.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    return whole + _HOUR if time - whole > _HOUR / 2 else whole


def _jar(jar: Jar, site: Site, replaced: dict[str, Any], facts: dict[str, Any]) -> JarFacts:
    """With the nameplate of the jar that is there; a new one may have no serial number that is known."""
    installed, serial, baseline = jar.installed, jar.serial, jar.baseline_resistance
    string, system = jar.path.rpartition("/")[0], jar.path.rpartition("/")[0].rpartition("/")[0]
    for place in (system, string, jar.path):
        if place in replaced and (day := replaced[place][0].astimezone(site.zone).date()) > installed:
            _, serial, new = replaced[place]
            installed, baseline = day, new or jar.model.baseline_resistance
    return JarFacts(jar.path, site.name, jar.model_name, serial, installed, baseline, **facts)


def _over_sites(rooms: Iterable[list[Day]]) -> list[Day]:
    """Day by day, the mean of the sites, and the lowest and highest of all."""
    by_date: defaultdict[dt.date, list[Day]] = defaultdict(list)
    for days in rooms:
        for day in days:
            by_date[day.date].append(day)
    return [
        Day(
            date,
            min(d.low for d in found),
            float(np.mean([d.mean for d in found])),
            max(d.high for d in found),
        )
        for date, found in sorted(by_date.items())
    ]
