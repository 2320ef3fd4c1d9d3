// A jar: what it reads now, its past, the life it has left, its alarms and its nameplate.
import { AlarmPanel } from "./alarmpanel.js";
import { HEALTH, SENSORS, Tables, ageText, ask, badge, begin, by, figure, jarLink, make, path, period, segments, serverNow, showsSimulated, siteLink, statusText, t } from "./base.js";
import { exporting } from "./export.js";
import { alarmHistory, upkeep } from "./jarpast.js";
import { cases, factors } from "./life.js";
import { Trend } from "./trendchart.js";
import { LABELS, RANGES } from "./trendspan.js";

const LIVE = ["Voltage", "Temperature", "InternalResistance", "Current", "StateOfCharge", "StateOfHealth", "HealthStatus", "SensorState", "TemperatureExcess", "TwinVoltageResidual"];
const MOST = 8;
const LIFE = ["RulConfidence", "ReplacementQuarter", "RulTwinDays", "RulMlDays", "RulReview"];
const TRENDS = ["Voltage", "Temperature", "InternalResistance", "Current", "StateOfHealth", "RemainingUsefulLife", "TemperatureExcess", "TwinVoltageResidual"];
const AMBIENT = "AmbientTemperature"; // of the site
let data = null, trend = null, reasons = null, fault = "";
let shown = ["Voltage", "Temperature"];

begin(() => {
  showsSimulated(() => data?.simulated || trend?.simulated);
  trend = new Trend(by("vk-trend"), { viewed: remember });
  segments(by("vk-span"), Object.keys(RANGES).map((name) => [name, t(LABELS[name])]), "24h", (name) => trend.span.follow(RANGES[name]));
  choose();
  exporting(by("vk-export"), [path]);
  plate();
  explain();
  alarmHistory();
  upkeep();
  setInterval(() => data && values(), 1000);
  return {
    [`jar/${path}`]: { all: whole, some: part },
    [`alarms/${path}`]: new AlarmPanel(by("vk-list"), path),
  };
});

function whole(snapshot) {
  data = new Tables(snapshot);
  if (!by("vk-tags").children.length) by("vk-tags").replaceChildren(...[...TRENDS, AMBIENT].map(toggle));
  values();
  life();
  tell();
}

function part(message) {
  data.patch(message);
  values();
  life();
  tell();
}

// Live values go on where their history ends.
function tell() {
  for (const tag of shown.filter((name) => name !== AMBIENT)) {
    const { value, status } = data.get("jar", tag);
    trend.push(`${path}.${tag}`, data.times[data.item("jar", tag)], value, status);
  }
}

// A quantity is in the trend while its button is pressed.
function toggle(name) {
  const button = make("button", { type: "button", class: "vk-toggle", "aria-pressed": String(shown.includes(name)), onclick: () => {
    const on = !shown.includes(name);
    if (on ? shown.length === MOST : shown.length === 1) return;
    shown = on ? [...shown, name] : shown.filter((each) => each !== name);
    button.setAttribute("aria-pressed", String(on));
    choose();
  } }, t(name === AMBIENT ? "Ambient" : data.column("jar", name).label));
  return button;
}
const tags = () => shown.map((name) => `${name === AMBIENT ? path.split("/")[0] : path}.${name}`);
const choose = () => trend.set(tags()) || remember();

// The same trend on the page of trends, where others can be put beside it.
function remember() {
  if (!trend) return;
  const { span } = trend;
  const range = Object.keys(RANGES).find((name) => RANGES[name] === span.length) ?? "24h";
  const time = span.following ? [["range", range]] : [["from", Math.floor(span.from)], ["to", Math.floor(span.to)]];
  by("vk-more").href = `/trends?${new URLSearchParams([...tags().map((tag) => ["tag", tag]), ...time])}`;
}

function values() {
  const rows = LIVE.map((name) => {
    const column = data.column("jar", name);
    const view = data.shown("jar", name);
    const item = data.item("jar", name);
    const age = data.times[item] ? (serverNow() - data.times[item]) / 1000 : NaN;
    const kinds = { HealthStatus: HEALTH, SensorState: SENSORS }[name];
    const h = kinds && view.quality === "good" && view.value > 0 ? kinds[view.value] : null;
    return make("tr", { class: `${view.quality === "good" ? (h?.kind ?? "") : view.quality}${view.simulated ? " simulated" : ""}` },
      make("th", { scope: "row" }, t(column.label)),
      make("td", {}, h ? badge(h.kind, h.mark) : "", view.text, view.mark ? make("i", { class: "vk-mark" }, view.mark) : ""),
      make("td", { class: "vk-unit" }, view.unit),
      make("td", { class: "vk-agecell" }, ageText(age)),
      make("td", { class: "vk-statuscell" }, view.mark ? statusText(view.status) : ""));
  });
  by("vk-values").replaceChildren(make("table", { class: "vk-table vk-values" },
    make("thead", {}, make("tr", {}, make("th", {}), make("th", { scope: "col" }, t("Value")), make("th", {}), make("th", { scope: "col" }, t("Age")), make("th", {}))),
    make("tbody", {}, ...rows)));
}

