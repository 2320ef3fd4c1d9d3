// How the alarm system does, beside what EEMUA 191 and ISA-18.2 call acceptable; and which alarms are nuisances.
import { ageText, ask, begin, by, figure, make, priority, serverNow, showsSimulated, sourceLink, stamp, t, total } from "./base.js";
import { flooding } from "./flood.js";
import { renewed } from "./renewal.js";

const TOTALS = { ActiveAlarms: "", UnacknowledgedAlarms: "", AlarmRate: 10, StandingAlarms: 5, ChatteringAlarms: 0, OpenIncidents: "", ShelvedAlarms: "", SuppressedAlarms: "", OutOfServiceAlarms: "", AlarmFlood: 0 };
let fleet = null;
let sites = "";

begin(() => {
  showsSimulated(() => fleet?.simulated ?? false);
  const again = renewed(read, 10);
  by("vk-site").onchange = () => {
    totals();
    again();
  };
  return { fleet: flooding((data) => {
    fleet = data;
    choose(data.tables.sites.rows);
    totals();
  }) };
});

function choose(rows) {
  if (rows.join() === sites) return;
  sites = rows.join();
  by("vk-site").replaceChildren(make("option", { value: "" }, t("Fleet")), ...rows.map((site) => make("option", { value: site }, site)));
}

function totals() {
  if (!fleet) return;
  const site = by("vk-site").value;
  const [table, row] = site ? ["sites", fleet.tables.sites.rows.indexOf(site)] : ["fleet", 0];
  by("vk-totals").replaceChildren(...Object.entries(TOTALS).map(([tag, most]) => {
    const view = fleet.shown(table, tag, row);
    return total(fleet.column(table, tag).label, view, most !== "" && view.value > most ? "medium" : "");
  }));
}

async function read() {
  const site = by("vk-site").value;
  const { rows } = await ask(`/api/performance?site=${encodeURIComponent(site)}`);
  if (site === by("vk-site").value) draw(rows);
}

const shown = (value) => (value === null ? "–" : figure(value, Number.isInteger(value) ? 0 : 1));
// Said in words and by a mark: good stays grey.
function judged({ value, target, maximum }) {
  if (value === null) return ["", "", t("Not known yet")];
  if (value <= target) return ["", "", t("Acceptable")];
  if (maximum !== null && value <= maximum) return ["medium", "▲", t("Manageable")];
  return ["high", "■", t("Too much")];
}

function draw({ figures, priorities, worst, standing, chattering }) {
  const head = (...labels) => make("thead", {}, make("tr", {}, ...labels.map((label) => make("th", { scope: "col" }, t(label)))));
  by("vk-against").replaceChildren(make("table", { class: "vk-table" }, head("Figure", "Now", "Acceptable up to", "Manageable up to", "Judgement"),
    make("tbody", {}, ...figures.map((each) => {
      const [kind, mark, word] = judged(each);
      return make("tr", {}, make("th", { scope: "row" }, t(each.name)), make("td", { class: kind }, shown(each.value)), make("td", {}, shown(each.target)), make("td", {}, shown(each.maximum)),
        make("td", { class: kind }, mark ? make("i", { class: "vk-mark" }, mark) : "", word));
    }))));
  by("vk-priorities").replaceChildren(...[...priorities].reverse().map((each) => {
    const { letter, word } = priority(each.severity);
    return make("div", { class: "vk-barrow" }, make("span", {}, `${letter} ${word}`),
      make("div", { class: "vk-target" }, make("i", { style: `width:${each.share ?? 0}%` }), make("b", { style: `left:${each.target}%`, title: `${t("Target")} ${each.target} %` })),
      make("b", {}, `${shown(each.share)}\u202f%`));
  }), make("p", { class: "vk-muted" }, `${t("Target")}: ${[...priorities].reverse().map((each) => `${priority(each.severity).word} ${each.target} %`).join(", ")}`));
  list("vk-worst", worst, head("Condition", "Times", "Share"), (row) => [figure(row.count), `${shown(row.share)}\u202f%`]);
  list("vk-standing", standing, head("Condition", "Since", ""), (row) => [stamp(row.since), ageText((serverNow() - row.since) / 1000)]);
  list("vk-chattering", chattering, head("Condition", "Since", "Times"), (row) => [stamp(row.since), figure(row.count)]);
}

function list(id, rows, head, cells) {
  const lines = rows.slice(0, 20).map((row) => make("tr", {}, make("td", { class: "vk-left" }, sourceLink(row.condition.split("#")[0]), ` ${t(row.condition.split("#")[1])}`), ...cells(row).map((cell) => make("td", {}, cell))));
  by(id).replaceChildren(rows.length ? make("table", { class: "vk-table" }, head, make("tbody", {}, ...lines)) : make("p", { class: "vk-empty" }, t("None.")));
}
