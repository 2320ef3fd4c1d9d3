// Learnt models: which there are, how good they are, whether the fleet has drifted from them, and what engineers do.
import { ask, begin, by, figure, make, rights, say, setText, stamp, t } from "./base.js";
import { renewed } from "./renewal.js";

const STATES = { Published: "Published", Shadow: "In the shadow", Candidate: "Candidate", Retired: "Retired" };
// What each can be asked for, and what is said when it is done.
const ACTIONS = {
  publish: ["Publish", "Have this model speak for the fleet?", "It speaks for the fleet now.", (each) => each.state !== "Published"],
  shadow: ["Set shadow", "Have this model predict in the shadow?", "It predicts in the shadow now.", (each) => each.state === "Candidate" || each.state === "Retired"],
  unshadow: ["End shadow", "End its predictions in the shadow?", "Nothing predicts in the shadow now.", (each) => each.state === "Shadow"],
  retire: ["Retire", "Set this model aside?", "It is set aside.", (each) => each.state === "Candidate" || each.state === "Shadow"],
};
// Of all figures those that say most; the rest unfolds.
const FIGURES = [["mae", "Mean error", "d"], ["r2", "R²", ""], ["coverage", "90 % interval covers", "%"], ["auroc_180d", "AUROC 180 d", ""], ["mae_0_to_1a", "Mean error, under a year left", "d"], ["bias_predicted_under_year", "Bias, under a year predicted", "%"], ["unseen_mae", "Mean error at unseen sites", "d"], ["coverage_worst_site", "Interval covers at the worst site", "%"]];
const FACTS = { Source: "Source", Fleet: "Fleet", Seeds: "Seeds", UnseenSites: "Sites kept unseen", Rows: "Rows", Jars: "Jars", Failures: "Failures", Strings: "Strings", Features: "Features", Inputs: "What the model looks at", Recipe: "Recipe", Libraries: "Libraries" };
let data = null;
let may = false;
let shown = "";
let busy = false;
let again = () => {};

begin(() => {
  by("vk-act").onsubmit = (event) => event.preventDefault();
  by("vk-back").onclick = () => act("rollback", "", "Have the model speak again that was published before?", "It speaks for the fleet now.");
  by("vk-train").onsubmit = (event) => {
    event.preventDefault();
    act("retrain", "", "Train a model now? It takes the machine many minutes, at the lowest priority.", "The training has begun.", { source: by("vk-source").value });
  };
  rights().then((found) => {
    may = found.has("models");
    draw();
  });
  again = renewed(read, 5);
  return { fleet: { all() {}, some() {} } };
});

async function read() {
  const found = await ask("/api/models");
  const news = JSON.stringify(found) !== JSON.stringify(data);
  data = found;
  if (!shown) open(data.models.find((each) => each.state === "Published")?.version ?? data.models[0]?.version ?? "");
  if (news) draw();
}

async function act(action, version, question, done, more = {}) {
  if (busy || !confirm(`${t(question)} ${version}`.trim())) return;
  busy = true;
  say(action === "publish" ? t("The gates judge it; this takes up to a minute …") : t("Sending"));
  draw();
  try {
    await ask(`/api/models/${action === "unshadow" ? "shadow" : action}`, { version: action === "unshadow" ? "" : version, comment: by("vk-comment").value, ...more });
    by("vk-comment").value = "";
    say(t(done));
  } catch (error) {
    say(error.message, true);
  }
  busy = false;
  await again();
  draw();
}

const percent = (unit, value) => (unit === "%" ? value * 100 : value);
const valueOf = (each, [name, , unit]) => {
  const value = each.figures[name];
  return value === undefined || value === null ? "–" : `${figure(percent(unit, value), unit === "" ? 3 : unit === "%" ? 1 : 0)} ${unit}`.trim();
};

