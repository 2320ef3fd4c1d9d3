"""Alarm management over a restart: incidents as soon as they change, the record of rates once a minute.

What is lost when the machine fails is a second of incidents, which are found again while their causes last,
under the same ids, and a minute of rates.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from server.alarms.management.management import Management
from server.statefiles import read_arrays, read_text, write_arrays, write_text

log = structlog.get_logger(__name__)

INCIDENTS: Final = "incidents.json"
RECORD: Final = "alarmrecord.npz"
PERIOD: Final = 1.0  # s
_RECORD_EVERY: Final = 60  # periods


class ManagementState:
    """The files of `management` in a folder."""

    def __init__(self, folder: Path, management: Management) -> None:
        self._folder = folder
        self._management = management
        self._saved = 0  # the change of the incidents that the file has

    def load(self) -> None:
        """Take up what is there."""
        text = read_text(self._folder / INCIDENTS)
        if text is not None:
            try:
                self._management.incidents.restore(text)
            except (LookupError, TypeError, ValueError) as error:
                log.warning("saved incidents cannot be read and are left out", reason=repr(error))
        record = read_arrays(self._folder / RECORD)
        if record is not None and not self._management.plant.restore(record):
            log.warning("the fleet has changed: the record of alarm rates starts anew")

    async def run(self) -> None:
        """Save what changes, until cancelled."""
        periods = 0
        while True:
            await asyncio.sleep(PERIOD)
            periods += 1
            record = None if periods % _RECORD_EVERY else self._management.plant.save()
            incidents = self._changed_incidents()
            if record is not None or incidents is not None:
                await asyncio.to_thread(self._write, incidents, record)

    def save(self) -> None:
        """Save all of it at once: the server ends."""
        self._write(self._management.incidents.save(), self._management.plant.save())

    def _changed_incidents(self) -> str | None:
        if self._saved == self._management.changed:
            return None
        self._saved = self._management.changed
        return self._management.incidents.save()

    def _write(self, incidents: str | None, record: Mapping[str, NDArray[np.generic]] | None) -> None:
        try:
            if incidents is not None:
                write_text(self._folder / INCIDENTS, incidents)
            if record is not None:
                write_arrays(self._folder / RECORD, record)
        except OSError as error:
            log.error("the state of alarm management cannot be saved", reason=str(error))
