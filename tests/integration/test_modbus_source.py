"""The Modbus driver against the simulated plant's gateways over real sockets, and against worse ones."""

from __future__ import annotations

import asyncio
import random
import time as clock
from collections.abc import AsyncIterator

import numpy as np
import pytest
from modbusgateways import Answer, free_ports, links_of, strange_gateway, two_sites
from numpy.typing import NDArray
from structlog.testing import capture_logs

from config.fleetfile import read_fleet_file
from config.settings import HERE, Modbus
from drivers import statistics
from drivers.backoff import Backoff
from drivers.modbus import ModbusSource
from nodeset import status as st
from nodeset.fleet import build_fleet
from nodeset.frame import Readings
from nodeset.index import TagIndex
from nodeset.tags import TAG_OF
from simulator.gateway import Gateways
from simulator.plant import Plant
from simulator.shadow import Shadow
from simulator.source import SimulatorSource

NOW = 1_794_286_800_000_000
QUICK = Backoff(first=0.02, longest=0.05)
TIMEOUT = 0.5


def source_of(index: TagIndex, port: int) -> ModbusSource:
    return ModbusSource(index, Modbus(port=port, timeout=TIMEOUT), QUICK)


def rows_of(index: TagIndex, site: str) -> set[int]:
    return {int(row) for row in index.measured() if index.path(int(row)).split("/")[0] == site}


def found_in(index: TagIndex, readings: Readings) -> set[int]:
    """Rows read from devices, without what the driver tells of itself."""
    return set(readings.rows.tolist()) - set(statistics.rows_of(index).tolist())


@pytest.fixture(scope="module")
def index() -> TagIndex:
    return two_sites()


class Site:
    """The first site's gateway on `port`; the port after it is for the test to use."""

    def __init__(self, index: TagIndex, port: int) -> None:
        self.index, self.port = index, port
        self.plant = Plant(index, 1, NOW)
        self.gateways = Gateways(index, links_of(index, port), self.plant.set_point)
        self.source = source_of(index, port)

    async def lose_second(self) -> None:
        await self.gateways._servers.pop().shutdown()

    async def start_second(self) -> None:
        await self.gateways.listen(1)


@pytest.fixture
async def pair(index: TagIndex) -> AsyncIterator[Site]:
    """Two gateways and a source that is connected to both."""
    site = Site(index, free_ports(2))
    site.gateways.put(site.plant.readings())
    await site.gateways.start()
    await site.source.connect()
    yield site
    await site.source.close()
    await site.gateways.close()


async def test_the_driver_reads_what_the_simulator_source_reads() -> None:
    index = TagIndex(build_fleet(read_fleet_file(HERE / "fleet.yaml")))
    simulated = SimulatorSource(index, 1, NOW)
    expected = await simulated.read(NOW + 5_000_000)
    port = free_ports(9)
    gateways = Gateways(index, links_of(index, port), simulated.plant.set_point)
    source = source_of(index, port)
    gateways.put(expected)
    await gateways.start()
    await source.connect()
    found = await source.read(NOW + 5_000_000)
    await source.close()
    await gateways.close()
    assert found_in(index, found) == set(index.measured().tolist())
    difference = np.abs(_spread(index, found) - _spread(index, expected))
    for (asset, name), tag in TAG_OF.items():
        if tag.origin == "measured":
            column = index.column(difference, asset, name)
            assert np.nanmax(column) <= 0.5 / tag.scale + 1e-9, name
    assert (found.time == NOW + 5_000_000).all()


async def test_each_gateway_has_framing_and_port_of_its_own(index: TagIndex) -> None:
    port = free_ports(3)
    own = {"Phuket": {"port": port + 2, "framer": "rtu"}}
    settings = Modbus.model_validate({"port": port, "timeout": TIMEOUT, "gateways": own})
    plant = Plant(index, 1, NOW)
    gateways = Gateways(index, settings.links(["Bangrak", "Phuket"]), plant.set_point)
    gateways.put(plant.readings())
    await gateways.start()
    source = ModbusSource(index, settings, QUICK)
    await source.connect()
    found = await source.read(NOW)
    await source.close()
    await gateways.close()
    assert found_in(index, found) == set(index.measured().tolist())


async def test_a_dead_sensor_is_bad_over_the_wire_too(pair: Site) -> None:
    shadow = Shadow(pair.index, pair.plant, 1)
    shadow.start("SensorFault", "Phuket/UPS-1/SD/J02", 0, {"Fault": 2, "Quantity": 1}, NOW)
    pair.gateways.put(shadow.step(pair.plant.readings(), NOW))
    readings = await pair.source.read(NOW)
    bad = readings.rows[st.is_bad(readings.status)]
    assert bad.tolist() == [pair.index.row("Phuket/UPS-1/SD/J02", "Temperature")]


