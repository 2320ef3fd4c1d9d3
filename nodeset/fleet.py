"""The fleet as the rest of Voltkeep sees it: assets in a fixed order, and the topology as index arrays.

Assets of each type are numbered through the fleet in the order of the fleet file; jars of a string,
strings of a system and systems of a site are contiguous, so that a part of the fleet is a slice.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from config.fleetfile import FleetFile, JarModel, JarPart, StringPart, jar_name, serial_at

Index = NDArray[np.intp]


class AssetType(StrEnum):
    """The kinds of asset, from the whole to its parts."""

    FLEET = "Fleet"
    SITE = "Site"
    SYSTEM = "System"
    STRING = "String"
    JAR = "Jar"


@dataclass(frozen=True, slots=True)
class Jar:
    """One jar with its nameplate (F5); baseline resistance in mΩ."""

    path: str
    name: str
    position: int
    string: int
    model_name: str
    model: JarModel
    serial: str
    installed: dt.date
    warranty_end: dt.date
    baseline_resistance: float


@dataclass(frozen=True, slots=True)
class String:
    """Jars in series; they share its current."""

    path: str
    name: str
    system: int
    jars: slice
    model: JarModel


@dataclass(frozen=True, slots=True)
class System:
    """A UPS or rectifier with its strings in parallel; rated power in kW."""

    path: str
    name: str
    site: int
    kind: str
    rated_power: float
    strings: slice


@dataclass(frozen=True, slots=True)
class Site:
    """A data centre; temperature offset in K against its region."""

    path: str
    name: str
    region: str
    latitude: float
    longitude: float
    zone: ZoneInfo
    temperature_offset: float
    systems: slice


@dataclass(frozen=True)
class Fleet:
    """All assets, and who belongs to whom."""

    name: str
    zone: ZoneInfo
    sites: tuple[Site, ...]
    systems: tuple[System, ...]
    strings: tuple[String, ...]
    jars: tuple[Jar, ...]

    def count(self, asset: AssetType) -> int:
        """How many assets of a type there are."""
        return len(self.assets(asset))

    def assets(self, asset: AssetType) -> Sequence[Fleet | Site | System | String | Jar]:
        """The assets of a type, in order."""
        by_type: dict[AssetType, Sequence[Fleet | Site | System | String | Jar]] = {
            AssetType.FLEET: (self,),
            AssetType.SITE: self.sites,
            AssetType.SYSTEM: self.systems,
            AssetType.STRING: self.strings,
            AssetType.JAR: self.jars,
        }
        return by_type[asset]

    def zone_of(self, paths: Iterable[str]) -> ZoneInfo:
        """The time zone of assets or variables that all are of sites in one; else the fleet's."""
        sites = {site.path: site.zone for site in self.sites}
        zones = {sites.get(path.partition("/")[0].partition(".")[0], self.zone) for path in paths}
        return zones.pop() if len(zones) == 1 else self.zone

    @property
    def path(self) -> str:
        """Path of the fleet's own object."""
        return AssetType.FLEET.value

    @cached_property
    def string_of_jar(self) -> Index:
        """Index of each jar's string."""
        return np.array([jar.string for jar in self.jars], np.intp)

    @cached_property
    def system_of_string(self) -> Index:
        """Index of each string's system."""
        return np.array([string.system for string in self.strings], np.intp)

    @cached_property
    def site_of_system(self) -> Index:
        """Index of each system's site."""
        return np.array([system.site for system in self.systems], np.intp)

    @cached_property
    def system_of_jar(self) -> Index:
        """Index of each jar's system."""
        return self.system_of_string[self.string_of_jar]

    @cached_property
    def site_of_jar(self) -> Index:
        """Index of each jar's site."""
        return self.site_of_system[self.system_of_jar]

    @cached_property
    def site_of_string(self) -> Index:
        """Index of each string's site."""
        return self.site_of_system[self.system_of_string]

    @cached_property
    def first_jar_of_string(self) -> Index:
        """Index of each string's first jar: the boundaries for `np.add.reduceat`."""
        return np.array([string.jars.start for string in self.strings], np.intp)

    @cached_property
    def first_string_of_system(self) -> Index:
        """Index of each system's first string."""
        return np.array([system.strings.start for system in self.systems], np.intp)

    @cached_property
    def first_jar_of_site(self) -> Index:
        """Index of each site's first jar."""
        return np.array([self.jars_of_site(i).start for i in range(len(self.sites))], np.intp)

    def strings_of_site(self, site: int) -> slice:
        """The strings of a site."""
        systems = self.systems[self.sites[site].systems]
        return slice(systems[0].strings.start, systems[-1].strings.stop)

    def jars_of_system(self, system: int) -> slice:
        """The jars of a system."""
        strings = self.strings[self.systems[system].strings]
        return slice(strings[0].jars.start, strings[-1].jars.stop)

    def jars_of_site(self, site: int) -> slice:
        """The jars of a site."""
        strings = self.strings[self.strings_of_site(site)]
        return slice(strings[0].jars.start, strings[-1].jars.stop)

    @cached_property
    def index_of(self) -> dict[str, tuple[AssetType, int]]:
        """Asset type and index by path (`Bangrak/UPS-1/S03/J07`)."""
        return {asset.path: (kind, i) for kind in AssetType for i, asset in enumerate(self.assets(kind))}


def build_fleet(file: FleetFile) -> Fleet:
    """The fleet that a checked fleet file describes."""
    sites: list[Site] = []
    systems: list[System] = []
    strings: list[String] = []
    jars: list[Jar] = []
    for site_name, site in file.sites.items():
        first_system = len(systems)
        for system_name, system in site.systems.items():
            system_path = f"{site_name}/{system_name}"
            first_string = len(strings)
            for string_name, part in system.strings.items():
                path = f"{system_path}/{string_name}"
                first_jar = len(jars)
                jars += _jars(file, part, path, len(strings))
                model = file.models[part.model]
                strings.append(String(path, string_name, len(systems), slice(first_jar, len(jars)), model))
            span = slice(first_string, len(strings))
            systems.append(
                System(system_path, system_name, len(sites), system.kind, system.rated_power, span)
            )
        sites.append(
            Site(
                site_name,
                site_name,
                site.region,
                site.latitude,
                site.longitude,
                ZoneInfo(site.zone or file.zone),
                site.temperature_offset,
                slice(first_system, len(systems)),
            )
        )
    return Fleet(file.name, ZoneInfo(file.zone), tuple(sites), tuple(systems), tuple(strings), tuple(jars))


def _jars(file: FleetFile, part: StringPart, path: str, string: int) -> Iterator[Jar]:
    model = file.models[part.model]
    for i in range(part.jars):
        name = jar_name(i + 1)
        own = file.jars.get(f"{path}/{name}", JarPart())
        installed = own.installed or part.installed
        measured = part.baseline_resistance[i] if part.baseline_resistance else model.baseline_resistance
        yield Jar(
            path=f"{path}/{name}",
            name=name,
            position=i + 1,
            string=string,
            model_name=part.model,
            model=model,
            serial=own.serial or serial_at(part.first_serial, i),
            installed=installed,
            warranty_end=own.warranty_end or warranty_end(installed, model),
            baseline_resistance=own.baseline_resistance or measured,
        )


def warranty_end(installed: dt.date, model: JarModel) -> dt.date:
    """The day on which the warranty of a jar ends."""
    return installed + dt.timedelta(days=round(model.warranty * 365.25))
