"""What the page of reports asks for: a report as a file, and those that go out by schedule.

All is asked in the user's own session, which was checked by `Guard`; what the server refuses is answered as
JSON `{"fault": words}`.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from asyncua import ua
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from hmi.accounts import Accounts, session_of
from hmi.exports import Exports
from hmi.live import Live
from hmi.methods import calling, words
from hmi.reports import ASKED, schedules

FAULTS: Final = {
    "BadInvalidArgument": "There is no such report: the period has not begun, or the site is unknown.",
    "BadUnexpectedError": "The report could not be delivered; the list says why.",
}
_OTHER: Final = re.compile(r"[^\w-]+")


class ReportApi:
    """The routes; files go the way of exports."""

    def __init__(self, live: Live, accounts: Accounts, exports: Exports) -> None:
        self._live = live
        self._accounts = accounts
        self._exports = exports

    def add_to(self, app: FastAPI) -> None:
        """Add the routes to the web application."""
        app.add_api_route("/api/report", self.make, methods=["POST"])
        app.add_api_route("/api/reports", self.list, methods=["GET"])
        app.add_api_route("/api/reports/deliver", self.deliver, methods=["POST"])

    async def make(self, request: Request) -> Response:
        """Have a report made; where to get it."""
        asked = _texts(await request.body(), *ASKED)
        if asked is None:
            return JSONResponse({"fault": "not a report"}, 400)
        call = self._call("MakeReport", *(asked[name] for name in ASKED))
        found = await self._exports.offer(session_of(request), call, file_name(asked), asked["format"])
        if found.get("fault") == words(ua.StatusCode(ua.StatusCodes.BadInvalidArgument)):
            found = {"fault": FAULTS["BadInvalidArgument"]}
        return JSONResponse(found)

    async def list(self, request: Request) -> Response:
        """The schedules, with what became of each last."""
        (result,) = await self._accounts.call(session_of(request), [self._call("ListReports")])
        if not result.StatusCode.is_good():
            return JSONResponse({"fault": words(result.StatusCode)})
        return JSONResponse({"rows": schedules([each.Value for each in result.OutputArguments])})

    async def deliver(self, request: Request) -> Response:
        """Deliver the last report of a schedule anew."""
        asked = _texts(await request.body(), "name")
        if asked is None:
            return JSONResponse({"fault": "not a report"}, 400)
        (result,) = await self._accounts.call(
            session_of(request), [self._call("DeliverReport", asked["name"])]
        )
        if not result.StatusCode.is_good():
            return JSONResponse({"fault": FAULTS.get(result.StatusCode.name) or words(result.StatusCode)})
        return JSONResponse({})

    def _call(self, method: str, *texts: str) -> ua.CallMethodRequest:
        _, topology = self._live.channels.connection()
        return calling(
            topology, "Historian", method, *(ua.Variant(text, ua.VariantType.String) for text in texts)
        )


def file_name(asked: dict[str, str]) -> str:
    """What, of when, in which language: `voltkeep-Bangrak-2026-10-th.pdf`."""
    parts = ("voltkeep", asked["site"], asked["period"], asked["language"])
    return f"{_OTHER.sub('-', '-'.join(part for part in parts if part))}.{asked['format']}"


def _texts(body: bytes, *names: str) -> dict[str, str] | None:
    """What a browser sent, None where it lacks something."""
    try:
        sent: Any = json.loads(body)
        found = {name: sent[name] for name in names}
    except (ValueError, TypeError, KeyError):
        return None
    if not all(isinstance(value, str) and len(value) < 100 for value in found.values()):
        return None
    return None if found.get("format", "pdf") not in ("pdf", "xlsx", "csv") else found
