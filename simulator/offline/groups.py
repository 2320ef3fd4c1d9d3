"""Parts of a fleet that are simulated by themselves, each in a process of its own.

How a fleet is cut depends on the fleet alone, never on the machine or on what is asked for: a site's files
are the same however many processes write them, and when one site is written alone. Sites do not influence
each other, but the lengths of the plant's steps follow all sites of a group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from config.fleetfile import FleetFile, SitePart

# A step costs as much for a few jars as for hundreds: larger groups cost less, smaller ones use more cores.
MOST_JARS: Final = 1100


@dataclass(frozen=True)
class Group:
    """Sites that share a plant, as a fleet file of their own."""

    number: int
    file: FleetFile

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of its sites."""
        return tuple(self.file.sites)

    @property
    def jars(self) -> int:
        """How many jars it has."""
        return sum(map(_jars, self.file.sites.values()))


def groups_of(file: FleetFile) -> tuple[Group, ...]:
    """The groups of a fleet, whole sites in the file's order; a larger site is a group by itself."""
    groups: list[list[str]] = []
    room = 0
    for name, site in file.sites.items():
        jars = _jars(site)
        if jars > room:
            groups.append([])
            room = MOST_JARS
        groups[-1].append(name)
        room -= jars
    return tuple(Group(i, part_of(file, sites)) for i, sites in enumerate(groups))


def part_of(file: FleetFile, sites: Iterable[str]) -> FleetFile:
    """The fleet of some sites alone."""
    kept = {name: file.sites[name] for name in sites}
    jars = {path: jar for path, jar in file.jars.items() if path.split("/")[0] in kept}
    return file.model_copy(update={"sites": kept, "jars": jars})


def _jars(site: SitePart) -> int:
    return sum(string.jars for system in site.systems.values() for string in system.strings.values())
