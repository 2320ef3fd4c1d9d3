// Configuration of alarms: as the alarm file has the conditions, where they differ, and changing it. The server decides.
import { ask, begin, by, figure, make, rights, say, setText, stamp, t } from "./base.js";
import { flooding } from "./flood.js";
import { renewed } from "./renewal.js";
import { SETTINGS, contradiction, isLimit, settingsAt } from "./settings.js";

const LEVELS = ["Site", "System", "String", "Jar"];
const LIMITS = ["LowLow", "Low", "High", "HighHigh"];
const MEASURES = { float_compensated: "at 25 °C, on float", change: "its change", from_string_mean: "from the string's mean", from_baseline: "from its baseline", abnormal: "abnormal states", missing: "jars that do not answer", all_of: "other conditions together" };
let definitions = [];
let models = new Map(); // name -> jars
let differences = [];
let inputs = {};
let may = new Set();
let counted = 0;
let targeted = 0;
let again = () => {};

begin(() => {
  by("vk-condition").onchange = () => target("");
  by("vk-filter").oninput = catalogue;
  by("vk-change").onsubmit = change;
  by("vk-forget").onclick = () => forget("", "");
  rights().then((found) => {
    may = found;
    load();
  });
  return { fleet: flooding() };
});

async function load() {
  try {
    const found = await ask("/api/definitions");
    definitions = found.rows;
    models = new Map(found.models.map(({ name, jars }) => [name, jars]));
    const wanted = new URLSearchParams(location.search).get("condition");
    by("vk-condition").replaceChildren(...definitions.map(({ condition, asset }) => make("option", { value: condition, selected: condition === wanted }, `${t(condition)} · ${t(asset)}`)));
    again = renewed(read, 15);
    await target("");
    if (may.has("audit")) {
      trail();
      setInterval(() => document.hidden || trail(), 10_000);
    }
  } catch (error) {
    say(error.message, true);
  }
}

async function read() {
  const { rows } = await ask("/api/configuration");
  const news = JSON.stringify(rows) !== JSON.stringify(differences) || !by("vk-definitions").children.length;
  differences = rows;
  if (!news) return;
  catalogue();
  listDifferences();
  asItIs();
}

const chosen = () => definitions.find(({ condition }) => condition === by("vk-condition").value);
const unitOf = (definition, name) => (name.startsWith("Severity") ? "" : name.endsWith("Delay") ? "s" : definition.unit);
const shown = (value) => (value === null || value === undefined ? "–" : figure(value, Number.isInteger(value) ? 0 : Number.isInteger(value * 10) ? 1 : 2));
const withUnit = (definition, name, value) => `${shown(value)}${value === null ? "" : ` ${unitOf(definition, name)}`}`.trim();

// -- changing

// All of the fleet, a model of jars, or down from a site to a jar: no deeper than what has the condition.
async function target(path) {
  const number = (targeted += 1);
  const place = by("vk-target");
  const deepest = LEVELS.indexOf(chosen()?.asset) + 1;
  const isModel = models.has(path);
  const depth = !path ? 0 : isModel ? 1 : path.split("/").length;
  while (place.children.length > depth) place.lastChild.remove();
  form(); // at once: what is written while the parts are on their way stays
  if (depth < deepest && !isModel) {
    const { parts } = await ask(`/api/parts?path=${encodeURIComponent(path)}`);
    if (number !== targeted) return;
    const option = (value) => make("option", { value }, value);
    const named = !depth && deepest > 2 && models.size ? [make("optgroup", { label: t("Jar model") }, ...[...models.keys()].map(option))] : [];
    const select = make("select", { "aria-label": depth ? t(LEVELS[depth]) : t("Target"), onchange: () => target([path, select.value].filter(Boolean).join("/")) },
      make("option", { value: "" }, depth ? `– ${t("whole")} –` : t("Fleet")), make("optgroup", { label: t(LEVELS[depth]) }, ...parts.map(option)), ...named);
    place.append(select);
  }
  if (!place.children.length) place.append(make("span", {}, t("Fleet")));
}
const targetPath = () => [...by("vk-target").querySelectorAll("select")].map((select) => select.value).filter(Boolean).join("/");

