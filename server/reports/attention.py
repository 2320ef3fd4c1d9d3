"""What a reader must not miss, in a few sentences; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from nodeset.tags import Health
from server.reports.facts import JarFacts, Report, SiteFacts
from server.reports.wording import Wording, number

YEAR: Final = 4  # quarters
LEAST_DATA: Final = 99.0  # %
HOT: Final = 30.0  # °C: above it life shortens fast (IEEE 1635: rooms are held near 25 °C)
_MOST_NAMED: Final = 5


def due(report: Report, quarters: int) -> list[JarFacts]:
    """Jars to replace within so many quarters, the present one first; the most urgent first."""
    last = int(report.forecast.quarters[0]) + quarters
    found = [jar for jar in report.whole.jars if jar.quarter is not None and jar.quarter < last]
    return sorted(found, key=lambda jar: (jar.quarter or 0, jar.life or 0.0, jar.path))


def due_in_a_year(report: Report) -> list[JarFacts]:
    """Jars to replace in the next four quarters."""
    return due(report, YEAR)


def attention(report: Report, say: Wording) -> list[str]:
    """Sentences, none where all is well."""
    return [*_jars(report, say), *_sites(report, say), *_alarms(report, say)]


def _jars(report: Report, say: Wording) -> Iterator[str]:
    whole = report.whole
    critical = Counter(jar.site for jar in whole.jars if jar.status == Health.CRITICAL)
    if critical:
        one = "{n} jars are in critical health."
        text = one if len(critical) == 1 else "{n} jars are in critical health, most of them at {site}."
        yield say(text, n=number(critical.total()), site=critical.most_common(1)[0][0])
    if now := due(report, 1):
        text = (
            "{n} jars are due for replacement in this quarter, or overdue, by the lower bound of their lives."
        )
        yield say(text, n=number(len(now)))
    known = [jar for jar in whole.jars if jar.health is not None]
    if known:
        weakest = min(known, key=lambda jar: jar.health or 0.0)
        text = "Weakest jar: {jar}, state of health {health} %."
        yield say(text, jar=weakest.path, health=number(weakest.health, 1))
    if failed := sorted({work.asset for work in whole.works if work.kind == "Failure"}):
        named = ", ".join(failed[:_MOST_NAMED])
        if (more := len(failed) - _MOST_NAMED) > 0:
            named = say("{jars} and {n} more", jars=named, n=more)
        yield say("{n} jars failed: {jars}.", n=number(len(failed)), jars=named)


def _sites(report: Report, say: Wording) -> Iterator[str]:
    silent = [site.name for site in report.sites if site.fresh == 0.0]
    if silent:
        yield say("No data came in of: {sites}.", sites=", ".join(silent))
    for site in report.sites:
        if site.fresh and site.fresh < LEAST_DATA:
            yield say("{site}: only {n} % of the data came in.", site=site.name, n=number(site.fresh, 1))
        highest = max((day.high for day in site.room), default=0.0)
        if highest > HOT:
            yield say("{site}: the battery room reached {n} °C.", site=site.name, n=number(highest, 1))
        if len(site.outages) > 1 or site.outage_seconds > 3600:
            text = "{site}: {n} outages of the mains, {time} in all."
            yield say(text, site=site.name, n=len(site.outages), time=say.duration(site.outage_seconds))


def _alarms(report: Report, say: Wording) -> Iterator[str]:
    whole: SiteFacts = report.whole
    assert whole.rates is not None
    daily = whole.rates.rates[0]
    if not daily.acceptable:
        text = "{n} alarms a day are more than an operator can follow well (EEMUA 191: {target})."
        yield say(text, n=number(daily.value), target=number(daily.target))
    waiting = sum(not alarm.acknowledged for alarm in whole.open)
    if waiting:
        text = "{n} alarms were open at the period's end, {waiting} of them not acknowledged."
        yield say(text, n=number(len(whole.open)), waiting=number(waiting))
