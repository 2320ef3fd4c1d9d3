"""Where the tags of one site stand behind its gateway: unit id and address of every value.

Pure arithmetic over the fleet's topology. The devices of a site (its systems, say) have the unit ids
1, 2, ...; assets within a device follow each other by the map's stride. What belongs to more than one device,
such as a site's own tags, stands in the first of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from config.yamlfile import ConfigurationError
from drivers.registermap import Register, RegisterMap
from nodeset.fleet import AssetType, Fleet, Index
from nodeset.index import TagIndex

MOST_UNITS = 247  # Modbus Messaging on TCP/IP 1.0b, 4.4.2.1
ADDRESSES = 65_536


@dataclass(frozen=True)
class Points:
    """All values of a site, shape (points,), in order of unit and address.

    `register` is the position of each value's register in the map.
    """

    row: Index
    unit: Index
    address: Index
    register: Index
    width: Index


def points_of(index: TagIndex, found: RegisterMap, site: int) -> Points:
    """Place a site's values; `ConfigurationError` where the map has no room for them."""
    blocks = [_block(index, found, site, i, r) for i, r in enumerate(found.registers)]
    row, unit, address, register, width = np.concatenate(blocks, axis=1)
    name = index.fleet.sites[site].name
    if unit.max() > MOST_UNITS:
        raise ConfigurationError(
            f"map '{found.name}': {name} has {unit.max()} devices; a gateway has {MOST_UNITS} unit ids"
        )
    if (address + width).max() > ADDRESSES:
        raise ConfigurationError(
            f"map '{found.name}': a device of {name} needs addresses over {ADDRESSES - 1}"
        )
    order = np.lexsort((address, unit))
    points = Points(*(column[order] for column in (row, unit, address, register, width)))
    _refuse_overlap(found, points, name)
    return points


def _block(index: TagIndex, found: RegisterMap, site: int, i: int, register: Register) -> NDArray[np.intp]:
    """Row, unit, address, register and width of one tag's values, shape (5, assets)."""
    assets = _assets_of_site(index.fleet, register.asset, site)
    device = _device(index.fleet, AssetType(found.device.capitalize()), register.asset)[assets]
    position = np.arange(device.size) - np.searchsorted(device, device)
    first = _assets_of_site(index.fleet, AssetType(found.device.capitalize()), site).start
    rows = np.arange(assets.start, assets.stop) + index.slice(register.asset, register.tag).start
    columns = (
        rows,
        device - first + 1,
        register.address + register.step * position,
        np.full(device.size, i),
        np.full(device.size, register.type.width),
    )
    return np.array(columns, np.intp)


def _assets_of_site(fleet: Fleet, asset: AssetType, site: int) -> slice:
    spans = {
        AssetType.SITE: slice(site, site + 1),
        AssetType.SYSTEM: fleet.sites[site].systems,
        AssetType.STRING: fleet.strings_of_site(site),
        AssetType.JAR: fleet.jars_of_site(site),
    }
    return spans[asset]


def _device(fleet: Fleet, device: AssetType, asset: AssetType) -> Index:
    """Index of the device that holds each asset of a type: the one around it, or the first one in it."""
    system_of_site = np.array([site.systems.start for site in fleet.sites], np.intp)
    string_of_system = fleet.first_string_of_system
    by_device = {
        AssetType.SITE: {
            AssetType.SITE: np.arange(len(fleet.sites)),
            AssetType.SYSTEM: fleet.site_of_system,
            AssetType.STRING: fleet.site_of_string,
            AssetType.JAR: fleet.site_of_jar,
        },
        AssetType.SYSTEM: {
            AssetType.SITE: system_of_site,
            AssetType.SYSTEM: np.arange(len(fleet.systems)),
            AssetType.STRING: fleet.system_of_string,
            AssetType.JAR: fleet.system_of_jar,
        },
        AssetType.STRING: {
            AssetType.SITE: string_of_system[system_of_site],
            AssetType.SYSTEM: string_of_system,
            AssetType.STRING: np.arange(len(fleet.strings)),
            AssetType.JAR: fleet.string_of_jar,
        },
    }
    return by_device[device][asset]


def _refuse_overlap(found: RegisterMap, points: Points, site: str) -> None:
    end = points.address + points.width
    clash = (points.unit[1:] == points.unit[:-1]) & (points.address[1:] < end[:-1])
    if clash.any():
        at = int(np.argmax(clash))
        one, two = (found.registers[points.register[k]] for k in (at, at + 1))
        raise ConfigurationError(
            f"map '{found.name}': {one.asset} {one.tag} and {two.asset} {two.tag} both want register "
            f"{points.address[at + 1]} of unit {points.unit[at]} at {site}"
        )
