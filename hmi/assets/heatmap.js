// All jars of the fleet: as a picture, and the same as a table. One quantity at a time is followed.
import { Tables, begin, by, figure, follow, inView, jarLink, make, quality, segments, setText, showsSimulated, siteLink, statusText, t } from "./base.js";
import { FleetMap } from "./fleetmap.js";
import { abnormal, cellsOf, legend, stateOf } from "./quantities.js";

const LABELS = { StateOfHealth: "SOH", Voltage: "Voltage", Temperature: "Temperature", InternalResistance: "Resistance", RemainingUsefulLife: "RUL" };
const GRAVITY = { high: 3, medium: 2, "": 0 };
let quantity = sessionStorage.getItem("voltkeep-quantity") ?? "StateOfHealth";
let data = null, map = null, grid = null, found = null, sites = [];
let due = false, rowsDue = true, meant = null;

begin(() => {
  showsSimulated(() => data?.simulated);
  segments(by("vk-quantity"), Object.entries(LABELS).map(([tag, label]) => [tag, t(label)]), quantity, (tag) => {
    quantity = tag;
    sessionStorage.setItem("voltkeep-quantity", tag);
    follow(handlers());
  });
  by("vk-only").onchange = () => {
    draw();
    grid?.onFilterChanged();
    count();
  };
  by("vk-filter").oninput = (event) => {
    grid?.setGridOption("quickFilterText", event.target.value);
    count();
  };
  setText(by("vk-cell"), t("Point at a jar, or use the arrow keys; Enter opens it."));
  return handlers();
});

function handlers() {
  const tag = quantity;
  return { [`heat/${tag}`]: { all: (snapshot) => tag === quantity && whole(snapshot), some: (message) => tag === quantity && part(message) } };
}

function whole(snapshot) {
  const known = data?.tables.jars.rows.join() === snapshot.tables[0].rows.join();
  data = new Tables(snapshot);
  if (!known) layOut();
  rowsDue = true;
  draw();
}

// The table's library is larger than all else of this page together, which does not wait for it.
inView.then(() => import("./listing.js")).then(({ listing }) => {
  grid = table(listing);
  rowsDue = true;
  rows(found);
});

function layOut() {
  const blocks = new Map();
  sites = data.tables.jars.rows.map((jar, row) => {
    const [site, system, string] = jar.split("/");
    if (!blocks.has(site)) blocks.set(site, new Map());
    const strings = blocks.get(site), key = `${system}/${string}`;
    if (!strings.has(key)) strings.set(key, { name: string, system, rows: [] });
    strings.get(key).rows.push(row);
    return site;
  });
  const all = [...blocks].map(([name, strings]) => ({ name, strings: [...strings.values()] }));
  map = new FleetMap(by("vk-map"), by("vk-cursor"), all, { open: (row) => location.assign(jarLink(data.tables.jars.rows[row])), visit: (site) => location.assign(siteLink(site)), meant: mean });
}

// One drawing a frame, however many patches come.
function part(message) {
  data.patch(message);
  if (!due) requestAnimationFrame(() => { due = false; draw(); });
  due = true;
}

function draw() {
  if (!data) return;
  const views = data.tables.jars.rows.map((_, row) => data.get("jars", column().tag, row));
  const before = found;
  found = cellsOf(views, column().tag, (row) => sites[row]);
  map.show(found.cells, by("vk-only").checked ? abnormal : () => true);
  legend(by("vk-legend"), found, column().tag, unit());
  rows(before);
  if (meant !== null) describe("off");
}

// What is shown, which stays what it was until another quantity has come.
const column = () => data.tables.jars.columns[0];
const unit = () => column().unit;
const decimals = () => column().decimals;
const label = () => t(LABELS[column().tag]);

// Only rows that look different are told to the table.
function rows(before) {
  if (!grid) return;
  if (rowsDue) {
    rowsDue = false;
    grid.setGridOption("columnDefs", columns());
    grid.setGridOption("rowData", found.cells.map((_, row) => entry(row)));
  } else {
    const update = found.cells.flatMap((cell, row) => (cell.value === before.cells[row].value && cell.status === before.cells[row].status && cell.kind === before.cells[row].kind ? [] : [entry(row)]));
    if (update.length) grid.applyTransactionAsync({ update });
  }
  count();
}

