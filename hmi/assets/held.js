// What operators are not shown: shelved, suppressed, out of service, disabled; and how to bring it back.
import * as AgGrid from "nicegui-aggrid";
import { ageText, badge, begin, by, gridTheme, make, priority, reduced, serverNow, setText, sourceLink, stamp, t } from "./base.js";
import { acting } from "./acting.js";
import { flooding } from "./flood.js";

const REASONS = { Shelved: "Shelved", ShelvedOnce: "Shelved until it clears", Suppressed: "Suppressed by an engineer", SuppressedByDesign: "Suppressed by design", OutOfService: "Out of service", Disabled: "Disabled" };
const narrow = innerWidth < 700;
let grid = null;
let chosen = () => {};

begin(() => {
  AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
  grid = table();
  chosen = acting(by("vk-act"), selected, () => {
    grid.deselectAll();
    setTimeout(read, 300);
  }, ["unshelve"], ["unsuppress", "place", "enable"]);
  grid.addEventListener("selectionChanged", () => chosen());
  by("vk-filter").oninput = (event) => grid.setGridOption("quickFilterText", event.target.value);
  read();
  setInterval(read, 5000);
  return { fleet: flooding() };
});

// As an action knows a condition: what can be ended of it.
const selected = () => grid.getSelectedRows().map(({ condition, reason }) => ({
  key: condition, id: condition, branch: "", shelved: reason.startsWith("Shelved"), suppressed: reason.startsWith("Suppressed"),
  out_of_service: reason === "OutOfService", disabled: reason === "Disabled", acknowledged: true, confirmed: true, message: "",
}));

async function read() {
  try {
    const answer = await fetch("/api/held");
    const body = await answer.json();
    if (!answer.ok) throw new Error(t(body.fault ?? answer.statusText));
    grid.setGridOption("rowData", body.rows);
    grid.refreshCells({ columns: ["until"], force: true });
    if (by("vk-result").dataset.fault) say("");
  } catch (error) {
    say(`▲ ${error.message}`);
  }
}

function say(text) {
  setText(by("vk-result"), text);
  by("vk-result").className = text ? "vk-fault" : "";
  by("vk-result").dataset.fault = text ? "1" : "";
}

const until = (row) => (row.until ? `${stamp(row.until)} (${ageText((row.until - serverNow()) / 1000)})` : row.reason === "ShelvedOnce" ? t("until it clears") : "–");

function table() {
  const plain = (field, headerName, more = {}) => ({ field, headerName: t(headerName), ...more });
  const mark = (row) => {
    const { letter, word } = priority(row.severity);
    return badge("past", letter, word);
  };
  return AgGrid.createGrid(by("vk-grid"), {
    theme: gridTheme(AgGrid), animateRows: !reduced(), rowHeight: narrow ? undefined : 32, headerHeight: 32, rowData: null,
    getRowId: (p) => `${p.data.condition}|${p.data.reason}`,
    rowSelection: { mode: "multiRow", checkboxes: true, headerCheckbox: true, selectAll: "filtered", enableClickSelection: true },
    selectionColumnDef: { width: 40, pinned: "left" },
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true },
    overlayNoRowsTemplate: `<span>${t("Nothing is held back.")}</span>`,
    overlayLoadingTemplate: `<span>${t("Waiting for the server.")}</span>`,
    onCellKeyDown: (p) => { if (p.event.key === "a" && (p.event.ctrlKey || p.event.metaKey)) { p.event.preventDefault(); grid.selectAll("filtered"); } },
    columnDefs: narrow ? [plain("condition", "Condition", { flex: 1, cellClass: "vk-stacked", autoHeight: true, cellRenderer: (p) =>
      make("div", {}, mark(p.data), p.value.split("#")[1], make("small", { class: "vk-line" }, sourceLink(p.value.split("#")[0]), ` · ${t(REASONS[p.data.reason] ?? p.data.reason)} · ${until(p.data)}`)) })] : [
      plain("severity", "Priority", { width: 98, cellRenderer: (p) => make("span", {}, mark(p.data), ` ${priority(p.value).word}`) }),
      plain("reason", "Why not shown", { width: 200, valueFormatter: (p) => t(REASONS[p.value] ?? p.value) }),
      plain("source", "Source", { width: 190, valueGetter: (p) => p.data.condition.split("#")[0], cellRenderer: (p) => sourceLink(p.value) }),
      plain("condition", "Condition", { width: 190, valueGetter: (p) => p.data.condition.split("#")[1] }),
      plain("active", "State", { width: 110, valueFormatter: (p) => (p.value ? t("Active") : t("Cleared")) }),
      plain("since", "Since", { width: 160, cellClass: "vk-num", valueFormatter: (p) => (p.value ? stamp(p.value) : "–") }),
      plain("until", "Until", { width: 220, cellClass: "vk-num", valueFormatter: (p) => until(p.data) }),
      plain("user", "User", { width: 100 }),
      plain("comment", "Comment", { flex: 1, minWidth: 120, tooltipField: "comment" }),
    ],
  });
}
