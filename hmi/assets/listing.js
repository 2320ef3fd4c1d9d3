// Long lists: tables of alarms, events and entries, all drawn and used alike, by mouse and by keyboard.
import * as AgGrid from "nicegui-aggrid";
import { by, gridTheme, make, reduced, t } from "./base.js";

// On a phone a row is one cell of two or three lines.
export const narrow = innerWidth < 700;
export const column = (field, headerName, more = {}) => ({ field, headerName: t(headerName), ...more });
export const stacked = (field, headerName, cellRenderer, more = {}) => [column(field, headerName, { flex: 1, cellClass: "vk-stacked", autoHeight: true, cellRenderer, ...more })];

const several = {
  rowSelection: { mode: "multiRow", checkboxes: true, headerCheckbox: true, selectAll: "filtered", enableClickSelection: true },
  selectionColumnDef: { width: 40, pinned: "left" },
};

// `empty` and `waiting` are what is said instead of rows; `more` are options of the grid.
export function listing(empty, waiting, columnDefs, { rowHeight = 32, ...more } = {}) {
  AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
  return AgGrid.createGrid(by("vk-grid"), {
    theme: gridTheme(AgGrid), animateRows: !reduced(), rowHeight: narrow ? undefined : rowHeight, headerHeight: 32, rowData: null, tooltipShowDelay: 300,
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true },
    overlayNoRowsTemplate: `<span>${empty}</span>`,
    overlayLoadingTemplate: `<span>${waiting}</span>`,
    columnDefs, ...more,
  });
}

// The same, of which one or many rows can be chosen: Ctrl-A chooses all that are shown.
export function choosing(empty, waiting, columnDefs, more = {}) {
  const grid = listing(empty, waiting, columnDefs, { ...several, onCellKeyDown: keys, ...more });
  return grid;

  function keys({ event }) {
    if (event.key !== "a" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    grid.selectAll("filtered");
  }
}

// A choice beside a list; the first one is all.
export function selection(id, options, chosen = by(id).value) {
  by(id).replaceChildren(make("option", { value: "" }, t("All")), ...options.map(([value, text]) => make("option", { value, selected: String(value) === String(chosen) }, text)));
}
