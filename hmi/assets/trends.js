// Trends: several variables over any span, zoomed by asking again, with what happened beside them.
// The address says all: /trends?tag=<path>.<Tag>&tag=...&from=<ms>&to=<ms>, or &range=24h (7d, 30d, 90d, 1y) for a
// span that ends now and goes on; so any page can link to a trend, and a trend can be sent to somebody.
import { echarts } from "nicegui-echart";
import { ask, begin, by, css, figure, make, say, segments, serverNow, setText, showsSimulated, stamp, t } from "./base.js";
import { fetchFile } from "./export.js";

const LEVELS = ["Site", "System", "String", "Jar"];
const RANGES = { "24h": 86_400_000, "7d": 604_800_000, "30d": 2_592_000_000, "90d": 7_776_000_000, "1y": 31_536_000_000 };
const LABELS = { "24h": "24 h", "7d": "7 d", "30d": "30 d", "90d": "90 d", "1y": "1 y" };
const MOST = 8;
// Told apart by dash as well as by colour; none of them is a colour of alarms.
const LINES = [["#2f6690", "solid"], ["#7a5c99", "solid"], ["#3b7d6e", "solid"], ["#8a6d3b", "solid"], ["#2f6690", "dashed"], ["#7a5c99", "dashed"], ["#3b7d6e", "dashed"], ["#8a6d3b", "dashed"]];
const SIGNS = { Outage: "⚡", Alarm: "▲", Simulation: "S" };
let chart = null;
let chosen = []; // variables
let found = new Map(); // variable -> what the server said
let events = [];
let range = "24h";
let view = null; // [start, end] when somebody has zoomed or moved
let asked = 0;

begin(() => {
  const query = new URLSearchParams(location.search);
  chosen = query.getAll("tag").slice(0, MOST);
  const [from, to] = ["from", "to"].map((name) => Number(query.get(name)));
  if (from > 0 && to > from) view = [from, to];
  range = RANGES[query.get("range")] ? query.get("range") : "24h";
  chart = echarts.init(by("vk-trend"));
  new ResizeObserver(() => chart.resize()).observe(by("vk-trend"));
  chart.on("datazoom", zoomed);
  chart.getZr().on("dblclick", () => whole(range));
  addEventListener("voltkeep-theme", draw);
  showsSimulated(() => [...found.values()].some((each) => each.simulated.length));
  ranges();
  by("vk-add").onsubmit = add;
  by("vk-events").onchange = read;
  by("vk-csv").onclick = save;
  pick("");
  read();
  setInterval(() => view || document.hidden || read(), 30_000);
  return { fleet: { all() {}, some() {} } };
});

const ranges = () => segments(by("vk-span"), Object.keys(RANGES).map((name) => [name, t(LABELS[name])]), range, whole);
const shown = () => view ?? [Math.floor(serverNow()) - RANGES[range], Math.floor(serverNow())];

function whole(name) {
  [range, view] = [name, null];
  ranges();
  read();
}

function remember() {
  const query = new URLSearchParams([...chosen.map((each) => ["tag", each]), ...(view ? [["from", Math.floor(view[0])], ["to", Math.floor(view[1])]] : [["range", range]])]);
  history.replaceState(null, "", `?${query}`);
}

// Which asset, and which of its variables.
async function pick(path) {
  const place = by("vk-asset");
  const depth = path ? path.split("/").length : 0;
  while (place.children.length > depth) place.lastChild.remove();
  if (depth < LEVELS.length) {
    const { parts } = await ask(`/api/parts?path=${encodeURIComponent(path)}`);
    const select = make("select", { "aria-label": t(LEVELS[depth]), onchange: () => pick([path, select.value].filter(Boolean).join("/")) },
      make("option", { value: "" }, depth ? `– ${t("whole")} –` : t("Fleet")), ...parts.map((name) => make("option", { value: name }, name)));
    place.append(select);
  }
  const { path: asset, variables } = await ask(`/api/variables?path=${encodeURIComponent(path)}`);
  by("vk-variable").replaceChildren(...variables.map(({ name, unit }) => make("option", { value: `${asset}.${name}` }, unit ? `${name} [${unit}]` : name)));
}

function add(event) {
  event.preventDefault();
  const variable = by("vk-variable").value;
  if (!variable || chosen.includes(variable)) return;
  if (chosen.length === MOST) return say(t("Eight variables at most."), true);
  chosen.push(variable);
  read();
}

