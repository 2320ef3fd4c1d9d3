"""Where the sites are: region and coordinates, read from the server once a page is opened."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from asyncua import Client, ua

from hmi.topology import Topology

_NAMES: Final = ("Region", "Latitude", "Longitude")


@dataclass(frozen=True)
class Place:
    """A site on the map: degrees, north and east positive."""

    site: str
    region: str
    latitude: float
    longitude: float


async def places(client: Client, topology: Topology) -> list[dict[str, Any]]:
    """The sites that have coordinates, for JSON."""
    nodes = [topology.node(f"{site.path}.{name}") for site in topology.sites for name in _NAMES]
    values = [
        data.Value.Value if data.Value is not None else None
        for data in await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    ]
    found = []
    for i, site in enumerate(topology.sites):
        region, latitude, longitude = values[3 * i : 3 * i + 3]
        if latitude is not None and longitude is not None:
            found.append(asdict(Place(site.path, region or "", latitude, longitude)))
    return found
