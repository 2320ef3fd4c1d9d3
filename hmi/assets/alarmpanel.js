import { alarmState, badge, jarLink, make, priority, refresh, siteLink, stamp, t, together, urgency } from "./base.js";

// A list of conditions as shown beside a site or a jar, the gravest first.
export class AlarmPanel {
  constructor(node, prefix) {
    this.node = node;
    this.prefix = prefix;
    this.rows = new Map();
  }
  all(snapshot) {
    this.rows = new Map(snapshot.alarms.map((alarm) => [alarm.key, alarm]));
    this.draw();
  }
  some(message) {
    message.set.forEach((alarm) => this.rows.set(alarm.key, alarm));
    message.gone.forEach((key) => this.rows.delete(key));
    this.draw();
  }
  draw() {
    const all = [...this.rows.values()].filter((alarm) => !alarm.held);
    const rows = all.sort(urgency).slice(0, 12);
    if (!rows.length) {
      this.node.replaceChildren(make("p", { class: "vk-empty" }, t("No alarms.")));
      return;
    }
    const items = rows.map((alarm) => {
      const { letter, kind, word } = priority(alarm.severity);
      const place = alarm.source.slice(this.prefix.length).replace(/^\//, "");
      return make("li", { class: alarm.acknowledged ? "" : "new" },
        badge(alarm.active ? kind : "past", letter, word),
        make("div", {},
          make("b", {}, together(alarm.message || alarm.name)),
          make("small", {}, place ? make("a", { href: place.includes("/") ? jarLink(alarm.source) : siteLink(alarm.source) }, place) : "",
            `${place ? " · " : ""}${stamp(alarm.time)} · ${alarmState(alarm)}`)));
    });
    const more = all.length - rows.length;
    refresh(this.node, make("ul", {}, ...items),
      make("p", { class: "vk-more" }, make("a", { href: "/alarms" }, more > 0 ? `${more} ${t("more")}` : t("Alarm list"))));
  }
}
