"""The pages as NiceGUI serves them: a frame without data, which the page's script fills and keeps alive.

Every page has the same bar on top: where one is, the alarms, the state of the connection and the age of
data. No element here stands for a jar: heatmap, tables and trends are drawn in the browser.
"""

from __future__ import annotations

import json
from html import escape
from typing import Final
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from nicegui.elements.aggrid import AgGrid
from nicegui.elements.echart import EChart

from hmi.frames import (
    ALARMS,
    AUDIT,
    BAR,
    COMPARISON,
    CONNECTIONS,
    FLEET,
    HEAD,
    HELD,
    INCIDENTS,
    JAR,
    JOURNAL,
    MARK,
    PERFORMANCE,
    SCRIPT,
    SIMULATION,
    SITE,
    SYSTEM_TABS,
    TABS,
    TRENDS,
    USERS,
    WORDS,
)
from hmi.i18n import catalogue, language, text

# Importing these puts their scripts into the import map, from where the pages' scripts take them.
CHARTS: Final = (AgGrid, EChart)
# Pages that stand together: address, the page's name, what its tab says, and the right that it asks for.
ALARM_TABS: Final = (
    ("/alarms", "alarms", "Alarms", ""),
    ("/alarms/incidents", "incidents", "Incidents", ""),
    ("/alarms/held", "held", "Held back", ""),
    ("/alarms/journal", "journal", "Journal", ""),
    ("/alarms/performance", "performance", "Performance", ""),
)
SYSTEM_PAGES: Final = (
    ("/system", "connections", "Connections", ""),
    ("/system/users", "users", "Users", "users"),
    ("/system/audit", "audit", "Audit trail", "audit"),
)
GROUP_OF: Final = {page: tabs for tabs in (ALARM_TABS, SYSTEM_PAGES) for _, page, _, _ in tabs}


def add_pages() -> None:
    """Register the pages with NiceGUI."""
    ui.page("/", title="Voltkeep - Fleet")(fleet_page)
    ui.page("/site/{site}", title="Voltkeep - Site")(site_page)
    ui.page("/jar/{site}/{system}/{string}/{jar}", title="Voltkeep - Jar")(jar_page)
    ui.page("/alarms", title="Voltkeep - Alarms")(alarms_page)
    ui.page("/alarms/incidents", title="Voltkeep - Incidents")(incidents_page)
    ui.page("/alarms/held", title="Voltkeep - Held back")(held_page)
    ui.page("/alarms/journal", title="Voltkeep - Journal")(journal_page)
    ui.page("/alarms/performance", title="Voltkeep - Performance")(performance_page)
    ui.page("/trends", title="Voltkeep - Trends")(trends_page)
    ui.page("/comparison", title="Voltkeep - Comparison")(comparison_page)
    ui.page("/simulation", title="Voltkeep - Simulation")(simulation_page)
    ui.page("/system", title="Voltkeep - Connections")(connections_page)
    ui.page("/system/users", title="Voltkeep - Users")(users_page)
    ui.page("/system/audit", title="Voltkeep - Audit trail")(audit_page)


def fleet_page(request: Request) -> None:
    """All sites at a glance."""
    _frame(request, "fleet", "", FLEET)


def site_page(request: Request, site: str) -> None:
    """One site: its jars as heatmap and table."""
    _frame(request, "site", site, SITE)


def jar_page(request: Request, site: str, system: str, string: str, jar: str) -> None:
    """One jar: live values, trend, life."""
    _frame(request, "jar", f"{site}/{system}/{string}/{jar}", JAR)


def alarms_page(request: Request) -> None:
    """The alarm list."""
    _frame(request, "alarms", "", TABS + ALARMS)


def incidents_page(request: Request) -> None:
    """Alarms of one cause at one site, as one thing."""
    _frame(request, "incidents", "", TABS + INCIDENTS)


def held_page(request: Request) -> None:
    """What operators are not shown."""
    _frame(request, "held", "", TABS + HELD)


def performance_page(request: Request) -> None:
    """How the alarm system does."""
    _frame(request, "performance", "", TABS + PERFORMANCE)


def journal_page(request: Request) -> None:
    """What happened before."""
    _frame(request, "journal", "", TABS + JOURNAL)


def trends_page(request: Request) -> None:
    """The past of any variables, side by side."""
    _frame(request, "trends", "", TRENDS)


def comparison_page(request: Request) -> None:
    """Site against site."""
    _frame(request, "comparison", "", COMPARISON)


def simulation_page(request: Request) -> None:
    """What is simulated, and what can be."""
    _frame(request, "simulation", "", SIMULATION)


def connections_page(request: Request) -> None:
    """The server, the gateways, the historian, and who is connected."""
    _frame(request, "connections", "", SYSTEM_TABS + CONNECTIONS)


def users_page(request: Request) -> None:
    """Who may do what."""
    _frame(request, "users", "", SYSTEM_TABS + USERS)


def audit_page(request: Request) -> None:
    """Who did what."""
    _frame(request, "audit", "", SYSTEM_TABS + AUDIT)


def _frame(request: Request, page: str, path: str, body: str) -> None:
    """The bar, the trail and the page's own frame; and the script that brings them to life."""
    lang = language(request.cookies)
    settings = {"page": page, "path": path, "lang": lang, "text": catalogue(lang)}
    ui.add_head_html(HEAD.format(settings=json.dumps(settings).replace("<", "\\u003c")))
    words = {key: escape(text(value, lang)) for key, value in WORDS.items()}
    here = 'aria-current="page"'
    bar = BAR.format(
        **words,
        mark=MARK,
        fleet_here=here if page == "fleet" else "",
        alarms_here=here if GROUP_OF.get(page) is ALARM_TABS else "",
        trends_here=here if page == "trends" else "",
        comparison_here=here if page == "comparison" else "",
        simulation_here=here if page == "simulation" else "",
        system_here=here if GROUP_OF.get(page) is SYSTEM_PAGES else "",
        user=escape(request.state.session.user),
        other="en" if lang == "th" else "th",
        other_name="EN" if lang == "th" else "ไทย",
    )
    main = _trail(path, words["fleet"]) + body.format(**words, tabs=_tabs(page, lang))
    ui.html(f'{bar}<main id="vk-main" class="vk-main vk-page-{page}">{main}</main>', sanitize=False)
    ui.add_body_html(SCRIPT.format(name=page))


def _tabs(page: str, lang: str) -> str:
    """Links between the pages of a group; who lacks the right does not see the page's."""

    def link(at: str, name: str, label: str, right: str) -> str:
        here = "aria-current=page" if name == page else ""
        needs = f'data-may="{right}" hidden' if right else ""
        return f'<a href="{at}" {here} {needs}>{escape(text(label, lang))}</a>'

    return "".join(link(*tab) for tab in GROUP_OF.get(page, ()))


def _trail(path: str, fleet: str) -> str:
    """Where one is: fleet, site, and down to the jar; the last one is the page's heading."""
    if not path:
        return ""
    parts = path.split("/")
    links = ['<a href="/">' + fleet + "</a>"]
    if len(parts) > 1:
        links.append(f'<a href="/site/{quote(parts[0])}">{escape(parts[0])}</a>')
    here = " ".join(escape(part) for part in parts[1:] or parts)
    steps = "".join(f"<li>{link}</li>" for link in links)
    return (
        f'<div class="vk-trail"><ol>{steps}</ol><h1>{here}</h1>'
        '<p id="vk-state" class="vk-muted"></p><nav id="vk-near"></nav></div>'
    )
