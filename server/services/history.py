"""HistoryRead of raw values (Part 11, 6.5.3), answered by the historian."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import structlog
from asyncua import ua

from historian.errors import HistorianError
from historian.historian import Historian
from historian.reader import History
from nodeset.fleet import AssetType
from nodeset.index import TagIndex
from nodeset.tags import Kind, TagDef, quarter_text
from server.errors import ServiceError
from server.protocol.dispatch import Call, Dispatcher
from server.protocol.sessions import Session
from server.protocol.stack import struct_to_binary
from server.protocol.turns import Pace
from server.protocol.wire import EPOCH, I32, U32, response_header
from server.security.permissions import Permission, Permissions
from server.space.addressspace import AddressSpace
from server.space.rowparser import RowParser

log = structlog.get_logger(__name__)

S = ua.StatusCodes

MAX_NODES: Final = 1000
MAX_VALUES: Final = 1_000_000  # in one answer, of 22 bytes each
TIMEOUT: Final = 30.0
_RESPONSE: Final = int(ua.ObjectIds.HistoryReadResponse_Encoding_DefaultBinary)
_HISTORY_DATA: Final = int(ua.ObjectIds.HistoryData_Encoding_DefaultBinary)
_EXTENSION: Final = b"\x01\x00" + _HISTORY_DATA.to_bytes(2, "little") + b"\x01"
_NO_EXTENSION: Final = b"\x00\x00\x00"
_NONE: Final = b"\xff\xff\xff\xff"
_BAD_BOUND: Final = 0x80D7_0000
_BEGINNING: Final = 0
_DOUBLES: Final = np.dtype(
    [("mask", "u1"), ("type", "u1"), ("value", "<f8"), ("status", "<u4"), ("source", "<i8")]
)
_STATES: Final = np.dtype(
    [("mask", "u1"), ("type", "u1"), ("value", "<u4"), ("status", "<u4"), ("source", "<i8")]
)


@dataclass
class _Head:
    """HistoryReadParameters up to their nodes."""

    HistoryReadDetails: ua.ExtensionObject = field(default_factory=ua.ExtensionObject)
    TimestampsToReturn: ua.TimestampsToReturn = ua.TimestampsToReturn.Source
    ReleaseContinuationPoints: ua.Boolean = True


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One variable's raw history that was asked for; times in µs, None where left open."""

    row: int
    start: int | None
    end: int | None
    limit: int
    bounds: bool
    after: int | None = None


