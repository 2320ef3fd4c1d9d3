"""The simulated plant behind Modbus TCP: one gateway a site, on consecutive ports, with the driver's own map.

A jar or string that does not answer its gateway holds the map's no-data value; a device all of whose values
are lost answers with exception 0x0B, as a gateway does whose target device is silent. Set-points can be
written (function codes 6 and 16), all other registers are read-only. Ports that are taken raise
`ConfigurationError`.
"""

from __future__ import annotations

import asyncio
import logging
import time as clock
from collections.abc import Callable, Collection, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, cast

import numpy as np
import structlog
from pymodbus import ModbusDeviceIdentification
from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from config.fleetfile import read_fleet_file
from config.settings import Link, Settings
from config.yamlfile import ConfigurationError
from drivers.mapfile import FieldMap, read_map
from drivers.registers import Plan, plan_of
from drivers.setpoint import SetPoint, set_points_of
from drivers.spans import Region
from drivers.sunspecmap import SunSpecMap
from nodeset import status as st
from nodeset.fleet import build_fleet
from nodeset.frame import Readings
from nodeset.index import TagIndex
from simulator.plant import Plant
from simulator.sunspec import served_plan

log = structlog.get_logger(__name__)

# pymodbus logs what a stranger's master asks in vain; the exception that it gets is answer enough.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)

PERIOD = 1.0  # s between two updates of the registers
_READ_CODES = {"holding": (3, 6), "input": (4,)}  # pymodbus reads back what function code 6 has written
_FRAMERS = {"tcp": FramerType.SOCKET, "rtu": FramerType.RTU}
_WRITE_CODES = {"holding": (6, 16), "input": ()}

_IDENTITY = ModbusDeviceIdentification(  # type: ignore[no-untyped-call]
    info_name={
        "VendorName": "Voltkeep",
        "ProductCode": "simulated gateway",
        "MajorMinorRevision": version("voltkeep"),
    }
)


