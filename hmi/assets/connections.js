// Connections and diagnostics: gateways, historian, the server itself and its sessions.
import { Tables, ageText, ask, begin, by, figure, make, say, serverNow, stamp, t, total } from "./base.js";

const NOT_CONNECTED = 0x808a;
const ABNORMAL = {
  GatewayState: (v) => (v === 0 ? "high" : v === 1 ? "medium" : ""), GatewayErrors: () => "", FreshDataShare: (v) => (v < 99.5 ? "medium" : ""),
  HistorianState: (v) => (v === 2 ? "high" : v === 1 ? "medium" : ""), HistorianDropped: (v) => (v ? "high" : ""), HistorianWaiting: (v) => (v > 12 ? "medium" : ""),
  HistorianSpillUsed: (v) => (v > 90 ? "high" : v > 50 ? "medium" : ""),
};
// Names of ServerDiagnosticsSummaryDataType in words (Part 5, 12.9).
const COUNTERS = {
  CurrentSessionCount: "Sessions now", CumulatedSessionCount: "Sessions", SecurityRejectedSessionCount: "Sessions refused for security", RejectedSessionCount: "Sessions refused",
  SessionTimeoutCount: "Sessions timed out", SessionAbortCount: "Sessions closed by faults", CurrentSubscriptionCount: "Subscriptions now", CumulatedSubscriptionCount: "Subscriptions",
  SecurityRejectedRequestsCount: "Requests refused for security", RejectedRequestsCount: "Requests refused",
};
let data = null;

begin(() => {
  read();
  setInterval(read, 5000);
  return {
    connections: {
      all: (snapshot) => {
        data = new Tables(snapshot);
        live();
      },
      some: (message) => {
        data.patch(message);
        live();
      },
    },
  };
});

function live() {
  const { rows, columns } = data.tables.gateways;
  const connected = rows.map((_, row) => data.get("gateways", "GatewayState", row).status >>> 16 !== NOT_CONNECTED);
  const cell = (column, row) => {
    const view = data.shown("gateways", column.tag, row);
    const kind = view.quality !== "good" ? view.quality : ABNORMAL[column.tag]?.(view.value) ?? "";
    const mark = view.mark || { high: "■", medium: "▲" }[kind] || "";
    return make("td", { class: kind }, mark ? make("i", { class: "vk-mark" }, mark) : "", view.text, view.unit ? make("small", {}, view.unit) : "");
  };
  by("vk-gateways").replaceChildren(connected.some(Boolean)
    ? make("table", { class: "vk-table" }, head("Site", ...columns.map((column) => column.label)),
        make("tbody", {}, ...rows.map((site, row) => make("tr", {}, make("th", { scope: "row" }, site), ...columns.map((column) => cell(column, row))))))
    : make("p", { class: "vk-empty" }, t("The plant is simulated: there are no gateways.")));
  by("vk-historian").replaceChildren(make("div", { class: "vk-totals" }, ...data.tables.historian.columns.map((column) => {
    const view = data.shown("historian", column.tag);
    return total(column.label, view, ABNORMAL[column.tag]?.(view.value) ?? "");
  })));
}

const head = (...labels) => make("thead", {}, make("tr", {}, ...labels.map((label) => make("th", { scope: "col" }, t(label)))));
const line = (label, ...cells) => make("tr", {}, make("th", { scope: "row" }, label), ...cells.map((each) => make("td", {}, each)));

async function read() {
  try {
    draw(await ask("/api/connections"));
    say("");
  } catch (error) {
    say(error.message, true);
  }
}

function draw({ started, product, version, level, counters, sessions }) {
  by("vk-about").replaceChildren(make("table", { class: "vk-table" }, make("tbody", {},
    line(t("Product"), `${product ?? "–"} ${version ?? ""}`), line(t("Running since"), started ? `${stamp(started)} (${ageText((serverNow() - started) / 1000)})` : "–"),
    line(t("Service level"), level === null ? "–" : `${figure(level)} / 255`))));
  const known = counters.filter(([name]) => COUNTERS[name]);
  by("vk-counters").replaceChildren(make("table", { class: "vk-table" }, make("tbody", {}, ...known.map(([name, count]) => line(t(COUNTERS[name]), figure(count))))));
  by("vk-sessions").replaceChildren(sessions === null
    ? make("p", { class: "vk-empty" }, t("Only administrators see the sessions."))
    : make("table", { class: "vk-table" }, head("User", "Application", "Security", "Since", "Last heard", "Subscriptions", "Items", "Requests", "Refused"),
        make("tbody", {}, ...sessions.map((each) => line(each.user || t("Anonymous"), each.application || each.name, each.mode, stamp(each.since),
          ageText((serverNow() - each.last) / 1000), figure(each.subscriptions), figure(each.items), figure(each.requests), figure(each.errors))))));
}
