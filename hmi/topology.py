"""The fleet as the server's address space shows it: sites, systems, strings and jars, found by Browse.

There is no other source of truth: paths are the browse names from `Objects/Fleet` down, and a live
variable's NodeId is `s=<path>.<tag>` in the namespace `urn:voltkeep:fleet`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from asyncua import Client, ua

from config.fleetfile import RESERVED

NAMESPACE: Final = "urn:voltkeep:fleet"
BROWSE_AT_ONCE: Final = 100  # nodes a request
FLEET: Final = "Fleet"


@dataclass(frozen=True)
class Asset:
    """A site, system, string or jar, and what it is made of."""

    name: str
    path: str
    parts: tuple[Asset, ...] = ()


@dataclass(frozen=True)
class Topology:
    """All sites, and the namespace index of their NodeIds in the present session.

    `zones` has the IANA names of time zones: of `Fleet` and of every site; a server that has none to tell
    leaves it empty.
    """

    namespace: int
    sites: tuple[Asset, ...]
    zones: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def by_path(self) -> dict[str, Asset]:
        """Every asset by its path."""
        found: dict[str, Asset] = {}
        level = list(self.sites)
        while level:
            found |= {asset.path: asset for asset in level}
            level = [part for asset in level for part in asset.parts]
        return found

    @cached_property
    def jars(self) -> tuple[str, ...]:
        """Paths of all jars, site by site and string by string."""
        return tuple(
            jar.path
            for site in self.sites
            for system in site.parts
            for string in system.parts
            for jar in string.parts
        )

    def neighbours(self, path: str) -> tuple[str | None, str | None]:
        """Paths of the parts before and after this one in the same whole."""
        whole = self.by_path.get(path.rpartition("/")[0])
        paths = [part.path for part in (whole.parts if whole else self.sites)]
        at = paths.index(path)
        return paths[at - 1] if at else None, paths[at + 1] if at + 1 < len(paths) else None

    def zone(self, site: str = FLEET) -> dt.tzinfo:
        """The time zone of a site, or of the fleet; UTC where none is told, or none that is known here."""
        try:
            return ZoneInfo(self.zones.get(site) or self.zones.get(FLEET, "UTC"))
        except (ZoneInfoNotFoundError, ValueError):
            return dt.UTC

    def node(self, identifier: str) -> ua.NodeId:
        """NodeId of an object (`Bangrak/UPS-1`) or variable (`Bangrak/UPS-1.Load`)."""
        return ua.NodeId(identifier, self.namespace)


async def discover(client: Client) -> Topology:
    """Browse the fleet level by level, many nodes a request."""
    namespace = await client.get_namespace_index(NAMESPACE)
    levels: list[dict[str, list[str]]] = []
    paths = [FLEET]
    for _ in range(4):
        children = await _children(client, namespace, paths)
        levels.append(children)
        paths = [path for parent in children.values() for path in parent]
    sites = _assemble(FLEET, levels)
    return Topology(namespace, sites, await _zones(client, namespace, [FLEET, *(s.path for s in sites)]))


async def _zones(client: Client, namespace: int, paths: list[str]) -> dict[str, str]:
    """Time zones of the fleet and its sites, as their properties say."""
    nodes = [ua.NodeId(f"{path}.TimeZone", namespace) for path in paths]
    values = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    found = ((path, data.Value.Value) for path, data in zip(paths, values, strict=True) if data.Value)
    return {path: zone for path, zone in found if isinstance(zone, str)}


def _assemble(parent: str, levels: list[dict[str, list[str]]]) -> tuple[Asset, ...]:
    if not levels:
        return ()
    return tuple(
        Asset(path.rpartition("/")[2], path, _assemble(path, levels[1:]))
        for path in levels[0].get(parent, ())
    )


async def _children(client: Client, namespace: int, paths: list[str]) -> dict[str, list[str]]:
    """Paths of the assets below each of `paths`; objects of other kinds are left out."""
    found: dict[str, list[str]] = {}
    for start in range(0, len(paths), BROWSE_AT_ONCE):
        part = paths[start : start + BROWSE_AT_ONCE]
        nodes = [ua.NodeId(path, namespace) for path in part]
        for path, references in zip(part, await _browse(client, nodes), strict=True):
            prefix = "" if path == FLEET else f"{path}/"
            names = (str(r.NodeId.Identifier) for r in references if r.NodeId.NamespaceIndex == namespace)
            found[path] = [n for n in names if _is_part(n, prefix)]
    return found


def _is_part(identifier: str, prefix: str) -> bool:
    """Whether an object is a part of the asset at `prefix`: not a condition, nor the place of methods."""
    name = identifier.removeprefix(prefix)
    if identifier in RESERVED or not identifier.startswith(prefix):
        return False
    return not set(name) & {"/", "#", "."}


async def _browse(client: Client, nodes: list[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
    """Hierarchical child objects of each node, with BrowseNext where the server splits its answer."""
    parameters = ua.BrowseParameters()
    parameters.View = ua.ViewDescription()
    parameters.RequestedMaxReferencesPerNode = 0
    parameters.NodesToBrowse = [
        ua.BrowseDescription(
            NodeId=node,
            BrowseDirection=ua.BrowseDirection.Forward,
            ReferenceTypeId=ua.NodeId(ua.ObjectIds.HierarchicalReferences),
            IncludeSubtypes=True,
            NodeClassMask=ua.NodeClass.Object,
            ResultMask=ua.BrowseResultMask.BrowseName,
        )
        for node in nodes
    ]
    results = await client.uaclient.browse(parameters)
    return [await _all_references(client, result) for result in results]


async def _all_references(client: Client, result: ua.BrowseResult) -> list[ua.ReferenceDescription]:
    references: dict[ua.NodeId, ua.ReferenceDescription] = {}
    while True:
        # A child can be reached twice: as a component and as an event source (N3).
        references |= {r.NodeId: r for r in result.References if r.NodeId not in references}
        if not result.ContinuationPoint:
            break
        parameters = ua.BrowseNextParameters()
        parameters.ContinuationPoints = [result.ContinuationPoint]
        result = (await client.uaclient.browse_next(parameters))[0]
    return list(references.values())
