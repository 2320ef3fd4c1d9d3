// What every page shares: words, figures, times, status, the live stream, the bar on top.
import { menu } from "./menu.js";
import { Wording } from "./messages.js";
import { leaveGrid, reach } from "./reach.js";
import { Times } from "./times.js";

const settings = window.voltkeep;
export const page = settings.page;
export const path = settings.path;
// Words and messages, in the reader's language as far as the catalogue knows them or what they are made of.
const wording = new Wording(settings.text);
// A tag by its own word in the catalogue, else by the label that stands for it.
export const tagWords = (name, label) => (t(name) === name ? t(label || name) : t(name));
export const t = (text) => wording.told(text);

// Beside real devices what is simulated stands in a mirror of the fleet, which has no pages of its own.
const real = (asset) => asset.replace(/^Shadow\//, "");

const number = new Map();
export function figure(value, decimals = 0) {
  if (value === null || value === undefined) return "–";
  if (!number.has(decimals)) {
    const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
    number.set(decimals, new Intl.NumberFormat("en", { ...digits, useGrouping: true }));
  }
  return number.get(decimals).format(value).replace(/,/g, "\u202f").replace("-", "\u2212");
}

export function ageText(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  if (s < 172800) return `${Math.round(s / 3600)} h`;
  return `${Math.round(s / 86400)} d`;
}

// Times are those of a site, never of the browser: a page below a site has the site's zone, others the fleet's.
export const zones = settings.zones ?? {};
export const zoneOf = (asset) => zones[real(asset).split("/")[0]] ?? zones.Fleet ?? "UTC";
export const zone = zoneOf(path);
const inZone = new Map();
// All that `Times` can: inputs, ticks and labels of a chart's axis, quarters.
export function times(name = zone) {
  if (!inZone.has(name)) inZone.set(name, new Times(name, settings.preferences?.calendar, settings.lang));
  return inZone.get(name);
}
export const clock = (ms, name = zone) => times(name).clock(ms);
export const stamp = (ms, name = zone) => times(name).stamp(ms);
export const day = (ms, name = zone) => times(name).day(ms);
// A year or quarter of planning, as the server names it, in the reader's calendar.
export const period = (text) => times().period(text);

// Part 4, 7.38: the two highest bits say good, uncertain or bad. A simulated value is as good as the simulation
// wants it, and is marked as what it is wherever it shows.
export const isSimulated = (status) => status >>> 16 === 0x4209;
export const quality = (status) => (status >>> 30 === 0 || isSimulated(status) ? "good" : status >>> 30 === 1 ? "uncertain" : "bad");
const STATUS = {
  0x0000: "Good",
  0x4090: "Last usable value",
  0x4092: "Initial value",
  0x4093: "Sensor not accurate",
  0x4094: "Outside its range",
  0x4209: "Simulated value",
  0x8005: "Communication error",
  0x8031: "No communication",
  0x8032: "Waiting for the first value",
  0x8034: "Not offered by the server",
  0x808a: "Not connected",
  0x808b: "Device failure",
  0x808c: "Sensor failure",
  0x808d: "Out of service",
};
export const statusText = (status) =>
  t(STATUS[status >>> 16] ?? { good: "Good", uncertain: "Uncertain", bad: "Bad" }[quality(status)]);

// A value as text, and the mark that stands beside whatever is not good.
export function shown(value, status, column) {
  const q = quality(status);
  let text;
  if (column.states.length && value !== null) text = t(column.states[value] ?? String(value));
  else if (typeof value === "string") text = period(value) || "–";
  else text = figure(value, column.decimals);
  const unit = value === null || typeof value === "string" || column.states.length ? "" : column.unit;
  const simulated = isSimulated(status);
  return { text, unit, quality: q, simulated, mark: simulated ? "S" : q === "good" ? "" : q === "uncertain" ? "?" : "×" };
}

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}
export const by = (id) => document.getElementById(id);
// What is drawn anew keeps the focus of whoever goes through it by keyboard.
export function refresh(node, ...children) {
  const reached = (within) => [...within.querySelectorAll("a, button")];
  const [before, focused] = [reached(node), document.activeElement];
  const at = before.indexOf(focused);
  node.replaceChildren(...children);
  if (at < 0) return;
  const after = reached(node);
  (after.find((each) => focused.href && each.href === focused.href) ?? after[Math.min(at, after.length - 1)])?.focus({ preventScroll: true });
}
// Changing only what differs keeps screen readers and the renderer calm.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Conditions: letter, shape and colour by severity, never colour alone. Where a priority begins, the server says.
let bounds = [800, 600, 400];
export const PRIORITIES = [
  { rank: 1, letter: "1", word: t("Critical"), kind: "critical" },
  { rank: 2, letter: "2", word: t("High"), kind: "severe" },
  { rank: 3, letter: "3", word: t("Medium"), kind: "medium" },
  { rank: 4, letter: "4", word: t("Low"), kind: "low" },
];
export const lowest = (rank) => bounds[rank - 1] ?? 0;
export function priority(severity) {
  const at = bounds.findIndex((bound) => severity >= bound);
  return PRIORITIES[at < 0 ? 3 : at];
}
export const HEALTH = [
  { kind: "good", mark: "", word: "Healthy" },
  { kind: "medium", mark: "W", word: "Warning" },
  { kind: "high", mark: "C", word: "Critical" },
  { kind: "unknown", mark: "?", word: "Unknown" },
];
export const SENSORS = [
  null, { kind: "medium", mark: "?", word: "Suspect" }, { kind: "medium", mark: "=", word: "Stuck" }, { kind: "medium", mark: "×", word: "Failed" },
];
export const badge = (kind, mark, title = "") => make("span", { class: `vk-badge ${kind}`, title }, mark);

