// Simulations: what runs, starting one, and building scenarios out of steps. The server says what there is.
import { ageText, ask, begin, by, figure, make, rights, say, serverNow, stamp, t } from "./base.js";

const LEVELS = ["Site", "System", "String", "Jar"];
const MINUTE = 60;
let offered = [];
let running = [];
let may = new Set();
let fields = null; // of the parameters of the scenario to start
let steps = [];
const adjusting = new Map(); // id -> inputs of its parameters

begin(() => {
  by("vk-start").onsubmit = start;
  by("vk-scenario").onchange = choose;
  by("vk-build").onsubmit = define;
  by("vk-step").onclick = () => addStep();
  target("");
  rights().then((found) => {
    may = found;
    read(true);
  });
  setInterval(read, 2000);
  return { fleet: { all() {}, some() {} } };
});

async function read(first = false) {
  try {
    const found = await ask("/api/simulations");
    const known = JSON.stringify(offered) === JSON.stringify(found.offered);
    ({ offered, running } = found);
    if (!known) catalogue();
    if (first === true && !steps.length) addStep();
    list();
  } catch (error) {
    say(error.message, true);
  }
}

async function act(action, sent, done) {
  say(t("Sending"));
  try {
    await ask(`/api/simulation/${action}`, sent);
    say(t(done));
    setTimeout(read, 200);
    return true;
  } catch (error) {
    say(error.message, true);
    return false;
  }
}

// What can be started, and what engineers have built.
function catalogue() {
  const chosen = by("vk-scenario").value;
  by("vk-scenario").replaceChildren(...offered.map(({ name }) => make("option", { value: name, selected: name === chosen }, t(name))));
  choose();
  const own = offered.filter((each) => each.removable || each.steps.length);
  by("vk-own").replaceChildren(own.length ? make("ul", { class: "vk-plain" }, ...own.map((each) => make("li", {}, make("b", {}, t(each.name)), make("small", {}, t(each.description)), ...tools(each)))) : make("p", { class: "vk-empty" }, t("None.")));
}
function tools(each) {
  if (!may.has("simulate")) return [];
  const change = make("button", { class: "vk-button", type: "button", onclick: () => edit(each) }, t("Use as a pattern"));
  const remove = make("button", { class: "vk-button", type: "button", "aria-label": `${t("Remove")}: ${each.name}`, onclick: () => act("remove", { name: each.name }, "Removed.") }, t("Remove"));
  return each.removable ? [change, remove] : [change];
}

const kindOf = (name) => offered.find((each) => each.name === name);

function choose() {
  const kind = kindOf(by("vk-scenario").value);
  if (!kind) return;
  by("vk-what").replaceChildren(make("p", {}, t(kind.description)), make("p", { class: "vk-muted" }, `${t("Targets")}: ${kind.targets.map((each) => t(each)).join(", ")}`));
  fields = parameters(kind.parameters);
  by("vk-parameters").replaceChildren(fields.node);
}

// A line for each parameter; `values` gives those that were changed.
function parameters(list, given = {}) {
  const inputs = list.map((each) => make("input", { type: "number", step: each.whole ? 1 : "any", min: each.low, max: each.high, value: given[each.name] ?? each.default, "aria-label": t(each.name), "data-name": each.name }));
  const node = make("div", { class: "vk-parameters" }, ...list.map((each, k) => make("label", { title: t(each.description) }, make("span", {}, t(each.name), make("small", {}, t(each.description))), inputs[k],
    make("small", {}, `${each.unit} ${figure(each.low, 1)} … ${figure(each.high, 1)}`))));
  return { node, values: () => Object.fromEntries(inputs.map((input, k) => [input, list[k]]).filter(([input, each]) => input.value !== "" && Number(input.value) !== each.default).map(([input, each]) => [each.name, Number(input.value)])) };
}

// Site, then system, string and jar: what is left open is meant as a whole.
async function target(path) {
  const place = by("vk-target");
  const depth = path ? path.split("/").length : 0;
  while (place.children.length > depth) place.lastChild.remove();
  if (depth >= LEVELS.length) return;
  const { parts } = await ask(`/api/parts?path=${encodeURIComponent(path)}`);
  const all = depth ? [make("option", { value: "" }, `– ${t("whole")} –`)] : [];
  const select = make("select", { "aria-label": t(LEVELS[depth]), onchange: () => target([...(path ? [path] : []), select.value].filter(Boolean).join("/")) }, ...all, ...parts.map((name) => make("option", { value: name }, name)));
  place.append(select);
  if (!depth) target(parts[0]);
}
const targetPath = () => [...by("vk-target").children].map((select) => select.value).filter(Boolean).join("/");

async function start(event) {
  event.preventDefault();
  await act("start", { scenario: by("vk-scenario").value, target: targetPath(), duration: Number(by("vk-minutes").value || 0) * MINUTE, parameters: fields?.values() ?? {} }, "Started.");
}

