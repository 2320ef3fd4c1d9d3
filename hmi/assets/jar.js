// A jar: what it reads now, its past, the life it has left, its alarms and its nameplate.
import { echarts } from "nicegui-echart";
import { AlarmPanel, HEALTH, SENSORS, Tables, ageText, badge, begin, by, css, figure, isSimulated, jarLink, make, path, quality, segments, serverNow, setText, showsSimulated, siteLink, stamp, statusText, t, times } from "./base.js";
import { exporting } from "./export.js";

const LIVE = ["Voltage", "Temperature", "InternalResistance", "Current", "StateOfCharge", "StateOfHealth", "HealthStatus", "SensorState", "TemperatureExcess", "TwinVoltageResidual"];
const LIFE = ["RulConfidence", "ReplacementQuarter", "RulTwinDays", "RulMlDays", "RulReview"];
const TRENDS = { Voltage: 3, Temperature: 1 };
const SPAN = { Voltage: 0.1, Temperature: 1 }; // the axis shows no less: noise is not drama
let data = null, chart = null, factors = null, fault = "";
// Of each range how long it is [ms]; live values go on where the first one ends.
const RANGES = { "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000, "90d": 7_776_000_000, "1y": 31_536_000_000 };
const LABELS = { "24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", "1y": "1 y" };
let tag = "Voltage", range = "24h";
let points = [];
let band = []; // [time, lowest, highest] of each interval, where points are means
let spans = []; // of time, whose values are simulated

begin(() => {
  showsSimulated(() => data?.simulated);
  segments(by("vk-tag"), Object.keys(TRENDS).map((name) => [name, t(name)]), tag, (value) => {
    tag = value;
    another();
  });
  segments(by("vk-span"), Object.keys(RANGES).map((name) => [name, t(LABELS[name])]), range, (value) => {
    range = value;
    another();
  });
  exporting(by("vk-export"), [path]);
  plate();
  predict();
  setInterval(() => data && values(), 1000);
  setInterval(trend, 300_000);
  addEventListener("voltkeep-theme", () => chart && style());
  return {
    [`jar/${path}`]: { all: whole, some: part },
    [`alarms/${path}`]: new AlarmPanel(by("vk-list"), path),
  };
});

function whole(snapshot) {
  data = new Tables(snapshot);
  values();
  life();
  trend();
}

function part(message) {
  data.patch(message);
  values();
  life();
  append();
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

function why() {
  if (fault) return make("p", { class: "vk-muted" }, `${t("No factors")}: ${t(fault)}`);
  if (!factors?.factors?.length) return "";
  const most = Math.max(...factors.shares.map(Math.abs), 0.01);
  return make("div", {}, make("h3", {}, t("Why")),
    make("div", { class: "vk-bars" }, ...factors.factors.map((name, k) => make("div", { class: "vk-barrow vk-factor" },
      make("span", {}, t(name)), make("div", {}, make("i", { style: `width:${(Math.abs(factors.shares[k]) / most) * 100}%` })),
      make("b", {}, `${figure(Math.abs(factors.shares[k]) * (most > 1.5 ? 1 : 100))}`, make("small", {}, "%"))))),
    factors.version ? make("p", { class: "vk-muted" }, `${t("Model")} ${factors.version}`) : "");
}

async function predict() {
  try {
    const answer = await fetch(`/api/predict?jar=${encodeURIComponent(path)}`);
    const body = await answer.json();
    if (answer.ok) [factors, fault] = [body, ""];
    else fault = body.fault ?? "";
  } catch {
    fault = t("The OPC UA server does not answer.");
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

// Another tag or range: what was drawn is of neither.
function another() {
  [points, band, spans] = [[], [], []];
  if (chart) draw();
  trend();
}

async function trend() {
  if (!data) return;
  if (!chart) {
    chart = echarts.init(by("vk-trend"));
    chart.on("datazoom", () => chart.setOption({ xAxis: times().zoomed(chart) }));
    new ResizeObserver(() => chart.resize()).observe(by("vk-trend"));
    style();
  }
  const [wanted, over] = [tag, range];
  try {
    const answer = await fetch(`/api/trend?jar=${encodeURIComponent(path)}&tag=${wanted}&span=${over}`);
    const body = await answer.json();
    if (wanted !== tag || over !== range) return;
    if (!answer.ok) return note(t(body.fault ?? "No history."));
    points = body.t.map((time, k) => [time, body.v[k]]);
    band = body.low.map((low, k) => [body.t[k], low, body.high[k]]);
    spans = body.simulated ?? [];
    note(points.some(([, value]) => value !== null) ? "" : t("No history yet."));
  } catch {
    note(t("The OPC UA server does not answer."));
  }
  draw();
}

const note = (text) => chart.setOption({ title: { text } });

// Live points go on where the history ended; one that is not good leaves a gap.
function append() {
  const { value, status } = data.get("jar", tag);
  const time = data.times[data.item("jar", tag)];
  if (range !== "24h" || !chart || !time || (points.length && time <= points[points.length - 1][0])) return;
  const before = points[points.length - 1]?.[0];
  points.push([time, quality(status) === "good" ? value : null]);
  if (isSimulated(status)) {
    if (spans.length && spans[spans.length - 1][1] === before) spans[spans.length - 1][1] = time;
    else spans.push([time, time]);
  }
  const start = time - RANGES[range];
  while (points.length && points[0][0] < start) points.shift();
  note("");
  draw();
}

function draw() {
  const end = points.length ? points[points.length - 1][0] : serverNow();
  // A history that is still short fills the picture; it says itself since when.
  const first = points.find(([, value]) => value !== null)?.[0] ?? points[0]?.[0] ?? 0;
  const start = Math.max(end - RANGES[range], Math.min(first, end - 300_000));
  setText(by("vk-since"), points.length && end - start < 0.93 * RANGES[range] ? `${t("since")} ${stamp(start).slice(0, 16)}` : "");
  const column = data.column("jar", tag);
  chart.setOption({
    xAxis: times().axis(start, end, chart.getWidth()),
    yAxis: { min: ({ min, max }) => min - slack(max - min), max: ({ min, max }) => max + slack(max - min), name: `${t(column.label)} [${column.unit}]`, axisLabel: { showMinLabel: false, showMaxLabel: false, formatter: (v) => figure(v, tag === "Voltage" ? 2 : 1) } },
    series: [{ data: band.map(([time, low]) => [time, low]) },
      { data: band.map(([time, low, high]) => [time, low === null || high === null ? null : high - low]) },
      { data: points, markArea: { data: spans.map(([from, to]) => [{ xAxis: from, name: t("simulated") }, { xAxis: to }]) } }],
    tooltip: { formatter: (found) => told(found.find((p) => p.seriesIndex === 2), column.unit) },
  });
}

// A point in words: of an interval its mean, and what it lies between.
function told(point, unit) {
  if (!point) return "";
  const [time, value] = point.value;
  const text = (number) => figure(number, TRENDS[tag]);
  const around = band[point.dataIndex];
  if (!around || around[1] === null) return `${stamp(time)}<br><b>${text(value)}</b> ${unit}`;
  return `${stamp(time)}<br>${t("mean")} <b>${text(value)}</b> ${unit}<br>${text(around[1])} – ${text(around[2])} ${unit}`;
}

const slack = (range) => Math.max(range * 0.05, (SPAN[tag] - range) / 2);

function style() {
  const [ink, soft, line, panel, accent] = ["ink", "soft", "line", "panel", "accent"].map((n) => css(`--${n}`));
  const font = { color: soft, fontFamily: "inherit", fontSize: 11 };
  chart.setOption({
    animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    title: { text: "", left: "center", top: "middle", textStyle: { ...font, fontSize: 13, fontWeight: 400 } },
    grid: { left: 56, right: 16, top: 28, bottom: 64 },
    tooltip: { trigger: "axis", backgroundColor: panel, borderColor: line, textStyle: { color: ink, fontSize: 12 }, axisPointer: { lineStyle: { color: soft } } },
    xAxis: { type: "time", axisLine: { lineStyle: { color: line } }, axisLabel: { ...font, hideOverlap: true }, splitLine: { show: true, lineStyle: { color: line, width: 0.5 } } },
    yAxis: { type: "value", scale: true, axisLine: { show: false }, nameTextStyle: { ...font, align: "left", padding: [0, 0, 0, -44] }, axisLabel: font, splitLine: { lineStyle: { color: line, width: 0.5 } } },
    dataZoom: [{ type: "inside" }, { type: "slider", height: 18, bottom: 10, borderColor: line, fillerColor: `${accent}22`, textStyle: font, brushSelect: false,
      handleStyle: { color: soft }, dataBackground: { lineStyle: { color: line }, areaStyle: { opacity: 0 } }, selectedDataBackground: { lineStyle: { color: soft }, areaStyle: { opacity: 0 } }, moveHandleSize: 0 }],
    // The band is two lines on top of each other: its lower edge, unseen, and its height, filled.
    series: [...[0, 0.22].map((opacity) => ({ type: "line", stack: "band", stackStrategy: "all", silent: true, showSymbol: false,
      lineStyle: { opacity: 0 }, areaStyle: { color: accent, opacity }, data: [] })),
      { type: "line", showSymbol: false, connectNulls: false, lineStyle: { width: 1.4, color: accent }, itemStyle: { color: accent }, data: points,
      markArea: { silent: true, itemStyle: { color: "transparent", borderColor: ink, borderWidth: 1, borderType: "dashed" }, label: { color: ink, position: "insideTopRight", fontSize: 11 } } }],
  });
}
