"""An answer is worked out once for all who ask, and not kept when it failed."""

from __future__ import annotations

import asyncio

import pytest

from hmi import answers
from hmi.answers import Answers


class Work:
    """Counts how often it is done; waits until it may go on."""

    def __init__(self) -> None:
        self.times = 0
        self.go = asyncio.Event()
        self.fails = False

    async def __call__(self) -> bytes:
        self.times += 1
        await self.go.wait()
        if self.fails:
            raise ValueError
        return b"%d" % self.times


async def test_who_asks_meanwhile_gets_the_same() -> None:
    work, kept = Work(), Answers()
    asking = [asyncio.create_task(kept.get("a", 60, work)) for _ in range(100)]
    await asyncio.sleep(0)
    work.go.set()
    assert set(await asyncio.gather(*asking)) == {b"1"}
    assert await kept.get("a", 60, work) == b"1"
    assert await kept.get("b", 60, work) == b"2"
    assert await kept.get("a", 0, work) == b"3"


async def test_one_who_leaves_takes_the_answer_from_nobody() -> None:
    work, kept = Work(), Answers()
    first, second = (asyncio.create_task(kept.get("a", 60, work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    work.go.set()
    assert await second == b"1"


async def test_a_failure_is_not_kept() -> None:
    work, kept = Work(), Answers()
    work.go.set()
    work.fails = True
    with pytest.raises(ValueError, match=r"^$"):
        await kept.get("a", 60, work)
    work.fails = False
    assert await kept.get("a", 60, work) == b"2"


async def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST", 2)
    work, kept = Work(), Answers()
    work.go.set()
    for key in "abc":
        await kept.get(key, 60, work)
    assert await kept.get("b", 60, work) == b"2"
    assert await kept.get("a", 60, work) == b"4"
