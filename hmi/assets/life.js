// One jar's remaining life in full: what it rests on, past cases, and what would change it.
import { ask, figure, jarLink, make, period, setText, statusText, t } from "./base.js";

const WAIT = 400; // ms without another change, then the server is asked

// Fills the panel with a jar's row, or hides it for none; `anew` where it is another jar than before.
export function lifePanel(panel, rowOf) {
  let jar = "";
  const head = make("div"), reasons = make("div"), supposed = make("div"), past = make("div");
  return (row, data, anew) => {
    panel.hidden = !row;
    if (!row) return (jar = "");
    if (!anew && row.jar === jar) return heading(head, data, rowOf(jar), jar);
    if (row.jar === jar) return;
    jar = row.jar;
    panel.replaceChildren(head, reasons, supposed, past);
    heading(head, data, rowOf(jar), jar);
    past.replaceChildren();
    why(reasons, past, jar, () => jar === row.jar);
    whatIf(supposed, jar);
  };
}

function heading(node, data, row, jar) {
  const view = data.shown("jars", "RemainingUsefulLife", row);
  const [low, high] = ["RemainingUsefulLifeLower", "RemainingUsefulLifeUpper"].map((tag) => data.good("jars", tag, row));
  const fact = (tag) => {
    const v = data.shown("jars", tag, row);
    return make("div", {}, make("dt", {}, t(data.column("jars", tag).label)), make("dd", {}, v.quality === "bad" ? "–" : v.text, v.unit && v.quality !== "bad" ? make("small", {}, v.unit) : ""));
  };
  const review = data.good("jars", "RulReview", row) === 1;
  node.replaceChildren(
    make("h2", {}, make("a", { href: jarLink(jar) }, jar.split("/").join(" "))),
    make("p", { class: "vk-big" }, make("b", {}, view.text), make("small", {}, t("days")), view.mark ? make("i", { class: "vk-mark", title: statusText(view.status) }, view.mark) : "",
      make("span", {}, low === null || high === null ? statusText(view.status) : `${figure(low)} – ${figure(high)}, 90 %`)),
    review ? make("p", { class: "vk-review" }, `▲ ${t("Manual review required: twin and learnt model differ by more than 30 %.")}`) : "",
    make("dl", { class: "vk-facts" }, ...["ReplacementQuarter", "RulConfidence", "RulTwinDays", "RulMlDays", "StateOfHealth", "Temperature"].map(fact)));
}

async function why(node, past, jar, still) {
  node.replaceChildren(make("p", { class: "vk-empty" }, t("Reading")));
  let found;
  try {
    found = await ask(`/api/explain?jar=${encodeURIComponent(jar)}`);
  } catch (error) {
    if (still()) node.replaceChildren(make("p", { class: "vk-fault" }, `▲ ${error.message}`));
    return;
  }
  if (!still()) return;
  const share = Math.round(found.model_weight * 100);
  const spoken = share ? `${t("Twin")} ${figure(100 - share)} %, ${t("learnt model")} ${figure(share)} %` : t("The learnt model has no share in it: the twin speaks alone.");
  const error = found.test_error === null ? "" : ` · ${t("mean error on test data")} ${figure(found.test_error)} d`;
  node.replaceChildren(
    make("h3", {}, t("Why")), factors(found.factors),
    make("p", { class: "vk-muted" }, `${spoken} · ${t("Model")} ${found.version}${error}`));
  past.replaceChildren(
    found.notes.length ? make("h3", {}, `${t("Work in")} ${period(found.quarter)}`) : "",
    found.notes.length ? make("ul", { class: "vk-notes" }, ...found.notes.map((note) => make("li", {}, t(note)))) : "",
    ...(found.similar.length ? [make("h3", {}, t("Similar cases")), cases(found.similar)] : []));
}

