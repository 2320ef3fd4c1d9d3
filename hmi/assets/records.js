// Records: what was done to the plant and what tests showed, and the forms with which more is recorded.
import { ask, begin, by, day, figure, make, rights, say, segments, serverNow, sourceLink, stamp, t, times, zoneOf } from "./base.js";
import { lines, save } from "./csv.js";
import { column, listing, narrow, selection, stacked } from "./listing.js";

const KINDS = { Inspection: "Inspection", Cleaning: "Cleaning", Tightening: "Tightening", Equalisation: "Equalisation charge", Repair: "Repair", Replacement: "Replacement", Failure: "Failure found" };
const ROUNDS = ["Inspection", "Cleaning"]; // what operators record, too
const LEVELS = ["Site", "System", "String", "Jar"];
const DAY = 86_400_000;
const SPANS = [[30, "30 d"], [90, "90 d"], [365, "1 y"], [1826, "5 years"], [7305, "20 years"]];
const LISTS = { work: "Maintenance", tests: "Capacity tests" };
const FIELDS = { work: ["vk-place", "vk-kind", "vk-began", "vk-ended", "vk-who", "vk-note", "vk-serial", "vk-baseline"], test: ["vk-tested", "vk-start", "vk-end", "vk-current", "vk-voltage", "vk-warmth", "vk-charge", "vk-rated", "vk-tester", "vk-remark"] };
const asked = new URLSearchParams(location.search);
let grid = null, list = "work", from = 0, rows = [], may = new Set();
let given = asked.getAll("asset"); // what another page asks to record about

begin(() => {
  segments(by("vk-list"), Object.entries(LISTS).map(([name, label]) => [name, t(label)]), list, (value) => {
    list = value;
    by("vk-only").disabled = list === "tests";
    grid.destroy();
    grid = table();
    read();
  });
  grid = table();
  selection("vk-only", Object.entries(KINDS).map(([kind, label]) => [kind, t(label)]));
  selection("vk-site", []);
  by("vk-span").replaceChildren(...SPANS.map(([days, label]) => make("option", { value: days, selected: days === 365 }, t(label))));
  for (const id of ["vk-site", "vk-span"]) by(id).onchange = () => read();
  by("vk-only").onchange = () => show();
  by("vk-filter").oninput = (event) => grid.setGridOption("quickFilterText", event.target.value);
  by("vk-older").onclick = () => read(true);
  by("vk-csv").onclick = csv;
  forms();
  read();
  return { fleet: { all: ({ tables }) => selection("vk-site", tables.find(({ name }) => name === "sites").rows.map((site) => [site, site])), some() {} } };
});

// The lists: a span of time at once, older ones when they are asked for.
async function read(older = false) {
  const end = older ? from : Math.floor(serverNow()) + 60_000;
  const start = Math.max(0, end - Number(by("vk-span").value) * DAY);
  const wanted = `${list}?asset=${encodeURIComponent(by("vk-site").value)}&start=${start}&end=${end}`;
  read.wanted = wanted;
  try {
    const found = (await ask(`/api/records/${wanted}`)).rows;
    if (read.wanted !== wanted) return;
    rows = older ? rows.concat(found) : found;
    from = start;
    show();
  } catch (error) {
    say(error.message, true);
  }
}

function show() {
  const only = list === "work" && by("vk-only").value;
  const shown = only ? rows.filter(({ kind }) => kind === only) : rows;
  grid.setGridOption("rowData", shown);
  by("vk-told").textContent = `${figure(shown.length)} ${t("entries")}, ${t("since")} ${day(from)}`;
  by("vk-older").hidden = from <= 0;
}

const local = (row, name) => (row[name] ? stamp(row[name], zoneOf(row.asset)).slice(0, 16) : "–");
const kindOf = (row) => t(KINDS[row.kind] ?? row.kind);
// A simulated plant records its own failures and replacements.
const person = (name) => (name === "Plant" ? t("Plant") : name);
const ended = (row) => (row.ended ? local(row, "ended") : t("it lasts"));
const WORK = () => [
  column("asset", "On what", { width: 190, cellRenderer: (p) => sourceLink(p.value) }),
  column("kind", "Kind of work", { width: 130, valueGetter: (p) => kindOf(p.data) }),
  column("began", "Began", { width: 140, cellClass: "vk-num", valueFormatter: (p) => local(p.data, "began") }),
  column("ended", "Ended", { width: 140, cellClass: "vk-num", valueFormatter: (p) => ended(p.data) }),
  column("done_by", "Done by", { width: 100, valueFormatter: (p) => person(p.value) }), column("note", "Note", { flex: 1, minWidth: 160, tooltipField: "note", valueFormatter: (p) => t(p.value) }),
  column("serial", "New serial number", { width: 150 }),
  column("baseline", "New baseline [mΩ]", { width: 110, type: "rightAligned", valueFormatter: (p) => (p.value ? figure(p.value, 2) : "–") }),
  column("recorded", "Recorded", { width: 140, cellClass: "vk-num", valueFormatter: (p) => local(p.data, "recorded") }), column("recorded_by", "By whom", { width: 90, valueFormatter: (p) => person(p.value) }),
];
const number = (field, label, decimals) => column(field, label, { width: 110, type: "rightAligned", cellClass: "vk-num ag-right-aligned-cell", valueFormatter: (p) => figure(p.value, decimals) });
const TESTS = () => [
  column("asset", "On what", { width: 190, cellRenderer: (p) => sourceLink(p.value) }),
  column("began", "Began", { width: 140, cellClass: "vk-num", valueFormatter: (p) => local(p.data, "began") }), column("ended", "Ended", { width: 140, cellClass: "vk-num", valueFormatter: (p) => local(p.data, "ended") }),
  number("health", "Capacity [%]", 1), number("current", "Current [A]", 1), number("capacity", "Drawn [Ah]", 1), number("rated", "New jar [Ah]", 1), number("temperature", "T [°C]", 1), number("end_voltage", "End [V]", 2),
  column("done_by", "Done by", { width: 100 }), column("note", "Note", { flex: 1, minWidth: 120, tooltipField: "note" }),
];

