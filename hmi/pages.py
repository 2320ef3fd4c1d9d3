"""The pages as NiceGUI serves them: a frame without data, which the page's script fills and keeps alive.

Each is declared once, in `PAGES`; its frame is `frames/<name>.html`, its script `assets/<name>.js`, and its
rules `assets/<name>.css` where it, or a module that it imports, needs some of its own. In a frame `[[words]]`
are translated.
Every page has the same bar on top: where one is, the alarms, the state of the connection and the age of
data. No element here stands for a jar: heatmap, tables and trends are drawn in the browser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from nicegui.elements.aggrid import AgGrid
from nicegui.elements.echart import EChart

from hmi.assetfiles import address, modules, styles
from hmi.i18n import catalogue, text
from hmi.preferences import preferences_of

HERE: Final = Path(__file__).parent
# Importing these puts their scripts into the import map, from where the pages' scripts take them.
CHARTS: Final = (AgGrid, EChart)
MARK: Final = '<svg viewBox="0 0 24 24" aria-hidden="true"><use href="{}#mark"/></svg>'
ALARM_COUNT: Final = '<span id="vk-alarms" class="vk-count" hidden></span>'
WORDS: Final = re.compile(r"\[\[(.+?)\]\](?!\])")


@dataclass(frozen=True)
class PageDef:
    """One page: where it is, and where it stands in the navigation.

    Pages of one `group` stand together as tabs; who lacks the `right` (`hmi.rights`) does not see the tab.
    Parts of the fleet in its address make it a page below the fleet, with a trail instead of tabs.
    """

    address: str
    name: str
    title: str
    group: str
    right: str = ""

    @property
    def below(self) -> bool:
        """Whether it shows a part of the fleet, named in its address."""
        return "{" in self.address


# The navigation, and what it calls each group of pages.
GROUPS: Final = {
    "fleet": "Fleet",
    "alarms": "Alarms",
    "trends": "Trends",
    "rul": "RUL",
    "comparison": "Comparison",
    "simulation": "Simulation",
    "reports": "Reports",
    "system": "System",
}
PAGES: Final = (
    PageDef("/", "fleet", "Overview", "fleet"),
    PageDef("/heatmap", "heatmap", "Heatmap", "fleet"),
    PageDef("/site/{site}", "site", "Site", "fleet"),
    PageDef("/jar/{site}/{system}/{string}/{jar}", "jar", "Jar", "fleet"),
    PageDef("/alarms", "alarms", "Alarms", "alarms"),
    PageDef("/alarms/incidents", "incidents", "Incidents", "alarms"),
    PageDef("/alarms/held", "held", "Held back", "alarms"),
    PageDef("/alarms/journal", "journal", "Journal", "alarms"),
    PageDef("/alarms/performance", "performance", "Performance", "alarms"),
    PageDef("/alarms/configuration", "configuration", "Configuration", "alarms"),
    PageDef("/trends", "trends", "Trends", "trends"),
    PageDef("/rul", "rul", "Remaining life", "rul"),
    PageDef("/rul/planner", "planner", "Planner", "rul"),
    PageDef("/rul/records", "records", "Records", "rul"),
    PageDef("/comparison", "comparison", "Comparison", "comparison"),
    PageDef("/simulation", "simulation", "Simulation", "simulation"),
    PageDef("/reports", "reports", "Reports", "reports"),
    PageDef("/system", "connections", "Connections", "system"),
    PageDef("/system/models", "models", "Models", "system"),
    PageDef("/system/users", "users", "Users", "system", "users"),
    PageDef("/system/audit", "audit", "Audit trail", "system", "audit"),
    PageDef("/preferences", "preferences", "Preferences", ""),
)
# Beside a group's tabs: what its pages say about all of the group.
BESIDE_TABS: Final = {"alarms": '<div id="vk-flood" class="vk-flood" role="status" hidden></div>'}


# Time zones of the fleet and its sites, as far as they are known.
Zones = Callable[[], Mapping[str, str]]


def add_pages(zones: Zones) -> None:
    """Register the pages with NiceGUI."""
    for page in PAGES:
        ui.page(page.address)(_shows(page, zones))


def _shows(page: PageDef, zones: Zones) -> Callable[[Request], None]:
    def show(request: Request) -> None:
        lang = preferences_of(request).language
        ui.page_title(f"Voltkeep - {text(page.title, lang)}")
        _frame(request, page, lang, zones())

    return show


def _frame(request: Request, page: PageDef, lang: str, zones: Mapping[str, str]) -> None:
    """The bar, the trail or tabs, and the page's own frame; and the script that brings them to life."""
    path = "/".join(request.path_params.values())
    settings = {
        "page": page.name,
        "path": path,
        "user": request.state.session.user,
        "lang": lang,
        "preferences": asdict(preferences_of(request)),
        "zones": zones,
        "text": catalogue(lang),
    }
    script = f"{page.name}.js"
    head = _template("head", lang).format(
        style=address("voltkeep.css"),
        theme=address("theme.js"),
        session=address("session.js"),
        settings=json.dumps(settings).replace("<", "\\u003c"),
    )
    ui.add_head_html(head + "".join(f'<link rel="modulepreload" href="{each}">' for each in modules(script)))
    ui.add_head_html("".join(f'<link rel="stylesheet" href="{each}">' for each in styles(script)))
    bar = _template("bar", lang).format(
        mark=MARK.format(address("favicon.svg")),
        links=_links(page, lang),
        user=escape(request.state.session.user),
        other="en" if lang == "th" else "th",
        other_name="EN" if lang == "th" else "ไทย",
    )
    main = (_trail(path, lang) if page.below else _tabs(page, lang)) + _template(page.name, lang)
    # Part of the page as it is sent, and a script that waits for no other: they show before NiceGUI's own
    # parts, which are several times their size, have come.
    ui.add_body_html(
        f'{bar}<main id="vk-main" tabindex="-1" class="vk-main vk-page-{page.name}">{main}</main>'
    )
    ui.add_body_html(f'<script type="module" async src="{address(script)}"></script>')


