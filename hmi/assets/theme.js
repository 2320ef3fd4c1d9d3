// Light or dark before anything is drawn: the operator's choice, else the system's.
{
  const chosen = localStorage.getItem("voltkeep-theme");
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}
