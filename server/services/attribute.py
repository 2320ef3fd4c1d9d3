"""Read and Write (Part 4, 5.11). A Read of live values is one gather from the live table.

The rows that a request names are remembered by the request's bytes: a client that polls the same
nodes is answered without its NodeIds being looked at again.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import Final

import numpy as np
from asyncua import ua

from nodeset.fleet import Index
from server.errors import ServiceError
from server.livetable import LiveTable
from server.protocol.datavalues import bad, stamped
from server.protocol.dispatch import Call, Dispatcher, check_operations
from server.protocol.indexrange import BadRange, NoData, take
from server.protocol.stack import struct_to_binary
from server.protocol.wire import I32, response_header
from server.space.addressspace import AddressSpace
from server.space.rowparser import RowParser

S = ua.StatusCodes
A = ua.AttributeIds

MAX_NODES: Final = 100_000
REMEMBERED: Final = 32 << 20  # bytes of requests and rows
_READ_RESPONSE: Final = int(ua.ObjectIds.ReadResponse_Encoding_DefaultBinary)
_READ_HEAD: Final = struct.Struct("<dii")
_NO_DIAGNOSTICS: Final = b"\xff\xff\xff\xff"
_PLAIN_ENCODING: Final = ("Default Binary", "Default XML", "Default JSON")


class _Memory:
    """Rows by the bytes of a NodesToRead array; the least recently used goes first."""

    def __init__(self) -> None:
        self._rows: OrderedDict[bytes, Index] = OrderedDict()
        self._size = 0

    def get(self, key: bytes) -> Index | None:
        rows = self._rows.get(key)
        if rows is not None:
            self._rows.move_to_end(key)
        return rows

    def put(self, key: bytes, rows: Index) -> None:
        self._rows[key] = rows
        self._size += len(key) + rows.nbytes
        while self._size > REMEMBERED:
            old, gone = self._rows.popitem(last=False)
            self._size -= len(old) + gone.nbytes


class AttributeService:
    """Answers Read and Write."""

    def __init__(self, space: AddressSpace, table: LiveTable, parser: RowParser) -> None:
        self._space = space
        self._table = table
        self._parser = parser
        self._memory = _Memory()

    def register(self, dispatcher: Dispatcher) -> None:
        """Take on the requests of this service set."""
        dispatcher.serve(ua.ReadRequest, self._read)
        dispatcher.serve(ua.WriteRequest, self._write)

    # -- Read

    def _read(self, call: Call) -> bytes:
        try:
            max_age, timestamps, count = _READ_HEAD.unpack_from(call.data, call.header.end)
        except struct.error:
            raise ServiceError(S.BadDecodingError) from None
        if max_age < 0 or max_age != max_age:
            raise ServiceError(S.BadMaxAgeInvalid)
        if not 0 <= timestamps <= 3:
            raise ServiceError(S.BadTimestampsToReturnInvalid)
        check_operations(count, MAX_NODES)
        key = call.data[call.header.end + 12 :]  # with the count: it says how the bytes are to be read
        rows = self._memory.get(key)
        if rows is None:
            rows = self._parser.rows(key[4:], count)
            if rows is not None:
                self._memory.put(key, rows)
        if rows is not None:
            values = self._table.encode(rows, timestamps)
        else:
            values = self._read_any(call, timestamps)
        header = response_header(_READ_RESPONSE, call.header.handle)
        return b"".join((header, I32.pack(count), values, _NO_DIAGNOSTICS))

    def _read_any(self, call: Call, timestamps: int) -> bytes:
        params = call.params(ua.ReadParameters)
        parts = []
        for item in params.NodesToRead:
            row = None
            if item.AttributeId == A.Value and not item.IndexRange and not item.DataEncoding.Name:
                row = self._parser.row(item.NodeId)
            if row is not None:
                parts.append(self._table.encode(np.array([row], np.intp), timestamps))
            else:
                value = stamped(self.read_one(item), item.AttributeId, timestamps)
                parts.append(struct_to_binary(value))
        return b"".join(parts)

    def read_one(self, item: ua.ReadValueId) -> ua.DataValue:
        """One attribute of one node, with the status that Part 4 names where it cannot be read."""
        node = self._space.get(item.NodeId)
        if node is None:
            return bad(S.BadNodeIdUnknown)
        try:
            attribute = node.attributes.get(A(item.AttributeId))
        except ValueError:
            attribute = None
        if attribute is None:
            return bad(S.BadAttributeIdInvalid)
        if item.DataEncoding.Name:
            known = item.DataEncoding.Name in _PLAIN_ENCODING
            return bad(S.BadDataEncodingUnsupported if known else S.BadDataEncodingInvalid)
        value = (
            attribute.value_callback(item.NodeId, item.AttributeId)
            if attribute.value_callback is not None
            else attribute.value
        )
        if item.IndexRange:
            return _sliced(value, item.IndexRange)
        return value

    # -- Write

    def _write(self, call: Call) -> ua.WriteResponse:
        params = call.params(ua.WriteParameters)
        check_operations(len(params.NodesToWrite), MAX_NODES)
        response = ua.WriteResponse()
        response.Results = [ua.StatusCode(self._write_one(item)) for item in params.NodesToWrite]
        return response

    def _write_one(self, item: ua.WriteValue) -> int:
        """No variable takes values from clients: set-points come with dispatch."""
        node = self._space.get(item.NodeId)
        if node is None:
            return int(S.BadNodeIdUnknown)
        try:
            known = A(item.AttributeId) in node.attributes
        except ValueError:
            known = False
        return int(S.BadNotWritable if known else S.BadAttributeIdInvalid)


def _sliced(value: ua.DataValue, text: str) -> ua.DataValue:
    try:
        variant = take(value.Value, text)
    except BadRange:
        return bad(S.BadIndexRangeInvalid)
    except NoData:
        return bad(S.BadIndexRangeNoData)
    return ua.DataValue(variant, value.StatusCode, value.SourceTimestamp, value.ServerTimestamp)
