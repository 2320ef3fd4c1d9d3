// The journal: every event that the historian kept, newest first, by time, place and words.
import * as AgGrid from "nicegui-aggrid";
import { PRIORITIES, badge, begin, by, gridTheme, lowest, make, priority, reduced, serverNow, setText, showsSimulated, sourceLink, stamp, t, together } from "./base.js";
import { flooding } from "./flood.js";

const HOUR = 3_600_000;
const narrow = innerWidth < 700;
const SPANS = [[1, "1 h"], [24, "24 h"], [168, "7 d"], [720, "30 d"], [8760, "1 y"]];
const KINDS = [["1", "Of alarms"], ["", "All"]];
let grid = null;
let asked = 0;

begin(() => {
  AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
  grid = table();
  showsSimulated(() => {
    let found = false;
    grid.forEachNode((node) => (found ||= node.data.simulated));
    return found;
  });
  by("vk-least").replaceChildren(make("option", { value: 0 }, t("All")), ...PRIORITIES.slice(0, 3).map(({ rank, letter, word }) => make("option", { value: rank }, `${letter} ${word}${rank > 1 ? ` ${t("and above")}` : ""}`)));
  options("vk-span", SPANS, 24);
  options("vk-what", KINDS, "1");
  by("vk-ask").onsubmit = (event) => {
    event.preventDefault();
    ask();
  };
  for (const id of ["vk-span", "vk-least", "vk-site", "vk-what"]) by(id).onchange = () => ask();
  by("vk-older").onclick = () => ask(true);
  return {
    fleet: flooding((data) => {
      if (asked) return;
      by("vk-site").replaceChildren(make("option", { value: "" }, t("All")), ...data.tables.sites.rows.map((site) => make("option", { value: site }, site)));
      ask();
    }),
  };
});

function options(id, choices, chosen) {
  by(id).replaceChildren(...choices.map(([value, label]) => make("option", { value, selected: value === chosen }, t(label))));
}

async function ask(older = false) {
  const number = (asked += 1);
  const end = older ? last() : Math.floor(serverNow());
  const start = older ? 0 : end - Number(by("vk-span").value) * HOUR;
  const query = new URLSearchParams({ from: older ? from() : start, to: end, path: by("vk-site").value, words: by("vk-words").value.trim(),
    severity: lowest(Number(by("vk-least").value)), alarms: by("vk-what").value });
  if (!older) ask.from = start;
  setText(by("vk-result"), t("Reading"));
  by("vk-result").className = "";
  try {
    const answer = await fetch(`/api/journal?${query}`);
    const body = await answer.json();
    if (number !== asked) return;
    if (!answer.ok) throw new Error(t(body.fault ?? answer.statusText));
    if (older) grid.applyTransaction({ add: body.events.filter((event) => !grid.getRowNode(event.id)) });
    else grid.setGridOption("rowData", body.events);
    const count = grid.getDisplayedRowCount();
    setText(by("vk-result"), `${count} ${t("events")}`);
    by("vk-older").hidden = !body.more;
  } catch (error) {
    setText(by("vk-result"), `▲ ${error.message}`);
    by("vk-result").className = "vk-fault";
  }
}
const from = () => ask.from;
const last = () => {
  let oldest = Infinity;
  grid.forEachNode((node) => (oldest = Math.min(oldest, node.data.time)));
  return oldest + 1;
};

function table() {
  const plain = (field, headerName, more = {}) => ({ field, headerName: t(headerName), ...more });
  return AgGrid.createGrid(by("vk-grid"), {
    theme: gridTheme(AgGrid), animateRows: !reduced(), rowHeight: narrow ? undefined : 30, headerHeight: 32, rowData: null,
    getRowId: (p) => p.data.id, tooltipShowDelay: 300,
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true },
    rowClassRules: { "vk-past": (p) => p.data.active === false },
    overlayNoRowsTemplate: `<span>${t("No events.")}</span>`,
    overlayLoadingTemplate: `<span>${t("Reading")}</span>`,
    columnDefs: narrow ? [plain("message", "Events", { flex: 1, cellClass: "vk-stacked", autoHeight: true, cellRenderer: (p) =>
      make("div", {}, mark(p.data), together(p.data.message), make("small", { class: "vk-line" }, place(p.data), ` · ${stamp(p.data.time)}${p.data.user ? ` · ${p.data.user}` : ""}`)) })] : [
      plain("time", "Time", { width: 166, cellClass: "vk-num", valueFormatter: (p) => stamp(p.value) }),
      plain("severity", "Priority", { width: 98, cellRenderer: (p) => make("span", {}, mark(p.data), p.data.condition ? ` ${priority(p.value).word}` : "") }),
      plain("source", "Source", { width: 190, cellRenderer: (p) => place(p.data) }),
      plain("name", "Condition", { width: 170, tooltipField: "name" }),
      plain("message", "Message", { flex: 3, minWidth: 300, tooltipField: "message", valueFormatter: (p) => together(p.value) }),
      plain("user", "User", { width: 100 }),
      plain("comment", "Comment", { flex: 1, minWidth: 110, tooltipField: "comment" }),
    ],
  });
}

// Colour only for what became active: the rest is history.
function mark(event) {
  if (!event.condition) return "";
  const { letter, kind, word } = priority(event.severity);
  return badge(event.active && event.acknowledged === false ? kind : "past", letter, word);
}
const place = (event) => (event.condition ? sourceLink(event.source) : event.source);
