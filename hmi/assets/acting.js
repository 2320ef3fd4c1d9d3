// What a user does to the alarms that are chosen, one or many: the server decides, and says why not.
import { ask, by, figure, make, rights, say, setText, t } from "./base.js";

// Name, label, what is said when it is done, and of which alarms it makes sense.
const ACTIONS = [
  ["acknowledge", "Acknowledge", "acknowledged.", (alarm) => !alarm.acknowledged],
  ["confirm", "Confirm", "confirmed.", (alarm) => alarm.acknowledged && !alarm.confirmed],
  ["comment", "Add comment", "commented.", () => true],
  ["shelve", "Shelve", "shelved.", (alarm) => !alarm.branch && !alarm.shelved],
  ["unshelve", "Unshelve", "unshelved.", (alarm) => !alarm.branch && alarm.shelved],
];
const MORE = [
  ["suppress", "Suppress", "suppressed.", (alarm) => !alarm.branch && !alarm.suppressed],
  ["unsuppress", "End suppression", "no longer suppressed.", (alarm) => !alarm.branch && alarm.suppressed],
  ["remove", "Take out of service", "out of service.", (alarm) => !alarm.branch && !alarm.out_of_service],
  ["place", "Return to service", "in service.", (alarm) => !alarm.branch && alarm.out_of_service],
  ["disable", "Disable", "disabled.", (alarm) => !alarm.branch && !alarm.disabled],
  ["enable", "Enable", "enabled.", (alarm) => alarm.disabled],
];
const HOURS = [[0, "Until it clears"], [0.5, "30 min"], [2, "2 h"], [8, "8 h"]];

// Fills the form; `chosen` gives the alarms, `done` follows an action. What it returns looks at the choice again.
export function acting(form, chosen, done, names = ACTIONS.map(([name]) => name), others = MORE.slice(0, 5).map(([name]) => name)) {
  const comment = by("vk-comment");
  const buttons = ACTIONS.filter(([name]) => names.includes(name)).map((action) => button(action, action[0] === "acknowledge" ? "vk-primary" : "vk-button"));
  const more = MORE.filter(([name]) => others.includes(name)).map((action) => button(action, "vk-button"));
  const menu = make("details", { class: "vk-menu" }, make("summary", { class: "vk-button" }, t("More")), make("div", { class: "vk-panel" }, ...more.map((each) => each.node)));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.firstElementChild.focus();
  });
  addEventListener("pointerdown", (event) => menu.contains(event.target) || (menu.open = false));
  by("vk-actions").replaceChildren(...buttons.map((each) => each.node), ...(names.length >= others.length ? [menu] : more.map((each) => each.node)));
  form.onsubmit = (event) => {
    event.preventDefault();
    const first = buttons.find((each) => !each.node.disabled && !each.node.hidden);
    first?.node.click();
  };
  const shelving = asking((seconds) => send(["shelve", "Shelve", "shelved.", ACTIONS[3][3]], seconds));
  rights().then(allow);
  look();
  return look;

  // What the server would refuse this user is not offered.
  function allow(may) {
    for (const { node, name } of [...buttons, ...more]) node.hidden = !may.has(name);
    menu.hidden = more.every(({ node }) => node.hidden);
    form.classList.toggle("vk-looking", [...buttons, ...more].every(({ node }) => node.hidden));
  }

  function button(action, kind) {
    const [name, label, , fits] = action;
    const act = () => (name === "shelve" ? shelving(chosen().filter(fits)) : send(action));
    return { node: make("button", { class: kind, type: "button", onclick: act }, t(label)), name, label, fits };
  }

  function look() {
    const alarms = chosen();
    for (const { node, label, fits } of [...buttons, ...more]) {
      const count = alarms.filter(fits).length;
      node.disabled = !count;
      setText(node, count ? `${t(label)} (${figure(count)})` : t(label));
    }
  }

  async function send([name, , words, fits], seconds = 0) {
    const alarms = chosen().filter(fits);
    if (!alarms.length) return;
    menu.open = false;
    if (name === "comment" && !comment.value.trim()) {
      say(t("Write the comment first."), true);
      comment.focus();
      return;
    }
    say(t("Sending"));
    try {
      // What was seen is what is meant: an activation that came meanwhile is another one.
      const { done: count, refused } = await ask(`/api/alarms/${name}`, { keys: alarms.map(({ key }) => key), events: alarms.map(({ event }) => event ?? ""), comment: comment.value, seconds });
      say([`${figure(count)} ${t(words)}`, ...told(refused)].join(" "), refused.length > 0);
      if (!refused.length) comment.value = "";
      done();
    } catch (error) {
      say(error.message, true);
    }
    look();
  }
}

// How many were refused, and why; where somebody else was first, who that was.
function told(refused) {
  if (!refused.length) return [];
  const sum = refused.reduce((before, { count }) => before + count, 0);
  return [`${figure(sum)} ${t("refused")}:`, ...refused.map(({ fault, by: who, count }) => `${sum > count ? `${figure(count)} × ` : ""}${t(fault)}${who ? ` (${who})` : ""}`)];
}

// The dialog that asks for how long; what the first alarm's MaxTimeShelved forbids is not offered.
function asking(shelve) {
  const options = make("div", { class: "vk-options", role: "radiogroup", "aria-labelledby": "vk-shelve-title" });
  const what = make("p", { class: "vk-muted" });
  const form = make("form", { method: "dialog" }, make("h2", { id: "vk-shelve-title" }, t("Shelve for how long?")), what, options,
    make("div", { class: "vk-buttons" }, make("button", { class: "vk-button", type: "button", onclick: () => dialog.close() }, t("Cancel")),
      make("button", { class: "vk-primary", type: "submit" }, t("Shelve"))));
  const dialog = make("dialog", { class: "vk-dialog vk-panel", "aria-labelledby": "vk-shelve-title" }, form);
  form.onsubmit = () => shelve(Number(new FormData(form).get("hours")) * 3600);
  document.body.append(dialog);
  return async (alarms) => {
    if (!alarms.length) return;
    setText(what, alarms.length === 1 ? alarms[0].message || alarms[0].id : `${figure(alarms.length)} ${t("alarms")}`);
    const longest = await limitOf(alarms[0].id);
    options.replaceChildren(...HOURS.map(([hours, label]) => {
      const far = longest !== null && hours * 3600 > longest;
      return make("label", {}, make("input", { type: "radio", name: "hours", value: hours, checked: hours === 0.5, disabled: far }), make("span", {}, t(label)));
    }));
    dialog.showModal();
    const first = options.querySelector("input:checked:enabled") ?? options.querySelector("input:enabled");
    if (first) first.checked = true;
    first?.focus();
  };
}

const limitOf = (condition) => ask(`/api/condition?id=${encodeURIComponent(condition)}`).then(({ longest }) => longest).catch(() => null);
