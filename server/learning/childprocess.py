"""Processes that learn and judge for the server: of low priority, and they end with it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from functools import partial
from typing import Final

NICE: Final = 19  # of what takes long
BRIEF: Final = 10  # of what somebody waits for
_PR_SET_PDEATHSIG: Final = 1


async def started(module: str, *arguments: str, nice: int = NICE) -> asyncio.subprocess.Process:
    """Run a module of ours with pipes for standard input and output."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe, preexec_fn=partial(_humble, nice)
    )


async def ended(process: asyncio.subprocess.Process) -> None:
    """Have it end now, if it has not."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _humble(nice: int) -> None:
    os.nice(nice)
    os.setpgid(0, 0)  # Ctrl-C is the server's business
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
