"""What a channel makes of a delivery: it was sent, it is to be tried later, or it never will be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Delivery:
    """One message to one address; `content` is what its channel sends."""

    channel: str
    target: str
    message: str
    severity: int
    created: float  # s since 1970
    content: bytes
    number: int = 0  # where it is kept
    tries: int = 0


class Fate(Enum):
    """What has become of a delivery."""

    SENT = "sent"
    LATER = "later"
    NEVER = "never"


class Result(NamedTuple):
    """The fate of a delivery, why, and how long the other side asks to wait [s]."""

    fate: Fate
    reason: str = ""
    wait: float = 0.0


SENT = Result(Fate.SENT)


class Channel(Protocol):
    """Mail or a webhook."""

    @property
    def name(self) -> str:
        """As deliveries name it."""

    async def send(self, deliveries: list[Delivery]) -> list[Result]:
        """Try each, over one connection; it raises nothing but what cancels it."""