function entry(row) {
  const jar = data.tables.jars.rows[row], cell = found.cells[row];
  const [site, system, string, name] = jar.split("/");
  const gravity = Math.max(GRAVITY[cell.kind], { good: 0, uncertain: 1, bad: 2.5 }[quality(cell.status)]);
  return { row, jar, site, system, string, name, value: cell.value, gravity, kind: cell.kind, mark: cell.mark, words: stateOf(cell), status: cell.status };
}

function columns() {
  const text = (field, label, more = {}) => ({ field, headerName: t(label), filter: "agTextColumnFilter", flex: 1, minWidth: 64, ...more });
  return [
    text("site", "Site", { minWidth: 90 }),
    { headerName: t("Jar"), field: "jar", flex: 1.3, minWidth: 112, filter: "agTextColumnFilter", cellRenderer: (p) => make("a", { href: jarLink(p.value) }, p.value.split("/").slice(1).join(" ")) },
    { field: "value", headerName: `${label()} [${unit()}]`, type: "rightAligned", cellClass: "vk-num ag-right-aligned-cell", flex: 0.8, minWidth: 78, filter: "agNumberColumnFilter",
      valueFormatter: (p) => figure(p.value, decimals()), comparator: (a, b) => (a ?? -Infinity) - (b ?? -Infinity) },
    { field: "gravity", headerName: t("State"), flex: 1, minWidth: 92, sort: "desc", filter: "agTextColumnFilter", filterValueGetter: (p) => p.data.words, getQuickFilterText: (p) => p.data.words,
      cellRenderer: (p) => state(p.data) },
  ];
}
const state = ({ kind, mark, words, gravity }) => make("span", {}, kind ? make("i", { class: `vk-badge ${kind}` }, mark.slice(-1)) : gravity ? "▲ " : "", words);

function table(listing) {
  const made = listing(t("No jar is abnormal."), t("Waiting for the server."), columns(), {
    rowHeight: 28, getRowId: (p) => String(p.data.row), asyncTransactionWaitMillis: 200,
    isExternalFilterPresent: () => by("vk-only").checked, doesExternalFilterPass: (node) => node.data.gravity > 0,
    onCellKeyDown: (p) => p.event.key === "Enter" && location.assign(jarLink(p.data.jar)),
  });
  made.addEventListener("modelUpdated", count);
  return made;
}

function count() {
  if (!found || !grid) return;
  const bad = found.cells.filter(abnormal).length;
  setText(by("vk-count"), `${figure(grid.getDisplayedRowCount())} ${t("of")} ${figure(found.cells.length)} ${t("jars")} · ${figure(bad)} ${t("abnormal")}`);
}

function mean(row) {
  meant = row;
  describe("polite");
}

// What changes by itself is not read out: only where one goes is.
function describe(politeness) {
  const said = by("vk-cell"), tip = by("vk-tip");
  said.setAttribute("aria-live", politeness);
  tip.hidden = meant === null;
  if (meant === null) return setText(said, t("Point at a jar, or use the arrow keys; Enter opens it."));
  const cell = found.cells[meant];
  const value = cell.value === null ? "–" : `${figure(cell.value, decimals())}\u202f${unit()}`;
  const words = `${data.tables.jars.rows[meant].split("/").join(" ")} · ${label()} ${value} · ${stateOf(cell)}${quality(cell.status) === "good" ? "" : ` (${statusText(cell.status)})`}`;
  setText(said, words);
  setText(tip, words);
  const { left, top, height } = by("vk-cursor").style;
  const room = by("vk-map").clientWidth - tip.offsetWidth;
  Object.assign(tip.style, { left: `${Math.max(0, Math.min(parseFloat(left) + 6, room))}px`, top: `${parseFloat(top) + parseFloat(height) + 6}px` });
}
