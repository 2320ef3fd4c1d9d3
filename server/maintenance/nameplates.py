"""What stands in each jar's place now (F5): the fleet file's jars, or those that have replaced them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from config.zone import date_at
from historian.maintenance import Maintenance
from nodeset.fleet import AssetType, Fleet, Jar, warranty_end
from server.scanning.told import Renewal


class Nameplates:
    """The jars of a fleet by number; `jars` changes in place."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.jars: list[Jar] = list(fleet.jars)
        self.since = [0] * len(self.jars)  # µs of the last replacement, 0 where there was none

    def renew(self, replacements: Iterable[Maintenance]) -> list[Renewal]:
        """Take up replacements, in any order; gives those that changed what stands there, oldest first.

        What came before the jar that is there now changes nothing, nor what is of no asset of the fleet.
        """
        found = []
        for work in sorted(replacements, key=lambda work: work.began):
            for jar in self.below(work.asset):
                if work.began > self.since[jar]:
                    self.jars[jar], self.since[jar] = self._new(jar, work), work.began
                    found.append(Renewal(jar, work.began, self.jars[jar].baseline_resistance))
        return found

    def below(self, asset: str) -> range:
        """The jars of an asset; none where it is not of the fleet."""
        kind, number = self._fleet.index_of.get(asset, (None, 0))
        if kind is AssetType.JAR:
            return range(number, number + 1)
        if kind is AssetType.FLEET:
            return range(len(self.jars))
        if kind is AssetType.SITE:
            span = self._fleet.jars_of_site(number)
        elif kind is AssetType.SYSTEM:
            span = self._fleet.jars_of_system(number)
        elif kind is AssetType.STRING:
            span = self._fleet.strings[number].jars
        else:
            return range(0)
        return range(span.start, span.stop)

    def _new(self, jar: int, work: Maintenance) -> Jar:
        old = self._fleet.jars[jar]
        installed = date_at(work.began, self._fleet.sites[self._fleet.site_of_jar[jar]].zone)
        return replace(
            old,
            serial=work.serial_number or "",
            installed=installed,
            warranty_end=warranty_end(installed, old.model),
            baseline_resistance=work.baseline_resistance or old.model.baseline_resistance,
        )
