// On a small screen the pages and tools stand behind a button; paper is always light.

// Opens and closes what the button controls; Escape closes it and comes back to the button.
export function menu(button) {
  const open = (on) => button.setAttribute("aria-expanded", String(on));
  const isOpen = () => button.getAttribute("aria-expanded") === "true";
  button.onclick = () => open(!isOpen());
  button.parentElement.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !isOpen()) return;
    open(false);
    button.focus();
  });
  const outside = (event) => button.parentElement.contains(event.target) || open(false);
  addEventListener("pointerdown", outside);
  addEventListener("focusin", outside);
}

// Charts and heatmaps are drawn in the colours of the screen: while a page is printed, in those of paper.
let chosen = "";
function themed(theme) {
  document.documentElement.dataset.theme = theme;
  dispatchEvent(new Event("voltkeep-theme"));
}
addEventListener("beforeprint", () => {
  chosen = document.documentElement.dataset.theme;
  if (chosen === "dark") themed("light");
});
addEventListener("afterprint", () => chosen === "dark" && themed(chosen));
