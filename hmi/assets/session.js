// The end of a log-in: tells the HMI that a person is here, warns a minute before, and shows nothing live after.
import { make, t } from "./base.js";

let term = null; // what the HMI said last, and when
let at = 0;
let told = 0;
let locked = false;
let dialog = null;
const left = () => term.left - (performance.now() - at) / 1000;

// Asks for how long it still lasts; to POST says that a person is here.
async function ask(method) {
  const began = performance.now();
  if (method === "POST") told = began;
  const options = method === "POST" ? { method, headers: { "content-type": "application/json" }, body: "{}" } : {};
  try {
    const answer = await fetch(method === "POST" ? "/api/activity" : "/api/session", options);
    if (answer.status === 401) return lock();
    if (answer.ok) [term, at] = [await answer.json(), began];
  } catch {
    // The HMI is away: the page says so, and the time goes on.
  }
}

function active() {
  if (!term || locked || term.final) return;
  if (performance.now() - told > term.every * 1000) ask("POST").then(look);
}

async function look() {
  if (locked) return;
  if (!term) return ask("GET");
  if (left() <= term.warning && !dialog) await ask("GET"); // another page may have said that somebody is here
  if (locked) return;
  if (left() <= 0) return lock();
  if (left() > term.warning) return calm();
  warn();
}

function warn() {
  const seconds = String(Math.ceil(left()));
  if (dialog) {
    dialog.querySelector("time").textContent = seconds;
    return;
  }
  const words = term.final
    ? t("The longest time of a log-in is over in {seconds} s. Then log in again.")
    : t("Nothing was done here for a while. The log-in ends in {seconds} s.");
  const [before, after] = words.split("{seconds}");
  const stay = make("button", { type: "button", class: "vk-primary", onclick: () => ask("POST").then(look) }, t("Stay logged in"));
  const close = make("button", { type: "button", class: "vk-button", onclick: () => dialog.close() }, t("Close"));
  dialog = make("dialog", { class: "vk-dialog vk-ending", role: "alertdialog", "aria-labelledby": "vk-ending" },
    make("p", { id: "vk-ending" }, before, make("time", { "aria-hidden": "true" }, seconds), after),
    make("div", { class: "vk-actions" }, term.final ? close : stay));
  document.body.append(dialog);
  dialog.showModal();
}

function calm() {
  dialog?.remove();
  dialog = null;
}

// Nothing live stays on the screen; then to the log-in, as soon as there is one, and back to where one was.
export function lock() {
  if (locked) return;
  locked = true;
  calm();
  document.documentElement.dataset.locked = "";
  document.body.append(make("section", { class: "vk-locked", role: "alert" },
    make("h1", {}, t("The log-in has ended.")), make("p", {}, t("Nothing live is shown here any more.")),
    make("p", {}, make("a", { class: "vk-button", href: place() }, t("Log in")))));
  leave();
}
const place = () => `/login?ended=1&next=${encodeURIComponent(location.pathname + location.search)}`;
async function leave() {
  try {
    const answer = await fetch("/health");
    if (answer.ok) return location.assign(place());
  } catch {
    // The HMI is away, too.
  }
  setTimeout(leave, 1000);
}

addEventListener("voltkeep-ended", lock);
for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
  addEventListener(kind, active, { passive: true, capture: true });
}
addEventListener("visibilitychange", () => document.hidden || ask("GET").then(look));
setInterval(look, 1000);
ask("GET");
