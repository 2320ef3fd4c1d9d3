"""The nightly look at whether the model still fits the fleet (R6, R7): drift of features, matured errors.

A night of drift may be a night of bad data: the model is mistrusted after the second in a row, and trusted
again after two nights without. What was found is kept, over a restart too, for a year (`state/drift.json`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from analytics.drift import Judgement, drifts, error_of, judge
from analytics.features import NAMES
from analytics.model import RulModel
from analytics.parameters import Single
from historian.models import Model
from nodeset.tags import ModelDrift
from server.jobs import Job
from server.learning.choice import Choice
from server.learning.registry import DamagedError, Registry
from server.learning.status import Drift, ModelStatus
from server.statefiles import read_text, write_text

log = structlog.get_logger(__name__)

NIGHTS: Final = 2  # in a row that change the mind
STATE_FILE: Final = "drift.json"
KEPT: Final = 366  # nights
FIRST: Final = 180.0  # s after the start
LOOK: Final = 60.0  # s between looks at whether a night is over
_DAY: Final = 86_400_000_000  # µs
_NIGHT: Final = 5 * 3_600_000_000  # µs: days begin at 19:00 UTC, 02:00 in Thailand
_UNKNOWN: Final = "Unknown"


class Known(Protocol):
    """Who knows the features of the fleet."""

    async def features(self) -> Single:
        """As they are now, shape (jars, features)."""


class Tags(Protocol):
    """Where error [%] and drift of the model become tags; NaN for nothing known."""

    model_error: float
    model_drift: float


@dataclass
class Night:
    """What one night found: `seen` is of that night alone, `state` what follows."""

    version: str
    night: int
    seen: int
    state: int
    reason: str
    error: float | None
    matured: int
    features: dict[str, tuple[float, float]] = field(default_factory=dict)  # PSI and KS of the worst


class Drifting:
    """Judges the model that counts; `site` says at which site each jar stands, shape (jars,)."""

    def __init__(
        self,
        known: Known,
        registry: Registry,
        choice: Choice,
        tags: Tags,
        status: ModelStatus,
        site: NDArray[np.intp],
        clock: Callable[[], int],
        state: Path,
    ) -> None:
        self._known = known
        self._registry = registry
        self._choice = choice
        self._tags = tags
        self._status = status
        self._site = site
        self._clock = clock
        self._file = state / STATE_FILE
        self._nights: list[Night] = []

    def jobs(self) -> tuple[Job, ...]:
        """What is done from time to time."""
        return (Job("drift", self._judge_when_due, FIRST, LOOK),)

    async def restore(self) -> None:
        """Go on from what the last night before the server went down has found."""
        text = await asyncio.to_thread(read_text, self._file)
        try:
            self._nights = [Night(**each) for each in json.loads(text or "[]")]
        except (ValueError, TypeError) as error:
            log.warning("what was known of drift cannot be read", path=str(self._file), reason=str(error))
        model = self._choice.model
        if self._nights and model is not None and self._nights[-1].version == model.version:
            await self._follow(self._nights[-1])

    async def judge(self) -> int:
        """Judge now; how many jars were compared."""
        model = self._choice.model
        if model is None:
            self._forget()
            return 0
        try:
            learnt = await asyncio.to_thread(RulModel.from_bytes, await self._registry.content(model))
        except DamagedError:
            self._forget()
            return 0
        features = await self._known.features()
        judgement = await asyncio.to_thread(judge, learnt.reference, features, self._site)
        error, matured = await self._matured(model)
        attention = np.where(np.isnan(learnt.range.importance), 0.0, learnt.range.importance)
        state, reason = drifts(judgement, attention, error)
        night = self._night(model.version, state, reason, error, matured)
        night.features = _worst(judgement)
        self._show(judgement)
        await self._keep(night)
        await self._follow(night)
        return judgement.jars

    async def _judge_when_due(self) -> int:
        return 0 if self._judged() else await self.judge()

    def _judged(self) -> bool:
        """Whether the model that counts was judged this night, since the start."""
        model = self._choice.model
        if model is None or not self._nights or self._status.drift.judged is None:
            return False
        last = self._nights[-1]
        return last.version == model.version and last.night >= self._now()

    async def _matured(self, model: Model) -> tuple[float, int]:
        """Error of what the model said a week ago [%], and of how many jars something is known."""
        found = await self._registry.matured(model.version, self._clock())
        known = ~np.isnan(np.where(found.failed, 0.0, found.now))
        return error_of(found.then, found.now, found.failed, found.passed), int(known.sum())

    def _night(self, version: str, seen: ModelDrift, reason: str, error: float, matured: int) -> Night:
        """What follows from a night and those before it."""
        earlier = [each for each in self._nights if each.version == version and each.night < self._now()]
        before = earlier[-(NIGHTS - 1) :]
        drifting = ModelDrift.DRIFTING
        was = before[-1].state == drifting if before else False
        enough = len(before) == NIGHTS - 1
        if seen is drifting and not was and not (enough and all(each.seen == drifting for each in before)):
            state = ModelDrift.WATCH
        elif seen is not drifting and was and not all(each.seen != drifting for each in before):
            state, reason = drifting, f"{before[-1].reason}; not in the last night"
        else:
            state = seen
        kept = None if isnan(error) else error
        return Night(version, self._now(), int(seen), int(state), reason, kept, matured)

    def _now(self) -> int:
        """Number of the night."""
        return (self._clock() + _NIGHT) // _DAY

    async def _follow(self, night: Night) -> None:
        """Have tags, variables and the choice of the model say so."""
        state, drift = ModelDrift(night.state), self._status.drift
        drift.state, drift.reason = state.name.capitalize(), night.reason
        drift.error, drift.matured = nan if night.error is None else night.error, night.matured
        self._tags.model_error, self._tags.model_drift = drift.error, float(state)
        await self._choice.judged(state, night.reason)

    def _forget(self) -> None:
        self._status.drift = Drift()
        self._tags.model_error = self._tags.model_drift = nan

    def _show(self, judgement: Judgement) -> None:
        drift, order = self._status.drift, judgement.order()
        drift.judged = self._clock()
        drift.features = [NAMES[i] for i in order]
        drift.psi, drift.ks = judgement.psi[order].tolist(), judgement.ks[order].tolist()

    async def _keep(self, night: Night) -> None:
        others = [each for each in self._nights if (each.version, each.night) != (night.version, night.night)]
        self._nights = [*others, night][-KEPT:]
        text = json.dumps([_plain(each) for each in self._nights])
        await asyncio.to_thread(write_text, self._file, text)


def _worst(judgement: Judgement) -> dict[str, tuple[float, float]]:
    """PSI and KS of the features that differ most."""
    worst = [i for i in judgement.order()[:5] if not np.isnan(judgement.psi[i])]
    return {NAMES[i]: (round(float(judgement.psi[i]), 4), round(float(judgement.ks[i]), 4)) for i in worst}


def _plain(night: Night) -> dict[str, Any]:
    return asdict(night)
