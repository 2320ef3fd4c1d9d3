// The alarm list by the states of ISA-18.2: what waits for somebody first; act on one or many.
import * as AgGrid from "nicegui-aggrid";
import { PRIORITIES, alarmState, badge, begin, by, figure, gridTheme, make, priority, reduced, segments, setText, showsSimulated, sourceLink, stamp, t, together, urgency } from "./base.js";
import { acting } from "./acting.js";
import { detail } from "./detail.js";
import { flooding } from "./flood.js";

// Who is held back is no alarm for the operator: it stands in a list of its own.
const STATES = {
  all: ["All", (alarm) => !alarm.held],
  new: ["Unacknowledged", (alarm) => !alarm.held && !alarm.acknowledged && alarm.active],
  active: ["Active", (alarm) => !alarm.held && alarm.active],
  returned: ["Returned", (alarm) => !alarm.held && !alarm.acknowledged && !alarm.active],
  confirm: ["To confirm", (alarm) => !alarm.held && alarm.acknowledged && !alarm.confirmed],
  held: ["Shelved or suppressed", (alarm) => alarm.held],
};
const narrow = innerWidth < 700;
let grid = null;
let show = () => {};
let which = location.hash.slice(1) in STATES ? location.hash.slice(1) : "all";
const rows = new Map();
const branches = new Map();

begin(() => {
  showsSimulated(() => [...rows.values()].some((alarm) => alarm.simulated));
  AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
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
  choices(by("vk-priority"), PRIORITIES.map(({ rank, letter, word }) => [rank, `${letter} ${word}`]));
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
  if (sites.join() !== choices.sites) choices(by("vk-site"), sites.map((site) => [site, site]));
  choices.sites = sites.join();
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

// A choice beside the text filter; the first one is all.
function choices(select, options) {
  const chosen = select.value;
  select.replaceChildren(make("option", { value: "" }, t("All")), ...options.map(([value, text]) => make("option", { value, selected: String(value) === chosen }, text)));
  select.onchange = () => grid.onFilterChanged();
}

const passes = (alarm) =>
  STATES[which][1](alarm) &&
  (!by("vk-priority").value || priority(alarm.severity).rank === Number(by("vk-priority").value)) &&
  (!by("vk-site").value || alarm.source.replace(/^Shadow\//, "").split("/")[0] === by("vk-site").value);

function table() {
  const plain = (field, headerName, more = {}) => ({ field, headerName: t(headerName), ...more });
  return AgGrid.createGrid(by("vk-grid"), {
    theme: gridTheme(AgGrid), animateRows: !reduced(), rowHeight: narrow ? undefined : 32, headerHeight: 32, rowData: null,
    getRowId: (p) => p.data.key, tooltipShowDelay: 300,
    rowSelection: { mode: "multiRow", checkboxes: true, headerCheckbox: true, selectAll: "filtered", enableClickSelection: true },
    selectionColumnDef: { width: 40, pinned: "left" },
    rowClassRules: { "vk-new": (p) => !p.data.acknowledged && !p.data.held, "vk-past": (p) => !p.data.active || p.data.held, "vk-branch": (p) => !!p.data.branch },
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true, filter: "agTextColumnFilter" },
    overlayNoRowsTemplate: `<span>${t("No alarms.")}</span>`,
    overlayLoadingTemplate: `<span>${t("Waiting for the server.")}</span>`,
    postSortRows: (p) => { if (!grid?.getColumnState().some((c) => c.sort)) p.nodes.sort((a, b) => urgency(a.data, b.data)); },
    columnDefs: narrow ? stacked(plain) : columns(plain),
    isExternalFilterPresent: () => true,
    doesExternalFilterPass: (node) => passes(node.data),
    onCellKeyDown: (p) => { if (p.event.key === "a" && (p.event.ctrlKey || p.event.metaKey)) { p.event.preventDefault(); grid.selectAll("filtered"); } },
  });
}

const columns = (plain) => [
  plain("severity", "Priority", { width: 98, filter: "agNumberColumnFilter", cellRenderer: (p) => {
    const { letter, kind, word } = priority(p.value);
    return make("span", {}, badge(calm(p.data) ? "past" : kind, letter), ` ${word}`);
  } }),
  plain("time", "Time", { width: 160, cellClass: "vk-num", filter: false, valueFormatter: (p) => stamp(p.value) }),
  plain("state", "State", { width: 172, tooltipValueGetter: (p) => p.value, valueGetter: (p) => alarmState(p.data) }),
  plain("source", "Source", { width: 190, cellRenderer: (p) => sourceLink(p.value) }),
  plain("message", "Message", { flex: 3, minWidth: 280, tooltipField: "message", cellRenderer: (p) => make("span", {}, together(p.value), more(p.data)) }),
  plain("name", "Condition", { width: 160, tooltipField: "name" }),
  plain("limit", "Limit", { width: 96, valueGetter: (p) => limit(p.data) }),
  plain("user", "User", { width: 84 }),
  plain("comment", "Comment", { flex: 1, minWidth: 110, tooltipField: "comment" }),
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
function stacked(plain) {
  const cell = (p) => {
    const { letter, kind, word } = priority(p.data.severity);
    return make("div", {}, badge(calm(p.data) ? "past" : kind, letter, word), together(p.data.message || p.data.name), more(p.data),
      make("small", { class: "vk-line" }, sourceLink(p.data.source), ` · ${stamp(p.data.time).slice(5, 16)} · ${alarmState(p.data)}`));
  };
  return [plain("message", "Alarms", { flex: 1, cellClass: "vk-stacked", autoHeight: true, cellRenderer: cell, equals: () => false,
    getQuickFilterText: (p) => [p.data.message, p.data.source, p.data.name, alarmState(p.data)].join(" ") })];
}
