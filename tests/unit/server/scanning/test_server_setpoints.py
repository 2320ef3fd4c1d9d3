"""Set-points on their way out: what is refused before a device is asked, and what becomes of the rest."""

from __future__ import annotations

import asyncio
import math

import pytest
from smallfleets import index_of
from structlog.testing import capture_logs

from nodeset import status as st
from nodeset.frame import Readings, first_frame
from server.livetable import LiveTable
from server.scanning import setpoints
from server.scanning.setpoints import SetPoints

INDEX = index_of({"A": {"UPS-1": (10, {"S01": 2})}})
TIME = 1_700_000_000_000_000


def row(identifier: str = "A/UPS-1.FloatVoltageSetpoint") -> int:
    found = INDEX.row_of_id(identifier)
    assert found is not None
    return found


class Device:
    """A source that notes what it is asked to write."""

    def __init__(self, status: int = st.GOOD) -> None:
        self.status = status
        self.written: list[tuple[int, float]] = []
        self.free = asyncio.Event()
        self.free.set()

    async def connect(self) -> None: ...

    async def read(self, time: int) -> Readings:
        raise NotImplementedError

    async def write(self, row: int, value: float) -> int:
        await self.free.wait()
        self.written.append((row, value))
        return self.status

    async def close(self) -> None: ...


def table(status: int = st.GOOD) -> LiveTable:
    made = LiveTable(INDEX)
    frame = first_frame(INDEX, TIME)
    frame.value[:], frame.status[:] = 2.275, status
    made.commit(frame.freeze())
    return made


async def test_a_set_point_goes_to_the_device_and_the_live_value_waits_for_the_scan() -> None:
    device, live = Device(), table()
    with capture_logs() as logs:
        assert await SetPoints(live, device).write(row(), 2.3, "ann") == st.GOOD
    assert device.written == [(row(), 2.3)]
    assert live.rows["value"][row()] == 2.275
    assert [(e["event"], e["target"], e["before"], e["value"], e["user"]) for e in logs] == [
        ("set-point written", "A/UPS-1.FloatVoltageSetpoint", 2.275, 2.3, "ann")
    ]


async def test_what_the_device_answers_is_the_answer() -> None:
    with capture_logs() as logs:
        assert await SetPoints(table(), Device(st.BAD_TIMEOUT)).write(row(), 2.3, "ann") == st.BAD_TIMEOUT
    assert [(e["event"], e["status"]) for e in logs] == [("set-point not written", "0x800A0000")]


@pytest.mark.parametrize(
    ("present", "answer"),
    [
        (st.BAD_NO_COMMUNICATION, st.BAD_NO_COMMUNICATION),
        (st.BAD_WAITING_FOR_INITIAL_DATA, st.BAD_NO_COMMUNICATION),
        (st.BAD_NOT_CONNECTED, st.BAD_NOT_CONNECTED),
        (st.BAD_CONFIGURATION_ERROR, st.BAD_CONFIGURATION_ERROR),
        (st.UNCERTAIN_LAST_USABLE_VALUE, st.BAD_INVALID_STATE),
        (st.BAD_SENSOR_FAILURE, st.BAD_INVALID_STATE),
    ],
)
async def test_nobody_sets_what_nobody_knows(present: int, answer: int) -> None:
    device = Device()
    assert await SetPoints(table(present), device).write(row(), 2.3, "ann") == answer
    assert device.written == []


@pytest.mark.parametrize("value", [2.1999, 2.3501, -2.3, math.nan, math.inf, -math.inf])
async def test_a_value_beyond_its_range_is_not_sent(value: float) -> None:
    device = Device()
    assert await SetPoints(table(), device).write(row(), value, "ann") == st.BAD_OUT_OF_RANGE
    assert device.written == []


async def test_a_reading_is_no_set_point() -> None:
    device = Device()
    assert (
        await SetPoints(table(), device).write(row("A/UPS-1.BusVoltage"), 50.0, "ann") == st.BAD_NOT_WRITABLE
    )
    assert device.written == []


async def test_a_client_that_leaves_does_not_stop_what_it_began() -> None:
    device = Device()
    device.free.clear()
    leaving = asyncio.create_task(SetPoints(table(), device).write(row(), 2.3, "ann"))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    device.free.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert device.written == [(row(), 2.3)]


async def test_so_many_may_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setpoints, "MOST_WAITING", 2)
    device = Device()
    device.free.clear()
    points = SetPoints(table(), device)
    waiting = [asyncio.create_task(points.write(row(), 2.3, "ann")) for _ in range(2)]
    await asyncio.sleep(0)
    assert await points.write(row(), 2.3, "bob") == st.BAD_RESOURCE_UNAVAILABLE
    device.free.set()
    assert await asyncio.gather(*waiting) == [st.GOOD, st.GOOD]
    assert await points.write(row(), 2.3, "bob") == st.GOOD
