// The dialog that asks for a file of history: the server makes it, the browser keeps it.
import { make, serverNow, setText, t } from "./base.js";

const DAY = 86_400_000;
const SPANS = [["1", "24 h"], ["7", "7 d"], ["30", "30 d"], ["90", "90 d"], ["365", "1 y"]];
const STEPS = [["raw", "As stored"], ["hourly", "Hours"], ["daily", "Days (UTC)"]];
const FORMATS = [["csv", "CSV"], ["xlsx", "Excel"], ["parquet", "Parquet"]];

// `button` opens the dialog; what is exported is told when it is sent.
export function exporting(button, variables) {
  const span = choice("Range", SPANS.map(([value, label]) => [value, t(label)]), "1");
  const step = choice("Values", STEPS.map(([value, label]) => [value, t(label)]), "raw");
  const format = choice("Format", FORMATS, "csv");
  const said = make("output", { role: "status" });
  const send = make("button", { class: "vk-primary", type: "submit" }, t("Export"));
  const form = make("form", { method: "dialog", onsubmit: submit }, make("h2", { id: "vk-export-title" }, t("Export")),
    span.node, step.node, format.node, said,
    make("div", { class: "vk-buttons" }, make("button", { class: "vk-button", type: "button", onclick: () => dialog.close() }, t("Cancel")), send));
  const dialog = make("dialog", { class: "vk-dialog vk-panel", "aria-labelledby": "vk-export-title" }, form);
  document.body.append(dialog);
  button.addEventListener("click", () => {
    setText(said, "");
    dialog.showModal();
  });

  async function submit(event) {
    event.preventDefault();
    const end = Math.floor(serverNow());
    send.disabled = true;
    setText(said, t("The file is being made …"));
    const fault = await fetchFile({ variables, from: end - Number(span.value()) * DAY, to: end, step: step.value(), format: format.value() });
    send.disabled = false;
    setText(said, fault ? t(fault) : "");
    if (!fault) dialog.close();
  }
}

// Asks for a file and lets the browser save it; why not, or nothing.
export async function fetchFile(wanted, at = "/api/export") {
  try {
    const answer = await fetch(at, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(wanted) });
    const body = await answer.json();
    if (!answer.ok || body.fault) return body.fault ?? "The OPC UA server does not answer.";
    const link = make("a", { href: body.at, download: body.name });
    document.body.append(link);
    link.click();
    link.remove();
    return "";
  } catch {
    return "The OPC UA server does not answer.";
  }
}

function choice(label, options, chosen) {
  const select = make("select", {}, ...options.map(([value, text]) => make("option", { value, selected: value === chosen }, text)));
  return { node: make("label", {}, make("span", {}, t(label)), select), value: () => select.value };
}
