// What operators are not shown: shelved, suppressed, out of service, disabled; and how to bring it back.
import { ageText, ask, badge, begin, by, make, priority, serverNow, showsSimulated, sourceLink, stamp, t } from "./base.js";
import { acting } from "./acting.js";
import { flooding } from "./flood.js";
import { choosing, column, narrow, stacked } from "./listing.js";
import { renewed, settled } from "./renewal.js";

const REASONS = { Shelved: "Shelved", ShelvedOnce: "Shelved until it clears", Suppressed: "Suppressed by an engineer", Suppression: "Suppressed", SuppressedByDesign: "Suppressed by design", OutOfService: "Out of service", Disabled: "Disabled" };
let grid = null;
let simulated = new Map(); // what a simulation's conditions tell: the server lists those of the plant

begin(() => {
  showsSimulated(() => [...simulated.values()].some((alarm) => alarm.held));
  grid = table();
  const again = renewed(read, 10);
  const chosen = acting(by("vk-act"), selected, () => {
    grid.deselectAll();
    setTimeout(again, 300);
  }, ["unshelve"], ["unsuppress", "place", "enable"]);
  grid.addEventListener("selectionChanged", () => chosen());
  by("vk-filter").oninput = (event) => grid.setGridOption("quickFilterText", event.target.value);
  const soon = settled(again);
  const keep = (alarms) => alarms.filter((alarm) => alarm.simulated).forEach((alarm) => simulated.set(alarm.key, alarm));
  return { fleet: flooding(), "alarms/": {
    all: ({ alarms }) => {
      simulated = new Map();
      keep(alarms);
      soon();
    },
    some: ({ set, gone }) => {
      [...gone, ...set.map(({ key }) => key)].forEach((key) => simulated.delete(key));
      keep(set);
      soon();
    },
  } };
});

// As an action knows a condition: what can be ended of it.
const selected = () => grid.getSelectedRows().map(({ condition, reason }) => ({
  key: condition, id: condition, branch: "", shelved: reason.startsWith("Shelved"), suppressed: reason.startsWith("Suppress"),
  out_of_service: reason === "OutOfService", disabled: reason === "Disabled", acknowledged: true, confirmed: true, message: "",
}));

async function read() {
  const { rows } = await ask("/api/held");
  grid.setGridOption("rowData", [...rows, ...[...simulated.values()].flatMap(heldOf)]);
  grid.refreshCells({ columns: ["until"], force: true });
}

// As the server's list has the plant's own: a row for each reason.
function heldOf(alarm) {
  const reasons = [alarm.out_of_service && "OutOfService", alarm.shelved && (alarm.shelved === "once" ? "ShelvedOnce" : "Shelved"), alarm.suppressed && "Suppression"].filter(Boolean);
  return alarm.branch ? [] : reasons.map((reason) => ({ condition: alarm.id, reason, simulated: true, active: alarm.active, severity: alarm.severity,
    since: alarm.time, until: reason === "Shelved" ? alarm.until : 0, user: alarm.user, comment: alarm.comment }));
}

const until = (row) => (row.until ? `${stamp(row.until)} (${ageText((row.until - serverNow()) / 1000)})` : row.reason === "ShelvedOnce" ? t("until it clears") : "–");

function table() {
  const mark = (row) => {
    const { letter, word } = priority(row.severity);
    return badge("past", letter, word);
  };
  const reason = (row) => `${row.simulated ? `${t("Simulated")} · ` : ""}${t(REASONS[row.reason] ?? row.reason)}`;
  const cell = (p) => make("div", {}, mark(p.data), t(p.value.split("#")[1]), make("small", { class: "vk-line" }, sourceLink(p.value.split("#")[0]), ` · ${reason(p.data)} · ${until(p.data)}`));
  const columns = narrow ? stacked("condition", "Condition", cell) : [
    column("severity", "Priority", { width: 98, cellRenderer: (p) => make("span", {}, mark(p.data), ` ${priority(p.value).word}`) }),
    column("reason", "Why not shown", { width: 200, valueFormatter: (p) => reason(p.data) }),
    column("source", "Source", { width: 190, valueGetter: (p) => p.data.condition.split("#")[0], cellRenderer: (p) => sourceLink(p.value) }),
    column("condition", "Condition", { width: 190, valueGetter: (p) => t(p.data.condition.split("#")[1]) }),
    column("active", "State", { width: 110, valueFormatter: (p) => (p.value ? t("Active") : t("Cleared")) }),
    column("since", "Since", { width: 160, cellClass: "vk-num", valueFormatter: (p) => (p.value ? stamp(p.value) : "–") }),
    column("until", "Until", { width: 220, cellClass: "vk-num", valueFormatter: (p) => until(p.data) }),
    column("user", "User", { width: 100 }),
    column("comment", "Comment", { flex: 1, minWidth: 120, tooltipField: "comment" }),
  ];
  return choosing(t("Nothing is held back."), t("Waiting for the server."), columns, { getRowId: (p) => `${p.data.condition}|${p.data.reason}|${p.data.simulated ?? ""}` });
}
