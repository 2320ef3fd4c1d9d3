"""A user's own change of password: asked for after a log-in with a one-time password, or wished for.

The server has the rules (Part 18, 5.2): what they are is read from it, and whether a password follows them
is its answer.
"""

from __future__ import annotations

from html import escape
from typing import Annotated, Final
from urllib.parse import quote

from asyncua import ua
from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse

from hmi.accounts import Accounts, session_of
from hmi.endpoint import ConnectionFault
from hmi.guard import PASSWORD_PATH
from hmi.i18n import text
from hmi.login import give_cookie
from hmi.methods import words
from hmi.origin import local_path
from hmi.plainpage import field, plain_page
from hmi.preferences import preferences_of
from hmi.websession import WebSession

MAX_FIELD: Final = 200
TITLE: Final = "Change password"
FAULTS: Final = {
    "BadOutOfRange": "The new password does not follow the rules.",
    "BadAlreadyExists": "The new password is the old one.",
    "BadIdentityTokenInvalid": "The old password is wrong.",
    "BadServerTooBusy": "The server is busy. Try again later.",
    "BadResourceUnavailable": "The server cannot store it now. Try again later.",
    "BadNotSupported": "The password of this user cannot be changed.",
}


class ChangePassword:
    """The routes of the page."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def add_to(self, app: FastAPI) -> None:
        """Add all routes to the web application."""
        app.add_api_route(PASSWORD_PATH, self.form, methods=["GET"])
        app.add_api_route(PASSWORD_PATH, self.change, methods=["POST"])

    async def form(self, request: Request, next: str = "/") -> Response:
        """The form."""
        return await self._page(request, next)

    async def change(
        self,
        request: Request,
        old: Annotated[str, Form()] = "",
        new: Annotated[str, Form()] = "",
        again: Annotated[str, Form()] = "",
        next: str = "/",
    ) -> Response:
        """Change the password, and go on with all that the user may."""
        if new != again:
            return await self._page(request, next, "The two new passwords differ.", 400)
        if max(len(old), len(new)) > MAX_FIELD:
            return await self._page(request, next, FAULTS["BadOutOfRange"], 400)
        session = session_of(request)
        try:
            status = await self._accounts.change_password(session, old, new)
        except ConnectionFault as error:
            return await self._page(request, next, str(error), 503)
        if not status.is_good():
            return await self._page(request, next, FAULTS.get(status.name) or words(status), 400)
        response = RedirectResponse(local_path(next), 303)
        give_cookie(request, response, session)
        return response

    async def _page(self, request: Request, next: str, fault: str = "", status: int = 200) -> Response:
        lang = preferences_of(request).language
        session = session_of(request)
        asked = text("Your password is a one-time password. Choose one of your own.", lang)
        lead = asked if session.must_change else text("User name", lang) + ": " + session.user
        rules = text(
            "At least {n} characters of any kind, not the user name and not a common password.", lang
        )
        hint = rules.format(n=await self._shortest(session))
        fields = [
            f'<input type="hidden" name="user" autocomplete="username" value="{escape(session.user)}">',
            field(text("Old password", lang), "old", "password", "current-password", focus=True),
            field(text("New password", lang), "new", "password", "new-password"),
            field(text("New password again", lang), "again", "password", "new-password"),
            f'<p class="vk-muted">{hint}</p>',
        ]
        action = f"{PASSWORD_PATH}?next={quote(local_path(next))}"
        said = text(fault, lang) if fault else ""
        return plain_page(
            request, TITLE, lead, action, "\n".join(fields), said, status, _way_back(session, lang)
        )

    async def _shortest(self, session: WebSession) -> int:
        """How many characters the server wants at least (PasswordLength)."""
        node = session.client.get_node(ua.NodeId(ua.ObjectIds.UserManagement_PasswordLength))
        try:
            return int((await node.read_value()).Low)
        except (OSError, TimeoutError, ua.UaError, AttributeError):
            return 12


def _way_back(session: WebSession, lang: str) -> str:
    """Out, for whom only the change is open; back, for others."""
    method, action, word = ("post", "/logout", "Log out") if session.must_change else ("get", "/", "Back")
    button = f'<button class="vk-button">{text(word, lang)}</button>'
    return f'<form method="{method}" action="{action}" class="vk-way-back">{button}</form>'
