"""Set-points on their way to a device: what is checked before it is asked, and the line in the log after.

A write goes out beside the scan and never holds it up. What is live changes when a scan has read it back.
"""

from __future__ import annotations

import asyncio
import math
from typing import Final

import structlog

from drivers.source import Source
from nodeset import status as st
from nodeset.tags import Kind, TagDef
from server.livetable import LiveTable

log = structlog.get_logger(__name__)

MOST_WAITING: Final = 100


class SetPoints:
    """Writes set-points through a source."""

    def __init__(self, table: LiveTable, source: Source) -> None:
        self._table = table
        self._source = source
        self._under_way: set[asyncio.Task[int]] = set()

    async def write(self, row: int, value: float, user: str) -> int:
        """Write the set-point in `row` for `user`; the StatusCode of the outcome.

        BadNotWritable where the tag is none, BadNotConnected or BadConfigurationError where no register
        feeds it, BadNoCommunication or BadInvalidState where its present value is not known, BadOutOfRange
        beyond its EURange, BadResourceUnavailable while too many others wait; else what the device makes of
        it.
        """
        tag, _ = self._table.index.locate(row)
        refused = self._refusal(tag, row, value)
        if refused is not None:
            return refused
        # A client that leaves meanwhile leaves nothing half done.
        writing = asyncio.create_task(self._write(row, value, user))
        self._under_way.add(writing)
        writing.add_done_callback(self._under_way.discard)
        return await asyncio.shield(writing)

    def _refusal(self, tag: TagDef, row: int, value: float) -> int | None:
        if not tag.writable:
            return st.BAD_NOT_WRITABLE
        status = int(self._table.rows["status"][row])
        if status in (st.BAD_NO_COMMUNICATION, st.BAD_WAITING_FOR_INITIAL_DATA):
            return st.BAD_NO_COMMUNICATION
        if status in (st.BAD_NOT_CONNECTED, st.BAD_CONFIGURATION_ERROR):
            return status
        if status != st.GOOD:
            return st.BAD_INVALID_STATE
        # A whole number where it is a state; NaN is in no range.
        if not tag.low <= value <= tag.high or (tag.kind is Kind.STATE and value != math.floor(value)):
            return st.BAD_OUT_OF_RANGE
        return st.BAD_RESOURCE_UNAVAILABLE if len(self._under_way) >= MOST_WAITING else None

    async def _write(self, row: int, value: float, user: str) -> int:
        before = float(self._table.rows["value"][row])
        status = await self._source.write(row, value)
        target = self._table.index.identifier(row)
        if status != st.GOOD:
            log.warning(
                "set-point not written", target=target, value=value, user=user, status=f"0x{status:08X}"
            )
        else:
            log.info("set-point written", target=target, before=before, value=value, user=user)
        return status
