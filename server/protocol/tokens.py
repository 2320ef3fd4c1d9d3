"""The security tokens of a secure channel (Part 4, 5.5.2): one in use, and after a renewal one to come.

A token is accepted until 25 % past its lifetime. After a renewal the old one stays in use, in both
directions, until the client uses the new one; from then on the old one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from server.protocol.symmetric import Opener, Sealer

GRACE: Final = 1.25


class UnknownToken(Exception):
    """The TokenId is not in use, or no more."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token: when it was made [s, monotonic], its lifetime [s], and its keys where messages are secured."""

    id: int
    made: float
    lifetime: float
    sealer: Sealer | None
    opener: Opener | None

    @property
    def end(self) -> float:
        """From when on it is refused."""
        return self.made + self.lifetime * GRACE


class Tokens:
    """The token in use and the one to come."""

    def __init__(self) -> None:
        self.current: Token | None = None
        self._next: Token | None = None
        self._number = 0

    def number(self) -> int:
        """Id of the next token."""
        self._number += 1
        return self._number

    def add(self, token: Token) -> None:
        """Take the token of an OpenSecureChannel: the first is in use at once."""
        if self.current is None:
            self.current = token
        else:
            self._next = token

    def find(self, token_id: int, now: float) -> Token:
        """The token that secures an arriving chunk; raises `UnknownToken`."""
        for token in (self.current, self._next):
            if token is not None and token.id == token_id:
                if now > token.end:
                    raise UnknownToken(f"{token_id} has expired")
                return token
        raise UnknownToken(str(token_id))

    def use(self, token: Token) -> None:
        """The client has used a token: a new one replaces the old one."""
        if token is self._next:
            self.current, self._next = token, None

    def expired(self, now: float) -> bool:
        """Whether no message would be accepted any more."""
        return all(token is None or now > token.end for token in (self.current, self._next))

    def sending(self, now: float) -> Token:
        """The token that secures what is sent: the old one until it expires or the new one is used."""
        assert self.current is not None
        if self._next is not None and now > self.current.made + self.current.lifetime:
            return self._next
        return self.current
