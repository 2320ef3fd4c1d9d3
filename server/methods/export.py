"""Historian.Export, and the methods of the files that it makes (Part 20, 4.2)."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from asyncua import ua

from historian.export.request import ExportError, Format, Request, Step
from historian.export.selection import Asset, Selection, select
from nodeset.fleet import AssetType, Fleet
from nodeset.tags import TagDef
from server.exports.exports import Exports, TooManyFiles
from server.exports.file import ExportFile, NotYet, UnknownHandle
from server.protocol.sessions import Session
from server.reports.orders import ReportOrders
from server.reports.period import month_at
from server.security.permissions import Permission, Permissions, Profile
from server.services.method import ArgumentError, Function, Invocation, MethodError, MethodService, Outputs
from server.space.filenodes import FILE_METHODS, node_id

S = ua.StatusCodes
VT = ua.VariantType

MOST_VARIABLES: Final = 1000  # of a call; each may have wild cards
MAX_LENGTH: Final = 4 << 20  # bytes of one Read
SHORTEST_WAIT: Final = 2.0  # s; a client that does not say how long it waits, waits longer than this
LONGEST_WAIT: Final = 20.0
_READ: Final = 1  # mode of Open (Part 20, 4.2.2)
_HEADER: Final = 1024  # bytes of an answer besides its data
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NodeIdOf = Callable[[str], ua.NodeId]


class ExportMethods:
    """Makes files for whoever may read the history of what is in them."""

    def __init__(
        self,
        exports: Exports,
        reports: ReportOrders,
        fleet: Fleet,
        permissions: Permissions,
        node_id: NodeIdOf,
    ) -> None:
        self._exports = exports
        self._reports = reports
        self._fleet = fleet
        self._assets = [Asset(0, kind, asset.path) for kind in AssetType for asset in fleet.assets(kind)]
        self._permissions = permissions
        self._node_id = node_id

    def register(self, methods: MethodService) -> None:
        """Take on Export and the methods of FileType."""
        audited = ua.ObjectIds.AuditUpdateMethodEventType
        methods.add(self._node_id("Historian.Export"), Profile.CALL_VIEWER, self._export, audited, "export")
        functions: tuple[Function, ...] = (
            self._open,
            self._close,
            self._read,
            self._write,
            self._position,
            self._seek,
        )
        for name, function in zip(FILE_METHODS, functions, strict=True):
            method = ua.NodeId(getattr(ua.ObjectIds, f"FileType_{name}"))
            methods.add(method, Profile.CALL_VIEWER, function)

    async def _export(self, call: Invocation) -> Outputs:
        """A file that is whole when this returns, unless it takes longer than the caller waits."""
        request = self._request(call.values)
        if request.format is Format.PDF:
            return await offer(self._exports, call, lambda: self._monthly(call.session, request))
        await self._check(call.session, request)
        return await offer(self._exports, call, lambda: self._exports.add(call.session, request))

    def _monthly(self, session: Session, request: Request) -> ExportFile:
        """The fleet's report of the month in which an export begins; MakeReport knows others."""
        reports = self._reports
        month = month_at(request.start, reports.zone("")).name
        asked = reports.request(month, "", Format.PDF)
        return self._exports.begin(session, Format.PDF, lambda path: reports.making(asked, path))

    def _request(self, values: list[Any]) -> Request:
        request = _request(values)
        return replace(request, zone=self._fleet.zone_of(request.variables).key)

    async def _check(self, session: Session, request: Request) -> None:
        """Whether all variables are there, and the session may read their history."""
        try:
            selection = await asyncio.to_thread(select, self._assets, request.variables)
        except ExportError as error:
            raise ArgumentError(0, S.BadNodeIdUnknown, str(error)) from None
        for path, tag in _one_of_each(selection):
            profile = self._permissions.profile(self._node_id(f"{path}.{tag.name}"))
            code = self._permissions.refusal(profile, session, Permission.READ_HISTORY)
            if code:
                raise MethodError(code, f"the history of {tag.name} is not for you")

    # -- the methods of a file

    def _open(self, call: Invocation) -> Outputs:
        (mode,) = call.values
        file = self._file(call)
        if mode != _READ:
            raise MethodError(S.BadNotWritable)
        try:
            return (ua.Variant(file.open(), VT.UInt32),)
        except UnknownHandle:
            raise MethodError(S.BadResourceUnavailable, "too many handles are open") from None

    def _close(self, call: Invocation) -> Outputs:
        file = self._file(call)
        self._known(file.close, call.values[0])
        if not file.handles:
            self._exports.remove(file)
        return ()

    async def _read(self, call: Invocation) -> Outputs:
        handle, length = call.values
        file = self._file(call)
        self._known(file.position, handle)
        if length <= 0:
            raise ArgumentError(1, S.BadOutOfRange)
        room = call.session.max_response - _HEADER if call.session.max_response else MAX_LENGTH
        try:
            data = await file.read(handle, min(length, MAX_LENGTH, max(room, 1)), patience(call))
        except NotYet:
            raise MethodError(S.BadWouldBlock, "the file is still being made: ask again") from None
        except UnknownHandle:  # closed meanwhile
            raise ArgumentError(0, S.BadOutOfRange) from None
        except ExportError as error:
            raise MethodError(S.BadUnexpectedError, str(error)) from None
        return (ua.Variant(data, VT.ByteString),)

    def _write(self, call: Invocation) -> Outputs:
        self._file(call)
        raise MethodError(S.BadNotWritable)

    def _position(self, call: Invocation) -> Outputs:
        return (ua.Variant(self._known(self._file(call).position, call.values[0]), VT.UInt64),)

    def _seek(self, call: Invocation) -> Outputs:
        file, (handle, position) = self._file(call), call.values
        self._known(lambda number: file.seek(number, position), handle)
        return ()

    def _file(self, call: Invocation) -> ExportFile:
        """The file that is meant, which is the session's own (Part 20, 4.4.1)."""
        file = self._exports.find(str(call.object_id.Identifier))
        if file is None:
            raise MethodError(S.BadNodeIdUnknown)
        if file.session is not call.session or file.user != call.user.name:
            raise MethodError(S.BadUserAccessDenied)
        return file

    def _known(self, act: Callable[[int], Any], handle: int) -> Any:
        try:
            return act(handle)
        except UnknownHandle:
            raise ArgumentError(0, S.BadOutOfRange, f"no open handle is {handle}") from None