function table() {
  const work = list === "work";
  const cell = ({ data: row }) => make("div", {}, work ? `${kindOf(row)} ` : `${figure(row.health, 1)} % `, sourceLink(row.asset), make("small", { class: "vk-line" }, `${local(row, "began")} · ${person(row.done_by)}${row.note ? ` · ${t(row.note)}` : ""}`));
  const columns = narrow ? stacked("asset", LISTS[list], cell) : work ? WORK() : TESTS();
  return listing(t("Nothing is recorded in this time."), t("Reading"), columns, { rowHeight: 28 });
}

function csv() {
  const shown = [];
  grid.forEachNodeAfterFilterAndSort(({ data }) => shown.push(data));
  const columns = list === "work" ? WORK() : TESTS();
  const text = (row, { field }) => (field === "kind" ? kindOf(row) : ["began", "ended", "recorded"].includes(field) ? (row[field] ? local(row, field) : "") : row[field] ?? "");
  save(`voltkeep-${list}-${day(serverNow())}.csv`, lines([columns.map(({ headerName }) => headerName), ...shown.map((row) => columns.map((each) => text(row, each)))]));
}

// The forms. Times are those of the asset's site.
function forms() {
  const place = chooser(by("vk-place"), LEVELS, given[0] ?? "", changed);
  const tested = chooser(by("vk-tested"), LEVELS, asked.get("tested") ?? "", () => {});
  rights().then((found) => {
    may = found;
    const kinds = Object.entries(KINDS).filter(([kind]) => may.has("test") || ROUNDS.includes(kind));
    by("vk-kind").replaceChildren(...kinds.map(([kind, label]) => make("option", { value: kind, selected: kind === asked.get("kind") }, t(label))));
    changed();
  });
  by("vk-kind").onchange = () => changed();
  by("vk-another").onclick = () => changed(true);
  times_(place.asset());
  by("vk-work").onsubmit = (event) => {
    event.preventDefault();
    work(given.length > 1 ? given : [place.asset()]);
  };
  by("vk-test").onsubmit = (event) => {
    event.preventDefault();
    test(tested.asset());
  };

  function changed(byHand = false) {
    if (byHand) given = [];
    const replacing = by("vk-kind").value === "Replacement";
    by("vk-renewed").hidden = !replacing;
    const one = given.length < 2 && place.asset().split("/").length === 4;
    by("vk-serial").closest("label").hidden = !one;
    by("vk-place").hidden = given.length > 1;
    by("vk-another").hidden = given.length < 2;
    by("vk-chosen").textContent = given.length > 1 ? `${figure(given.length)}: ${given.map((each) => each.split("/").join(" ")).join(", ")}` : "";
    by("vk-where").textContent = `${t("Times are those of the site")}: ${times(zoneOf(place.asset())).offset(serverNow())}`;
  }
}

// What is not written yet: work that has just ended.
function times_(asset) {
  const here = times(zoneOf(asset));
  const now = serverNow();
  by("vk-began").value = here.toInput(now - 3_600_000);
  by("vk-ended").value = here.toInput(now);
  by("vk-start").value = here.toInput(now - 4 * 3_600_000);
  by("vk-end").value = here.toInput(now - 3_600_000);
}

