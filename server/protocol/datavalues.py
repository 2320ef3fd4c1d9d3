"""DataValues as a client asked for them: without a value, or with the timestamps it wants."""

from __future__ import annotations

from asyncua import ua

from server.livetable import BOTH
from server.protocol.wire import now_ticks

A = ua.AttributeIds


def bad(code: int) -> ua.DataValue:
    """A DataValue without a value."""
    return ua.DataValue(ua.Variant(), ua.StatusCode(code))


def stamped(value: ua.DataValue, attribute: int, timestamps: int) -> ua.DataValue:
    """The value with the timestamps that were asked for; only Value attributes have a source time."""
    source = server = None
    if value.StatusCode.value & 0xC000_0000 == 0 or value.Value is not None:
        if timestamps in (0, BOTH) and attribute == A.Value:
            source = value.SourceTimestamp
        if timestamps in (1, BOTH):
            server = value.ServerTimestamp or ua.win_epoch_to_datetime(now_ticks())
    return ua.DataValue(value.Value, value.StatusCode, source, server)
