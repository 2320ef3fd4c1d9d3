// A site: its environment and systems, its jars as heatmap and as table.
import { AlarmPanel } from "./alarmpanel.js";
import { HEALTH, SENSORS, Tables, badge, begin, by, gridTheme, inView, jarLink, make, isSimulated, path, quality, reduced, refresh, segments, serverNow, setText, shown, showsSimulated, stamp, statusText, t, total } from "./base.js";
import { JarMap } from "./jarmap.js";
import { QUANTITIES, cellsOf, legend } from "./quantities.js";

const TOTALS = ["AmbientTemperature", "Humidity", "HvacState", "MainsState", "GatewayState", "GatewayRoundTrip", "Jars", "HealthyJars", "WarningJars", "CriticalJars", "UnknownJars", "FreshDataShare", "MeanStateOfHealth", "MeanRemainingUsefulLife"];
const ABNORMAL = {
  HvacState: (v) => (v === 2 ? "medium" : ""), GatewayState: (v) => (v === 0 ? "high" : v === 1 ? "medium" : ""), MainsState: (v) => (v === 0 ? "high" : ""),
  FreshDataShare: (v) => (v < 99.5 ? "medium" : ""),
  WarningJars: (v) => (v ? "medium" : ""), CriticalJars: (v) => (v ? "high" : ""), UnknownJars: (v) => (v ? "unknown" : ""),
};
const SET_POINTS = ["FloatVoltageSetpoint", "ChargeCurrentLimit"];
const NOT_CONNECTED = 0x808a;
let data = null, map = null, grid = null;
let quantity = sessionStorage.getItem("voltkeep-quantity") ?? "StateOfHealth";
let health = "all";
let due = false;

begin(() => {
  showsSimulated(() => data?.simulated);
  segments(by("vk-health"), [["all", t("All")], ["1", t("Warning")], ["2", t("Critical")], ["bad", t("Not good")]], health, (value) => {
    health = value;
    grid?.onFilterChanged();
  });
  by("vk-filter").oninput = (event) => grid?.setGridOption("quickFilterText", event.target.value);
  by("vk-csv").onclick = csv;
  ways();
  return {
    [`site/${path}`]: { all: whole, some: part },
    [`alarms/${path}`]: new AlarmPanel(by("vk-list"), path),
  };
});

function whole(snapshot) {
  data = new Tables(snapshot);
  const jars = data.tables.jars;
  const strings = data.tables.strings.rows.map((string) => ({ name: string.split("/")[2], group: string.split("/")[1], rows: [] }));
  const at = new Map(data.tables.strings.rows.map((string, s) => [string, s]));
  jars.rows.forEach((jar, row) => strings[at.get(jar.slice(0, jar.lastIndexOf("/")))].rows.push(row));
  map = new JarMap(by("vk-map"), strings, (row) => location.assign(jarLink(jars.rows[row])), describe);
  const choices = Object.keys(QUANTITIES).map((tag) => [tag, t(data.column("jars", tag).label)]);
  segments(by("vk-quantity"), choices, quantity, (tag) => {
    quantity = tag;
    sessionStorage.setItem("voltkeep-quantity", tag);
    heat();
  });
  describe(null);
  everything();
  if (grid) tabulate();
}

// The table's library is larger than all else of this page together, which does not wait for it.
let AgGrid = null;
inView.then(() => import("nicegui-aggrid")).then((library) => {
  AgGrid = library;
  tabulate();
});

function tabulate() {
  grid?.destroy();
  grid = table();
  columnSet();
}

function part(message) {
  data.patch(message);
  const rows = [...data.rowsOf(message, "jars")];
  if (rows.length) grid?.applyTransactionAsync({ update: rows.map(entry) });
  // One drawing a frame, however many patches come.
  if (!due) requestAnimationFrame(() => { due = false; everything(); });
  due = true;
}

// Where else this site is shown.
function ways() {
  const climate = ["AmbientTemperature", "Humidity", "MeanStateOfHealth"].map((tag) => `tag=${encodeURIComponent(`${path}.${tag}`)}`).join("&");
  const site = encodeURIComponent(path);
  const links = [[`/trends?${climate}&range=30d`, "Trends"], [`/comparison?one=${site}`, "Comparison"], [`/alarms?site=${site}`, "Alarms"], [`/rul?site=${site}`, "Remaining life"], [`/rul/planner?site=${site}`, "Planner"]];
  by("vk-near").replaceChildren(...links.map(([href, label]) => make("a", { class: "vk-button", href }, t(label))));
}

function everything() {
  environment();
  systems();
  heat();
}