// A list for each level; a part of nothing is left empty.
function chooser(node, levels, path, changed) {
  const parts = path ? path.split("/") : [];
  const selects = levels.map((level, k) => make("select", { "aria-label": t(level), onchange: () => choose(k + 1, true) }));
  node.replaceChildren(...selects);
  const asset = () => selects.map((select) => select.value).filter(Boolean).join("/");
  choose(0, false);
  return { asset };

  async function choose(level, byHand) {
    selects.slice(level).forEach((select) => {
      select.replaceChildren();
      select.hidden = true;
    });
    if (level < levels.length && (level === 0 || selects[level - 1].value)) {
      try {
        const { parts: names } = await ask(`/api/parts?path=${encodeURIComponent(asset())}`);
        selects[level].replaceChildren(make("option", { value: "" }, level ? t("All of it") : `${t(levels[0])} …`), ...names.map((name) => make("option", { value: name, selected: !byHand && name === parts[level] }, name)));
        selects[level].hidden = false;
        if (!byHand && parts[level] && selects[level].value) return choose(level + 1, false);
      } catch (error) {
        say(error.message, true);
      }
    }
    changed(byHand);
  }
}

const at = (id, asset) => (by(id).value ? times(zoneOf(asset)).fromInput(by(id).value) : null);

async function work(assets) {
  mark("work", null);
  if (!assets[0]) return refuse("vk-place", t("Choose what the work was done on."));
  const kind = by("vk-kind").value, [began, end] = [at("vk-began", assets[0]), at("vk-ended", assets[0])];
  const wrong = badTimes("vk-began", began, "vk-ended", end);
  if (wrong) return refuse(...wrong);
  if (kind === "Replacement" && !(await sure(assets))) return;
  const renewing = kind === "Replacement";
  const serial = renewing && !by("vk-serial").closest("label").hidden ? by("vk-serial").value.trim() : "";
  const sent = { assets, kind, began, ended: end, done_by: by("vk-who").value, note: by("vk-note").value, serial, baseline: renewing ? Number(by("vk-baseline").value) : 0 };
  const found = await send("work", sent);
  if (!found) return;
  const jars = found.given.reduce((sum, each) => sum + each, 0);
  told(found, assets.length, renewing ? `${t("Lives begun anew")}: ${figure(jars)} ${t("jars")}` : "");
  by("vk-note").value = by("vk-serial").value = by("vk-baseline").value = "";
}

async function test(asset) {
  mark("test", null);
  if (asset.split("/").length < 3) return refuse("vk-tested", t("Choose the string or jar that was tested."));
  const [began, end] = [at("vk-start", asset), at("vk-end", asset)];
  const wrong = badTimes("vk-start", began, "vk-end", end);
  if (wrong) return refuse(...wrong);
  const figures = { current: "vk-current", end_voltage: "vk-voltage", temperature: "vk-warmth", capacity: "vk-charge", rated: "vk-rated" };
  const sent = { assets: [asset], began, ended: end, done_by: by("vk-tester").value, note: by("vk-remark").value, ...Object.fromEntries(Object.entries(figures).map(([name, id]) => [name, Number(by(id).value)])) };
  const found = await send("test", sent);
  if (found) told(found, 1, `${t("Capacity at 25 °C, of that of a new jar")}: ${figure(found.given[0], 1)} %`);
}

function badTimes(first, began, last, end) {
  if (!Number.isFinite(began)) return [first, t("Say when it began.")];
  if (began > serverNow()) return [first, t("It began in the past, not in the future.")];
  if (end !== null && end < began) return [last, t("It ended after it began.")];
  if (end !== null && end > serverNow() + 60_000) return [last, t("It ended in the past; leave it empty where it lasts.")];
  return null;
}

function refuse(id, text) {
  say(text, true);
  const field = by(id).matches("input, select, textarea") ? by(id) : by(id).querySelector("select:not([hidden])") ?? by(id);
  field.classList.add("vk-fault-field");
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

// Marks the field of an argument that the server found at fault; none for null.
function mark(form, argument) {
  for (const node of document.querySelectorAll("[aria-invalid]")) {
    node.classList.remove("vk-fault-field");
    node.removeAttribute("aria-invalid");
  }
  if (argument !== null && argument !== undefined) refuse(FIELDS[form][argument], by("vk-result").textContent.replace(/^▲ /, ""));
}

async function send(action, sent) {
  say(t("Sending"));
  try {
    const answer = await fetch(`/api/record/${action}`, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(sent) });
    const found = await answer.json();
    if (found.fault) {
      say(t(found.fault), true);
      mark(action, found.argument);
      return null;
    }
    return found;
  } catch {
    say(t("The OPC UA server does not answer."), true);
    return null;
  }
}

function told(found, count, more) {
  const refused = found.faults.map(({ asset, fault }) => `${asset.split("/").join(" ")}: ${t(fault)}`);
  say([`${t("Recorded")}: ${figure(count - refused.length)}`, more, ...refused].filter(Boolean).join(". "), refused.length > 0);
  read();
}

// A replacement cannot be taken back, so it is asked for once more.
function sure(assets) {
  const dialog = by("vk-sure");
  by("vk-sure-text").textContent = assets.map((each) => each.split("/").join(" ")).join(", ");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((settle) => dialog.addEventListener("close", () => settle(dialog.returnValue === "yes"), { once: true }));
}