async def offer(exports: Exports, call: Invocation, begin: Callable[[], ExportFile]) -> Outputs:
    """A file that is begun for a call, and its handle, once it is whole or the caller waits no longer."""
    try:
        file = begin()
    except TooManyFiles:
        text = "there are as many files as there may be: close one, or wait"
        raise MethodError(S.BadResourceUnavailable, text) from None
    handle = file.open()
    await file.made(patience(call))
    if file.failure is not None:
        exports.remove(file)
        raise MethodError(S.BadResourceUnavailable, file.failure)
    return ua.Variant(node_id(file), VT.NodeId), ua.Variant(handle, VT.UInt32)


def _request(values: list[Any]) -> Request:
    variables, start, end, step, form = values
    if len(variables) > MOST_VARIABLES:
        raise ArgumentError(0, S.BadOutOfRange, f"{MOST_VARIABLES} variables at most; wild cards help")
    try:
        kind = Format((form or "").lower())
    except ValueError:
        raise ArgumentError(4, S.BadOutOfRange, "csv, parquet, xlsx and pdf are formats") from None
    try:
        pace = Step(step or Step.RAW)
    except ValueError:
        raise ArgumentError(3, S.BadOutOfRange, "raw, hourly and daily are steps") from None
    first, last = _time(start), _time(end)
    if last <= first and kind is not Format.PDF:
        raise ArgumentError(2, S.BadOutOfRange, "To must be after From")
    return Request(tuple(str(each or "") for each in variables), first, last, pace, kind)


def _one_of_each(selection: Selection) -> list[tuple[str, TagDef]]:
    """One variable of each tag: permissions are the tags', the same for all assets."""
    found: dict[tuple[AssetType, str], tuple[str, TagDef]] = {}
    for each in selection.series:
        for column in each.columns:
            found.setdefault(column.tag.key, (each.asset.path, column.tag))
    return list(found.values())


def patience(call: Invocation) -> float:
    """How long the caller can be kept waiting [s]: well below its own time-out."""
    hint = call.call.header.timeout_hint / 1000
    return min(max(hint / 2, SHORTEST_WAIT), LONGEST_WAIT)


def _time(moment: dt.datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return max((aware - _EPOCH) // dt.timedelta(microseconds=1), 0)
