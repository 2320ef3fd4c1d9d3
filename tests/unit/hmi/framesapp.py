"""The pages behind their guard as NiceGUI runs them, with two sessions that need no server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from nicegui import app, ui

from config.settings import Hmi
from hmi.accounts import Accounts
from hmi.guard import Guard
from hmi.pages import add_pages
from hmi.preferences import Preferring

TOKEN: Final = "a-session"
ONE_TIME: Final = "a-session-that-has-to-change-its-password"


@dataclass(frozen=True)
class Session:
    """A web session of a user whose name is no markup."""

    user: str = "<Kanya & Co>"
    must_change: bool = False


class TwoSessions:
    """Accounts where one token is good, and one only for changing a password."""

    def find(self, token: str | None) -> Session | None:
        """The session of a token."""
        return {TOKEN: Session(), ONE_TIME: Session(must_change=True)}.get(token or "")

    def touch(self, session: Session) -> None:
        """Its person did something."""


if __name__ == "__main__":
    app.add_middleware(Preferring, settings=Hmi())
    app.add_middleware(Guard, accounts=cast(Accounts, TwoSessions()))
    add_pages(lambda: {"": "Asia/Bangkok"})
    ui.run(reload=False, show=False, tailwind=False)
