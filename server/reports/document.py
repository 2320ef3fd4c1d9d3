"""A report as a document: what stands where, in words; report.typ sets it (pure).

The first page is for whoever has a minute: key figures and what needs attention. Then come the sites, alarms,
jars and money, and at the end what the figures are made of.
"""

from __future__ import annotations

from typing import Any, Final

from nodeset.tags import Health
from server.reports import documentalarms, documentjars
from server.reports.attention import LEAST_DATA, attention
from server.reports.blocks import (
    Block,
    Cell,
    Column,
    heading,
    marked,
    notes,
    points,
    subheading,
    table,
    text,
    tile,
)
from server.reports.charts import trends
from server.reports.cut import MOST, more
from server.reports.facts import Report, SiteFacts, Work
from server.reports.wording import NONE, Wording, number

REPLACEMENT: Final = "Replacement"


def document(report: Report, language: str, calendar: str) -> dict[str, Any]:
    """What report.typ is given."""
    say = Wording(language, calendar)
    kind = "Weekly" if report.period.weekly else "Monthly"
    title = say(f"{kind} battery report, {{period}}", period=say.dates.period(report.period))
    of = report.site or say("Fleet {name}", name=report.fleet)
    simulated = "Figures of a simulated plant: no real battery stands behind them."
    return {
        "language": language,
        "title": title,
        "lead": _lead(report, say),
        "footer": f"Voltkeep · {of} · {say.dates.period(report.period)}",
        "page": say("Page"),
        "notice": say(simulated) if report.simulated else "",
        "blocks": [
            _tiles(report, say),
            heading(say("What needs attention")),
            _attention(report, say),
            *_parts(report, say),
            *trends(report, say),
            *documentalarms.alarms(report, say),
            *_outages(report, say),
            *documentjars.weakest(report, say),
            *documentjars.replacement(report, say),
            *_maintenance(report, say),
            *documentalarms.open_alarms(report, say),
            heading(say("About these figures")),
            notes(_notes(report, say)),
        ],
    }


def _lead(report: Report, say: Wording) -> str:
    whole = report.whole
    made, zone = say.dates.time(report.made), report.period.zone.key
    jars = number(len(whole.jars))
    if report.site:
        text = "Site {of} ({region}): {jars} jars. Made {made} ({zone})."
        lead = say(text, of=report.site, region=say.name(whole.region), jars=jars, made=made, zone=zone)
    else:
        text = "{of}: {sites} sites, {jars} jars. Made {made} ({zone})."
        of = say("Fleet {name}", name=report.fleet)
        lead = say(text, of=of, sites=len(report.sites), jars=jars, made=made, zone=zone)
    if report.begun:
        lead += " " + say("The period is not over: figures are up to {made}.", made=made)
    return lead


def _attention(report: Report, say: Wording) -> Block:
    found = attention(report, say)
    return points(found) if found else text(say("Nothing stands out in this period."))


# -- figures in large


def _tiles(report: Report, say: Wording) -> Block:
    whole = report.whole
    return {"kind": "tiles", "tiles": [*_condition_tiles(report, say), *_event_tiles(report, whole, say)]}


def _condition_tiles(report: Report, say: Wording) -> list[dict[str, Any]]:
    whole = report.whole
    known = whole.statuses
    critical, warning = known[Health.CRITICAL], known[Health.WARNING]
    unknown = known[Health.UNKNOWN] + known[None]
    split = say("{warning} warning, {critical} critical", warning=number(warning), critical=number(critical))
    if unknown:
        split += say(", {unknown} unknown", unknown=number(unknown))
    lost = say("{n} lost in the period", n=f"{number(whole.decline, 2)} %")
    shortest = min((jar.life for jar in whole.jars if jar.life is not None), default=None)
    healthy = number(share(whole), 1)
    earlier = say("no earlier figure") if whole.decline is None else lost
    silent = say("{n} h without any data", n=number(whole.silent_hours))
    fresh, lacking = number(whole.fresh, 1), (whole.fresh or 0.0) < LEAST_DATA
    return [
        tile(say("Healthy jars"), healthy, " %", split, critical > 0),
        tile(say("Mean state of health"), number(whole.mean("health"), 1), " %", earlier, False),
        tile(
            say("Mean remaining life"),
            say.life(whole.mean("life")), "", say("shortest {n}", n=say.life(shortest)), False,
        ),
        tile(say("Availability of data"), fresh, " %", silent, lacking),
    ]  # fmt: skip


def _event_tiles(report: Report, whole: SiteFacts, say: Wording) -> list[dict[str, Any]]:
    rates = whole.rates
    assert rates is not None
    daily, waiting = rates.rates[0], sum(not alarm.acknowledged for alarm in whole.open)
    time = say("{n} in all", n=say.duration(whole.outage_seconds)) if whole.outages else say("none")
    cost = float(report.forecast.cost[:4].sum())
    price = say("about {cost} {currency}", cost=number(round(cost, -3)), currency=report.currency)
    price = price if report.lives else say("no life is known")
    unacknowledged = say("{n} not acknowledged", n=number(waiting))
    a_day = say("{n} a day", n=number(daily.value, 1))
    expected = float(report.forecast.jars[:4].sum()) if report.lives else None
    return [
        tile(say("Outages of the mains"), number(len(whole.outages)), "", time, False),
        tile(say("Alarms raised"), number(rates.count), "", a_day, not daily.acceptable),
        tile(say("Alarms open at the end"), number(len(whole.open)), "", unacknowledged, waiting > 0),
        tile(say("To replace in a year, expected"), number(expected), "", price, False),
    ]


