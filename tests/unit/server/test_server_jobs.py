"""The end of the server in the midst of a job."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import pytest

from historian.care import Care
from server.jobs import Jobs, historian_jobs


class _Waiting:
    """Care whose roll-up waits for ever."""

    timescale = False

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended = False

    async def roll_up(self) -> int:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True
        return 0

    make_ahead = expire = rearrange = roll_up


async def test_a_job_that_the_end_interrupts_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    care = _Waiting()
    jobs = Jobs(historian_jobs(cast(Care, care)))
    jobs.all[0].first = 0
    with caplog.at_level(logging.ERROR):
        await jobs.start()
        await asyncio.wait_for(care.began.wait(), 10)
        await jobs.close()
    assert care.ended
    assert caplog.records == []
    assert jobs.state()["roll up"]["failures"] == 0
