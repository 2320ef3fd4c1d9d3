// The planner: what falls due by quarter and year, and the visits that are cheapest, by site and quarter.
import { echarts } from "nicegui-echart";
import { ask, begin, by, clock, css, day, figure, jarLink, make, period, rights, say, segments, serverNow, setText, siteLink, t, zoneOf } from "./base.js";
import { lines, save } from "./csv.js";
import { selection } from "./listing.js";

const NOTES = { SONGKRAN: "Songkran", MONSOON: "Monsoon", LATE: "Late" };
const REASONS = { DUE: "Due", EARLY: "Earlier, with others", WHOLE_STRING: "With its whole string", LATE: "Late: no day or crew before" };
const SPANS = [[4, "1 year"], [8, "2 years"], [12, "3 years"], [20, "5 years"], [40, "10 years"]];
const asked = new URLSearchParams(location.search);
const notes = (list) => list.map((note) => (note === "LATE" ? `▲ ${t(NOTES[note])}` : t(NOTES[note] ?? note))).join(", ");
let chart = null, forecast = null, plan = null, what = "expected", cell = null, may = new Set();
let opened = new Set();

begin(() => {
  chart = echarts.init(by("vk-bars"));
  new ResizeObserver(() => chart.resize()).observe(by("vk-bars"));
  addEventListener("voltkeep-theme", draw);
  document.fonts.addEventListener("loadingdone", draw); // a canvas does not wait for its letters
  segments(by("vk-what"), [["expected", t("Jars")], ["cost", t("Cost")]], what, (value) => {
    what = value;
    draw();
  });
  selection("vk-site", asked.get("site") ? [[asked.get("site"), asked.get("site")]] : [], asked.get("site") ?? "");
  by("vk-quarters").replaceChildren(...SPANS.map(([count, label]) => make("option", { value: count, selected: count === Number(asked.get("quarters") ?? 12) }, t(label))));
  by("vk-site").onchange = by("vk-quarters").onchange = read;
  by("vk-ask").onsubmit = (event) => event.preventDefault();
  by("vk-every").onclick = () => choose(null);
  by("vk-csv").onclick = csv;
  rights().then((found) => {
    may = found;
    visits();
  });
  read();
  return { fleet: { all: ({ tables }) => selection("vk-site", tables.find(({ name }) => name === "sites").rows.map((site) => [site, site])), some() {} } };
});

async function read() {
  const query = `site=${encodeURIComponent(by("vk-site").value)}&quarters=${by("vk-quarters").value}`;
  history.replaceState(null, "", `?${query}`);
  say(t("Reading"));
  try {
    const found = await Promise.all([ask(`/api/forecast?${query}`), ask(`/api/plan?${query}`)]);
    if (!location.search.endsWith(query)) return;
    [forecast, plan] = found;
    say(forecast.quarters.some(({ expected }) => expected > 0) ? "" : t("Nothing is foretold yet: the twin has to see the first scans."));
    opened = new Set();
    draw();
    figures();
    totals();
    choose(null);
  } catch (error) {
    say(error.message, true);
  }
}

// Bars with the 90 % interval as a whisker.
function draw() {
  if (!forecast) return;
  const [ink, soft, line, panel, calm] = ["ink", "soft", "line", "panel", "hatch"].map((name) => css(`--${name}`));
  const font = { color: soft, fontSize: 11 };
  const rows = forecast.quarters, cost = what === "cost";
  const bounds = rows.map((row, k) => (cost ? [k, row.lower_cost, row.upper_cost] : [k, row.lower, row.upper]));
  chart.setOption({
    animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 62, right: 12, top: 30, bottom: 52 },
    tooltip: { trigger: "axis", axisPointer: { type: "shadow" }, backgroundColor: panel, borderColor: line, textStyle: { color: ink, fontSize: 12 }, formatter: ([{ dataIndex }]) => tip(rows[dataIndex]) },
    xAxis: { type: "category", data: rows.map((row) => period(row.period)), axisLabel: { ...font, rotate: rows.length > 8 ? 60 : 0 }, axisLine: { lineStyle: { color: line } }, axisTick: { show: false } },
    yAxis: { type: "value", name: cost ? `${t("Cost")} [${forecast.currency}]` : t("Jars"), nameTextStyle: { ...font, align: "left", padding: [0, 0, 0, -48] }, axisLabel: { ...font, formatter: (value) => figure(value) }, splitLine: { lineStyle: { color: line, width: 0.5 } } },
    series: [{ type: "bar", data: rows.map((row) => row[what]), itemStyle: { color: calm }, barMaxWidth: 34 },
      { type: "custom", data: bounds, encode: { x: 0, y: [1, 2] }, silent: true, z: 4, renderItem: (_, api) => whisker(api, ink) }],
  });
}
function whisker(api, stroke) {
  const [x, low] = api.coord([api.value(0), api.value(1)]);
  const [, high] = api.coord([api.value(0), api.value(2)]);
  const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: { stroke, lineWidth: 1.4 } });
  return { type: "group", children: [line(x, low, x, high), line(x - 4, low, x + 4, low), line(x - 4, high, x + 4, high)] };
}
const range = (low, high, decimals) => `${figure(low, decimals)} – ${figure(high, decimals)}`;
const tip = (row) => `${period(row.period)}<br>${t("Jars")} <b>${figure(row.expected, 1)}</b> (${range(row.lower, row.upper, 1)})<br>${t("Cost")} <b>${figure(row.cost)}</b> ${forecast.currency} (${range(row.lower_cost, row.upper_cost)})${row.notes.length ? `<br>${notes(row.notes)}` : ""}`;

