// Long lists: tables of alarms, events and entries, all drawn and used alike, by mouse and by keyboard.
import * as AgGrid from "nicegui-aggrid";
import { by, gridTheme, make, reduced, t } from "./base.js";

// On a phone a row is one cell of two or three lines.
export const narrow = innerWidth < 700;
export const column = (field, headerName, more = {}) => ({ field, headerName: t(headerName), ...more });
export const stacked = (field, headerName, cellRenderer, more = {}) => [column(field, headerName, { flex: 1, cellClass: "vk-stacked", autoHeight: true, cellRenderer, ...more })];

// Which way Shift with an arrow extends what is chosen.
const extending = (event) => (event.shiftKey ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : undefined);
const several = {
  rowSelection: { mode: "multiRow", checkboxes: true, headerCheckbox: true, selectAll: "filtered", enableClickSelection: true },
  selectionColumnDef: { width: 40, pinned: "left" },
};

// `empty` and `waiting` are what is said instead of rows; `more` are options of the grid.
export function listing(empty, waiting, columnDefs, { rowHeight = 32, defaultColDef = {}, ...more } = {}) {
  AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
  return AgGrid.createGrid(by("vk-grid"), {
    theme: gridTheme(AgGrid), animateRows: !reduced(), rowHeight: narrow ? undefined : rowHeight, headerHeight: 32, rowData: null, tooltipShowDelay: 300,
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true, suppressKeyboardEvent: ({ event }) => extending(event) !== undefined, ...defaultColDef },
    overlayNoRowsTemplate: `<span>${empty}</span>`,
    overlayLoadingTemplate: `<span>${waiting}</span>`,
    columnDefs, ...more,
  });
}

// The same, of which one or many rows can be chosen: space chooses one, Shift with an arrow those on the way,
// Ctrl-A all that are shown, Escape none; Enter goes on to `act`.
export function choosing(empty, waiting, columnDefs, more = {}, act = () => {}) {
  const grid = listing(empty, waiting, columnDefs, { ...several, onCellKeyDown: keys, ...more });
  return grid;

  function keys({ event, node, column: cell }) {
    const step = extending(event);
    if (event.key === "a" && (event.ctrlKey || event.metaKey)) grid.selectAll("filtered");
    else if (event.key === "Escape") grid.deselectAll();
    else if (event.key === "Enter" && event.target.role === "gridcell") act();
    else if (step) extend(node, step, cell);
    else return;
    event.preventDefault();
  }

  function extend(node, step, cell) {
    const next = grid.getDisplayedRowAtIndex(node.rowIndex + step);
    node.setSelected(true);
    if (!next) return;
    next.setSelected(true);
    grid.ensureIndexVisible(next.rowIndex);
    grid.setFocusedCell(next.rowIndex, cell);
  }
}

// A choice beside a list; the first one is all.
export function selection(id, options, chosen = by(id).value) {
  by(id).replaceChildren(make("option", { value: "" }, t("All")), ...options.map(([value, text]) => make("option", { value, selected: String(value) === String(chosen) }, text)));
}