@cache
def _template(name: str, lang: str) -> str:
    """A frame in a language."""
    frame = (HERE / "frames" / f"{name}.html").read_text(encoding="utf-8")
    return WORDS.sub(lambda words: escape(text(words[1], lang)), frame)


def _links(page: PageDef, lang: str) -> str:
    """The navigation: a group's first page stands for it."""

    def link(group: str, label: str) -> str:
        first = next(each for each in PAGES if each.group == group)
        here = 'aria-current="page"' if group == page.group and not page.below else ""
        count = ALARM_COUNT if group == "alarms" else ""
        return (
            f'<a class="vk-to-{group}" href="{first.address}" {here}>{escape(text(label, lang))}{count}</a>'
        )

    return "".join(link(*each) for each in GROUPS.items())


def _tabs(page: PageDef, lang: str) -> str:
    """Links between the pages of a group, where it has several."""
    group = [each for each in PAGES if each.group == page.group and not each.below]
    if len(group) < 2:
        return ""

    def link(each: PageDef) -> str:
        here = "aria-current=page" if each is page else ""
        needs = f'data-may="{each.right}" hidden' if each.right else ""
        return f'<a href="{each.address}" {here} {needs}>{escape(text(each.title, lang))}</a>'

    label, links = escape(text(GROUPS[page.group], lang)), "".join(map(link, group))
    return f'<nav class="vk-tabs" aria-label="{label}">{links}</nav>{BESIDE_TABS.get(page.group, "")}'


def _trail(path: str, lang: str) -> str:
    """Where one is: fleet, site, and down to the jar; the last one is the page's heading."""
    parts = path.split("/")
    links = [f'<a href="/">{escape(text("Fleet", lang))}</a>']
    if len(parts) > 1:
        links.append(f'<a href="/site/{quote(parts[0])}">{escape(parts[0])}</a>')
    here = " ".join(escape(part) for part in parts[1:] or parts)
    steps = "".join(f"<li>{link}</li>" for link in links)
    return (
        f'<div class="vk-trail"><ol>{steps}</ol><h1>{here}</h1>'
        '<p id="vk-state" class="vk-muted"></p><nav id="vk-near"></nav></div>'
    )