async function read() {
  remember();
  const number = (asked += 1);
  const [start, end] = shown();
  if (!chosen.length) {
    found = new Map();
    events = [];
    legend();
    return draw();
  }
  say(t("Reading"));
  try {
    const span = `start=${Math.floor(start)}&end=${Math.floor(end)}`;
    const answers = await Promise.all(chosen.map((each) => ask(`/api/series?variable=${encodeURIComponent(each)}&${span}`)));
    const paths = [...new Set(chosen.map((each) => each.slice(0, each.lastIndexOf("."))))].map((path) => `&path=${encodeURIComponent(path)}`).join("");
    const marks = by("vk-events").checked ? (await ask(`/api/markers?${span}${paths}`)).markers : [];
    if (number !== asked) return;
    found = new Map(chosen.map((each, k) => [each, answers[k]]));
    events = marks;
    say([...found.values()].some((each) => each.v.some((value) => value !== null)) ? "" : t("No history yet."));
  } catch (error) {
    if (number === asked) say(error.message, true);
  }
  legend();
  draw();
}

// Zooming asks for the same picture of a shorter span, once the hand rests.
let resting = 0;
function zoomed() {
  const [{ startValue, endValue }] = chart.getOption().dataZoom;
  if (!startValue || !endValue) return;
  clearTimeout(resting);
  resting = setTimeout(() => {
    const [start, end] = shown();
    if (Math.abs(startValue - start) + Math.abs(endValue - end) < (end - start) * 0.01) return;
    view = [Math.max(0, startValue), Math.min(endValue, serverNow())];
    read();
  }, 250);
}

function legend() {
  const [start, end] = shown();
  setText(by("vk-from"), `${stamp(start).slice(0, 16)} – ${stamp(end).slice(0, 16)}`);
  by("vk-chosen").replaceChildren(...chosen.map((each, k) => {
    const [colour, dash] = LINES[k];
    return make("li", {}, make("i", { style: `border-top:2px ${dash} ${colour}`, "aria-hidden": "true" }), label(each),
      make("button", { class: "vk-button", type: "button", "aria-label": `${t("Remove")}: ${label(each)}`, onclick: () => {
        chosen = chosen.filter((other) => other !== each);
        read();
      } }, "×"));
  }));
  const told = [...events].reverse().slice(0, 50);
  by("vk-happened").replaceChildren(told.length ? make("ul", { class: "vk-plain" }, ...told.map((each) => make("li", {}, make("b", { class: "vk-sign" }, SIGNS[each.kind]),
    make("span", {}, each.text, make("small", {}, ` ${each.source} · ${stamp(each.time)}${each.until ? ` – ${stamp(each.until)}` : ""}`))))) : make("p", { class: "vk-empty" }, t("No events.")));
}
const label = (variable) => `${variable.slice(0, variable.lastIndexOf(".")).split("/").join(" ")} ${t(variable.slice(variable.lastIndexOf(".") + 1))}`;

function draw() {
  const [ink, soft, line, panel] = ["ink", "soft", "line", "panel"].map((name) => css(`--${name}`));
  const font = { color: soft, fontFamily: "inherit", fontSize: 11 };
  const [start, end] = shown();
  const units = [...new Set([...found.values()].map(axisOf))];
  const axes = units.length ? units : [""];
  const left = (k) => k % 2 === 0;
  const decimals = axes.map(decimalsOf);
  chart.setOption({
    animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    grid: { left: 56 + 52 * Math.max(0, Math.ceil(axes.length / 2) - 1), right: 24 + 52 * Math.floor(axes.length / 2), top: 34, bottom: 64 },
    tooltip: { trigger: "axis", backgroundColor: panel, borderColor: line, textStyle: { color: ink, fontSize: 12 }, axisPointer: { type: "line", lineStyle: { color: soft } }, formatter: told },
    xAxis: { type: "time", min: start, max: end, axisLine: { lineStyle: { color: line } }, axisLabel: { ...font, hideOverlap: true }, splitLine: { show: true, lineStyle: { color: line, width: 0.5 } } },
    yAxis: axes.map((unit, k) => ({ type: "value", scale: true, position: left(k) ? "left" : "right", offset: 52 * Math.floor(k / 2), name: unit ? `[${unit}]` : "", axisLine: { show: k > 0, lineStyle: { color: line } },
      nameTextStyle: font, axisLabel: { ...font, formatter: (value) => figure(value, decimals[k]) }, splitLine: { show: k === 0, lineStyle: { color: line, width: 0.5 } } })),
    dataZoom: [{ type: "inside", filterMode: "none" }, { type: "slider", filterMode: "none", height: 18, bottom: 10, borderColor: line, textStyle: font, brushSelect: false, handleStyle: { color: soft }, moveHandleSize: 0, startValue: start, endValue: end }],
    series: [...chosen.flatMap((each, k) => lines(each, k, axes)), happened(ink, soft)],
  }, { replaceMerge: ["series", "yAxis"] });
}

