"""Messages from their chunks (Part 6, 6.7.2 and 6.7.3), with bounds for each and for all."""

from __future__ import annotations

from typing import Final

FINAL, INTERMEDIATE, ABORT = b"F", b"C", b"A"
HELD: Final = 64 << 20  # bytes of unfinished messages of all connections together


class TooLarge(Exception):
    """A message has more bytes or chunks than it may."""


class TooMuchHeld(Exception):
    """Too many unfinished messages wait for their rest."""


class MixedUp(Exception):
    """A chunk of another message came before the last one of this."""


class Store:
    """How many bytes of unfinished messages are held, of all connections."""

    def __init__(self, most: int = HELD) -> None:
        self.most = most
        self.held = 0


class Assembly:
    """The message that a connection is receiving."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._parts: list[bytes] = []
        self._size = 0
        self._request_id = 0

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, final: bytes, request_id: int, part: bytes, size: int, chunks: int) -> bytes | None:
        """The whole message when this chunk completes it; it may have `size` bytes and `chunks` chunks."""
        if self._parts and request_id != self._request_id:
            raise MixedUp(str(request_id))
        if final == ABORT:
            self.clear()
            return None
        if self._size + len(part) > size or len(self._parts) >= chunks:
            raise TooLarge(str(self._size + len(part)))
        if final == INTERMEDIATE:
            self._keep(request_id, part)
            return None
        if not self._parts:
            return part
        whole = b"".join((*self._parts, part))
        self.clear()
        return whole

    def _keep(self, request_id: int, part: bytes) -> None:
        if self._store.held + len(part) > self._store.most:
            raise TooMuchHeld(str(self._store.held))
        self._request_id = request_id
        self._parts.append(part)
        self._size += len(part)
        self._store.held += len(part)

    def clear(self) -> None:
        """Forget the chunks that came so far."""
        self._store.held -= self._size
        self._parts.clear()
        self._size = 0