function form() {
  const definition = chosen();
  if (!definition) return;
  setText(by("vk-about"), `${t("Watches")} ${t(definition.tag)} · ${t(capital(definition.kind))} · ${t(definition.advice)}`);
  inputs = {};
  by("vk-settings").replaceChildren(...SETTINGS.map((name) => {
    const input = make("input", { type: "number", step: "any", "aria-label": `${t("New value")}: ${t(name)}`, oninput: preview });
    const away = isLimit(name) ? make("input", { type: "checkbox", "aria-label": `${t("Take away")}: ${t(name)}`, onchange: () => {
      input.disabled = away.checked;
      preview();
    } }) : null;
    inputs[name] = { input, away };
    const unit = unitOf(definition, name);
    return make("tr", { class: isLimit(name) || name === "Hysteresis" ? "vk-gap" : "" }, make("th", { scope: "row" }, t(name)), make("td", { "data-now": name }), make("td", {}, input, ` ${unit}`), make("td", {}, away ?? ""));
  }));
  asItIs();
}

const now = () => settingsAt(chosen(), differences, targetPath(), models);

function asItIs() {
  const definition = chosen();
  if (!definition) return;
  for (const [name, value] of Object.entries(now())) {
    const cell = by("vk-settings").querySelector(`[data-now="${name}"]`);
    if (cell) setText(cell, withUnit(definition, name, value));
  }
  preview();
}

function wanted() {
  const values = {};
  for (const [name, { input, away }] of Object.entries(inputs)) {
    if (away?.checked) values[name] = null;
    else if (input.value !== "" && Number.isFinite(input.valueAsNumber)) values[name] = input.valueAsNumber;
  }
  return values;
}

// What would become of it, before anything is sent: how many conditions, and whether it contradicts itself.
async function preview() {
  const values = wanted();
  const [definition, place] = [chosen(), targetPath()];
  const number = (counted += 1);
  by("vk-send").disabled = true;
  say("");
  if (!Object.keys(values).length) return setText(by("vk-preview"), t("Nothing is changed yet."));
  const after = { ...now(), ...values };
  for (const name of LIMITS) if (values[`${name}Limit`] === null) after[`Severity${name}`] = null;
  const fault = contradiction(after);
  by("vk-preview").className = fault ? "vk-fault" : "";
  if (fault) return setText(by("vk-preview"), `▲ ${t(fault)}`);
  try {
    const { count } = await ask(`/api/configuration/touched?condition=${definition.condition}&target=${encodeURIComponent(place)}`);
    if (number !== counted) return;
    const apart = new Set(differences.filter((each) => each.condition === definition.condition && !each.fault && each.target !== place && (place ? each.target.startsWith(`${place}/`) : each.target !== "Fleet")).map((each) => each.target)).size;
    const before = now();
    const parts = Object.entries(values).map(([name, value]) => `${name} ${shown(before[name])} → ${withUnit(definition, name, value)}`);
    setText(by("vk-preview"), `${figure(count)} ${t("conditions")}: ${parts.join(", ")}.${apart ? ` ${figure(apart)} ${t("parts of it have settings of their own, and keep them.")}` : ""}`);
    by("vk-send").disabled = !count;
  } catch (error) {
    say(error.message, true);
  }
}

async function change(event) {
  event.preventDefault();
  await send("configure", { condition: chosen().condition, target: targetPath() || "Fleet", values: wanted() }, "Conditions changed");
}

const forget = (condition, place) => confirm(`${t("Forget what was changed?")} ${condition} ${place}`.trim()) && send("reset", { condition, target: place }, "Changes forgotten");

async function send(action, sent, words) {
  say(t("Sending"));
  try {
    const { count } = await ask(`/api/configuration/${action}`, sent);
    await again();
    form();
    say(`${t(words)}: ${figure(count)}`);
  } catch (error) {
    say(error.message, true);
  }
}

// -- what there is

const head = (labels) => make("thead", {}, make("tr", {}, ...labels.map((label) => make("th", { scope: "col" }, label ? t(label) : make("span", { class: "vk-unseen" }, t("Actions"))))));
const capital = (word) => word.charAt(0).toUpperCase() + word.slice(1);

