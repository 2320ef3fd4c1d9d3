// Reports: one of a month or a week as a file, and what became of those that go out by schedule.
import { Tables, ask, badge, begin, by, make, rights, say, segments, serverNow, setText, stamp, t, zone } from "./base.js";
import { fetchFile } from "./export.js";

const DAY = 86_400_000;
const MONTHS = 24, WEEKS = 26;
const AGAIN = 15_000, SOON = 2_000; // ms between looks, and while a report is on its way
const OUTCOMES = { None: ["", "Not due yet"], Due: ["", "On its way"], Delivered: ["", "Delivered"], Failing: ["!", "Fails, tried again"], Failed: ["!", "Refused by some"] };
const { lang, calendar } = window.voltkeep;
const asked = new URLSearchParams(location.search);
let every = "month", may = false, sites = "", soon = 0, waiting = "";

begin(() => {
  by("vk-language").value = lang;
  by("vk-calendar").value = calendar === "buddhist" ? "buddhist" : "common";
  segments(by("vk-every"), [["month", t("Month")], ["week", t("Week")]], every, (value) => {
    every = value;
    periods();
  });
  for (const id of ["vk-language", "vk-calendar"]) by(id).onchange = periods;
  by("vk-ask").onsubmit = send;
  rights().then((found) => {
    may = found.has("deliver");
    read();
  });
  setInterval(read, AGAIN);
  return { fleet: { all: (snapshot) => {
    choose(new Tables(snapshot).tables.sites.rows);
    periods();
  }, some: () => {} } };
});

// The sites of the fleet, once.
function choose(rows) {
  if (sites === rows.join()) return;
  sites = rows.join();
  by("vk-site").replaceChildren(make("option", { value: "" }, t("All sites")), ...rows.map((site) => make("option", { value: site, selected: site === asked.get("site") }, site)));
}

// Months or weeks up to the present one, the last whole one chosen.
function periods() {
  const list = every === "month" ? months() : weeks();
  const before = by("vk-period").value;
  const chosen = list.some(([value]) => value === before) ? before : list[1][0];
  by("vk-period").replaceChildren(...list.map(([value, words], i) => make("option", { value, selected: value === chosen }, i ? words : `${words} (${t("so far")})`)));
}
function today() {
  const [y, m, d] = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(serverNow()).split("-").map(Number);
  return new Date(Date.UTC(y, m - 1, d));
}
const written = (options) => new Intl.DateTimeFormat(by("vk-language").value === "th" ? "th-TH" : "en-GB", { timeZone: "UTC", calendar: by("vk-calendar").value === "buddhist" ? "buddhist" : "gregory", ...options });
function months() {
  const now = today();
  const form = written({ month: "long", year: "numeric" });
  return Array.from({ length: MONTHS }, (_, i) => {
    const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - i, 1));
    return [first.toISOString().slice(0, 7), form.format(first)];
  });
}
// ISO 8601: a week is of the year that its Thursday is in.
function weeks() {
  const now = today();
  const form = written({ day: "numeric", month: "short", year: "numeric" });
  const monday = now.getTime() - ((now.getUTCDay() + 6) % 7) * DAY;
  return Array.from({ length: WEEKS }, (_, i) => {
    const begins = monday - 7 * i * DAY;
    const thursday = new Date(begins + 3 * DAY);
    const year = thursday.getUTCFullYear();
    const number = 1 + Math.floor((thursday - Date.UTC(year, 0, 1)) / (7 * DAY));
    return [`${year}-W${String(number).padStart(2, "0")}`, `${form.format(begins)} – ${form.format(begins + 6 * DAY)}`];
  });
}

async function send(event) {
  event.preventDefault();
  const button = event.target.querySelector("button[type=submit]");
  const wanted = Object.fromEntries(["period", "site", "language", "calendar", "format"].map((name) => [name, by(`vk-${name}`).value]));
  button.disabled = true;
  setText(by("vk-made"), t("The file is being made …"));
  const fault = await fetchFile(wanted, "/api/report");
  button.disabled = false;
  setText(by("vk-made"), fault ? t(fault) : t("The report is in your downloads."));
}

async function read() {
  clearTimeout(soon);
  try {
    const { rows } = await ask("/api/reports");
    draw(rows);
    if (rows.some((row) => row.outcome === "Due")) soon = setTimeout(read, SOON);
    tell(rows.find((row) => row.name === waiting));
  } catch (error) {
    say(error.message, true);
  }
}

// What became of the report that was asked for.
function tell(row) {
  if (!row || row.outcome === "Due") return;
  waiting = "";
  say(row.outcome === "Delivered" ? t("Delivered.") : t("The report could not be delivered; the list says why."), row.outcome !== "Delivered");
}

function draw(rows) {
  if (!rows.length) return by("vk-schedules").replaceChildren(make("p", { class: "vk-muted" }, t("No report is scheduled.")));
  // What is in use is left alone.
  if (by("vk-schedules").contains(document.activeElement) && document.activeElement.disabled) return;
  const focused = document.activeElement?.dataset?.name;
  const head = ["Report", "Next", "Last", "Outcome", ...(may ? [""] : [])];
  by("vk-schedules").replaceChildren(make("table", { class: "vk-table" }, make("thead", {}, make("tr", {}, ...head.map((label) => make("th", { scope: "col" }, label && t(label))))), make("tbody", {}, ...rows.map(line))));
  if (focused) [...by("vk-schedules").querySelectorAll("button")].find((each) => each.dataset.name === focused)?.focus();
}
const small = (text) => make("span", { class: "vk-small" }, text);
function line(row) {
  const [mark, words] = OUTCOMES[row.outcome] ?? ["", row.outcome];
  const of = [t(row.every === "week" ? "every week" : "every month"), row.site || t("All sites"), row.formats.toUpperCase(), row.language === "th" ? "ไทย" : "English"].join(" · ");
  const outcome = make("td", {}, ...(mark ? [badge("high", mark), " "] : []), t(words), ...(row.error ? [small(row.error)] : []));
  const act = make("button", { class: "vk-button", type: "button", "data-name": row.name, "aria-label": `${t("Deliver now")}: ${row.name}`, onclick: (event) => deliver(row.name, event.target) }, t("Deliver now"));
  return make("tr", {}, make("th", { scope: "row" }, row.name, small(of), small(row.places)), make("td", {}, row.next ? stamp(row.next) : "–"),
    make("td", {}, row.delivered ? stamp(row.delivered) : row.due ? stamp(row.due) : "–"), outcome, ...(may ? [make("td", {}, act)] : []));
}

async function deliver(name, button) {
  button.disabled = true;
  say(t("The report is being made and delivered …"));
  try {
    await ask("/api/reports/deliver", { name });
    waiting = name;
  } catch (error) {
    say(error.message, true);
  }
  button.disabled = false;
  read();
}
