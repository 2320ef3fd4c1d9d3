"""Read and Write (Part 4, 5.11). A Read of live values is one gather from the live table.

What a request asks for is remembered by its bytes: a client that polls the same nodes is answered without
its NodeIds being looked at again. Whether the user may read it is asked each time.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import structlog
from asyncua import ua

from nodeset.fleet import Index
from server.errors import ServiceError
from server.livetable import BOTH, LiveTable
from server.protocol.datavalues import bad, stamped
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.indexrange import BadRange, Mismatch, NoData, parse, put, take
from server.protocol.sessions import Session
from server.protocol.stack import NodeData, struct_to_binary
from server.protocol.turns import Pace, Work
from server.protocol.wire import I32, OPERATION_ADDITIONAL_INFO, response_header, return_diagnostics
from server.security.audit import Audit
from server.security.permissions import Permission, Permissions, Profile
from server.space.addressspace import AddressSpace
from server.space.attributes import Attributes
from server.space.rowparser import RowParser
from server.space.valuetypes import ValueTypes, elements
from server.space.writablerows import WritableRows

log = structlog.get_logger(__name__)

S = ua.StatusCodes
A = ua.AttributeIds
VT = ua.VariantType

MAX_NODES: Final = 100_000
MAX_WRITES: Final = 10_000
MAX_RESPONSE: Final = 64 << 20  # bytes
REMEMBERED: Final = 32 << 20  # bytes of requests and what they ask for
_READ_RESPONSE: Final = int(ua.ObjectIds.ReadResponse_Encoding_DefaultBinary)
_READ_HEAD: Final = struct.Struct("<dii")
_NODES_AT: Final = 12
_NO_DIAGNOSTICS: Final = b"\xff\xff\xff\xff"
_BINARY: Final = "Default Binary"
_ITEM_SIZE: Final = 1000  # bytes of memory of a decoded ReadValueId, about
_MOST_ITEMS: Final = 2000  # of those remembered
_AT_ONCE: Final = 1000  # live values by their texts
_RUN: Final = 100  # live values between others, that are encoded together
_ENCODED: Final = 1000  # live values, before others get their turn


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a NodesToRead array asks for: live values by their rows, between them other items.

    `rows` are all of them where there is nothing else; `numbers` says that those are Doubles, `guarded` that
    some are set-points.
    """

    parts: tuple[Index | ua.ReadValueId, ...]
    rows: Index | None
    numbers: bool
    guarded: bool
    size: int


class _Memory:
    """Plans by the bytes of a NodesToRead array; the least recently used goes first."""

    def __init__(self) -> None:
        self._plans: OrderedDict[bytes, _Plan] = OrderedDict()
        self._size = 0

    def get(self, key: bytes) -> _Plan | None:
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
        return plan

    def put(self, key: bytes, plan: _Plan) -> None:
        if key in self._plans:  # another request that was worked on at the same time
            return
        self._plans[key] = plan
        self._size += len(key) + plan.size
        while self._size > REMEMBERED:
            old, gone = self._plans.popitem(last=False)
            self._size -= len(old) + gone.size


