// The alarm list by the states of ISA-18.2: what waits for somebody first; act on one or many.
import { PRIORITIES, alarmState, badge, begin, by, figure, make, priority, segments, setText, showsSimulated, sourceLink, stamp, t, together, urgency } from "./base.js";
import { acting } from "./acting.js";
import { detail } from "./detail.js";
import { flooding } from "./flood.js";
import { choosing, column, narrow, selection, stacked } from "./listing.js";

// Who is held back is no alarm for the operator: it stands in a list of its own.
const STATES = {
  all: ["All", (alarm) => !alarm.held],
  new: ["Unacknowledged", (alarm) => !alarm.held && !alarm.acknowledged && alarm.active],
  active: ["Active", (alarm) => !alarm.held && alarm.active],
  returned: ["Returned", (alarm) => !alarm.held && !alarm.acknowledged && !alarm.active],
  confirm: ["To confirm", (alarm) => !alarm.held && alarm.acknowledged && !alarm.confirmed],
  held: ["Shelved or suppressed", (alarm) => alarm.held],
};
let grid = null;
let show = () => {};
let which = location.hash.slice(1) in STATES ? location.hash.slice(1) : "all";
let listed = ""; // sites to choose from
const rows = new Map();
const branches = new Map();

begin(() => {
  showsSimulated(() => [...rows.values()].some((alarm) => alarm.simulated));
  grid = table();
  const chosen = acting(by("vk-act"), () => grid.getSelectedRows(), () => grid.deselectAll());
  show = detail(by("vk-detail"));
  grid.addEventListener("selectionChanged", () => {
    chosen();
    const [one, another] = grid.getSelectedRows();
    show(another ? null : one);
  });
  states();
  by("vk-filter").oninput = (event) => grid.setGridOption("quickFilterText", event.target.value);
  selection("vk-priority", PRIORITIES.map(({ rank, letter, word }) => [rank, `${letter} ${word}`]));
  for (const id of ["vk-priority", "vk-site"]) by(id).onchange = () => grid.onFilterChanged();
  setInterval(() => grid.refreshCells({ columns: narrow ? ["message"] : ["state"], force: true, rowNodes: shelved() }), 10_000);
  return {
    fleet: flooding(),
    "alarms/": {
      all: (snapshot) => {
        rows.clear();
        branches.clear();
        snapshot.alarms.forEach(keep);
        grid.setGridOption("rowData", snapshot.alarms);
        after();
      },
      some: ({ set, gone }) => {
        const known = (key) => rows.has(key);
        const [add, update] = [set.filter((alarm) => !known(alarm.key)), set.filter((alarm) => known(alarm.key))];
        const remove = gone.filter(known).map((key) => ({ key }));
        gone.forEach(forget);
        set.forEach(keep);
        grid.applyTransaction({ add, update, remove });
        after();
        chosen();
      },
    },
  };
});

function keep(alarm) {
  if (!rows.has(alarm.key) && alarm.branch) branches.set(alarm.id, (branches.get(alarm.id) ?? 0) + 1);
  rows.set(alarm.key, alarm);
}

function forget(key) {
  const alarm = rows.get(key);
  if (alarm?.branch) branches.set(alarm.id, branches.get(alarm.id) - 1);
  rows.delete(key);
}

function after() {
  grid.onFilterChanged();
  counts();
  const sites = [...new Set([...rows.values()].map((alarm) => alarm.source.replace(/^Shadow\//, "").split("/")[0]))].sort();
  if (sites.join() !== listed) selection("vk-site", sites.map((site) => [site, site]));
  listed = sites.join();
}

const shelved = () => {
  const found = [];
  grid.forEachNode((node) => node.data.shelved && found.push(node));
  return found;
};

function states() {
  segments(by("vk-which"), Object.entries(STATES).map(([key, [label]]) => [key, make("span", {}, t(label), make("small", { id: `vk-count-${key}` }))]), which, (value) => {
    which = value;
    history.replaceState(null, "", `#${value}`);
    grid.deselectAll();
    grid.onFilterChanged();
  });
}

function counts() {
  const all = [...rows.values()];
  for (const [key, [, passes]] of Object.entries(STATES)) setText(by(`vk-count-${key}`), ` ${figure(all.filter(passes).length)}`);
}

const passes = (alarm) =>
  STATES[which][1](alarm) &&
  (!by("vk-priority").value || priority(alarm.severity).rank === Number(by("vk-priority").value)) &&
  (!by("vk-site").value || alarm.source.replace(/^Shadow\//, "").split("/")[0] === by("vk-site").value);

function table() {
  return choosing(t("No alarms."), t("Waiting for the server."), narrow ? lines() : columns(), {
    getRowId: (p) => p.data.key,
    rowClassRules: { "vk-new": (p) => !p.data.acknowledged && !p.data.held, "vk-past": (p) => !p.data.active || p.data.held, "vk-branch": (p) => !!p.data.branch },
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true, filter: "agTextColumnFilter" },
    postSortRows: (p) => { if (!grid?.getColumnState().some((c) => c.sort)) p.nodes.sort((a, b) => urgency(a.data, b.data)); },
    isExternalFilterPresent: () => true,
    doesExternalFilterPass: (node) => passes(node.data),
  });
}

const columns = () => [
  column("severity", "Priority", { width: 98, filter: "agNumberColumnFilter", cellRenderer: (p) => {
    const { letter, kind, word } = priority(p.value);
    return make("span", {}, badge(calm(p.data) ? "past" : kind, letter), ` ${word}`);
  } }),
  column("time", "Time", { width: 160, cellClass: "vk-num", filter: false, valueFormatter: (p) => stamp(p.value) }),
  column("state", "State", { width: 172, tooltipValueGetter: (p) => p.value, valueGetter: (p) => alarmState(p.data) }),
  column("source", "Source", { width: 190, cellRenderer: (p) => sourceLink(p.value) }),
  column("message", "Message", { flex: 3, minWidth: 280, tooltipField: "message", cellRenderer: (p) => make("span", {}, together(p.value), more(p.data)) }),
  column("name", "Condition", { width: 160, tooltipField: "name" }),
  column("limit", "Limit", { width: 96, valueGetter: (p) => limit(p.data) }),
  column("user", "User", { width: 84 }),
  column("comment", "Comment", { flex: 1, minWidth: 110, tooltipField: "comment" }),
];

const calm = (alarm) => !alarm.active || alarm.held;
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
      make("small", { class: "vk-line" }, sourceLink(p.data.source), ` · ${stamp(p.data.time).slice(5, 16)} · ${alarmState(p.data)}`));
  };
  const words = (p) => [p.data.message, p.data.source, p.data.name, alarmState(p.data)].join(" ");
  return stacked("message", "Alarms", cell, { equals: () => false, getQuickFilterText: words });
}
