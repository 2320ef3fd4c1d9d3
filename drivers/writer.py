"""Set-points on their way to one gateway's devices: written once, one after the other, and read back."""

from __future__ import annotations

import asyncio
from typing import Final

from drivers.connection import Connection
from drivers.line import Closed, NoAnswer, Nonsense, Silence, Unreachable
from drivers.requests import (
    ACKNOWLEDGE,
    ILLEGAL_VALUE,
    Refusal,
    RefusedError,
    reading,
    registers_in,
    writing,
)
from drivers.setpoint import SetPoint
from drivers.spans import Region
from nodeset import status as st

# Seconds before each look at what was written: a device may take a moment.
_READ_BACKS: Final = (0.0, 0.05, 0.2, 0.5)


class Writer:
    """Writes set-points over a connection. `busy` says whether one is under way or waits."""

    def __init__(self, connection: Connection, patience: float) -> None:
        """`patience` [s] is how long a write waits for those before it."""
        self._connection, self._patience = connection, patience
        self._turn = asyncio.Lock()
        self._count = 0

    @property
    def busy(self) -> bool:
        """Whether a write is under way or waits."""
        return self._count > 0

    async def write(self, point: SetPoint, value: float) -> int:
        """Write and read back; the StatusCode of the outcome, or `Unreachable`."""
        self._count += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.acquire()
            try:
                return await self._put(point, point.registers(value))
            finally:
                self._turn.release()
        except TimeoutError:
            return st.BAD_TIMEOUT
        except Unreachable:
            raise
        except Silence:
            return st.BAD_NO_COMMUNICATION
        finally:
            self._count -= 1

    async def _put(self, point: SetPoint, registers: list[int]) -> int:
        """Write, and read until the registers are what was written.

        Where the answer to the write is lost, the registers tell whether the device has taken it.
        """
        missed = st.BAD_DEVICE_FAILURE
        try:
            await self._connection.ask_once(writing(point.unit, point.address, registers))
        except RefusedError as refusal:
            if refusal.code != ACKNOWLEDGE:
                return _refused(refusal)
            missed = st.BAD_RESOURCE_UNAVAILABLE
        except NoAnswer:
            missed = st.BAD_TIMEOUT
        except (Closed, Nonsense):
            missed = st.BAD_NO_COMMUNICATION
        try:
            return st.GOOD if await self._holds(point, registers) else missed
        except NoAnswer:
            return st.BAD_TIMEOUT

    async def _holds(self, point: SetPoint, registers: list[int]) -> bool:
        """Whether the device holds the registers, now or in a moment."""
        request = reading("holding", Region(point.unit, point.address, len(registers), 0))
        for pause in _READ_BACKS:
            await asyncio.sleep(pause)
            try:
                found = registers_in(await self._connection.ask(request))
            except RefusedError:
                continue
            if found.tolist() == registers:
                return True
        return False


def _refused(refusal: RefusedError) -> int:
    """The StatusCode of a write that the device refuses."""
    if refusal.meaning is Refusal.ABSENT:
        return st.BAD_NO_COMMUNICATION
    if refusal.meaning is Refusal.BUSY:
        return st.BAD_RESOURCE_UNAVAILABLE
    return st.BAD_OUT_OF_RANGE if refusal.code == ILLEGAL_VALUE else st.BAD_DEVICE_FAILURE