function draw() {
  if (!data) return;
  const focused = document.activeElement?.dataset?.key;
  status();
  const head = ["Version", "State", "Trained on", "Approved", ...FIGURES.slice(0, 4).map(([, label]) => label), "What the gates said", ""];
  by("vk-models").replaceChildren(data.models.length ? make("table", { class: "vk-table vk-models" },
    make("thead", {}, make("tr", {}, ...head.map((label) => make("th", { scope: "col" }, label ? t(label) : make("span", { class: "vk-unseen" }, t("Actions")))))),
    make("tbody", {}, ...data.models.map(line))) : make("p", { class: "vk-empty" }, t("None.")));
  drifting();
  training();
  if (focused) document.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

function status() {
  const { status: now } = data;
  const fact = (label, text, mark = "") => make("div", { class: `vk-total ${mark ? "medium" : ""}` }, make("span", {}, t(label)), make("b", {}, text, mark ? make("i", { class: "vk-mark" }, mark) : ""));
  by("vk-status").replaceChildren(fact("Speaks for the fleet", now.fallback ? t("the twin alone") : now.published || t("the twin alone"), now.fallback ? "▲" : ""),
    fact("In the shadow", now.shadow || "–"), fact("Last prediction", now.predicted ? stamp(now.predicted) : "–"),
    fact("Drift", t(now.drift), now.drift === "Drifting" ? "▲" : ""), fact("Error of predictions of a week ago", now.matured_error === null ? "–" : `${figure(now.matured_error, 1)} %`));
}

function line(each) {
  const open_ = make("button", { class: "vk-as-link", type: "button", "data-key": `open ${each.version}`, "aria-pressed": String(shown === each.version), onclick: () => open(each.version) }, each.version);
  const buttons = may ? Object.entries(ACTIONS).filter(([, [, , , fits]]) => fits(each)).map(([name, [label, question, done]]) => make("button", { class: "vk-button", type: "button", disabled: busy, "data-key": `${name} ${each.version}`, "aria-label": `${t(label)}: ${each.version}`, onclick: () => act(name, each.version, question, done) }, t(label))) : [];
  return make("tr", { "aria-current": shown === each.version ? "true" : null, class: each.state === "Retired" ? "vk-muted" : "" },
    make("th", { scope: "row" }, open_), make("td", {}, t(STATES[each.state] ?? each.state), each.usable ? "" : make("small", { class: "vk-fault" }, `▲ ${t("Its file is gone or damaged.")}`)),
    make("td", {}, `${stamp(each.trained_from).slice(0, 10)} – ${stamp(each.trained_to).slice(0, 10)}`),
    make("td", {}, each.approved ? `${each.approved_by}` : "–", each.approved ? make("small", {}, stamp(each.approved)) : ""),
    ...FIGURES.slice(0, 4).map((one) => make("td", { class: "vk-num" }, valueOf(each, one))),
    make("td", {}, verdict(each.findings)), make("td", { class: "vk-buttons" }, ...buttons));
}
const verdict = (findings) => (!findings ? t("not asked") : findings === "passed" ? t("passed") : `▲ ${t(findings)}`);

async function open(version) {
  shown = version;
  const each = data.models.find((one) => one.version === version);
  by("vk-model").hidden = !each;
  if (!each) return;
  draw();
  const fact = (label, ...content) => make("div", {}, make("dt", {}, label), make("dd", {}, ...content));
  const card = make("dl", { class: "vk-facts" });
  by("vk-model").replaceChildren(make("h2", {}, version),
    make("dl", { class: "vk-facts" }, fact(t("Trained"), stamp(each.created)), fact(t("Published last"), each.published ? stamp(each.published) : "–"), fact(t("SHA-256 of its training data"), make("code", {}, each.hash))),
    make("h3", {}, t("Judged on test data")),
    make("table", { class: "vk-table" }, make("tbody", {}, ...FIGURES.map((one) => make("tr", {}, make("th", { scope: "row" }, t(one[1])), make("td", {}, valueOf(each, one)))))),
    make("details", { class: "vk-step" }, make("summary", {}, t("All figures of its card")), make("table", { class: "vk-table" }, make("tbody", {}, ...Object.entries(each.figures).map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, figure(value, Number.isInteger(value) ? 0 : 3))))))),
    make("h3", {}, t("Where it comes from")), card);
  try {
    const { rows } = await ask(`/api/model?version=${encodeURIComponent(version)}`);
    if (shown === version) card.replaceChildren(...rows.filter(({ value }) => value).map(({ name, value }) => fact(t(FACTS[name] ?? name), value)));
  } catch (error) {
    card.replaceChildren(make("p", { class: "vk-fault" }, error.message));
  }
}

function drifting() {
  const { status: now, drifts } = data;
  setText(by("vk-why"), [now.drift_reason && t(now.drift_reason), now.judged && `${t("Judged")} ${stamp(now.judged)}.`, now.matured && `${figure(now.matured)} ${t("predictions of a week ago were looked up.")}`, now.fallback && `▲ ${t(now.fallback_reason)}`].filter(Boolean).join(" · ") || t("Not judged yet."));
  const heavy = (each) => each.psi >= 0.25 && each.ks >= 0.2;
  by("vk-drifts").replaceChildren(drifts.length ? make("table", { class: "vk-table" }, make("thead", {}, make("tr", {}, ...["Feature", "PSI", "KS", ""].map((label) => make("th", { scope: "col" }, label && t(label))))),
    make("tbody", {}, ...drifts.map((each) => make("tr", {}, make("th", { scope: "row" }, each.feature), make("td", {}, each.psi === null ? "–" : figure(each.psi, 3)), make("td", {}, each.ks === null ? "–" : figure(each.ks, 3)), make("td", {}, heavy(each) ? `▲ ${t("unlike")}` : ""))))) : "");
}

function training() {
  const { status: now } = data;
  const running = now.training === "Running";
  by("vk-train").querySelector("button").disabled = running || busy;
  const cancel = running && may ? make("button", { class: "vk-button", type: "button", onclick: () => act("cancel", "", "End the training that runs?", "It is cancelled.", { job: now.job }) }, t("Cancel the training")) : "";
  by("vk-training").replaceChildren(now.training === "Idle" ? make("p", { class: "vk-empty" }, t("No training since the start of the server.")) : make("div", {},
    make("p", {}, `${t(now.training)} · ${now.job} · ${t(now.message)}${now.trained ? ` · ${now.trained}` : ""}`),
    running ? make("progress", { max: 100, value: now.progress ?? 0, "aria-label": t("Progress") }) : "", cancel));
}
