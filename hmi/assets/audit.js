// The audit trail: who did what, when and from where, newest first.
import { ask, begin, by, make, say, serverNow, stamp, t } from "./base.js";
import { column, listing, narrow, stacked } from "./listing.js";

const HOUR = 3_600_000;
const SPANS = [[1, "1 h"], [24, "24 h"], [168, "7 d"], [720, "30 d"], [8760, "1 y"]];
let grid = null;
let from = 0;

begin(() => {
  grid = table();
  by("vk-span").replaceChildren(...SPANS.map(([hours, label]) => make("option", { value: hours, selected: hours === 24 }, t(label))));
  by("vk-span").onchange = () => read();
  by("vk-filter").oninput = (event) => grid.setGridOption("quickFilterText", event.target.value);
  by("vk-ask").onsubmit = (event) => {
    event.preventDefault();
    read();
  };
  by("vk-older").onclick = () => read(true);
  read();
  return { fleet: { all() {}, some() {} } };
});

async function read(older = false) {
  const end = older ? oldest() : Math.floor(serverNow()) + 1000;
  if (!older) from = end - Number(by("vk-span").value) * HOUR;
  say(t("Reading"));
  try {
    const { rows, more } = await ask(`/api/audit?start=${from}&end=${end}`);
    if (older) grid.applyTransaction({ add: rows });
    else grid.setGridOption("rowData", rows);
    by("vk-older").hidden = !more;
    say(`${grid.getDisplayedRowCount()} ${t("entries")}`);
  } catch (error) {
    say(error.message, true);
  }
}

function oldest() {
  let time = Infinity;
  grid.forEachNode((node) => (time = Math.min(time, node.data.time)));
  return time;
}

function table() {
  const plain = (field, headerName, more = {}) => column(field, headerName, { tooltipField: field, ...more });
  const times = (row) => (row.repeats > 1 ? ` ×${row.repeats}` : "");
  const result = (row) => make("span", { class: row.good ? "" : "vk-refused" }, row.good ? t("Good") : `▲ ${row.status}`);
  const cell = (p) => make("div", {}, `${t(p.value)}${times(p.data)} `, result(p.data), make("small", { class: "vk-line" }, `${p.data.target} · ${p.data.user || "–"} · ${stamp(p.data.time)}`));
  const columns = narrow ? stacked("action", "Entries", cell) : [
    plain("time", "Time", { width: 166, cellClass: "vk-num", valueFormatter: (p) => stamp(p.value), tooltipField: undefined }),
    plain("user", "User", { width: 160 }),
    plain("action", "Action", { width: 150, valueGetter: (p) => `${t(p.data.action)}${times(p.data)}` }),
    plain("target", "On what", { flex: 3, minWidth: 220 }),
    plain("old", "Before", { flex: 1, minWidth: 110 }),
    plain("new", "After", { flex: 1, minWidth: 110 }),
    plain("status", "Result", { width: 170, cellRenderer: (p) => result(p.data) }),
    plain("peer", "From where", { width: 140 }),
    plain("type", "Kind", { width: 140 }),
  ];
  return listing(t("No entries."), t("Reading"), columns, { rowHeight: 28 });
}
