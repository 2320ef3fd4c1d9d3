"""All connections: how many there may be, of whom, and that none outstays its limits (X3).

A connection without an activated session makes room for a new one, the oldest first (Part 4, 5.5.2.1).
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog
from asyncua import ua

from server.protocol.assembly import Store
from server.protocol.repeats import Repeats

if TYPE_CHECKING:
    from server.protocol.transport import Connection

log = structlog.get_logger(__name__)

CHECKED: Final = 0.25  # s between looks at their time limits


@dataclass(frozen=True)
class Bounds:
    """How many connections there may be: in all, from one address, and without a session."""

    all: int = 1000
    of_address: int = 100
    unbound: int = 100


class Connections:
    """The connections in the order in which they came."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.store = Store()
        self.refused = 0
        self.logged = Repeats()  # of refusals
        self._all: dict[Connection, None] = {}
        self._of_address: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._all)

    def admit(self, connection: Connection) -> bool:
        """Whether one more connection is welcome; an unused one may have to go for it."""
        bounds, address = self.bounds, connection.address
        if self._of_address[address] >= bounds.of_address and not is_here(address):
            return self._refuse(connection, "too many from its address")
        unused = [c for c in self._all if not (c.activated or c.closed)]
        if len(unused) >= bounds.unbound or len(self._all) >= bounds.all:
            if not unused:
                return self._refuse(connection, "too many")
            unused[0].fail(ua.StatusCodes.BadSecureChannelClosed)
        self._all[connection] = None
        self._of_address[address] += 1
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(CHECKED, self._check)
        return True

    def _refuse(self, connection: Connection, reason: str) -> bool:
        self.refused += 1
        quiet = self.logged.due((connection.address, reason))
        if quiet is not None:
            log.warning("connection refused", peer=connection.peer, reason=reason, again=quiet)
        return False

    def lost(self, connection: Connection) -> None:
        """The connection is gone."""
        if connection not in self._all:
            return
        del self._all[connection]
        self._of_address[connection.address] -= 1
        if not self._of_address[connection.address]:
            del self._of_address[connection.address]

    def _check(self) -> None:
        self._timer = None
        now = time.monotonic()
        for connection in list(self._all):
            connection.check(now)
        if self._all:
            self._timer = asyncio.get_running_loop().call_later(CHECKED, self._check)


def is_here(address: str) -> bool:
    """Whether an address is of this machine, whose own programs are not counted."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
