// Light or dark before anything is drawn: the reader's choice, else the system's, also when that changes.
{
  const system = matchMedia("(prefers-color-scheme: dark)");
  const choose = () => {
    const chosen = /(?:^|; )voltkeep_theme=(\w+)/.exec(document.cookie)?.[1] ?? localStorage.getItem("voltkeep-theme");
    const theme = chosen === "light" || chosen === "dark" ? chosen : system.matches ? "dark" : "light";
    if (theme === document.documentElement.dataset.theme) return;
    document.documentElement.dataset.theme = theme;
    dispatchEvent(new Event("voltkeep-theme"));
  };
  system.addEventListener("change", choose);
  choose();
}
