// What heatmaps show of jars, and from where on it is abnormal: U3 for state of health, A1's defaults for the rest.
// `bounds` say in words where critical, warning and normal begin.
import { figure, isSimulated, make, quality, t } from "./base.js";

export const QUANTITIES = {
  StateOfHealth: { decimals: 0, kind: (v) => (v < 80 ? "high" : v < 85 ? "medium" : ""), bounds: ["< 80 %", "80–85 %", "> 85 %"] },
  Voltage: { decimals: 2, kind: (v) => (v < 11.5 || v > 14.5 ? "high" : ""), bounds: ["< 11.5 V, > 14.5 V", null, "11.5–14.5 V"] },
  Temperature: { decimals: 1, kind: (v) => (v > 45 ? "high" : v > 35 ? "medium" : ""), bounds: ["> 45 °C", "35–45 °C", "< 35 °C"] },
  InternalResistance: { decimals: 1, relative: true, kind: (v, m) => (v > m * 1.5 ? "high" : v > m * 1.2 ? "medium" : ""), bounds: ["> +50 %", "+20–50 %", t("of the site's median")] },
  RemainingUsefulLife: { decimals: 0, kind: (v) => (v < 90 ? "high" : v < 180 ? "medium" : ""), bounds: ["< 90 d", "90–180 d", "> 180 d"] },
};
const LETTERS = { high: "C", medium: "W", "": "" };
const WORDS = { high: "Critical", medium: "Warning", "": "Normal" };
const known = ({ value, status }) => value !== null && quality(status) === "good";

// Cells of a heatmap, and between which values those lie that are normal. `views` are values with their status,
// `group` tells of which site a row is: what is relative is so to the median there.
export function cellsOf(views, quantity, group = () => 0) {
  const { kind, relative } = QUANTITIES[quantity];
  const medians = relative ? mediansOf(views, group) : new Map();
  let low = Infinity, high = -Infinity;
  const cells = views.map((view, row) => {
    const good = known(view);
    const what = good ? kind(view.value, medians.get(group(row))) : "";
    if (good && !what) {
      low = Math.min(low, view.value);
      high = Math.max(high, view.value);
    }
    return { ...view, kind: what, mark: `${isSimulated(view.status) ? "S" : ""}${LETTERS[what]}`, shade: null };
  });
  for (const cell of cells) cell.shade = high > low && cell.value !== null ? (cell.value - low) / (high - low) : 0.5;
  return { cells, low, high };
}

function mediansOf(views, group) {
  const groups = new Map();
  views.forEach((view, row) => {
    if (!known(view)) return;
    const of = group(row);
    if (!groups.has(of)) groups.set(of, []);
    groups.get(of).push(view.value);
  });
  for (const [of, values] of groups) groups.set(of, values.sort((a, b) => a - b)[Math.floor(values.length / 2)]);
  return groups;
}

export const abnormal = (cell) => Boolean(cell.kind) || cell.value === null || quality(cell.status) !== "good";
// In words what a cell's colour, letter or hatching says.
export function stateOf(cell) {
  const q = quality(cell.status);
  if (q === "bad" || cell.value === null) return t("No value");
  return q === "uncertain" ? t("Uncertain") : `${t(WORDS[cell.kind])}${isSimulated(cell.status) ? ` · ${t("Simulated")}` : ""}`;
}

export function legend(node, { cells, low, high }, quantity, unit) {
  const { decimals, bounds } = QUANTITIES[quantity];
  const entry = (kind, mark, text) => (text === null ? "" : make("span", {}, make("i", { class: `vk-swatch ${kind}` }, mark), text));
  const normal = high < low ? "" : make("span", {}, `${figure(low, decimals)}`, make("i", { class: "vk-ramp" }), `${figure(high, decimals)} ${unit} (${t("normal")}: ${bounds[2]})`);
  node.replaceChildren(normal, entry("medium", "W", bounds[1]), entry("high", "C", bounds[0]), entry("uncertain", "?", t("uncertain")), entry("bad", "×", t("no value")),
    cells.some((cell) => isSimulated(cell.status)) ? entry("simulated", "S", t("simulated")) : "");
}
