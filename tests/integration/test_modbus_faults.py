"""The fault matrix (D3): what a gateway that misbehaves costs, in both framings, on real sockets.

Bangrak's gateway is the one that misbehaves, Phuket's the one that must not be touched by it.
"""

from __future__ import annotations

import asyncio
import os
import random
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from fakegateway import Behave, FakeGateway, Talk, black_hole, honest, running
from modbusgateways import free_ports, two_sites
from structlog.testing import capture_logs

from config.settings import Modbus
from drivers import statistics
from drivers.backoff import Backoff
from drivers.modbus import ModbusSource
from nodeset import status as st
from nodeset.frame import Frame, Readings, first_frame
from nodeset.tags import GatewayState
from server.scanning.quality import Quality, Staleness
from simulator.plant import Plant

NOW = 1_794_286_800_000_000
SECOND = 1_000_000
INDEX = two_sites()
MEASURED = set(INDEX.measured().tolist())
PLANT = Plant(INDEX, 1, NOW).readings()
QUICK = Backoff(first=0.01, longest=0.05)
TIMEOUT = 0.4  # s: a busy machine may be late with an honest answer


def rows_under(*paths: str) -> set[int]:
    """Measured rows of assets and of what is in them."""
    return {row for row in MEASURED if INDEX.path(row).startswith(paths)}


BANGRAK, PHUKET = rows_under("Bangrak"), rows_under("Phuket")
UNIT_2 = rows_under("Bangrak/UPS-2")


class Fleet:
    """Two sites behind fake gateways, and the source that reads them."""

    def __init__(self, framer: str, **settings: Any) -> None:
        port = free_ports(2)
        modbus = Modbus.model_validate(
            {"port": port, "framer": framer, "timeout": TIMEOUT, "connect_timeout": TIMEOUT} | settings
        )
        self.source = ModbusSource(INDEX, modbus, QUICK)
        self.one, self.two = self.source.gateways
        self.strange = FakeGateway(port, self.one.plan, PLANT, framer)
        self.well = FakeGateway(port + 1, self.two.plan, PLANT, framer)
        self.time = NOW

    async def scan(self) -> Readings:
        """One scan, and the end of its rounds."""
        self.time += SECOND
        readings = await self.source.read(self.time)
        rounds = [gateway._round for gateway in self.source.gateways if gateway._round is not None]
        await asyncio.wait(rounds, timeout=10)
        return readings

    async def scans(self, count: int) -> list[set[int]]:
        """Rows that each of so many scans has brought; Phuket's are always among them."""
        found = []
        for _ in range(count):
            rows = set((await self.scan()).rows.tolist()) & MEASURED
            assert rows >= PHUKET
            found.append(rows - PHUKET)
        return found

    async def until_whole(self) -> None:
        """Scan until everything is read again."""
        async with asyncio.timeout(10):
            while True:
                await asyncio.sleep(0.02)
                if (await self.scans(1))[0] == BANGRAK:
                    return

    def statistic(self, readings: Readings, name: str) -> float:
        """A tag of Bangrak's gateway."""
        return float(readings.value[readings.rows == INDEX.row("Bangrak", name)][0])


@asynccontextmanager
async def fleet_of(framer: str, **settings: Any) -> AsyncIterator[Fleet]:
    fleet = Fleet(framer, **settings)
    async with running(fleet.strange, fleet.well):
        await fleet.source.connect()
        assert await fleet.scans(2) == [BANGRAK, BANGRAK]
        yield fleet
        await fleet.source.close()


@pytest.fixture(params=["tcp", "rtu"])
async def fleet(request: pytest.FixtureRequest) -> AsyncIterator[Fleet]:
    """A fleet that has been read in full."""
    async with fleet_of(request.param) as found:
        yield found


def events(logs: Sequence[Any]) -> list[str]:
    assert {entry["site"] for entry in logs} <= {"Bangrak"}
    return [entry["event"] for entry in logs]


