// A trend: tags in bands one above the other, by unit, with what happened beside them and the values at the cursor.
//   const trend = new Trend(node, { length, removed, viewed });  trend.set(tags);  trend.span.follow(ms) | .show(from, to)
//   trend.push(tag, time, value, status)   a live value
// Zooming in reads finer data in the background while the coarser stays drawn. Everything works by keyboard too.
import { echarts } from "nicegui-echart";
import { ageText, css, figure, isSimulated, make, path, quality, serverNow, setText, stamp, t, tagWords, times } from "./base.js";
import { Past, Reader, nearest, series } from "./trenddata.js";
import { Marks, happened } from "./trendmarks.js";
import { Span, hands } from "./trendspan.js";

const DAY = 86_400_000;
const [LEFT, RIGHT, TOP, BOTTOM, BETWEEN] = [62, 14, 30, 26, 22]; // px around the bands
const HEIGHTS = [300, 180, 140, 120]; // px of a band, by how many there are
const LEAST = { V: 0.1, "°C": 1, "%": 1, "mΩ": 0.1, A: 0.5, d: 10 }; // an axis shows no less: noise is not drama
const DASHES = ["solid", "solid", "solid", "solid", "dashed", "dashed", "dashed", "dashed"];
const MARKS = { simulated: "S", uncertain: "?", bad: "×" };
const ROWS = 24; // of the table
const REST = 150; // ms that a hand rests before finer data is read
export const colour = (k) => css(`--line${(k % 4) + 1}`);

export class Trend {
  constructor(node, { length = DAY, removed = null, viewed = () => {}, events = true } = {}) {
    this.span = new Span(length, (moving) => this.moved(moving));
    Object.assign(this, { node, removed, viewed, events, pasts: [], markers: [], cursor: null, lines: new Map(), pushed: 0, resting: 0 });
    this.reader = new Reader((fault) => this.arrived(fault));
    this.build();
    this.chart = echarts.init(this.canvas);
    new ResizeObserver(() => this.chart.resize() || this.place()).observe(this.canvas);
    addEventListener("voltkeep-theme", () => this.draw());
    addEventListener("visibilitychange", () => document.hidden || this.settle());
    setInterval(() => document.hidden || this.tick(), 1000);
  }
  build() {
    this.legend = make("ul", { class: "vk-chosen" });
    this.canvas = make("div", { class: "vk-canvas", "aria-hidden": "true" });
    this.line = make("div", { class: "vk-cursor", "aria-hidden": "true", hidden: true }, make("b", {}));
    this.plot = make("div", { class: "vk-plot vk-trend", tabindex: 0, role: "application", "aria-roledescription": t("trend"), "aria-label": t("Trend: arrow keys move the cursor, with Shift the span; plus and minus zoom, 0 goes back"), onkeydown: (event) => this.key(event) }, this.canvas, this.line);
    this.marks = new Marks(this.plot);
    this.note = make("p", { class: "vk-note", role: "status" });
    this.plot.append(this.note);
    const button = (label, sign, act) => make("button", { class: "vk-button", type: "button", "aria-label": t(label), title: t(label), onclick: act }, sign);
    this.bar = make("div", { class: "vk-trendbar", role: "group", "aria-label": t("Span") },
      button("Earlier", "‹", () => this.span.pan(-0.5)), button("Later", "›", () => this.span.pan(0.5)), button("Zoom in", "+", () => this.span.zoom(0.5)), button("Zoom out", "−", () => this.span.zoom(2)), button("Back to now", "↦", () => this.span.follow(this.span.length)));
    this.said = make("output", { class: "vk-said", "aria-live": "polite" });
    this.table = make("div", { class: "vk-scroll" });
    this.figures = make("details", { class: "vk-step", ontoggle: () => this.tabulate() }, make("summary", {}, t("In figures")), this.table);
    this.node.append(this.legend, this.plot, make("div", { class: "vk-under" }, this.bar, this.said), this.figures);
    hands(this.plot, this.span, (x) => this.timeAt(x), (time) => this.point(time));
  }
  // Which tags are shown; what is known of them stays.
  set(tags) {
    this.pasts = tags.map((tag) => this.pasts.find((past) => past.tag === tag) ?? new Past(tag));
    this.marked = null;
    this.draw();
    this.settle();
  }
  push(tag, time, value, status) {
    const past = this.pasts.find((each) => each.tag === tag);
    if (!past) return;
    this.pushed = performance.now();
    past.live = performance.now();
    const mark = isSimulated(status) ? "simulated" : quality(status);
    if (past.push(time, mark === "bad" ? null : value, mark) && this.span.following) this.later();
    if (past.mark === "simulated" && mark !== "simulated") this.restored();
    past.mark = mark;
  }
  // A simulation that ends takes its values along (within 5 s): what is shown of them is read anew until they are gone.
  restored(tries = 6) {
    clearTimeout(this.restoring);
    this.restoring = setTimeout(async () => {
      if (!this.simulated || !tries) return;
      await this.settle(true);
      this.restored(tries - 1);
    }, 2000);
  }
  showEvents(on) {
    [this.events, this.marked] = [on, null];
    this.marks.set((this.markers = []));
    this.told?.(this.markers);
    this.place();
    this.settle();
  }
  get simulated() {
    const [from, to] = [this.span.from, this.span.to];
    return this.pasts.some((past) => past.line().stretches.some(([mark, start, end]) => mark === "simulated" && end >= from && start <= to));
  }

