"""What does not change while an asset is installed (F5), declared once; names follow OPC UA for Devices.

The NodeSet has a mandatory property for each, and the address space takes its value with `get`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from nodeset.datatypes import DataType
from nodeset.fleet import AssetType, Fleet, Jar, Site

Asset = TypeVar("Asset")
Value = str | int | float | dt.datetime


@dataclass(frozen=True)
class NameplateDef(Generic[Asset]):
    """One property of an asset: its name, what it says (a unit in [ ]), its type, and how to read it."""

    name: str
    description: str
    data_type: DataType
    get: Callable[[Asset], Value]


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)


JAR: Final[tuple[NameplateDef[Jar], ...]] = (
    NameplateDef("Manufacturer", "Maker of the jar", DataType.STRING, lambda jar: jar.model.manufacturer),
    NameplateDef("Model", "Model of the jar", DataType.STRING, lambda jar: jar.model_name),
    NameplateDef("SerialNumber", "Serial number", DataType.STRING, lambda jar: jar.serial),
    NameplateDef("Position", "Place in the string, from 1", DataType.UINT32, lambda jar: jar.position),
    NameplateDef(
        "InstallationDate", "Day of installation", DataType.DATE_TIME, lambda jar: _midnight(jar.installed)
    ),
    NameplateDef(
        "WarrantyEnd", "Day the warranty ends", DataType.DATE_TIME, lambda jar: _midnight(jar.warranty_end)
    ),
    NameplateDef(
        "BaselineResistance",
        "Internal resistance at commissioning [mΩ]",
        DataType.DOUBLE,
        lambda jar: jar.baseline_resistance,
    ),
    NameplateDef(
        "RatedCapacity", "Capacity at the 10 h rate [Ah]", DataType.DOUBLE, lambda jar: jar.model.capacity
    ),
)

SITE: Final[tuple[NameplateDef[Site], ...]] = (
    NameplateDef("Region", "Climatic region", DataType.STRING, lambda site: site.region),
    NameplateDef("Latitude", "Latitude, north positive [°]", DataType.DOUBLE, lambda site: site.latitude),
    NameplateDef("Longitude", "Longitude, east positive [°]", DataType.DOUBLE, lambda site: site.longitude),
    NameplateDef("TimeZone", "Time zone of the site, IANA name", DataType.STRING, lambda site: site.zone.key),
)

FLEET: Final[tuple[NameplateDef[Fleet], ...]] = (
    NameplateDef(
        "TimeZone", "Time zone of the fleet, IANA name", DataType.STRING, lambda fleet: fleet.zone.key
    ),
)

_NAMEPLATES: Final[dict[AssetType, tuple[NameplateDef[Any], ...]]] = {
    AssetType.FLEET: FLEET,
    AssetType.SITE: SITE,
    AssetType.JAR: JAR,
}


def nameplate_of(asset: AssetType) -> tuple[NameplateDef[Any], ...]:
    """The nameplate of an asset type, in the order of declaration; empty where it has none."""
    return _NAMEPLATES.get(asset, ())
