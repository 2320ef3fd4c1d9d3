// The banner that more alarms come than anybody can follow, on every page of alarms.
import { Tables, by, isSimulated, make, siteLink, t } from "./base.js";

// Handlers of the fleet's channel; `more` gets its values, too.
export function flooding(more = () => {}) {
  let data = null;
  const look = () => {
    show(data);
    more(data);
  };
  return {
    all: (snapshot) => {
      data = new Tables(snapshot);
      look();
    },
    some: (message) => {
      data.patch(message);
      look();
    },
  };
}

function show(data) {
  const sites = data.tables.sites.rows.filter((_, row) => data.good("sites", "AlarmFlood", row) === 1);
  const fleet = data.good("fleet", "AlarmFlood") === 1;
  const banner = by("vk-flood");
  const simulated = data.tables.sites.rows.some((_, row) => isSimulated(data.get("sites", "AlarmFlood", row).status) && data.good("sites", "AlarmFlood", row) === 1);
  const key = `${fleet}|${sites.join()}|${simulated}`;
  if (banner.dataset.key === key) return;
  banner.dataset.key = key;
  banner.hidden = !fleet && !sites.length;
  const places = sites.length ? sites.map((site) => make("a", { href: siteLink(site) }, site)) : [t("Fleet")];
  banner.replaceChildren(make("b", {}, `▲ ${t("Alarm flood")}: `), ...places.flatMap((place, k) => (k ? [", ", place] : [place])),
    simulated ? ` (${t("simulated")})` : "", ". ", t("More alarms come than can be followed. Look at the incidents first."), " ", make("a", { href: "/alarms/incidents" }, t("Incidents")));
}