export const jarLink = (jar) => "/jar/" + real(jar).split("/").map(encodeURIComponent).join("/");
export const siteLink = (site) => "/site/" + encodeURIComponent(real(site));

// The page of an event's source: of the site where the source has none of its own.
export const sourceLink = (source) => {
  const parts = real(source).split("/");
  if (!source || source === "Fleet") return make("a", { href: "/" }, t("Fleet"));
  return make("a", { href: parts.length > 3 ? jarLink(source) : siteLink(parts[0]) }, source.split("/").join(" "));
};

// The tables of a snapshot with their values; items run table by table, column by column, row by row.
export class Tables {
  constructor(snapshot) {
    this.values = snapshot.v;
    this.status = new Array(snapshot.v.length).fill(0);
    for (const [i, status] of Object.entries(snapshot.s)) this.status[i] = status;
    this.times = snapshot.ts ?? null;
    this.newest = snapshot.t;
    this.tables = {};
    let start = 0;
    for (const table of snapshot.tables) {
      table.start = start;
      table.index = new Map(table.columns.map((column, c) => [column.tag, c]));
      start += table.rows.length * table.columns.length;
      this.tables[table.name] = table;
    }
  }
  // Whether any value that this page shows is simulated.
  get simulated() {
    return this.status.some(isSimulated);
  }
  patch(message) {
    message.i.forEach((item, k) => {
      this.values[item] = message.v[k];
      this.status[item] = message.s ? message.s[k] : 0;
      if (this.times && message.ts) this.times[item] = message.ts[k];
    });
    this.newest = message.t;
  }
  item(table, tag, row = 0) {
    const { start, index, rows } = this.tables[table];
    return index.has(tag) ? start + index.get(tag) * rows.length + row : -1;
  }
  get(table, tag, row = 0) {
    const item = this.item(table, tag, row);
    return { value: this.values[item] ?? null, status: this.status[item] ?? 0x80340000 };
  }
  good(table, tag, row = 0) {
    const { value, status } = this.get(table, tag, row);
    return quality(status) === "good" ? value : null;
  }
  column(table, tag) {
    const { columns, index } = this.tables[table];
    return columns[index.get(tag)];
  }
  shown(table, tag, row = 0) {
    const { value, status } = this.get(table, tag, row);
    return { ...shown(value, status, this.column(table, tag)), status, value };
  }
  // Rows of a table that a patch touches.
  rowsOf(message, table) {
    const { start, rows, columns } = this.tables[table];
    const end = start + rows.length * columns.length;
    const touched = new Set();
    for (const i of message.i) if (i >= start && i < end) touched.add((i - start) % rows.length);
    return touched;
  }
}

