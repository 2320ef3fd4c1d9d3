"""A plant of registers: what a test writes into a Modbus gateway, scan by scan, to a server that reads it.

The server runs as always but for its clock and its period: each scan is a test's, and as far from the last as
the test wants.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asyncua import Client, ua
from modbusgateways import free_ports, links_of
from opcuaserver import OpcUaTestServer, serve
from opcuasubscriber import Subscriber, item, select

from config.fleetfile import read_fleet_file
from config.settings import HERE
from nodeset import status as st
from nodeset.fleet import AssetType, build_fleet
from nodeset.frame import Readings
from nodeset.index import TagIndex
from server.scanning.scan import Scan
from simulator.gateway import Gateways

SECOND = 1_000_000
JARS = 12
JAR, SITE, SYSTEM = AssetType.JAR, AssetType.SITE, AssetType.SYSTEM
STRING = "Bangrak/UPS-1/S01"
FLEET_FILE = f"""
name: Registers
models:
  M:
    {{manufacturer: Make, nominal_voltage: 12, cells: 6, capacity: 120, cutoff_voltage: 10.5,
     float_voltage: 13.65, baseline_resistance: 3.4}}
sites:
  Bangrak:
    region: Bangkok
    latitude: 13.7
    longitude: 100.5
    systems:
      UPS-1:
        kind: UPS
        rated_power: 60
        strings:
          S01: {{model: M, jars: {JARS}, installed: 2024-01-01, first_serial: A001}}
"""
# Standard deviation of a monitor's readings.
NOISE = {"Voltage": 0.002, "Temperature": 0.05, "InternalResistance": 0.017}
FIELDS = ("SourceName", "ConditionName", "ActiveState/Id", "Severity")
Told = list[tuple[str, str, bool, int]]


class Drive:
    """The server's scan in the hands of a test: `run` waits, and `time` [µs] is what the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.scan: Scan
        self.time = 0
        self.begun = threading.Event()

        async def wait(scan: Scan) -> None:
            self.scan, self.time = scan, scan.frame.time
            scan._now = lambda: self.time
            self.begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(Scan, "run", wait)


@dataclass
class RegisterPlant:
    """A gateway whose registers hold `truth` and noise, all rows of the index, and the server that reads it.

    `dead` rows hold the map's no-data value, 0x8000 of a temperature.
    """

    index: TagIndex
    gateways: Gateways
    server: OpcUaTestServer
    drive: Drive
    truth: np.ndarray[Any, np.dtype[np.float64]]
    dead: np.ndarray[Any, np.dtype[np.bool_]]
    held: dict[int, float]
    chance: np.random.Generator

    def of(self, name: str, asset: AssetType = JAR) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The truth of a tag."""
        return self.index.column(self.truth, asset, name)

    def row(self, jar: int, name: str) -> int:
        """Row of a jar's measurement."""
        return self.index.slice(JAR, name).start + jar

    async def scan(self, seconds: float, count: int = 1) -> None:
        """Write the registers and scan them, so many seconds after the last time."""
        for _ in range(count):
            self.gateways.put(self._seen())
            self.drive.time += round(seconds * SECOND)
            scan = asyncio.run_coroutine_threadsafe(self.drive.scan.once(), self.server.loop)
            await asyncio.wrap_future(scan)

    def value(self, jar: int, name: str) -> float:
        """What the server says of a jar."""
        return float(self.drive.scan.frame.column(JAR, name)[jar])

    def status(self, jar: int, name: str) -> int:
        """With which status."""
        return int(self.drive.scan.frame.column_status(JAR, name)[jar])

    def _seen(self) -> Readings:
        self.of("BusVoltage", SYSTEM)[:] = self.of("Voltage").sum()
        value = self.truth.copy()
        for name, sigma in NOISE.items():
            self.index.column(value, JAR, name)[:] += self.chance.normal(0.0, sigma, JARS)
        for row, held in self.held.items():
            value[row] = held
        rows = np.array([row for row in self.index.measured() if not self._of_driver(int(row))], np.intp)
        status = np.where(self.dead[rows], st.BAD_SENSOR_FAILURE, st.GOOD).astype(np.uint32)
        return Readings(rows, value[rows], status, np.full(len(rows), self.drive.time))

    def _of_driver(self, row: int) -> bool:
        return self.index.locate(row)[0].name.startswith("Gateway")


async def start(
    home: Path, database: str, drive: Drive, alarms: Path = HERE / "alarms.yaml"
) -> tuple[RegisterPlant, Any]:
    """A gateway and its server with these alarms; and how to stop the server."""
    (home / "registers.yaml").write_text(FLEET_FILE)
    index = TagIndex(build_fleet(read_fleet_file(home / "registers.yaml")))
    port = free_ports(1)
    gateways = Gateways(index, links_of(index, port), lambda _row, _value: None)
    truth = np.zeros(index.size)
    for (asset, name), value in {
        (JAR, "Voltage"): 13.65,
        (JAR, "Temperature"): 25.0,
        (JAR, "InternalResistance"): 3.4,
        (SITE, "AmbientTemperature"): 24.0,
        (SITE, "Humidity"): 50.0,
        (SITE, "HvacState"): 1.0,
        (SITE, "MainsState"): 1.0,
    }.items():
        index.column(truth, asset, name)[:] = value
    dead = np.zeros(index.size, np.bool_)
    plant = RegisterPlant(index, gateways, Any, drive, truth, dead, {}, np.random.default_rng(5))  # type: ignore[arg-type]
    gateways.put(plant._seen())
    await gateways.start()
    plant.server, end = await asyncio.to_thread(
        serve,
        home,
        database,
        fleet=home / "registers.yaml",
        alarms=alarms,
        source="modbus",
        scan={"period": 60},
        modbus={"port": port, "simulate": False},
    )
    assert await asyncio.to_thread(drive.begun.wait, 10)
    return plant, end


async def listen(client: Client) -> Subscriber:
    """A subscription to every condition of the server."""
    made = await Subscriber.create(client, RequestedMaxKeepAliveCount=2)
    node = ua.NodeId(ua.ObjectIds.Server)
    wanted = item(node, attribute=ua.AttributeIds.EventNotifier, chosen=select(*FIELDS), queue=1000)
    (result,) = await made.monitor(wanted)
    assert result.StatusCode.is_good()
    return made


async def told(made: Subscriber) -> Told:
    """All events that wait, until nothing comes any more; conditions only."""
    found: Told = []
    while data := (await made.publish()).NotificationMessage.NotificationData:
        fields = [[field.Value for field in event.EventFields] for part in data for event in part.Events]
        found += [(source, name, active, severity) for source, name, active, severity in fields if name]
    return found
