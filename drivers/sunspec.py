"""SunSpec devices: the marker is looked for, the models are walked, and the map becomes a plan.

    DiscoveryError    this is no SunSpec device, or not one that the map is of; the text says why in a line

Registers are read through `Ask`, so that nothing here knows of connections. Scale factors are read with the
values that they scale, at every scan; a device may change them when it likes.
SunSpec Device Information Model Specification: addresses, marker, walk, and the values that are none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from config.yamlfile import ConfigurationError
from drivers.codec import Order
from drivers.layout import MOST_UNITS, NONE, Points, assets_of_site, devices_of
from drivers.registermap import NoData
from drivers.registers import Plan, Table, assembled
from drivers.spans import Region
from drivers.sunspecmap import HEADER, SunSpecMap, SunSpecRegister
from nodeset import status as st
from nodeset.fleet import AssetType, Index
from nodeset.index import TagIndex

Ask = Callable[[Region], Awaitable[list[int] | None]]  # registers; None where the device refuses

MARKER: Final = (0x5375, 0x6E53)  # SunS
COMMON: Final = 1
END: Final = 0xFFFF
MOST_MODELS: Final = 2_000  # of a device; more is a walk that goes nowhere
_TEXTS: Final = {"manufacturer": (2, 16), "model": (18, 16), "version": (42, 8), "serial": (50, 16)}


class DiscoveryError(Exception):
    """The device is not what the map is of."""


@dataclass(frozen=True)
class Model:
    """A model of a device; `key` orders those of one id."""

    id: int
    address: int
    length: int
    key: tuple[int, ...] = ()

    @property
    def end(self) -> int:
        """Offset behind its last register."""
        return HEADER + self.length


@dataclass(frozen=True)
class SunSpecDevice:
    """What a unit has told of itself."""

    unit: int
    base: int
    models: tuple[Model, ...]
    texts: Mapping[str, str]

    def of(self, model_id: int) -> list[Model]:
        """Models of an id in their order."""
        return sorted((m for m in self.models if m.id == model_id), key=lambda m: m.key)

    def __str__(self) -> str:
        counts = Counter(model.id for model in self.models)
        models = ", ".join(f"{i} x {n}" if n > 1 else str(i) for i, n in counts.items())
        texts = self.texts
        who = " ".join(filter(None, (texts.get("manufacturer"), texts.get("model"))))
        serial, version = texts.get("serial") or "none", texts.get("version") or "none"
        return f"unit {self.unit}: {who}, serial {serial}, version {version}, models {models}"


async def discover(ask: Ask, found: SunSpecMap, unit: int) -> SunSpecDevice:
    """The device behind a unit id; `DiscoveryError` where it is none."""
    base = await _base(ask, found, unit)
    models = [await _ordered(ask, found, unit, model) async for model in _walk(ask, unit, base + len(MARKER))]
    texts: dict[str, str] = {}
    common = next((model for model in models if model.id == COMMON), None)
    if common is not None and common.length >= 64:
        registers = await ask(Region(unit, common.address, HEADER + 64, 0)) or []
        texts = {name: _text(registers[at : at + size]) for name, (at, size) in _TEXTS.items()}
    if not any(register.model in {model.id for model in models} for register in found.registers):
        has = ", ".join(str(model.id) for model in models) or "none"
        raise DiscoveryError(f"unit {unit} has no model of the map '{found.name}' (it has {has})")
    return SunSpecDevice(unit, base, tuple(models), texts)


async def _base(ask: Ask, found: SunSpecMap, unit: int) -> int:
    for base in found.bases:
        if await ask(Region(unit, base, len(MARKER), 0)) == list(MARKER):
            return base
    places = " or ".join(map(str, found.bases))
    raise DiscoveryError(f"unit {unit} has no SunSpec marker 'SunS' at {places}")


async def _walk(ask: Ask, unit: int, address: int) -> AsyncIterator[Model]:
    """The models in the order of their addresses, without the end."""
    for _ in range(MOST_MODELS):
        header = await ask(Region(unit, address, HEADER, 0)) if address <= 0xFFFF - 1 else None
        if header is None:
            raise DiscoveryError(f"unit {unit} has no model at {address}, and no end of its models before")
        model = Model(header[0], address, header[1])
        if model.id == END:
            return
        yield model
        address += model.end
    raise DiscoveryError(f"unit {unit} has over {MOST_MODELS} models")


async def _ordered(ask: Ask, found: SunSpecMap, unit: int, model: Model) -> Model:
    """The model with the numbers that order it among those of its id; else its address does."""
    points = found.models[model.id].order if model.id in found.models else ()
    if not points or max(points) >= model.end:
        return replace(model, key=(model.address,))
    first = min(points)
    registers = await ask(Region(unit, model.address + first, max(points) - first + 1, 0))
    numbers = tuple(registers[point - first] for point in points) if registers else ()
    return replace(model, key=(*numbers, model.address))


def _text(registers: list[int]) -> str:
    """Two characters a register, filled up with NUL."""
    raw = b"".join(register.to_bytes(2, "big") for register in registers)
    return raw.split(b"\0")[0].decode("latin-1").strip()


def units_of(index: TagIndex, found: SunSpecMap, site: int) -> range:
    """Unit ids of the site's devices."""
    devices = assets_of_site(index.fleet, AssetType(found.device.capitalize()), site)
    last = found.first_unit + devices.stop - devices.start
    if last - 1 > MOST_UNITS:
        name = index.fleet.sites[site].name
        raise ConfigurationError(f"map '{found.name}': {name} has more devices than there are unit ids")
    return range(found.first_unit, last)


