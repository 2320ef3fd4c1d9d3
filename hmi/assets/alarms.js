// The alarm list by the states of ISA-18.2: what waits for somebody first; act on one or many.
import { PRIORITIES, alarmState, badge, begin, by, figure, make, priority, segments, setText, showsSimulated, sourceLink, stamp, t, together, urgency } from "./base.js";
import { acting } from "./acting.js";
import { detail } from "./detail.js";
import { flooding } from "./flood.js";
import { choosing, column, narrow, selection, stacked } from "./listing.js";
import { Order } from "./order.js";
import { known, trendLink } from "./trendlink.js";

// Who is held back is no alarm for the operator: it stands in a list of its own.
const STATES = {
  all: ["All", (alarm) => !alarm.held],
  new: ["Unacknowledged", (alarm) => !alarm.held && !alarm.acknowledged && alarm.active],
  active: ["Active", (alarm) => !alarm.held && alarm.active],
  returned: ["Returned", (alarm) => !alarm.held && !alarm.acknowledged && !alarm.active],
  confirm: ["To confirm", (alarm) => !alarm.held && alarm.acknowledged && !alarm.confirmed],
  held: ["Shelved or suppressed", (alarm) => alarm.held],
};
const FILTERS = ["vk-priority", "vk-site", "vk-filter"];
const rows = new Map();
const branches = new Map();
const order = new Order();
let grid = null;
let show = () => {};
let chosen = () => {};
let which = "all";
let places = ""; // sites to choose from

begin(() => {
  showsSimulated(() => [...rows.values()].some((alarm) => alarm.simulated));
  grid = table();
  recall();
  chosen = acting(by("vk-act"), () => grid.getSelectedRows().filter((alarm) => !alarm.gone), () => grid.deselectAll());
  show = detail(by("vk-detail"));
  grid.addEventListener("selectionChanged", () => {
    const picked = grid.getSelectedRows();
    keepOrder(picked.length > 0);
    chosen();
    show(picked.length === 1 ? picked[0] : null);
  });
  states();
  known.then(() => grid.refreshCells({ columns: ["trend"], force: true }));
  by("vk-anew").onclick = () => grid.deselectAll();
  setInterval(() => grid.refreshCells({ columns: narrow ? ["message"] : ["state"], force: true, rowNodes: shelved() }), 10_000);
  return { fleet: flooding(), "alarms/": { all, some } };
});

function all(snapshot) {
  rows.clear();
  branches.clear();
  snapshot.alarms.forEach(keep);
  grid.setGridOption("rowData", snapshot.alarms);
  after();
}

function some({ set, gone }) {
  const listed = ({ key }) => !!grid.getRowNode(key);
  const [add, update] = [set.filter((alarm) => !listed(alarm)), set.filter(listed)];
  const left = gone.filter((key) => rows.has(key)).map((key) => rows.get(key));
  gone.forEach(forget);
  set.forEach(keep);
  // What goes while alarms are chosen stays in its place, as gone: nothing moves under the hand.
  const stays = left.filter(({ key }) => order.holds(key)).map((alarm) => ({ ...alarm, gone: true, active: false, acknowledged: true, confirmed: true }));
  grid.applyTransaction({ add, update: [...update, ...stays], remove: left.filter(({ key }) => !order.holds(key)) });
  order.added(add.length);
  after();
  chosen();
}

// The order stays as it is while alarms are chosen; what is new comes below, and is said.
function keepOrder(hold) {
  if (hold === order.held) return;
  const shown = [];
  grid.forEachNodeAfterFilterAndSort((node) => shown.push(node.data.key));
  order.hold(hold ? shown : null);
  if (!hold) {
    const gone = [];
    grid.forEachNode((node) => node.data.gone && gone.push(node.data));
    grid.applyTransaction({ remove: gone });
  }
  after();
}

function keep(alarm) {
  if (!rows.has(alarm.key) && alarm.branch) branches.set(alarm.id, (branches.get(alarm.id) ?? 0) + 1);
  rows.set(alarm.key, alarm);
}

function forget(key) {
  const alarm = rows.get(key);
  if (alarm?.branch) branches.set(alarm.id, branches.get(alarm.id) - 1);
  rows.delete(key);
}

