"""Makes a file in a process of its own, and knows how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import Final

import structlog

from historian.export.request import ExportError

log = structlog.get_logger(__name__)

TIME_LIMIT: Final = 600.0  # s
_ERROR: Final = "error:"


class Making:
    """One process; `progress` is the share that is done."""

    def __init__(self, module: str, order: str) -> None:
        """Of a module of ours that is told and tells as `historian.export.child` has it."""
        self._command = (sys.executable, "-m", module)
        self._order = order
        self.progress = 0.0

    async def run(self) -> None:
        """Until the file is whole; `ExportError` says why it never will be. Cancelled, it is ended."""
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await self._follow(process)
        except TimeoutError:
            raise ExportError(f"The export took longer than {TIME_LIMIT / 60:g} minutes.") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _follow(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{self._order}\n".encode())
        async for line in process.stdout:
            text = line.decode().strip()
            if text == "done":
                self.progress = 1.0
                return
            if text.startswith(_ERROR):
                raise ExportError(text.removeprefix(_ERROR).strip())
            self.progress = float(text)
        log.error("an export ended without a word", code=await process.wait())
        raise ExportError("The export ended unexpectedly.")