// The live stream: joins, fetches snapshots, applies what follows; starts again by itself after any loss.
class Feed {
  constructor(handlers) {
    this.handlers = handlers;
    this.heard = performance.now();
    this.state = null;
    this.join();
    setInterval(() => this.look(), 500);
    addEventListener("online", () => this.socket?.close());
  }
  join() {
    const query = Object.keys(this.handlers).map((key) => `key=${encodeURIComponent(key)}`).join("&");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.numbers = {};
    this.early = {};
    const socket = (this.socket = new WebSocket(`${scheme}://${location.host}/api/live?${query}`));
    // Beside the stream's opening: what is told between the two is missed, seen by its number, and fetched again.
    Object.keys(this.handlers).forEach((key) => this.fetch(key, socket));
    socket.onmessage = (event) => this.take(JSON.parse(event.data), socket);
    socket.onclose = (event) => socket === this.socket && this.left(event);
  }
  // Other parts of the fleet than before.
  follow(handlers) {
    this.handlers = handlers;
    const before = this.socket;
    this.join();
    // To close one that is not open yet would be an error in the browser's eyes.
    if (before.readyState === WebSocket.CONNECTING) before.onopen = () => before.close();
    else before.close();
  }
  async left(event) {
    if (event.code === 4401) return toLogIn();
    try {
      const answer = await fetch("/api/session");
      if (answer.status === 401) return toLogIn();
    } catch {
      // The HMI itself is away: said by look(), and tried again.
    }
    setTimeout(() => this.join(), 1000);
  }
  async fetch(key, socket) {
    try {
      const answer = await fetch(`/api/snapshot?key=${encodeURIComponent(key)}`);
      if (answer.status === 404) return missing();
      if (socket !== this.socket) return;
      if (!answer.ok) return this.later(key, socket);
      const snapshot = await answer.json();
      this.numbers[key] = snapshot.n;
      this.handlers[key].all(snapshot);
      if (Object.keys(this.handlers).every((each) => each in this.numbers)) live();
      const early = this.early[key] ?? [];
      delete this.early[key];
      for (const message of early) this.take(message, socket);
    } catch {
      this.later(key, socket);
    }
  }
  // Where the stream has closed too, all starts again anyway.
  later(key, socket) {
    setTimeout(() => socket === this.socket && socket.readyState < WebSocket.CLOSING && this.fetch(key, socket), 1000);
  }
  take(message, socket) {
    if (socket !== this.socket) return;
    this.heard = performance.now();
    if (message.k === "state") {
      this.state = message;
      this.look();
      return;
    }
    const number = this.numbers[message.k];
    if (number === undefined) (this.early[message.k] ??= []).push(message);
    else if (message.n === number + 1) {
      this.numbers[message.k] = message.n;
      this.handlers[message.k].some(message);
    } else if (message.n > number) {
      delete this.numbers[message.k];
      this.early[message.k] = [message];
      this.fetch(message.k, socket);
    }
  }
  look() {
    const silent = (performance.now() - this.heard) / 1000;
    bar(this.state, silent);
  }
}
// Resolves when the first values of all that the page follows stand on it, marked "voltkeep-live" in the browser's
// own record of times. What is large and stands below them comes after that.
let live = null;
const frame = () => new Promise(requestAnimationFrame);
export const inView = new Promise((resolve) => (live = resolve)).then(frame).then(frame).then(() => performance.mark("voltkeep-live"));
// Whoever logs out is on the way to the log-in already.
let leaving = false;
addEventListener("submit", (event) => (leaving ||= event.target.action.endsWith("/logout")));
const toLogIn = () => leaving || dispatchEvent(new Event("voltkeep-ended"));
function missing() {
  by("vk-main").replaceChildren(make("p", { class: "vk-empty" }, t("The fleet has no such part.")));
}

// What the server lets this user do, asked once: parts of the page that need more stay hidden.
let asking = null;
export const rights = () => (asking ??= fetch("/api/rights").then((answer) => (answer.ok ? answer.json() : { may: [] })).then((body) => new Set(body.may)).catch(() => new Set()));
async function reveal() {
  const may = await rights();
  for (const node of document.querySelectorAll("[data-may]")) node.hidden = !may.has(node.dataset.may);
}

// Asks for JSON; what is refused is thrown in words.
export async function ask(url, sent) {
  const options = sent === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) };
  const answer = await fetch(url, options);
  if (answer.status === 401) toLogIn();
  const body = await answer.json();
  if (!answer.ok || body.fault) throw new Error(t(body.fault ?? answer.statusText));
  return body;
}
// What became of it, in the page's own place for that.
export function say(text, fault = false) {
  const result = by("vk-result");
  setText(result, fault ? `▲ ${text}` : text);
  result.className = fault ? "vk-fault" : "";
}

