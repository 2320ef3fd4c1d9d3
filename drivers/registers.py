"""Registers and values: which requests read a site, and how its registers turn into tags and back.

Pure. All registers of a site stand in one array of uint16, its image: the contiguous regions of its units
one after the other. A driver fills the image from answers and decodes it; a simulated gateway encodes one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from drivers.codec import Floats, Image, Order, Raw, RegisterType, joined, number_of, raw_of, split
from drivers.deviceclock import ClockState, DeviceClocks
from drivers.layout import NONE, ClockPlaces, Points, assets_of_site, points_of
from drivers.registermap import NoData, RegisterMap, TimeRegister, Value
from drivers.spans import Region, RequestLimits, Spans, coalesced, cut, spans_of
from nodeset import status as st
from nodeset.fleet import Index
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import TAG_OF, Origin

Flags = NDArray[np.bool_]

LARGEST_EXPONENT: Final = 10  # of a scale factor, SunSpec Information Model Specification: sunssf


@dataclass(frozen=True)
class Group:
    """Values of one register type: their place among the points, in the image, and their steps a unit.

    `base` is what a raw 0 stands for; `highest` the last state of a discrete value, NaN for others. Values
    whose step is a power of ten that the device tells have the place of that `factor` in the image, and of
    the request that reads it.
    """

    type: RegisterType
    order: Order
    points: Index
    offset: Index
    no_data: Raw
    steps: Floats
    base: Floats
    highest: Floats
    factor: Index | None = None
    factor_request: Index | None = None

    def numbers(self, image: Image) -> tuple[Floats, Flags]:
        """Values in their unit, and where there is one."""
        raw = joined(image, self.offset, self.type, self.order)
        steps, known = self._steps(image)
        number = (number_of(raw, self.type) + self._shift(steps)) / steps
        return number, (raw != self.no_data) & np.isfinite(number) & known

    def put(self, image: Image, number: Floats, valid: Flags) -> None:
        """Put values into an image; no data where not `valid`."""
        steps, known = self._steps(image)
        steps_of_value = number * steps - self._shift(steps)
        good = valid & known & np.isfinite(steps_of_value)
        raw = raw_of(np.where(good, steps_of_value, 0.0), self.type)
        split(image, self.offset, self.type, self.order, np.where(good, raw, self.no_data))

    def _shift(self, steps: Floats) -> Floats:
        """Steps from a raw 0 to 0 in the unit; -273.15 °C is -27315 hundredths, and not a little less."""
        return np.round(self.base * steps, 9)

    def _steps(self, image: Image) -> tuple[Floats, Flags]:
        """Steps a unit, and where they are known."""
        if self.factor is None:
            return self.steps, np.ones(self.steps.size, np.bool_)
        exponent = image[self.factor].view(np.int16).astype(np.float64)
        known = np.abs(exponent) <= LARGEST_EXPONENT
        return self.steps * 10.0 ** -np.where(known, exponent, 0.0), known


@dataclass(frozen=True)
class Translation:
    """A discrete value whose raw numbers are not its states: what each raw number, in order, stands for."""

    points: Index
    raw: Floats
    state: Floats


@dataclass(frozen=True)
class ClockPlan:
    """The clocks of a site's devices: places in the image and among the requests, and each point's clock."""

    register: TimeRegister
    order: Order
    unit: Index
    offset: Index
    request: Index
    of_point: Index

    def seconds(self, image: Image) -> Floats:
        """What the clocks say [s since 1970], NaN for nothing."""
        raw = joined(image, self.offset, self.register.kind, self.order)
        none = np.uint64(NoData().of(self.register.kind))
        return np.where(raw == none, np.nan, number_of(raw, self.register.kind))

    def put(self, image: Image, time: int) -> None:
        """Set all clocks to `time` [µs]."""
        seconds = np.full(self.offset.size, time / 1e6 + self.register.utc_offset * 3600.0)
        raw = raw_of(np.floor(seconds), self.register.kind)
        split(image, self.offset, self.register.kind, self.order, raw)


@dataclass(frozen=True)
class Plan:
    """Everything that is known about reading one site before it is read.

    `absent` are the site's measured rows that no register feeds, and `absent_status` says why. `blank` is the
    image of a device that has no values.
    """

    table: str
    rows: Index
    units: Index
    request_of_point: Index
    requests: tuple[Region, ...]
    regions: tuple[Region, ...]
    groups: tuple[Group, ...]
    translations: tuple[Translation, ...]
    clocks: ClockPlan | None
    absent: Index
    absent_status: NDArray[np.uint32]
    blank: Image

    @property
    def size(self) -> int:
        """Registers of the image."""
        return self.blank.size

    def new_clocks(self) -> DeviceClocks | None:
        """A memory for the clocks of the site's devices, None where they have none."""
        return DeviceClocks(self.clocks.register, self.clocks.unit) if self.clocks else None

    def decode(
        self, image: Image, answered: Flags, time: int, clocks: DeviceClocks | None = None
    ) -> Readings:
        """Readings at `time` [µs] from an image whose requests were `answered`, shape (requests,).

        A no-data value is `BAD_SENSOR_FAILURE`; values of unanswered requests, states that do not exist and
        values of a frozen clock are left out. `clocks` are of the plan's devices; without them, all values
        are as of the scan.
        """
        value = np.zeros(self.rows.size)
        live = np.zeros(self.rows.size, np.bool_)
        here = answered[self.request_of_point]
        for group in self.groups:
            number, known = group.numbers(image)
            value[group.points] = np.where(known, number, 0.0)
            live[group.points] = known
            here[group.points] &= ~known | ~_impossible(number, group.highest)
            if group.factor_request is not None:
                here[group.points] &= answered[group.factor_request]
        for each in self.translations:
            at = np.minimum(np.searchsorted(each.raw, value[each.points]), each.raw.size - 1)
            here[each.points] &= ~live[each.points] | (each.raw[at] == value[each.points])
            value[each.points] = np.where(live[each.points], each.state[at], 0.0)
        times = self._times(image, answered, time, clocks, here)
        status = np.where(live, np.uint32(st.GOOD), np.uint32(st.BAD_SENSOR_FAILURE))
        return Readings(self.rows[here], value[here], status[here], times[here])

    def encode(self, value: Floats, valid: Flags, time: int = 0) -> Image:
        """The image of values of the points, shape (points,), at `time` [µs]; no data where not `valid`."""
        image = self.blank.copy()
        value, valid = value.copy(), valid.copy()
        for each in self.translations:
            at = np.argmax(each.state[np.newaxis] == value[each.points, np.newaxis], axis=1)
            valid[each.points] &= each.state[at] == value[each.points]
            value[each.points] = each.raw[at]
        for group in self.groups:
            group.put(image, value[group.points], valid[group.points])
        if self.clocks is not None:
            self.clocks.put(image, time)
        return image

    def absent_readings(self, time: int) -> Readings:
        """What is to be said at `time` [µs] of rows that no register feeds."""
        n = self.absent.size
        return Readings(self.absent, np.zeros(n), self.absent_status, np.full(n, time, np.int64))

    def _times(
        self, image: Image, answered: Flags, time: int, clocks: DeviceClocks | None, here: Flags
    ) -> NDArray[np.int64]:
        """Source times of all points; those of a frozen clock are taken out of `here`."""
        times = np.full(self.rows.size, time, np.int64)
        if self.clocks is None or clocks is None:
            return times
        judged = clocks.judge(self.clocks.seconds(image), answered[self.clocks.request], time)
        of_point = self.clocks.of_point
        has = of_point != NONE
        times[has] = judged[of_point[has]]
        here[has] &= clocks.states[of_point[has]] != ClockState.FROZEN
        return times