function environment() {
  // A site that is simulated has no gateway to tell of.
  const there = TOTALS.filter((tag) => !tag.startsWith("Gateway") || data.get("site", tag).status >>> 16 !== NOT_CONNECTED);
  by("vk-totals").replaceChildren(...there.map((tag) => {
    const view = data.shown("site", tag);
    return total(data.column("site", tag).label, view, ABNORMAL[tag]?.(view.value) ?? "");
  }));
}

function systems() {
  const { rows } = data.tables.systems;
  const columns = data.tables.systems.columns.filter((c) => !SET_POINTS.includes(c.tag));
  const head = make("tr", {}, make("th", {}), ...columns.map((c) => make("th", { scope: "col" }, t(c.label), c.unit ? make("small", {}, c.unit) : "")));
  const body = rows.map((system, row) => make("tr", {}, make("th", { scope: "row" }, system.split("/")[1]),
    ...columns.map((column) => {
      const view = data.shown("systems", column.tag, row);
      const odd = column.tag === "OperatingMode" && view.value !== 0 && view.quality === "good";
      return make("td", { class: `${view.quality === "good" ? (odd ? "medium" : "") : view.quality}${view.simulated ? " simulated" : ""}`, title: view.mark ? statusText(view.status) : "" },
        view.mark || odd ? make("i", { class: "vk-mark" }, view.mark || "▲") : "", view.text);
    })));
  const orders = SET_POINTS.map((tag) => data.column("systems", tag));
  const third = make("tr", {}, make("th", {}, t("Set-points")), ...orders.map((c) => make("th", { scope: "col" }, t(c.label), make("small", {}, c.unit))));
  const ordered = rows.map((system, row) => make("tr", {}, make("th", { scope: "row" }, system.split("/")[1]),
    ...orders.map((column) => {
      const view = data.shown("systems", column.tag, row);
      return make("td", { class: `${view.quality === "good" ? "" : view.quality}${view.simulated ? " simulated" : ""}`, title: view.mark ? statusText(view.status) : "" },
        view.mark ? make("i", { class: "vk-mark" }, view.mark) : "", view.text);
    })));
  const strings = data.tables.strings;
  const second = make("tr", {}, make("th", {}, t("String")), ...strings.columns.map((c) => make("th", { scope: "col" }, t(c.label), c.unit ? make("small", {}, c.unit) : "")));
  const lines = strings.rows.map((string, row) => make("tr", {}, make("th", { scope: "row" }, string.split("/")[2]),
    ...strings.columns.map((column) => {
      const view = data.shown("strings", column.tag, row);
      const text = column.tag === "WeakestJar" && view.value ? make("a", { href: jarLink(view.value) }, view.value.split("/").pop()) : view.text;
      return make("td", { class: `${view.quality === "good" ? "" : view.quality}${view.simulated ? " simulated" : ""}`, title: view.mark ? statusText(view.status) : "" },
        view.mark ? make("i", { class: "vk-mark" }, view.mark) : "", text);
    })));
  refresh(by("vk-systems"),
    make("table", { class: "vk-table" }, make("thead", {}, head), make("tbody", {}, ...body)),
    make("table", { class: "vk-table" }, make("thead", {}, second), make("tbody", {}, ...lines)),
    make("table", { class: "vk-table" }, make("thead", {}, third), make("tbody", {}, ...ordered)));
}

function heat() {
  if (!map) return;
  const views = data.tables.jars.rows.map((_, row) => data.get("jars", quantity, row));
  const found = cellsOf(views, quantity);
  map.show(found.cells, QUANTITIES[quantity].decimals);
  legend(by("vk-legend"), found, quantity, data.column("jars", quantity).unit);
}

function describe(row) {
  if (row === null) return setText(by("vk-cell"), t("Point at a jar, or use the arrow keys; Enter opens it."));
  const jar = data.tables.jars.rows[row];
  const words = data.tables.jars.columns.map((column) => {
    const view = data.shown("jars", column.tag, row);
    return `${t(column.label)} ${view.text}${view.unit ? `\u202f${view.unit}` : ""}${view.mark ? ` ${view.mark} ${statusText(view.status)}` : ""}`;
  });
  setText(by("vk-cell"), `${jar.split("/").slice(1).join(" ")} · ${words.join(" · ")}`);
}

function entry(row) {
  const jar = data.tables.jars.rows[row];
  const [, system, string, name] = jar.split("/");
  const result = { row, jar, system, string, name, status: 0 };
  for (const column of data.tables.jars.columns) {
    const { value, status } = data.get("jars", column.tag, row);
    result[column.tag] = value;
    result[`${column.tag}~`] = status;
    if (status > result.status) result.status = status;
  }
  return result;
}