// Server time as known here: told each second, carried on in between.
let told = { server: 0, at: 0 };
export const serverNow = () => (told.server ? told.server + performance.now() - told.at : Date.now());
let lastState = null;

function bar(state, silent) {
  if (state && state.server !== lastState?.server) told = { server: state.server, at: performance.now() };
  lastState = state ?? lastState;
  if (state?.priorities) bounds = state.priorities;
  const lost = silent > 2.5;
  const link = lost ? "lost" : !state ? "wait" : state.up ? "up" : "away";
  document.documentElement.dataset.link = link;
  const lamp = by("vk-link");
  lamp.dataset.link = link;
  lamp.querySelector("span").textContent = { up: "●", wait: "○" }[link] ?? "▲";
  const words = { up: "Connected", away: "Server away", lost: "HMI away", wait: "Connecting" };
  setText(lamp.querySelector("b"), t(words[link]));
  const banner = by("vk-banner");
  banner.hidden = link === "up" || link === "wait";
  if (link === "lost")
    setText(banner, `▲ ${t("No connection to the HMI. The values shown are the last known, not live.")}`);
  if (link === "away")
    setText(banner, `▲ ${t(state.reason)} ${t("Not live since")} ${clock(state.since)}. ${t("Reconnecting by itself.")}`);
  simulation(state);
  setText(by("vk-server"), link === "up" && state.server ? clock(serverNow()) : "--:--:--");
  setText(by("vk-zone"), times().offset(serverNow()));
  by("vk-zone").title = times().zone.name;
  // Before the first session with the server nobody knew the zone.
  if (link === "up" && !zones.Fleet && state.zone) location.reload();
  const age = state?.newest ? (serverNow() - state.newest) / 1000 : NaN;
  setText(by("vk-age"), ageText(age));
  by("vk-age").classList.toggle("vk-old", !(age < 60) && link !== "wait");
  const count = by("vk-alarms");
  count.hidden = !state || !(state.active || state.unacknowledged);
  if (!count.hidden) {
    const { letter, kind } = priority(state.severity);
    count.className = `vk-count ${kind}${state.unacknowledged ? " new" : ""}`;
    setText(count, `${state.active}${state.unacknowledged ? ` · ${state.unacknowledged} ${t("new")}` : ""}`);
    count.title = `${t("Priority")} ${letter}: ${state.active} ${t("active")}, ${state.unacknowledged} ${t("unacknowledged")}`;
  }
}

// Whatever is simulated is said so on top of the page that shows it: by its values, or by its target, whose
// values may all be gone. What runs elsewhere is not this page's.
let shows = () => false;
export const showsSimulated = (asked) => (shows = asked);
const touches = (target) => !path || target === path || target.startsWith(`${path}/`) || path.startsWith(`${target}/`);

function simulation(state) {
  if (!state) return;
  const running = (state.simulations ?? []).filter(([, target]) => touches(target));
  const banner = by("vk-simulation");
  banner.hidden = !(state.simulated && running.length) && !shows();
  const words = running.map(([scenario, target, since, until]) =>
    `${t(scenario)} · ${target.split("/").join(" ")} · ${t("since")} ${clock(since)}${until ? ` ${t("until")} ${clock(until)}` : ""}`);
  if (!banner.hidden) setText(banner.lastElementChild, words.join("; ") || t("Values shown here are simulated."));
}

// A row of choices: one is on; arrow keys move.
export function segments(node, choices, chosen, choose) {
  const buttons = choices.map(([value, label]) =>
    make("button", { type: "button", role: "radio", "aria-checked": String(value === chosen),
      tabindex: value === chosen ? 0 : -1, onclick: () => pick(value) }, label));
  const pick = (value) => {
    buttons.forEach((button, k) => {
      const on = choices[k][0] === value;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    });
    choose(value);
  };
  node.replaceChildren(...buttons);
  node.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    const next = (at + step + buttons.length) % buttons.length;
    buttons[next].focus();
    pick(choices[next][0]);
  };
}