function list() {
  const head = ["Scenario", "Target", "Since", "Until", "Progress", ""];
  const open = document.activeElement?.closest?.("[data-id]")?.dataset.id;
  if (open && adjusting.has(open)) return; // somebody is typing
  by("vk-running").replaceChildren(running.length ? make("table", { class: "vk-table vk-running" },
    make("thead", {}, make("tr", {}, ...head.map((label) => make("th", { scope: "col" }, label ? t(label) : make("span", { class: "vk-unseen" }, t("Actions")))))),
    make("tbody", {}, ...running.flatMap(line))) : make("p", { class: "vk-empty" }, t("No simulation runs.")));
}

function line(each) {
  const button = (label, act) => make("button", { class: "vk-button", type: "button", "aria-label": `${t(label)}: ${t(each.scenario)} ${each.target}`, onclick: act }, t(label));
  const buttons = may.has("simulate") ? [button("Adjust", () => unfold(each)), button("Stop", () => act("stop", { id: each.id }, "Stopped."))] : [];
  const row = make("tr", {}, make("th", { scope: "row" }, t(each.scenario)), make("td", {}, each.target.split("/").join(" ")), make("td", {}, stamp(each.since), make("small", {}, ageText((serverNow() - each.since) / 1000))),
    make("td", {}, each.until ? stamp(each.until) : t("until stopped")), make("td", {}, each.progress === null ? "–" : make("progress", { max: 100, value: each.progress, "aria-label": t("Progress") })), make("td", {}, ...buttons));
  const form = adjusting.get(each.id);
  return form ? [row, make("tr", { class: "vk-inside", "data-id": each.id }, make("td", { colspan: 6 }, form))] : [row];
}

function unfold(each) {
  if (adjusting.delete(each.id)) return list();
  const inputs = parameters(kindOf(each.scenario)?.parameters ?? []);
  const form = make("form", { onsubmit: async (event) => {
    event.preventDefault();
    document.activeElement?.blur();
    if (await act("adjust", { id: each.id, parameters: inputs.values() }, "Adjusted.")) adjusting.delete(each.id);
    list();
  } }, inputs.node, make("button", { class: "vk-primary" }, t("Adjust")));
  adjusting.set(each.id, form);
  list();
  form.querySelector("input")?.focus();
}

// The builder: steps of Voltkeep's own scenarios, each with its part of the target, its time and parameters.
function addStep(given = {}) {
  const kinds = offered.filter((each) => !each.steps.length);
  const select = make("select", { "aria-label": t("Scenario") }, ...kinds.map(({ name }) => make("option", { value: name, selected: name === given.kind }, t(name))));
  const number = (label, value) => make("input", { type: "number", min: 0, step: "any", value, "aria-label": t(label) });
  const part = make("input", { value: given.target ?? "", placeholder: t("the target itself"), "aria-label": t("Part of the target"), maxlength: 100 });
  const begin = number("Begins after [min]", (given.begin ?? 0) / MINUTE), lasts = number("Lasts [min], 0: to the end", (given.duration ?? 0) / MINUTE);
  const place = make("div");
  const step = { inputs: null, read: () => ({ kind: select.value, target: part.value.trim(), begin: Number(begin.value) * MINUTE, duration: Number(lasts.value) * MINUTE, parameters: step.inputs.values() }) };
  const show = (values) => place.replaceChildren((step.inputs = parameters(kindOf(select.value)?.parameters ?? [], values)).node);
  select.onchange = () => show({});
  show(given.parameters ?? {});
  const remove = make("button", { class: "vk-button", type: "button", onclick: () => {
    steps = steps.filter((each) => each !== step);
    step.node.remove();
  } }, t("Remove step"));
  step.node = make("fieldset", { class: "vk-step" }, make("legend", {}, t("Step")),
    make("div", { class: "vk-act" }, ...[["Scenario", select], ["Part of the target", part], ["Begins after [min]", begin], ["Lasts [min], 0: to the end", lasts]].map(([label, input]) => make("label", {}, make("span", {}, t(label)), input)), remove),
    make("details", {}, make("summary", {}, t("Parameters")), place));
  steps.push(step);
  by("vk-steps").append(step.node);
}

function edit(each) {
  steps.forEach((step) => step.node.remove());
  steps = [];
  by("vk-scenario-name").value = each.removable ? each.name : "";
  by("vk-scenario-text").value = each.description;
  each.steps.forEach((step, k) => {
    // A custom scenario's parameters are named by the step: 2.Rate.
    const own = each.parameters.filter((parameter) => parameter.name.startsWith(`${k + 1}.`)).map((parameter) => [parameter.name.slice(String(k + 1).length + 1), parameter.default]);
    addStep({ ...step, parameters: Object.fromEntries(own) });
  });
  by("vk-scenario-name").focus();
}

async function define(event) {
  event.preventDefault();
  await act("define", { name: by("vk-scenario-name").value.trim(), description: by("vk-scenario-text").value.trim(), steps: steps.map((step) => step.read()) }, "Saved.");
}
