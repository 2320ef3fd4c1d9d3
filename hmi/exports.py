"""Files of history for a browser: made by the OPC UA server in the user's own session, streamed from there.

`POST /api/export` asks for one and answers with where to get it, or why there is none; `GET` of that place
streams it, once. What nobody gets expires at the server, which also limits what a user has.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from asyncua import ua
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from hmi.accounts import Accounts, session_of
from hmi.channels import NotFound
from hmi.live import Live
from hmi.methods import words
from hmi.subscription import EPOCH
from hmi.topology import Topology
from hmi.websession import WebSession

PIECE: Final = 256 * 1024  # bytes of one Read: what the event loop decodes in a moment
MOST_WAITING: Final = 100
MEDIA: Final = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
_VT: Final = ua.VariantType
_OTHER: Final = re.compile(r"[^\w-]+")


@dataclass(frozen=True)
class _Asked:
    """What a browser asks for; times in µs."""

    variables: list[str]
    start: int
    end: int
    step: str
    format: str

    @property
    def name(self) -> str:
        """A file name: what, from when, and how dense."""
        day = (EPOCH + dt.timedelta(microseconds=self.start)).date()
        what = _OTHER.sub("-", self.variables[0]).strip("-")
        return f"{what}-{day}-{self.step}.{self.format}"


@dataclass(frozen=True)
class _Made:
    """A file at the server, for one web session."""

    session: WebSession
    name: str
    format: str
    file: ua.NodeId
    handle: int


class Exports:
    """The routes."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._made: dict[str, _Made] = {}
        self._closing: set[asyncio.Task[Any]] = set()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/export", self.make, methods=["POST"])
        app.add_api_route("/api/export/{key}", self.get, methods=["GET"])

    async def make(self, request: Request) -> Response:
        """Ask the server for a file, as this user."""
        asked = _asked(await request.body())
        if asked is None:
            return JSONResponse({"fault": "not an export"}, 400)
        _, topology = self._live.channels.connection()
        session = session_of(request)
        found = await self.offer(session, _export(topology, asked), asked.name, asked.format)
        return JSONResponse(found)

    async def offer(
        self, session: WebSession, call: ua.CallMethodRequest, name: str, form: str
    ) -> dict[str, str]:
        """Call a method that gives a file; where to get it, under which name, or the `fault` in words."""
        result = (await self._accounts.call(session, [call]))[0]
        if not result.StatusCode.is_good():
            return {"fault": words(result.StatusCode)}
        file, handle = (argument.Value for argument in result.OutputArguments)
        key = secrets.token_urlsafe(16)
        self._made[key] = _Made(session, name, form, file, handle)
        while len(self._made) > MOST_WAITING:
            del self._made[next(iter(self._made))]
        return {"at": f"/api/export/{key}", "name": name}

    async def get(self, request: Request, key: str) -> Response:
        """The file, as it is read from the server."""
        made = self._made.get(key)
        if made is None or made.session is not request.state.session:
            raise NotFound(key)
        del self._made[key]
        headers = {
            "content-disposition": f'attachment; filename="{made.name}"',
            "content-encoding": "identity",  # not to be packed on its way: it would cost more than it saves
        }
        return StreamingResponse(self._pieces(made), headers=headers, media_type=MEDIA[made.format])

    async def _pieces(self, made: _Made) -> AsyncIterator[bytes]:
        try:
            while data := await self._read(made):
                yield data
        finally:  # even if the browser has left: that must not keep it from being closed
            task = asyncio.create_task(self._close(made))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def _read(self, made: _Made) -> bytes:
        """The next piece, nothing at the end; an error breaks the download off: nobody takes it for whole."""
        arguments = [ua.Variant(made.handle, _VT.UInt32), ua.Variant(PIECE, _VT.Int32)]
        request = _call(made.file, ua.NodeId(ua.ObjectIds.FileType_Read), arguments)
        while True:
            result = (await self._accounts.call(made.session, [request]))[0]
            if result.StatusCode.value != ua.StatusCodes.BadWouldBlock:  # which means: ask again
                result.StatusCode.check()
                return result.OutputArguments[0].Value or b""

    async def _close(self, made: _Made) -> None:
        request = _call(
            made.file, ua.NodeId(ua.ObjectIds.FileType_Close), [ua.Variant(made.handle, _VT.UInt32)]
        )
        with contextlib.suppress(Exception):
            await self._accounts.call(made.session, [request])


def _asked(body: bytes) -> _Asked | None:
    """What a browser sent, None where that is no export."""
    try:
        sent = json.loads(body)
        variables, step, form = list(map(str, sent["variables"])), str(sent["step"]), str(sent["format"])
        start, end = int(sent["from"]) * 1000, int(sent["to"]) * 1000
        dt.timedelta(microseconds=max(abs(start), abs(end)))
    except (ValueError, TypeError, KeyError, OverflowError):
        return None
    if form not in MEDIA or not variables:
        return None
    return _Asked(variables, start, end, step, form)


def _export(topology: Topology, asked: _Asked) -> ua.CallMethodRequest:
    times = [EPOCH + dt.timedelta(microseconds=time) for time in (asked.start, asked.end)]
    arguments = [
        ua.Variant(asked.variables, _VT.String, is_array=True),
        *(ua.Variant(time, _VT.DateTime) for time in times),
        ua.Variant(asked.step, _VT.String),
        ua.Variant(asked.format, _VT.String),
    ]
    return _call(topology.node("Historian"), topology.node("Historian.Export"), arguments)


def _call(owner: ua.NodeId, method: ua.NodeId, arguments: list[ua.Variant]) -> ua.CallMethodRequest:
    request = ua.CallMethodRequest()
    request.ObjectId, request.MethodId, request.InputArguments = owner, method, arguments
    return request
