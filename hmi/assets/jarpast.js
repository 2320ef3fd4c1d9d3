// What happened to a jar: its alarms of the last three months, work on it, and what capacity tests found.
import { alarmState, ask, badge, by, day, figure, make, path, priority, serverNow, stamp, t, together } from "./base.js";

const SPAN = 90 * 86_400_000;
const MOST = 50; // events a page

// The newest first; older ones a page at a time.
export async function alarmHistory() {
  const node = by("vk-past");
  const body = make("tbody");
  const older = make("button", { class: "vk-button", type: "button", hidden: true, onclick: () => more() }, t("Older"));
  const said = make("p", { class: "vk-empty", role: "status" }, t("Reading"));
  const start = Math.floor(serverNow()) - SPAN;
  const seen = new Set();
  let end = Math.ceil(serverNow());
  const head = ["Time", "Priority", "Message", "State", "User"].map((label) => make("th", { scope: "col" }, t(label)));
  const table = make("table", { class: "vk-table vk-history", hidden: true }, make("thead", {}, make("tr", {}, ...head)), body);
  node.replaceChildren(make("div", { class: "vk-scroll" }, table), said, older);
  await more();

  async function more() {
    older.disabled = true;
    try {
      const query = new URLSearchParams({ path, from: start, to: end, alarms: 1, most: MOST });
      const found = await ask(`/api/journal?${query}`);
      const fresh = found.events.filter((event) => !seen.has(event.id));
      for (const event of fresh) seen.add(event.id);
      body.append(...fresh.map(row));
      end = Math.min(end, ...fresh.map((event) => event.time + 1));
      older.hidden = !found.more || !fresh.length;
      table.hidden = !body.children.length;
      said.textContent = body.children.length ? "" : t("No alarms in the last 90 days.");
    } catch (error) {
      said.textContent = `▲ ${error.message}`;
      older.hidden = false;
    }
    older.disabled = false;
  }
}

// Colour only for what somebody still has to look at.
function row(event) {
  const { letter, kind, word } = priority(event.severity);
  const state = event.active === null ? "" : alarmState({ ...event, confirmed: true });
  return make("tr", {}, make("td", { class: "vk-num" }, stamp(event.time)), make("td", {}, badge(event.active && !event.acknowledged ? kind : "past", letter, word)),
    make("td", { class: "vk-text" }, together(event.message), event.simulated ? make("small", {}, ` ${t("simulated")}`) : "", event.comment ? make("small", {}, ` ${event.comment}`) : ""),
    make("td", { class: "vk-text" }, state), make("td", { class: "vk-text" }, event.user));
}

// Work on the jar and on what it is part of, and its capacity tests.
export async function upkeep() {
  const node = by("vk-upkeep");
  try {
    const { work, tests } = await ask(`/api/upkeep?path=${encodeURIComponent(path)}`);
    const done = [...work.map((each) => [each, t(each.kind), each.note]), ...tests.map((each) => [each, t("Capacity test"), `${figure(each.health, 1)} % · ${figure(each.capacity, 1)} Ah · ${figure(each.current, 1)} A · ${figure(each.temperature, 1)} °C${each.note ? ` · ${each.note}` : ""}`])]
      .sort(([a], [b]) => b.began - a.began);
    if (!done.length) return node.replaceChildren(make("p", { class: "vk-empty" }, t("Nothing is recorded.")));
    const head = ["Day", "What", "On", "Result", "By"].map((label) => make("th", { scope: "col" }, t(label)));
    node.replaceChildren(make("div", { class: "vk-scroll" }, make("table", { class: "vk-table vk-history" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...done.map(([each, what, note]) =>
      make("tr", {}, make("td", { class: "vk-num" }, day(each.began)), make("td", { class: "vk-text" }, what), make("td", { class: "vk-text" }, each.asset === path ? t("this jar") : each.asset.split("/").join(" ")), make("td", { class: "vk-text" }, note || "–"), make("td", { class: "vk-text" }, each.by === "Plant" ? t("Plant") : each.by)))))));
  } catch (error) {
    node.replaceChildren(make("p", { class: "vk-fault" }, `▲ ${error.message}`));
    setTimeout(upkeep, 5000);
  }
}