function table() {
  AgGrid.ModuleRegistry.registerModules([AgGrid.AllCommunityModule]);
  const text = { filter: "agTextColumnFilter", minWidth: 66, flex: 0.7 };
  const columns = data.tables.jars.columns.map((column) => ({
    field: column.tag, headerName: `${t(column.label)}${column.unit ? ` [${column.unit}]` : ""}`,
    type: column.states.length ? undefined : "rightAligned",
    filter: column.states.length ? "agTextColumnFilter" : "agNumberColumnFilter",
    filterValueGetter: column.states.length ? (p) => t(column.states[p.data[column.tag]] ?? "") : undefined,
    cellClass: `vk-num ${column.states.length ? "" : "ag-right-aligned-cell"}`,
    cellClassRules: rules((p) => p.data[`${column.tag}~`]),
    equals: () => false, // a value that stays while its status falls must be drawn again
    cellRenderer: (p) => cellOf(p, column), comparator: (a, b) => (a ?? -Infinity) - (b ?? -Infinity), minWidth: column.states.length ? 84 : 96, flex: column.label.length > 8 ? 1.5 : column.states.length ? 0.8 : 1,
  }));
  const away = hidden();
  return AgGrid.createGrid(by("vk-grid"), {
    theme: gridTheme(AgGrid), animateRows: !reduced(), rowHeight: 28, headerHeight: 32, suppressCellFocus: false,
    getRowId: (p) => String(p.data.row),
    rowData: data.tables.jars.rows.map((_, row) => entry(row)),
    defaultColDef: { sortable: true, resizable: true, flex: 1, suppressHeaderMenuButton: true, wrapHeaderText: true, autoHeaderHeight: true },
    columnDefs: [
      { field: "system", headerName: t("System"), ...text }, { field: "string", headerName: t("String"), ...text },
      { field: "name", headerName: t("Jar"), ...text, minWidth: 80, cellRenderer: (p) => make("a", { href: jarLink(p.data.jar) }, p.value) },
      ...columns,
      { field: "status", headerName: t("Status"), minWidth: 150, flex: 1.4, cellClassRules: rules((p) => p.value), filter: "agTextColumnFilter",
        filterValueGetter: (p) => statusText(p.data.status), valueFormatter: (p) => statusText(p.value) },
    ].map((column) => ({ ...column, hide: away.has(column.field) })),
    isExternalFilterPresent: () => health !== "all",
    doesExternalFilterPass: (node) => (health === "bad" ? quality(node.data.status) !== "good" : String(node.data.HealthStatus) === health),
    onCellKeyDown: (p) => p.event.key === "Enter" && location.assign(jarLink(p.data.jar)),
    onRowDoubleClicked: (p) => location.assign(jarLink(p.data.jar)),
    asyncTransactionWaitMillis: 100,
  });
}

// Which columns are shown, kept by this browser.
const HIDDEN = "voltkeep-site-hidden";
const hidden = () => new Set(JSON.parse(localStorage.getItem(HIDDEN) ?? "[]"));
function columnSet() {
  const all = grid.getColumns().filter((column) => column.getColId() !== "name");
  const box = (column) => make("label", {}, make("input", { type: "checkbox", checked: column.isVisible(), onchange: (event) => choose(column.getColId(), event.target.checked) }), make("span", {}, column.getColDef().headerName));
  by("vk-columns").replaceChildren(...all.map(box));
}
function choose(id, shown) {
  grid.setColumnsVisible([id], shown);
  const now = hidden();
  if (shown) now.delete(id);
  else now.add(id);
  localStorage.setItem(HIDDEN, JSON.stringify([...now]));
}

// The table as it stands: its columns, its order, what is filtered.
function csv() {
  const states = new Map(data.tables.jars.columns.filter((column) => column.states.length).map((column) => [column.tag, column.states]));
  grid?.exportDataAsCsv({
    fileName: `${path}-${stamp(serverNow()).replace(/[ :]/g, "-")}.csv`,
    processCellCallback: ({ column, value }) => (column.getColId() === "status" ? statusText(value) : states.has(column.getColId()) ? t(states.get(column.getColId())[value] ?? "") : value ?? ""),
  });
}

function rules(statusOf) {
  const is = (word) => (p) => quality(statusOf(p)) === word;
  return { uncertain: is("uncertain"), bad: is("bad"), simulated: (p) => isSimulated(statusOf(p)) };
}

function cellOf(p, column) {
  const view = shown(p.value ?? null, p.data[`${column.tag}~`], column);
  const span = make("span");
  if (column.tag === "HealthStatus" && p.value > 0 && view.quality === "good") {
    const h = HEALTH[p.value] ?? HEALTH[3];
    span.append(badge(h.kind, h.mark), " ");
  }
  if (column.tag === "SensorState" && p.value > 0 && view.quality === "good") {
    const s = SENSORS[p.value] ?? SENSORS[3];
    span.append(badge(s.kind, s.mark), " ");
  }
  span.append(view.text);
  if (view.mark) span.append(make("i", { class: "vk-mark" }, view.mark));
  return span;
}
