// Trends: several tags over any span, with what happened beside them.
// The address says all: /trends?tag=<path>.<Tag>&tag=...&from=<ms>&to=<ms>, or &range=24h (7d, 30d, 90d, 1y) for a
// span that ends now and goes on; so any page can link to a trend, and a trend can be sent to somebody.
import { ask, begin, by, make, say, segments, showsSimulated, t, tagWords, times } from "./base.js";
import { fetchFile } from "./export.js";
import { Trend } from "./trendchart.js";
import { happened } from "./trendmarks.js";
import { LABELS, RANGES } from "./trendspan.js";

const LEVELS = ["Site", "System", "String", "Jar"];
const MOST = 8;
const STEPS = [["shown", "As shown"], ["raw", "As stored"], ["hourly", "Hours"], ["daily", "Days (UTC)"]];
let trend = null;
let chosen = [];
let range = "24h";

begin(() => {
  const query = new URLSearchParams(location.search);
  chosen = [...new Set(query.getAll("tag"))].slice(0, MOST);
  range = RANGES[query.get("range")] ? query.get("range") : "24h";
  trend = new Trend(by("vk-trend"), { length: RANGES[range], removed: (tag) => choose(chosen.filter((each) => each !== tag)), viewed: remember });
  trend.told = (markers) => by("vk-happened").replaceChildren(markers.length ? happened(markers) : make("p", { class: "vk-empty" }, t("No events.")));
  showsSimulated(() => trend.simulated);
  ranges();
  by("vk-add").onsubmit = add;
  by("vk-events").onchange = () => trend.showEvents(by("vk-events").checked);
  by("vk-step").replaceChildren(...STEPS.map(([value, label]) => make("option", { value }, t(label))));
  by("vk-csv").onclick = save;
  by("vk-go").onsubmit = go;
  pick("");
  const [from, to] = ["from", "to"].map((name) => Number(query.get(name)));
  if (from > 0 && to > from) trend.span.show(from, to);
  choose(chosen);
  return { fleet: { all() {}, some() {} } };
});

const ranges = () => segments(by("vk-span"), Object.keys(RANGES).map((name) => [name, t(LABELS[name])]), trend.span.following ? range : "", (name) => {
  range = name;
  trend.span.follow(RANGES[name]);
});

function choose(tags) {
  chosen = tags;
  by("vk-none").hidden = chosen.length > 0;
  by("vk-csv").disabled = !chosen.length;
  trend.set(chosen);
  remember();
}

// What is shown, in the address; and in the fields from which another span is entered.
let wasFollowing = true;
function remember() {
  if (!trend) return;
  const { span } = trend;
  const time = span.following ? [["range", range]] : [["from", Math.floor(span.from)], ["to", Math.floor(span.to)]];
  history.replaceState(null, "", `?${new URLSearchParams([...chosen.map((each) => ["tag", each]), ...time])}`);
  if (span.following !== wasFollowing) ranges();
  wasFollowing = span.following;
  for (const [id, ms] of [["vk-begin", span.from], ["vk-end", span.to]]) if (document.activeElement !== by(id)) by(id).value = times().toInput(ms);
}

function go(event) {
  event.preventDefault();
  const [from, to] = ["vk-begin", "vk-end"].map((id) => times().fromInput(by(id).value));
  if (!(to > from)) return say(t("This is no span of time."), true);
  say("");
  trend.span.show(from, to);
}
// Which asset, and which of its variables.
async function pick(path) {
  const place = by("vk-asset");
  const depth = path ? path.split("/").length : 0;
  while (place.children.length > depth) place.lastChild.remove();
  try {
    if (depth < LEVELS.length) {
      const { parts } = await ask(`/api/parts?path=${encodeURIComponent(path)}`);
      const select = make("select", { "aria-label": t(LEVELS[depth]), onchange: () => pick([path, select.value].filter(Boolean).join("/")) },
        make("option", { value: "" }, depth ? `– ${t("whole")} –` : t("Fleet")), ...parts.map((name) => make("option", { value: name }, name)));
      place.append(select);
    }
    const { path: asset, variables } = await ask(`/api/variables?path=${encodeURIComponent(path)}`);
    by("vk-variable").replaceChildren(...variables.map(({ name, label, unit }) => make("option", { value: `${asset}.${name}` }, unit ? `${tagWords(name, label)} [${unit}]` : tagWords(name, label))));
  } catch (error) {
    say(error.message, true);
  }
}

function add(event) {
  event.preventDefault();
  const tag = by("vk-variable").value;
  if (!tag || chosen.includes(tag)) return;
  if (chosen.length === MOST) return say(t("Eight variables at most."), true);
  say("");
  choose([...chosen, tag]);
}

async function save() {
  const { from, to } = trend.span;
  const step = by("vk-step").value;
  if (step === "shown") {
    const link = make("a", { href: URL.createObjectURL(new Blob([trend.csv()], { type: "text/csv" })), download: `trend-${times().toDate(from)}.csv` });
    link.click();
    return URL.revokeObjectURL(link.href);
  }
  say(t("The file is being made …"));
  const fault = await fetchFile({ variables: chosen, from: Math.floor(from), to: Math.floor(to), step, format: "csv" });
  say(fault ? t(fault) : "", Boolean(fault));
}
