"""Log-in and log-out: a plain form, no script needed. A log-in is an OPC UA session of that user (U1)."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from hmi.accounts import COOKIE, Accounts, Throttled, WebSession
from hmi.endpoint import ConnectionFault, Refused
from hmi.guard import PASSWORD_PATH, local_path
from hmi.i18n import text
from hmi.plainpage import field, plain_page
from hmi.preferences import keep, preferences_of

MAX_FIELD: Final = 200


class LogIn:
    """The routes of log-in, log-out and language."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def add_to(self, app: FastAPI) -> None:
        """Add all routes to the web application."""
        app.add_api_route("/login", self.form, methods=["GET"])
        app.add_api_route("/login", self.log_in, methods=["POST"])
        app.add_api_route("/logout", self.log_out, methods=["POST"])
        app.add_api_route("/language", self.choose_language, methods=["GET"])

    async def form(self, request: Request, next: str = "/") -> Response:
        """The form; who is logged in already goes on."""
        if request.state.session is not None:
            return RedirectResponse(local_path(next), 303)
        return _page(request, next)

    async def log_in(
        self,
        request: Request,
        user: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        next: str = "/",
    ) -> Response:
        """Open the user's OPC UA session and give the browser a new web session."""
        lang = preferences_of(request).language
        address = request.client.host if request.client else ""
        if not user or not password or max(len(user), len(password)) > MAX_FIELD:
            return _page(request, next, user[:MAX_FIELD], text("User name or password is wrong.", lang), 401)
        old: WebSession | None = request.state.session
        try:
            session = await self._accounts.log_in(user, password, address)
        except Throttled as error:
            wait = text("Too many failed attempts. Try again in {seconds} s.", lang)
            return _page(request, next, user, wait.format(seconds=f"{error.wait:.0f}"), 429)
        except ConnectionFault as error:
            status = 401 if isinstance(error, Refused) else 503
            return _page(request, next, user, text(str(error), lang), status)
        if old is not None:
            await self._accounts.log_out(old)
        target = (
            f"{PASSWORD_PATH}?next={quote(local_path(next))}" if session.must_change else local_path(next)
        )
        response = RedirectResponse(target, 303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, session.token, httponly=True, samesite="lax", secure=secure)
        return response

    async def log_out(self, request: Request) -> Response:
        """End the web session and the user's OPC UA session."""
        await self._accounts.log_out(request.state.session)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE)
        return response

    async def choose_language(self, request: Request, to: str = "en") -> Response:
        """Remember the language and go back."""
        back = request.headers.get("referer", "/")
        response = RedirectResponse(local_path("/" + back.partition("://")[2].partition("/")[2]), 303)
        keep(request, response, {"language": to})
        return response


def _page(request: Request, next: str, name: str = "", fault: str = "", status: int = 200) -> Response:
    lang = preferences_of(request).language
    fields = (
        field(text("User name", lang), "user", "text", "username", name, focus=not name),
        field(text("Password", lang), "password", "password", "current-password", focus=bool(name)),
    )
    action = f"/login?next={quote(local_path(next))}"
    lead = text("Battery fleet monitoring", lang)
    return plain_page(request, "Log in", lead, action, "\n".join(fields), fault, status)