// Figures in a strip: label above, figure and unit below.
export function total(label, view, abnormal = "") {
  const bad = view.quality !== "good";
  return make("div", { class: `vk-total ${bad ? view.quality : abnormal}${view.simulated ? " simulated" : ""}` },
    make("span", {}, t(label)),
    make("b", { title: view.mark ? statusText(view.status) : "" }, view.text,
      view.unit ? make("small", {}, view.unit) : "",
      view.simulated ? make("i", { class: "vk-mark" }, view.mark) : "",
      bad ? make("i", { class: "vk-mark" }, view.mark) : abnormal ? make("i", { class: "vk-mark" }, { high: "■", unknown: "?" }[abnormal] ?? "▲") : ""));
}

export const reduced = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// A message of the server as it is read: in the reader's language and the site's time; a figure and its unit stay
// on one line.
export const together = (message) =>
  t(message).replace(/(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC/g, (_, date, time) => stamp(Date.parse(`${date}T${time}Z`)).slice(0, -3))
    .replace(/ (?=(%|°C|V|A|mΩ|d|K)([\s,;]|$))/g, "\u00a0");
export const alarmState = (alarm) => {
  const state = alarm.active ? (!alarm.acknowledged ? t("Active, new") : alarm.confirmed ? t("Active") : t("Active, to confirm"))
    : !alarm.acknowledged ? t("Cleared, not acknowledged") : alarm.confirmed ? t("Cleared") : t("Cleared, to confirm");
  const held = heldState(alarm);
  return held ? `${held} · ${state}` : state;
};
// Why it is not in the operators' list, and for how long.
export function heldState(alarm) {
  if (alarm.out_of_service) return t("Out of service");
  if (alarm.shelved === "once") return t("Shelved until it clears");
  if (alarm.shelved) return `${t("Shelved, still")} ${ageText((alarm.until - serverNow()) / 1000)}`;
  return alarm.suppressed ? t("Suppressed") : "";
}
// ISA-18.2: unacknowledged before acknowledged, active before cleared, then by severity and age.
export const urgency = (a, b) =>
  a.acknowledged - b.acknowledged || b.active - a.active || b.severity - a.severity || b.time - a.time || a.key.localeCompare(b.key);

// What a grid says by itself: to screen readers, in its filters and where it has no rows.
const gridWords = ({ defaultValue, variableValues = [] }) => variableValues.reduce((text, value) => text.replace("${variable}", () => t(value)), t(defaultValue));
// Grids follow our own colours, light and dark; arrow keys move in a grid, Tab goes on to what follows it.
export const gridTheme = (AgGrid) => {
  AgGrid.provideGlobalGridOptions({ tabToNextCell: leaveGrid, tabToNextHeader: leaveGrid, getLocaleText: gridWords });
  return AgGrid.themeBalham.withParams({
    backgroundColor: "var(--panel)", foregroundColor: "var(--ink)", borderColor: "var(--line)",
    headerBackgroundColor: "var(--sunk)", headerTextColor: "var(--soft)", oddRowBackgroundColor: "var(--panel)",
    rowHoverColor: "var(--sunk)", selectedRowBackgroundColor: "var(--select)", accentColor: "var(--accent)",
    fontFamily: "inherit", fontSize: 13, headerFontSize: 12, headerFontWeight: 500, wrapperBorder: false,
    wrapperBorderRadius: 0, spacing: 5, inputBackgroundColor: "var(--page)", menuBackgroundColor: "var(--panel)",
    checkboxUncheckedBackgroundColor: "var(--page)", iconColor: "var(--soft)",
  });
};

let feed = null;
export const follow = (handlers) => feed.follow(handlers);

// The frame stands before the script in the page, and is there when this is called. `start` gives the handlers of the
// channels that the page follows.
export function begin(start) {
  document.documentElement.lang = settings.lang;
  document.documentElement.dataset.scale = settings.preferences?.scale ?? "calm";
  by("vk-theme").onclick = () => {
    const root = document.documentElement;
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    document.cookie = `voltkeep_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    dispatchEvent(new Event("voltkeep-theme"));
  };
  menu(by("vk-menu-button"));
  reach();
  reveal();
  // A canvas does not wait for a font: what is drawn before it has come is drawn again.
  if (settings.lang === "th") document.fonts.load("12px Sarabun", "ก").then(() => dispatchEvent(new Event("voltkeep-theme")));
  // Once all of the page's script is there, what stands below its call of this too.
  queueMicrotask(() => (feed = new Feed(start())));
}
