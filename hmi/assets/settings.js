// What the conditions of a part of the fleet have, and what may be changed of it: the rules of the server, in its words.
const LEVELS = ["LowLow", "Low", "High", "HighHigh"];
export const SETTINGS = [...LEVELS.flatMap((level) => [`${level}Limit`, `Severity${level}`]), "Hysteresis", "OnDelay", "OffDelay"];
export const isLimit = (name) => name.endsWith("Limit");
const MOST_DELAY = 86_400; // s

const rank = (target, models) => (target === "" || target === "Fleet" ? 0 : models.has(target) ? 1 : 1 + target.split("/").length);
const covers = (outer, target) => outer === "" || outer === "Fleet" || outer === target || target.startsWith(`${outer}/`);

// Settings at a target, by name: the definition, then what differs there, what is more specific and later last.
export function settingsAt(definition, differences, target, models) {
  const found = { ...definition.settings };
  const there = differences.filter((each) => each.condition === definition.condition && !each.fault && covers(each.target, target));
  there.map((each, k) => [rank(each.target, models), k, each]).sort((a, b) => a[0] - b[0] || a[1] - b[1]).forEach(([, , { name, value }]) => {
    found[name] = value;
    if (value === null && isLimit(name)) found[`Severity${name.slice(0, -5)}`] = null;
  });
  return found;
}

// Why settings contradict themselves, in the server's words; nothing where they do not.
export function contradiction(settings) {
  const there = LEVELS.filter((level) => settings[`${level}Limit`] !== null);
  if (!there.length) return "at least one limit must be left";
  for (const level of LEVELS) {
    const severity = settings[`Severity${level}`];
    if (there.includes(level) !== severity > 0) return `${level}Limit and Severity${level} go together`;
    if (severity !== null && !(Number.isInteger(severity) && severity >= 1 && severity <= 1000)) return `Severity${level} must be a whole number from 1 to 1000`;
  }
  for (const name of ["Hysteresis", "OnDelay", "OffDelay"]) {
    if (!(settings[name] >= 0)) return `${name} must not be negative`;
    if (name !== "Hysteresis" && settings[name] > MOST_DELAY) return `${name} must be at most ${MOST_DELAY} s`;
  }
  for (let k = 1; k < there.length; k += 1) {
    const [below, above] = [settings[`${there[k - 1]}Limit`], settings[`${there[k]}Limit`]];
    if (below >= above) return `${there[k]}Limit must be above ${there[k - 1]}Limit (${below})`;
    if (there[k - 1] === "Low" && there[k] === "High" && 2 * settings.Hysteresis >= above - below) return "Hysteresis must be less than half the band between LowLimit and HighLimit";
  }
  return "";
}