# -- sites, or the strings of one


def _parts(report: Report, say: Wording) -> list[Block]:
    if report.site:
        return [heading(say("Strings")), documentjars.strings(report, say)]
    columns = [
        Column(say("Site"), "l", 1.3),
        Column(say("Jars"), width=0.8),
        Column(say("Healthy [%]")),
        Column(say("Data [%]")),
        Column(say("SOH [%]")),
        Column(say("Lowest [%]")),
        Column(say("Lost [%]")),
        Column(say("Life, mean")),
        Column(say("Outages"), width=0.9),
        Column(say("Without mains")),
        Column(say("Alarms")),
        Column(say("Room [°C] mean (highest)"), width=1.5),
    ]
    rows = [_site_row(site, site.name, say) for site in report.sites]
    rows.append(_site_row(report.whole, say("All sites"), say))
    return [heading(say("Sites")), table(columns, rows)]


def _site_row(site: SiteFacts, name: str, say: Wording) -> list[Cell]:
    fresh = number(site.fresh, 1)
    room = NONE
    if site.room:
        mean = sum(day.mean for day in site.room) / len(site.room)
        room = f"{number(mean, 1)} ({number(max(day.high for day in site.room), 1)})"
    return [
        name,
        number(len(site.jars)),
        number(share(site), 1),
        fresh if site.fresh is None or site.fresh >= LEAST_DATA else marked(fresh),
        number(site.mean("health"), 1),
        number(min((jar.health for jar in site.jars if jar.health is not None), default=None), 1),
        number(site.decline, 2),
        say.life(site.mean("life")),
        number(len(site.outages)),
        say.duration(site.outage_seconds),
        number(len(site.raised)),
        room,
    ]


def share(site: SiteFacts) -> float | None:
    """Jars that are healthy, of all [%]; None where no jar's health is known."""
    known = site.statuses
    if not site.jars or known[None] == len(site.jars):
        return None
    return 100.0 * known[Health.HEALTHY] / len(site.jars)


# -- outages and maintenance


def _outages(report: Report, say: Wording) -> list[Block]:
    outages = report.whole.outages
    title = heading(say("Outages of the mains"))
    if not outages:
        return [title, text(say("No outage of the mains."))]
    columns = [
        Column(say("Site"), "l"),
        Column(say("Began"), "l"),
        Column(say("Ended"), "l"),
        Column(say("Duration")),
    ]
    rows: list[list[Cell]] = [
        [
            outage.site,
            say.dates.time(outage.began),
            say("lasts") if outage.open else say.dates.time(outage.ended),
            say.duration(outage.seconds),
        ]
        for outage in outages[:MOST]
    ]
    return [title, table(columns, rows, more(len(outages), say))]


def _maintenance(report: Report, say: Wording) -> list[Block]:
    whole = report.whole
    found = [heading(say("Maintenance"))]
    if not whole.works and not whole.tests:
        return [*found, text(say("No maintenance is recorded."))]
    replaced = [work for work in whole.works if work.kind == REPLACEMENT]
    others = [work for work in whole.works if work.kind != REPLACEMENT]
    if replaced:
        found += [subheading(say("Replaced jars")), _works(replaced, "New serial number", say)]
    if others:
        found += [subheading(say("Work done")), _works(others, "Kind", say)]
    if whole.tests:
        found += [subheading(say("Capacity tests")), _tests(report, say)]
    return found


def _works(works: list[Work], column: str, say: Wording) -> Block:
    columns = [
        Column(say("Date"), "l", 0.8), Column(say("Part"), "l", 1.4), Column(say(column), "l", 1.1),
        Column(say("By"), "l", 0.8), Column(say("Note"), "l", 2.2),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            say.dates.day(work.began.date()),
            work.asset,
            (work.serial or NONE) if work.kind == REPLACEMENT else say.name(work.kind),
            say.name(work.done_by),
            say.name(work.note),
        ]
        for work in works[:MOST]
    ]
    return table(columns, rows, more(len(works), say))


def _tests(report: Report, say: Wording) -> Block:
    tests = report.whole.tests
    columns = [
        Column(say("Date"), "l"), Column(say("Part"), "l", 1.5), Column(say("By"), "l"),
        Column(say("Capacity [Ah]")), Column(say("Rated [Ah]")),
        Column(say("Health at 25 °C [%]"), width=1.2),
    ]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            say.dates.day(test.began.date()),
            test.asset,
            test.done_by,
            number(test.capacity, 1),
            number(test.rated, 1),
            number(test.health, 1),
        ]
        for test in tests[:MOST]
    ]
    return table(columns, rows, more(len(tests), say))


def _notes(report: Report, say: Wording) -> list[str]:
    ran = "Simulated data are not part of this report; {n} simulations ran in the period."
    return [
        say(ran, n=number(report.simulations)),
        *map(say, NOTES),
        say("Days and times are of {zone}.", zone=report.period.zone.key),
    ]


NOTES: Final = (
    "Availability: the share of jars with fresh data, over all hours; one without any data counts as 0 %.",
    "Health, life and resistance are as last known in the period; health lost leaves replaced jars out.",
    "A jar is due in its ReplacementQuarter, which is planned by the lower bound of its life.",
    "Alarms are those that operators were shown: not suppressed, shelved or out of service.",
    "Cost and number are expected values; intervals do not cover what all jars have in common.",
    "Prices of jars and labour are those of the settings (maintenance).",
)
