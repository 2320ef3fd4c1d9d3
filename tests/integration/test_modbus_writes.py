"""Set-points on their way to a device that fails (D4): what a client hears, and how the device is asked."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator

import pytest
from fakegateway import Behave, FakeGateway, Talk, honest, running
from modbusgateways import free_ports, two_sites

from config.settings import Modbus
from drivers.backoff import Backoff
from drivers.modbus import ModbusSource
from nodeset import status as st
from simulator.plant import Plant

NOW = 1_794_286_800_000_000
INDEX = two_sites()
TIMEOUT = 0.3
UNIT, FLOAT_VOLTAGE = 2, 9  # of Bangrak/UPS-2, in the reference map
BEFORE, WANTED = 2275, 2300  # mV


def row(tag: str = "FloatVoltageSetpoint") -> int:
    found = INDEX.row("Bangrak/UPS-2", tag)
    assert found is not None
    return found


class Rectifier:
    """Bangrak's gateway, with a source that reads and writes through it."""

    def __init__(self, framer: str) -> None:
        port = free_ports(2)
        modbus = Modbus.model_validate(
            {"port": port, "framer": framer, "timeout": TIMEOUT, "connect_timeout": TIMEOUT}
        )
        self.source = ModbusSource(INDEX, modbus, Backoff(0.02, 0.05))
        self.gateway = FakeGateway(
            port, self.source.gateways[0].plan, Plant(INDEX, 1, NOW).readings(), framer
        )

    @property
    def held(self) -> int:
        return self.gateway.registers[UNIT, FLOAT_VOLTAGE]

    @property
    def writes(self) -> int:
        """How often the device was asked to write."""
        return sum(pdu[0] in (6, 16) for pdu in self.gateway.asked)

    async def write(self, behave: Behave, value: float = WANTED / 1000) -> int:
        """Write while writes are answered like this; reads are answered as they should be."""

        async def partly(talk: Talk) -> None:
            await (behave if talk.is_write else honest)(talk)

        self.gateway.behave = partly
        return await self.source.write(row(), value)

    def forget(self) -> None:
        """What was written is not held after all."""
        self.gateway.registers[UNIT, FLOAT_VOLTAGE] = BEFORE

    async def is_read(self) -> bool:
        """Whether the next scan brings the set-point."""
        readings = await self.source.read(NOW)
        return row() in readings.rows.tolist()


@pytest.fixture(params=["tcp", "rtu"])
async def rectifier(request: pytest.FixtureRequest) -> AsyncIterator[Rectifier]:
    found = Rectifier(request.param)
    async with running(found.gateway):
        await found.source.connect()
        assert await found.is_read()
        assert found.held == BEFORE
        yield found
        await found.source.close()


async def test_a_device_that_obeys(rectifier: Rectifier) -> None:
    assert await rectifier.write(honest) == st.GOOD
    assert rectifier.held == WANTED
    assert rectifier.writes == 1


async def test_an_answer_that_never_comes_from_a_device_that_took_the_value(rectifier: Rectifier) -> None:
    async def mute(talk: Talk) -> None:
        """Takes it, and is silent."""

    assert await rectifier.write(mute) == st.GOOD  # its registers say so
    assert rectifier.writes == 1
    assert await rectifier.is_read()


async def test_an_answer_that_never_comes_from_a_device_that_did_not_take_it(rectifier: Rectifier) -> None:
    async def deaf(talk: Talk) -> None:
        rectifier.forget()

    assert await rectifier.write(deaf) == st.BAD_TIMEOUT
    assert rectifier.writes == 1
    assert await rectifier.is_read()  # readings go on


async def test_a_connection_that_is_closed_on_a_write_is_not_written_to_again(rectifier: Rectifier) -> None:
    async def closes(talk: Talk) -> None:
        rectifier.forget()
        talk.close()

    assert await rectifier.write(closes) == st.BAD_NO_COMMUNICATION
    assert rectifier.writes == 1
    assert await rectifier.is_read()


async def test_a_connection_that_is_reset_after_the_value_was_taken(rectifier: Rectifier) -> None:
    async def resets(talk: Talk) -> None:
        talk.reset()

    assert await rectifier.write(resets) == st.GOOD
    assert rectifier.writes == 1


async def test_an_echo_of_another_value_is_believed_only_by_what_is_read_back(rectifier: Rectifier) -> None:
    async def wrong_echo(talk: Talk) -> None:
        rectifier.forget()
        await talk.send(talk.frame(struct.pack(">BHH", 6, FLOAT_VOLTAGE, 2310)))

    assert await rectifier.write(wrong_echo) == st.BAD_NO_COMMUNICATION
    assert rectifier.writes == 1


