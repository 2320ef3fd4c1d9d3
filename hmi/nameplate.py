"""A jar's nameplate (F5): properties read from the server once, when its page is opened."""

from __future__ import annotations

import datetime as dt
from typing import Final

from asyncua import Client, ua

from hmi.topology import Topology

Field = tuple[str, str | float | None, str]
FIELDS: Final = (
    ("Manufacturer", "Manufacturer", ""),
    ("Model", "Model", ""),
    ("SerialNumber", "Serial number", ""),
    ("Position", "Position in string", ""),
    ("InstallationDate", "Installed", ""),
    ("WarrantyEnd", "Warranty until", ""),
    ("BaselineResistance", "Baseline resistance", "mΩ"),
    ("RatedCapacity", "Rated capacity", "Ah"),
)


async def nameplate(client: Client, topology: Topology, jar: str) -> list[Field]:
    """Label, value and unit of each entry; the value is None where the server has none."""
    nodes = [topology.node(f"{jar}.{name}") for name, _, _ in FIELDS]
    values = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    return [(label, _shown(data), unit) for (_, label, unit), data in zip(FIELDS, values, strict=True)]


def _shown(data: ua.DataValue) -> str | float | None:
    value = data.Value.Value if data.Value is not None else None
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if value is None or isinstance(value, (int, float, str)):
        return value
    return str(getattr(value, "Text", value))
