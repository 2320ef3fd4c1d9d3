"""Turns: few at once, fair between addresses, bounded, and none lost."""

from __future__ import annotations

import asyncio

import pytest

from server.security.errors import Busy
from server.security.hashing import Hashing, Turns


async def test_addresses_have_their_turns_one_after_the_other() -> None:
    turns, served = Turns(at_once=1), []

    async def work(source: str) -> None:
        async with turns.turn(source):
            served.append(source)
            await asyncio.sleep(0)

    await asyncio.gather(*(work("guesser") for _ in range(5)), work("ann"), work("bob"))
    assert served[:4] == ["guesser", "guesser", "ann", "bob"]
    assert served[4:] == ["guesser"] * 3


async def test_too_many_are_refused() -> None:
    turns = Turns(at_once=1, most=3, most_of_one=2)
    gate = asyncio.Event()

    async def work(source: str) -> None:
        async with turns.turn(source):
            await gate.wait()

    async with asyncio.TaskGroup() as tasks:
        for source in ("a", "a", "a"):  # one has its turn, two wait
            tasks.create_task(work(source))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await work("a")
        tasks.create_task(work("b"))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await work("c")
        gate.set()
    async with turns.turn("c"):
        pass


async def test_who_gives_up_leaves_his_turn_to_the_next() -> None:
    turns = Turns(at_once=1)
    order: list[str] = []

    async def work(name: str) -> None:
        async with turns.turn(name):
            order.append(name)

    async with turns.turn("first"):
        quitter = asyncio.create_task(work("quitter"))
        stayer = asyncio.create_task(work("stayer"))
        await asyncio.sleep(0)
        quitter.cancel()
    await stayer
    async with turns.turn("last"):
        order.append("last")
    assert order == ["stayer", "last"]


async def test_who_gives_up_with_the_turn_in_hand_passes_it_on() -> None:
    turns = Turns(at_once=1)

    async def work() -> None:
        async with turns.turn("x"):
            pass

    async with turns.turn("first"):
        quitter = asyncio.create_task(work())
        await asyncio.sleep(0)
    quitter.cancel()  # its turn came, but it has not run yet
    with pytest.raises(asyncio.CancelledError):
        await quitter
    async with asyncio.timeout(1), turns.turn("last"):
        pass


async def test_passwords_are_right_or_wrong() -> None:
    hashing = Hashing()
    hashed = await hashing.hash("กุญแจe\u0301")
    assert await hashing.verify(hashed, "กุญแจ\u00e9")  # another keyboard, the same password
    for other, password in ((hashed, "wrong"), (None, ""), ("", ""), ("torn", "x"), (hashed, "x" * 2000)):
        assert not await hashing.verify(other, password)
