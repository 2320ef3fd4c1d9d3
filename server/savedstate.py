"""What twin and alarms have seen, kept over a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import structlog

from server.alarms.inputs import Inputs
from server.scanning.prognosis import Prognosis
from server.statefiles import read_arrays, write_arrays

log = structlog.get_logger(__name__)

PERIOD: Final = 10.0  # s


class SavedState:
    """The twin's state and the windows of the alarms' inputs, in a folder."""

    def __init__(self, folder: Path, prognosis: Prognosis, inputs: Inputs) -> None:
        self._twin, self._windows = folder / "twin.npz", folder / "windows.npz"
        self._prognosis = prognosis
        self._inputs = inputs

    def restore(self) -> None:
        """Take up what is there and fits the fleet."""
        twin = read_arrays(self._twin)
        if twin is not None and not self._prognosis.restore(twin):
            log.warning("the fleet has changed: the twin starts anew")
        windows = read_arrays(self._windows)
        if windows is not None:
            self._inputs.restore(windows)

    def save(self) -> None:
        """Write it down; `OSError` where that cannot be done."""
        write_arrays(self._twin, self._prognosis.save())
        write_arrays(self._windows, self._inputs.save())

    async def run(self) -> None:
        """Write it down again and again, in a thread."""
        while True:
            await asyncio.sleep(PERIOD)
            twin, windows = self._prognosis.save(), self._inputs.save()
            try:
                await asyncio.to_thread(write_arrays, self._twin, twin)
                await asyncio.to_thread(write_arrays, self._windows, windows)
            except OSError as error:
                log.error("state cannot be saved", reason=str(error))
