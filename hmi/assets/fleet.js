// The fleet at a glance: totals, a card a site, and how health and life are spread.
import { HEALTH, Tables, ageText, badge, begin, by, figure, make, quality, serverNow, setText, showsSimulated, siteLink, statusText, t, total } from "./base.js";
import { SiteMap } from "./map.js";
import { months } from "./months.js";
import { yearly } from "./yearly.js";

const TOTALS = [
  ["Jars"], ["HealthyJars"], ["WarningJars", "medium"], ["CriticalJars", "high"], ["UnknownJars", "unknown"],
  ["ActiveAlarms", "medium"], ["UnacknowledgedAlarms", "medium"], ["FreshDataShare"], ["MeanStateOfHealth"],
  ["MeanRemainingUsefulLife"],
];
let data = null;
let cards = [];
let map = null;

begin(() => {
  map = new SiteMap(by("vk-map"));
  setInterval(ages, 1000);
  showsSimulated(() => data?.simulated);
  return {
    fleet: {
      all: (snapshot) => {
        data = new Tables(snapshot);
        // Always in the fleet's own order: who looks here each hour knows where a site stands (ISA-101.01: a layout
        // that stays), and what is abnormal stands out by its bar, colour and figures, also on the map.
        cards = data.tables.sites.rows.map(card);
        by("vk-cards").replaceChildren(...cards.map((c) => c.node));
        totals();
        cards.forEach((_, row) => fill(row));
        beside();
      },
      some: (message) => {
        data.patch(message);
        if (data.rowsOf(message, "fleet").size) totals();
        data.rowsOf(message, "sites").forEach(fill);
      },
    },
  };
});

// What is no live value comes after those: it must not keep them waiting.
let asked = false;
function beside() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => setTimeout(() => {
    map.load();
    months();
    yearly();
  }));
}

function totals() {
  by("vk-totals").replaceChildren(...TOTALS.map(([tag, kind]) => {
    const view = data.shown("fleet", tag);
    const stale = tag === "FreshDataShare" && view.value < 99.5 ? "medium" : "";
    return total(data.column("fleet", tag).label, view, kind && view.value > 0 ? kind : stale);
  }));
  bars("vk-soh", "StateOfHealth", "%", (low) => (low < 80 ? "high" : low < 85 ? "medium" : ""));
  bars("vk-rul", "RemainingUsefulLife", "d", (low) => (low < 90 ? "high" : low < 180 ? "medium" : ""));
}

function bars(id, tag, unit, kindOf) {
  const columns = data.tables.fleet.columns.filter((c) => c.tag.startsWith(`${tag}From`));
  const counts = columns.map((c) => data.good("fleet", c.tag));
  const most = Math.max(1, ...counts.map((n) => n ?? 0));
  by(id).replaceChildren(...columns.map((column, k) => {
    const [low, high] = column.tag.match(/\d+/g).map(Number);
    const last = k === columns.length - 1;
    const label = last ? `≥ ${figure(low)}` : low ? `${figure(low)}–${figure(high)}` : `< ${figure(high)}`;
    const kind = counts[k] ? kindOf(low) : "";
    return make("div", { class: `vk-barrow ${kind}` },
      make("span", {}, label, make("small", {}, unit)),
      make("div", {}, make("i", { style: `width:${((counts[k] ?? 0) / most) * 100}%` })),
      make("b", {}, figure(counts[k])));
  }));
}

