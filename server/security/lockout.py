"""Lock-out: how guessing a password is slowed down, without anybody being able to lock somebody else out.

Failures count by name and address, so that guesses from elsewhere lock nobody out where he works; an
address that goes on guessing is locked for a while. Guesses at one name from many addresses delay the
attempts from any address that this name has not logged in from before.

Pure: the caller says what time it is [s]. Memory is bounded: the oldest is forgotten first.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final, TypeVar

MAX_KEYS: Final = 10_000
MAX_NAME: Final = 64  # characters of a name that are told apart
FORGET_AFTER: Final = 900.0  # s without a failure
FREE_FAILURES: Final = 20  # of a name, from anywhere, before it is slowed down
FORGIVEN: Final = 1 / 6  # failures of a name a second
DELAY_STEP: Final = 0.25  # s for each failure more
MAX_DELAY: Final = 2.0  # s

Key = tuple[str, str]
_K = TypeVar("_K")
_V = TypeVar("_V")


def address_of(peer: str) -> str:
    """The address of a peer `address:port`; of IPv6 the network of one subscriber, /64."""
    host = peer.rpartition(":")[0].strip("[]") or peer
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 4:
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


class Lockout:
    """Failed log-ins, by name and address and by name."""

    def __init__(self, failures: int = 5, duration: float = 60.0) -> None:
        self._most = failures
        self._duration = duration
        self._pairs: OrderedDict[Key, tuple[int, float]] = OrderedDict()
        self._names: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._known: OrderedDict[Key, None] = OrderedDict()

    def locked(self, name: str, address: str, now: float) -> bool:
        """Whether this address may not try this name now."""
        count, last = self._pair(name, address, now)
        return count >= self._most and now - last < self._duration

    def delay(self, name: str, address: str, now: float) -> float:
        """How long an attempt has to wait before it is looked at [s]."""
        if (name[:MAX_NAME], address) in self._known:
            return 0.0
        above = self._level(name, now) - FREE_FAILURES
        return min(max(above * DELAY_STEP, 0.0), MAX_DELAY)

    def begin(self, name: str, address: str, now: float) -> bool:
        """An attempt is a failure until it succeeds, so that attempts at the same time count.

        True when it is the one that locks, should it fail.
        """
        count, _ = self._pair(name, address, now)
        _put(self._pairs, (name[:MAX_NAME], address), (count + 1, now))
        _put(self._names, name[:MAX_NAME], (self._level(name, now) + 1, now))
        return count + 1 >= self._most

    def succeed(self, name: str, address: str, now: float) -> None:
        """The attempt was none of a guesser: its address is free again, and known from now on."""
        key = (name[:MAX_NAME], address)
        self._pairs.pop(key, None)
        _put(self._known, key, None)
        _put(self._names, name[:MAX_NAME], (max(self._level(name, now) - 1, 0.0), now))

    def unlock(self, name: str) -> None:
        """Forget the failures of a name, from everywhere."""
        for key in [key for key in self._pairs if key[0] == name[:MAX_NAME]]:
            del self._pairs[key]
        self._names.pop(name[:MAX_NAME], None)

    def forget(self, name: str) -> None:
        """The account is no more."""
        self.unlock(name)
        for key in [key for key in self._known if key[0] == name[:MAX_NAME]]:
            del self._known[key]

    def _pair(self, name: str, address: str, now: float) -> tuple[int, float]:
        count, last = self._pairs.get((name[:MAX_NAME], address), (0, now))
        return (count, last) if now - last < max(FORGET_AFTER, self._duration) else (0, now)

    def _level(self, name: str, now: float) -> float:
        level, last = self._names.get(name[:MAX_NAME], (0.0, now))
        return max(level - (now - last) * FORGIVEN, 0.0)


def _put(found: OrderedDict[_K, _V], key: _K, value: _V) -> None:
    found[key] = value
    found.move_to_end(key)
    if len(found) > MAX_KEYS:
        found.popitem(last=False)