// Bars of shares; the days that each adds or takes, where they are known.
export function factors(found) {
  if (!found.length) return make("p", { class: "vk-empty" }, t("No factors."));
  const most = Math.max(...found.map(({ share }) => share), 0.01);
  return make("div", { class: "vk-bars" }, ...found.map(({ name, share, days }) => make("div", { class: "vk-barrow vk-factor" },
    make("span", {}, t(name)), make("div", {}, make("i", { style: `width:${(share / most) * 100}%` })),
    make("b", {}, figure(share * 100), make("small", {}, "%"), days === null ? "" : make("small", {}, ` ${signed(days)} d`)))));
}

// Jars that were alike, and what became of them.
export const cases = (found) => make("ul", { class: "vk-cases" }, ...found.map(({ text, age, ending, lived, distance }) => make("li", {},
  age === null ? text : t("A jar of {age} years {ending} after another {days} days").replace("{age}", figure(age, 1)).replace("{ending}", t(ending)).replace("{days}", figure(lived)),
  make("small", {}, `${t("unlike by")} ${figure(distance, 2)}`))));

const signed = (days) => `${days > 0 ? "+" : ""}${figure(days)}`;

// Asks by itself once nothing has changed for a moment; the latest question counts.
function whatIf(node, jar) {
  const said = make("output", { "aria-live": "polite" });
  const kelvin = pair(t("Warmer by"), "K", -10, 10, 0.5, 0), load = pair(t("Load, of what it is"), "%", 0, 200, 5, 100);
  let timer = 0, number = 0;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(send, WAIT);
  };
  const form = make("form", { class: "vk-whatif", oninput: later, onsubmit: (event) => {
    event.preventDefault();
    send();
  } }, kelvin.node, load.node, said);
  node.replaceChildren(make("h3", {}, t("What if")), form);
  setText(said, t("Move a slider or write a number: the server works out the life that the jar would have."));

  async function send() {
    clearTimeout(timer);
    const mine = (number += 1);
    if (!form.reportValidity()) return;
    said.className = "";
    if (!said.firstElementChild) setText(said, t("The server works it out …"));
    try {
      const found = await ask(`/api/whatif?jar=${encodeURIComponent(jar)}&kelvin=${kelvin.value()}&load=${load.value()}`);
      if (mine === number) said.replaceChildren(answer(found));
    } catch (error) {
      if (mine !== number) return;
      said.className = "vk-fault";
      setText(said, `▲ ${error.message}`);
    }
  }
}

function pair(label, unit, min, max, step, value) {
  const number = make("input", { type: "number", min, max, step: "any", value, required: true, "aria-label": `${label} [${unit}]` });
  const slider = make("input", { type: "range", min, max, step, value, "aria-label": label });
  number.addEventListener("input", () => (slider.value = number.value));
  slider.addEventListener("input", () => (number.value = slider.value));
  return { node: make("label", {}, make("span", {}, label), slider, number, unit), value: () => Number(number.value) };
}

function answer({ now, then, version }) {
  const life = ({ days, lower, upper, quarter }) => [`${figure(days)} d`, `${figure(lower)} – ${figure(upper)}`, period(quarter || "–")];
  const change = now.days === null || then.days === null ? "–" : `${signed(then.days - now.days)} d`;
  const share = now.days > 0 && then.days !== null ? `${signed(((then.days - now.days) / now.days) * 100)} %` : "";
  const line = (label, cells, id) => make("tr", { id }, make("th", { scope: "row" }, t(label)), ...cells.map((text) => make("td", {}, text)));
  const head = ["", "RUL", "90 %", "Replace in"].map((label) => make("th", { scope: "col" }, label ? t(label) : ""));
  const moved = now.quarter === then.quarter ? t("the same") : `${period(now.quarter || "–")} → ${period(then.quarter || "–")}`;
  return make("div", {}, make("table", { class: "vk-table" }, make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, line("As it is", life(now), "vk-now"), line("If so", life(then), "vk-then"), line("Change", [change, share, moved], "vk-change"))),
    make("p", { class: "vk-muted" }, `${t("Worked out by")} ${version}`));
}