function catalogue() {
  const words = by("vk-filter").value.toLowerCase();
  const rows = definitions.filter((each) => [each.condition, each.tag, each.asset, each.kind, t(each.asset)].join(" ").toLowerCase().includes(words));
  const limits = (each) => LIMITS.filter((level) => each.settings[`${level}Limit`] !== null).map((level) => make("div", {}, `${t(level)} ${withUnit(each, "Limit", each.settings[`${level}Limit`])} `, make("span", { class: "vk-muted" }, `(${each.settings[`Severity${level}`]})`)));
  by("vk-definitions").replaceChildren(make("table", { class: "vk-table vk-defined" }, head(["Condition", "Of", "Watches", "Class", "Limits (severity)", "Hysteresis", "On-delay", "Off-delay", "Differs"]),
    make("tbody", {}, ...rows.map((each) => {
      const other = new Set(differences.filter((row) => row.condition === each.condition).map((row) => row.target)).size;
      return make("tr", {}, make("th", { scope: "row", title: t(each.advice) }, t(each.condition)), make("td", {}, `${t(each.asset)} × ${figure(each.count)}`),
        make("td", {}, t(each.tag), make("small", {}, MEASURES[each.measure] ? t(MEASURES[each.measure]) : "")), make("td", {}, t(capital(each.kind))), make("td", {}, ...limits(each)),
        make("td", {}, withUnit(each, "Hysteresis", each.settings.Hysteresis)), make("td", {}, `${shown(each.settings.OnDelay)} s`), make("td", {}, `${shown(each.settings.OffDelay)} s`),
        make("td", {}, other ? `${t("Targets")}: ${figure(other)}` : ""));
    }))));
}

function listDifferences() {
  by("vk-forget").disabled = !differences.some((each) => each.user);
  if (!differences.length) return by("vk-differences").replaceChildren(make("p", { class: "vk-empty" }, t("All conditions are as the alarm file declares them.")));
  by("vk-differences").replaceChildren(make("table", { class: "vk-table vk-defined" }, head(["Condition", "Target", "Setting", "Value", "Declared", "By", "When", "Set aside", ""]),
    make("tbody", {}, ...differences.map(difference))));
}

function difference(each) {
  const definition = definitions.find(({ condition }) => condition === each.condition);
  const unit = (value) => (definition ? withUnit(definition, each.name, value) : shown(value));
  const reset = each.user && may.has("configure") ? make("button", { class: "vk-button", type: "button", "aria-label": `${t("Forget")}: ${each.condition} ${each.target}`, onclick: () => forget(each.condition, each.target) }, t("Forget")) : "";
  return make("tr", { class: each.fault ? "vk-aside" : "" }, make("th", { scope: "row" }, t(each.condition)), make("td", {}, each.target === "Fleet" ? t("Fleet") : each.target.split("/").join(" ")), make("td", {}, t(each.name)),
    make("td", {}, each.value === null ? t("taken away") : unit(each.value)), make("td", {}, unit(definition?.settings[each.name] ?? null)),
    make("td", {}, each.user || t("Alarm file")), make("td", {}, each.time ? stamp(each.time) : "–"), make("td", {}, each.fault ? `▲ ${t(each.fault)}` : ""), make("td", {}, reset));
}

async function trail() {
  try {
    const { rows } = await ask("/api/configuration/history");
    by("vk-history").replaceChildren(rows.length ? make("table", { class: "vk-table vk-defined" }, head(["When", "By", "What", "Before", "After", "Result"]),
      make("tbody", { translate: "no" }, ...rows.map((each) => make("tr", {}, make("td", {}, stamp(each.time)), make("td", {}, each.user), make("td", {}, each.target.split("s=").at(-1)), make("td", {}, each.old), make("td", {}, each.new), make("td", {}, each.good ? t("Good") : `▲ ${each.status}`))))) : make("p", { class: "vk-empty" }, t("None.")));
  } catch (error) {
    by("vk-history").replaceChildren(make("p", { class: "vk-fault" }, error.message));
  }
}
