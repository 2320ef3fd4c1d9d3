"""Tokens over time, chunks that become messages, and long work in turns."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import pytest

from server.protocol.assembly import Assembly, MixedUp, Store, TooLarge, TooMuchHeld
from server.protocol.tokens import Token, Tokens, UnknownToken
from server.protocol.turns import Finished, Turns, advance

LIFE = 100.0


def _tokens(*made: float) -> Tokens:
    tokens = Tokens()
    for start in made:
        tokens.add(Token(tokens.number(), start, LIFE, None, None))
    return tokens


def test_a_token_is_accepted_until_a_quarter_past_its_lifetime() -> None:
    tokens = _tokens(0.0)
    assert tokens.find(1, 125.0).id == 1
    assert not tokens.expired(125.0)
    with pytest.raises(UnknownToken):
        tokens.find(1, 125.1)
    assert tokens.expired(125.1)


def test_the_old_token_is_in_use_until_the_new_one_is() -> None:
    tokens = _tokens(0.0, 75.0)
    assert tokens.sending(80.0).id == 1
    tokens.use(tokens.find(1, 80.0))
    assert tokens.sending(80.0).id == 1
    tokens.use(tokens.find(2, 81.0))
    assert tokens.sending(81.0).id == 2
    with pytest.raises(UnknownToken):
        tokens.find(1, 81.0)


def test_what_is_sent_uses_the_new_token_once_the_old_one_is_over() -> None:
    tokens = _tokens(0.0, 75.0)
    assert tokens.sending(100.0).id == 1
    assert tokens.sending(100.1).id == 2


def test_a_renewal_that_is_never_used_gives_way_to_the_next() -> None:
    tokens = _tokens(0.0, 10.0, 20.0)
    with pytest.raises(UnknownToken):
        tokens.find(2, 21.0)
    assert tokens.find(3, 21.0).id == 3


# -- messages from chunks


def test_chunks_become_a_message_and_give_their_room_back() -> None:
    store = Store()
    assembly = Assembly(store)
    assert assembly.add(b"C", 1, b"one ", 100, 9) is None
    assert assembly.add(b"C", 1, b"two ", 100, 9) is None
    assert store.held == 8
    assert assembly.add(b"F", 1, b"three", 100, 9) == b"one two three"
    assert store.held == 0
    assert assembly.add(b"F", 2, b"next", 100, 9) == b"next"


def test_an_aborted_message_is_forgotten() -> None:
    store = Store()
    assembly = Assembly(store)
    assembly.add(b"C", 1, b"one ", 100, 9)
    assert assembly.add(b"A", 1, b"why", 100, 9) is None
    assert (store.held, bool(assembly)) == (0, False)
    assert assembly.add(b"F", 2, b"next", 100, 9) == b"next"


@pytest.mark.parametrize("final", [b"C", b"F", b"A"])
def test_chunks_of_another_message_are_refused(final: bytes) -> None:
    assembly = Assembly(Store())
    assembly.add(b"C", 1, b"one", 100, 9)
    with pytest.raises(MixedUp):
        assembly.add(final, 2, b"two", 100, 9)


def test_a_message_has_so_many_bytes_and_chunks_and_no_more() -> None:
    assembly = Assembly(Store())
    with pytest.raises(TooLarge):
        assembly.add(b"F", 1, bytes(101), 100, 9)
    for _ in range(9):
        assembly.add(b"C", 1, b"", 100, 9)
    with pytest.raises(TooLarge):
        assembly.add(b"C", 1, b"", 100, 9)


def test_all_unfinished_messages_together_are_bounded() -> None:
    store = Store(100)
    first, second = Assembly(store), Assembly(store)
    first.add(b"C", 1, bytes(60), 1000, 9)
    with pytest.raises(TooMuchHeld):
        second.add(b"C", 1, bytes(60), 1000, 9)
    first.clear()
    second.add(b"C", 1, bytes(60), 1000, 9)
    assert store.held == 60


# -- turns


def _work(steps: int, done: list[int]) -> Generator[None, None, str]:
    for step in range(steps):
        done.append(step)
        yield
    return "answer"


def test_work_goes_on_for_a_slice_of_time() -> None:
    times = iter(i * 0.001 for i in range(1000))
    done: list[int] = []
    work = _work(10, done)
    advance(work, lambda: next(times))
    assert 2 < len(done) < 7
    advance(work, lambda: next(times))
    with pytest.raises(Finished) as finished:
        advance(work, lambda: next(times))
    assert finished.value.answer == "answer"
    assert done == list(range(10))


async def test_turns_come_one_a_round_of_the_loop_and_in_order() -> None:
    turns, seen = Turns(), []

    async def worker(name: str) -> None:
        for _ in range(3):
            await turns.wait()
            seen.append(name)

    async def other() -> None:
        for _ in range(20):
            seen.append(".")
            await asyncio.sleep(0)

    await asyncio.gather(worker("a"), worker("b"), worker("c"), other())
    text = "".join(seen)
    assert text.replace(".", "") == "abcabcabc"
    assert not any(pair in text for pair in ("ab", "bc", "ca"))  # others were served between any two


async def test_whoever_is_cancelled_takes_no_turn() -> None:
    turns = Turns()
    gone = asyncio.ensure_future(turns.wait())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait_for(turns.wait(), 1)
