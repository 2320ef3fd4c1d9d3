"""What the page of simulations asks for: scenarios, what runs, where one can run, and what engineers do.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Final

from asyncua import ua
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import scenarios
from hmi.accounts import Accounts, session_of
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import NotFound
from hmi.live import Live
from hmi.methods import words
from hmi.topology import Topology

MOST_TEXT: Final = 500  # characters
FRESH: Final = 1.0  # s that what is offered and what runs is good for everybody who asks
NO_REQUEST: Final = "not a request"
FAULTS: Final = {
    "BadTooManyOperations": "Five simulations run already: stop one first.",
    "BadOutOfRange": "A parameter or the duration is out of its range.",
    "BadInvalidArgument": "This scenario cannot run on this target, or is not defined so.",
    "BadNotFound": "The server does not know it, or it has ended.",
    "BadInvalidState": "It runs now: stop it first.",
}


class ScenarioApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._answers = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/simulations", self.simulations, methods=["GET"])
        app.add_api_route("/api/parts", self.parts, methods=["GET"])
        app.add_api_route("/api/simulation/{action}", self.act, methods=["POST"])

    async def simulations(self) -> Response:
        """What is offered and what runs."""
        client, topology = self._live.channels.connection()

        async def made() -> bytes:
            offered = await scenarios.offered(client, topology)
            return encode({"offered": offered, "running": await scenarios.running(client, topology)}).encode()

        body = await self._answers.get(("simulations",), FRESH, made)
        return Response(body, media_type="application/json")

    async def parts(self, path: str = "") -> Response:
        """Names of the parts of an asset, of the fleet without a path."""
        _, topology = self._live.channels.connection()
        if path and path not in topology.by_path:
            raise NotFound(path)
        parts = topology.by_path[path].parts if path else topology.sites
        return JSONResponse({"parts": [part.name for part in parts]})

    async def act(self, request: Request, action: str) -> Response:
        """Start, stop or adjust a simulation, define or remove a scenario, as this user; or why not."""
        _, topology = self._live.channels.connection()
        try:
            call = wanted(topology, action, json.loads(await request.body()))
        except (ValueError, TypeError, KeyError, AttributeError):
            return JSONResponse({"fault": NO_REQUEST}, 400)
        session = session_of(request)
        (result,) = await self._accounts.call(session, [call])
        if not result.StatusCode.is_good():
            fault = FAULTS.get(result.StatusCode.name) or words(result.StatusCode)
            return JSONResponse({"fault": fault})
        return JSONResponse({"id": next((each.Value for each in result.OutputArguments or ()), "")})


def wanted(topology: Topology, action: str, asked: Any) -> ua.CallMethodRequest:
    """The call that a browser wants; ValueError, TypeError, KeyError or AttributeError for nonsense."""
    makers: dict[str, Callable[[], ua.CallMethodRequest]] = {
        "start": lambda: scenarios.starting(
            topology,
            _text(asked["scenario"]),
            _text(asked["target"]),
            _number(asked["duration"]),
            _parameters(asked["parameters"]),
        ),
        "stop": lambda: scenarios.stopping(topology, _text(asked["id"])),
        "adjust": lambda: scenarios.adjusting(topology, _text(asked["id"]), _parameters(asked["parameters"])),
        "define": lambda: scenarios.defining(
            topology, _text(asked["name"]), _text(asked["description"]), [_step(s) for s in asked["steps"]]
        ),
        "remove": lambda: scenarios.removing(topology, _text(asked["name"])),
    }
    return makers[action]()


def _step(asked: Any) -> scenarios.Step:
    return scenarios.Step(
        _text(asked["kind"]),
        _text(asked["target"]),
        _number(asked["begin"]),
        _number(asked["duration"]),
        _parameters(asked["parameters"]),
    )


def _text(text: Any) -> str:
    if not isinstance(text, str) or len(text) > MOST_TEXT:
        raise ValueError("no text")
    return text


def _number(number: Any) -> float:
    value = float(number)
    if not math.isfinite(value):
        raise ValueError("no number")
    return value


def _parameters(asked: Any) -> dict[str, float]:
    return {_text(name): _number(value) for name, value in asked.items()}
