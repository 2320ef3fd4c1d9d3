"""What the pages of remaining life ask for: why a jar's is what it is, and what would change it.

The session was checked by `Guard`; what the server refuses is answered as JSON `{"fault": words}`.
"""

from __future__ import annotations

from typing import Final

from asyncua import ua
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi.accounts import Accounts, session_of
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import NotFound
from hmi.explaining import comparison, explain, what_if
from hmi.live import Live
from hmi.methods import words
from hmi.quarters import replacement_quarter
from hmi.topology import Topology

FRESH: Final = 5.0  # s that a reason is good for everybody who asks the same
FAULTS: Final = {
    "BadTooManyOperations": "Others are asking already; try again in a moment.",
    "BadOutOfRange": "Outside what can be asked: -20 to 20 K, 0 to 200 % of the load.",
}


class RulApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/explain", self.explain, methods=["GET"])
        app.add_api_route("/api/whatif", self.what_if, methods=["GET"])

    async def explain(self, jar: str) -> Response:
        """What a jar's remaining life rests on (`hmi.explaining.explanation`)."""
        client, topology = self._live.channels.connection()
        _check(topology, jar)

        async def made() -> bytes:
            return encode(await explain(client, topology, jar)).encode()

        try:
            body = await self._answers.get(jar, FRESH, made)
        except ua.UaStatusCodeError as error:
            return JSONResponse({"fault": words(ua.StatusCode(error.code))})
        return Response(body, media_type="application/json")

    async def what_if(self, request: Request, jar: str, kelvin: float, load: float) -> Response:
        """A jar's life `kelvin` warmer at `load` [%], beside the one that is foretold; as this user."""
        _, topology = self._live.channels.connection()
        _check(topology, jar)
        call = what_if(topology, jar, kelvin, load)
        (result,) = await self._accounts.call(session_of(request), [call])
        if not result.StatusCode.is_good():
            return JSONResponse({"fault": FAULTS.get(result.StatusCode.name) or words(result.StatusCode)})
        found = comparison([each.Value for each in result.OutputArguments])
        zone = topology.zone()
        for life in (found["then"], found["now"]):
            lower = life["lower"]
            life["quarter"] = "" if lower is None else replacement_quarter(self._now(), lower, zone)
        return JSONResponse(found)

    def _now(self) -> int:
        """Time of the plant [µs since 1970]."""
        return self._live.state.server_time


def _check(topology: Topology, jar: str) -> None:
    if jar not in topology.by_path or jar.count("/") != 3:
        raise NotFound(jar)
