// Comparison: how values are spread by site, how health declines by season, and two sites side by side.
import { echarts } from "nicegui-echart";
import { Tables, ask, begin, by, css, figure, make, say, segments, setText, showsSimulated, siteLink, t } from "./base.js";

const TAGS = { AmbientTemperature: ["Ambient", "°C"], Humidity: ["Humidity", "%"], MeanStateOfHealth: ["Mean SOH", "%"], MeanRemainingUsefulLife: ["Mean RUL", "d"] };
const RANGES = { "7d": "7 d", "30d": "30 d", "90d": "90 d", "1y": "1 y" };
const BESIDE = ["Jars", "HealthyJars", "WarningJars", "CriticalJars", "ActiveAlarms", "FreshDataShare", "MeanStateOfHealth", "MeanRemainingUsefulLife", "AmbientTemperature", "Humidity", "AlarmRate", "StandingAlarms"];
let chart = null, data = null, boxes = {};
let tag = "AmbientTemperature", range = "30d";

begin(() => {
  chart = echarts.init(by("vk-boxes"));
  new ResizeObserver(() => chart.resize()).observe(by("vk-boxes"));
  addEventListener("voltkeep-theme", draw);
  showsSimulated(() => data?.simulated);
  segments(by("vk-tag"), Object.entries(TAGS).map(([name, [label]]) => [name, t(label)]), tag, (value) => {
    tag = value;
    read();
  });
  segments(by("vk-span"), Object.entries(RANGES).map(([name, label]) => [name, t(label)]), range, (value) => {
    range = value;
    read();
  });
  for (const id of ["vk-one", "vk-other"]) by(id).onchange = beside;
  read();
  seasons();
  return { fleet: { all: (snapshot) => {
    data = new Tables(snapshot);
    choose();
    beside();
  }, some: (message) => {
    data.patch(message);
    beside();
  } } };
});

async function read() {
  const wanted = `${tag} ${range}`;
  try {
    const { sites } = await ask(`/api/spread?tag=${tag}&span=${range}`);
    if (wanted !== `${tag} ${range}`) return;
    boxes = sites;
    say("");
    draw();
  } catch (error) {
    say(error.message, true);
  }
}

function draw() {
  const [ink, soft, line, panel, accent] = ["ink", "soft", "line", "panel", "accent"].map((name) => css(`--${name}`));
  const font = { color: soft, fontSize: 11 };
  const known = Object.entries(boxes).filter(([, each]) => each);
  const [label, unit] = TAGS[tag];
  chart.setOption({
    animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    title: { text: known.length ? "" : t("No history yet."), left: "center", top: "middle", textStyle: { ...font, fontSize: 13, fontWeight: 400 } },
    grid: { left: 56, right: 16, top: 30, bottom: 46 },
    tooltip: { trigger: "item", backgroundColor: panel, borderColor: line, textStyle: { color: ink, fontSize: 12 }, formatter: ({ name }) => words(name, boxes[name], unit) },
    xAxis: { type: "category", data: known.map(([site]) => site), axisLabel: { ...font, interval: 0, rotate: innerWidth < 700 ? 60 : 0 }, axisLine: { lineStyle: { color: line } } },
    yAxis: { type: "value", scale: true, name: `${t(label)} [${unit}]`, nameTextStyle: { ...font, align: "left", padding: [0, 0, 0, -44] }, axisLabel: { ...font, formatter: (value) => figure(value, value % 1 ? 1 : 0) }, splitLine: { lineStyle: { color: line, width: 0.5 } } },
    series: [{ type: "boxplot", itemStyle: { color: "transparent", borderColor: accent, borderWidth: 1.4 }, data: known.map(([, each]) => [each.low, each.lower, each.middle, each.upper, each.high]) }],
  });
  // The same in figures, for whoever cannot see the picture.
  const head = ["Site", "Lowest", "Quarter below", "Median", "Quarter above", "Highest"];
  by("vk-figures").replaceChildren(table(head, known.map(([site, each]) => [make("a", { href: siteLink(site) }, site), ...[each.low, each.lower, each.middle, each.upper, each.high].map((value) => figure(value, 1))])));
}
const words = (site, each, unit) => each ? `${site}<br>${t("Median")} <b>${figure(each.middle, 1)}</b> ${unit}<br>${figure(each.lower, 1)} – ${figure(each.upper, 1)} (${t("half of the values")})<br>${figure(each.low, 1)} – ${figure(each.high, 1)}` : site;

function table(head, rows) {
  return make("table", { class: "vk-table" }, make("thead", {}, make("tr", {}, ...head.map((label) => make("th", { scope: "col" }, t(label))))),
    make("tbody", {}, ...rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), ...rest.map((cell) => make("td", {}, cell))))));
}

async function seasons() {
  try {
    const { sites } = await ask("/api/seasons");
    const shown = (value) => (value === null ? "–" : figure(value, 2));
    by("vk-seasons").replaceChildren(table(["Site", "Hot (Mar–May)", "Rainy (Jun–Oct)", "Cool (Nov–Feb)"],
      Object.entries(sites).map(([site, lost]) => [make("a", { href: siteLink(site) }, site), shown(lost.Hot), shown(lost.Rainy), shown(lost.Cool)])));
  } catch (error) {
    say(error.message, true);
  }
}

function choose() {
  const sites = data.tables.sites.rows;
  const one = Math.max(0, sites.indexOf(new URLSearchParams(location.search).get("one")));
  for (const [id, k] of [["vk-one", one], ["vk-other", one ? 0 : 1]])
    if (by(id).options.length !== sites.length) by(id).replaceChildren(...sites.map((site, i) => make("option", { value: i, selected: i === Math.min(k, sites.length - 1) }, site)));
}

function beside() {
  if (!data) return;
  const rows = [Number(by("vk-one").value), Number(by("vk-other").value)];
  const lines = BESIDE.map((name) => {
    const [one, other] = rows.map((row) => data.shown("sites", name, row));
    const column = data.column("sites", name);
    const [a, b] = rows.map((row) => data.good("sites", name, row));
    const cell = (view) => `${view.mark} ${view.text} ${view.unit}`.trim();
    return [t(column.label), cell(one), cell(other), a === null || b === null ? "–" : `${a - b > 0 ? "+" : ""}${figure(a - b, column.decimals)}`];
  });
  const names = rows.map((row) => data.tables.sites.rows[row]);
  by("vk-beside").replaceChildren(table(["", ...names, "Difference"], lines));
  const span = names.map((site) => `tag=${encodeURIComponent(`${site}.AmbientTemperature`)}`).join("&");
  setText(by("vk-both"), t("Trends of both"));
  by("vk-both").href = `/trends?${span}&range=30d`;
}
