"""The time limit of an answer: over, not over, and over in the moment of the answer."""

from __future__ import annotations

import asyncio

import pytest

from hmi.timelimit import time_limit


class AnsweredAtOnce(asyncio.CancelledError):
    """As wait_for2 says that an answer came as its wait was cancelled."""


async def answer_in_the_moment_of_the_end() -> None:
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        raise AnsweredAtOnce from None


async def test_an_answer_in_the_moment_of_the_end_is_too_late_and_ends_no_task() -> None:
    with pytest.raises(TimeoutError):
        async with time_limit(0.01):
            await answer_in_the_moment_of_the_end()
    await asyncio.sleep(0)  # the task goes on


async def test_no_answer_is_a_time_out() -> None:
    with pytest.raises(TimeoutError):
        async with time_limit(0.01):
            await asyncio.sleep(10)


async def test_who_cancels_the_task_is_obeyed() -> None:
    async def wait() -> None:
        async with time_limit(10):
            await answer_in_the_moment_of_the_end()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_is_in_time_passes() -> None:
    async with time_limit(10):
        await asyncio.sleep(0)
