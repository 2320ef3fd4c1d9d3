"""Listeners: an event is matched and encoded once, and each item gets what its own filter says."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from server.events.event import Event, system_event
from server.events.filter import CompiledFilter
from server.subscriptions.listeners import Listeners
from server.subscriptions.liveitems import DISABLED, REPORTING
from server.subscriptions.sampleditems import EventItem

EVENT = system_event(1, "Hello", 7)


@dataclass
class Filter:
    """Counts how often it is asked."""

    key: bytes
    where: bytes = b""
    passes: bool = True
    asked: list[str] = field(default_factory=list)

    def matches(self, event: Event) -> bool:
        self.asked.append("matches")
        return self.passes

    def encoded(self, event: Event) -> bytes:
        self.asked.append("encoded")
        return b"fields of " + self.key


def item(chosen: Filter, source: str = "Server", mode: int = REPORTING, **how: int) -> EventItem:
    made: CompiledFilter = chosen  # type: ignore[assignment]
    size = how.get("size", 10)
    return EventItem(1, 1, mode, size, bool(how.get("oldest", 1)), source=source, filter=made)


def waiting(items: list[EventItem]) -> list[list[bytes]]:
    return [list(each.waiting) for each in items]


def test_items_of_the_same_filter_share_an_event() -> None:
    first, second = Filter(b"A"), Filter(b"A")
    items = [item(first), item(second), item(first)]
    Listeners(items).offer(EVENT)
    assert waiting(items) == [[b"fields of A"]] * 3
    assert items[0].waiting[0] is items[1].waiting[0]
    assert (first.asked, second.asked) == (["matches", "encoded"], [])


def test_each_gets_what_its_filter_says() -> None:
    chosen = [Filter(b"A"), Filter(b"A", b"no", passes=False), Filter(b"B"), Filter(b"A", b"yes")]
    items = [item(each) for each in chosen]
    Listeners(items).offer(EVENT)
    assert waiting(items) == [[b"fields of A"], [], [b"fields of B"], [b"fields of A"]]
    assert chosen[3].asked == ["matches"], "the same fields are encoded once"


@pytest.mark.parametrize(("notifiers", "told"), [(frozenset({"A", "C"}), [1, 0, 1]), (None, [1, 1, 1])])
def test_only_notifiers_tell(notifiers: frozenset[str] | None, told: list[int]) -> None:
    items = [item(Filter(b"F"), source) for source in ("A", "B", "C")]
    Listeners(items).offer(EVENT, notifiers)
    assert [len(each.waiting) for each in items] == told


def test_nobody_is_asked_for_what_nobody_gets() -> None:
    chosen = Filter(b"F")
    disabled = Listeners([item(chosen, mode=DISABLED)])
    disabled.offer(EVENT)
    Listeners([item(chosen, "B")]).offer(EVENT, frozenset({"A"}))
    assert (len(disabled), chosen.asked) == (0, [])


def test_what_is_known_is_not_encoded_again() -> None:
    chosen, known = Filter(b"F"), {b"F": b"known"}
    items = [item(chosen)]
    Listeners(items).offer(EVENT, None, known)
    assert (waiting(items), chosen.asked) == ([[b"known"]], ["matches"])


def test_announced_in_the_order_of_the_items() -> None:
    order: list[int] = []
    items = [item(Filter(key)) for key in (b"A", b"B", b"A")]
    for number, each in enumerate(items):
        each.announce = lambda _item, number=number: order.append(number)  # type: ignore[misc]
    Listeners(items).offer(EVENT)
    assert order == [0, 1, 2]


@pytest.mark.parametrize(("oldest", "kept"), [(1, [b"2", b"3"]), (0, [b"1", b"2"])])
def test_a_full_queue_loses_events(oldest: int, kept: list[bytes]) -> None:
    full = item(Filter(b"F"), size=2, oldest=oldest)
    for data in (b"1", b"2", b"3"):
        full.queue(data)
    assert (list(full.waiting), full.overflows, full.overflowed) == (kept, 1, True)
