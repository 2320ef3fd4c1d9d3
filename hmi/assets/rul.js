// Remaining lives: every jar of the fleet in one table, and beside it why one is what it is and what would change it.
import { HEALTH, Tables, badge, begin, by, day, figure, isSimulated, jarLink, make, period, quality, segments, serverNow, setText, showsSimulated, shown, statusText, t } from "./base.js";
import { save } from "./csv.js";
import { column, listing, narrow, selection, stacked } from "./listing.js";
import { lifePanel } from "./life.js";

const UNDER = [["all", "All"], ["90", "Under 90 d"], ["180", "Under 180 d"], ["365", "Under 365 d"]];
const asked = new URLSearchParams(location.search);
let data = null, grid = null, show = () => {}, wanted = asked.get("jar");
let under = UNDER.some(([key]) => key === asked.get("under")) ? asked.get("under") : "all";
let listed = "";

const COLUMNS = ["name", "RemainingUsefulLife", "RemainingUsefulLifeLower", "RemainingUsefulLifeUpper", "RulConfidence", "RulTwinDays", "RulMlDays", "ReplacementQuarter", "RulReview", "StateOfHealth", "InternalResistance", "rise", "Temperature", "HealthStatus"];
const DECIMALS = { StateOfHealth: 1, InternalResistance: 2, Temperature: 1, rise: 1 };
const STATES = ["RulConfidence", "RulReview", "HealthStatus"];
const stateOf = (tag, value) => (value === null || !data ? "" : t(data.column("jars", tag)?.states[value] ?? ""));
const collator = new Intl.Collator("en", { numeric: true });
const natural = (a, b) => collator.compare(a, b);
const words = (row) => [`${figure(row.RemainingUsefulLife)} d (${figure(row.RemainingUsefulLifeLower)} – ${figure(row.RemainingUsefulLifeUpper)})`, period(row.ReplacementQuarter ?? "–"), row.RulReview === 1 ? `▲ ${t("Manual review")}` : ""].filter(Boolean).join(" · ");
const passes = ({ data: row }) =>
  (under === "all" || (row.RemainingUsefulLife !== null && row.RemainingUsefulLife < Number(under))) &&
  (!by("vk-site").value || row.jar.startsWith(`${by("vk-site").value}/`)) &&
  (!by("vk-quarter").value || row.ReplacementQuarter === by("vk-quarter").value) &&
  (!by("vk-review").checked || row.RulReview === 1);

begin(() => {
  showsSimulated(() => data?.simulated);
  show = lifePanel(by("vk-detail"), (jar) => data.tables.jars.rows.indexOf(jar));
  grid = table();
  segments(by("vk-under"), UNDER.map(([key, label]) => [key, t(label)]), under, (value) => {
    under = value;
    filtered();
  });
  by("vk-review").checked = asked.get("review") === "1";
  for (const id of ["vk-site", "vk-quarter", "vk-review"]) by(id).onchange = filtered;
  by("vk-filter").oninput = (event) => {
    grid.setGridOption("quickFilterText", event.target.value);
    told();
  };
  by("vk-csv").onclick = () => save(`voltkeep-rul-${day(serverNow())}.csv`, grid.getDataAsCsv({ columnKeys: COLUMNS, processCellCallback: plain }));
  return { lives: { all, some } };
});

function all(snapshot) {
  data = new Tables(snapshot);
  choices();
  const row = data.tables.jars.rows.indexOf(wanted);
  grid.setGridOption("rowData", data.tables.jars.rows.map((_, each) => entry(each)));
  told();
  if (row < 0) return;
  grid.getRowNode(wanted)?.setSelected(true);
  grid.ensureNodeVisible(grid.getRowNode(wanted), "middle");
  wanted = null; // once: another one may be chosen by then
}

function some(message) {
  data.patch(message);
  const rows = [...data.rowsOf(message, "jars")];
  grid.applyTransactionAsync({ update: rows.map(entry) }, told);
  choices();
  show(grid.getSelectedRows()[0], data, false);
}

// What there is to choose from: sites and quarters of the jars.
function choices() {
  const { rows } = data.tables.jars;
  const sites = [...new Set(rows.map((jar) => jar.split("/")[0]))];
  const quarters = [...new Set(rows.map((_, row) => data.good("jars", "ReplacementQuarter", row)))].filter(Boolean).sort();
  const now = JSON.stringify([sites, quarters]);
  if (now === listed) return;
  const chosen = (id, name) => (listed ? by(id).value : asked.get(name) ?? "");
  selection("vk-site", sites.map((site) => [site, site]), chosen("vk-site", "site"));
  selection("vk-quarter", quarters.map((quarter) => [quarter, period(quarter)]), chosen("vk-quarter", "quarter"));
  listed = now;
}

// The address holds the filters, so that one can be sent or come back to.
function filtered() {
  const now = { under: under === "all" ? "" : under, site: by("vk-site").value, quarter: by("vk-quarter").value, review: by("vk-review").checked ? "1" : "", jar: grid.getSelectedRows()[0]?.jar ?? "" };
  const held = new URLSearchParams(Object.entries(now).filter(([, value]) => value)).toString();
  history.replaceState(null, "", held ? `?${held}` : location.pathname);
  grid.onFilterChanged();
  told();
}

// How many there are, and whose word it is.
function told() {
  if (!data) return;
  const { rows } = data.tables.jars;
  const count = (name, holds) => rows.filter((_, row) => holds(data.good("jars", name, row))).length;
  const learnt = count("RulMlDays", (days) => days !== null);
  const review = count("RulReview", (value) => value === 1);
  const words = [`${figure(grid.getDisplayedRowCount())} ${t("of")} ${figure(rows.length)} ${t("jars")}`,
    !count("RemainingUsefulLife", (days) => days !== null) ? t("Nothing is foretold yet: the twin has to see the first scans.")
      : !learnt ? t("The learnt model does not take part yet: every life is the twin's alone.")
        : `${t("Twin and learnt model")}: ${figure(learnt)} ${t("jars")}`,
    review ? `▲ ${t("Manual review")}: ${figure(review)}` : ""];
  setText(by("vk-told"), words.filter(Boolean).join(" · "));
}

