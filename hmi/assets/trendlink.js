// From an alarm to the trend of what it watches, around the time at which it came.
import { ask, make, serverNow, stamp, t } from "./base.js";

const HOUR = 3_600_000;
const tags = new Map(); // condition -> tag that it watches, as the server's definitions say
export const known = ask("/api/definitions").then(({ rows }) => rows.forEach((row) => tags.set(row.condition, row.tag))).catch(() => {});

// Six hours before, and as long after as there is: what led to it matters most.
export function trendLink(alarm, text) {
  const tag = tags.get(alarm.name);
  if (!tag) return "";
  const at = alarm.since && alarm.active ? alarm.since : alarm.time;
  const query = new URLSearchParams({ tag: `${alarm.source}.${tag}`, from: at - 6 * HOUR, to: Math.min(at + 6 * HOUR, Math.floor(serverNow())) });
  return make("a", { href: `/trends?${query}`, "aria-label": `${t("Trend")}: ${alarm.source.split("/").join(" ")} ${stamp(at)}` }, text);
}
