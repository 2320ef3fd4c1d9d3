"""What a reader prefers: language, calendar, light or dark, colours of states; kept in cookies.

What a browser has not chosen is as the settings say (`hmi.language`, `hmi.calendar`, `hmi.scale`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Final

from fastapi import FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.requests import cookie_parser

from config.settings import Hmi

PAGE: Final = "/preferences"
# Not the page's own address: NiceGUI takes that for itself, whatever the method.
ADDRESS: Final = "/preferences/keep"
YEAR: Final = 31_536_000  # s
CHOICES: Final = {
    "language": ("en", "th"),
    "calendar": ("common", "buddhist"),
    "theme": ("system", "light", "dark"),
    "scale": ("calm", "traffic"),
}
Application = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


@dataclass(frozen=True)
class Preferences:
    """One choice of each of `CHOICES`."""

    language: str = "en"
    calendar: str = "common"
    theme: str = "system"
    scale: str = "calm"


def preferences(cookies: Mapping[str, str], default: Preferences) -> Preferences:
    """What a browser chose, as far as there is such a choice."""
    chosen = {name: cookies.get(cookie_name(name), "") for name in CHOICES}
    return _valid(chosen, default)


def _valid(chosen: Mapping[str, str], default: Preferences) -> Preferences:
    known = {name: value for name, value in chosen.items() if value in CHOICES[name]}
    return Preferences(**asdict(default) | known)


def cookie_name(preference: str) -> str:
    """The cookie that keeps it."""
    return f"voltkeep_{preference}"


def keep(request: Request, response: Response, chosen: Mapping[str, str]) -> None:
    """Let the browser keep what was chosen; what is not a choice is left out."""
    secure = request.url.scheme == "https"
    for name, value in chosen.items():
        if value in CHOICES[name]:
            response.set_cookie(
                cookie_name(name),
                value,
                max_age=YEAR,
                samesite="lax",
                secure=secure,
                httponly=name != "theme",
            )


def preferences_of(request: Request) -> Preferences:
    """The reader's preferences."""
    found: Preferences = getattr(request.state, "preferences", Preferences())
    return found


class Preferring:
    """The middleware that finds them; handed on as `scope["state"]["preferences"]`."""

    def __init__(self, app: Application, settings: Hmi) -> None:
        self._app = app
        self._default = Preferences(settings.language, settings.calendar, scale=settings.scale)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            raw = next((value for name, value in scope["headers"] if name == b"cookie"), b"")
            cookies = cookie_parser(raw.decode("latin-1"))
            scope.setdefault("state", {})["preferences"] = preferences(cookies, self._default)
        await self._app(scope, receive, send)


class ChoosePreferences:
    """The route that the page's form is sent to."""

    def add_to(self, app: FastAPI) -> None:
        """Add it to the web application."""
        app.add_api_route(ADDRESS, self.choose, methods=["POST"])

    async def choose(
        self,
        request: Request,
        language: Annotated[str, Form()] = "",
        calendar: Annotated[str, Form()] = "",
        theme: Annotated[str, Form()] = "",
        scale: Annotated[str, Form()] = "",
    ) -> Response:
        """Keep what was chosen, and show the page with it."""
        response = RedirectResponse(f"{PAGE}?saved", 303)
        chosen = {"language": language, "calendar": calendar, "theme": theme, "scale": scale}
        keep(request, response, chosen)
        return response
