"""Processes of `voltkeep run` beside the server's own: they end with it, however it ends."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from typing import Final

START_LIMIT: Final = 15.0
STOP_LIMIT: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1

Child = subprocess.Popen[bytes]


def start(*arguments: str) -> Child:
    """Run Python with `arguments`."""
    return subprocess.Popen([sys.executable, *arguments], preexec_fn=_die_with_parent)


def _die_with_parent() -> None:
    os.setpgid(0, 0)  # Ctrl-C reaches the parent, which ends its children in order
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def listens(host: str, port: int, child: Child) -> bool:
    """Wait until a child listens; False when it has ended or takes too long."""
    deadline = time.monotonic() + START_LIMIT
    while child.poll() is None and time.monotonic() < deadline:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return True
    return False


def end(children: list[Child]) -> None:
    """End all of them, in earnest after a while."""
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def failed(child: Child) -> bool:
    """Whether a child ended by itself with an error."""
    return child.returncode not in (None, 0, -signal.SIGTERM, -signal.SIGINT)