class HistoryService:
    """Answers HistoryRead."""

    def __init__(
        self,
        historian: Historian,
        space: AddressSpace,
        index: TagIndex,
        parser: RowParser,
        permissions: Permissions,
    ) -> None:
        self._historian = historian
        self._space = space
        self._permissions = permissions
        self._index = index
        self._parser = parser

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.HistoryReadRequest, self._read)

    async def _read(self, call: Call) -> bytes:
        head, at = call.head(_Head)
        pace, nodes = Pace(), []
        for node in call.elements(ua.HistoryReadValueId, at, MAX_NODES):
            nodes.append(node)
            await pace.step()
        details = head.HistoryReadDetails
        if not isinstance(details, ua.ReadRawModifiedDetails):
            raise ServiceError(S.BadHistoryOperationUnsupported)
        # What one answer holds is shared by its nodes: the rest follows by continuation points.
        share = max(MAX_VALUES // len(nodes), 1)
        release = bool(head.ReleaseContinuationPoints)
        if not release:
            _check(details, int(head.TimestampsToReturn))
        results = []
        for node in nodes:
            results.append(await self._one(call.owner, node, details, release, share))
            if call.owner.closed:
                raise ServiceError(S.BadSessionClosed)
        header = response_header(_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(len(results)), *results, _NONE))

    async def _one(
        self,
        session: Session,
        node: ua.HistoryReadValueId,
        details: ua.ReadRawModifiedDetails,
        release: bool,
        share: int,
    ) -> bytes:
        try:
            wanted = self._wanted(session, node, details)
            if release:
                return _result(S.Good)
            async with asyncio.timeout(TIMEOUT):
                limit = min(wanted.limit or share, share)
                found = await self._historian.read_raw(
                    wanted.row, wanted.start, wanted.end, limit, wanted.bounds, wanted.after
                )
            point = None
            if found.more:
                last = int(found.time[-1])
                point = session.keep_point(
                    _Wanted(wanted.row, wanted.start, wanted.end, wanted.limit, wanted.bounds, last),
                    MAX_NODES,
                )
        except ServiceError as error:
            return _result(error.code)
        except TimeoutError:
            return _result(S.BadTimeout)
        except HistorianError as error:
            log.warning("history cannot be read", reason=str(error))
            return _result(S.BadResourceUnavailable)
        tag, _ = self._index.locate(wanted.row)
        status = S.Good if len(found.time) else S.GoodNoData
        return _result(status, point, self._encode(tag, found), len(found.time))

    def _wanted(
        self, session: Session, node: ua.HistoryReadValueId, details: ua.ReadRawModifiedDetails
    ) -> _Wanted:
        if node.ContinuationPoint:
            kept = session.points.pop(node.ContinuationPoint, None)
            if not isinstance(kept, _Wanted) or kept.row != self._parser.row(node.NodeId):
                raise ServiceError(S.BadContinuationPointInvalid)
            return kept
        row = self._parser.row(node.NodeId)
        if row is None:
            known = self._space.get(node.NodeId) is not None
            raise ServiceError(S.BadHistoryOperationUnsupported if known else S.BadNodeIdUnknown)
        profile = self._permissions.profile(node.NodeId)
        refused = self._permissions.refusal(profile, session, Permission.READ_HISTORY)
        if refused:
            raise ServiceError(refused)
        if node.IndexRange:
            raise ServiceError(S.BadIndexRangeNoData)
        if node.DataEncoding.Name and node.DataEncoding.Name != "Default Binary":
            raise ServiceError(S.BadDataEncodingUnsupported)
        return _Wanted(
            row,
            _microseconds(details.StartTime),
            _microseconds(details.EndTime),
            int(details.NumValuesPerNode),
            bool(details.ReturnBounds),
        )

    def _encode(self, tag: TagDef, found: History) -> bytes:
        if tag.kind in (Kind.QUARTER, Kind.JAR):
            return b"".join(self._text_values(tag, found))
        is_state = tag.kind is Kind.STATE
        out = np.zeros(len(found.time), _STATES if is_state else _DOUBLES)
        out["mask"] = 0x07
        out["type"] = 7 if is_state else 11
        out["value"] = np.nan_to_num(found.value) if is_state else found.value
        out["status"] = found.status
        out["source"] = found.time * 10 + EPOCH
        markers = np.flatnonzero(found.status == _BAD_BOUND)
        if not markers.size:
            return out.tobytes()
        rows = [line.tobytes() for line in out]
        for i in markers:  # a bound that is not there has no value (Part 11, 6.5.3)
            rows[i] = b"\x06" + rows[i][-12:]
        return b"".join(rows)

    def _text_values(self, tag: TagDef, found: History) -> list[bytes]:
        jars = self._index.fleet.assets(AssetType.JAR)
        rows: list[bytes] = []
        columns = (found.value.tolist(), found.status.tolist(), found.time.tolist())
        for number, status, time in zip(*columns, strict=True):
            text = None
            if number == number and status != _BAD_BOUND:
                text = quarter_text(number) if tag.kind is Kind.QUARTER else jars[int(number)].path
            variant = ua.Variant() if text is None else ua.Variant(text, ua.VariantType.String)
            source = ua.win_epoch_to_datetime(time * 10 + EPOCH)
            rows.append(struct_to_binary(ua.DataValue(variant, ua.StatusCode(status), source)))
        return rows


def _check(details: ua.ReadRawModifiedDetails, timestamps: int) -> None:
    if details.IsReadModified:
        raise ServiceError(S.BadHistoryOperationUnsupported)
    if timestamps not in (0, 1, 2):
        raise ServiceError(S.BadTimestampsToReturnInvalid)
    # Part 11, 6.5.3.2: at least two of start, end and number of values.
    given = [_microseconds(details.StartTime), _microseconds(details.EndTime)]
    if given[0] is None and given[1] is None:
        raise ServiceError(S.BadHistoryOperationInvalid)
    if None in given and not details.NumValuesPerNode:
        raise ServiceError(S.BadHistoryOperationInvalid)


def _microseconds(moment: Any) -> int | None:
    """µs since 1970, or None for DateTime.MinValue: not given."""
    if moment is None:
        return None
    ticks = int(ua.datetime_to_win_epoch(moment))
    return None if ticks <= _BEGINNING else (ticks - EPOCH) // 10


def _result(status: int, point: bytes | None = None, values: bytes | None = None, count: int = 0) -> bytes:
    marker = _NONE if point is None else I32.pack(len(point)) + point
    if values is None:
        return U32.pack(status) + marker + _NO_EXTENSION
    body = I32.pack(count) + values
    return b"".join((U32.pack(status), marker, _EXTENSION, I32.pack(len(body)), body))