function entry(row) {
  const jar = data.tables.jars.rows[row];
  const result = { jar, name: jar.split("/").join(" "), simulated: false };
  for (const { tag } of data.tables.jars.columns) {
    const { value, status } = data.get("jars", tag, row);
    // What is not known sorts and filters as nothing.
    result[tag] = quality(status) === "bad" ? null : value;
    result[`${tag}~`] = status;
  }
  const { InternalResistance: ohmic, BaselineResistance: baseline } = result;
  result.rise = ohmic === null || !baseline ? null : (ohmic / baseline - 1) * 100;
  result["rise~"] = result["InternalResistance~"];
  return result;
}

// A cell as CSV has it: plain numbers, states in words.
function plain({ column: { colId }, value }) {
  if (STATES.includes(colId)) return stateOf(colId, value);
  if (colId === "ReplacementQuarter") return period(value ?? "");
  return typeof value === "number" ? Number(value.toFixed(DECIMALS[colId] ?? 0)) : value ?? "";
}

function table() {
  const is = (word) => (p) => quality(p.data[`${p.colDef.field}~`] ?? 0) === word;
  const rules = { uncertain: is("uncertain"), bad: is("bad"), simulated: (p) => isSimulated(p.data[`${p.colDef.field}~`] ?? 0) };
  const common = { cellClassRules: rules, equals: () => false, cellRenderer: cell };
  const number = (field, label, width, more = {}) => column(field, label, { ...common, width, type: "rightAligned", cellClass: "vk-num ag-right-aligned-cell", filter: "agNumberColumnFilter", comparator: (a, b) => (a ?? Infinity) - (b ?? Infinity), ...more });
  const state = (field, label, width) => column(field, label, { ...common, width, filter: "agTextColumnFilter", filterValueGetter: (p) => stateOf(field, p.data[field]), getQuickFilterText: (p) => stateOf(field, p.value) });
  const columns = [
    column("name", "Jar", { width: 182, pinned: "left", filter: "agTextColumnFilter", comparator: natural, cellRenderer: (p) => make("a", { href: jarLink(p.data.jar), tabindex: -1 }, p.value) }),
    number("RemainingUsefulLife", "RUL [d]", 84, { sort: "asc" }), number("RemainingUsefulLifeLower", "Lower [d]", 84, { headerTooltip: t("Lower bound (90 %)") }), number("RemainingUsefulLifeUpper", "Upper [d]", 84, { headerTooltip: t("Upper bound (90 %)") }),
    state("RulConfidence", "Confidence", 100), number("RulTwinDays", "Twin [d]", 84), number("RulMlDays", "Model [d]", 88),
    column("ReplacementQuarter", "Replace in", { ...common, width: 100, filter: "agTextColumnFilter", filterValueGetter: (p) => period(p.data.ReplacementQuarter ?? ""), getQuickFilterText: (p) => period(p.value ?? ""), cellClass: "vk-num" }), state("RulReview", "Review", 112),
    number("StateOfHealth", "SOH [%]", 82), number("InternalResistance", "R [mΩ]", 82), number("rise", "R rise [%]", 96, { headerTooltip: t("As measured, against the value at commissioning, which is at 25 °C") }),
    number("Temperature", "T [°C]", 74), state("HealthStatus", "Health", 104),
  ];
  const line = (p) => make("div", {}, health(p.data), p.data.name, make("small", { class: "vk-line" }, words(p.data)));
  const phone = stacked("RemainingUsefulLife", "Jars by remaining life", line, { equals: () => false, sort: "asc", comparator: (a, b) => (a ?? Infinity) - (b ?? Infinity), getQuickFilterText: (p) => p.data.name });
  return listing(t("No jar is like this."), t("Waiting for the server."), narrow ? phone : columns, {
    getRowId: (p) => p.data.jar, rowHeight: 28, animateRows: false, asyncTransactionWaitMillis: 100,
    defaultColDef: { sortable: true, resizable: true, suppressHeaderMenuButton: true },
    rowSelection: { mode: "singleRow", checkboxes: false, enableClickSelection: true },
    isExternalFilterPresent: () => true, doesExternalFilterPass: passes,
    onSelectionChanged: () => {
      show(grid.getSelectedRows()[0], data, true);
      // On a phone the panel is below the table.
      if (narrow && grid.getSelectedRows()[0]) by("vk-detail").scrollIntoView();
      filtered();
    },
    onCellKeyDown: (p) => p.event.key === "Enter" && p.node.setSelected(true),
    onFilterChanged: told,
  });
}

function health(row) {
  const h = HEALTH[row.HealthStatus];
  return h?.mark ? badge(h.kind, h.mark, t(h.word)) : "";
}

function cell(p) {
  const { field } = p.colDef;
  const status = p.data[`${field}~`];
  const view = shown(p.value ?? null, status, { states: [], unit: "", decimals: DECIMALS[field] ?? 0, ...(STATES.includes(field) && data ? { states: data.column("jars", field).states } : {}) });
  const marked = field === "RulReview" && p.value === 1 ? "▲ " : "";
  return make("span", { class: marked ? "vk-review" : field === "RulReview" ? "vk-muted" : "", title: view.mark ? statusText(status) : "" }, field === "HealthStatus" ? health(p.data) : "", marked, view.text || "–", view.mark ? make("i", { class: "vk-mark" }, view.mark) : "");
}
