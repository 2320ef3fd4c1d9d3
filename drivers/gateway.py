"""One site's gateway: asked round by round, looked for when it is lost, written to between two questions.

A round begins with a scan and may outlast it: what is answered later comes with the next scan, with the time
at which it was answered. A lost gateway is looked for in the background, with growing and jittered pauses.
The log has one line when a gateway is lost and one when it is back; likewise for parts of it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from statistics import median
from typing import Final

import numpy as np
import structlog

from config.settings import Link
from drivers.backoff import Backoff
from drivers.codec import Image
from drivers.connection import Connection, Limits
from drivers.deviceclock import DeviceClocks
from drivers.line import Silence, Unreachable
from drivers.poll import Poll, Round
from drivers.registers import Plan
from drivers.requests import RefusedError, reading, registers_in
from drivers.setpoint import SetPoint
from drivers.spans import Region
from drivers.statistics import Statistics
from drivers.sunspec import DiscoveryError
from drivers.sunspecsite import SunSpecSite
from drivers.writer import Writer
from nodeset import status as st
from nodeset.frame import Readings
from nodeset.tags import GatewayState

log = structlog.get_logger(__name__)

PATIENCE: Final = 0.1  # s that a scan waits at least, and at most for a gateway that is written to
_MARGIN: Final = 3.0  # times the usual duration of a round that a scan waits for it
_ROUNDS: Final = 5  # that tell what is usual
FIRST_LOOK: Final = 1.0  # s that a start waits for devices to tell what they are
LOOK_AGAIN: Final = 60.0  # s until a unit that was no device of the map is looked at again
_MICROSECONDS: Final = 1_000_000


class Gateway:
    """The gateway of the site `name`."""

    def __init__(
        self, name: str, link: Link, known: Plan | SunSpecSite, limits: Limits, backoff: Backoff
    ) -> None:
        """`known` is the site's plan, or the devices that will tell it."""
        self.name, self.link = name, link
        self._limits, self._backoff = limits, backoff
        self._devices = None if isinstance(known, Plan) else known
        self._asked_again = 0.0  # loop's time
        self._discovered: tuple[list[str], list[str]] = ([], [])
        self._connection = Connection(link, limits)
        self._adopt(known if isinstance(known, Plan) else known.plan)
        self._round: asyncio.Task[None] | None = None
        self._late = False  # the round did not end within a scan period
        self._durations: deque[float] = deque(maxlen=_ROUNDS)
        self._writer = Writer(self._connection, limits.answer)
        self._search: asyncio.Task[None] | None = None
        self._attempt = 0
        self._found = 0.0  # loop's time
        self._told: frozenset[str] = frozenset()
        self._statistics = Statistics()

    async def connect(self) -> None:
        """Try once; go on trying in the background where that fails or takes long."""
        self._search = asyncio.create_task(self._begin(), name=f"first search for gateway {self.name}")
        await asyncio.wait({self._search}, timeout=FIRST_LOOK if self._devices else None)

    async def _begin(self) -> None:
        problem = await self._problem(0)
        self._search = None
        if problem is not None:
            self._lose(problem)

    def _adopt(self, plan: Plan) -> None:
        """Read by this plan from now on; no round is under way."""
        self.plan = plan
        self._requests = [reading(plan.table, region) for region in plan.requests]
        self._firsts = list({request.unit: request for request in reversed(self._requests)}.values())
        workers = self._limits.in_flight if self.link.framer == "tcp" else 1
        self._poll = Poll(self._requests, self._backoff, workers)
        self._image: Image = np.zeros(plan.size, np.uint16)
        self._clocks = plan.new_clocks()
        self._times = np.zeros(len(plan.requests), np.int64)
        self._fresh = np.zeros(len(plan.requests), np.bool_)

    @property
    def statistics(self) -> Statistics:
        """How it does."""
        self._statistics.errors = self._connection.errors
        return self._statistics

    # -- reading

    def begin(self, time: int) -> asyncio.Task[None] | None:
        """Begin a round for the scan at `time` [µs]; None where it is lost, or still at the last round."""
        if self._lost:
            return None
        self._late = self._round is not None and not self._round.done()
        if self._late:
            self._statistics.state = GatewayState.DEGRADED
            return None
        self._round = asyncio.create_task(self._run(time), name=f"round of gateway {self.name}")
        return self._round

    def patience(self, limit: float) -> float:
        """How long a scan waits for its round [s]: not at all where that usually exceeds `limit`."""
        if self._writer.busy:
            return min(PATIENCE, limit)
        if not self._durations:
            return limit
        usual = median(self._durations)
        return 0.0 if usual > limit else min(limit, max(PATIENCE, _MARGIN * usual))

    def take(self, time: int) -> Readings:
        """What has been answered since the last call, for the scan at `time` [µs]."""
        if self._clocks is not None:
            return self._take_timed(time, self._clocks)
        times = np.minimum(self._times, time)
        parts = [
            self.plan.decode(self._image, self._fresh & (times == moment), int(moment))
            for moment in np.unique(times[self._fresh])
        ]
        self._fresh[:] = False
        return Readings.joined(parts) if parts else self.plan.decode(self._image, self._fresh, time)

    def _take_timed(self, time: int, clocks: DeviceClocks) -> Readings:
        """The same of devices that say when they measured."""
        readings = self.plan.decode(self._image, self._fresh, time, clocks)
        self._fresh[:] = False
        for said, units in clocks.news().items():
            log.warning("clock of devices is " + said, site=self.name, units=units)
        return readings

    async def _run(self, time: int) -> None:
        """A round; nothing that happens in it ends the polling."""
        loop = asyncio.get_running_loop()
        await self._look_again()
        connection, began = self._connection, loop.time()
        answers, took = connection.answers, connection.took

        def put(i: int, registers: Image) -> None:
            region = self.plan.requests[i]
            self._image[region.offset : region.offset + region.count] = registers
            self._times[i] = time + round((loop.time() - began) * _MICROSECONDS)
            self._fresh[i] = True

        try:
            found = await self._poll.run(connection, put)
        except Exception as error:
            log.exception("a round failed", site=self.name)
            found = Round(lost=f"{type(error).__name__}: {error}")
        self._durations.append(loop.time() - began)
        if connection.answers > answers:
            trip = (connection.took - took) / (connection.answers - answers)
            self._statistics.round_trip = 1000.0 * trip
        self._judge(found)

    def _judge(self, found: Round) -> None:
        if found.lost is not None:
            self._lose(found.lost)
            return
        if self._lost:  # a write has found that out meanwhile
            return
        if not found.missing:
            self._statistics.answered_in_full()
        if found.missing or self._late:
            self._statistics.state = GatewayState.DEGRADED
        self._tell(found)

    # -- writing

    async def write(self, point: SetPoint, value: float) -> int:
        """Write a set-point and read it back; the StatusCode of the outcome."""
        if self._lost:
            return st.BAD_NO_COMMUNICATION
        try:
            return await self._writer.write(point, value)
        except Unreachable as silence:
            self._lose(str(silence))
            return st.BAD_NO_COMMUNICATION

    async def close(self) -> None:
        """Close the connection and stop looking for the gateway."""
        tasks = [task for task in (self._round, self._search) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._connection.close()

    # -- lost and found

    @property
    def _lost(self) -> bool:
        return self._search is not None

    async def _problem(self, attempt: int) -> str | None:
        """Why the gateway is not reached, None when it is; nothing that happens ends the search."""
        try:
            await self._reach(attempt)
        except (Silence, DiscoveryError) as error:
            return str(error)
        except Exception as error:  # whatever a stranger's answer leads to
            log.exception("a search failed", site=self.name)
            return f"{type(error).__name__}: {error}"
        return None

    async def _reach(self, attempt: int) -> None:
        """Have a unit answer, another one each time, or all tell what they are; a refusal is an answer."""
        if self._devices is not None:
            plan = await self._devices.discover(self._registers)
            if self._round is not None:
                await asyncio.wait({self._round})
            self._adopt(plan)
            self._tell_devices(self._devices)
            return
        request = self._firsts[attempt % len(self._firsts)]
        with suppress(RefusedError):
            await self._connection.ask(request)

    def _lose(self, reason: str) -> None:
        if self._lost:
            return
        self._statistics.state = GatewayState.OFFLINE
        self._told = frozenset()
        log.warning("gateway lost", site=self.name, host=self.link.host, port=self.link.port, reason=reason)
        self._connection.close()
        self._search = asyncio.create_task(self._find(), name=f"search for gateway {self.name}")

    async def _find(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._found > self._backoff.longest:
            self._attempt = 0  # else it comes and goes, and is left alone for longer each time
        while True:
            await asyncio.sleep(self._backoff.pause(self._attempt))
            self._attempt += 1
            if await self._problem(self._attempt) is None:
                break
        self._found = loop.time()
        self._poll.anew()
        self._durations.clear()
        self._search = None
        log.info("gateway is back", site=self.name, host=self.link.host, port=self.link.port)

    # -- devices that tell where their values stand

    async def _registers(self, region: Region) -> list[int] | None:
        """Holding registers, None where they are refused."""
        try:
            pdu = await self._connection.ask(reading("holding", region))
        except RefusedError:
            return None
        return [int(register) for register in registers_in(pdu)]

    async def _look_again(self) -> None:
        """Every now and then look at a unit that was no such device; silence is the round's to find out."""
        loop = asyncio.get_running_loop()
        if self._devices is None or loop.time() - self._asked_again < LOOK_AGAIN:
            return
        self._asked_again = loop.time()
        with suppress(Silence):
            plan = await self._devices.again(self._registers)
            if plan is not None:
                self._adopt(plan)
                self._tell_devices(self._devices)

    def _tell_devices(self, site: SunSpecSite) -> None:
        """Log what has been discovered, once."""
        self._asked_again = asyncio.get_running_loop().time()
        found = [str(device) for device in site.devices.values()]
        missing = [*site.reasons.values(), *site.lacking()]
        if (found, missing) != self._discovered:
            log.info(
                "devices discovered", site=self.name, port=self.link.port, devices=found, missing=missing
            )
        self._discovered = (found, missing)

    def _tell(self, found: Round) -> None:
        """Log parts that are newly missing, and when nothing is missing any more."""
        reasons = self._reasons(found)
        new = [f"{part}: {reason}" for part, reason in reasons.items() if part not in self._told]
        if self._told and not reasons:
            log.info("gateway answers in full again", site=self.name, port=self.link.port)
        if new:
            log.warning("gateway answers in part", site=self.name, port=self.link.port, missing=new)
        self._told = self._told | reasons.keys() if reasons else frozenset()

    def _reasons(self, found: Round) -> dict[str, str]:
        """Why whole units, and parts of those that answer, are missing."""
        answering = {r.unit for i, r in enumerate(self._requests) if i not in found.missing}
        reasons: dict[str, str] = {}
        for i, reason in found.missing.items():
            region = self.plan.requests[i]
            part = f" registers {region.address}+{region.count}" if region.unit in answering else ""
            reasons.setdefault(f"unit {region.unit}{part}", found.absent.get(region.unit, reason))
        return reasons
