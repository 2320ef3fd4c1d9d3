"""What runs beside the pages: an HMI without any of it ends, however that came to its end."""

from __future__ import annotations

import asyncio

import pytest

from hmi.background import Background, Work


async def for_ever() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    return


async def failing() -> None:
    raise ValueError("a fault of ours")


async def cancelled() -> None:
    raise asyncio.CancelledError  # as a library may, though nobody cancelled


@pytest.mark.parametrize("work", [at_once, failing, cancelled])
async def test_the_hmi_ends_with_any_of_its_parts(work: Work) -> None:
    ends = asyncio.Event()
    background = Background(for_ever, work, end=ends.set)
    await background.start()
    async with asyncio.timeout(5):
        await ends.wait()
    assert background.failed
    await background.stop()


async def test_a_stop_is_no_failure() -> None:
    ends = asyncio.Event()
    background = Background(for_ever, for_ever, end=ends.set)
    await background.start()
    await asyncio.sleep(0)
    await background.stop()
    assert not background.failed
    assert not ends.is_set()
