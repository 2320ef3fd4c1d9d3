"""Training on demand (R7): one at a time, in a process of the lowest priority; what it makes is a candidate.

The process tells how far it is on its standard output, a JSON object a line, and leaves the artefact in a
file. A training that fails says why in words and leaves nothing.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from analytics.modelfile import ArtefactError
from historian.errors import HistorianError
from server.events.model import Action
from server.learning.artefacts import read_file
from server.learning.childprocess import ended, started
from server.learning.registry import Registry, Tell
from server.learning.status import ModelStatus, Training, TrainingState

log = structlog.get_logger(__name__)

TIME_LIMIT: Final = 4 * 3600.0  # s
LEAST_FAILURES: Final = 40  # of an installation's own jars: 30 to learn from and 10 to calibrate with
_MODULE: Final = "server.learning.retrainingjob"
_CANDIDATE: Final = "it is a candidate now"


class BusyError(Exception):
    """A training runs already; the text says which."""


class UnknownJobError(Exception):
    """No such training runs."""


class TooFewError(Exception):
    """There is not enough to learn from; the text says what there is."""


@dataclass(frozen=True)
class Order:
    """What a training needs to know: all of it are plain values."""

    source: str  # Historian or PlantYears
    fleet: str  # file
    conninfo: str
    target: str  # file that the artefact goes to

    def to_json(self) -> str:
        """For the process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Order:
        """What `to_json` gave."""
        return cls(**json.loads(text))


class TrainingFailed(Exception):
    """The process ended without a model; the text says why."""


class Retraining:
    """Trainings, the last one in `status`."""

    def __init__(
        self,
        registry: Registry,
        status: ModelStatus,
        tell: Tell,
        fleet: Path,
        conninfo: str,
        folder: Path,
        failures: Callable[[], Awaitable[int]],
    ) -> None:
        """`failures` counts the jars of the installation that were seen to fail."""
        self._registry = registry
        self._status = status
        self._tell = tell
        self._fleet = fleet
        self._conninfo = conninfo
        self._folder = folder
        self._failures = failures
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether a training runs."""
        return self._task is not None and not self._task.done()

    async def start(self, source: str, user: str, comment: str) -> str:
        """Begin a training; what identifies it. `BusyError`, `TooFewError`."""
        self._check()
        if source == "Historian":
            await self._count()
            self._check()  # another one may have begun meanwhile
        job = f"train-{secrets.token_hex(4)}"
        target = self._folder / f"{job}.partial"
        order = Order(source, str(self._fleet), self._conninfo, str(target))
        training = self._status.training = Training(job, TrainingState.RUNNING, 0.0, "it begins")
        self._task = asyncio.create_task(self._run(training, order, user, comment), name="training")
        self._tell(Action.TRAINING_STARTED, "", user=user, comment=comment)
        log.info("a training has begun", job=job, source=source, by=user)
        return job

    def cancel(self, job: str) -> str:
        """End the training that runs; what identifies it. `UnknownJobError`."""
        training = self._status.training
        if self._task is None or self._task.done() or job not in ("", training.job):
            raise UnknownJobError(f"No training '{job}' runs." if job else "No training runs.")
        self._task.cancel()
        return training.job

    async def close(self) -> None:
        """End with the server."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _check(self) -> None:
        if self.running:
            training = self._status.training
            raise BusyError(f"{training.job} runs ({training.progress:.0f} %). Wait for it, or cancel it.")

    async def _count(self) -> None:
        found = await self._failures()
        if found < LEAST_FAILURES:
            raise TooFewError(
                f"{found} jars of this fleet have been seen to fail; {LEAST_FAILURES} are needed to learn."
            )

    async def _run(self, training: Training, order: Order, user: str, comment: str) -> None:
        target = Path(order.target)
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await self._follow(training, order)
                content = await asyncio.to_thread(read_file, target)
                model = await self._registry.register(content, comment or f"trained for {user}")
        except TimeoutError:
            self._failed(training, f"it took longer than {TIME_LIMIT / 3600:g} h")
        except (TrainingFailed, ArtefactError, HistorianError, OSError) as error:
            self._failed(training, str(error))
        except asyncio.CancelledError:
            training.state, training.message = TrainingState.CANCELLED, "it was cancelled"
            raise
        else:
            training.state, training.progress = TrainingState.DONE, 100.0
            training.version, training.message = model.version, _CANDIDATE
            log.info("a model was trained", job=training.job, version=model.version)
            self._tell(Action.TRAINING_DONE, model.version, user=user)
        finally:
            target.unlink(missing_ok=True)  # noqa: ASYNC240 - no more than a name

    def _failed(self, training: Training, reason: str) -> None:
        training.state, training.message = TrainingState.FAILED, reason
        log.error("a training has failed", job=training.job, reason=reason)
        self._tell(Action.TRAINING_FAILED, "", comment=reason)

    async def _follow(self, training: Training, order: Order) -> None:
        """Until the artefact is there."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        process = await started(_MODULE)
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{order.to_json()}\n".encode())
            process.stdin.close()
            async for line in process.stdout:
                _take(training, line)
            if await process.wait() != 0:
                raise TrainingFailed("it ended unexpectedly: the log says why")
        finally:
            await ended(process)


def _take(training: Training, line: bytes) -> None:
    """One line of the process."""
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:  # a library has printed something
        log.info("a training says", line=line.decode(errors="replace").strip())
        return
    if "error" in said:
        raise TrainingFailed(str(said["error"]))
    training.progress = min(max(100 * float(said.get("progress", 0.0)), training.progress), 99.0)
    training.message = str(said.get("message", training.message))
