"""Learnt models in the server: asks a process beside it for predictions, hands them to the next scan, and
says what they rest on.

The server itself loads no library of a model. While the process is away the last predictions stay and count
down; they are kept over a restart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from analytics import fusion
from analytics.learnt import Learnt
from analytics.parameters import Single
from analytics.rul import Life
from nodeset.frame import Frame
from server.jobs import Job
from server.learning.forecast import Forecast
from server.learning.process import ProcessError, WorkerProcess
from server.learning.record import RulRecord, record_of, version_of
from server.learning.serving import Forecasts, Place
from server.learning.status import ModelStatus
from server.scanning.prognosis import Prognosis, Verdict
from server.statefiles import read_arrays, write_arrays

log = structlog.get_logger(__name__)

HOUR: Final = 3_600_000_000  # µs of the plant's time between two predictions (R7)
SOON: Final = 300_000_000  # µs, while the historian knows too little: a new one has few days rolled up yet
ENOUGH: Final = 0.5  # share of the jars of which the model is sure enough to take part
START: Final = 15.0  # s after the server is ready that the process starts
FIRST: Final = 30.0  # s after it is ready that the fleet is predicted first
LOOK: Final = 15.0  # s between looks at whether it is to be predicted again
PREDICT_LIMIT: Final = 300.0  # s after which a process hangs that has not answered
WHAT_IF_LIMIT: Final = 0.8  # s
MODULE: Final = "server.learning.worker"
STATE_FILE: Final = "forecast.npz"


@dataclass(frozen=True)
class WhatIf:
    """Life left of a jar [d] as things are, and as they would be; by whom."""

    present: Life
    changed: Life
    model_version: str


class Learning:
    """What learnt models do for a fleet. `clock` tells the plant's time [µs]."""

    def __init__(
        self,
        process: WorkerProcess,
        place: Place,
        prognosis: Prognosis,
        clock: Callable[[], int],
        state: Path,
        status: ModelStatus,
    ) -> None:
        self._process = process
        self._place = place
        self._prognosis = prognosis
        self._clock = clock
        self._file = state / STATE_FILE
        self._status = status
        self._published: Path | None = None
        self._shadow: Path | None = None
        self._wanted = asyncio.Event()
        self._predicted_by = 0  # which start of the process has predicted last
        self.forecast: Forecast | None = None
        self.shadow: Forecast | None = None
        self.runs = 0
        self.failures = 0
        self.seconds = 0.0
        self.error = ""

    def jobs(self) -> tuple[Job, ...]:
        """What is done from time to time."""
        return (Job("predict", self._predict_when_due, FIRST, LOOK),)

    async def run(self) -> None:
        """Keep the process running until cancelled, from when there is a model and a start is over."""
        await asyncio.sleep(START)
        await self._wanted.wait()
        await self._process.run(lambda: (self._place, self._published, self._shadow))

    def restore(self) -> None:
        """Take up what was predicted last before the server went down."""
        arrays = read_arrays(self._file)
        forecast = None if arrays is None else Forecast.from_arrays(arrays, self._prognosis.jars)
        if forecast is not None:
            self._heed(forecast)

    async def use(self, published: Path | None, shadow: Path | None = None) -> None:
        """Predict with the models of these artefacts from now on, None: with none; `ProcessError` if they are
        unusable. What another model said stays until this one has spoken; without a model the twin is alone.
        """
        before = self._published, self._shadow
        self._published, self._shadow = published, shadow
        if self._process.ready and before != (published, shadow):
            try:
                await self._process.ask("use", published, shadow, limit=PREDICT_LIMIT)
            except ProcessError:
                self._published, self._shadow = before
                raise
        if before != (published, shadow):
            self._predicted_by = 0
        if published is None:
            self.fall_back()
        if published or shadow:
            self._wanted.set()

    def fall_back(self) -> None:
        """Let the twin speak alone until the next prediction."""
        self.forecast = None
        self._prognosis.hear(None)
        self._file.unlink(missing_ok=True)

    async def predict_now(self) -> int:
        """Predict the fleet's life left; of how many jars something is known. `ProcessError` if it fails."""
        began, starts = time.monotonic(), self._process.starts
        self._status.predicting = "Running"
        try:
            said: Forecasts = await self._process.ask("predict", self._clock(), limit=PREDICT_LIMIT)
        except ProcessError as error:
            self.failures += 1
            self.error = self._status.predicting = str(error)
            raise
        finally:
            self.seconds = time.monotonic() - began
        self.runs += 1
        self.error, self._predicted_by = "", starts or self._process.starts
        self._status.predicting = "Idle"
        self.shadow = said.shadow
        if said.published is None:
            return 0
        self._heed(said.published)
        await asyncio.to_thread(write_arrays, self._file, said.published.as_arrays())
        await self._process.ask("keep", limit=PREDICT_LIMIT)
        return int(np.isfinite(said.published.learnt.days).sum())

    async def features(self) -> Single:
        """Features of the fleet as they are now, shape (jars, features); `ProcessError`."""
        found: Single = await self._process.ask("features", self._clock(), limit=PREDICT_LIMIT)
        return found

    async def what_if(self, jar: int, kelvin: float, load: float) -> WhatIf:
        """Life left of a jar if from now on it were warmer by `kelvin` [K], its load `load` times as high.

        By the twin alone where the model has no share in what is said of the jar, or does not answer in time.
        """
        lives = self._prognosis.what_if(jar, kelvin)
        heard = self.forecast if self._prognosis.weight[jar] > 0 else None
        said = None if heard is None else await self._said_if(jar, kelvin, load)
        if said is None:
            return WhatIf(*lives, version_of(None, simulated=False))
        together = [fusion.fuse(life, learnt) for life, learnt in zip(lives, said, strict=True)]
        both = (Life(fused.days, fused.lower, fused.upper) for fused in together)
        return WhatIf(next(both), next(both), version_of(heard, simulated=False))

    async def _said_if(self, jar: int, kelvin: float, load: float) -> tuple[Learnt, Learnt] | None:
        try:
            asked = (jar, kelvin, load, self._clock())
            said: tuple[Learnt, Learnt] | None = await self._process.ask(
                "what_if", *asked, limit=WHAT_IF_LIMIT
            )
        except ProcessError as error:
            log.warning("the twin answers alone", jar=jar, reason=str(error))
            return None
        return said

    def record(self, frame: Frame, jar: int) -> RulRecord:
        """All that is said of a jar of the plant, as `frame` shows it."""
        return record_of(frame, jar, self._prognosis, self.forecast)

    def state(self) -> dict[str, Any]:
        """How it does, for JSON."""
        process = self._process
        wanted = self._published is not None and not process.ready
        away = "away" if process.starts else "starting"
        return {
            "status": "failed" if self.error else away if wanted else "ok",
            "model": "" if self.forecast is None else self.forecast.version,
            "issued": None if self.forecast is None else self.forecast.issued / 1e6,
            "runs": self.runs,
            "failures": self.failures,
            "last_seconds": round(self.seconds, 2),
            "last_error": self.error or process.error,
            "process_ended": process.deaths,
            "memory_mb": round(process.memory / 1e6, 1),
        }

    def metrics(self) -> Iterator[Metric]:
        """The same for Prometheus."""
        process, forecast = self._process, self.forecast
        age = nan if forecast is None else (self._clock() - forecast.issued) / 1e6
        for name, text, value in (
            ("voltkeep_prediction_seconds", "Duration of the last prediction of the fleet", self.seconds),
            ("voltkeep_prediction_age_seconds", "Plant's time since the last one, NaN: none", age),
            ("voltkeep_prediction_process_up", "Whether the process that predicts is there", process.ready),
            ("voltkeep_prediction_process_bytes", "Memory of that process", process.memory),
        ):
            yield GaugeMetricFamily(name, text, value=float(value))
        for name, text, value in (
            ("voltkeep_predictions", "Predictions of the fleet", self.runs),
            ("voltkeep_prediction_failures", "Predictions that failed", self.failures),
            ("voltkeep_prediction_process_ends", "Times that the process ended by itself", process.deaths),
        ):
            yield CounterMetricFamily(name, text, value=value)

    async def _predict_when_due(self) -> int:
        """Predict once an hour of the plant, and when model or process are new; more often at first."""
        if self._published is None and self._shadow is None:
            return 0
        last = self.forecast
        fresh = last is not None and 0 <= self._clock() - last.issued < _pause_after(last)
        if fresh and self._predicted_by == self._process.starts:
            return 0
        return await self.predict_now()

    def _heed(self, forecast: Forecast) -> None:
        self.forecast = forecast
        self._status.predicted = forecast.issued
        self._prognosis.hear(Verdict(forecast.version, forecast.issued, forecast.learnt))


def _pause_after(last: Forecast) -> int:
    """µs until the next prediction is due."""
    heard = np.isfinite(last.learnt.days) & (fusion.share(last.learnt.confidence) > 0)
    return HOUR if heard.mean() >= ENOUGH else SOON
