"""The simulated gateways as any other Modbus master meets them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from modbusgateways import free_ports, links_of, two_sites
from pymodbus.client import AsyncModbusTcpClient

from config.settings import LOOPBACK, Modbus, Settings
from config.settings import Simulator as SimulatorSettings
from config.yamlfile import ConfigurationError
from simulator.gateway import Gateways, serve
from simulator.plant import Plant

NOW = 1_794_286_800_000_000


def nothing(row: int, value: float) -> None:
    """Takes set-points."""


@pytest.fixture
async def master() -> AsyncIterator[AsyncModbusTcpClient]:
    """A Modbus master at the gateway of Bangrak."""
    index, port = two_sites(), free_ports(2)
    plant = Plant(index, 1, NOW)
    gateways = Gateways(index, links_of(index, port), plant.set_point)
    gateways.put(plant.readings())
    await gateways.start()
    client = AsyncModbusTcpClient(LOOPBACK, port=port, timeout=2, retries=0)
    assert await client.connect()
    yield client
    client.close()
    await gateways.close()


async def test_registers_are_where_the_map_says(master: AsyncModbusTcpClient) -> None:
    site = (await master.read_holding_registers(0, count=11, device_id=1)).registers
    assert 2200 < site[0] < 2800
    assert site[2:4] == [1, 1]
    assert abs((site[4] << 16 | site[5]) - 4 * 1365) < 60
    assert site[8:] == [0, 2275, 100]
    jar = (await master.read_holding_registers(1000 + 3 * 5, count=3, device_id=1)).registers
    assert abs(jar[0] - 13_650) < 250
    assert 2200 < jar[1] < 2900
    assert 3000 < jar[2] < 4500
    second = (await master.read_holding_registers(1000, count=12, device_id=2)).registers
    assert all(abs(volts - 13_650) < 250 for volts in second[::3])


@pytest.mark.parametrize(
    ("unit", "address", "count", "code"),
    [(1, 11, 1, 2), (1, 1000, 25, 2), (2, 0, 1, 2), (3, 0, 1, 11), (1, 65_535, 1, 2)],
)
async def test_what_is_not_there_is_an_exception(
    master: AsyncModbusTcpClient, unit: int, address: int, count: int, code: int
) -> None:
    answer = await master.read_holding_registers(address, count=count, device_id=unit)
    assert answer.isError()
    assert answer.exception_code == code
    assert not (await master.read_holding_registers(0, count=4, device_id=1)).isError()


async def test_other_tables_are_refused(master: AsyncModbusTcpClient) -> None:
    for answer in (
        await master.read_input_registers(0, count=1, device_id=1),
        await master.read_coils(0, count=1, device_id=1),
        await master.write_coil(0, True, device_id=1),
        await master.mask_write_register(address=9, and_mask=0, or_mask=2300, device_id=1),
    ):
        assert answer.isError()
        assert answer.exception_code == 1


async def test_set_points_are_written_one_or_both_at_once(master: AsyncModbusTcpClient) -> None:
    assert not (await master.write_register(9, 2250, device_id=1)).isError()
    assert (await master.read_holding_registers(8, count=3, device_id=1)).registers == [0, 2250, 100]
    assert not (await master.write_registers(9, [2300, 200], device_id=1)).isError()
    assert (await master.read_holding_registers(8, count=3, device_id=1)).registers == [0, 2300, 200]
    assert (await master.read_holding_registers(8, count=3, device_id=2)).registers == [0, 2275, 100]


@pytest.mark.parametrize(
    ("unit", "address", "registers", "code"),
    [
        (1, 1000, [1], 2),  # a reading
        (1, 8, [0, 2300], 2),  # a reading and a set-point: neither
        (1, 10, [100, 0], 2),
        (1, 50, [1], 2),
        (3, 9, [2300], 11),
        (1, 9, [2199], 3),
        (1, 9, [2351], 3),
        (1, 9, [2300, 0xFFFF], 3),  # one of two out of range: neither
    ],
)
async def test_writing_anything_else_is_an_exception_and_changes_nothing(
    master: AsyncModbusTcpClient, unit: int, address: int, registers: list[int], code: int
) -> None:
    answer = await master.write_registers(address, registers, device_id=unit)
    assert answer.isError()
    assert answer.exception_code == code
    assert (await master.read_holding_registers(8, count=3, device_id=1)).registers == [0, 2275, 100]
    assert (await master.read_holding_registers(1000, count=1, device_id=1)).registers[0] > 13_000


async def test_a_port_in_use_is_named_with_what_to_do() -> None:
    port = free_ports(2)
    gateways = Gateways(two_sites(), links_of(two_sites(), port), nothing)
    with (
        socket.create_server((LOOPBACK, port + 1)),
        pytest.raises(ConfigurationError, match=rf"{LOOPBACK}:{port + 1} is in use.*VOLTKEEP_MODBUS_PORT"),
    ):
        await gateways.start()
    with socket.create_server((LOOPBACK, port)):
        pass


async def test_serve_runs_the_plant_live_until_it_is_cancelled() -> None:
    port = free_ports(9)
    settings = Settings(modbus=Modbus(port=port), simulator=SimulatorSettings(speed=600.0))
    task = asyncio.create_task(serve(settings))
    client = AsyncModbusTcpClient(LOOPBACK, port=port + 8, timeout=2, retries=0)
    async with asyncio.timeout(20):
        for _ in range(200):
            if await client.connect():
                break
            await asyncio.sleep(0.05)
        seen = set()
        while len(seen) < 2:
            answer = await client.read_holding_registers(1000, count=120, device_id=1)
            seen.add(tuple(answer.registers))
            await asyncio.sleep(0.1)
    client.close()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    with socket.create_server((LOOPBACK, port + 8)):
        pass
