"""Which requests read a set of registers: neighbours together, within the limits of the device; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from nodeset.fleet import Index

LONGEST_REQUEST: Final = 125  # registers, Modbus Application Protocol 1.1b3, 6.3


@dataclass(frozen=True)
class Region:
    """Contiguous registers of a unit; `offset` is where they begin in the image."""

    unit: int
    address: int
    count: int
    offset: int


@dataclass(frozen=True)
class RequestLimits:
    """What a device bears: registers in one request, unused ones that may be read between, and its pages.

    No request reaches from one page to the next; pages are counted from address 0, and 0 is no pages.
    """

    longest: int = LONGEST_REQUEST
    gap: int = 0
    page: int = 0


@dataclass(frozen=True)
class Spans:
    """Neighbouring registers that belong together, such as the two of a 32-bit value; shape (spans,).

    Sorted by unit and address, without overlap; each is cut by no request.
    """

    unit: Index
    address: Index
    width: Index


def spans_of(unit: Index, address: Index, width: Index) -> Spans:
    """Spans in order, each once."""
    distinct = np.unique(np.stack((unit, address, width)), axis=1)
    return Spans(*distinct)


def coalesced(spans: Spans, gap: int = 0) -> tuple[Region, ...]:
    """Regions with no more than `gap` unused registers in a row."""
    if not spans.unit.size:
        return ()
    unit, address, end = spans.unit, spans.address, spans.address + spans.width
    breaks = np.flatnonzero((unit[1:] != unit[:-1]) | (address[1:] - end[:-1] > gap)) + 1
    regions = []
    offset = 0
    for a, b in zip([0, *breaks], [*breaks, unit.size], strict=True):
        count = int(end[b - 1] - address[a])
        regions.append(Region(int(unit[a]), int(address[a]), count, offset))
        offset += count
    return tuple(regions)


def cut(region: Region, spans: Spans, limits: RequestLimits) -> list[Region]:
    """Requests for a region: as long as may be, from the first register of a span to the last of one."""
    inside = (spans.unit == region.unit) & (spans.address >= region.address)
    inside &= spans.address < region.address + region.count
    starts = spans.address[inside]
    ends = starts + spans.width[inside]
    parts = []
    first = 0
    while first < starts.size:
        start = int(starts[first])
        last = int(np.searchsorted(ends, _farthest(start, limits), side="right")) - 1
        if last < first:
            raise ValueError(f"no request can read all of register {start} of unit {region.unit}")
        end = int(ends[last])
        parts.append(Region(region.unit, start, end - start, region.offset + start - region.address))
        first = last + 1
    return parts


def _farthest(start: int, limits: RequestLimits) -> int:
    """Address behind the last register that a request from `start` may read."""
    farthest = start + limits.longest
    return min(farthest, (start // limits.page + 1) * limits.page) if limits.page else farthest