@dataclass(frozen=True)
class Table:
    """What of a map goes for all its values."""

    table: str
    order: Order
    no_data: NoData
    limits: RequestLimits
    values: Sequence[Value]


def plan_of(index: TagIndex, found: RegisterMap, site: int) -> Plan:
    """The plan of a site, for a map with fixed addresses."""
    points, clocks = points_of(index, found, site)
    table = Table(found.table, found.order, found.no_data, found.limits, found.registers)
    return assembled(index, site, table, points, found.time, clocks)


def assembled(
    index: TagIndex,
    site: int,
    table: Table,
    points: Points,
    time: TimeRegister | None = None,
    clocks: ClockPlaces | None = None,
) -> Plan:
    """A plan from values that have their place."""
    width = np.array([value.type.width for value in table.values], np.intp)[points.register]
    spans = _spans(points, width, time, clocks)
    regions = coalesced(spans, table.limits.gap)
    requests = tuple(part for region in regions for part in cut(region, spans, table.limits))
    return asked(index, site, table, points, regions, requests, time, clocks)


def asked(
    index: TagIndex,
    site: int,
    table: Table,
    points: Points,
    regions: tuple[Region, ...],
    requests: tuple[Region, ...],
    time: TimeRegister | None = None,
    clocks: ClockPlaces | None = None,
) -> Plan:
    """A plan whose requests are given; each value is in one of them."""
    where = _Where(requests)
    request, offset = where.find(points.unit, points.address)
    absent = absent_rows(index, site, points.row)
    return Plan(
        table=table.table,
        rows=points.row,
        units=points.unit,
        request_of_point=request,
        requests=requests,
        regions=regions,
        groups=tuple(_groups(table, points, offset, where)),
        translations=tuple(_translations(table, points)),
        clocks=_clock_plan(table, points, time, clocks, where),
        absent=absent,
        absent_status=np.full(absent.size, st.BAD_NOT_CONNECTED, np.uint32),
        blank=np.zeros(sum(region.count for region in regions), np.uint16),
    )


