"""Log-in and log-out: a plain form, no script needed. A log-in is an OPC UA session of that user (U1)."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from hmi.accounts import Accounts, Throttled, session_of
from hmi.endpoint import ConnectionFault, Refused
from hmi.guard import PASSWORD_PATH
from hmi.i18n import text
from hmi.origin import COOKIE, SECURE_COOKIE, is_secure, local_path
from hmi.plainpage import field, plain_page
from hmi.preferences import keep, preferences_of
from hmi.websession import WebSession

MAX_FIELD: Final = 200
ENDED: Final = (
    "Your session has ended: it timed out, was ended elsewhere, or the HMI was restarted. Log in to go on."
)


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

    async def form(self, request: Request, next: str = "/", ended: str = "") -> Response:
        """The form; who is logged in already goes on, and whose session has `ended` is told so."""
        if request.state.session is not None:
            return RedirectResponse(local_path(next), 303)
        return _page(request, next, note=ENDED if ended else "")

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
            self._accounts.log_out(old)
        target = (
            f"{PASSWORD_PATH}?next={quote(local_path(next))}" if session.must_change else local_path(next)
        )
        response = RedirectResponse(target, 303)
        give_cookie(request, response, session)
        return response

    async def log_out(self, request: Request) -> Response:
        """End the web session and the user's OPC UA session."""
        self._accounts.log_out(session_of(request))
        response = RedirectResponse("/login", 303)
        secure = is_secure(request.url.scheme)
        response.delete_cookie(_name(secure), httponly=True, samesite="lax", secure=secure)
        return response

    async def choose_language(self, request: Request, to: str = "en") -> Response:
        """Remember the language and go back."""
        back = request.headers.get("referer", "/")
        response = RedirectResponse(local_path("/" + back.partition("://")[2].partition("/")[2]), 303)
        keep(request, response, {"language": to})
        return response


def give_cookie(request: Request, response: Response, session: WebSession) -> None:
    """Give the browser the token of its session.

    Lax, so that a link in an alarm's e-mail finds whoever is logged in; nothing is changed by a link.
    """
    secure = is_secure(request.url.scheme)
    response.set_cookie(_name(secure), session.token, httponly=True, samesite="lax", secure=secure)


def _name(secure: bool) -> str:
    return SECURE_COOKIE if secure else COOKIE


def _page(
    request: Request, next: str, name: str = "", fault: str = "", status: int = 200, note: str = ""
) -> Response:
    lang = preferences_of(request).language
    fields = (
        field(text("User name", lang), "user", "text", "username", name, focus=not name),
        field(text("Password", lang), "password", "password", "current-password", focus=bool(name)),
    )
    action = f"/login?next={quote(local_path(next))}"
    lead = text(note or "Battery fleet monitoring", lang)
    return plain_page(request, "Log in", lead, action, "\n".join(fields), fault, status)
