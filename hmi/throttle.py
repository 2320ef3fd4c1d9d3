"""How often somebody may try to log in: free attempts, then a wait that doubles with each failure.

Pure: the caller says what time it is. Keys are a user name or a browser's address; memory is bounded.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final

FREE_ATTEMPTS: Final = 4
FIRST_WAIT: Final = 2.0  # s
LONGEST_WAIT: Final = 300.0  # s
FORGET_AFTER: Final = 900.0  # s without a failure
MAX_KEYS: Final = 10_000


def network(address: str) -> str:
    """What counts as one address: of IPv6 the /64 network, all of which one machine can have."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


@dataclass(frozen=True)
class _Failures:
    count: int
    last: float


class Throttle:
    """Failed attempts by key."""

    def __init__(self) -> None:
        self._failures: dict[str, _Failures] = {}

    def wait(self, keys: tuple[str, ...], now: float) -> float:
        """Seconds until the next attempt is allowed; 0 when it is allowed now."""
        return max((self._wait(self._failures.get(key), now) for key in keys), default=0.0)

    def fail(self, keys: tuple[str, ...], now: float) -> None:
        """Remember a failed attempt."""
        self._forget(now)
        for key in keys:
            before = self._failures.pop(key, None)
            count = before.count + 1 if before and now - before.last < FORGET_AFTER else 1
            self._failures[key] = _Failures(count, now)

    def succeed(self, key: str) -> None:
        """Somebody who logs in has proved who they are: their name is free again."""
        self._failures.pop(key, None)

    @staticmethod
    def _wait(failures: _Failures | None, now: float) -> float:
        if failures is None or failures.count < FREE_ATTEMPTS:
            return 0.0
        doublings = min(failures.count - FREE_ATTEMPTS, 16)
        wait = min(FIRST_WAIT * 2.0**doublings, LONGEST_WAIT)
        return max(0.0, failures.last + wait - now)

    def _forget(self, now: float) -> None:
        """Drop what is old; the dictionary is in order of the last failure."""
        while self._failures:
            key, oldest = next(iter(self._failures.items()))
            if len(self._failures) < MAX_KEYS and now - oldest.last < FORGET_AFTER:
                return
            del self._failures[key]
