"""The HTML frames of the pages: where things stand, and the words that a script does not put there.

`{name}` is one of `WORDS`, translated and escaped; ids are what the pages' scripts fill.
"""

from __future__ import annotations

from typing import Final

HEAD: Final = """<link rel="stylesheet" href="/assets/voltkeep.css">
<script src="/assets/theme.js"></script>
<script>window.voltkeep={settings}</script>"""
SCRIPT: Final = '<script type="module" src="/assets/{name}.js"></script>'
MARK: Final = '<svg viewBox="0 0 24 24" aria-hidden="true"><use href="/assets/favicon.svg#mark"/></svg>'

BAR: Final = """
<a class="vk-skip" href="#vk-main">{skip}</a>
<header class="vk-bar">
  <a class="vk-brand" href="/">{mark}<span>Voltkeep</span></a>
  <nav aria-label="{pages}">
    <a href="/" {fleet_here}>{fleet}</a>
    <a href="/alarms" {alarms_here}>{alarms}<span id="vk-alarms" class="vk-count" hidden></span></a>
    <a href="/trends" {trends_here}>{trends}</a>
    <a href="/comparison" {comparison_here}>{comparison}</a>
    <a href="/simulation" {simulation_here}>{simulations}</a>
    <a href="/system" {system_here}>{system}</a>
  </nav>
  <div class="vk-link" id="vk-link" role="status">
    <span class="vk-lamp" aria-hidden="true"></span><b></b></div>
  <dl class="vk-clock"><div><dt>{server}</dt><dd id="vk-server">--:--:--</dd></div>
    <div><dt>{age}</dt><dd id="vk-age">--</dd></div></dl>
  <div class="vk-tools">
    <a class="vk-button" href="/language?to={other}" lang="{other}" hreflang="{other}">{other_name}</a>
    <button class="vk-button" id="vk-theme" type="button" title="{theme}" aria-label="{theme}">◐</button>
    <form method="post" action="/logout">
    <a class="vk-user" href="/password" title="{user}: {change_password}">{user}</a>
    <button class="vk-button">{log_out}</button></form>
  </div>
</header>
<div id="vk-banner" class="vk-banner" role="alert" hidden></div>
<div id="vk-simulation" class="vk-simulation" role="status" hidden><b>{simulation}</b><span></span></div>
"""
FLEET: Final = """<h1 class="vk-unseen">{fleet}</h1>
<section class="vk-totals" id="vk-totals" aria-label="{fleet}"></section>
<div class="vk-fleet"><section class="vk-cards live" id="vk-cards" aria-label="{sites}"></section>
<aside class="vk-side live">
<section class="vk-panel"><h2>{map_of_sites}</h2><div id="vk-map" class="vk-sites"></div></section>
<section class="vk-panel"><h2>{soh}</h2><div class="vk-bars" id="vk-soh"></div></section>
<section class="vk-panel"><h2>{rul}</h2><div class="vk-bars" id="vk-rul"></div></section>
<section class="vk-panel"><h2>{report}</h2><form class="vk-report" id="vk-report">
<label><span>{month}</span><input type="month" required></label><button class="vk-button">{get}</button>
<output role="status"></output></form></section></aside></div>"""
SITE: Final = """<section class="vk-totals live" id="vk-totals" aria-label="{environment}"></section>
<div class="vk-site"><div class="vk-middle">
<section class="vk-panel vk-heat"><header><h2>{jars}</h2>
<div class="vk-segments" id="vk-quantity" role="radiogroup" aria-label="{quantity}"></div></header>
<div class="vk-scroll"><canvas id="vk-map" tabindex="0" role="application" aria-label="{map}"></canvas></div>
<div class="vk-legend" id="vk-legend"></div><p id="vk-cell" class="vk-cell" aria-live="polite"></p></section>
<section class="vk-panel vk-tablepanel"><header><h2>{table}</h2>
<label class="vk-search"><span>{filter}</span><input id="vk-filter" type="search"></label>
<div class="vk-segments" id="vk-health" role="radiogroup" aria-label="{health}"></div></header>
<div id="vk-grid" class="vk-grid"></div></section></div>
<aside class="vk-side"><section class="vk-panel live"><h2>{systems}</h2><div id="vk-systems"></div></section>
<section class="vk-panel live"><h2>{alarms}</h2><div id="vk-list" class="vk-list"></div></section>
</aside></div>"""
JAR: Final = """<div class="vk-jar"><div class="vk-middle">
<section class="vk-panel live"><h2>{live}</h2><div id="vk-values"></div></section>
<section class="vk-panel live"><h2>{rul}</h2><div id="vk-life"></div></section></div>
<div class="vk-middle"><section class="vk-panel"><header><h2>{trend}<small id="vk-since"></small></h2>
<div class="vk-choices"><div class="vk-segments" id="vk-span" role="radiogroup" aria-label="{range}"></div>
<div class="vk-segments" id="vk-tag" role="radiogroup" aria-label="{quantity}"></div>
<button class="vk-button" id="vk-export" type="button" aria-haspopup="dialog">{export}</button></div></header>
<div id="vk-trend" class="vk-trend" role="img" aria-label="{trend}"></div></section>
<section class="vk-panel live"><h2>{alarms}</h2><div id="vk-list" class="vk-list"></div></section>
<section class="vk-panel"><h2>{nameplate}</h2><div id="vk-plate" class="vk-plate"></div></section>
</div></div>"""
TABS: Final = """<nav class="vk-tabs" aria-label="{alarm_pages}">{tabs}</nav>
<div id="vk-flood" class="vk-flood" role="status" hidden></div>"""
TRENDS: Final = """<h1 class="vk-unseen">{trends}</h1>
<section class="vk-panel"><form class="vk-act" id="vk-add"><div id="vk-asset" class="vk-choices"></div>
<label><span>{variable}</span><select id="vk-variable"></select></label>
<button class="vk-primary">{add}</button><output id="vk-result" role="status"></output></form>
<header><h2 id="vk-from"></h2><div class="vk-choices">
<div class="vk-segments" id="vk-span" role="radiogroup" aria-label="{range}"></div>
<label class="vk-check"><input type="checkbox" id="vk-events" checked><span>{events}</span></label>
<button class="vk-button" id="vk-csv" type="button">CSV</button></div></header>
<ul id="vk-chosen" class="vk-chosen"></ul>
<div id="vk-trend" class="vk-trend vk-wide" role="img" aria-label="{trends}"></div></section>
<section class="vk-panel"><h2>{happened}</h2><div id="vk-happened"></div></section>"""
COMPARISON: Final = """<h1 class="vk-unseen">{comparison}</h1>
<output id="vk-result" role="status"></output>
<section class="vk-panel"><header><h2>{spread}</h2><div class="vk-choices">
<div class="vk-segments" id="vk-tag" role="radiogroup" aria-label="{quantity}"></div>
<div class="vk-segments" id="vk-span" role="radiogroup" aria-label="{range}"></div></div></header>
<div id="vk-boxes" class="vk-trend" role="img" aria-label="{spread}"></div>
<details class="vk-step"><summary>{figures}</summary>
<div id="vk-figures" class="vk-scroll"></div></details></section>
<div class="vk-figures"><section class="vk-panel"><h2>{seasons}</h2>
<div id="vk-seasons" class="vk-scroll"></div></section>
<section class="vk-panel live"><header><h2>{site_against_site}</h2><div class="vk-choices">
<select id="vk-one" aria-label="{one_site}"></select><select id="vk-other" aria-label="{other_site}"></select>
<a id="vk-both"></a></div></header><div id="vk-beside" class="vk-scroll"></div></section></div>"""
SIMULATION: Final = """<h1 class="vk-unseen">{simulations}</h1>
<output id="vk-result" role="status"></output>
<div class="vk-simulating"><section class="vk-panel" data-may="simulate" hidden><h2>{begin_one}</h2>
<form id="vk-start" class="vk-form"><label><span>{scenario}</span><select id="vk-scenario"></select></label>
<div id="vk-what"></div>
<div class="vk-labelled"><span>{target}</span><div id="vk-target" class="vk-choices"></div></div>
<label><span>{minutes}</span><input id="vk-minutes" type="number" min="0" step="any" value="30"></label>
<div id="vk-parameters"></div><button class="vk-primary">{start}</button></form></section>
<div class="vk-side"><section class="vk-panel"><h2>{what_runs}</h2>
<div id="vk-running" class="vk-scroll"></div></section>
<section class="vk-panel"><h2>{own_scenarios}</h2><div id="vk-own"></div></section>
<section class="vk-panel" data-may="simulate" hidden><h2>{builder}</h2><form id="vk-build" class="vk-form">
<label><span>{name}</span>
<input id="vk-scenario-name" required pattern="[A-Z][A-Za-z0-9]*" maxlength="40"></label>
<label><span>{description}</span><input id="vk-scenario-text" maxlength="200"></label>
<div id="vk-steps"></div><div class="vk-choices">
<button class="vk-button" id="vk-step" type="button">{add_step}</button>
<button class="vk-primary">{save}</button></div></form></section></div></div>"""
SYSTEM_TABS: Final = """<nav class="vk-tabs" aria-label="{system_pages}">{tabs}</nav>"""
CONNECTIONS: Final = """<h1 class="vk-unseen">{connections}</h1>
<output id="vk-result" role="status"></output>
<div class="vk-figures live"><div class="vk-side">
<section class="vk-panel"><h2>{gateways}</h2><div id="vk-gateways" class="vk-scroll"></div></section>
<section class="vk-panel"><h2>{sessions}</h2><div id="vk-sessions" class="vk-scroll"></div></section></div>
<div class="vk-side"><section class="vk-panel"><h2>{server_itself}</h2><div id="vk-about"></div></section>
<section class="vk-panel"><h2>{historian}</h2><div id="vk-historian"></div></section>
<section class="vk-panel"><h2>{counters}</h2><div id="vk-counters"></div></section></div></div>"""
USERS: Final = """<h1 class="vk-unseen">{users}</h1>
<section class="vk-panel"><form class="vk-act" id="vk-add">
<label><span>{user_name}</span><input id="vk-name" required maxlength="64" autocomplete="off"></label>
<label><span>{role}</span><select id="vk-role"></select></label>
<label><span>{description}</span><input id="vk-about" maxlength="200" autocomplete="off"></label>
<button class="vk-primary">{add_user}</button><output id="vk-result" role="status"></output></form>
<div id="vk-once" class="vk-once" role="status" hidden></div>
<div id="vk-users" class="vk-scroll"></div></section>"""
AUDIT: Final = """<h1 class="vk-unseen">{audit}</h1>
<section class="vk-panel vk-tablepanel vk-tall"><form class="vk-act vk-ask" id="vk-ask">
<label><span>{range}</span><select id="vk-span"></select></label>
<label><span>{filter}</span><input id="vk-filter" type="search"></label>
<button class="vk-primary">{show}</button><output id="vk-result" role="status"></output></form>
<div id="vk-grid" class="vk-grid"></div>
<p class="vk-more"><button class="vk-button" id="vk-older" type="button" hidden>{older}</button></p>
</section>"""
ALARMS: Final = """<h1 class="vk-unseen">{alarms}</h1>
<div class="vk-alarms"><section class="vk-panel vk-tablepanel vk-tall"><header>
<div class="vk-segments" id="vk-which" role="radiogroup" aria-label="{which}"></div>
<div class="vk-choices">
<label class="vk-search"><span>{priority}</span><select id="vk-priority"></select></label>
<label class="vk-search"><span>{site}</span><select id="vk-site"></select></label>
<label class="vk-search"><span>{filter}</span><input id="vk-filter" type="search"></label></div></header>
<form class="vk-act" id="vk-act"><label><span>{comment}</span><input id="vk-comment" maxlength="500"></label>
<div class="vk-actions" id="vk-actions"></div>
<output id="vk-result" role="status"></output></form>
<div id="vk-grid" class="vk-grid"></div></section>
<aside class="vk-panel vk-detail" id="vk-detail" aria-label="{detail}" hidden></aside></div>"""
JOURNAL: Final = """<h1 class="vk-unseen">{journal}</h1>
<section class="vk-panel vk-tablepanel vk-tall"><form class="vk-act vk-ask" id="vk-ask">
<label><span>{range}</span><select id="vk-span"></select></label>
<label><span>{what}</span><select id="vk-what"></select></label>
<label><span>{site}</span><select id="vk-site"></select></label>
<label><span>{priority}</span><select id="vk-least"></select></label>
<label><span>{words}</span><input id="vk-words" type="search" maxlength="100"></label>
<button class="vk-primary">{show}</button><output id="vk-result" role="status"></output></form>
<div id="vk-grid" class="vk-grid"></div>
<p class="vk-more"><button class="vk-button" id="vk-older" type="button" hidden>{older}</button></p>
</section>"""
INCIDENTS: Final = """<h1 class="vk-unseen">{incidents}</h1>
<section class="vk-panel live"><form class="vk-act" id="vk-act">
<label class="vk-check"><input type="checkbox" id="vk-open" checked><span>{only_open}</span></label>
<label><span>{comment}</span><input id="vk-comment" maxlength="500"></label>
<output id="vk-result" role="status"></output></form>
<div id="vk-incidents" class="vk-scroll"></div></section>"""
HELD: Final = """<h1 class="vk-unseen">{held}</h1>
<section class="vk-panel vk-tablepanel vk-tall"><form class="vk-act" id="vk-act">
<label class="vk-search"><span>{filter}</span><input id="vk-filter" type="search"></label>
<label><span>{comment}</span><input id="vk-comment" maxlength="500"></label>
<div class="vk-actions" id="vk-actions"></div>
<output id="vk-result" role="status"></output></form>
<div id="vk-grid" class="vk-grid"></div></section>"""
PERFORMANCE: Final = """<h1 class="vk-unseen">{performance}</h1>
<section class="vk-totals live" id="vk-totals" aria-label="{performance}"></section>
<div class="vk-act"><label class="vk-search"><span>{site}</span><select id="vk-site"></select></label>
<output id="vk-result" role="status"></output></div>
<div class="vk-figures live"><section class="vk-panel"><h2>{against}</h2><div id="vk-against"></div></section>
<div class="vk-side">
<section class="vk-panel"><h2>{by_priority}</h2><div class="vk-bars" id="vk-priorities"></div></section>
<section class="vk-panel"><h2>{worst}</h2><div id="vk-worst"></div></section>
<section class="vk-panel"><h2>{standing}</h2><div id="vk-standing"></div></section>
<section class="vk-panel"><h2>{chattering}</h2><div id="vk-chattering"></div></section></div></div>"""

