// What this browser is to show: the form goes to the server, which keeps it in cookies.
import { begin, by, make, say, serverNow, setText, t, times, zones } from "./base.js";
import { Times } from "./times.js";

begin(() => {
  for (const [name, value] of Object.entries(window.voltkeep.preferences)) {
    const input = document.querySelector(`#vk-choices input[name="${name}"][value="${value}"]`);
    if (input) input.checked = true;
  }
  for (const calendar of ["common", "buddhist"]) setText(by(`vk-${calendar}`), new Times(times().zone.name, calendar).day(serverNow()));
  setText(by("vk-who"), window.voltkeep.user);
  if (location.search === "?saved") say(t("Saved."));
  const own = Object.entries(zones).filter(([place, zone]) => place === "Fleet" || zone !== zones.Fleet);
  by("vk-zones").replaceChildren(...own.map(([place, zone]) =>
    make("div", {}, make("dt", {}, place === "Fleet" ? t("Fleet") : place), make("dd", {}, `${zone} (${times(zone).offset(serverNow())})`))));
  return { fleet: { all() {}, some() {} } };
});
