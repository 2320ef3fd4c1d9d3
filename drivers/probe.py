"""What the devices behind a gateway answer against a map, for commissioning: asks all once, never writes."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

import numpy as np

from config.settings import Link
from drivers.codec import Image
from drivers.connection import Connection, Limits
from drivers.frames import NotModbusError
from drivers.line import Silence, Unreachable
from drivers.mapfile import FieldMap
from drivers.registers import Plan, plan_of
from drivers.requests import RefusedError, identification_in, identifying, reading, registers_in
from drivers.spans import Region
from drivers.sunspec import DiscoveryError
from drivers.sunspecmap import SunSpecMap
from drivers.sunspecsite import SunSpecSite
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef

_SILENT_TWICE = 2  # requests in a row without an answer, after which a unit is left alone
_IDENTIFICATION = ("vendor", "product", "revision")


class Verdict(StrEnum):
    """What is to be thought of a value."""

    OK = "ok"
    NO_DATA = "no data"
    OUT_OF_RANGE = "out of range"
    NOT_READ = "not read"


@dataclass(frozen=True)
class Reply:
    """What a request brought: registers, or the `problem`. `trip` is its round trip [ms]."""

    region: Region
    registers: tuple[int, ...] | None
    problem: str | None
    refused: bool
    trip: float


@dataclass(frozen=True)
class Item:
    """One value of the map; `tag` is its NodeId's text. Its registers are empty where they were not read."""

    unit: int
    address: int
    registers: tuple[int, ...]
    tag: str
    value: float | None
    text: str
    verdict: Verdict
    remark: str = ""


@dataclass
class Report:
    """What a probe found. `unreachable` says why there was nobody to ask."""

    link: Link
    site: str
    unreachable: str | None = None
    devices: dict[int, str] = field(default_factory=dict)
    identifications: dict[int, dict[str, str]] = field(default_factory=dict)
    replies: list[Reply] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @property
    def in_order(self) -> bool:
        """Whether everything that the map has was answered and can be."""
        return self.unreachable is None and all(
            item.verdict in (Verdict.OK, Verdict.NO_DATA) for item in self.items
        )

    @property
    def heard(self) -> bool:
        """Whether anything was answered, be it with a refusal."""
        return any(reply.registers is not None or reply.refused for reply in self.replies)


class Probe:
    """Asks one gateway as the site that it is to be."""

    def __init__(self, index: TagIndex, found: FieldMap, site: int, link: Link, limits: Limits) -> None:
        self._index, self._map, self._site = index, found, site
        self._connection = Connection(link, limits)
        self._report = Report(link, index.fleet.sites[site].name)

    async def run(self, unit: int | None = None) -> Report:
        """Ask all units of the map, or one; what fails is told in the report."""
        report = self._report
        try:
            plan = await self._plan()
            replies = await self._ask_all(plan, unit)
            report.replies = list(replies.values())
            report.items = list(_items(self._index, plan, replies))
            await self._identify(report)
        except (Unreachable, DiscoveryError) as error:
            report.unreachable = str(error)
        finally:
            self._connection.close()
        return report

    async def _plan(self) -> Plan:
        """The map's plan, or what the devices tell of themselves."""
        if not isinstance(self._map, SunSpecMap):
            return plan_of(self._index, self._map, self._site)
        site = SunSpecSite(self._index, self._map, self._site)
        try:
            plan = await site.discover(self._registers)
        except Unreachable:
            raise
        except Silence as silence:
            raise DiscoveryError(str(silence)) from None
        self._report.devices = {unit: str(device) for unit, device in site.devices.items()} | site.reasons
        return plan

    async def _registers(self, region: Region) -> list[int] | None:
        try:
            pdu = await self._connection.ask(reading("holding", region))
        except RefusedError:
            return None
        return [int(register) for register in registers_in(pdu)]

    async def _ask_all(self, plan: Plan, only: int | None) -> dict[int, Reply]:
        """Replies by number of the request."""
        replies = {}
        asked = [(i, region) for i, region in enumerate(plan.requests) if only in (None, region.unit)]
        for _, of_unit in groupby(asked, key=lambda one: one[1].unit):
            silent = 0
            for i, region in of_unit:
                if silent == _SILENT_TWICE:
                    replies[i] = Reply(region, None, "not asked, the unit is silent", False, 0.0)
                    continue
                replies[i] = await self._ask(plan.table, region)
                answered = replies[i].registers is not None or replies[i].refused
                silent = 0 if answered else silent + 1
        return replies

    async def _ask(self, table: str, region: Region) -> Reply:
        began = clock.perf_counter()
        registers, problem, refused = None, None, False
        try:
            pdu = await self._connection.ask(reading(table, region))
            registers = tuple(int(register) for register in registers_in(pdu))
        except RefusedError as refusal:
            problem, refused = f"refused with {refusal}", True
        except Unreachable:
            if not self._connection.answers and not self._connection.errors > 1:
                raise
            problem = "no connection any more"
        except Silence as silence:
            problem = str(silence)
        return Reply(region, registers, problem, refused, 1000.0 * (clock.perf_counter() - began))

    async def _identify(self, report: Report) -> None:
        """Ask units that answer for vendor, product and revision; few devices tell."""
        for unit in sorted({reply.region.unit for reply in report.replies if reply.registers is not None}):
            try:
                objects = identification_in(await self._connection.ask(identifying(unit)))
            except (RefusedError, Silence, NotModbusError):
                continue
            named = {name: objects[i] for i, name in enumerate(_IDENTIFICATION) if objects.get(i)}
            if named:
                report.identifications[unit] = named


