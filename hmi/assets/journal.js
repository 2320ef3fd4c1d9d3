// The journal: every event that the historian kept, newest first, by time, place and words.
import { PRIORITIES, ask, badge, begin, by, lowest, make, priority, say, serverNow, showsSimulated, sourceLink, stamp, t, together } from "./base.js";
import { flooding } from "./flood.js";
import { column, listing, narrow, selection, stacked } from "./listing.js";

const HOUR = 3_600_000;
const SPANS = [[1, "1 h"], [24, "24 h"], [168, "7 d"], [720, "30 d"], [8760, "1 y"]];
const KINDS = [["1", "Of alarms"], ["", "All"]];
let grid = null;
let asked = 0;
let from = 0;

begin(() => {
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
    read();
  };
  for (const id of ["vk-span", "vk-least", "vk-site", "vk-what"]) by(id).onchange = () => read();
  by("vk-older").onclick = () => read(true);
  return {
    fleet: flooding((data) => {
      if (asked) return;
      selection("vk-site", data.tables.sites.rows.map((site) => [site, site]));
      read();
    }),
  };
});

function options(id, choices, chosen) {
  by(id).replaceChildren(...choices.map(([value, label]) => make("option", { value, selected: value === chosen }, t(label))));
}

async function read(older = false) {
  const number = (asked += 1);
  const end = older ? oldest() + 1 : Math.floor(serverNow());
  if (!older) from = end - Number(by("vk-span").value) * HOUR;
  const query = new URLSearchParams({ from, to: end, path: by("vk-site").value, words: by("vk-words").value.trim(),
    severity: lowest(Number(by("vk-least").value)), alarms: by("vk-what").value });
  say(t("Reading"));
  try {
    const { events, more } = await ask(`/api/journal?${query}`);
    if (number !== asked) return;
    if (older) grid.applyTransaction({ add: events.filter((event) => !grid.getRowNode(event.id)) });
    else grid.setGridOption("rowData", events);
    say(`${grid.getDisplayedRowCount()} ${t("events")}`);
    by("vk-older").hidden = !more;
  } catch (error) {
    if (number === asked) say(error.message, true);
  }
}

function oldest() {
  let time = Infinity;
  grid.forEachNode((node) => (time = Math.min(time, node.data.time)));
  return time;
}

function table() {
  const cell = (p) => make("div", {}, mark(p.data), together(p.data.message), make("small", { class: "vk-line" }, place(p.data), ` · ${stamp(p.data.time)}${p.data.user ? ` · ${p.data.user}` : ""}`));
  const columns = narrow ? stacked("message", "Events", cell) : [
    column("time", "Time", { width: 166, cellClass: "vk-num", valueFormatter: (p) => stamp(p.value) }),
    column("severity", "Priority", { width: 98, cellRenderer: (p) => make("span", {}, mark(p.data), p.data.condition ? ` ${priority(p.value).word}` : "") }),
    column("source", "Source", { width: 190, cellRenderer: (p) => place(p.data) }),
    column("message", "Message", { flex: 3, minWidth: 460, tooltipField: "message", valueFormatter: (p) => together(p.value) }),
    column("name", "Condition", { width: 170, tooltipField: "name", valueFormatter: (p) => t(p.value) }),
    column("user", "User", { width: 100 }),
    column("comment", "Comment", { flex: 1, minWidth: 110, tooltipField: "comment" }),
  ];
  return listing(t("No events."), t("Reading"), columns, { rowHeight: 30, getRowId: (p) => p.data.id, rowClassRules: { "vk-past": (p) => p.data.active === false } });
}

// Colour only for what became active: the rest is history.
function mark(event) {
  if (!event.condition) return "";
  const { letter, kind, word } = priority(event.severity);
  return badge(event.active && event.acknowledged === false ? kind : "past", letter, word);
}
const place = (event) => (event.condition ? sourceLink(event.source) : event.source);
