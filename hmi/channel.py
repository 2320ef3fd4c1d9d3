"""A stream of messages that everybody who looks at the same part of the fleet shares.

Each message is encoded once. A browser joins, fetches the snapshot, and applies the numbered messages
that come after it. A browser that does not keep up is sent away to start again: memory stays bounded.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, Protocol

QUEUE_LENGTH: Final = 30  # messages that a browser may lag behind


class Shown(Protocol):
    """What a channel tells: live values (`Image`) or conditions (`AlarmView`)."""

    def content(self) -> dict[str, Any]:
        """Everything there is."""

    def changes(self) -> dict[str, Any] | None:
        """What changed since the last call."""


class Viewer:
    """One browser's connection: messages that wait to be sent; `None` sends it away to start again."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_LENGTH)

    def send(self, message: str) -> None:
        """Queue a message, or give up on a browser that does not take them."""
        try:
            self.queue.put_nowait(message)
        except asyncio.QueueFull:
            self.restart()

    def restart(self) -> None:
        """Make the browser start again from a snapshot."""
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Channel:
    """One part of the fleet as browsers see it."""

    def __init__(self, key: str, shown: Shown) -> None:
        self.key = key
        self.shown = shown
        self.viewers: set[Viewer] = set()
        self.number = 0
        self.left = 0.0  # when the last viewer left, or nobody has come yet [s, monotonic]
        self._snapshot: str | None = None

    def snapshot(self) -> str:
        """Everything as JSON; made once for all who ask before the next change."""
        if self._snapshot is None:
            self._snapshot = encode({"k": self.key, "n": self.number} | self.shown.content())
        return self._snapshot

    def tick(self) -> None:
        """Tell all viewers what changed."""
        changes = self.shown.changes()
        if changes is None:
            return
        self.number += 1
        self._snapshot = None
        message = encode({"k": self.key, "n": self.number} | changes)
        for viewer in self.viewers:
            viewer.send(message)


def encode(message: dict[str, Any]) -> str:
    """Compact JSON."""
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False)