def resolved(index: TagIndex, found: SunSpecMap, site: int, devices: Mapping[int, SunSpecDevice]) -> Plan:
    """The plan of a site whose units are these devices.

    Rows of its devices that the map has but the device has not are `BAD_CONFIGURATION_ERROR`; rows of units
    that are not among the devices are neither read nor told.
    """
    places = placed(index, found, site, devices)
    _, first = np.unique(places.row, return_index=True)  # stable: the first of a tag's places counts
    chosen = np.sort(first)
    order = chosen[np.lexsort((places.address[chosen], places.unit[chosen]))]
    points = Points(*(column[order] for column in _columns(places)))
    table = Table("holding", Order(), NoData(), found.limits, found.registers)
    plan = assembled(index, site, table, points)
    unit = _mapped(index, found, site)
    rows = [row for row in plan.absent.tolist() if unit.get(row) in devices or row not in unit]
    missing = np.array([row in unit for row in rows], np.bool_)
    status = np.where(missing, np.uint32(st.BAD_CONFIGURATION_ERROR), np.uint32(st.BAD_NOT_CONNECTED))
    return replace(plan, absent=np.array(rows, np.intp), absent_status=status)


def placed(index: TagIndex, found: SunSpecMap, site: int, devices: Mapping[int, SunSpecDevice]) -> Points:
    """Every place of every value that the devices have, in the map's order: more than one for some."""
    places = [
        (
            row,
            unit,
            model.address + at,
            i,
            NONE if register.factor is None else model.address + register.factor,
        )
        for i, register in enumerate(found.registers)
        for row, unit, model, at in _places(index, found, site, register, devices)
    ]
    row, unit, address, register, factor = np.array(places, np.intp).reshape(-1, 5).T
    return Points(row, unit, address, register, factor, np.full(row.size, NONE))


def lacking(index: TagIndex, found: SunSpecMap, site: int, devices: Mapping[int, SunSpecDevice]) -> list[str]:
    """What the map has and the devices have not, a line for each tag."""
    there = set(placed(index, found, site, devices).row.tolist())
    missing = Counter(
        "{0.asset} {0.name}".format(index.locate(row)[0])
        for row, unit in _mapped(index, found, site).items()
        if unit in devices and row not in there
    )
    return [f"{what} of {n}" for what, n in sorted(missing.items())]


def _places(
    index: TagIndex,
    found: SunSpecMap,
    site: int,
    register: SunSpecRegister,
    devices: Mapping[int, SunSpecDevice],
) -> Iterator[tuple[int, int, Model, int]]:
    """Row, unit, model and offset of a register's values."""
    holder, position = devices_of(index.fleet, AssetType(found.device.capitalize()), register.asset, site)
    models = {unit: device.of(register.model) for unit, device in devices.items()}
    rows = _rows(index, register.asset, register.tag, site)
    for row, unit, k in zip(rows, (found.first_unit + holder).tolist(), position.tolist(), strict=True):
        own = models.get(unit, [])
        number, at = (0, register.at + k * register.stride) if register.stride else (k, register.at)
        if number < len(own) and at + register.type.width <= own[number].end:
            yield row, unit, own[number], at


def _rows(index: TagIndex, asset: AssetType, tag: str, site: int) -> range:
    assets = assets_of_site(index.fleet, asset, site)
    first = index.slice(asset, tag).start
    return range(first + assets.start, first + assets.stop)


def _mapped(index: TagIndex, found: SunSpecMap, site: int) -> dict[int, int]:
    """Rows of the site that the map has, and the unit id of the device of each."""
    device = AssetType(found.device.capitalize())
    units: dict[int, int] = {}
    for asset, tag in {(register.asset, register.tag) for register in found.registers}:
        holder, _ = devices_of(index.fleet, device, asset, site)
        units |= zip(_rows(index, asset, tag, site), (found.first_unit + holder).tolist(), strict=True)
    return units


def _columns(points: Points) -> tuple[Index, ...]:
    return points.row, points.unit, points.address, points.register, points.factor, points.clock