def absent_rows(index: TagIndex, site: int, rows: Index) -> Index:
    """Measured rows of a site that are not among `rows`."""
    spans = []
    for tag in index.tags:
        if tag.origin is Origin.MEASURED:
            assets = assets_of_site(index.fleet, tag.asset, site)
            spans.append(np.arange(assets.start, assets.stop) + index.slice(*tag.key).start)
    return np.setdiff1d(np.concatenate(spans), rows)


class _Where:
    """Finds registers among requests."""

    def __init__(self, requests: Sequence[Region]) -> None:
        starts = np.array([[r.unit, r.address, r.offset] for r in requests], np.int64).reshape(-1, 3)
        self._keys = starts[:, 0] * 65_536 + starts[:, 1]
        self._starts = starts

    def find(self, unit: Index, address: Index) -> tuple[Index, Index]:
        """The request that reads each register, and the register's place in the image."""
        request = np.searchsorted(self._keys, unit * 65_536 + address, side="right") - 1
        return request, address - self._starts[request, 1] + self._starts[request, 2]


def _spans(points: Points, width: Index, time: TimeRegister | None, clocks: ClockPlaces | None) -> Spans:
    """Registers of values, of their scale factors and of clocks."""
    scaled = points.factor != NONE
    unit = [points.unit, points.unit[scaled]]
    address = [points.address, points.factor[scaled]]
    widths = [width, np.ones(int(scaled.sum()), np.intp)]
    if time is not None and clocks is not None:
        unit.append(clocks.unit)
        address.append(clocks.address)
        widths.append(np.full(clocks.unit.size, time.kind.width))
    return spans_of(np.concatenate(unit), np.concatenate(address), np.concatenate(widths))


def _groups(table: Table, points: Points, offset: Index, where: _Where) -> list[Group]:
    groups = []
    types = np.array([value.type.value for value in table.values])[points.register]
    none = [table.no_data.of(v.type) if v.no_data is None else v.no_data for v in table.values]
    no_data = np.array(none, np.uint64)[points.register]
    steps = np.array([value.steps for value in table.values])[points.register]
    base = np.array([value.offset for value in table.values])[points.register]
    highest = np.array([value.highest for value in table.values])[points.register]
    scaled = points.factor != NONE
    factor_request, factor = where.find(points.unit, np.maximum(points.factor, 0))
    for kind in RegisterType:
        for these in (scaled, ~scaled):
            at = np.flatnonzero((types == kind.value) & these)
            if not at.size:
                continue
            group = Group(kind, table.order, at, offset[at], no_data[at], steps[at], base[at], highest[at])
            if these is scaled:
                group = replace(group, factor=factor[at], factor_request=factor_request[at])
            groups.append(group)
    return groups


def _translations(table: Table, points: Points) -> list[Translation]:
    found = []
    for i, value in enumerate(table.values):
        if value.states is None:
            continue
        names = TAG_OF[value.asset, value.tag].states
        pairs = sorted((raw, names.index(state)) for raw, state in value.states.items())
        raw, state = np.array(pairs, np.float64).T
        found.append(Translation(np.flatnonzero(points.register == i), raw, state))
    return found


def _clock_plan(
    table: Table, points: Points, time: TimeRegister | None, clocks: ClockPlaces | None, where: _Where
) -> ClockPlan | None:
    if time is None or clocks is None:
        return None
    request, offset = where.find(clocks.unit, clocks.address)
    return ClockPlan(time, table.order, clocks.unit, offset, request, points.clock)


def _impossible(number: Floats, highest: Floats) -> Flags:
    """Where a discrete value is no state at all; comparisons with NaN leave analogue values alone."""
    wrong: Flags = (number > highest) | ((number < 0.0) & ~np.isnan(highest))
    return wrong