async def test_a_value_that_is_not_held_is_a_failure_of_the_device(rectifier: Rectifier) -> None:
    async def clamps(talk: Talk) -> None:
        rectifier.gateway.registers[UNIT, FLOAT_VOLTAGE] = 2290
        await talk.send(talk.frame())

    assert await rectifier.write(clamps) == st.BAD_DEVICE_FAILURE
    assert rectifier.writes == 1


async def test_a_device_may_take_a_moment(rectifier: Rectifier) -> None:
    async def late(talk: Talk) -> None:
        rectifier.forget()
        asyncio.get_running_loop().call_later(
            0.15, rectifier.gateway.registers.__setitem__, (UNIT, FLOAT_VOLTAGE), WANTED
        )
        await talk.send(talk.frame())

    assert await rectifier.write(late) == st.GOOD
    assert rectifier.held == WANTED


async def test_a_device_that_takes_too_long_has_not_taken_it(rectifier: Rectifier) -> None:
    async def very_late(talk: Talk) -> None:
        rectifier.forget()
        asyncio.get_running_loop().call_later(
            5, rectifier.gateway.registers.__setitem__, (UNIT, FLOAT_VOLTAGE), WANTED
        )
        await talk.send(talk.frame())

    assert await rectifier.write(very_late) == st.BAD_DEVICE_FAILURE


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (1, st.BAD_DEVICE_FAILURE),
        (2, st.BAD_DEVICE_FAILURE),
        (3, st.BAD_OUT_OF_RANGE),
        (4, st.BAD_DEVICE_FAILURE),
        (5, st.BAD_RESOURCE_UNAVAILABLE),
        (6, st.BAD_RESOURCE_UNAVAILABLE),
        (8, st.BAD_DEVICE_FAILURE),
        (10, st.BAD_NO_COMMUNICATION),
        (11, st.BAD_NO_COMMUNICATION),
    ],
)
async def test_each_exception_has_its_status(rectifier: Rectifier, code: int, status: int) -> None:
    async def refuses(talk: Talk) -> None:
        rectifier.forget()
        await talk.send(talk.exception(code))

    assert await rectifier.write(refuses) == status
    assert rectifier.held == BEFORE
    assert await rectifier.is_read()


async def test_an_acknowledged_write_is_waited_for(rectifier: Rectifier) -> None:
    """Exception 5 says that the device is at it (Application Protocol, 7)."""

    async def acknowledges(talk: Talk) -> None:
        await talk.send(talk.exception(5))

    assert await rectifier.write(acknowledges) == st.GOOD
    assert rectifier.writes == 1


async def test_a_write_to_a_lost_gateway_is_refused_at_once(rectifier: Rectifier) -> None:
    await rectifier.gateway.down()
    await rectifier.source.read(NOW)
    async with asyncio.timeout(0.5 * TIMEOUT):
        assert await rectifier.write(honest) == st.BAD_NO_COMMUNICATION
    assert rectifier.writes == 0


async def test_a_write_finds_out_that_the_gateway_is_gone(rectifier: Rectifier) -> None:
    await rectifier.gateway.down()
    assert await rectifier.write(honest) == st.BAD_NO_COMMUNICATION
    assert rectifier.writes == 0


async def test_two_writes_at_once_are_one_after_the_other(rectifier: Rectifier) -> None:
    order = []

    async def remembers(talk: Talk) -> None:
        if talk.is_write:
            order.append(int.from_bytes(talk.pdu[3:5], "big"))
            await asyncio.sleep(0.05)
        elif order:
            order.append("read")
        await honest(talk)

    rectifier.gateway.behave = remembers
    outcomes = await asyncio.gather(rectifier.source.write(row(), 2.25), rectifier.source.write(row(), 2.31))
    assert outcomes == [st.GOOD, st.GOOD]
    assert order == [2250, "read", 2310, "read"]
    assert rectifier.held == 2310


async def test_a_write_goes_out_between_two_questions_of_a_slow_round(rectifier: Rectifier) -> None:
    async def slow(talk: Talk) -> None:
        await asyncio.sleep(0.0 if talk.is_write else 0.3 * TIMEOUT)
        await honest(talk)

    rectifier.gateway.behave = slow
    scan = asyncio.create_task(rectifier.source.read(NOW))
    await asyncio.sleep(0)
    assert await rectifier.source.write(row(), WANTED / 1000) == st.GOOD
    kinds = [pdu[0] for pdu in rectifier.gateway.asked]
    assert kinds.index(6) < len(kinds) - 2  # questions of the round came after it
    await scan
