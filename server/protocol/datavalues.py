"""DataValues as a client asked for them: without a value, or with the timestamps it wants."""

from __future__ import annotations

from typing import Final

from asyncua import ua

from server.livetable import BOTH
from server.protocol.wire import now_ticks

A = ua.AttributeIds

# The source time of what has been as it is since the server started.
_STARTED: Final = ua.win_epoch_to_datetime(now_ticks())


def bad(code: int) -> ua.DataValue:
    """A DataValue without a value."""
    return ua.DataValue(ua.Variant(), ua.StatusCode(code))


def stamped(value: ua.DataValue, attribute: int, timestamps: int) -> ua.DataValue:
    """The value with the timestamps that were asked for; only Value attributes have a source time."""
    source = server = None
    nothing = value.StatusCode.value & 0x8000_0000 and value.Value.Value is None
    if timestamps in (0, BOTH) and attribute == A.Value and not nothing:
        source = value.SourceTimestamp or _STARTED
    if timestamps in (1, BOTH):
        server = value.ServerTimestamp or ua.win_epoch_to_datetime(now_ticks())
    return ua.DataValue(value.Value, value.StatusCode, source, server)
