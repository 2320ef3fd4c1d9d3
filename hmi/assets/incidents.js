// Incidents: alarms of one cause at one site as one thing, with what came first; open ones before closed ones.
import { ageText, ask, badge, begin, by, figure, make, priority, rights, say, serverNow, showsSimulated, siteLink, sourceLink, stamp, t } from "./base.js";
import { flooding } from "./flood.js";
import { renewed, settled } from "./renewal.js";

let rows = [];
let opened = new Map(); // id -> members
let again = () => {};
let may = false; // acknowledge
const HEAD = ["Priority", "State", "Site", "Cause", "First out", "Opened", "Members", "Active", "Peak", "Hidden", "To acknowledge", ""];

begin(() => {
  showsSimulated(() => rows.some((row) => row.simulated));
  by("vk-act").onsubmit = (event) => event.preventDefault();
  again = renewed(read, 15);
  const soon = settled(again);
  rights().then((found) => {
    may = found.has("acknowledge");
    draw();
  });
  by("vk-open").onchange = () => again();
  // Whatever becomes of an alarm may be news of an incident.
  return { fleet: flooding(), "alarms/": { all: soon, some: soon } };
});

async function read() {
  const found = (await ask(`/api/incidents?open=${by("vk-open").checked}`)).rows;
  for (const id of [...opened.keys()]) {
    if (found.some((row) => row.id === id)) opened.set(id, await members(id));
    else opened.delete(id);
  }
  rows = found;
  draw();
}

const members = async (id) => (await ask(`/api/incident?id=${encodeURIComponent(id)}`)).rows;

function draw() {
  const focused = document.activeElement?.dataset?.incident;
  const table = make("table", { class: "vk-table vk-incidents" },
    make("thead", {}, make("tr", {}, ...HEAD.map((label, k) => make("th", { scope: "col", class: k > 5 ? "vk-num" : "" }, label ? t(label) : "")))),
    make("tbody", {}, ...rows.flatMap((row) => [line(row), ...(opened.has(row.id) ? [inside(row)] : [])])));
  by("vk-incidents").replaceChildren(rows.length ? table : make("p", { class: "vk-empty" }, t("No incidents.")));
  if (focused) document.querySelector(`[data-incident="${CSS.escape(focused)}"]`)?.focus();
}

function line(row) {
  const { letter, kind, word } = priority(row.severity);
  const open = row.state === "Open";
  const wait = row.unacknowledged;
  const lasts = ageText(((row.closed || serverNow()) - row.opened) / 1000);
  const button = make("button", { type: "button", class: "vk-button", "data-incident": `show ${row.id}`, "aria-expanded": String(opened.has(row.id)), onclick: () => unfold(row.id) }, opened.has(row.id) ? "▾" : "▸", make("span", { class: "vk-unseen" }, `${t("Members")} ${row.id}`));
  const cells = [
    [button, " ", badge(open && row.active ? kind : "past", letter, word), word],
    [open ? t("Open") : t("Closed"), row.simulated ? make("small", {}, t("Simulated")) : ""],
    [row.site === "Fleet" ? make("a", { href: "/" }, t("Fleet")) : make("a", { href: siteLink(row.site) }, row.site)],
    [t(row.cause)], condition(row.first), [stamp(row.opened), make("small", {}, lasts)],
    ...["members", "active", "peak", "suppressed", "unacknowledged"].map((name) => [figure(row[name])]),
    [wait && may ? make("button", { type: "button", class: "vk-button", "data-incident": `ack ${row.id}`, onclick: () => acknowledge(row) }, `${t("Acknowledge all")} (${figure(wait)})`) : ""],
  ];
  // Without room for columns each cell says what it is of (voltkeep.css).
  return make("tr", { class: open ? "" : "vk-muted" },
    ...cells.map((cell, k) => make("td", { class: k > 5 && HEAD[k] ? "vk-num" : "", "data-of": HEAD[k] ? t(HEAD[k]) : null }, ...cell)));
}

const condition = (id) => [sourceLink(id.split("#")[0]), ` ${t(id.split("#")[1] ?? "")}`];

function inside(row) {
  const head = ["Condition", "First", "Last", "Activations", "Priority", "State"];
  const lines = opened.get(row.id).map((member, k) => {
    const { letter, kind, word } = priority(member.severity);
    const state = [member.active ? t("Active") : t("Cleared"), member.acknowledged ? t("Acknowledged") : t("Unacknowledged"), member.suppressed ? t("Suppressed by design") : ""].filter(Boolean).join(", ");
    return make("tr", {}, make("td", {}, ...condition(member.condition), k ? "" : make("small", {}, t("First out"))), make("td", {}, stamp(member.first)), make("td", {}, stamp(member.last)),
      make("td", { class: "vk-num" }, figure(member.activations)), make("td", {}, badge(member.active && !member.suppressed ? kind : "past", letter, word), word), make("td", {}, state));
  });
  return make("tr", { class: "vk-inside" }, make("td", { colspan: 12 }, make("table", { class: "vk-table" },
    make("thead", {}, make("tr", {}, ...head.map((label) => make("th", { scope: "col" }, t(label))))), make("tbody", {}, ...lines))));
}

async function unfold(id) {
  if (!opened.delete(id)) {
    try {
      opened.set(id, await members(id));
    } catch (error) {
      return say(error.message, true);
    }
  }
  draw();
}

async function acknowledge(row) {
  say(t("Sending"));
  try {
    const { done } = await ask("/api/incident/acknowledge", { id: row.id, comment: by("vk-comment").value });
    say(`${figure(done)} ${t("acknowledged.")}`);
    by("vk-comment").value = "";
    setTimeout(again, 300);
  } catch (error) {
    say(error.message, true);
  }
}
