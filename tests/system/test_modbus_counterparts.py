"""Modbus with counterparts that share no code with ours: modbus-serial, and a device of pymodbus."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from modbusplant import consecutive_ports, serving
from nodeclient import NODE_TESTS
from program import Start, Voltkeep, command, environment
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

BANGRAK = "Bangrak/UPS-1"
JARS = 5 * 24


def modbus_serial(port: int, framer: str) -> Any:
    """What modbus-serial saw."""
    done = subprocess.run(
        ["node", "modbus.mjs", json.dumps({"port": port, "framer": framer})],
        cwd=NODE_TESTS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module", params=["tcp", "rtu"])
def framed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, str]]:
    """Bangrak's simulated gateway: its port and framing."""
    port = consecutive_ports(1)
    home = tmp_path_factory.mktemp("modbus") / "home"
    options = ["--sites", "Bangrak", "--port", str(port), "--framer", request.param, "--speed", "1"]
    with serving(home, port, "gateway-sim", *options):
        yield port, request.param


@pytest.mark.node
def test_modbus_serial_reads_and_writes_the_simulated_gateways(framed: tuple[int, str]) -> None:
    if not (NODE_TESTS / "node_modules" / "modbus-serial").exists():
        pytest.skip("modbus-serial is not installed")
    seen = modbus_serial(*framed)
    voltage, temperature, resistance = seen["jar"]
    assert 13_000 < voltage < 14_500  # mV
    assert 1_500 < temperature < 4_000  # 0.01 °C
    assert 2_000 < resistance < 8_000  # µΩ
    assert seen["longest"] == 125
    refused = ("notThere", "otherTable", "reading", "beyond", "otherUnit")
    assert [seen[name] for name in refused] == [{"exception": code} for code in (2, 1, 2, 3, 11)]
    assert seen["afterOne"] == [2310]
    assert seen["afterTwo"] == [2290, 120]


def test_probe_finds_the_simulated_gateway_in_order(framed: tuple[int, str], tmp_path: Path) -> None:
    port, framer = framed
    where = ["127.0.0.1", "--port", str(port), "--framer", framer, "--site", "Bangrak"]
    done = subprocess.run(
        command("probe", *where),
        env=environment(tmp_path / "home"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Bangrak/UPS-1/S03/J07.Voltage" in done.stdout
    assert "requests answered" in done.stdout
    assert "Voltkeep simulated gateway" in done.stdout


class Device:
    """Chiangmai's gateway as pymodbus simulates one: its own server, datastore and frames."""

    def __init__(self, port: int) -> None:
        site = [2512, 604, 1, 1]  # 25.12 °C, 60.4 %, on, present
        system = [0, 32_760, 0, 2500, 0, 2275, 100]  # 327.60 V, 25.00 kW, float, 2.275 V, 10 %
        current = [0xFFFF, 0xFFFE] * 5  # -0.02 A
        jars = [register for j in range(JARS) for register in (13_600 + j, 2500 + j, 3400 + j)]
        blocks = [
            SimData(0, values=[*site, *system], datatype=DataType.REGISTERS),
            SimData(100, values=current, datatype=DataType.REGISTERS),
            SimData(1000, values=jars, datatype=DataType.REGISTERS),
        ]
        self.port = port
        self.server = ModbusTcpServer(SimDevice(1, blocks), address=("127.0.0.1", port))

    async def __aenter__(self) -> Device:
        await self.server.serve_forever(background=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.shutdown()  # type: ignore[no-untyped-call]

    async def held(self, address: int) -> int:
        """A register, as pymodbus' own client reads it."""
        client = AsyncModbusTcpClient("127.0.0.1", port=self.port, timeout=5)
        assert await client.connect()
        answer = await client.read_holding_registers(address, count=1, device_id=1)
        client.close()
        return int(answer.registers[0])


async def _reads(program: Voltkeep, name: str, wanted: float, limit: float = 30) -> None:
    """Wait until a variable is Good and has this value."""
    async with Client(program.endpoint) as client, asyncio.timeout(limit):
        ns = await client.get_namespace_index("urn:voltkeep:fleet")
        node = client.get_node(ua.NodeId(name, ns))
        while True:
            found = await node.read_data_value(raise_on_bad_status=False)
            if found.StatusCode.is_good() and found.Value.Value == pytest.approx(wanted, abs=1e-6):
                return
            await asyncio.sleep(0.2)


async def test_what_a_device_of_pymodbus_holds_appears_as_tags(start_voltkeep: Start, home: Path) -> None:
    port = consecutive_ports(9)
    settings = {"VOLTKEEP_MODBUS_PORT": str(port), "VOLTKEEP_MODBUS_SIMULATE": "false"}
    async with Device(port) as device:
        starting = start_voltkeep(home, "--source", "modbus", **settings)
        program = await asyncio.to_thread(starting.__enter__)
        try:
            for name, wanted in (
                ("Chiangmai.AmbientTemperature", 25.12),
                ("Chiangmai.Humidity", 60.4),
                ("Chiangmai.HvacState", 1),
                ("Chiangmai/UPS-1.BusVoltage", 327.6),
                ("Chiangmai/UPS-1.Load", 25.0),
                ("Chiangmai/UPS-1/S05.Current", -0.02),
                ("Chiangmai/UPS-1/S01/J01.Voltage", 13.6),
                ("Chiangmai/UPS-1/S03/J07.Voltage", 13.6 + 0.001 * (2 * 24 + 6)),
                ("Chiangmai/UPS-1/S05/J24.Temperature", 26.19),
                ("Chiangmai/UPS-1/S05/J24.InternalResistance", 3.519),
                ("Chiangmai.GatewayState", 1),  # UPS-2, unit 2, is not there
                ("Phuket.GatewayState", 0),
            ):
                await _reads(program, name, wanted)
            assert await device.held(9) == 2275
        finally:
            await asyncio.to_thread(starting.__exit__, None, None, None)
    assert "gateway answers in part" in program.log
