// The fleet's last six months as four small charts of one time axis, and the same by month in figures.
import { ask, by, css, figure, make, setText, t, times } from "./base.js";

const HALF_YEAR = 183 * 86_400_000;
const LINES = [["health", "Mean SOH", "%", 1], ["life", "Mean RUL", "d", 0], ["healthy", "Healthy jars", "%", 1], ["alarms", "Active alarms", "", 0]];
let found = null, charts = [];

// Drawn once the live values stand: the library is several times as large as all else on the page.
export async function months() {
  try {
    found = await ask("/api/fleettrend");
  } catch (error) {
    return setText(by("vk-trendsaid"), `▲ ${error.message}`);
  }
  const known = found.t.filter((_, k) => LINES.some(([name]) => found[name][k] !== null));
  setText(by("vk-trendsaid"), known.length ? "" : t("No history yet."));
  if (!known.length) return;
  const { echarts } = await import("nicegui-echart");
  by("vk-months").replaceChildren(...LINES.map(panel));
  charts = LINES.map(([name]) => echarts.init(by(`vk-month-${name}`)));
  echarts.connect(charts);
  draw();
  figures();
  addEventListener("voltkeep-theme", draw);
  new ResizeObserver(() => charts.forEach((chart) => chart.resize())).observe(by("vk-months"));
}

const pairs = (name) => found.t.map((time, k) => [time, found[name][k]]);
// As many decimals as tell the ticks of an axis apart.
const fine = (values) => (Math.max(...values) - Math.min(...values) > 5 ? 0 : Math.max(...values) - Math.min(...values) > 0.5 ? 1 : 2);
const last = (name) => found[name].findLast((value) => value !== null) ?? null;

function panel([name, label, unit, decimals]) {
  const values = found[name].filter((value) => value !== null);
  const [first, now] = [values[0] ?? null, last(name)];
  const said = `${t(label)}: ${figure(first, decimals)} → ${figure(now, decimals)} ${unit}`;
  return make("section", { class: "vk-month" }, make("h3", {}, t(label), make("b", {}, `${figure(now, decimals)} ${unit}`)),
    make("div", { id: `vk-month-${name}`, role: "img", "aria-label": said }));
}

function draw() {
  const [ink, soft, line, panel_, accent] = ["ink", "soft", "line", "panel", "accent"].map((name) => css(`--${name}`));
  const font = { color: soft, fontSize: 11 };
  const end = found.t.at(-1);
  charts.forEach((chart, k) => {
    const [name, , unit, decimals] = LINES[k];
    const ticks = fine(found[name].filter((value) => value !== null));
    chart.setOption({
      animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 44, right: 10, top: 10, bottom: 22 },
      tooltip: { trigger: "axis", backgroundColor: panel_, borderColor: line, textStyle: { color: ink, fontSize: 12 },
        formatter: ([point]) => (point ? `${day(point.value[0])}<br><b>${figure(point.value[1], decimals)}</b> ${unit}` : "") },
      xAxis: axis(end - HALF_YEAR, end, chart.getWidth(), font, line),
      yAxis: { type: "value", scale: true, splitNumber: 3, axisLabel: { ...font, formatter: (value) => figure(value, ticks) }, splitLine: { lineStyle: { color: line, width: 0.5 } } },
      series: [{ type: "line", data: pairs(name), showSymbol: found[name].filter((value) => value !== null).length < 3, symbolSize: 5, lineStyle: { color: accent, width: 1.5 }, itemStyle: { color: accent } }],
    });
  });
}

// Days of the roll-ups are those of UTC.
const day = (time) => times("UTC").day(time);
const month = (time) => times("UTC").month(time);
function axis(start, end, width, font, line) {
  const { axisLabel, axisTick, ...more } = times("UTC").axis(start, end, width);
  return { type: "time", ...more, axisLabel: { ...font, hideOverlap: true, ...axisLabel }, axisTick: { ...axisTick, lineStyle: { color: line } }, axisLine: { lineStyle: { color: line } } };
}

function figures() {
  const of = new Map();
  found.t.forEach((time, k) => of.set(month(time), [...(of.get(month(time)) ?? []), k]));
  const mean = (name, days) => {
    const values = days.map((k) => found[name][k]).filter((value) => value !== null);
    return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
  };
  const head = make("tr", {}, make("th", { scope: "col" }, t("Month")), ...LINES.map(([, label, unit]) => make("th", { scope: "col" }, t(label), unit ? make("small", {}, unit) : "")));
  const rows = [...of].map(([name, days]) => make("tr", {}, make("th", { scope: "row" }, name), ...LINES.map(([line, , , decimals]) => make("td", {}, figure(mean(line, days), Math.max(decimals, 1))))));
  by("vk-monthly").replaceChildren(make("table", { class: "vk-table" }, make("thead", {}, head), make("tbody", {}, ...rows)));
}