WORDS: Final = {
    "simulation": "SIMULATION",
    "skip": "Skip to content",
    "pages": "Pages",
    "fleet": "Fleet",
    "sites": "Sites",
    "map_of_sites": "Map",
    "alarms": "Alarms",
    "trends": "Trends",
    "variable": "Variable",
    "add": "Add",
    "events": "Events",
    "happened": "What happened",
    "comparison": "Comparison",
    "spread": "Spread by site",
    "figures": "In figures",
    "seasons": "State of health lost a month, by season [%]",
    "site_against_site": "Site against site",
    "one_site": "One site",
    "other_site": "Another site",
    "simulations": "Simulation",
    "begin_one": "Start a simulation",
    "scenario": "Scenario",
    "target": "Target",
    "minutes": "Duration [min], 0: until stopped",
    "start": "Start",
    "what_runs": "Running",
    "own_scenarios": "Custom scenarios",
    "builder": "Scenario builder",
    "name": "Name",
    "add_step": "Add step",
    "save": "Save",
    "system": "System",
    "system_pages": "Pages of the system",
    "connections": "Connections",
    "gateways": "Gateways",
    "sessions": "Sessions",
    "server_itself": "OPC UA server",
    "historian": "Historian",
    "counters": "Counters since the start",
    "users": "Users",
    "user_name": "User name",
    "role": "Role",
    "description": "Description",
    "add_user": "Add user",
    "audit": "Audit trail",
    "server": "Server time",
    "age": "Data age",
    "theme": "Light or dark",
    "log_out": "Log out",
    "change_password": "Change password",
    "soh": "State of health",
    "rul": "Remaining useful life",
    "environment": "Environment",
    "jars": "Jars by string",
    "quantity": "Quantity",
    "map": "Heatmap of jars: arrow keys move, Enter opens the jar",
    "systems": "Systems",
    "table": "Jars",
    "filter": "Filter",
    "health": "Health",
    "live": "Live values",
    "trend": "Trend",
    "range": "Range",
    "export": "Export",
    "report": "Monthly report (PDF)",
    "month": "Month",
    "get": "Get",
    "nameplate": "Nameplate",
    "which": "Which alarms",
    "comment": "Comment",
    "priority": "Priority",
    "site": "Site",
    "detail": "The alarm in full",
    "alarm_pages": "Pages of alarms",
    "journal": "Journal",
    "incidents": "Incidents",
    "only_open": "Only open ones",
    "held": "Held back",
    "performance": "Performance",
    "against": "Against EEMUA 191 and ISA-18.2",
    "by_priority": "Alarms of the last 7 days by priority",
    "worst": "Worst conditions of 7 days",
    "standing": "Standing alarms",
    "chattering": "Chattering alarms",
    "what": "Events",
    "words": "Words",
    "show": "Show",
    "older": "Older ones",
}