class AttributeService:
    """Answers Read and Write."""

    def __init__(
        self,
        space: AddressSpace,
        table: LiveTable,
        parser: RowParser,
        permissions: Permissions,
        set_points: WritableRows,
        types: ValueTypes,
        audit: Audit,
    ) -> None:
        self._space = space
        self._table = table
        self._parser = parser
        self._permissions = permissions
        self._set_points = set_points
        self._types = types
        self._audit = audit
        self._attributes = Attributes(space, permissions, set_points)
        self._memory = _Memory()
        self._open_to = permissions.holders(Profile.LIVE, Permission.READ)

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.ReadRequest, self._read)
        dispatcher.serve(ua.WriteRequest, self._write)

    # -- Read

    def _read(self, call: Call) -> bytes | Work:
        try:
            max_age, timestamps, count = _READ_HEAD.unpack_from(call.data, call.header.end)
        except struct.error:
            raise ServiceError(S.BadDecodingError) from None
        if not max_age >= 0:
            raise ServiceError(S.BadMaxAgeInvalid)
        if not 0 <= timestamps <= 3:
            raise ServiceError(S.BadTimestampsToReturnInvalid)
        check_operations(count, MAX_NODES)
        key = call.data[call.header.end + 12 :]  # with the count: it says how the bytes are to be read
        plan = self._memory.get(key)
        if plan is None and count <= _AT_ONCE:
            plan = self._live(key, self._parser.rows(key[4:], count))
        if plan is None:
            return self._read_new(call, key, count, timestamps)
        if plan.rows is None or not self.may_read(call.owner, plan.guarded):
            return self._read_parts(call, plan.parts, count, timestamps)
        if plan.numbers and timestamps == BOTH:
            return _response(call, count, self._table.encode_numbers(plan.rows))
        if count > _AT_ONCE:
            return self._read_parts(call, plan.parts, count, timestamps)
        return _response(call, count, self._table.encode(plan.rows, timestamps))

    def _live(self, key: bytes, rows: Index | None) -> _Plan | None:
        """The plan of nothing but live values, which is remembered."""
        if rows is None:
            return None
        guarded = self._set_points.any_of(rows)
        plan = _Plan((rows,), rows, self._table.are_numbers(rows), guarded, rows.nbytes)
        self._memory.put(key, plan)
        return plan

    def _read_new(self, call: Call, key: bytes, count: int, timestamps: int) -> Work:
        """Answer what no plan is known for: in turns, and one node after the other unless all are live."""
        if count > _AT_ONCE:
            records = yield from self._parser.records_in_turns(key[4:], count, 0)
            plan = self._live(key, None if records is None else records[0])
            if plan is not None:
                return (yield from self._read_parts(call, plan.parts, count, timestamps))
        if count > _MOST_ITEMS:
            return (yield from self._read_parts(call, self._parts(call), count, timestamps))
        parts = []
        for part in self._parts(call):
            parts.append(part)
            yield
        self._memory.put(key, _Plan(tuple(parts), None, False, False, count * _ITEM_SIZE))
        return (yield from self._read_parts(call, parts, count, timestamps))

    def _read_parts(
        self, call: Call, parts: Iterable[Index | ua.ReadValueId], count: int, timestamps: int
    ) -> Work:
        values, size = [], 0
        for part in _split(parts):
            value = self._encoded(part, call.owner, timestamps)
            size += len(value)
            if size > MAX_RESPONSE:
                raise ServiceError(S.BadResponseTooLarge)
            values.append(value)
            yield
        return _response(call, count, b"".join(values))

    def may_read(self, session: Session, guarded: bool) -> bool:
        """Whether a session may read live values, with set-points among them or without."""
        if not guarded:
            return self._open_to[session.user.role]
        return not self._permissions.refusal(Profile.SET_POINT, session, Permission.READ)

    def are_guarded(self, rows: Index) -> bool:
        """Whether there are set-points among live values."""
        return self._set_points.any_of(rows)

    def _parts(self, call: Call) -> Iterator[Index | ua.ReadValueId]:
        """What a request asks for, decoded piece by piece; live values next to each other as their rows."""
        run: list[int] = []
        for item in call.elements(ua.ReadValueId, call.header.end + _NODES_AT, MAX_NODES):
            row = self._plain_row(item)
            live = row is not None and not self._set_points.any_of(np.array([row], np.intp))
            if live and row is not None:
                run.append(row)
            if run and (not live or len(run) == _RUN):
                yield np.array(run, np.intp)
                run = []
            if not live:
                yield item
        if run:
            yield np.array(run, np.intp)

    def _plain_row(self, item: ua.ReadValueId) -> int | None:
        """The row of a live value that is asked for as a whole."""
        if item.AttributeId != A.Value or item.IndexRange or item.DataEncoding.Name:
            return None
        return self._parser.row(item.NodeId)

    def _encoded(self, part: Index | ua.ReadValueId, session: Session, timestamps: int) -> bytes:
        if isinstance(part, ua.ReadValueId):
            value = self.read_one(part, session)
            return bytes(struct_to_binary(stamped(value, part.AttributeId, timestamps)))
        if self.may_read(session, self._set_points.any_of(part)):
            return self._table.encode(part, timestamps)
        items = [ua.ReadValueId(self._parser.node_id(int(row)), A.Value) for row in part]
        return b"".join(self._encoded(item, session, timestamps) for item in items)

    def event_refusal(self, node_id: ua.NodeId, session: Session) -> int:
        """The StatusCode with which a session may not have the events of a node, or 0."""
        permissions = self._permissions
        return permissions.refusal(permissions.profile(node_id), session, Permission.RECEIVE_EVENTS)

    def read_one(self, item: ua.ReadValueId, session: Session) -> ua.DataValue:
        """One attribute of one node, with the status that Part 4 names where it cannot be read."""
        node = self._space.get(item.NodeId)
        if node is None:
            return bad(S.BadNodeIdUnknown)
        if not self._attributes.has(node, item.AttributeId):
            return bad(S.BadAttributeIdInvalid)
        if item.DataEncoding.Name:
            code = self._encoding_refusal(node, item)
            if code:
                return bad(code)
        if item.IndexRange and not _is_range(item.IndexRange):
            return bad(S.BadIndexRangeInvalid)
        value = self._attributes.read(node, item.AttributeId, session)
        if item.IndexRange and value.StatusCode.value & 0x8000_0000 == 0:
            return _sliced(value, item.IndexRange)
        return value

    def _encoding_refusal(self, node: NodeData, item: ua.ReadValueId) -> int:
        """An encoding is for structures, which only have the binary one here (Part 4, 7.38.2)."""
        data_type = node.attributes.get(A.DataType) if item.AttributeId == A.Value else None
        if data_type is None or VT.ExtensionObject not in self._types.built_in(data_type.value.Value.Value):
            return int(S.BadDataEncodingInvalid)
        encoding = item.DataEncoding
        known = encoding.NamespaceIndex == 0 and encoding.Name == _BINARY
        return 0 if known else int(S.BadDataEncodingUnsupported)

    # -- Write

    async def _write(self, call: Call) -> ua.WriteResponse:
        pace, items = Pace(), []
        for item in call.elements(ua.WriteValue, call.header.end, MAX_WRITES):
            items.append(item)  # all are decoded before the first is written
            await pace.step()
        response, texts = ua.WriteResponse(), []
        for item in items:
            code, text = await self._write_one(call, item)
            response.Results.append(ua.StatusCode(code))
            texts.append(text)
            await pace.step()
        if any(texts) and return_diagnostics(call.data) & OPERATION_ADDITIONAL_INFO:
            response.DiagnosticInfos = [ua.DiagnosticInfo(AdditionalInfo=text or None) for text in texts]
        return response

    async def _write_one(self, call: Call, item: ua.WriteValue) -> tuple[int, str]:
        """The StatusCode, and why it is refused, for clients that ask for diagnostics."""
        old, text = ua.Variant(), ""
        node = self._space.get(item.NodeId)
        try:
            if call.owner.closed:  # while another value was being written
                raise ServiceError(S.BadSessionClosed)
            if node is None:
                raise ServiceError(S.BadNodeIdUnknown)
            self._check_target(node, item, call.owner)
            old = self._attributes.read(node, A.Value, call.owner).Value
            new = self._new_value(node, item, old)
            code = await self._give(node, new, call.owner)
        except ServiceError as error:
            code, text = int(error.code), error.text
        except Exception:  # a defect of one variable must not cost the others their answer
            log.exception("write failed", node=item.NodeId.to_string())
            code = int(S.BadInternalError)
        self._record(call, item, old, code)
        return code, text

    def _check_target(self, node: NodeData, item: ua.WriteValue, session: Session) -> None:
        """Whether this attribute can be written, by this user, in this combination."""
        if not self._attributes.has(node, item.AttributeId):
            raise ServiceError(S.BadAttributeIdInvalid)
        if item.IndexRange and not _is_range(item.IndexRange):
            raise ServiceError(S.BadIndexRangeInvalid)
        if item.AttributeId != A.Value:
            raise ServiceError(S.BadNotWritable)
        code = self._attributes.write_refusal(node, session)
        if code:
            raise ServiceError(code)
        value = item.Value
        times = (value.SourceTimestamp, value.ServerTimestamp)
        picoseconds = (value.SourcePicoseconds, value.ServerPicoseconds)
        if value.StatusCode.value or any(each is not None for each in (*times, *picoseconds)):
            raise ServiceError(S.BadWriteNotSupported)

    def _new_value(self, node: NodeData, item: ua.WriteValue, old: ua.Variant) -> ua.Variant:
        """The whole value that is to be, of the variable's type and rank."""
        data_type = node.attributes[A.DataType].value.Value.Value
        rank = int(node.attributes[A.ValueRank].value.Value.Value)
        value = self._as_bytes(item.Value.Value, data_type, rank)
        if not item.IndexRange:
            if not self._types.fits(value, data_type, rank):
                raise ServiceError(S.BadTypeMismatch)
            return value
        if value.VariantType not in self._types.built_in(data_type):
            raise ServiceError(S.BadTypeMismatch)
        try:
            return put(old, item.IndexRange, value)
        except NoData:
            raise ServiceError(S.BadIndexRangeNoData) from None
        except Mismatch:
            raise ServiceError(S.BadIndexRangeDataMismatch) from None

    def _as_bytes(self, value: ua.Variant, data_type: ua.NodeId, rank: int) -> ua.Variant:
        """A ByteString for an array of Byte, and the other way round (Part 4, 5.11.4.2)."""
        wanted = self._types.built_in(data_type)
        scalar = not value.is_array
        if scalar and value.VariantType is VT.ByteString and wanted == {VT.Byte} and rank >= 0:
            return ua.Variant(list(value.Value or b""), VT.Byte, is_array=True)
        bytes_only = wanted == {VT.ByteString} and value.VariantType is VT.Byte
        if bytes_only and value.is_array and not value.Dimensions and rank < 0:
            return ua.Variant(bytes(value.Value or ()), VT.ByteString)
        return value

    async def _give(self, node: NodeData, value: ua.Variant, session: Session) -> int:
        """Hand a value to who takes it."""
        row, setting = self._set_points.row(node.nodeid), self._space.setting(node.nodeid)
        if setting is not None:
            return int(await setting(value.Value, session.user.name))
        if row is None:
            return int(self._space.writers[node.nodeid](value.Value))
        number = self._set_points.number(row, value.Value)
        if number is None:
            return int(S.BadOutOfRange)
        return int(await self._set_points.write(row, number, session.user.name))

    def _record(self, call: Call, item: ua.WriteValue, old: ua.Variant, code: int) -> None:
        """Every write is told, done or refused (Part 5, 6.4.25)."""
        self._audit.record(
            ua.ObjectIds.AuditWriteUpdateEventType,
            "write",
            status=code,
            call=call,
            target=item.NodeId.to_string(),
            old=_brief(old),
            new=_brief(item.Value.Value),
            fields={
                ("AttributeId",): ua.Variant(int(item.AttributeId), VT.UInt32),
                ("IndexRange",): ua.Variant(item.IndexRange, VT.String),
                ("OldValue",): old,
                ("NewValue",): item.Value.Value,
            },
        )


def _split(parts: Iterable[Index | ua.ReadValueId]) -> Iterator[Index | ua.ReadValueId]:
    """The same with long runs of live values in pieces."""
    for part in parts:
        if isinstance(part, ua.ReadValueId) or len(part) <= _ENCODED:
            yield part
        else:
            yield from (part[i : i + _ENCODED] for i in range(0, len(part), _ENCODED))


def _response(call: Call, count: int, values: bytes) -> bytes:
    header = response_header(_READ_RESPONSE, call.header.handle)
    return b"".join((header, I32.pack(count), values, _NO_DIAGNOSTICS))


def _is_range(text: str) -> bool:
    try:
        parse(text)
    except BadRange:
        return False
    return True


def _sliced(value: ua.DataValue, text: str) -> ua.DataValue:
    try:
        variant = take(value.Value, text)
    except NoData:
        return bad(S.BadIndexRangeNoData)
    return ua.DataValue(variant, value.StatusCode, value.SourceTimestamp, value.ServerTimestamp)


def _brief(value: ua.Variant) -> Any:
    """A value for the trail: a scalar as it is, the first elements of others."""
    if not isinstance(value.Value, list):
        return value.Value
    return elements(value)[:20]
