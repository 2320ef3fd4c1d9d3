// The alarm list: what waits for somebody first; acknowledge one or many with a comment.
import * as AgGrid from "nicegui-aggrid";
import { alarmState, badge, begin, by, gridTheme, jarLink, make, priority, reduced, segments, setText, showsSimulated, siteLink, stamp, t, together, urgency } from "./base.js";

let grid = null;
let which = "all";
const WHICH = {
  all: () => true,
  new: (alarm) => !alarm.acknowledged,
  active: (alarm) => alarm.active,
};

begin(() => {
  showsSimulated(() => {
    let found = false;
    grid.forEachNode((node) => (found ||= node.data.simulated));
    return found;
  });
  AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
  grid = table();
  segments(by("vk-which"), [["all", t("All")], ["new", t("Unacknowledged")], ["active", t("Active")]], which, (value) => {
    which = value;
    grid.onFilterChanged();
  });
  by("vk-filter").oninput = (event) => grid.setGridOption("quickFilterText", event.target.value);
  by("vk-act").onsubmit = acknowledge;
  return {
    "alarms/": {
      all: (snapshot) => grid.setGridOption("rowData", snapshot.alarms),
      some: ({ set, gone }) => {
        const known = (key) => grid.getRowNode(key);
        grid.applyTransaction({
          add: set.filter((alarm) => !known(alarm.key)), update: set.filter((alarm) => known(alarm.key)),
          remove: gone.filter(known).map((key) => ({ key })),
        });
        count();
      },
    },
  };
});

const narrow = innerWidth < 700;
const link = (source, text) => make("a", { href: source.split("/").length > 3 ? jarLink(source) : siteLink(source.split("/").slice(0, source.startsWith("Shadow/") ? 2 : 1).join("/")) }, text);

function table() {
  const plain = (field, headerName, more = {}) => ({ field, headerName: t(headerName), ...more });
  return AgGrid.createGrid(by("vk-grid"), {
    theme: gridTheme(AgGrid), animateRows: !reduced(), rowHeight: narrow ? undefined : 32, headerHeight: 32, rowData: null,
    getRowId: (p) => p.data.key, tooltipShowDelay: 300,
    rowSelection: { mode: "multiRow", checkboxes: true, headerCheckbox: true, selectAll: "filtered", enableClickSelection: true, isRowSelectable: (node) => !node.data?.acknowledged },
    selectionColumnDef: { width: 40, pinned: "left" },
    rowClassRules: { "vk-new": (p) => !p.data.acknowledged, "vk-past": (p) => !p.data.active },
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true, filter: "agTextColumnFilter" },
    overlayNoRowsTemplate: `<span>${t("No alarms.")}</span>`,
    overlayLoadingTemplate: `<span>${t("Waiting for the server.")}</span>`,
    postSortRows: (p) => { if (!grid?.getColumnState().some((c) => c.sort)) p.nodes.sort((a, b) => urgency(a.data, b.data)); },
    columnDefs: narrow ? stacked(plain) : [
      plain("severity", "Priority", { width: 98, filter: "agNumberColumnFilter", cellRenderer: (p) => {
        const { letter, kind, word } = priority(p.value);
        return make("span", {}, badge(p.data.active ? kind : "past", letter), ` ${word}`);
      } }),
      plain("time", "Time", { width: 160, cellClass: "vk-num", filter: false, valueFormatter: (p) => stamp(p.value) }),
      plain("state", "State", { width: 150, tooltipValueGetter: (p) => p.value, valueGetter: (p) => alarmState(p.data) }),
      plain("source", "Source", { width: 200, cellRenderer: (p) => link(p.value, p.value.split("/").join(" ")) }),
      plain("message", "Message", { flex: 3, minWidth: 300, tooltipField: "message" }),
      plain("name", "Condition", { width: 150, tooltipField: "name" }),
      plain("user", "User", { width: 76 }),
      plain("comment", "Comment", { flex: 1, minWidth: 120, tooltipField: "comment" }),
    ],
    isExternalFilterPresent: () => which !== "all",
    doesExternalFilterPass: (node) => WHICH[which](node.data),
    onSelectionChanged: count,
    onCellKeyDown: (p) => { if (p.event.key === "a" && (p.event.ctrlKey || p.event.metaKey)) { p.event.preventDefault(); grid.selectAll("filtered"); } },
  });
}

// On a phone an alarm is one cell of two or three lines.
function stacked(plain) {
  const cell = (p) => {
    const { letter, kind, word } = priority(p.data.severity);
    return make("div", {}, badge(p.data.active ? kind : "past", letter, word), together(p.data.message || p.data.name),
      make("small", {}, link(p.data.source, p.data.source.split("/").join(" ")), ` · ${stamp(p.data.time).slice(5, 16)} · ${alarmState(p.data)}`));
  };
  return [plain("message", "Alarms", { flex: 1, cellClass: "vk-stacked", autoHeight: true, cellRenderer: cell, equals: () => false,
    getQuickFilterText: (p) => [p.data.message, p.data.source, p.data.name, alarmState(p.data)].join(" ") })];
}

const chosen = () => grid.getSelectedRows().filter((alarm) => !alarm.acknowledged);

function count() {
  const n = chosen().length;
  by("vk-ack").disabled = !n;
  setText(by("vk-ack"), n ? `${t("Acknowledge")} (${n})` : t("Acknowledge"));
}

async function acknowledge(event) {
  event.preventDefault();
  const alarms = chosen();
  if (!alarms.length) return;
  const result = by("vk-result");
  by("vk-ack").disabled = true;
  setText(result, t("Sending"));
  result.className = "";
  try {
    const answer = await fetch("/api/acknowledge", {
      method: "POST", headers: { "content-type": "application/json" },
      body: JSON.stringify({ keys: alarms.map((alarm) => alarm.key), comment: by("vk-comment").value }),
    });
    const body = await answer.json();
    if (!answer.ok) throw new Error(t(body.fault ?? answer.statusText));
    const failed = Object.entries(body.failed);
    const reasons = [...new Set(failed.map(([, words]) => t(words)))].join(" ");
    setText(result, `${body.done} ${t("acknowledged.")}${failed.length ? ` ▲ ${failed.length} ${t("refused")}: ${reasons}` : ""}`);
    result.className = failed.length ? "vk-fault" : "";
    if (!failed.length) by("vk-comment").value = "";
    grid.deselectAll();
  } catch (error) {
    setText(result, `▲ ${error.message}`);
    result.className = "vk-fault";
  }
  count();
}