function life() {
  const get = (name) => data.good("jar", name);
  const [days, low, high] = ["RemainingUsefulLife", "RemainingUsefulLifeLower", "RemainingUsefulLifeUpper"].map(get);
  const view = data.shown("jar", "RemainingUsefulLife");
  const kind = view.quality !== "good" ? view.quality : days < 90 ? "high" : days < 180 ? "medium" : "";
  const mark = view.mark || (kind === "high" ? "C" : kind ? "W" : "");
  const range = Math.max(high ?? 0, days ?? 0, 365) * 1.08;
  const at = (v) => `${Math.min(100, ((v ?? 0) / range) * 100)}%`;
  const known = days !== null && low !== null && high !== null;
  const step = range > 3000 ? 1000 : range > 1200 ? 500 : range > 500 ? 250 : 90;
  const ticks = [];
  for (let v = 0; v < range * 0.95; v += step) ticks.push(make("span", { style: `left:${at(v)}` }, figure(v)));
  const rows = LIFE.map((name) => {
    const v = data.shown("jar", name);
    const review = name === "RulReview" && v.value === 1 && v.quality === "good";
    return make("div", { class: v.quality === "good" ? "" : v.quality },
      make("dt", {}, t(data.column("jar", name).label)),
      make("dd", { class: review ? "medium" : "", title: v.quality === "good" ? "" : statusText(v.status) }, v.quality === "bad" ? "–" : `${review ? "▲ " : ""}${v.text}`, v.unit && v.quality !== "bad" ? make("small", {}, v.unit) : ""));
  });
  by("vk-life").replaceChildren(
    make("p", { class: `vk-big ${kind}` }, mark ? badge(kind, mark) : "", make("b", {}, view.text), make("small", {}, view.unit),
      make("span", {}, known ? `${figure(low)} – ${figure(high)} ${view.unit}, 90 %` : view.quality === "good" ? "" : statusText(view.status))),
    known ? make("div", { class: "vk-interval", "aria-hidden": "true" },
      make("i", { style: `left:${at(low)};right:calc(100% - ${at(high)})` }), make("b", { style: `left:${at(days)}` }),
      make("div", {}, ...ticks)) : "",
    make("dl", { class: "vk-facts" }, ...rows),
    why());
}

// What it rests on, work in its quarter, and jars that were alike; or why the server says nothing.
function why() {
  const link = make("p", {}, make("a", { href: `/rul?jar=${encodeURIComponent(path)}` }, t("What if …")));
  if (fault) return make("div", {}, make("p", { class: "vk-muted" }, `${t("No factors")}: ${t(fault)}`), link);
  if (!reasons) return link;
  const share = Math.round(reasons.model_weight * 100);
  return make("div", {}, reasons.review ? make("p", { class: "vk-review" }, `▲ ${t("Manual review required: twin and learnt model differ by more than 30 %.")}`) : "",
    make("h3", {}, t("Why")), factors(reasons.factors),
    make("p", { class: "vk-muted" }, `${t("Twin")} ${figure(100 - share)} %, ${t("learnt model")} ${figure(share)} % · ${t("Model")} ${reasons.version}`),
    reasons.notes.length ? make("h3", {}, `${t("Work in")} ${period(reasons.quarter)}`) : "", reasons.notes.length ? make("ul", { class: "vk-notes" }, ...reasons.notes.map((note) => make("li", {}, t(note)))) : "",
    make("h3", {}, t("Similar cases")), reasons.similar.length ? cases(reasons.similar) : make("p", { class: "vk-muted" }, t("None are known yet.")), link);
}

async function explain() {
  try {
    [reasons, fault] = [await ask(`/api/explain?jar=${encodeURIComponent(path)}`), ""];
  } catch (error) {
    fault = error.message;
    setTimeout(explain, 10_000);
  }
  if (data) life();
}

async function plate() {
  try {
    const answer = await fetch(`/api/nameplate?jar=${encodeURIComponent(path)}`);
    if (answer.status === 404) return;
    if (!answer.ok) throw new Error(answer.statusText);
    const body = await answer.json();
    near(body);
    const rows = body.fields.map(([label, value, unit]) => make("div", {},
      make("dt", {}, t(label)), make("dd", {}, typeof value === "number" ? figure(value, Number.isInteger(value) ? 0 : 2) : value ?? "–",
        unit && value !== null ? make("small", {}, unit) : "")));
    by("vk-plate").replaceChildren(make("dl", { class: "vk-facts" }, ...rows));
  } catch {
    setTimeout(plate, 2000);
  }
}

// Neighbours in the string, one step away.
function near({ before, after }) {
  const [site] = path.split("/");
  const name = (jar) => jar.split("/").pop();
  by("vk-near").replaceChildren(
    before ? make("a", { class: "vk-button", href: jarLink(before), rel: "prev" }, `‹ ${name(before)}`) : "",
    make("a", { class: "vk-button", href: siteLink(site) }, site),
    after ? make("a", { class: "vk-button", href: jarLink(after), rel: "next" }, `${name(after)} ›`) : "");
}
