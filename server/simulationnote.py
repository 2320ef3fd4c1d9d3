"""Which simulations run, in a file: a server that did not live to end them says so at its next start."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import structlog

from simulator.scenarios import Scenario

log = structlog.get_logger(__name__)


class SimulationNote:
    """The file at `path`, which is there while simulations run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, running: Sequence[Scenario]) -> None:
        """Note what runs now. It is a note for the log: it need not survive the machine, only the process."""
        try:
            if not running:
                self._path.unlink(missing_ok=True)
                return
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            notes = [{"id": each.id, "scenario": each.scenario, "target": each.target} for each in running]
            self._path.write_text(json.dumps(notes))
        except OSError as error:
            log.error("running simulations cannot be noted", reason=str(error))

    def tell(self) -> None:
        """Say what ran when the server went down; simulations do not outlive it."""
        try:
            notes = json.loads(self._path.read_text())
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            notes = [{"id": "unknown"}]
        for note in notes:
            log.warning("simulation ended", reason="the server went down while it ran", **note)
        self.write(())