async def test_a_device_that_lost_its_line_costs_its_own_rows(pair: Site) -> None:
    shadow = Shadow(pair.index, pair.plant, 1)
    number = shadow.start("CommunicationLoss", "Bangrak/UPS-2", 0, {}, NOW).id
    pair.gateways.put(shadow.step(pair.plant.readings(), NOW))
    with capture_logs() as logs:
        for _ in range(3):
            readings = await pair.source.read(NOW)
        lost = set(pair.index.measured().tolist()) - found_in(pair.index, readings)
        shadow.stop(number)
        pair.gateways.put(shadow.step(pair.plant.readings(), NOW))
        after = await pair.source.read(NOW)
    assert {pair.index.path(row).rsplit("/J", 1)[0] for row in lost} == {"Bangrak/UPS-2", "Bangrak/UPS-2/SC"}
    assert found_in(pair.index, after) == set(pair.index.measured().tolist())
    assert [entry["event"] for entry in logs] == ["gateway answers in part", "gateway answers in full again"]


async def test_a_gateway_that_is_off_from_the_start_costs_only_its_rows(index: TagIndex) -> None:
    site = Site(index, free_ports(2))
    await site.gateways.listen(0)
    with capture_logs() as logs:
        await site.source.connect()
        began = clock.monotonic()
        for _ in range(5):
            readings = await site.source.read(NOW)
        assert clock.monotonic() - began < TIMEOUT
        await asyncio.sleep(0.2)
    await site.source.close()
    await site.gateways.close()
    assert found_in(index, readings) <= rows_of(index, "Bangrak")
    assert [(e["event"], e["site"]) for e in logs] == [("gateway lost", "Phuket")]


async def test_a_gateway_that_dies_and_returns_is_read_again(pair: Site) -> None:
    with capture_logs() as logs:
        await pair.lose_second()
        for _ in range(3):
            without = await pair.source.read(NOW)
            await asyncio.sleep(0.05)
        await pair.start_second()
        await asyncio.sleep(0.3)
        again = await pair.source.read(NOW)
    assert found_in(pair.index, without) == rows_of(pair.index, "Bangrak")
    assert found_in(pair.index, again) == set(pair.index.measured().tolist())
    assert [(e["event"], e["site"]) for e in logs] == [
        ("gateway lost", "Phuket"),
        ("gateway is back", "Phuket"),
    ]


def silent(request: bytes) -> bytes | None:
    return None


def garbage(request: bytes) -> bytes:
    return random.Random(4).randbytes(60)


def another_unit(request: bytes) -> bytes:
    count = request[11]
    return request[:4] + bytes([0, 3 + 2 * count, 99, 3, 2 * count]) + bytes(2 * count)


def another_transaction(request: bytes) -> bytes:
    count = request[11]
    return b"\x77\x77" + request[2:4] + bytes([0, 3 + 2 * count, request[6], 3, 2 * count]) + bytes(2 * count)


def busy(request: bytes) -> bytes:
    return request[:4] + bytes([0, 3, request[6], 0x83, 6])


def short(request: bytes) -> bytes:
    return request[:4] + bytes([0, 5, request[6], 3, 2, 0, 1])


def half_a_frame(request: bytes) -> bytes:
    return request[:4] + bytes([0, 21, request[6], 3, 18, 0, 1])


def unknown_function(request: bytes) -> bytes:
    return request[:4] + bytes([0, 4, request[6], 0x63, 1, 2])


def overlong(request: bytes) -> bytes:
    return request[:4] + bytes([0, 4, request[6], 3, 250, 2])


@pytest.mark.parametrize(
    "answer",
    [
        silent,
        garbage,
        another_unit,
        another_transaction,
        busy,
        short,
        half_a_frame,
        unknown_function,
        overlong,
    ],
)
async def test_a_gateway_that_talks_nonsense_costs_only_its_rows_and_one_time_out(
    index: TagIndex, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(index, free_ports(2))
    site.gateways.put(site.plant.readings())
    await site.gateways.listen(0)
    well = True
    async with strange_gateway(site.port + 1, lambda request: busy(request) if well else answer(request)):
        await site.source.connect()
        await site.source.read(NOW)
        well = False
        durations = []
        with capture_logs() as logs:
            for _ in range(5):
                began = clock.monotonic()
                readings = await site.source.read(NOW)
                durations.append(clock.monotonic() - began)
                assert found_in(index, readings) == rows_of(index, "Bangrak")
        await site.source.close()
    await site.gateways.close()
    assert durations[0] < 2 * TIMEOUT
    assert max(durations[1:]) < TIMEOUT
    assert [e["event"] for e in logs] in (["gateway lost"], [])
    assert not caplog.records


def _spread(index: TagIndex, readings: Readings) -> NDArray[np.float64]:
    value = np.full(index.size, np.nan)
    good = st.is_good(readings.status)
    value[readings.rows[good]] = readings.value[good]
    return value