def pieces(frame: bytes, count: int) -> list[bytes]:
    size = -(-len(frame) // count)
    return [frame[i : i + size] for i in range(0, len(frame), size)]


# -- what a gateway may do wrong


async def hangs(talk: Talk) -> None:
    """Accepts, takes requests, and says nothing."""


async def half_a_frame(talk: Talk) -> None:
    frame = talk.frame()
    await talk.send(frame[: len(frame) // 2])


async def three_bytes(talk: Talk) -> None:
    await talk.send(talk.frame()[:3])


async def trickles_too_slowly(talk: Talk) -> None:
    await talk.send(*pieces(talk.frame(), 5), pause=0.5 * TIMEOUT)


async def wrong_unit(talk: Talk) -> None:
    await talk.send(talk.frame(unit=99))


async def wrong_function(talk: Talk) -> None:
    await talk.send(talk.frame(bytes([4]) + talk.right[1:]))


async def unknown_function(talk: Talk) -> None:
    await talk.send(talk.frame(bytes([0x63, 1, 2])))


async def too_few_registers(talk: Talk) -> None:
    await talk.send(talk.frame(bytes([3, talk.right[1] - 2]) + talk.right[2:-2]))


async def too_many_registers(talk: Talk) -> None:
    await talk.send(talk.frame(bytes([3, talk.right[1] + 2]) + talk.right[2:] + b"\0\0"))


async def byte_count_beyond_the_frame(talk: Talk) -> None:
    await talk.send(talk.frame(bytes([3, 250]) + talk.right[2:]))


async def no_registers(talk: Talk) -> None:
    await talk.send(talk.frame(bytes([3, 0])))


async def garbage(talk: Talk) -> None:
    await talk.send(random.Random(4).randbytes(60))


async def a_flood_of_garbage(talk: Talk) -> None:
    await talk.send(random.Random(5).randbytes(100_000))


async def a_web_server(talk: Talk) -> None:
    await talk.send(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html></html>")


async def closes_at_once(talk: Talk) -> None:
    talk.close()


async def closes_in_the_middle(talk: Talk) -> None:
    await talk.send(talk.frame()[:9])
    talk.close()


async def resets(talk: Talk) -> None:
    talk.reset()


async def resets_in_the_middle(talk: Talk) -> None:
    await talk.send(talk.frame()[:9])
    talk.reset()


LOST = (
    hangs,
    half_a_frame,
    three_bytes,
    trickles_too_slowly,
    wrong_unit,
    wrong_function,
    unknown_function,
    too_few_registers,
    too_many_registers,
    byte_count_beyond_the_frame,
    no_registers,
    garbage,
    a_flood_of_garbage,
    a_web_server,
    closes_at_once,
    closes_in_the_middle,
    resets,
    resets_in_the_middle,
)


@pytest.mark.parametrize("fault", LOST)
async def test_a_gateway_without_right_answers_is_lost_and_found_again(fleet: Fleet, fault: Behave) -> None:
    with capture_logs() as logs:
        fleet.strange.behave = fault
        assert (await fleet.scans(5))[-1] == set()
        gone = await fleet.scan()
        assert fleet.statistic(gone, "GatewayState") == GatewayState.OFFLINE
        assert events(logs) == ["gateway lost"]
        fleet.strange.behave = honest
        await fleet.until_whole()
    assert events(logs) == ["gateway lost", "gateway is back"]
    back = await fleet.scan()
    assert fleet.statistic(back, "GatewayState") == GatewayState.ONLINE
    assert fleet.statistic(back, "GatewayErrors") >= 1


@pytest.mark.parametrize("fault", LOST)
async def test_one_unit_without_right_answers_costs_that_unit_alone(fleet: Fleet, fault: Behave) -> None:
    async def partly(talk: Talk) -> None:
        await (fault if talk.unit == 2 else honest)(talk)

    with capture_logs() as logs:
        fleet.strange.behave = partly
        await fleet.scans(3)
        for rows in await fleet.scans(3):
            assert rows == BANGRAK - UNIT_2
        degraded = await fleet.scan()
        assert fleet.statistic(degraded, "GatewayState") == GatewayState.DEGRADED
        assert events(logs) == ["gateway answers in part"]
        assert [text.partition(":")[0] for text in logs[0]["missing"]] == ["unit 2"]
        fleet.strange.behave = honest
        await fleet.until_whole()
    assert events(logs) == ["gateway answers in part", "gateway answers in full again"]


async def test_a_connection_that_is_refused(fleet: Fleet) -> None:
    with capture_logs() as logs:
        await fleet.strange.down()
        assert (await fleet.scans(3))[-1] == set()
        await asyncio.sleep(0.2)
        await fleet.strange.up()
        await fleet.until_whole()
    assert events(logs) == ["gateway lost", "gateway is back"]
    assert logs[0]["reason"] == "no connection: connection refused"


async def test_a_gateway_that_accepts_no_connection_any_more(fleet: Fleet) -> None:
    with capture_logs() as logs:
        await fleet.strange.down()
        async with black_hole(fleet.strange.port):
            assert (await fleet.scans(4))[-1] == set()
            await asyncio.sleep(TIMEOUT)
        await fleet.strange.up()
        await fleet.until_whole()
    assert events(logs) == ["gateway lost", "gateway is back"]


async def test_a_scan_that_is_cut_short_keeps_what_it_has(fleet: Fleet) -> None:
    """Unit 1 answers its first request, then everything hangs; those values are this scan's."""
    answered = 0

    async def stops(talk: Talk) -> None:
        nonlocal answered
        answered += 1
        await (honest if answered == 1 else hangs)(talk)

    fleet.strange.behave = stops
    first, *_, last = await fleet.scans(5)
    assert set() < first < BANGRAK
    assert last == set()


# -- what a gateway may do and still be read


async def trickles(talk: Talk) -> None:
    await talk.send(*pieces(talk.frame(), 6), pause=0.05 * TIMEOUT)


async def byte_by_byte(talk: Talk) -> None:
    await talk.send(*pieces(talk.frame(), 1000))


async def closes_after_each_answer(talk: Talk) -> None:
    await talk.send(talk.frame())
    talk.close()


async def closes_every_other_time_before_the_answer(talk: Talk) -> None:
    closes_every_other_time_before_the_answer.count += 1  # type: ignore[attr-defined]
    odd = closes_every_other_time_before_the_answer.count % 2  # type: ignore[attr-defined]
    await (honest if odd else closes_at_once)(talk)


closes_every_other_time_before_the_answer.count = 0  # type: ignore[attr-defined]


async def noise_after(talk: Talk) -> None:
    """Bytes after an answer that are no frame; they are here before the next request."""
    await talk.send(talk.frame() + b"\0")


async def busy_at_first(talk: Talk) -> None:
    busy_at_first.count += 1  # type: ignore[attr-defined]
    if busy_at_first.count % 2:  # type: ignore[attr-defined]
        await talk.send(talk.exception(5 + busy_at_first.count % 4 // 2))  # type: ignore[attr-defined]
    else:
        await honest(talk)


busy_at_first.count = 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "manner", [trickles, byte_by_byte, closes_after_each_answer, closes_every_other_time_before_the_answer]
)
async def test_a_gateway_with_strange_manners_is_read(fleet: Fleet, manner: Behave) -> None:
    with capture_logs() as logs:
        fleet.strange.behave = manner
        await fleet.scan()
        for _ in range(3):
            assert (await fleet.scan()).rows.size
        fleet.strange.behave = honest
        await fleet.until_whole()
    assert events(logs) == []


async def test_a_busy_device_is_asked_again(fleet: Fleet) -> None:
    fleet.strange.behave = busy_at_first
    with capture_logs() as logs:
        await fleet.scan()
        assert (await fleet.scans(1)) == [BANGRAK]
    assert events(logs) == []


async def test_noise_of_the_line_before_a_frame_is_passed_over() -> None:
    async def noisy(talk: Talk) -> None:
        await talk.send(b"\x00\xff\x00" + talk.frame())

    async with fleet_of("rtu") as fleet:
        fleet.strange.behave = noisy
        assert await fleet.scans(3) == [BANGRAK] * 3


async def test_noise_after_a_frame_is_forgotten_before_the_next_request() -> None:
    async with fleet_of("rtu") as fleet:
        fleet.strange.behave = noise_after
        assert await fleet.scans(3) == [BANGRAK] * 3


async def test_garbage_around_a_frame_of_modbus_tcp_ends_the_connection() -> None:
    async def noisy(talk: Talk) -> None:
        await talk.send(b"\xde\xad\xbe\xef" * 3 + talk.frame())

    async with fleet_of("tcp") as fleet:
        before = fleet.strange.connections
        fleet.strange.behave = noisy
        assert (await fleet.scans(4))[-1] == set()
        fleet.strange.behave = honest
        await fleet.until_whole()
        assert fleet.strange.connections > before


# -- answers that belong to another request


def zeros(talk: Talk) -> bytes:
    """An answer of the right shape whose registers are all zero: nobody may believe it."""
    return talk.right[:2] + bytes(len(talk.right) - 2)


def believed(readings: Readings) -> bool:
    """Whether zeros were taken for voltages."""
    rows = np.isin(readings.rows, [row for row in BANGRAK if INDEX.locate(row)[0].name == "Voltage"])
    return bool((readings.value[rows] < 10.0).any())


async def test_an_answer_to_another_transaction_is_not_taken_and_the_right_one_after_it_is() -> None:
    async def earlier(talk: Talk) -> None:
        await talk.send(talk.frame(zeros(talk), transaction=talk.transaction - 1) + talk.frame())

    async with fleet_of("tcp") as fleet:
        fleet.strange.behave = earlier
        for _ in range(3):
            readings = await fleet.scan()
            assert set(readings.rows.tolist()) >= BANGRAK
            assert not believed(readings)


async def test_an_answer_to_another_transaction_alone_is_none() -> None:
    async def other(talk: Talk) -> None:
        await talk.send(talk.frame(zeros(talk), transaction=talk.transaction ^ 0x7777))

    async with fleet_of("tcp") as fleet:
        fleet.strange.behave = other
        with capture_logs() as logs:
            assert (await fleet.scans(5))[-1] == set()
        assert events(logs) == ["gateway lost"]


async def test_frames_that_nobody_asked_for_do_not_keep_a_request_waiting_for_ever() -> None:
    async def babbles(talk: Talk) -> None:
        for _ in range(300):
            await talk.send(talk.frame(zeros(talk), transaction=talk.transaction ^ 0x7777))

    async with fleet_of("tcp", timeout=5.0) as fleet:
        fleet.strange.behave = babbles
        async with asyncio.timeout(4):
            while set((await fleet.scan()).rows.tolist()) & BANGRAK:
                pass


async def test_a_late_answer_is_not_taken_for_the_next_ones(fleet: Fleet) -> None:
    """It comes after the time-out, when the next request is on its way."""

    async def late(talk: Talk) -> None:
        await asyncio.sleep(1.5 * TIMEOUT)
        await talk.send(talk.frame(zeros(talk)))

    fleet.strange.behave = late
    for _ in range(4):
        assert not believed(await fleet.scan())
    fleet.strange.behave = honest
    for _ in range(10):
        assert not believed(await fleet.scan())
        await asyncio.sleep(0.05)
    await fleet.until_whole()


async def test_another_protocol_id_is_no_modbus() -> None:
    async def other(talk: Talk) -> None:
        frame = talk.frame()
        await talk.send(frame[:2] + b"\0\1" + frame[4:])

    async with fleet_of("tcp") as fleet:
        fleet.strange.behave = other
        with capture_logs() as logs:
            assert (await fleet.scans(4))[-1] == set()
        assert "no Modbus TCP header" in logs[0]["reason"]


async def test_a_frame_with_a_wrong_crc_is_none() -> None:
    async def wrong(talk: Talk) -> None:
        frame = talk.frame()
        await talk.send(frame[:-1] + bytes([frame[-1] ^ 0xFF]))

    async with fleet_of("rtu") as fleet:
        fleet.strange.behave = wrong
        assert (await fleet.scans(4))[-1] == set()


# -- exceptions

REFUSES_THE_REQUEST = (1, 2, 3, 4, 7, 8, 200)
REFUSES_THE_UNIT = (5, 6, 10, 11)


@pytest.mark.parametrize("code", [*REFUSES_THE_REQUEST, *REFUSES_THE_UNIT])
async def test_an_exception_costs_the_request_or_the_unit_and_never_the_gateway(code: int) -> None:
    """Site and system of unit 1 are refused: its jars go on, unless the code speaks of the unit."""

    async def refuses(talk: Talk) -> None:
        (address,) = struct.unpack_from(">H", talk.pdu, 1)
        await (talk.send(talk.exception(code)) if talk.unit == 1 and address < 100 else honest(talk))

    async with fleet_of("tcp") as fleet:
        fleet.strange.behave = refuses
        connections = fleet.strange.connections
        with capture_logs() as logs:
            await fleet.scan()
            rows = (await fleet.scans(1))[0]
            fleet.strange.behave = honest
            await fleet.until_whole()
        assert rows >= UNIT_2
        jars = rows_under("Bangrak/UPS-1/SA/J", "Bangrak/UPS-1/SB/J")
        assert bool(jars & rows) == (code in REFUSES_THE_REQUEST)
        assert events(logs) == ["gateway answers in part", "gateway answers in full again"]
        assert f"exception {code} " in logs[0]["missing"][0]
        assert fleet.strange.connections == connections


async def test_a_device_that_is_always_refused_is_never_lost(fleet: Fleet) -> None:
    async def refuses(talk: Talk) -> None:
        await talk.send(talk.exception(11))

    with capture_logs() as logs:
        fleet.strange.behave = refuses
        assert (await fleet.scans(4))[1:] == [set()] * 3
        readings = await fleet.scan()
        assert fleet.statistic(readings, "GatewayState") == GatewayState.DEGRADED
        fleet.strange.behave = honest
        await fleet.until_whole()
    assert events(logs) == ["gateway answers in part", "gateway answers in full again"]


# -- what becomes of values that do not arrive


class Judged:
    """Frames with their statuses, as the server's scan makes them: uncertain after 2 scans, bad after 6 s."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.quality = Quality(INDEX, Staleness(2, 6 * SECOND))
        self.frame: Frame = first_frame(INDEX, NOW)

    async def next(self) -> Frame:
        readings = await self.fleet.scan()
        frame = self.frame.next(self.fleet.time)
        frame.take(readings)
        self.quality.assess(self.frame, frame, readings)
        self.frame = frame
        return frame

    def statuses(self, rows: set[int]) -> set[int]:
        return set(self.frame.status[sorted(rows)].tolist())


@pytest.mark.parametrize("fault", [hangs, garbage, closes_at_once, wrong_unit])
@pytest.mark.parametrize("whole", [True, False], ids=["gateway", "unit"])
async def test_what_does_not_arrive_ages_and_nothing_else_does(whole: bool, fault: Behave) -> None:
    async def partly(talk: Talk) -> None:
        await (fault if whole or talk.unit == 2 else honest)(talk)

    lost = BANGRAK if whole else UNIT_2
    async with fleet_of("tcp") as fleet:
        judged = Judged(fleet)
        await judged.next()
        assert judged.statuses(MEASURED) == {st.GOOD}
        value, time = judged.frame.value.copy(), judged.frame.source_time.copy()
        fleet.strange.behave = partly
        seen = []
        for _ in range(10):
            await judged.next()
            assert judged.statuses(MEASURED - lost) == {st.GOOD}
            assert len(judged.statuses(lost)) == 1 or not seen
            seen.append(max(judged.statuses(lost)))
        assert [*dict.fromkeys(seen)] == [
            st.GOOD,
            st.UNCERTAIN_LAST_USABLE_VALUE,
            st.BAD_NO_COMMUNICATION,
        ]
        rows = sorted(lost)
        assert np.array_equal(judged.frame.value[rows], value[rows])
        assert (judged.frame.source_time[rows] <= time[rows] + SECOND).all()
        fleet.strange.behave = honest
        async with asyncio.timeout(10):
            while judged.statuses(MEASURED) != {st.GOOD}:
                await judged.next()


# -- nothing grows


async def test_hundreds_of_faulty_scans_leave_nothing_behind(fleet: Fleet) -> None:
    faults = (garbage, closes_in_the_middle, wrong_unit, resets, too_few_registers, honest)
    await fleet.scans(3)
    tasks, files = len(asyncio.all_tasks()), len(os.listdir("/proc/self/fd"))
    for i in range(240):
        fleet.strange.behave = faults[i % len(faults)]
        await fleet.scan()
    fleet.strange.behave = honest
    await fleet.until_whole()
    assert len(asyncio.all_tasks()) <= tasks + 2
    assert len(os.listdir("/proc/self/fd")) <= files + 4
    line = fleet.one._connection._line
    assert line is not None
    assert not line._buffer
    assert not line._waiting


async def test_round_trips_and_the_age_of_the_last_whole_scan_are_told(fleet: Fleet) -> None:
    async def slowly(talk: Talk) -> None:
        await asyncio.sleep(0.04)
        await honest(talk)

    fleet.strange.behave = slowly
    await fleet.scan()
    readings = await fleet.scan()
    assert 40.0 <= fleet.statistic(readings, "GatewayRoundTrip") < 1000.0 * TIMEOUT
    assert fleet.statistic(readings, "GatewayLastScanAge") < 2.0
    fleet.strange.behave = hangs
    await fleet.scans(3)
    await asyncio.sleep(0.5)
    assert fleet.statistic(await fleet.scan(), "GatewayLastScanAge") >= 0.5
    assert set(statistics.rows_of(INDEX).tolist()) <= set((await fleet.scan()).rows.tolist())


@pytest.mark.parametrize("in_flight", [1, 4, 16])
async def test_several_requests_under_way_are_answered_in_any_order(in_flight: int) -> None:
    waiting: list[Talk] = []
    most = 0

    def answer() -> None:
        while waiting:
            talk = waiting.pop()
            talk.writer.write(talk.frame())

    async def backwards(talk: Talk) -> None:
        nonlocal most
        waiting.append(talk)
        most = max(most, len(waiting))
        asyncio.get_running_loop().call_later(0.03, answer)

    async with fleet_of("tcp", in_flight=in_flight, scan_share=50) as fleet:
        fleet.strange.behave = backwards
        fleet.one._durations.clear()  # how long it usually takes is not known: the scan waits for its share
        readings = await fleet.scan()
        assert set(readings.rows.tolist()) >= BANGRAK
        assert not believed(readings)
        whole = np.isin(readings.rows, list(BANGRAK))
        expected = dict(zip(PLANT.rows.tolist(), PLANT.value.tolist(), strict=True))
        for row, value in zip(readings.rows[whole].tolist(), readings.value[whole].tolist(), strict=True):
            assert value == pytest.approx(expected[row], abs=0.02)
        assert most == min(in_flight, len(fleet.one.plan.requests))
        fleet.strange.behave = hangs
        assert (await fleet.scans(4))[-1] == set()
        fleet.strange.behave = honest
        await fleet.until_whole()
