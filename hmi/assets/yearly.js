// What falls due by year, as the server foretells it (R9): jars and cost, with the interval in which nine of ten such
// forecasts come true.
import { ask, by, figure, make, period, setText, t } from "./base.js";

const QUARTERS = 20; // the rest of this year, and four or five more

export async function yearly() {
  let found;
  try {
    found = await ask(`/api/forecast?quarters=${QUARTERS}`);
  } catch (error) {
    return setText(by("vk-forecastsaid"), `▲ ${error.message}`);
  }
  if (!found.years.length) return setText(by("vk-forecastsaid"), t("No forecast yet."));
  const head = ["Year", "Jars", "90 %", "Cost"].map((label) => make("th", { scope: "col" }, t(label), label === "Cost" ? make("small", {}, found.currency) : ""));
  const rows = found.years.map((year) => make("tr", {}, make("th", { scope: "row" }, period(year.period), year.quarters < 4 ? make("small", {}, quarters(found, year)) : ""),
    make("td", {}, figure(year.expected)), make("td", {}, `${figure(Math.max(0, year.lower))}–${figure(year.upper)}`),
    make("td", { title: `${figure(Math.max(0, year.lower_cost))}–${figure(year.upper_cost)} ${found.currency}` }, figure(year.cost))));
  by("vk-forecast").replaceChildren(make("table", { class: "vk-table" }, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
  setText(by("vk-forecastsaid"), t("Expected number of jars and its 90 % interval; cost of jars, labour and visits."));
}

// Of which quarters the figure is, where a year is not covered whole.
function quarters(found, year) {
  const parts = found.quarters.filter(({ period }) => period.startsWith(year.period)).map(({ period }) => period.split("-")[1]);
  return parts.length > 1 ? `${parts[0]}–${parts.at(-1)}` : parts[0];
}