def _items(index: TagIndex, plan: Plan, replies: dict[int, Reply]) -> Iterator[Item]:
    """A value each, in order of unit and address."""
    image: Image = plan.blank.copy()
    answered = np.zeros(len(plan.requests), np.bool_)
    for i, reply in replies.items():
        if reply.registers is not None:
            region = reply.region
            image[region.offset : region.offset + region.count] = reply.registers
            answered[i] = True
    readings = plan.decode(image, answered, 0)
    found = {
        int(row): (float(value), int(status))
        for row, value, status in zip(readings.rows, readings.value, readings.status, strict=True)
    }
    for point, (offset, width) in enumerate(zip(*_places(plan), strict=True)):
        number = int(plan.request_of_point[point])
        if number not in replies:
            continue
        region, row = plan.requests[number], int(plan.rows[point])
        raw = tuple(int(each) for each in image[offset : offset + width]) if answered[number] else ()
        address = region.address + int(offset) - region.offset
        value, text, verdict, remark = _judged(index, row, found.get(row), replies[number])
        yield Item(region.unit, address, raw, index.identifier(row), value, text, verdict, remark)


def _places(plan: Plan) -> tuple[list[int], list[int]]:
    """Where each point's registers begin in the image, and how many it has."""
    offset, width = [0] * plan.rows.size, [1] * plan.rows.size
    for group in plan.groups:
        for point, place in zip(group.points, group.offset, strict=True):
            offset[point], width[point] = int(place), group.type.width
    return offset, width


def _judged(
    index: TagIndex, row: int, found: tuple[float, int] | None, reply: Reply
) -> tuple[float | None, str, Verdict, str]:
    """Value, its text, verdict and remark."""
    tag, asset = index.locate(row)
    if reply.registers is None:
        return None, "", Verdict.NOT_READ, reply.problem or ""
    if found is None:
        return None, "", Verdict.OUT_OF_RANGE, "no such state"
    value, status = found
    if status != st.GOOD:
        return None, "", Verdict.NO_DATA, ""
    low, high = _range(index, tag, asset)
    remark = "" if low <= value <= high else f"not within {low:g} to {high:g}"
    return value, _text(tag, value), Verdict.OUT_OF_RANGE if remark else Verdict.OK, remark


def _range(index: TagIndex, tag: TagDef, asset: int) -> tuple[float, float]:
    """What a value can be: a jar's by its model, else the tag's EURange."""
    if tag.asset is AssetType.JAR and tag.name in ("Voltage", "Temperature"):
        limits = getattr(index.fleet.jars[asset].model.limits, tag.name.lower())
        return limits.low, limits.high
    return tag.low, tag.high


def _text(tag: TagDef, value: float) -> str:
    if tag.kind is Kind.STATE:
        return tag.states[int(value)]
    return f"{value:.{len(str(tag.scale)) - 1}f}{f' {tag.unit.symbol}' if tag.unit else ''}"