@dataclass
class Registers:
    """The registers of one site; pymodbus asks it for values (its `ModbusServerContext` interface)."""

    plan: Plan
    set_points: tuple[SetPoint, ...]
    image: list[int]
    silent: frozenset[int]
    set_point: Callable[[int, float], None]  # row and value

    def put(self, readings: Readings, size: int) -> None:
        """Take readings of the fleet, whose index has `size` rows."""
        value, valid = np.zeros(size), np.zeros(size, np.bool_)
        here = np.zeros(size, np.bool_)
        value[readings.rows] = readings.value
        valid[readings.rows] = st.is_good(readings.status)
        here[readings.rows] = True
        rows, units = self.plan.rows, self.plan.units
        time = int(readings.time.max(initial=0))
        self.image = self.plan.encode(value[rows], valid[rows], time).tolist()
        self.silent = frozenset(np.unique(units).tolist()) - frozenset(units[here[rows]].tolist())

    async def async_getValues(  # noqa: N802 (pymodbus)
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | ExcCodes:
        """Registers of a unit, or the exception with which the gateway refuses."""
        if not self._reaches(device_id):
            return ExcCodes.GATEWAY_NO_RESPONSE
        if func_code not in _READ_CODES[self.plan.table]:
            return ExcCodes.ILLEGAL_FUNCTION
        start = self._offset(device_id, address, count)
        return ExcCodes.ILLEGAL_ADDRESS if start is None else self.image[start : start + count]

    async def async_setValues(  # noqa: N802 (pymodbus)
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        """Write neighbouring set-points, all or none; None, or the exception that refuses."""
        if not self._reaches(device_id):
            return ExcCodes.GATEWAY_NO_RESPONSE
        if func_code not in _WRITE_CODES[self.plan.table]:
            return ExcCodes.ILLEGAL_FUNCTION
        points = self._points(device_id, address, len(values))
        start = self._offset(device_id, address, len(values))
        if start is None or not points:
            return ExcCodes.ILLEGAL_ADDRESS
        wanted = []
        for point in points:
            first = point.address - address
            value = point.value([int(v) for v in values[first : first + point.width]])
            if not point.holds(value):
                return ExcCodes.ILLEGAL_VALUE
            wanted.append((point.row, value))
        for row, value in wanted:
            self.set_point(row, value)
        self.image[start : start + len(values)] = [int(v) for v in values]
        return None

    def _reaches(self, unit: int) -> bool:
        return unit not in self.silent and any(region.unit == unit for region in self.plan.regions)

    def _offset(self, unit: int, address: int, count: int) -> int | None:
        """Where neighbouring registers of a unit begin in the image, None where there are none."""
        for region in self.plan.regions:
            if region.unit == unit and _holds(region, address, count):
                return region.offset + address - region.address
        return None

    def _points(self, unit: int, address: int, count: int) -> list[SetPoint]:
        """The set-points that fill `count` registers, none where other registers are among them."""
        end = address + count
        found = [p for p in self.set_points if p.unit == unit and address <= p.address < end]
        whole = sum(p.width for p in found) == count
        return found if whole and found[-1].address + found[-1].width == end else []

    def device_ids(self) -> list[int]:
        """Unit ids of the site."""
        return sorted({region.unit for region in self.plan.regions})


class Gateways:
    """The gateways of all sites, listening on `port` and up."""

    def __init__(
        self, index: TagIndex, links: Sequence[Link], set_point: Callable[[int, float], None]
    ) -> None:
        """`links` are the sites' in order; `set_point` takes row and value of what a master writes."""
        self.index, self.links = index, tuple(links)
        self._servers: list[ModbusTcpServer] = []
        self._mute: list[asyncio.Server] = []
        maps = {name: read_map(name) for name in {link.map for link in links}}
        plans = [_plan(index, maps[link.map], i) for i, link in enumerate(links)]
        self._registers = [
            Registers(plan, set_points_of(index, plan), [0] * plan.size, frozenset(), set_point)
            for plan in plans
        ]

    async def start(self, sites: Collection[str] = (), mute: Collection[str] = ()) -> None:
        """Listen for these sites, or all; those that are `mute` take requests and never answer."""
        for i, site in enumerate(self.index.fleet.sites):
            if site.name in mute:
                await self.listen_mute(i)
            elif site.name in sites or not sites:
                await self.listen(i)

    async def listen(self, site: int) -> None:
        """Listen for one site."""
        link = self.links[site]
        # The device is a placeholder that the server insists on; the registers take its place.
        nothing = SimDevice(1, [SimData(0, datatype=DataType.REGISTERS)])
        server = ModbusTcpServer(
            nothing, framer=_FRAMERS[link.framer], identity=_IDENTITY, address=(link.host, link.port)
        )
        server.context = cast(Any, self._registers[site])
        try:
            await server.serve_forever(background=True)
        except RuntimeError:
            await self.close()
            raise _in_use(link) from None
        self._servers.append(server)

    async def listen_mute(self, site: int) -> None:
        """Accept connections for one site, and be silent."""
        link = self.links[site]
        try:
            server = await asyncio.start_server(_say_nothing, link.host, link.port)
        except OSError:
            await self.close()
            raise _in_use(link) from None
        self._mute.append(server)

    def put(self, readings: Readings) -> None:
        """Show new readings in the registers."""
        for registers in self._registers:
            registers.put(readings, self.index.size)

    async def close(self) -> None:
        """Close all ports and connections."""
        for server in self._servers:
            await server.shutdown()  # type: ignore[no-untyped-call]
        for mute in self._mute:
            mute.close()


async def serve(
    settings: Settings,
    links: Sequence[Link] | None = None,
    sites: Collection[str] = (),
    mute: Collection[str] = (),
) -> None:
    """Run the plant live and serve it over Modbus until cancelled.

    `links` are all sites' in order, by default the settings'; `sites` and `mute` as in `Gateways.start`.
    """
    index = TagIndex(build_fleet(read_fleet_file(settings.fleet)))
    began, start = clock.monotonic(), clock.time_ns() // 1000
    plant = Plant(index, settings.simulator.seed, start)
    links = links or settings.links([site.name for site in index.fleet.sites])
    gateways = Gateways(index, links, plant.set_point)
    gateways.put(plant.readings())
    await gateways.start(sites, mute)
    log.info("gateways listen", host=links[0].host, first_port=links[0].port, last_port=links[-1].port)
    try:
        while True:
            await asyncio.sleep(PERIOD)
            gone = (clock.monotonic() - began) * settings.simulator.speed
            plant.advance(start + round(gone * 1e6))
            gateways.put(plant.readings())
    finally:
        await gateways.close()


def _plan(index: TagIndex, found: FieldMap, site: int) -> Plan:
    return served_plan(index, found, site) if isinstance(found, SunSpecMap) else plan_of(index, found, site)


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with closing(writer), suppress(ConnectionError):
        while await reader.read(260):
            pass


def _in_use(link: Link) -> ConfigurationError:
    return ConfigurationError(
        f"modbus.port: {link.host}:{link.port} is in use; stop what listens there, or set "
        "VOLTKEEP_MODBUS_PORT to the first of enough free ports"
    )


def _holds(region: Region, address: int, count: int) -> bool:
    return region.address <= address and address + count <= region.address + region.count
