"""Nine gateways, one dead: the scan of the other eight keeps its period and brings their values at once."""

from __future__ import annotations

import asyncio
import time as clock
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import numpy as np
import pytest
from fakegateway import Behave, FakeGateway, Talk, black_hole, running
from modbusgateways import free_ports
from smallfleets import index_of

from analytics.estimate import Parameters
from config.settings import Modbus
from drivers.backoff import Backoff
from drivers.modbus import ModbusSource
from historian.writer import Stats
from nodeset import status as st
from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.tags import GatewayState
from server.livetable import LiveTable
from server.scanning.evaluation import Evaluation
from server.scanning.prognosis import Prognosis
from server.scanning.quality import Quality, Staleness
from server.scanning.scan import Scan
from simulator.plant import Plant

SITES = 9
DEAD = 4
INDEX = index_of({f"Site{i}": {"UPS-1": (5, {f"S{i}": 4})} for i in range(SITES)})
NOW = 1_794_286_800_000_000
PERIOD = 0.4  # s
TIMEOUT = 1.0  # longer than the period: nobody may wait for it
SHARE = 50.0


class Hears:
    """In the place of conditions, subscriptions and historian: keeps the frames and when they came."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, Frame]] = []
        self.stats = Stats()

    def step(self, frame: Frame) -> None:
        """No conditions."""

    def on_commit(self) -> None:
        """No subscribers."""

    def offer(self, frame: Frame) -> None:
        self.frames.append((clock.monotonic(), frame))


def scan_of(source: ModbusSource, hears: Any) -> Scan:
    began = clock.monotonic()

    def now() -> int:
        return NOW + round((clock.monotonic() - began) * 1e6)

    evaluation = Evaluation(
        Quality(INDEX, Staleness(3, 300_000_000)), Prognosis(Parameters.of(INDEX.fleet), NOW)
    )

    def show(frame: Frame, _readings: object) -> Frame:
        return frame

    return Scan(INDEX, source, show, evaluation, hears, LiveTable(INDEX), hears, hears, PERIOD, now)


class Nine:
    """Nine fake gateways and the server's scan of them."""

    def __init__(self) -> None:
        port = free_ports(SITES)
        modbus = Modbus(port=port, timeout=TIMEOUT, connect_timeout=TIMEOUT, scan_share=SHARE)
        self.source = ModbusSource(INDEX, modbus, Backoff(0.1, 0.5), PERIOD)
        readings = Plant(INDEX, 1, NOW).readings()
        self.fakes = [FakeGateway(port + i, g.plan, readings) for i, g in enumerate(self.source.gateways)]
        self.hears = Hears()
        self.scan = scan_of(self.source, self.hears)

    @property
    def dead(self) -> FakeGateway:
        return self.fakes[DEAD]

    async def scans(self, count: int) -> list[tuple[float, Frame]]:
        """The next frames of the running scan, with the times at which they came."""
        self.hears.frames.clear()
        running_scan = asyncio.create_task(self.scan.run())
        async with asyncio.timeout(count * PERIOD * 4):
            while len(self.hears.frames) < count:  # noqa: ASYNC110 (frames come from a task of the server's own)
                await asyncio.sleep(0.01)
        running_scan.cancel()
        await asyncio.gather(running_scan, return_exceptions=True)
        return self.hears.frames[:count]


@pytest.fixture
async def nine() -> AsyncIterator[Nine]:
    found = Nine()
    async with running(*found.fakes):
        await found.source.connect()
        yield found
        await found.source.close()


Dying = Callable[[Nine], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def refused(nine: Nine) -> AsyncIterator[None]:
    await nine.dead.down()
    yield


@asynccontextmanager
async def accepts_nothing(nine: Nine) -> AsyncIterator[None]:
    await nine.dead.down()
    async with black_hole(nine.dead.port):
        yield


def behaving(behave: Behave) -> Dying:
    @asynccontextmanager
    async def dying(nine: Nine) -> AsyncIterator[None]:
        nine.dead.behave = behave
        yield

    return dying


async def hangs(talk: Talk) -> None:
    """No answer."""


async def trickles(talk: Talk) -> None:
    """Answers that take most of the time-out each."""
    frame = talk.frame()
    size = -(-len(frame) // 6)
    await talk.send(*(frame[i : i + size] for i in range(0, len(frame), size)), pause=0.7 * TIMEOUT / 5)


async def trickles_for_ever(talk: Talk) -> None:
    frame = talk.frame()
    await talk.send(*(frame[i : i + 1] for i in range(len(frame))), pause=0.05)


def others(frame: Frame) -> np.ndarray[Any, Any]:
    """Measured rows of the eight that are well."""
    rows = INDEX.measured()
    site = f"Site{DEAD}"
    return rows[[not INDEX.path(int(row)).startswith(site) for row in rows]]


@pytest.mark.parametrize(
    "dies",
    [
        pytest.param(refused, id="refused"),
        pytest.param(accepts_nothing, id="accepts nothing"),
        pytest.param(behaving(hangs), id="hangs"),
        pytest.param(behaving(trickles), id="trickles"),
        pytest.param(behaving(trickles_for_ever), id="trickles for ever"),
    ],
)
async def test_the_scan_of_the_others_keeps_its_period(nine: Nine, dies: Dying) -> None:
    await nine.scans(3)
    async with dies(nine):
        frames = await nine.scans(8)
    assert nine.scan.stats.overruns == 0
    assert nine.scan.stats.failures == 0
    came = np.diff([moment for moment, _ in frames])
    assert abs(np.median(came) - PERIOD) < 0.1 * PERIOD
    assert came.max() < 1.6 * PERIOD  # in the scan that loses it, too
    for _, frame in frames:
        rows = others(frame)
        assert (frame.status[rows] == st.GOOD).all()
        assert (frame.source_time[rows] == frame.time).all()  # of this scan, each time
    state = frames[-1][1].column(AssetType.SITE, "GatewayState")
    assert state[DEAD] != GatewayState.ONLINE
    assert (np.delete(state, DEAD) == GatewayState.ONLINE).all()


async def test_a_gateway_slower_than_the_scan_is_read_with_times_of_its_own(nine: Nine) -> None:
    """A round of it takes longer than a period: its values come as they are answered, and are never lost."""

    async def slow(talk: Talk) -> None:
        await asyncio.sleep(0.6 * PERIOD)
        await talk.send(talk.frame())

    await nine.scans(2)
    nine.dead.behave = slow
    frames = await nine.scans(12)
    row = INDEX.row(f"Site{DEAD}/UPS-1/S{DEAD}/J01", "Voltage")
    assert row is not None
    times = np.array([int(frame.source_time[row]) for _, frame in frames])
    assert (np.diff(times) >= 0).all()
    assert len(set(times.tolist())) >= 4
    assert all(frame.source_time[row] <= frame.time for _, frame in frames)
    assert any(frame.source_time[row] not in {f.time for _, f in frames} for _, frame in frames[4:])
    # Never two periods and a round behind.
    assert max(frame.time - frame.source_time[row] for _, frame in frames[4:]) < 6 * PERIOD * 1e6
    assert nine.scan.stats.overruns == 0