// The same for whoever cannot see the picture, and sums of the years.
function figures() {
  const head = [t("Quarter"), t("Jars"), "90 %", `${t("Cost")} [${forecast.currency}]`, "90 %", t("To know")];
  const row = (each, name) => make("tr", {}, make("th", { scope: "row" }, name), ...[figure(each.expected, 1), range(each.lower, each.upper, 1), figure(each.cost), range(each.lower_cost, each.upper_cost), notes(each.notes)].map((text) => make("td", {}, text)));
  const year = (each) => row(each, `${t("Year")} ${period(each.period)}${each.quarters < 4 ? ` (${figure(each.quarters)} ${t("of 4 quarters")})` : ""}`);
  by("vk-figures").replaceChildren(make("table", { class: "vk-table vk-sums" }, make("thead", {}, make("tr", {}, ...head.map((label) => make("th", { scope: "col" }, label)))),
    make("tbody", {}, ...forecast.quarters.map((each) => row(each, period(each.period)))), make("tbody", {}, ...forecast.years.map(year))));
}

function totals() {
  const jars = plan.visits.reduce((sum, visit) => sum + visit.replacements, 0);
  const late = plan.visits.filter((visit) => visit.notes.includes("LATE")).length;
  const total = (label, text, unit = "", bad = false) => make("div", { class: `vk-total${bad ? " medium" : ""}` }, make("span", {}, t(label)), make("b", {}, text, unit ? make("small", {}, unit) : "", bad ? make("i", { class: "vk-mark" }, "▲") : ""));
  by("vk-totals").replaceChildren(total("Visits", figure(plan.visits.length)), total("Jars to replace", figure(jars)), total("Whole strings", figure(plan.whole_strings.length)),
    total("Late visits", figure(late), "", late > 0), total("Cost of the plan", figure(plan.cost), plan.currency), total("As separate visits", figure(plan.separate_cost), plan.currency),
    total("Saved", figure(plan.separate_cost - plan.cost), plan.currency), total("Value given up early", figure(plan.given_up), plan.currency));
}

const count = (number) => `${figure(number)} ${t(number === 1 ? "visit" : "visits")}`;
const sum = (cells, name) => cells.reduce((all, each) => all + each[name], 0);

function matrix() {
  const quarters = forecast.quarters.map((each) => each.period).filter((name) => plan.cells.some(({ quarter }) => quarter === name));
  const sites = [...new Set(plan.cells.map(({ site }) => site))].sort();
  if (!sites.length) return by("vk-matrix").replaceChildren(make("p", { class: "vk-empty" }, t("No visits are planned in this time.")));
  const said = (cells) => (cells.length ? [figure(sum(cells, "replacements")), make("small", {}, count(sum(cells, "visits"))), make("small", {}, `${figure(sum(cells, "cost") / 1000)} k`)] : ["–"]);
  const at = (site, quarter) => plan.cells.filter((each) => (!site || each.site === site) && (!quarter || each.quarter === quarter));
  const button = (site, quarter) => {
    const cells = at(site, quarter);
    if (!cells.length) return make("td", { class: "vk-muted" }, "–");
    const on = cell?.[0] === site && cell?.[1] === quarter;
    return make("td", {}, make("button", { type: "button", "aria-pressed": String(on), onclick: () => choose(on ? null : [site, quarter]) }, make("span", { class: "vk-unseen" }, `${site} ${period(quarter)}: `), ...said(cells)));
  };
  const head = [t("Site"), ...quarters.map(period), t("Sum")].map((label) => make("th", { scope: "col" }, label));
  const row = (site) => make("tr", { "data-site": site }, make("th", { scope: "row" }, make("a", { href: siteLink(site) }, site)), ...quarters.map((quarter) => button(site, quarter)), make("td", {}, ...said(at(site))));
  by("vk-matrix").replaceChildren(make("table", { class: "vk-table vk-matrix" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...sites.map(row)),
    make("tfoot", {}, make("tr", {}, make("th", { scope: "row" }, t("Sum")), ...quarters.map((quarter) => make("td", {}, ...said(at("", quarter)))), make("td", {}, ...said(plan.cells)))))
  , make("p", { class: "vk-muted" }, `k: 1\u202f000 ${plan.currency}. ${t("Choose a cell to see its visits.")} ${t("Jars are replaced before the lower bound of their lives, and old strings as a whole: so there are more than the forecast expects to fail.")}`));
}

