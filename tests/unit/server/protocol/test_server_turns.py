"""Work in turns: in order, a slice of time a round of the event loop."""

from __future__ import annotations

import asyncio

import pytest

from server.protocol import turns
from server.protocol.turns import Backlog, Work


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices that are over at once."""
    monkeypatch.setattr(turns, "SLICE", 0.0)


def work(name: str, done: list[str], steps: int = 1, fails: bool = False) -> Work:
    for step in range(steps):
        done.append(f"{name}{step}")
        if fails:
            raise ValueError(name)
        yield


async def test_little_work_is_done_at_once() -> None:
    done: list[str] = []
    backlog = Backlog()
    backlog.add(work("a", done))
    assert (done, len(backlog)) == (["a0"], 0)
    await backlog.idle()


async def test_others_have_their_turn_between_slices(short: None) -> None:
    done: list[str] = []
    backlog = Backlog()
    backlog.add(work("a", done, 3))
    backlog.add(work("b", done))
    asyncio.get_running_loop().call_soon(done.append, "other")
    assert len(backlog) == 2
    await backlog.idle()
    assert [each for each in done if each != "other"] == ["a0", "a1", "a2", "b0"]
    assert done.index("other") < done.index("b0")


async def test_work_that_fails_does_not_hold_up_the_rest() -> None:
    done: list[str] = []
    backlog = Backlog()
    backlog.add(work("a", done, fails=True))
    backlog.add(work("b", done))
    await backlog.idle()
    assert done == ["a0", "b0"]


async def test_what_is_left_can_be_finished_at_once(short: None) -> None:
    done: list[str] = []
    backlog = Backlog()
    backlog.add(work("a", done, 5))
    backlog.add(work("b", done, 2))
    assert len(backlog) == 2
    backlog.finish()
    assert done == [*(f"a{i}" for i in range(5)), "b0", "b1"]
    assert len(backlog) == 0
    await asyncio.sleep(0)
