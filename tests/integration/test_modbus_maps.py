"""Every map that ships, served by the simulator and read by the driver over real sockets, in two framings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from modbusgateways import free_ports, two_sites
from pymodbus.client import AsyncModbusTcpClient
from structlog.testing import capture_logs

from config.settings import LOOPBACK, Modbus
from drivers.backoff import Backoff
from drivers.mapfile import shipped_maps
from drivers.modbus import ModbusSource
from nodeset import status as st
from nodeset.frame import Readings
from simulator.gateway import Gateways
from simulator.plant import Plant

INDEX = two_sites()
NOW = 1_794_286_800_000_000
QUICK = Backoff(first=0.02, longest=0.05)
# Steps of the shipped maps that are coarser than the tag's own.
STEPS = {
    "modules-of-15": {"Current": 0.1, "Temperature": 0.1},
    "blocks-of-40": {"Current": 0.1, "Temperature": 0.1, "AmbientTemperature": 0.1, "BusVoltage": 0.1},
    "sunspec": {
        "Current": 0.1,
        "Temperature": 0.1,
        "AmbientTemperature": 0.1,
        "BusVoltage": 0.1,
        "Load": 0.1,
        "Humidity": 1.0,
    },
}
ABSENT = {
    "reference": set(),
    "modules-of-15": {
        *("AmbientTemperature", "Humidity", "HvacState", "MainsState", "BusVoltage", "Load", "OperatingMode"),
        *("FloatVoltageSetpoint", "ChargeCurrentLimit"),
    },
    "blocks-of-40": {"HvacState", "MainsState", "Load", "FloatVoltageSetpoint", "ChargeCurrentLimit"},
    "sunspec": {
        "HvacState",
        "MainsState",
        "InternalResistance",
        "FloatVoltageSetpoint",
        "ChargeCurrentLimit",
    },
}


class Site:
    """Two simulated sites behind gateways, and the driver that reads them."""

    def __init__(self, settings: Modbus) -> None:
        self.plant = Plant(INDEX, 1, NOW)
        self.gateways = Gateways(INDEX, settings.links(["Bangrak", "Phuket"]), self.plant.set_point)
        self.source = ModbusSource(INDEX, settings, QUICK)

    def put(self) -> Readings:
        """Show the plant as it is now."""
        readings = self.plant.readings()
        self.gateways.put(readings)
        return readings


@asynccontextmanager
async def served(map_name: str, framer: str = "tcp") -> AsyncIterator[Site]:
    """Gateways that serve a map, and a source that reads it."""
    port = free_ports(2)
    settings = Modbus.model_validate({"port": port, "timeout": 1.0, "map": map_name, "framer": framer})
    site = Site(settings)
    site.put()
    await site.gateways.start()
    await site.source.connect()
    try:
        yield site
    finally:
        await site.source.close()
        await site.gateways.close()


async def back(source: ModbusSource) -> None:
    """Wait until all gateways that are lost are found."""
    searches = [gateway._search for gateway in source.gateways if gateway._search is not None]
    assert searches
    async with asyncio.timeout(5):
        await asyncio.gather(*searches)


def measured(readings: Readings) -> dict[int, tuple[float, int, int]]:
    """Value, status and time of the measured rows."""
    rows = set(INDEX.measured().tolist())
    columns = zip(readings.rows, readings.value, readings.status, readings.time, strict=True)
    return {int(row): (value, int(status), int(time)) for row, value, status, time in columns if row in rows}


@pytest.mark.parametrize("framer", ["tcp", "rtu"])
@pytest.mark.parametrize("map_name", shipped_maps())
async def test_what_is_served_is_read(map_name: str, framer: str) -> None:
    async with served(map_name, framer) as site:
        expected = site.put()
        found = measured(await site.source.read(NOW))
    assert set(found) == set(INDEX.measured().tolist())
    steps = STEPS.get(map_name, {})
    for row, value in zip(expected.rows.tolist(), expected.value.tolist(), strict=True):
        tag, _ = INDEX.locate(row)
        if tag.name in ABSENT[map_name]:
            assert found[row][1] == st.BAD_NOT_CONNECTED, tag.name
        else:
            step = steps.get(tag.name, 1 / tag.scale)
            assert found[row][1] == st.GOOD, tag.name
            assert abs(found[row][0] - value) <= 0.5 * step + 1e-9, tag.name


@pytest.mark.parametrize("map_name", ["modules-of-15", "blocks-of-40"])
async def test_the_device_s_time_is_the_source_time_until_it_stands_still(map_name: str) -> None:
    async with served(map_name) as site:
        times = []
        with capture_logs() as logs:
            for now in (0, 80, 100, 131):
                found = measured(await site.source.read(NOW + now * 1_000_000 + 400_000))
                times.append({time for _, status, time in found.values() if status == st.GOOD})
            site.plant.advance(NOW + 132_000_000)
            site.put()
            found = measured(await site.source.read(NOW + 133_000_000))
    assert times == [{NOW}, {NOW}, set(), set()]
    assert {time for _, status, time in found.values() if status == st.GOOD} == {NOW + 132_000_000}
    said = [entry["event"] for entry in logs if entry["site"] == "Phuket"]
    assert said == ["clock of devices is standing still", "clock of devices is right again"]


async def test_what_sunspec_devices_are_is_told_once_and_again_after_a_loss() -> None:
    async with served("sunspec") as site:
        with capture_logs() as logs:
            site.source.gateways[1]._lose("for the test")
            await back(site.source)
            site.put()
            found = measured(await site.source.read(NOW))
    assert [entry["event"] for entry in logs] == ["gateway lost", "gateway is back"]
    assert found[INDEX.row("Phuket/UPS-1/SD/J04", "Voltage")][1] == st.GOOD


async def test_a_gateway_without_sunspec_devices_says_why_once_and_is_looked_at_again() -> None:
    port = free_ports(2)
    reference = Modbus.model_validate({"port": port, "timeout": 1.0})
    sunspec = Modbus.model_validate({"port": port, "timeout": 1.0, "map": "sunspec"})
    wrong, right = Site(reference), Site(sunspec)
    wrong.put()
    right.put()
    await wrong.gateways.start()
    with capture_logs() as logs:
        await right.source.connect()
        found = measured(await right.source.read(NOW))
        await asyncio.sleep(0.2)
        await wrong.gateways.close()
        await right.gateways.start()
        await back(right.source)
        again = measured(await right.source.read(NOW))
    await right.source.close()
    await right.gateways.close()
    lost = [entry for entry in logs if entry["event"] == "gateway lost" and entry["site"] == "Phuket"]
    assert [entry["reason"] for entry in lost] == [
        "unit 1 has no SunSpec marker 'SunS' at 40000 or 0 or 50000"
    ]
    assert not [value for value in found.values() if value[1] == st.GOOD]
    assert again[INDEX.row("Phuket/UPS-1/SD/J04", "Voltage")][1] == st.GOOD


async def test_another_master_finds_marker_models_and_end() -> None:
    async with served("sunspec") as site:
        port = site.gateways.links[0].port
        client = AsyncModbusTcpClient(LOOPBACK, port=port, timeout=2, retries=0)
        assert await client.connect()

        async def read(address: int, count: int) -> list[int]:
            answer = await client.read_holding_registers(address, count=count, device_id=1)
            assert not answer.isError()
            return list(answer.registers)

        assert await read(40_000, 2) == [0x5375, 0x6E53]
        assert bytes(np.array(await read(40_004, 16), ">u2")).rstrip(b"\0") == b"Voltkeep"
        models, address = [], 40_002
        while (header := await read(address, 2))[0] != 0xFFFF:
            models.append(header[0])
            address += 2 + header[1]
            whole = await read(address - header[1] - 2, min(header[1] + 2, 125))
            assert whole[:2] == header
        beyond = await client.read_holding_registers(address + 2, count=1, device_id=1)
        client.close()
    assert models == [1, 103, 307, 802, 803, 804, 804, *[805] * 8]
    assert beyond.isError()


async def test_a_start_does_not_wait_for_devices_that_are_slow_to_tell_what_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("drivers.gateway.FIRST_LOOK", 0.0)
    async with served("sunspec") as site:
        assert all(gateway._search is not None for gateway in site.source.gateways)
        with capture_logs() as logs:
            early = measured(await site.source.read(NOW))
            await back(site.source)
            found = measured(await site.source.read(NOW))
    assert {status for _, status, _ in early.values()} == {st.BAD_NOT_CONNECTED}
    assert found[INDEX.row("Phuket/UPS-1/SD/J04", "Voltage")][1] == st.GOOD
    assert {entry["event"] for entry in logs} == {"devices discovered"}
