"""What survives the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from notices import START, Desk, alarm, over

from server.notify.alerts import Changes
from server.notify.delivery import Delivery
from server.notify.outbox import Outbox
from server.notify.store import Store


def delivery(message: str, severity: int = 500, channel: str = "mail", target: str = "a") -> Delivery:
    """A message to somebody."""
    return Delivery(channel, target, message, severity, START, b"text")


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An outbox with little room."""
    made = Outbox(tmp_path / "state" / "notify.sqlite", 4)
    made.open()
    return made


def messages(outbox: Outbox, now: float = START, channel: str = "mail") -> list[str]:
    """What is to be sent, in its order."""
    return [each.message for each in outbox.due(channel, now, 10)]


def test_the_most_severe_goes_first(outbox: Outbox) -> None:
    outbox.add([delivery("a", 100), delivery("b", 900), delivery("c", 900), delivery("d", channel="hook")])
    assert messages(outbox) == ["b", "c", "a"]
    assert messages(outbox, channel="hook") == ["d"]
    assert outbox.waiting == 4


def test_what_is_settled_is_gone_or_comes_later(outbox: Outbox) -> None:
    outbox.add([delivery("a"), delivery("b")])
    one, two = outbox.due("mail", START, 10)
    outbox.settle([one.number], {two.number: START + 60})
    assert messages(outbox) == []
    assert outbox.next_due("mail") == START + 60
    (again,) = outbox.due("mail", START + 60, 10)
    assert (again.message, again.tries, again.content) == ("b", 1, b"text")
    assert outbox.waiting == 1


def test_a_message_to_somebody_is_there_once(outbox: Outbox) -> None:
    outbox.add([delivery("a"), delivery("a"), delivery("a", target="b")])
    assert outbox.waiting == 2


def test_of_too_many_the_oldest_of_the_least_severe_go(outbox: Outbox) -> None:
    outbox.add([delivery("a", 900), delivery("b", 100), delivery("c", 200), delivery("d", 100)])
    outbox.add([delivery("e", 500), delivery("f", 100)])
    assert sorted(messages(outbox)) == ["a", "c", "e", "f"]
    assert outbox.dropped == 2


def test_messages_of_channels_that_are_no_more_are_forgotten(outbox: Outbox) -> None:
    outbox.add([delivery("a"), delivery("b", channel="webhook old")])
    assert outbox.forget_others(["mail", "webhook new"]) == 1
    assert outbox.waiting == 1
    assert outbox.forget_others([]) == 1


def test_alerts_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "notify.sqlite"
    outbox, desk = Outbox(path, 100), Desk()
    assert outbox.open().heard is None
    one, two = alarm("A#X"), alarm("A#Y")
    desk.take(0, one, two, alarm("B#X"))
    desk.due(10)
    outbox.keep(desk.alerts.changes(), 7, [delivery("a")])
    desk.take(20, over(one, 20))
    desk.take(20, *(over(each, 20, acked=True) for each in desk_members(desk, "B")))
    desk.due(30)
    outbox.keep(desk.alerts.changes(), 9, [])
    outbox.close()

    again = Outbox(path, 100)
    remembered = again.open()
    assert (remembered.heard, again.waiting) == (9, 1)
    (alert,) = remembered.alerts
    (expected,) = desk.alerts._open.values()
    assert alert == expected
    assert list(remembered.flows) == ["duty"]


def desk_members(desk: Desk, site: str) -> list[object]:
    """What the open alerts of a site know of its conditions."""
    return [m.notice for a in desk.alerts._open.values() if a.site == site for m in a.members.values()]


KILLED = """
import os, sys
from pathlib import Path
from server.notify.alerts import Changes
from server.notify.delivery import Delivery
from server.notify.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]), 100)
outbox.open()
outbox.keep(Changes(), 5, [Delivery("mail", "a", "id", 500, 0.0, b"text")])
os.kill(os.getpid(), 9)
"""


def test_a_kill_takes_nothing_away(tmp_path: Path) -> None:
    path = tmp_path / "notify.sqlite"
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == -9
    outbox = Outbox(path, 100)
    assert outbox.open().heard == 5
    assert messages(outbox) == ["id"]


def test_a_file_that_is_damaged_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "notify.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    outbox = Outbox(path, 100)
    assert outbox.open().heard is None
    outbox.add([delivery("a")])
    assert messages(outbox) == ["a"]
    assert len(list(tmp_path.glob("notify.sqlite.damaged-*"))) == 1


def test_alerts_of_another_version_cost_no_message(tmp_path: Path) -> None:
    path = tmp_path / "notify.sqlite"
    outbox = Outbox(path, 100)
    outbox.open()
    outbox.keep(Changes(), 3, [delivery("a")])
    outbox._file.execute("INSERT INTO alert VALUES ('a', '{\"nonsense\": 1}')")
    outbox._file.commit()
    outbox.close()
    remembered = Outbox(path, 100).open()
    assert (remembered.heard, remembered.alerts) == (3, [])
    again = Outbox(path, 100)
    again.open()
    assert messages(again) == ["a"]


async def test_a_call_that_is_cancelled_is_over_before_the_next_one_begins(outbox: Outbox) -> None:
    store, began, go_on, steps = Store(outbox), threading.Event(), threading.Event(), list[str]()

    def slow() -> None:
        began.set()
        go_on.wait(5)
        steps.append("slow")

    task = asyncio.create_task(store.call(slow))
    await asyncio.to_thread(began.wait, 5)
    task.cancel()
    other = asyncio.create_task(store.call(lambda: steps.append("next")))
    await asyncio.sleep(0)
    go_on.set()
    await other
    assert (steps, task.cancelled()) == (["slow", "next"], True)


async def test_where_the_disk_fails_it_goes_on_in_memory(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(outbox)
    await store.call(outbox.add, [delivery("a")])
    outbox._file.execute("PRAGMA query_only = ON")  # as a disk that takes nothing
    await store.call(outbox.keep, Changes(), 3, [delivery("b")])
    assert not store.kept
    assert messages(outbox) == ["a", "b"]
    await store.call(outbox.add, [delivery("c")])
    assert outbox.waiting == 3