// As many as tell the lines of the grid apart.
function decimalsOf(unit) {
  const values = [...found.values()].filter((each) => axisOf(each) === unit).flatMap((each) => [...each.v, ...each.low, ...each.high]).filter((value) => value !== null);
  const range = values.reduce((most, value) => Math.max(most, value), -Infinity) - values.reduce((least, value) => Math.min(least, value), Infinity);
  return range > 0 ? Math.min(4, Math.max(0, 2 - Math.floor(Math.log10(range)) - (range > 5 ? 1 : 0))) : 1;
}

const axisOf = (each) => each.unit || (each.states.length ? t("State") : " ");

function lines(variable, k, axes) {
  const each = found.get(variable);
  if (!each) return [];
  const [colour, dash] = LINES[k];
  const yAxisIndex = Math.max(0, axes.indexOf(axisOf(each)));
  const base = { type: "line", yAxisIndex, showSymbol: false, connectNulls: false, silent: true, lineStyle: { opacity: 0 } };
  const band = each.low.length ? [
    { ...base, id: `low ${variable}`, stack: variable, stackStrategy: "all", data: each.t.map((time, i) => [time, each.low[i]]) },
    { ...base, id: `high ${variable}`, stack: variable, stackStrategy: "all", areaStyle: { color: colour, opacity: 0.16 }, data: each.t.map((time, i) => [time, each.low[i] === null ? null : each.high[i] - each.low[i]]) },
  ] : [];
  return [...band, { ...base, id: variable, name: variable, silent: false, step: each.states.length ? "end" : false, lineStyle: { width: 1.5, color: colour, type: dash }, itemStyle: { color: colour },
    data: each.t.map((time, i) => [time, each.v[i]]),
    markArea: { silent: true, itemStyle: { color: "transparent", borderColor: css("--ink"), borderWidth: 1, borderType: "dashed" }, data: each.simulated.map(([from, to]) => [{ xAxis: from, name: t("simulated") }, { xAxis: to }]) } }];
}

// Outages as spans, the rest as lines, each with its sign on top.
function happened(ink, soft) {
  const [, end] = shown();
  return { id: "events", type: "line", data: [], silent: true,
    markArea: { silent: true, itemStyle: { color: soft, opacity: 0.18 }, label: { color: ink, position: "insideTop", fontSize: 12 }, data: events.filter((each) => each.kind === "Outage").map((each) => [{ xAxis: each.time, name: SIGNS.Outage }, { xAxis: each.until ?? end }]) },
    markLine: { silent: true, symbol: "none", lineStyle: { color: soft, type: "dotted" }, label: { color: ink, formatter: "{b}" }, data: events.filter((each) => each.kind !== "Outage").map((each) => ({ xAxis: each.time, name: SIGNS[each.kind] })) } };
}

// The values of all lines at the cursor, nearest in time.
function told(points) {
  const time = points[0]?.axisValue;
  if (time === undefined) return "";
  const rows = chosen.filter((each) => found.has(each)).map((each) => {
    const { t: times, v, low, high, unit, states } = found.get(each);
    const i = nearest(times, time);
    const value = v[i] ?? null;
    const text = value === null ? "–" : states.length ? t(states[Math.round(value)] ?? String(value)) : `${figure(value, 3)} ${unit}`;
    const around = low.length && low[i] !== null ? ` <small>${figure(low[i], 3)} – ${figure(high[i], 3)}</small>` : "";
    return `${label(each).replace(/[<&]/g, "")}: <b>${text}</b>${around}`;
  });
  return [stamp(time), ...rows].join("<br>");
}
function nearest(times, time) {
  let [low, high] = [0, times.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low > 0 && time - times[low - 1] < times[low] - time ? low - 1 : low;
}

async function save() {
  if (!chosen.length) return;
  const [start, end] = shown();
  say(t("The file is being made …"));
  const fault = await fetchFile({ variables: chosen, from: Math.floor(start), to: Math.floor(end), step: end - start > 100 * 86_400_000 ? "hourly" : "raw", format: "csv" });
  say(fault ? t(fault) : "", Boolean(fault));
}
