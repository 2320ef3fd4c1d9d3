"""SunSpec devices that the simulator serves: the marker, a map's models one by one, and their end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from config.yamlfile import ConfigurationError
from drivers.codec import Image, Order
from drivers.layout import ADDRESSES, assets_of_site, devices_of
from drivers.registermap import NoData
from drivers.registers import Plan, Table, asked
from drivers.spans import Region
from drivers.sunspec import COMMON, END, MARKER, Model, SunSpecDevice, placed, units_of
from drivers.sunspecmap import HEADER, SunSpecMap, SunSpecModel, SunSpecRegister
from nodeset.fleet import AssetType, Index
from nodeset.index import TagIndex

_COMMON_LENGTH: Final = 66
_NO_VALUE: Final = 0xFFFF
_NO_SIGNED_VALUE: Final = 0x8000
_MANUFACTURER: Final = "Voltkeep"
_MODEL: Final = "Simulated battery"


def served_plan(index: TagIndex, found: SunSpecMap, site: int) -> Plan:
    """The plan of a site's simulated devices: every register between marker and end is there."""
    served = _Site(index, found, site)
    devices = {unit: served.device(unit) for unit in units_of(index, found, site)}
    images = [served.blank(device) for device in devices.values()]
    offsets = np.cumsum([0, *(image.size for image in images)]).tolist()
    regions = tuple(
        Region(device.unit, device.base, image.size, offset)
        for device, image, offset in zip(devices.values(), images, offsets, strict=False)
    )
    table = Table("holding", Order(), NoData(), found.limits, found.registers)
    plan = asked(index, site, table, placed(index, found, site, devices), regions, regions)
    return replace(plan, blank=np.concatenate(images))


@dataclass(frozen=True)
class _Site:
    """What is served of one site."""

    index: TagIndex
    map: SunSpecMap
    site: int

    def device(self, unit: int) -> SunSpecDevice:
        """Where the models of a device stand; `ConfigurationError` where they have no room."""
        lengths = list(self._lengths(unit))
        size = len(MARKER) + sum(HEADER + length for _, length in lengths) + HEADER
        base = next((base for base in self.map.bases if base + size <= ADDRESSES), None)
        if base is None:
            name = self.index.fleet.sites[self.site].name
            raise ConfigurationError(f"map '{self.map.name}': unit {unit} of {name} needs {size} registers")
        address, models = base + len(MARKER), []
        for number, (model_id, length) in enumerate(lengths):
            models.append(Model(model_id, address, length, (number,)))
            address += HEADER + length
        return SunSpecDevice(unit, base, tuple(models), {})

    def blank(self, device: SunSpecDevice) -> Image:
        """All registers of a device, without its values."""
        parts = [np.array(MARKER, np.uint16), self._common(device.unit)]
        for model_id in dict.fromkeys(model.id for model in device.models if model.id != COMMON):
            about = self.map.models[model_id]
            for k, model in enumerate(device.of(model_id)):
                registers = _filled(model, about)
                numbers = self._numbers(device.unit, model_id, k)
                registers[list(about.order)] = numbers[: len(about.order)]
                parts.append(registers)
        return np.concatenate([*parts, np.array((END, 0), np.uint16)])

    def _lengths(self, unit: int) -> Iterator[tuple[int, int]]:
        """Id and length of a device's models: the common one, then one for each asset or one for all."""
        yield COMMON, _COMMON_LENGTH
        for model_id, model in sorted(self.map.models.items()):
            register = self._register(model_id)
            if register is None:
                continue
            assets = int((self._units(register.asset) == unit).sum())
            if register.stride:
                yield model_id, model.length + assets * model.group
            else:
                yield from [(model_id, model.length)] * assets

    def _register(self, model_id: int) -> SunSpecRegister | None:
        """A register that shows which assets have a model."""
        return next((register for register in self.map.registers if register.model == model_id), None)

    def _units(self, asset: AssetType) -> Index:
        """Unit id of the device of each asset of a type."""
        holder, _ = devices_of(self.index.fleet, self._kind, asset, self.site)
        return self.map.first_unit + holder

    def _numbers(self, unit: int, model_id: int, k: int) -> list[int]:
        """What numbers the k-th model of an id, from 1: a string's place, or a jar's string and its place."""
        register = self._register(model_id)
        if register is None or register.asset is not AssetType.JAR:
            return [k + 1]
        fleet = self.index.fleet
        jars = np.flatnonzero(self._units(AssetType.JAR) == unit) + fleet.jars_of_site(self.site).start
        first = fleet.string_of_jar[jars[0]]
        return [int(fleet.string_of_jar[jars[k]] - first) + 1, fleet.jars[jars[k]].position]

    def _common(self, unit: int) -> Image:
        """Model 1: who made the device, and which one it is."""
        span = assets_of_site(self.index.fleet, self._kind, self.site)
        asset = self.index.fleet.assets(self._kind)[span.start + unit - self.map.first_unit]
        registers = np.zeros(HEADER + _COMMON_LENGTH, np.uint16)
        registers[:HEADER] = COMMON, _COMMON_LENGTH
        for at, text in ((2, _MANUFACTURER), (18, _MODEL), (50, asset.path)):
            registers[at : at + 16] = np.frombuffer(text.encode()[:32].ljust(32, b"\0"), ">u2")
        registers[66:] = unit, _NO_SIGNED_VALUE
        return registers

    @property
    def _kind(self) -> AssetType:
        return AssetType(self.map.device.capitalize())


def _filled(model: Model, about: SunSpecModel) -> Image:
    """A model whose points have no value but for what never changes."""
    registers = np.full(model.end, _NO_VALUE, np.uint16)
    registers[:HEADER] = model.id, model.length
    first = HEADER + about.length
    groups = (model.length - about.length) // about.group if about.group else 0
    for point in about.signed:
        repeats = groups if point >= first else 1
        registers[[point + g * about.group for g in range(repeats)]] = _NO_SIGNED_VALUE
    for point, number in about.constants.items():
        registers[point] = number & 0xFFFF
    if about.count is not None:
        registers[about.count] = groups
    return registers