  // -- reading

  moved(moving) {
    this.place();
    if (!moving) this.viewed(this.span);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.settle(), moving || this.pasts.some((past) => past.wide) ? REST : 0);
  }
  // Reads what is missing for the span that is shown.
  async settle(anyway = false) {
    if (!this.pasts.length) return this.draw();
    const [from, to] = this.span.following ? [this.span.since, this.span.to] : [this.span.from, this.span.to];
    const lacking = this.pasts.filter((past) => anyway || !past.holds(from, to, serverNow()));
    this.happenings(from, to);
    if (!lacking.length) return this.draw();
    this.readAt = performance.now();
    if (!lacking.some((past) => past.wide)) setText(this.note, t("Reading"));
    const edge = lacking.every((past) => past.wide) && !this.span.following ? wider(from, to) : [from, to];
    await this.reader.read(lacking, ...edge);
  }
  arrived(fault) {
    const some = this.pasts.some((past) => past.line().v.some((value) => value !== null));
    setText(this.note, fault ? `▲ ${t(fault)}` : some || !this.pasts.length ? "" : t("No history yet."));
    if (fault) setTimeout(() => this.settle(), 3000);
    if (some) this.span.begins = Math.min(...this.pasts.map((past) => first(past.line())));
    this.draw();
    if (!this.painted) this.painted = requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("voltkeep-trend")));
  }
  async happenings(from, to) {
    const paths = [...new Set(this.pasts.map(({ tag }) => tag.slice(0, tag.lastIndexOf("."))))].sort();
    const key = paths.join();
    if (!this.events || (this.marked?.key === key && this.marked.from <= from && this.marked.to >= to - 15_000)) return;
    const asked = (this.marked = { key, from: from - (to - from) / 2, to: to + (to - from) / 2 });
    try {
      const query = paths.map((path) => `&path=${encodeURIComponent(path)}`).join("");
      const answer = await fetch(`/api/markers?from=${Math.max(0, Math.floor(asked.from))}&to=${Math.ceil(Math.min(asked.to, serverNow()))}${query}`);
      if (!answer.ok || asked !== this.marked) return;
      asked.to = Math.min(asked.to, serverNow());
      this.markers = (await answer.json()).markers;
      this.marks.set(this.markers);
      this.place();
      this.told?.(this.markers);
    } catch {
      this.marked = null;
    }
  }
  // The present goes on: what is told live is drawn, the rest is read every five seconds.
  tick() {
    if (!this.span.following || !this.pasts.length) return;
    this.place();
    const idle = performance.now() - (this.readAt ?? 0);
    if (idle > (this.span.length <= DAY ? 900_000 : 60_000)) return this.settle(true);
    if (this.span.length > DAY || performance.now() - (this.tailed ?? 0) < 5000) return;
    this.tailed = performance.now();
    for (const past of this.pasts) if (past.wide && !(performance.now() - past.live < 15_000)) this.tail(past);
    if (idle > 3000) this.happenings(this.span.since, this.span.to);
  }
  async tail(past) {
    try {
      const answer = await series(past.tag, Math.max(past.last() - 1000, serverNow() - DAY), serverNow());
      const mark = (time) => answer.stretches.find(([, start, end]) => start <= time && time <= end)?.[0] ?? "good";
      if (answer.step === 0) answer.t.forEach((time, k) => past.push(time, answer.v[k], mark(time)));
      this.later();
    } catch {
      // Said by the bar of the page; read again in five seconds.
    }
  }
  later() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = null;
      this.draw();
    });
  }

  // -- drawing

  bands() {
    const found = new Map();
    this.pasts.forEach((past, k) => {
      const { unit, states } = past.about;
      const key = states.length ? past.tag : unit;
      if (!found.has(key)) found.set(key, { unit, states, members: [] });
      found.get(key).members.push(k);
    });
    return [...found.values()];
  }
  draw() {
    this.lines = new Map(this.pasts.map((past) => [past.tag, past.line()]));
    const bands = (this.drawn = this.bands());
    const height = HEIGHTS[Math.min(Math.max(bands.length, 1), HEIGHTS.length) - 1];
    this.plot.style.height = `${TOP + BOTTOM + Math.max(bands.length, 1) * (height + BETWEEN) - BETWEEN}px`;
    this.chart.resize();
    const [ink, soft, line] = ["ink", "soft", "line"].map((name) => css(`--${name}`));
    const font = { color: soft, fontSize: 11 };
    const last = bands.length - 1;
    this.chart.setOption({
      animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: bands.map((_, k) => ({ left: LEFT, right: RIGHT, top: TOP + k * (height + BETWEEN), height })),
      xAxis: bands.map((_, k) => ({ type: "time", gridIndex: k, axisLine: { lineStyle: { color: line } }, axisTick: { show: k === last }, axisLabel: { ...font, show: k === last, hideOverlap: true }, splitLine: { show: true, lineStyle: { color: line, width: 0.5 } } })),
      yAxis: bands.map(({ unit, states }, k) => ({ type: "value", gridIndex: k, name: unit ? `[${unit}]` : "", nameGap: 6, nameTextStyle: { ...font, align: "right", padding: [0, 6, 0, 0] }, axisLine: { show: false }, minInterval: states.length ? 1 : 0,
        axisLabel: { ...font, showMinLabel: states.length > 0, showMaxLabel: states.length > 0, hideOverlap: true, overflow: "truncate", width: LEFT - 12, formatter: (value) => states.length ? t(states[value] ?? "") : figure(value, this.drawn[k]?.decimals ?? 1) }, splitNumber: height > 200 ? 5 : 3, splitLine: { lineStyle: { color: line, width: 0.5 } } })),
      series: bands.flatMap(({ members, states }, k) => [...members.flatMap((m) => this.drawing(m, k, states)), this.stretched(members, k, ink, soft)]),
    }, { replaceMerge: ["grid", "xAxis", "yAxis", "series"] });
    this.place();
    this.tabulate();
  }
  drawing(m, k, states) {
    const { tag } = this.pasts[m];
    const { t: moments, v, low, high } = this.lines.get(tag);
    const base = { type: "line", xAxisIndex: k, yAxisIndex: k, silent: true, showSymbol: false, connectNulls: false, sampling: undefined };
    // The band is two lines on top of each other: its lower edge, unseen, and its height, filled.
    const band = states.length || !low.some((each, i) => each !== v[i]) ? [] : [0, 0.2].map((opacity, edge) => ({ ...base, id: `${tag} ${edge}`, stack: tag, stackStrategy: "all", lineStyle: { opacity: 0 }, areaStyle: { color: colour(m), opacity },
      data: moments.map((time, i) => [time, low[i] === null || high[i] === null ? null : edge ? high[i] - low[i] : low[i]]) }));
    return [...band, { ...base, id: tag, step: states.length ? "end" : false, lineStyle: { width: 1.5, color: colour(m), type: DASHES[m % DASHES.length] }, data: moments.map((time, i) => [time, v[i]]) }];
  }
  // What is not plainly good: simulated and uncertain stretches in a dashed frame, bad ones hatched by a shade.
  stretched(members, k, ink, soft) {
    const all = members.flatMap((m) => this.lines.get(this.pasts[m].tag).stretches).filter(([mark]) => MARKS[mark]);
    const style = { simulated: { color: "transparent", borderColor: ink, borderWidth: 1, borderType: "dashed" }, uncertain: { color: "transparent", borderColor: soft, borderWidth: 1, borderType: "dotted" }, bad: { color: soft, opacity: 0.25 } };
    return { id: `stretches ${k}`, type: "line", xAxisIndex: k, yAxisIndex: k, data: [], silent: true,
      markArea: { silent: true, label: { color: ink, position: "insideTop", fontSize: 11 }, data: all.slice(-200).map(([mark, from, to]) => [{ xAxis: from, name: MARKS[mark], itemStyle: style[mark] }, { xAxis: to }]) } };
  }
  // The part of the lines that is seen; at every step of a hand that moves it.
  place() {
    const [from, to] = [this.span.from, this.span.to];
    const bands = this.drawn ?? [];
    const ranges = bands.map((band) => this.fitted(band, from, to));
    if (bands.length) this.chart.setOption({ xAxis: bands.map(() => times().axis(from, to, this.width)), yAxis: ranges }, { lazyUpdate: true });
    this.marks.draw(from, to, (time) => this.xOf(time), this.plot.clientWidth);
    this.pointed();
  }
  fitted(band, from, to) {
    if (band.states.length) return { min: 0, max: band.states.length - 1 };
    let [least, most] = [Infinity, -Infinity];
    for (const m of band.members) {
      const { t: moments, low, high } = this.lines.get(this.pasts[m].tag);
      if (!moments.length) continue;
      const end = Math.min(moments.length - 1, nearest(moments, to, true) + 1);
      for (let i = nearest(moments, from, true); i <= end; i += 1) {
        if (low[i] !== null && low[i] < least) least = low[i];
        if (high[i] !== null && high[i] > most) most = high[i];
      }
    }
    if (least > most) return { min: 0, max: 1 };
    const shown = Math.max((most - least) * 1.1, LEAST[band.unit] ?? Math.max(Math.abs(most) * 0.01, 1e-3));
    band.decimals = Math.min(4, Math.max(0, Math.ceil(1 - Math.log10(shown))));
    const middle = (least + most) / 2;
    return { min: middle - shown / 2, max: middle + shown / 2 };
  }
  // -- the cursor

  get width() {
    return Math.max(1, this.plot.clientWidth - LEFT - RIGHT);
  }
  xOf(time) {
    return LEFT + ((time - this.span.from) / (this.span.to - this.span.from)) * this.width;
  }
  timeAt(clientX) {
    return this.span.from + ((clientX - this.plot.getBoundingClientRect().left - LEFT) / this.width) * (this.span.to - this.span.from);
  }
  point(time) {
    this.cursor = time === null ? null : Math.min(Math.max(time, this.span.from), this.span.to);
    this.pointed();
  }
  // Values of all tags at the cursor, of the latest without one.
  pointed() {
    const at = this.cursor !== null && this.cursor >= this.span.from && this.cursor <= this.span.to ? this.cursor : null;
    this.line.hidden = at === null;
    if (at !== null) {
      this.line.style.transform = `translateX(${this.xOf(at)}px)`;
      this.line.classList.toggle("vk-flipped", this.xOf(at) > this.plot.clientWidth - 150);
      setText(this.line.firstChild, stamp(at));
    }
    this.list(at ?? this.span.to);
  }
  list(time) {
    if (this.legend.children.length !== this.pasts.length || this.pasts.some((past, k) => this.legend.children[k].dataset.tag !== past.tag || this.legend.children[k].dataset.label !== past.about.label))
      this.legend.replaceChildren(...this.pasts.map((past, k) => this.entry(past, k)));
    this.pasts.forEach((past, k) => {
      const [, , value, around] = this.legend.children[k].children;
      const told = this.at(past, time);
      setText(value, told.text);
      setText(around, told.around);
      this.legend.children[k].firstChild.style.borderTopColor = colour(k);
    });
  }
  entry(past, k) {
    return make("li", { "data-tag": past.tag, "data-label": past.about.label },
      make("i", { style: `border-top:3px ${DASHES[k % DASHES.length]} ${colour(k)}`, "aria-hidden": "true" }), make("span", {}, named(past)), make("b", {}), make("small", {}),
      this.removed ? make("button", { class: "vk-button", type: "button", "aria-label": `${t("Remove")}: ${named(past)}`, onclick: () => this.removed(past.tag) }, "×") : "");
  }
  at(past, time) {
    const { t: moments, v, low, high, stretches } = this.lines.get(past.tag) ?? past.line();
    const { unit, states } = past.about;
    const i = nearest(moments, time, states.length > 0);
    const value = v[i] ?? null;
    const mark = stretches.find(([, start, end]) => start <= moments[i] && moments[i] <= end)?.[0];
    if (value === null) return { text: mark === "bad" ? "×" : "–", around: "" };
    const text = states.length ? t(states[Math.round(value)] ?? String(value)) : `${figure(value, places(unit, value))} ${unit}`;
    const band = low[i] !== null && (low[i] !== value || high[i] !== value) && !states.length ? `${figure(low[i], places(unit, value))} – ${figure(high[i], places(unit, value))}` : "";
    const words = { simulated: t("simulated"), uncertain: t("uncertain"), partly: t("partly without values") }[mark] ?? "";
    // A value of the roll-ups stands for the time from here on, in hours and days of UTC.
    const step = past.stepAt(moments[i]);
    const over = step >= DAY / 24 && !states.length ? `${t("mean of")} ${ageText(step / 1000)}` : "";
    return { text, around: [band, over, words].filter(Boolean).join(" · ") };
  }
  key(event) {
    if (event.target !== this.plot) return;
    const acts = {
      ArrowLeft: () => (event.shiftKey ? this.span.pan(-0.25) : this.step(-1)), ArrowRight: () => (event.shiftKey ? this.span.pan(0.25) : this.step(1)),
      PageUp: () => this.step(-10), PageDown: () => this.step(10), Home: () => this.step(-Infinity), End: () => this.step(Infinity),
      "+": () => this.span.zoom(0.5, this.cursor ?? undefined), "=": () => this.span.zoom(0.5, this.cursor ?? undefined), "-": () => this.span.zoom(2, this.cursor ?? undefined),
      0: () => this.span.follow(this.span.length), Escape: () => this.point(null),
    };
    if (event.ctrlKey || event.altKey || event.metaKey || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }
  // The cursor goes from value to value, some at once where they lie close.
  step(count) {
    const { t: all, v } = this.lines.get(this.pasts[0]?.tag) ?? { t: [], v: [] };
    const moments = all.filter((time, k) => v[k] !== null && time >= this.span.from && time <= this.span.to);
    if (!moments.length) return;
    const by = Math.sign(count) * (Number.isFinite(count) ? Math.abs(count) * Math.max(1, Math.floor(moments.length / 200)) : moments.length);
    const at = this.cursor === null ? (count < 0 ? moments.length : -1) : nearest(moments, this.cursor);
    this.point(moments[Math.min(moments.length - 1, Math.max(0, at + by))]);
    setText(this.said, [stamp(this.cursor), ...this.pasts.map((past) => `${named(past)}: ${this.at(past, this.cursor).text}`)].join("; "));
  }

  // -- the same in words and figures

  tabulate() {
    if (!this.figures.open) return;
    const [from, to] = [this.span.from, this.span.to];
    const moments = Array.from({ length: ROWS + 1 }, (_, k) => from + ((to - from) * k) / ROWS);
    const head = [t("Time"), ...this.pasts.map((past) => named(past))].map((label) => make("th", { scope: "col" }, label));
    const rows = moments.map((time) => make("tr", {}, make("th", { scope: "row" }, stamp(time)), ...this.pasts.map((past) => make("td", {}, Object.values(this.near(past, time, (to - from) / ROWS)).filter(Boolean).join(" · ")))));
    this.table.replaceChildren(make("table", { class: "vk-table" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)), happened(this.markers.filter((each) => each.time <= to && (each.until ?? each.time) >= from)));
  }
  near(past, time, step) {
    const { t: moments } = this.lines.get(past.tag);
    const i = nearest(moments, time, past.about.states.length > 0);
    return moments.length && (Math.abs(moments[i] - time) <= step || past.about.states.length) ? this.at(past, time) : { text: "–" };
  }
  // The points as they are drawn, as CSV.
  csv() {
    const [from, to] = [this.span.from, this.span.to];
    const rows = new Map();
    const head = ["Time"];
    this.pasts.forEach((past) => {
      const { t: moments, v, low, high } = this.lines.get(past.tag);
      const place = head.push(...["", " low", " high"].map((part) => `"${past.tag}${part} [${past.about.unit}]"`)) - 3;
      moments.forEach((time, i) => {
        if (time < from || time > to || v[i] === null) return;
        if (!rows.has(time)) rows.set(time, []);
        [v[i], low[i], high[i]].forEach((value, part) => (rows.get(time)[place + part] = value));
      });
    });
    const lines = [...rows].sort(([a], [b]) => a - b).map(([time, cells]) => [new Date(time).toISOString(), ...Array.from({ length: head.length - 1 }, (_, k) => cells[k + 1] ?? "")].join(","));
    return `${[head.join(","), ...lines].join("\r\n")}\r\n`;
  }
}

const first = ({ t: moments, v }) => moments[v.findIndex((value) => value !== null)] ?? Infinity;
const places = (unit, value) => ({ V: Math.abs(value) > 100 ? 1 : 3, "mΩ": 3, d: 0 })[unit] ?? 2;
export const named = (past) => {
  const dot = past.tag.lastIndexOf(".");
  const [asset, label] = [past.tag.slice(0, dot), tagWords(past.tag.slice(dot + 1), past.about.label)];
  return asset === path ? label : `${asset.split("/").join(" ")} ${label}`;
};

// More than is seen, so that the next move finds something; on round moments, so that viewers share it.
function wider(from, to) {
  const length = to - from;
  const unit = 2 ** Math.floor(Math.log2(length / 8));
  return [Math.max(0, Math.floor((from - length / 2) / unit) * unit), Math.min(Math.ceil((to + length / 2) / unit) * unit, Math.ceil(serverNow()))];
}