function card(site, row) {
  const parts = {};
  const cell = (name, label) => (parts[name] = make("dd"), make("div", {}, make("dt", {}, t(label)), parts[name]));
  const node = make("a", { class: "vk-card", href: siteLink(site), "data-site": site },
    make("header", {}, make("h2", {}, site), (parts.alarms = make("span", { class: "vk-cardalarms" }))),
    make("div", { class: "vk-cardmain" },
      make("p", { class: "vk-big" }, (parts.healthy = make("b")), make("small", {}, "%"), make("span", {}, t("healthy"))),
      make("div", { class: "vk-cardjars" }, (parts.bar = make("div", { class: "vk-stack", "aria-hidden": "true" })), (parts.jars = make("p")))),
    make("dl", {}, cell("rul", "Mean RUL"), cell("soh", "Mean SOH"), cell("ambient", "Ambient"),
      cell("mains", "Mains"), cell("hvac", "HVAC"), cell("age", "Data age")));
  return { node, parts, row };
}

function fill(row) {
  const { node, parts } = cards[row];
  const get = (tag) => data.good("sites", tag, row);
  const counts = ["HealthyJars", "WarningJars", "CriticalJars", "UnknownJars"].map(get);
  const jars = get("Jars");
  const share = jars ? (counts[0] / jars) * 100 : null;
  setText(parts.healthy, counts[0] === null ? "–" : figure(share, 1));
  parts.bar.replaceChildren(...counts.map((n, k) => make("i", { class: HEALTH[k].kind, style: `flex-grow:${n ?? 0}` })));
  const abnormal = counts.map((n, k) => [n, HEALTH[k]]).filter(([n], k) => k && n > 0);
  parts.jars.replaceChildren(make("span", {}, `${figure(jars)} ${t("jars")}`),
    ...abnormal.reverse().map(([n, h]) => make("span", { class: "vk-part" }, badge(h.kind, h.mark, t(h.word)), figure(n))));
  const active = get("ActiveAlarms"), fresh = get("UnacknowledgedAlarms");
  const critical = counts[2] > 0, mains = data.get("sites", "MainsState", row);
  const lost = mains.value === 0 && quality(mains.status) === "good";
  parts.alarms.className = `vk-cardalarms ${active ? (critical || lost ? "high" : "medium") : ""}${fresh ? " new" : ""}`;
  setText(parts.alarms, active === null ? "" : active || fresh ? `▲ ${figure(active)} ${t(active === 1 ? "alarm" : "alarms")}${fresh ? ` · ${figure(fresh)} ${t("new")}` : ""}` : t("no alarms"));
  const kind = critical || lost ? "high" : counts[1] > 0 || active > 0 ? "medium" : "";
  node.classList.toggle("high", kind === "high");
  node.classList.toggle("medium", kind === "medium");
  map.set(data.tables.sites.rows[row], kind || (counts[3] > 0 ? "unknown" : ""));
  put(parts.rul, "MeanRemainingUsefulLife", row);
  put(parts.soh, "MeanStateOfHealth", row);
  put(parts.ambient, "AmbientTemperature", row);
  put(parts.mains, "MainsState", row, lost ? "high" : "");
  const hvac = data.get("sites", "HvacState", row);
  put(parts.hvac, "HvacState", row, hvac.value === 2 ? "medium" : "");
}

function put(node, tag, row, kind = "") {
  const view = data.shown("sites", tag, row);
  const bad = view.quality !== "good";
  node.className = `${bad ? view.quality : kind}${view.simulated ? " simulated" : ""}`;
  node.title = view.mark ? statusText(view.status) : "";
  const mark = bad ? view.mark : kind === "high" ? "■" : kind ? "▲" : "";
  node.replaceChildren(view.simulated ? make("i", { class: "vk-mark" }, view.mark) : "", mark ? make("i", { class: "vk-mark" }, mark) : "", view.text, view.unit ? make("small", {}, view.unit) : "");
}

function ages() {
  if (!data?.times) return;
  cards.forEach(({ parts, row }) => {
    const newest = Math.max(...["AmbientTemperature", "Humidity", "MainsState"].map((tag) => data.times[data.item("sites", tag, row)]));
    const age = newest ? (serverNow() - newest) / 1000 : NaN;
    setText(parts.age, ageText(age));
    parts.age.classList.toggle("vk-old", !(age < 60));
  });
}
