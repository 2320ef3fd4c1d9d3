"""Where the tags of one site stand behind its gateway: unit id and address of every value.

Pure arithmetic over the fleet's topology. The devices of a site (its systems, say) have the unit ids
1, 2, ...; assets within a device follow each other by the map's stride. What belongs to more than one device,
such as a site's own tags, stands in the first of them. Jars in blocks of so many go on in the next unit id,
or some registers on.
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
NONE = -1  # no clock, no scale factor


@dataclass(frozen=True)
class Points:
    """All values of a site, shape (points,), in order of unit and address.

    `register` is the position of each value's register in the map, `factor` the address of its scale factor,
    `clock` the position of the clock that its device measures by.
    """

    row: Index
    unit: Index
    address: Index
    register: Index
    factor: Index
    clock: Index


@dataclass(frozen=True)
class ClockPlaces:
    """Where the clocks of a site's devices stand, shape (clocks,)."""

    unit: Index
    address: Index


def points_of(index: TagIndex, found: RegisterMap, site: int) -> tuple[Points, ClockPlaces]:
    """Place a site's values and clocks; `ConfigurationError` where the map has no room for them."""
    blocks = [_block(index, found, site, i, r) for i, r in enumerate(found.registers)]
    row, unit, address, register, block = np.concatenate(blocks, axis=1)
    clocks, clock = _clocks(found, unit, block, register)
    order = np.lexsort((address, unit))
    columns = (row, unit, address, register, np.full(row.size, NONE), clock)
    points = Points(*(column[order] for column in columns))
    _refuse(found, points, clocks, index.fleet.sites[site].name)
    return points, clocks


def assets_of_site(fleet: Fleet, asset: AssetType, site: int) -> slice:
    """The assets of a type at a site."""
    spans = {
        AssetType.SITE: slice(site, site + 1),
        AssetType.SYSTEM: fleet.sites[site].systems,
        AssetType.STRING: fleet.strings_of_site(site),
        AssetType.JAR: fleet.jars_of_site(site),
    }
    return spans[asset]


def devices_of(fleet: Fleet, device: AssetType, asset: AssetType, site: int) -> tuple[Index, Index]:
    """Device of each asset of a type at a site, from 0, and the asset's position in it, from 0."""
    first = assets_of_site(fleet, device, site).start
    holder = _device(fleet, device, asset)[assets_of_site(fleet, asset, site)] - first
    return holder, np.arange(holder.size) - np.searchsorted(holder, holder)


def _block(index: TagIndex, found: RegisterMap, site: int, i: int, register: Register) -> NDArray[np.intp]:
    """Row, unit, address, register and block of one tag's values, shape (5, assets)."""
    kind = AssetType((register.device or found.device).capitalize())
    device, position = devices_of(index.fleet, kind, register.asset, site)
    unit = (register.first_unit or found.first_unit) + _units_before(index.fleet, found, kind, site)[device]
    assets = assets_of_site(index.fleet, register.asset, site)
    rows = np.arange(assets.start, assets.stop) + index.slice(register.asset, register.tag).start
    block = np.zeros_like(position)
    if found.blocks and register.asset is AssetType.JAR:
        block, position = np.divmod(position, found.blocks.jars)
    address = register.address + register.step * position
    if found.blocks and found.blocks.next == "unit":
        unit = unit + block
    elif found.blocks:
        address = address + int(found.blocks.next) * block
    return np.array((rows, unit, address, np.full(rows.size, i), block), np.intp)


def _units_before(fleet: Fleet, found: RegisterMap, kind: AssetType, site: int) -> Index:
    """Unit ids that the devices before each one take: one each, or one for every block of jars."""
    jars = np.bincount(devices_of(fleet, kind, AssetType.JAR, site)[0])
    units = np.ones_like(jars)
    if found.blocks and found.blocks.next == "unit":
        units = -(-jars // found.blocks.jars)
    return np.concatenate(([0], np.cumsum(units)[:-1])).astype(np.intp)


def _clocks(found: RegisterMap, unit: Index, block: Index, register: Index) -> tuple[ClockPlaces, Index]:
    """The clocks of the units, or of their blocks, and which of them each value has."""
    nowhere = np.full(unit.size, NONE)
    if found.time is None:
        return ClockPlaces(nowhere[:0], nowhere[:0]), nowhere
    own = np.array([each.device is None for each in found.registers])[register]
    part = block if found.time.each == "block" else np.zeros_like(block)
    keys, clock = np.unique(np.stack((unit, part))[:, own], axis=1, return_inverse=True)
    step = int(found.blocks.next) if found.blocks and found.blocks.next != "unit" else 0
    nowhere[own] = clock.reshape(-1)
    return ClockPlaces(keys[0], found.time.address + step * keys[1]), nowhere


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


def _refuse(found: RegisterMap, points: Points, clocks: ClockPlaces, site: str) -> None:
    """`ConfigurationError` for units and addresses that there are not, and for registers wanted twice."""
    widths = np.array([register.type.width for register in found.registers])[points.register]
    time = found.time.kind.width if found.time else 0
    what = [f"{r.asset} {r.tag}" for r in found.registers] + ["the time"]
    unit = np.concatenate((points.unit, clocks.unit))
    address = np.concatenate((points.address, clocks.address))
    width = np.concatenate((widths, np.full(clocks.unit.size, time)))
    holder = np.concatenate((points.register, np.full(clocks.unit.size, len(what) - 1)))
    order = np.lexsort((address, unit))
    unit, address, width, holder = unit[order], address[order], width[order], holder[order]
    end = address + width
    if unit.max() > MOST_UNITS:
        raise _fault(found, f"{site} has {unit.max()} devices; a gateway has {MOST_UNITS} unit ids")
    if end.max() > ADDRESSES:
        raise _fault(found, f"a device of {site} needs addresses over {ADDRESSES - 1}")
    clash = (unit[1:] == unit[:-1]) & (address[1:] < end[:-1])
    if clash.any():
        k = int(np.argmax(clash))
        both = f"{what[holder[k]]} and {what[holder[k + 1]]}"
        raise _fault(found, f"{both} both want register {address[k + 1]} of unit {unit[k]} at {site}")
    split = (address // found.page != (end - 1) // found.page) if found.page else np.zeros(0, np.bool_)
    if split.any():
        k = int(np.argmax(split))
        raise _fault(found, f"{what[holder[k]]} at register {address[k]} crosses a page of {found.page}")


def _fault(found: RegisterMap, message: str) -> ConfigurationError:
    return ConfigurationError(f"map '{found.name}': {message}")
