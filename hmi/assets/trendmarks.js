// What happened beside a trend: a row of signs above it, each of which tells, and where it was in the picture.
import { badge, jarLink, make, priority, siteLink, stamp, t } from "./base.js";

const CLOSE = 22; // px: signs nearer than that are one
const SIGNS = { Outage: "⚡", Simulation: "S", Maintenance: "⚒", Test: "Ah" };
const WORDS = { Outage: "Outage", Alarm: "Alarm", Simulation: "Simulation", Maintenance: "Maintenance", Test: "Capacity test" };

export class Marks {
  constructor(node) {
    this.row = make("div", { class: "vk-marks", role: "group", "aria-label": t("Events") });
    this.spans = make("div", { class: "vk-markspans", "aria-hidden": "true" });
    this.told = make("div", { class: "vk-told", role: "region", "aria-label": t("What happened"), hidden: true });
    node.append(this.spans, this.row, this.told);
    this.all = [];
    this.drawn = "";
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    document.addEventListener("pointerdown", (event) => this.told.contains(event.target) || this.row.contains(event.target) || this.close());
  }
  set(markers) {
    this.all = markers;
    this.drawn = "";
  }
  // `place` tells how far from the left [px] a time is; `width` is that of the picture.
  draw(from, to, place, width) {
    const seen = this.all.filter((each) => each.time <= to && (each.until ?? (each.lasts ? to : each.time)) >= from);
    const groups = [];
    for (const each of seen) {
      const x = place(Math.max(each.time, from));
      const last = groups.at(-1);
      if (last && x - last.x < CLOSE) last.events.push(each);
      else groups.push({ x, events: [each] });
    }
    const drawn = groups.map(({ events }) => events.map((each) => `${each.kind}${each.time}`).join()).join(";");
    if (drawn !== this.drawn) {
      this.drawn = drawn;
      const focused = [...this.row.children].indexOf(document.activeElement);
      this.row.replaceChildren(...groups.map((group) => this.sign(group.events)));
      if (focused >= 0) this.row.children[Math.min(focused, groups.length - 1)]?.focus();
    }
    groups.forEach(({ x, events }, k) => {
      this.row.children[k].style.left = `${x}px`;
      this.row.children[k].onclick = () => this.tell(events, x, width);
    });
    this.spans.replaceChildren(...seen.map((each) => {
      const [start, end] = [each.time, each.until ?? (each.lasts ? to : each.time)].map((time) => Math.min(Math.max(place(time), place(from)), place(to)));
      return make("i", { class: `vk-markspan ${each.kind.toLowerCase()}`, style: `left:${start}px;width:${Math.max(0, end - start)}px` });
    }));
  }
  sign(events) {
    const gravest = events.reduce((most, each) => (each.severity > most.severity ? each : most));
    const label = events.length > 1 ? `${events.length} ${t("events")}` : `${t(WORDS[events[0].kind])}, ${stamp(events[0].time)}`;
    return make("button", { type: "button", class: "vk-sign", "aria-label": label, title: label, "aria-haspopup": "true" },
      gravest.kind === "Alarm" ? letter(gravest) : SIGNS[gravest.kind], events.length > 1 ? make("sub", {}, String(events.length)) : "");
  }
  tell(events, x, width) {
    this.told.replaceChildren(make("ul", {}, ...events.slice(0, 30).map(line)),
      make("button", { type: "button", class: "vk-button", onclick: () => this.close() }, t("Close")));
    this.told.style.left = `${Math.max(4, Math.min(x - 20, width - Math.min(360, width) - 8))}px`;
    this.told.hidden = false;
    this.told.tabIndex = -1;
    this.told.focus();
  }
  close() {
    if (this.told.hidden) return;
    const inside = this.told.contains(document.activeElement);
    this.told.hidden = true;
    if (inside) this.row.querySelector("button")?.focus();
  }
}

// Colour only for what is active still.
const letter = (alarm) => badge(alarm.lasts ? priority(alarm.severity).kind : "past", priority(alarm.severity).letter, priority(alarm.severity).word);

function line(each) {
  const when = `${stamp(each.time)}${each.until ? ` – ${stamp(each.until)}` : each.lasts ? ` – ${t("still")}` : ""}`;
  const place = each.source.split("/");
  const link = each.source === "Fleet" ? make("a", { href: "/alarms" }, t("Fleet")) : make("a", { href: place.length > 3 ? jarLink(each.source) : siteLink(place[0]) }, place.join(" "));
  return make("li", {}, make("b", {}, each.kind === "Alarm" ? letter(each) : SIGNS[each.kind], " ", t(WORDS[each.kind]), each.simulated && each.kind !== "Simulation" ? ` (${t("simulated")})` : ""),
    make("span", {}, t(each.text)), each.detail ? make("span", {}, each.detail) : "", make("small", {}, when, " · ", link));
}
// The same in a list, the newest first.
export const happened = (markers) => make("ul", { class: "vk-happened" }, ...[...markers].reverse().slice(0, 100).map(line));
