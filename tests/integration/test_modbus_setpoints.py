"""Set-points over Modbus: to the simulated plant and back, and to gateways that do not obey."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from modbusgateways import Answer, free_ports, links_of, strange_gateway, two_sites

from config.settings import Modbus
from drivers import gateway, statistics
from drivers.backoff import Backoff
from drivers.modbus import ModbusSource
from drivers.source import Source
from nodeset import status as st
from nodeset.frame import Readings
from simulator.gateway import Gateways
from simulator.plant import Plant
from simulator.source import SimulatorSource

NOW = 1_794_286_800_000_000
INDEX = two_sites()
TIMEOUT = 0.5
SYSTEM = "Bangrak/UPS-2"
PATIENT = Backoff(first=30.0, longest=60.0)


def row(tag: str = "FloatVoltageSetpoint", system: str = SYSTEM) -> int:
    found = INDEX.row(system, tag)
    assert found is not None
    return found


def found_in(readings: Readings) -> set[int]:
    """Rows read from devices, without what the driver tells of itself."""
    return set(readings.rows.tolist()) - set(statistics.rows_of(INDEX).tolist())


def value_of(readings: Readings, wanted: int) -> float:
    return float(readings.value[readings.rows == wanted][0])


class Behind:
    """A plant behind its gateways, as a source whose registers are up to date at each reading."""

    def __init__(self) -> None:
        self.plant = Plant(INDEX, 1, NOW)
        self.port = free_ports(2)
        self.gateways = Gateways(INDEX, links_of(INDEX, self.port), self.plant.set_point)
        self.source = ModbusSource(INDEX, Modbus(port=self.port, timeout=TIMEOUT), PATIENT)

    async def connect(self) -> None:
        self.gateways.put(self.plant.readings())
        await self.gateways.start()
        await self.source.connect()

    async def read(self, time: int) -> Readings:
        self.plant.advance(time)
        self.gateways.put(self.plant.readings())
        return await self.source.read(time)

    async def write(self, row: int, value: float) -> int:
        return await self.source.write(row, value)

    async def close(self) -> None:
        await self.source.close()
        await self.gateways.close()


@pytest.fixture(params=["modbus", "simulator"])
async def source(request: pytest.FixtureRequest) -> AsyncIterator[Source]:
    """The same plant, behind Modbus gateways and without."""
    made: Source = Behind() if request.param == "modbus" else SimulatorSource(INDEX, 1, NOW)
    await made.connect()
    yield made
    await made.close()


async def test_what_is_written_is_read_back_and_the_plant_follows(source: Source) -> None:
    before = await source.read(NOW)
    assert value_of(before, row()) == 2.275
    assert await source.write(row(), 2.3) == st.GOOD
    assert await source.write(row("ChargeCurrentLimit"), 12.5) == st.GOOD
    after = await source.read(NOW + 1_000_000)
    assert value_of(after, row()) == 2.3
    assert value_of(after, row("ChargeCurrentLimit")) == 12.5
    assert value_of(after, row(system="Bangrak/UPS-1")) == 2.275
    bus = row("BusVoltage")  # four jars of six cells
    assert value_of(after, bus) - value_of(before, bus) == pytest.approx(24 * 0.025, abs=0.15)


async def test_both_sources_hold_a_value_to_the_same_step(source: Source) -> None:
    assert await source.write(row(), 2.28049) == st.GOOD
    assert value_of(await source.read(NOW), row()) == 2.28


def _frame(request: bytes, body: bytes) -> bytes:
    """An answer to a request: its transaction and unit, and the body."""
    return request[:4] + struct.pack(">H", len(body) + 1) + request[6:7] + body


def obeys_not(request: bytes) -> bytes:
    """Says yes to writing, and goes on showing 7 in every register."""
    if request[7] == 6:
        return request
    count = request[11]
    return _frame(request, bytes([3, 2 * count]) + bytes([0, 7]) * count)


def refuses(code: int) -> Answer:
    def answer(request: bytes) -> bytes:
        return _frame(request, bytes([0x86, code])) if request[7] == 6 else obeys_not(request)

    return answer


def hears_no_writing(request: bytes) -> bytes | None:
    return None if request[7] == 6 else obeys_not(request)


def hears_nothing_after(request: bytes) -> bytes | None:
    """Is silent from the read-back on."""
    return request if request[7] == 6 else None if request[8:10] == b"\0\x09" else obeys_not(request)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (obeys_not, st.BAD_DEVICE_FAILURE),
        (refuses(1), st.BAD_DEVICE_FAILURE),
        (refuses(2), st.BAD_DEVICE_FAILURE),
        (refuses(3), st.BAD_OUT_OF_RANGE),
        (refuses(4), st.BAD_DEVICE_FAILURE),
        (refuses(11), st.BAD_NO_COMMUNICATION),
        (hears_no_writing, st.BAD_TIMEOUT),
        (hears_nothing_after, st.BAD_TIMEOUT),
    ],
)
async def test_a_device_that_does_not_obey_is_found_out(answer: Answer, status: int) -> None:
    port = free_ports(2)
    source = ModbusSource(INDEX, Modbus(port=port, timeout=TIMEOUT), PATIENT)
    async with strange_gateway(port, answer):
        await source.connect()
        assert await source.write(row(), 2.3) == status
        await source.close()


async def test_a_gateway_that_is_lost_takes_no_set_points() -> None:
    source = ModbusSource(INDEX, Modbus(port=free_ports(2), timeout=TIMEOUT), PATIENT)
    await source.connect()
    assert await source.write(row(), 2.3) == st.BAD_NO_COMMUNICATION
    await source.close()


async def test_values_that_the_range_or_the_registers_cannot_hold_are_not_sent() -> None:
    port = free_ports(2)
    source = ModbusSource(INDEX, Modbus(port=port, timeout=TIMEOUT), PATIENT)
    asked = []

    def answer(request: bytes) -> bytes:
        asked.append(request[7])
        return obeys_not(request)

    async with strange_gateway(port, answer):
        await source.connect()
        for value in (2.19, 2.36, float("nan"), float("inf")):
            assert await source.write(row(), value) == st.BAD_OUT_OF_RANGE
        bus = INDEX.row(SYSTEM, "BusVoltage")
        assert bus is not None
        assert await source.write(bus, 50.0) == st.BAD_NOT_WRITABLE
        await source.close()
    assert 6 not in asked


async def test_a_write_that_hangs_holds_up_no_scan() -> None:
    """The scan goes on without that gateway, and the other one is read."""
    behind = Behind()
    behind.gateways.put(behind.plant.readings())
    await behind.gateways.listen(1)
    async with strange_gateway(behind.port, hears_no_writing):
        source = behind.source
        await source.connect()
        writing = asyncio.create_task(source.write(row(), 2.3))
        await asyncio.sleep(0)
        began = asyncio.get_running_loop().time()
        readings = await source.read(NOW)
        assert asyncio.get_running_loop().time() - began < 0.8 * TIMEOUT
        assert {INDEX.path(r).split("/")[0] for r in found_in(readings)} == {"Phuket"}
        assert await writing == st.BAD_TIMEOUT
        await source.close()
    await behind.gateways.close()


async def test_writes_to_one_gateway_take_turns_with_each_other_and_with_scans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A scan does not wait for the writes that wait."""
    monkeypatch.setattr(gateway, "PATIENCE", 5.0)
    behind = Behind()
    await behind.connect()
    values = [2.25 + i / 1000 for i in range(20)]
    writes = [asyncio.create_task(behind.source.write(row(), value)) for value in values]
    await asyncio.sleep(0)
    for _ in range(3):
        readings = await behind.source.read(NOW)
        assert found_in(readings) == set(INDEX.measured().tolist())
    assert not writes[-1].done()
    assert set(await asyncio.gather(*writes)) == {st.GOOD}
    assert value_of(await behind.read(NOW), row()) == values[-1]
    await behind.close()
