"""What the pages' scripts ask for: snapshots, the live stream, nameplates.

The session was checked by `Guard`. A fault is answered as JSON `{"fault": words}`: with 200 where that is
what the OPC UA server says, with 503 where it says nothing (decision 0026).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final

from asyncua import ua
from fastapi import FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from hmi import methods
from hmi.accounts import Accounts, session_of
from hmi.channel import Channel, Viewer
from hmi.channels import NotFound
from hmi.endpoint import SILENT, Away, ConnectionFault
from hmi.live import TICK, Live
from hmi.nameplate import nameplate
from hmi.places import places

MAX_CHANNELS: Final = 4
# What the shared session meets when its connection is gone: no word of the server on what was asked.
UNHEARD: Final = frozenset(
    {
        ua.StatusCodes.BadCommunicationError,
        ua.StatusCodes.BadConnectionClosed,
        ua.StatusCodes.BadRequestTimeout,
        ua.StatusCodes.BadSecureChannelClosed,
        ua.StatusCodes.BadSecureChannelIdInvalid,
        ua.StatusCodes.BadServerHalted,
        ua.StatusCodes.BadSessionClosed,
        ua.StatusCodes.BadSessionIdInvalid,
        ua.StatusCodes.BadShutdown,
        ua.StatusCodes.BadTimeout,
    }
)


class Api:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts

    def add_to(self, app: FastAPI) -> None:
        """Add all routes to the web application."""
        app.add_api_route("/api/session", self.session, methods=["GET"])
        app.add_api_route("/api/activity", self.session, methods=["POST"])
        app.add_api_route("/api/snapshot", self.snapshot, methods=["GET"])
        app.add_api_route("/api/nameplate", self.nameplate, methods=["GET"])
        app.add_api_route("/api/places", self.places, methods=["GET"])
        app.add_api_websocket_route("/api/live", self.stream)
        app.add_exception_handler(NotFound, _not_found)
        app.add_exception_handler(ConnectionFault, _fault)
        app.add_exception_handler(ua.UaError, _ua_fault)
        app.add_exception_handler(TimeoutError, _late)

    async def session(self, request: Request) -> Response:
        """Who is logged in, and for how long [s] if nothing is done; to POST is to do something (`Guard`)."""
        session = session_of(request)
        return JSONResponse(
            {
                "user": session.user,
                "role": session.role,
                "left": round(session.left(time.monotonic()), 1),
                "final": session.final(),
                "warning": session.term.warning,
                "every": session.term.told_every,
            }
        )

    async def snapshot(self, key: str) -> Response:
        """All that a channel shows now."""
        channel = await self._live.channels.get(key)
        return Response(channel.snapshot(), media_type="application/json")

    async def stream(self, socket: WebSocket) -> None:
        """The live stream of some channels, until the browser leaves or its session ends (`Guard`)."""
        keys = socket.query_params.getlist("key")[:MAX_CHANNELS]
        await socket.accept()
        viewer = Viewer()
        channels = await self._opened(keys, socket)
        for channel in channels:
            channel.viewers.add(viewer)
        viewer.send(self._live.status())
        reader = asyncio.create_task(_until_closed(socket))
        try:
            await self._send(socket, viewer, reader, listening=bool(channels))
        finally:
            reader.cancel()
            for channel in channels:
                channel.viewers.discard(viewer)
                channel.left = time.monotonic()

    async def _opened(self, keys: list[str], socket: WebSocket) -> list[Channel]:
        """The channels, none where one is not to be had; meanwhile the browser hears that we are here.

        A large fleet's take their time.
        """

        async def opened() -> list[Channel]:
            try:
                return [await self._live.channels.get(key) for key in keys]
            except (NotFound, ConnectionFault):
                return []

        opening = asyncio.create_task(opened())
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while not (await asyncio.wait([opening], timeout=TICK))[0]:
                await socket.send_text(self._live.status())
        return await opening

    async def _send(
        self, socket: WebSocket, viewer: Viewer, reader: asyncio.Task[None], listening: bool
    ) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while not reader.done():
                message = await viewer.queue.get()
                if message is None:
                    await socket.close(1013)
                    return
                await socket.send_text(message)
                if not listening:
                    await socket.close(1013)
                    return

    async def nameplate(self, jar: str) -> Response:
        """A jar's nameplate, and its neighbours in the string."""
        client, topology = self._live.channels.connection()
        if jar not in topology.by_path:
            raise NotFound(jar)
        before, after = topology.neighbours(jar)
        fields = await nameplate(client, topology, jar)
        return JSONResponse({"fields": fields, "before": before, "after": after})

    async def places(self) -> Response:
        """Where the sites are."""
        client, topology = self._live.channels.connection()
        return JSONResponse(await places(client, topology))


async def _until_closed(socket: WebSocket) -> None:
    """Until the browser leaves; one that has something to say is none of our pages."""
    with contextlib.suppress(RuntimeError):
        await socket.receive()


async def _not_found(request: Request, error: Exception) -> Response:
    return JSONResponse({"fault": "The fleet has no such part."}, 404)


async def _fault(request: Request, error: Exception) -> Response:
    return JSONResponse({"fault": str(error)}, 503 if isinstance(error, Away) else 401)


async def _ua_fault(request: Request, error: Exception) -> Response:
    if not isinstance(error, ua.UaStatusCodeError) or error.code in UNHEARD:
        return await _late(request, error)
    return JSONResponse({"fault": methods.words(ua.StatusCode(error.code))})


async def _late(request: Request, error: Exception) -> Response:
    return JSONResponse({"fault": SILENT}, 503)