const siteOf = (alarm) => alarm.source.replace(/^Shadow\//, "").split("/")[0];

function after() {
  grid.onFilterChanged();
  counts();
  by("vk-anew").hidden = !order.fresh;
  setText(by("vk-anew"), `${figure(order.fresh)} ${t("new below: sort anew")}`);
  const sites = [...new Set([...rows.values()].map(siteOf))].sort();
  const wanted = by("vk-site").value || by("vk-site").dataset.wanted;
  if (wanted && !sites.includes(wanted)) sites.push(wanted);
  if (sites.join() !== places) selection("vk-site", sites.map((site) => [site, site]), wanted);
  places = sites.join();
}

const shelved = () => {
  const found = [];
  grid.forEachNode((node) => node.data.shelved && found.push(node));
  return found;
};

// What is looked for stands in the address: it survives a reload, and can be sent to a colleague.
function recall() {
  const query = new URLSearchParams(location.search);
  const old = location.hash.slice(1);
  which = query.get("state") in STATES ? query.get("state") : old in STATES ? old : "all";
  selection("vk-priority", PRIORITIES.map(({ rank, letter, word }) => [rank, `${letter} ${word}`]), query.get("priority") ?? "");
  by("vk-site").dataset.wanted = query.get("site") ?? "";
  by("vk-filter").value = query.get("words") ?? "";
  grid.setGridOption("quickFilterText", by("vk-filter").value);
  by("vk-filter").oninput = () => grid.setGridOption("quickFilterText", by("vk-filter").value);
  for (const id of FILTERS) by(id).addEventListener("input", remember);
}

function remember() {
  by("vk-site").dataset.wanted = "";
  const wanted = { state: which === "all" ? "" : which, priority: by("vk-priority").value, site: by("vk-site").value, words: by("vk-filter").value };
  const query = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  history.replaceState(null, "", query.size ? `?${query}` : location.pathname);
  grid.deselectAll();
  grid.onFilterChanged();
}

function states() {
  segments(by("vk-which"), Object.entries(STATES).map(([key, [label]]) => [key, make("span", {}, t(label), make("small", { id: `vk-count-${key}` }))]), which, (value) => {
    which = value;
    remember();
  });
}

function counts() {
  const every = [...rows.values()];
  for (const [key, [, fits]] of Object.entries(STATES)) setText(by(`vk-count-${key}`), ` ${figure(every.filter(fits).length)}`);
}

const passes = (alarm) =>
  order.holds(alarm.key) ||
  (STATES[which][1](alarm) &&
    (!by("vk-priority").value || priority(alarm.severity).rank === Number(by("vk-priority").value)) &&
    (!by("vk-site").value || siteOf(alarm) === by("vk-site").value));

function table() {
  return choosing(t("No alarms."), t("Waiting for the server."), narrow ? lines() : columns(), {
    getRowId: (p) => p.data.key,
    rowClassRules: { "vk-new": (p) => !p.data.acknowledged && !p.data.held, "vk-past": (p) => !p.data.active || p.data.held, "vk-branch": (p) => !!p.data.branch },
    defaultColDef: { filter: "agTextColumnFilter" },
    postSortRows: (p) => order.sort(p.nodes, grid?.getColumnState().some((c) => c.sort) ? null : urgency),
    isExternalFilterPresent: () => true,
    doesExternalFilterPass: (node) => passes(node.data),
  }, () => by("vk-comment").focus());
}

const columns = () => [
  column("severity", "Priority", { width: 98, filter: "agNumberColumnFilter", cellRenderer: (p) => {
    const { letter, kind, word } = priority(p.value);
    return make("span", {}, badge(calm(p.data) ? "past" : kind, letter), ` ${word}`);
  } }),
  column("time", "Time", { width: 152, cellClass: "vk-num", filter: false, valueFormatter: (p) => stamp(p.value) }),
  column("state", "State", { width: 150, tooltipValueGetter: (p) => p.value, valueGetter: (p) => stateOf(p.data) }),
  column("source", "Source", { width: 190, cellRenderer: (p) => sourceLink(p.value) }),
  column("message", "Message", { flex: 3, minWidth: 460, tooltipField: "message", cellRenderer: (p) => make("span", {}, together(p.value), more(p.data)) }),
  column("comment", "Comment", { flex: 1, minWidth: 110, tooltipField: "comment" }),
  column("trend", "Trend", { width: 70, sortable: false, filter: false, valueGetter: (p) => p.data.key, cellRenderer: (p) => trendLink(p.data, "↗") }),
  column("name", "Condition", { width: 160, tooltipField: "name", valueFormatter: (p) => t(p.value) }),
  column("limit", "Limit", { width: 96, valueGetter: (p) => limit(p.data) }),
  column("user", "User", { width: 84 }),
];

const calm = (alarm) => !alarm.active || alarm.held;
const stateOf = (alarm) => (alarm.gone ? t("Gone") : alarmState(alarm));
const limit = (alarm) => (!alarm.limit ? "" : alarm.bound === null ? t(alarm.limit) : `${t(alarm.limit)} ${figure(alarm.bound, Number.isInteger(alarm.bound) ? 0 : 2)}`);
// What one activation hides: earlier ones that wait still, or that it is an earlier one itself.
function more(alarm) {
  if (alarm.branch) return make("small", {}, t("earlier activation"));
  const count = branches.get(alarm.id);
  return count ? make("small", {}, `+${count} ${t("earlier")}`) : "";
}

// On a phone an alarm is one cell of two or three lines.
function lines() {
  const cell = (p) => {
    const { letter, kind, word } = priority(p.data.severity);
    return make("div", {}, badge(calm(p.data) ? "past" : kind, letter, word), together(p.data.message || p.data.name), more(p.data),
      make("small", { class: "vk-line" }, sourceLink(p.data.source), ` · ${stamp(p.data.time).slice(5, 16)} · ${stateOf(p.data)}`));
  };
  const words = (p) => [p.data.message, t(p.data.message), p.data.source, p.data.name, t(p.data.name), stateOf(p.data)].join(" ");
  return stacked("message", "Alarms", cell, { equals: () => false, getQuickFilterText: words });
}