// Visits of a cell of the matrix, or all.
function choose(wanted) {
  cell = wanted;
  by("vk-every").hidden = !wanted;
  matrix();
  visits();
}

const chosen = () => plan.visits.map((visit, number) => [visit, number]).filter(([visit]) => !cell || (visit.site === cell[0] && visit.quarter === cell[1]));

function visits() {
  if (!plan) return;
  const shown = chosen();
  setText(by("vk-which"), cell ? `${cell.map(period).join(" ")}: ${figure(shown.length)}` : figure(shown.length));
  if (!shown.length) return by("vk-visits").replaceChildren(make("p", { class: "vk-empty" }, t("No visits are planned in this time.")));
  const head = [["", ""], ["Day", ""], ["Site", ""], ["Quarter", ""], ["Jars", "vk-num"], [`Cost`, "vk-num"], ["To know", ""], ["", ""]];
  by("vk-visits").replaceChildren(make("table", { class: "vk-table vk-visits" },
    make("thead", {}, make("tr", {}, ...head.map(([label, kind], k) => make("th", { scope: "col", class: kind }, label ? t(label) : make("span", { class: "vk-unseen" }, t(k ? "Actions" : "Jars")))))),
    make("tbody", {}, ...shown.flatMap(([visit, number]) => line(visit, number)))));
}

const hours = (visit) => `${day(visit.begins, zoneOf(visit.site))} ${clock(visit.begins, zoneOf(visit.site)).slice(0, 5)}–${clock(visit.ends, zoneOf(visit.site)).slice(0, 5)}`;

function line(visit, number) {
  const open = opened.has(number);
  const toggle = make("button", { class: "vk-button", type: "button", "aria-expanded": String(open), "aria-label": `${t("Jars")}: ${visit.site} ${day(visit.begins, zoneOf(visit.site))}`, onclick: () => {
    if (!opened.delete(number)) opened.add(number);
    visits();
    by("vk-visits").querySelector(`[data-visit="${number}"] button`).focus();
  } }, open ? "▾" : "▸");
  const record = may.has("test") ? make("a", { class: "vk-button", href: recording(visit) }, t("Record replacement")) : "";
  const row = make("tr", { "data-visit": number }, make("td", {}, toggle), make("td", {}, hours(visit)), make("td", {}, visit.site), make("td", {}, period(visit.quarter)),
    make("td", { class: "vk-num" }, figure(visit.replacements)), make("td", { class: "vk-num" }, `${figure(visit.cost)} ${plan.currency}`), make("td", { class: visit.notes.includes("LATE") ? "vk-late" : "" }, notes(visit.notes) || "–"), make("td", { class: "vk-num" }, record));
  return open ? [row, make("tr", { class: "vk-inside" }, make("td", { colspan: 8 }, inside(visit)))] : [row];
}

function inside(visit) {
  const row = ({ jar, due, reason }) => make("tr", {}, make("th", { scope: "row" }, make("a", { href: jarLink(jar) }, jar.split("/").slice(1).join(" "))), make("td", {}, period(due)), make("td", {}, t(REASONS[reason] ?? reason)));
  return make("table", { class: "vk-table vk-visits" }, make("thead", {}, make("tr", {}, ...["Jar", "Due in", "Why"].map((label) => make("th", { scope: "col" }, t(label))))), make("tbody", {}, ...visit.jobs.map(row)));
}

// The page of records, its form filled in with what the visit replaces: whole strings as such.
const recording = (visit) => `/rul/records?${new URLSearchParams([["kind", "Replacement"], ...visit.assets.map((asset) => ["asset", asset])])}`;

function csv() {
  if (!plan) return;
  const head = ["Day", "Site", "Quarter", "Jar", "Due in", "Why", "To know", "Cost"].map((label) => t(label));
  // The cost of a visit stands once, in its first row: the column sums up to what is paid.
  const rows = chosen().flatMap(([visit]) => visit.jobs.map(({ jar, due, reason }, k) => [hours(visit), visit.site, period(visit.quarter), jar, period(due), t(REASONS[reason] ?? reason), notes(visit.notes), k ? "" : Math.round(visit.cost)]));
  save(`voltkeep-plan-${day(serverNow())}.csv`, lines([[...head.slice(0, -1), `${head.at(-1)} [${plan.currency}]`], ...rows]));
}
