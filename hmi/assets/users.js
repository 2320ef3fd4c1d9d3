// Users: who they are and what they may. The server keeps the rules; a one-time password is shown this once.
import { ask, begin, by, make, say, t } from "./base.js";

const ROLES = ["Viewer", "Operator", "Engineer", "Admin"];
let rows = [];

begin(() => {
  by("vk-role").replaceChildren(...ROLES.map((role) => make("option", { value: role }, t(role))));
  by("vk-add").onsubmit = async (event) => {
    event.preventDefault();
    const name = by("vk-name").value.trim();
    if (await change("add", { name, role: by("vk-role").value, description: by("vk-about").value.trim() })) event.target.reset();
  };
  read();
  return { fleet: { all() {}, some() {} } };
});

async function read() {
  try {
    rows = (await ask("/api/users")).rows;
    draw();
  } catch (error) {
    say(error.message, true);
  }
}

// Whether it was done; a new password is told until the next change.
async function change(action, sent) {
  by("vk-once").hidden = true;
  say(t("Sending"));
  try {
    const { password } = await ask(`/api/users/${action}`, sent);
    if (password) once(sent.name, password);
    say(t("Done."));
  } catch (error) {
    say(error.message, true);
    await read();
    return false;
  }
  const said = by("vk-result").textContent;
  await read();
  say(said);
  return true;
}

function once(name, password) {
  const code = make("code", {}, password);
  const copy = make("button", { class: "vk-button", type: "button", onclick: () => navigator.clipboard?.writeText(password) }, t("Copy"));
  by("vk-once").replaceChildren(make("b", {}, `${t("One-time password of")} ${name}: `), code, " ", copy, make("small", {}, t("It is shown this once; the user chooses another one at the first log-in.")));
  by("vk-once").hidden = false;
}

function draw() {
  const head = ["User name", "Role", "State", "Description", ""];
  by("vk-users").replaceChildren(make("table", { class: "vk-table vk-users" },
    make("thead", {}, make("tr", {}, ...head.map((label) => make("th", { scope: "col" }, label ? t(label) : make("span", { class: "vk-unseen" }, t("Actions")))))),
    make("tbody", {}, ...rows.map(line))));
}

function line(user) {
  const state = [user.enabled ? t("Enabled") : t("Disabled"), user.must_change ? t("has a one-time password") : ""].filter(Boolean).join(", ");
  return make("tr", { class: user.enabled ? "" : "vk-muted", "data-user": user.name },
    make("th", { scope: "row" }, user.name), make("td", { class: "vk-left" }, user.fixed ? t(user.role) : roles(user)), make("td", { class: "vk-left" }, state),
    make("td", { class: "vk-left" }, user.fixed ? t("Voltkeep's own, to read with") : user.description), make("td", {}, ...(user.fixed ? [] : actions(user))));
}

function roles(user) {
  const choose = (event) => change("role", { name: user.name, role: event.target.value });
  return make("select", { "aria-label": `${t("Role")}: ${user.name}`, onchange: choose }, ...ROLES.map((role) => make("option", { value: role, selected: role === user.role }, t(role))));
}

function actions(user) {
  const button = (label, action, question) => make("button", { class: "vk-button", type: "button", "aria-label": `${t(label)}: ${user.name}`,
    onclick: () => (!question || confirm(`${t(question)} ${user.name}`)) && change(action, { name: user.name, must_change: user.must_change }) }, t(label));
  return [button("New one-time password", "reset", "Set a new password for"), user.enabled ? button("Disable", "disable") : button("Enable", "enable"), button("Remove", "remove", "Remove the user")];
}
