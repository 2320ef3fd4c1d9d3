"""A server whose clock the test moves: hours of a plant, scan by scan, watched through OPC UA tags alone."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from asyncua import Client, ua
from numpy.typing import NDArray
from opcuaserver import OpcUaTestServer, answer, read_request, serve

from config.settings import HERE
from historian.historian import Historian
from server.scanning.scan import Scan

SECOND = 1_000_000
# No outage of the fleet below for days.
BEGIN = int(dt.datetime(2026, 11, 10, 5, tzinfo=dt.UTC).timestamp() * SECOND)
FLEET = """
name: Small
models:
  M:
    {manufacturer: Make, nominal_voltage: 12, cells: 6, capacity: 120, cutoff_voltage: 10.5,
     float_voltage: 13.65, baseline_resistance: 3.4,
     limits: {voltage: {low: 10, high: 15}, temperature: {low: 10, high: 50}}}
sites:
  Bangrak:
    region: Bangkok
    latitude: 13.7
    longitude: 100.5
    systems:
      UPS-1:
        kind: UPS
        rated_power: 20
        strings:
          S01: {model: M, jars: 6, installed: 2025-01-01, first_serial: A001}
          S02: {model: M, jars: 6, installed: 2025-01-01, first_serial: B001}
  Hat Yai:
    region: Southern
    latitude: 7.0
    longitude: 100.5
    systems:
      UPS-1:
        kind: UPS
        rated_power: 10
        strings:
          S01: {model: M, jars: 6, installed: 2025-01-01, first_serial: C001}
"""


@dataclass
class StoppedClock:
    """Time [µs] that passes only when the test says so, and the scan that then is due."""

    time: int = BEGIN
    scans: list[Scan] = field(default_factory=list)

    def __call__(self) -> int:
        return self.time


@dataclass(frozen=True)
class Tags:
    """A client's look at the tags."""

    client: Client
    server: OpcUaTestServer
    clock: StoppedClock

    async def later(self, seconds: float, every: float = 5.0) -> None:
        """Let time pass, a scan `every` so many seconds."""
        for _ in range(round(seconds / every)):
            self.clock.time += round(every * SECOND)
            once = self.clock.scans[-1].once()
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(once, self.server.loop))

    async def read(self, *identifiers: str) -> tuple[NDArray[np.float64], NDArray[np.uint32]]:
        """Values and StatusCodes."""
        items = [ua.ReadValueId(self.server.node_id(identifier), 13) for identifier in identifiers]
        found = (await answer(self.client, ua.ReadResponse, read_request(items))).Results
        return (
            np.array([np.nan if v.Value.Value is None else v.Value.Value for v in found], np.float64),
            np.array([v.StatusCode.value for v in found], np.uint32),
        )

    async def one(self, identifier: str) -> float:
        """A value."""
        return float((await self.read(identifier))[0][0])

    async def jars(self, string: str, name: str) -> NDArray[np.float64]:
        """Values of a string's jars."""
        return (await self.read(*jars_of(string, name)))[0]


def jars_of(string: str, name: str, numbers: Sequence[int] = range(1, 7)) -> list[str]:
    """Identifiers of a tag of a string's jars."""
    return [f"{string}/J{n:02d}.{name}" for n in numbers]


@contextmanager
def stopped(home: Path, database: str) -> Iterator[tuple[OpcUaTestServer, StoppedClock]]:
    """The server, with the alarms that ship."""
    clock = StoppedClock()

    async def wait(scan: Scan) -> None:
        clock.scans.append(scan)
        await asyncio.Event().wait()

    fleet = home / "small.yaml"
    fleet.write_text(FLEET)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.app.PlantClock", lambda _speed, _last: clock)
        patch.setattr(Scan, "run", wait)
        # Only scans show what the shadow reads: no look in between, however long the test takes.
        patch.setattr("server.simulations.REFRESH", 1e9)
        # Hours of scans in a second are more than a database need keep up with.
        patch.setattr(Historian, "offer", lambda *_: None)
        patch.setattr(Historian, "offer_simulated", lambda *_: None)
        server, end = _serve(home, database, fleet)
        try:
            yield server, clock
        finally:
            end()


def _serve(home: Path, database: str, fleet: Path) -> tuple[OpcUaTestServer, Callable[[], None]]:
    return serve(home, database, fleet=fleet, alarms=HERE / "alarms.yaml", scan={"period": 5.0})
