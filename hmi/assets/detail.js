// One alarm in full: the advice to the operator, its state, and what happened to it before.
import { alarmState, ask, badge, make, priority, sourceLink, stamp, t, together } from "./base.js";
import { trendLink } from "./trendlink.js";

// Fills the panel with an alarm, or hides it for none.
export function detail(panel) {
  let shown = "";
  return async (alarm) => {
    panel.hidden = !alarm;
    shown = alarm?.key ?? "";
    if (!alarm) return;
    const { letter, kind, word } = priority(alarm.severity);
    const fact = (label, ...content) => make("div", {}, make("dt", {}, t(label)), make("dd", {}, ...content));
    const advice = make("p", { class: "vk-advice" });
    const past = make("ol", { class: "vk-past-list" });
    panel.replaceChildren(
      make("h2", {}, badge(alarm.active && !alarm.held ? kind : "past", letter, word), together(alarm.message || alarm.name)),
      make("h3", {}, t("What to do")), advice,
      make("dl", { class: "vk-facts" }, fact("Source", sourceLink(alarm.source)), fact("Condition", t(alarm.name), " ", trendLink(alarm, t("Trend"))), fact("State", alarmState(alarm)),
        fact("Since", alarm.since ? stamp(alarm.since) : "–"), fact("Priority", `${word} (${alarm.severity})`), fact("Class", t(alarm.kind) || "–"),
        fact("User", alarm.user || "–"), fact("Comment", alarm.comment || "–")),
      make("h3", {}, t("Before")), past);
    const [condition, journal] = await Promise.all([had(`/api/condition?id=${encodeURIComponent(alarm.id)}`), had(`/api/journal?condition=${encodeURIComponent(alarm.id)}&most=12`)]);
    if (shown !== alarm.key) return;
    advice.textContent = condition?.advice ? t(condition.advice) : "–";
    const events = journal?.events ?? [];
    past.replaceChildren(...(events.length ? events.map((event) => make("li", {}, make("time", {}, stamp(event.time)), ` ${together(event.message)}`, event.comment ? make("small", {}, `“${event.comment}”`) : "")) : [make("li", { class: "vk-empty" }, t("No history yet."))]));
  };
}

// What cannot be had is left out: the alarm itself is shown all the same.
const had = (url) => ask(url).catch(() => null);
