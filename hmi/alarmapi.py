"""What the pages of alarms ask for, besides the live list: what to do about an alarm, and what is done to it.

The session was checked by `Guard`; a fault is answered as JSON `{"fault": words}` with a fitting status.
"""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from typing import Any, Final

from asyncua import Client, ua
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi import journal
from hmi.accounts import Accounts, session_of
from hmi.actions import ACTIONS, FORESTALLED, GONE, Action, act, refusals
from hmi.alarms import Condition
from hmi.answers import Answers
from hmi.channel import encode
from hmi.channels import NotFound
from hmi.events import text
from hmi.live import Live
from hmi.topology import FLEET, Topology

MOST_AT_ONCE: Final = 2_500
MOST_TEXT: Final = 500  # characters of a comment
FRESH: Final = 2.0  # s that an answer is good for everybody who asks the same
TOLD_WITHIN: Final = 1.5  # s in which the list hears of what another operator has done
LOOK: Final = 0.1  # s


class AlarmApi:
    """The routes, over the shared live session and the users' own."""

    def __init__(self, live: Live, accounts: Accounts) -> None:
        self._live = live
        self._accounts = accounts
        self._journals = Answers()

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/alarms/{action}", self.act, methods=["POST"])
        app.add_api_route("/api/condition", self.condition, methods=["GET"])
        app.add_api_route("/api/journal", self.journal, methods=["GET"])

    async def act(self, request: Request, action: str) -> Response:
        """Do something to conditions, as this user; for each that failed, why, and who was first."""
        asked = _asked(action, await request.body())
        if asked is None:
            return JSONResponse({"fault": "not an action"}, 400)
        seen, wanted = asked
        _, topology = self._live.channels.connection()
        targets = {key: self._target(topology, key, event, wanted) for key, event in seen.items()}
        known = {key: target for key, target in targets.items() if target is not None}
        failed = dict.fromkeys(targets.keys() - known.keys(), GONE)
        session = session_of(request)
        answers = await act(self._accounts, session, topology, list(known.values()), wanted)
        failed |= {key: fault for key, fault in zip(known, answers, strict=True) if fault}
        await self._heard(
            [known[key] for key, fault in failed.items() if key in known and fault in FORESTALLED]
        )
        refused = refusals(failed, self._live.alarms.last)
        return JSONResponse({"done": len(targets) - len(failed), "failed": failed, "refused": refused})

    def _target(self, topology: Topology, key: str, event: str, action: Action) -> Condition | None:
        """What an action is about: what the user saw, or any condition where no event has to be named."""
        found = self._live.alarms.last(key)
        if found is not None and action.of_event:
            return replace(found, event=event or found.event)
        if found is not None or action.of_event:
            return found
        source, _, name = key.partition("#")
        if source not in topology.by_path and source != FLEET:
            return None
        return Condition(key, "", source, name, "", 0, 0, False, True, False)

    async def _heard(self, seen: list[Condition]) -> None:
        """Wait, but not for long, until the list has heard what others did to what was seen."""
        known = self._live.alarms.conditions
        for _ in range(round(TOLD_WITHIN / LOOK)):
            seen = [each for each in seen if each.key in known and known[each.key].event == each.event]
            if not seen:
                return
            await asyncio.sleep(LOOK)

    async def condition(self, id: str) -> Response:
        """What is known of a condition besides its events: the advice, and how long it may be shelved [s]."""
        client, topology = self._live.channels.connection()
        advice, longest = await _described(client, topology, id)
        return JSONResponse({"advice": advice, "longest": longest})

    async def journal(self, request: Request) -> Response:
        """Events that the historian kept, newest first; `more` where there are older ones."""
        client, topology = self._live.channels.connection()
        now = self._live.state.server_time // 1000
        asked = journal.question(request.query_params, now)
        if asked is None:
            return JSONResponse({"fault": "not a question"}, 400)
        if asked.source and asked.source != FLEET and asked.source not in topology.by_path:
            raise NotFound(asked.source)
        body = await self._journals.get(asked, FRESH, lambda: _journal(client, topology, asked))
        return Response(body, media_type="application/json")


async def _journal(client: Client, topology: Topology, asked: journal.Question) -> bytes:
    events = await journal.read(client, topology, asked)
    return encode({"events": events, "more": len(events) == asked.most}).encode()


async def _described(client: Client, topology: Topology, condition: str) -> tuple[str, float | None]:
    """The Description of a condition, and its MaxTimeShelved [s] where there is a limit."""
    wanted = [
        ua.ReadValueId(topology.node(condition), ua.AttributeIds.Description),
        ua.ReadValueId(topology.node(f"{condition}.MaxTimeShelved"), ua.AttributeIds.Value),
    ]
    parameters = ua.ReadParameters(NodesToRead=wanted, TimestampsToReturn=ua.TimestampsToReturn.Neither)
    described, longest = await client.uaclient.read(parameters)
    if not described.StatusCode.is_good():
        raise NotFound(condition)
    limit = longest.Value.Value if longest.StatusCode.is_good() and longest.Value is not None else None
    return text(described.Value.Value), limit / 1000 if limit else None


def _asked(name: str, body: bytes) -> tuple[dict[str, str], Action] | None:
    """Conditions by key, each with the event that the user saw (empty: the last), and what to do to them.

    None where the body is something else.
    """
    try:
        asked: Any = json.loads(body)
        keys, comment, seconds = asked["keys"], asked.get("comment", ""), float(asked.get("seconds", 0))
        events = asked.get("events") or [""] * len(keys)
        for event in events:
            bytes.fromhex(event)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    if name not in ACTIONS or not math.isfinite(seconds) or seconds < 0:
        return None
    if not isinstance(keys, list) or len(keys) > MOST_AT_ONCE or not all(isinstance(k, str) for k in keys):
        return None
    if len(events) != len(keys) or not isinstance(comment, str) or len(comment) > MOST_TEXT:
        return None
    return dict(zip(keys, events, strict=True)), Action(name, comment, seconds)
