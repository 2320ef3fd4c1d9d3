"""The details of HistoryUpdate (Part 11, 6.9), decoded value by value: a long list keeps nobody waiting.

Details of events, and those that are none of the standard, are `Unsupported` or `Invalid` and cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from asyncua import ua

from historian.span import FIRST, LAST
from server.errors import ServiceError
from server.protocol.decoder import Budget, Reader, structure
from server.protocol.dispatch import Call, check_operations
from server.protocol.stack import nodeid_from_binary
from server.protocol.turns import Pace
from server.protocol.wire import EPOCH, I32, I64

S = ua.StatusCodes
Ids = ua.ObjectIds

MAX_NODES: Final = 1000
MAX_VALUES: Final = 10_000  # of all nodes of a request, and times
_PIECES: Final = 500  # of one value
_BODY: Final = 1  # an ExtensionObject's body is a ByteString


@dataclass(frozen=True, slots=True)
class UpdateValues:
    """UpdateDataDetails, or UpdateStructureDataDetails; `action` is a PerformUpdateType, or any number."""

    node_id: ua.NodeId
    action: int
    values: list[ua.DataValue]
    structured: bool


@dataclass(frozen=True, slots=True)
class DeleteRange:
    """DeleteRawModifiedDetails; times [µs since 1970] are None where they are not given."""

    node_id: ua.NodeId
    modified: bool
    start: int | None
    end: int | None


@dataclass(frozen=True, slots=True)
class DeleteTimes:
    """DeleteAtTimeDetails; times in µs since 1970, what no calendar has at its ends."""

    node_id: ua.NodeId
    times: list[int]


@dataclass(frozen=True, slots=True)
class Refused:
    """Details that are not served, and the StatusCode that says why."""

    type_id: ua.NodeId
    code: int


Details = UpdateValues | DeleteRange | DeleteTimes | Refused

_UPDATE_DATA: Final = int(Ids.UpdateDataDetails_Encoding_DefaultBinary)
_UPDATE_STRUCTURE: Final = int(Ids.UpdateStructureDataDetails_Encoding_DefaultBinary)
_DELETE_RANGE: Final = int(Ids.DeleteRawModifiedDetails_Encoding_DefaultBinary)
_DELETE_TIMES: Final = int(Ids.DeleteAtTimeDetails_Encoding_DefaultBinary)
_EVENTS: Final = frozenset(
    {
        int(Ids.UpdateEventDetails_Encoding_DefaultBinary),
        int(Ids.DeleteEventDetails_Encoding_DefaultBinary),
    }
)


async def update_details(call: Call) -> list[Details]:
    """All details of a request; raises `ServiceError` for what is too much or cannot be decoded."""
    reader = Reader(call.data, call.header.end, budget=Budget(20 * MAX_NODES + 2 * MAX_VALUES))
    count = _int32(reader)
    check_operations(count, MAX_NODES)
    decoder = _Decoder()
    return [await decoder.details(reader) for _ in range(count)]


class _Decoder:
    """Decodes the details of one request, and counts what they ask for."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._values = 0

    async def details(self, reader: Reader) -> Details:
        await self._pace.step()
        type_id, body = _extension_object(reader)
        number = type_id.Identifier if type_id.NamespaceIndex == 0 else -1
        if body is None:
            return Refused(type_id, int(S.BadHistoryOperationInvalid))
        if number in (_UPDATE_DATA, _UPDATE_STRUCTURE):
            return await self._update_values(body, number == _UPDATE_STRUCTURE)
        if number == _DELETE_RANGE:
            node_id, modified = _node_id(body), body.read(1) != b"\0"
            return DeleteRange(node_id, modified, _time(body), _time(body))
        if number == _DELETE_TIMES:
            return DeleteTimes(_node_id(body), self._times(body))
        code = S.BadHistoryOperationUnsupported if number in _EVENTS else S.BadHistoryOperationInvalid
        return Refused(type_id, int(code))

    async def _update_values(self, body: Reader, structured: bool) -> UpdateValues:
        node_id, action, count = _node_id(body), _int32(body), self._count(body)
        values = []
        for _ in range(count):
            await self._pace.step()
            values.append(_value(body))
        return UpdateValues(node_id, action, values, structured)

    def _times(self, body: Reader) -> list[int]:
        count = self._count(body)
        ticks = np.frombuffer(body.read(8 * count), "<i8")
        times: list[int] = np.clip(ticks // 10 - EPOCH // 10, FIRST, LAST).tolist()
        return times

    def _count(self, body: Reader) -> int:
        """Length of a list; a null one is empty."""
        count = max(_int32(body), 0)
        self._values += count
        if self._values > MAX_VALUES:
            raise ServiceError(S.BadTooManyOperations)
        body.expect(count)
        return count


def _extension_object(reader: Reader) -> tuple[ua.NodeId, Reader | None]:
    type_id = _node_id(reader)
    (encoding,) = reader.read(1)
    if not encoding:
        return type_id, None
    length = _int32(reader)
    body = reader.copy(max(length, 0))
    reader.skip(max(length, 0))
    return type_id, body if encoding == _BODY else None


def _value(body: Reader) -> ua.DataValue:
    own = body.granted(_PIECES)
    found = structure(ua.DataValue, own)
    body.skip(own.at - body.at)
    return found


def _node_id(reader: Reader) -> ua.NodeId:
    try:
        found: ua.NodeId = nodeid_from_binary(reader)
    except ServiceError:
        raise
    except Exception:  # asyncua raises whatever comes of wrong bytes
        raise ServiceError(S.BadDecodingError) from None
    return found


def _int32(reader: Reader) -> int:
    number: int = I32.unpack(reader.read(4))[0]
    return number


def _time(reader: Reader) -> int | None:
    """µs since 1970; None for DateTime.MinValue, not given."""
    ticks: int = I64.unpack(reader.read(8))[0]
    return None if ticks <= 0 else min((ticks - EPOCH) // 10, LAST)
