"""Registers and values: which requests read a site, and how its registers turn into tags and back.

Pure. All registers of a site stand in one array of uint16, its image: the contiguous regions of its units
one after the other. A driver fills the image from answers and decodes it; a simulated gateway encodes one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.layout import Points, points_of
from drivers.registermap import RegisterMap, RegisterType
from nodeset import status as st
from nodeset.fleet import Index
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import Kind

Image = NDArray[np.uint16]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LONGEST_REQUEST: Final = 125  # registers, Modbus Application Protocol 1.1b3, 6.3


@dataclass(frozen=True)
class Region:
    """Contiguous registers of a unit; `offset` is where they begin in the image."""

    unit: int
    address: int
    count: int
    offset: int


@dataclass(frozen=True)
class Group:
    """Values of one register type: their place among the points, in the image, and their steps a unit.

    `highest` is the last state of a discrete value; NaN for an analogue one.
    """

    type: RegisterType
    no_data: int
    points: Index
    offset: Index
    steps: Floats
    highest: Floats


@dataclass(frozen=True)
class Plan:
    """Everything that is known beforehand about reading one site."""

    table: str
    high_first: bool
    rows: Index
    units: Index
    request_of_point: Index
    requests: tuple[Region, ...]
    regions: tuple[Region, ...]
    groups: tuple[Group, ...]
    size: int

    def decode(self, image: Image, answered: Flags, time: int) -> Readings:
        """Readings at `time` [µs] from an image whose requests were `answered`, shape (requests,).

        A no-data value is `BAD_SENSOR_FAILURE`; values of unanswered requests and states that do not
        exist are left out.
        """
        value = np.zeros(self.rows.size)
        status = np.full(self.rows.size, st.GOOD, np.uint32)
        here = answered[self.request_of_point]
        for group in self.groups:
            raw = joined(image, group, self.high_first)
            number = NUMBERS[group.type](raw) / group.steps
            dead = (raw == group.no_data) | ~np.isfinite(number)
            value[group.points] = np.where(dead, 0.0, number)
            status[group.points[dead]] = st.BAD_SENSOR_FAILURE
            here[group.points] &= dead | ~_impossible(number, group.highest)
        return Readings(self.rows[here], value[here], status[here], np.full(int(here.sum()), time, np.int64))

    def encode(self, value: Floats, valid: Flags) -> Image:
        """The image of values of the points, shape (points,); no data where not `valid`."""
        image = np.zeros(self.size, np.uint16)
        for group in self.groups:
            number = value[group.points] * group.steps
            good = valid[group.points] & np.isfinite(number)
            raw = RAWS[group.type](np.where(good, number, 0.0))
            split(image, group, np.where(good, raw, group.no_data), self.high_first)
        return image


def plan_of(index: TagIndex, found: RegisterMap, site: int) -> Plan:
    """The plan of a site."""
    points = points_of(index, found, site)
    regions = coalesced(points.unit, points.address, points.width)
    requests = tuple(part for region in regions for part in _cut(region, points))
    starts = np.array([[r.unit, r.address, r.offset] for r in requests], np.int64)
    request = (
        np.searchsorted(
            starts[:, 0] * 65_536 + starts[:, 1], points.unit * 65_536 + points.address, side="right"
        )
        - 1
    )
    offset = points.address - starts[request, 1] + starts[request, 2]
    return Plan(
        table=found.table,
        high_first=found.word_order == "big",
        rows=points.row,
        units=points.unit,
        request_of_point=request,
        requests=requests,
        regions=regions,
        groups=tuple(_groups(index, found, points, offset)),
        size=sum(region.count for region in regions),
    )


def coalesced(unit: Index, address: Index, width: Index) -> tuple[Region, ...]:
    """Contiguous regions of values that are sorted by unit and address."""
    end = address + width
    breaks = np.flatnonzero((unit[1:] != unit[:-1]) | (address[1:] != end[:-1])) + 1
    regions = []
    offset = 0
    for a, b in zip([0, *breaks], [*breaks, unit.size], strict=True):
        count = int(end[b - 1] - address[a])
        regions.append(Region(int(unit[a]), int(address[a]), count, offset))
        offset += count
    return tuple(regions)


def _cut(region: Region, points: Points) -> list[Region]:
    """Requests for a region: as long as may be, and no value cut in two."""
    inside = (points.unit == region.unit) & (points.address >= region.address)
    inside &= points.address < region.address + region.count
    ends = (points.address + points.width)[inside]
    parts = []
    start, last = region.address, region.address + region.count
    while start < last:
        fitting = ends[(ends > start) & (ends <= start + LONGEST_REQUEST)]
        end = int(fitting[-1])
        offset = region.offset + start - region.address
        parts.append(Region(region.unit, start, end - start, offset))
        start = end
    return parts


def _groups(index: TagIndex, found: RegisterMap, points: Points, offset: Index) -> list[Group]:
    groups = []
    tags = {tag.key: tag for tag in index.tags}
    types = np.array([register.type.value for register in found.registers])[points.register]
    steps = np.array([1.0 / register.scale for register in found.registers])[points.register]
    states = [
        tag.high if (tag := tags[r.asset, r.tag]).kind is Kind.STATE else np.nan for r in found.registers
    ]
    highest = np.array(states)[points.register]
    for kind in RegisterType:
        at = np.flatnonzero(types == kind.value)
        if at.size:
            groups.append(Group(kind, found.no_data.of(kind), at, offset[at], steps[at], highest[at]))
    return groups


def _impossible(number: Floats, highest: Floats) -> Flags:
    """Where a discrete value is no state at all; comparisons with NaN leave analogue values alone."""
    wrong: Flags = (number > highest) | ((number < 0.0) & ~np.isnan(highest))
    return wrong


def joined(image: Image, group: Group, high_first: bool) -> NDArray[np.uint32]:
    """Raw numbers of a group from an image."""
    first = image[group.offset].astype(np.uint32)
    if group.type.width == 1:
        return first
    second = image[group.offset + 1].astype(np.uint32)
    high, low = (first, second) if high_first else (second, first)
    return (high << np.uint32(16)) | low


def split(image: Image, group: Group, raw: NDArray[np.uint32], high_first: bool) -> None:
    """Put raw numbers of a group into an image."""
    if group.type.width == 1:
        image[group.offset] = raw
        return
    high, low = (raw >> 16).astype(np.uint16), (raw & 0xFFFF).astype(np.uint16)
    image[group.offset] = high if high_first else low
    image[group.offset + 1] = low if high_first else high


def _whole(low: int, high: int) -> Callable[[Floats], NDArray[np.uint32]]:
    """Nearest whole number within a range, two's complement; the range leaves out the usual no-data value."""

    def raw(number: Floats) -> NDArray[np.uint32]:
        mask = 0xFFFF if high <= 0xFFFF else 0xFFFF_FFFF
        return (np.clip(np.round(number), low, high).astype(np.int64) & mask).astype(np.uint32)

    return raw


def _floating(number: Floats) -> NDArray[np.uint32]:
    largest = float(np.finfo(np.float32).max)
    raw: NDArray[np.uint32] = np.clip(number, -largest, largest).astype(np.float32).view(np.uint32)
    return raw


NUMBERS: Final[dict[RegisterType, Callable[[NDArray[np.uint32]], Floats]]] = {
    RegisterType.U16: lambda raw: raw.astype(np.float64),
    RegisterType.S16: lambda raw: raw.astype(np.uint16).view(np.int16).astype(np.float64),
    RegisterType.U32: lambda raw: raw.astype(np.float64),
    RegisterType.S32: lambda raw: raw.view(np.int32).astype(np.float64),
    RegisterType.F32: lambda raw: raw.view(np.float32).astype(np.float64),
}
RAWS: Final[dict[RegisterType, Callable[[Floats], NDArray[np.uint32]]]] = {
    RegisterType.U16: _whole(0, 0xFFFE),
    RegisterType.S16: _whole(-0x7FFF, 0x7FFF),
    RegisterType.U32: _whole(0, 0xFFFF_FFFE),
    RegisterType.S32: _whole(-0x7FFF_FFFF, 0x7FFF_FFFF),
    RegisterType.F32: _floating,
}
