"""The care of models of one server: registry, choice, training and drift put together, from start to end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import structlog
from numpy import intp
from numpy.typing import NDArray

from config.settings import Settings
from historian.errors import HistorianError
from historian.historian import Historian
from server.jobs import Job
from server.learning.choice import Choice
from server.learning.drifting import Drifting
from server.learning.examination import examine
from server.learning.learning import Learning
from server.learning.registry import Registry, Tell
from server.learning.retraining import Retraining
from server.learning.status import ModelStatus
from server.protocol.wire import now_us
from server.scanning.prognosis import Prognosis

log = structlog.get_logger(__name__)


class ModelCare:
    """What becomes of models while a server runs. `clock` tells the plant's time [µs]."""

    def __init__(
        self,
        settings: Settings,
        historian: Historian,
        learning: Learning,
        prognosis: Prognosis,
        site: NDArray[intp],
        status: ModelStatus,
        tell: Tell,
        clock: Callable[[], int],
    ) -> None:
        """`site` says at which site each jar stands; `tell` hears of each step."""
        home, rul = settings.home, settings.rul
        self.registry = Registry(historian.models, home, examine, now_us, rul.worse)
        self.registry.tell = tell
        self.choice = Choice(self.registry, learning, rul.model, rul.fallback, status, tell)
        self.retraining = Retraining(
            self.registry,
            status,
            tell,
            settings.fleet,
            historian.conninfo,
            home / "models",
            historian.models.failures,
        )
        self.drifting = Drifting(
            learning, self.registry, self.choice, prognosis, status, site, clock, home / "state"
        )
        _clear(home / "models")

    async def begin(self) -> None:
        """Have the right model speak from the start on; `StartError` where the configuration names none."""
        try:
            await self.registry.begin()
            await self.choice.begin()
            await self.drifting.restore()
        except HistorianError as error:
            log.error("the models cannot be looked up: the twin speaks alone", reason=str(error))

    def jobs(self) -> tuple[Job, ...]:
        """What is done from time to time."""
        return self.drifting.jobs()

    async def close(self) -> None:
        """End what runs."""
        await self.retraining.close()


def _clear(folder: Path) -> None:
    """Remove what trainings of a killed server have left."""
    for left in folder.glob("*.partial"):
        left.unlink(missing_ok=True)
