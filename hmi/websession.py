"""One logged-in browser: its token, the OPC UA session of its user, and how long it lasts.

It ends after so long without anything that its person does, by role, and after so long in any case (IEC
62443-3-3, SR 2.5 and SR 2.6). The live stream of an open page is nothing that a person does.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from config.settings import Hmi
from hmi.endpoint import Identity
from hmi.userclient import UserClient

WARNING: Final = 60.0  # s before its end that a page warns
TOLD_EVERY: Final = 60.0  # s at most between what a page tells of its person
_MINUTE: Final = 60.0
_HOUR: Final = 3600.0


@dataclass(frozen=True)
class Term:
    """How long a session lasts [s]: without activity, and in any case."""

    idle: float
    longest: float

    @property
    def warning(self) -> float:
        """How long before the end a page warns [s]."""
        return min(WARNING, self.idle / 3)

    @property
    def told_every(self) -> float:
        """How often a page tells that its person is there [s]."""
        return min(TOLD_EVERY, self.idle / 4)


@dataclass(frozen=True)
class Terms:
    """The terms of all roles."""

    minutes: Mapping[str, float]  # of inactivity, by role
    longest: float  # s

    @classmethod
    def of_settings(cls, hmi: Hmi) -> Terms:
        """As the settings say."""
        return cls(
            {str(role): minutes for role, minutes in hmi.timeouts.items()}, hmi.longest_session * _HOUR
        )

    def of(self, role: str) -> Term:
        """The term of a role; the shortest for one that is not known."""
        return Term(self.minutes.get(role, min(self.minutes.values())) * _MINUTE, self.longest)


@dataclass(eq=False)
class WebSession:
    """A session, until it has `ended`; `endings` are called when it does."""

    identity: Identity
    client: UserClient
    role: str
    term: Term
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    opened: float = field(default_factory=time.monotonic)
    used: float = field(default_factory=time.monotonic)
    checked: float = field(default_factory=time.monotonic)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    ended: bool = False
    endings: set[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=set)

    @property
    def user(self) -> str:
        """Name of the user."""
        return self.identity.user

    @property
    def must_change(self) -> bool:
        """Whether the user has to change a one-time password before anything else."""
        return self.client.must_change

    def left(self, now: float) -> float:
        """How long it still lasts if nothing is done [s]."""
        return min(self.used + self.term.idle, self.opened + self.term.longest) - now

    def final(self) -> bool:
        """Whether its end cannot be put off by doing something."""
        return self.opened + self.term.longest <= self.used + self.term.idle
