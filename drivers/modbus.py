"""Modbus gateways as a source of readings: one a site, all read at once, each over its own connection.

A gateway that is off, slow or talks nonsense costs its own rows and nothing else. A scan waits for the
gateways that usually answer in time, and never longer than its share of the period; what comes later comes
with the next scan.
"""

from __future__ import annotations

import asyncio
from typing import Final

from config.settings import Modbus
from drivers.backoff import Backoff
from drivers.connection import Limits
from drivers.gateway import Gateway
from drivers.mapfile import FieldMap, read_map
from drivers.registermap import RegisterMap
from drivers.registers import Plan, plan_of
from drivers.setpoint import SetPoint, set_points_of
from drivers.statistics import readings_of
from drivers.sunspecmap import SunSpecMap
from drivers.sunspecsite import SunSpecSite
from nodeset import status as st
from nodeset.frame import Readings
from nodeset.index import TagIndex

PERIOD: Final = 5.0  # s


class ModbusSource:
    """Readings of the whole fleet from its gateways; implements `drivers.source.Source`."""

    def __init__(
        self, index: TagIndex, settings: Modbus, backoff: Backoff | None = None, period: float = PERIOD
    ) -> None:
        """`period` [s] is the scan's."""
        names = [site.name for site in index.fleet.sites]
        links = settings.links(names)
        maps = {name: read_map(name) for name in {link.map for link in links}}
        fixed = [found for found in maps.values() if isinstance(found, RegisterMap)]
        cycles = [found.time.frozen_after for found in fixed if found.time]
        self.longest_cycle = max(cycles, default=0.0)  # s for which devices may say the same time
        limits = Limits(settings.connect_timeout, settings.timeout, settings.in_flight)
        backoff = backoff or Backoff(longest=settings.longest_pause)
        gateways = []
        self._index = index
        self._limit = settings.scan_share / 100.0 * period
        self._set_points: dict[int, tuple[Gateway, SetPoint]] = {}
        for i, (name, link) in enumerate(zip(names, links, strict=True)):
            found = maps[link.map]
            gateway = Gateway(name, link, _known(index, found, i), limits, backoff)
            gateways.append(gateway)
            points = set_points_of(index, gateway.plan)
            self._set_points |= {point.row: (gateway, point) for point in points}
        self.gateways = tuple(gateways)

    async def connect(self) -> None:
        """Reach for all gateways at once."""
        await asyncio.gather(*(gateway.connect() for gateway in self.gateways))

    async def read(self, time: int) -> Readings:
        """Readings of all gateways that answer, for the scan at `time` [µs]."""
        rounds = {}
        for gateway in self.gateways:
            if (begun := gateway.begin(time)) is not None:
                rounds[begun] = gateway.patience(self._limit)
        await _settle(rounds)
        parts = [gateway.take(time) for gateway in self.gateways]
        statistics = [gateway.statistics for gateway in self.gateways]
        absent = [gateway.plan.absent_readings(time) for gateway in self.gateways]
        return Readings.joined([*parts, *absent, readings_of(self._index, statistics, time)])

    async def write(self, row: int, value: float) -> int:
        """Write the set-point in `row` and read it back; the StatusCode of the outcome."""
        found = self._set_points.get(row)
        if found is None:
            return st.BAD_NOT_WRITABLE  # the map has no register for it
        gateway, point = found
        if not point.holds(value):
            return st.BAD_OUT_OF_RANGE
        return await gateway.write(point, value)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(gateway.close() for gateway in self.gateways))


def _known(index: TagIndex, found: FieldMap, site: int) -> Plan | SunSpecSite:
    return SunSpecSite(index, found, site) if isinstance(found, SunSpecMap) else plan_of(index, found, site)


async def _settle(rounds: dict[asyncio.Task[None], float]) -> None:
    """Wait until each round is over, or has had its time [s]."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    waiting = set(rounds)
    while True:
        left = {task: began + rounds[task] - loop.time() for task in waiting}
        waiting = {task for task, seconds in left.items() if seconds > 0}
        if not waiting:
            return
        _, waiting = await asyncio.wait(waiting, timeout=min(left[task] for task in waiting))
