// A table as a file of comma-separated values, which the browser saves.
import { make } from "./base.js";

// Rows of cells as text (RFC 4180).
export const lines = (rows) => rows.map((row) => row.map(quoted).join(",")).join("\r\n");

// A text that begins like a formula would be one in a spreadsheet.
function quoted(cell) {
  if (typeof cell === "number") return String(cell);
  const text = String(cell ?? "").replace(/^[=+\-@\t]/, "'$&");
  return `"${text.replaceAll('"', '""')}"`;
}

// With a byte order mark, without which spreadsheets misread Thai.
export function save(name, text) {
  const url = URL.createObjectURL(new Blob(["\ufeff", text], { type: "text/csv;charset=utf-8" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
