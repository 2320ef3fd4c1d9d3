"""A channel: one encoding for all viewers, numbered messages, and no patience with those who lag."""

from __future__ import annotations

import json
from typing import Any

from hmi.channel import QUEUE_LENGTH, Channel, Viewer


class Counter:
    """Something shown that changes when told to."""

    def __init__(self) -> None:
        self.value = 0
        self.changed = False

    def content(self) -> dict[str, Any]:
        return {"v": self.value}

    def changes(self) -> dict[str, Any] | None:
        changed, self.changed = self.changed, False
        return {"v": self.value} if changed else None

    def count(self) -> None:
        self.value += 1
        self.changed = True


def test_all_viewers_get_the_same_message() -> None:
    counter = Counter()
    channel = Channel("site/Bangrak", counter)
    viewers = [Viewer(), Viewer()]
    channel.viewers.update(viewers)
    counter.count()
    channel.tick()
    first, second = (viewer.queue.get_nowait() for viewer in viewers)
    assert first is second
    assert first is not None
    assert json.loads(first) == {"k": "site/Bangrak", "n": 1, "v": 1}


def test_nothing_is_sent_when_nothing_changed() -> None:
    channel = Channel("fleet", Counter())
    viewer = Viewer()
    channel.viewers.add(viewer)
    channel.tick()
    assert viewer.queue.empty()
    assert channel.number == 0


def test_snapshot_carries_the_number_of_the_message_it_includes() -> None:
    counter = Counter()
    channel = Channel("fleet", counter)
    assert json.loads(channel.snapshot())["n"] == 0
    counter.count()
    channel.tick()
    assert json.loads(channel.snapshot()) == {"k": "fleet", "n": 1, "v": 1}


def test_snapshot_is_made_once() -> None:
    channel = Channel("fleet", Counter())
    assert channel.snapshot() is channel.snapshot()


def test_who_lags_starts_again() -> None:
    viewer = Viewer()
    for i in range(QUEUE_LENGTH + 1):
        viewer.send(str(i))
    assert viewer.queue.qsize() == 1
    assert viewer.queue.get_nowait() is None
