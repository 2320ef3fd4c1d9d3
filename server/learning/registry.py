"""The registry of models: which there are, how good they are, and which of them speaks (R6).

Rows are in the historian's table `model`, artefacts in `home/models`. A model begins as a candidate. It is
published when its gates let it through: physics (R5, judged by a process of its own, as this one never loads
a model) and figures no worse than those of the model that speaks now. What replaced what is kept, so that
rolling back leads to the model before, and once more to the one before that. Each step is told.

RegistryError
    UnknownModelError   there is no such version
    RefusedError        the gates do not let it through; the text says why
    DamagedError        its artefact is gone or not as it was registered
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import psycopg
import structlog

from analytics.model import RulModel
from analytics.modelcard import ModelCard
from analytics.modelfile import ArtefactError
from historian.matured import Matured
from historian.models import Model, Models, ModelState
from server.events.model import Action
from server.learning.artefacts import DEFAULT, FOLDER, Artefacts, read_file, sha256

log = structlog.get_logger(__name__)

KIND: Final = "rul"
ERROR, MEAN = "mae", "mean"  # figures on a card [d]: mean error and mean life left of the test data
VOLTKEEP: Final = "Voltkeep"  # who approves what comes with the package
_DAY: Final = 86_400_000_000  # µs

Examine = Callable[[Path], Awaitable[tuple[str, ...]]]  # what the gate of physics finds against an artefact


class Tell(Protocol):
    """Hears of each step."""

    def __call__(
        self, action: Action, version: str, *, previous: str = "", user: str = "", comment: str = ""
    ) -> None: ...


class RegistryError(Exception):
    """What was asked cannot be done; the text says why."""


class UnknownModelError(RegistryError):
    """There is no such version."""


class RefusedError(RegistryError):
    """The gates found something against the model."""


class DamagedError(RegistryError):
    """The artefact cannot be used."""


@dataclass(frozen=True)
class Entry:
    """A registered model, and whether its artefact is there as it was registered."""

    model: Model
    usable: bool


class Registry:
    """Models of remaining useful life; one step at a time."""

    def __init__(
        self, models: Models, home: Path, examine: Examine, clock: Callable[[], int], worse: float
    ) -> None:
        """`worse` [%] is by how much a published model may be worse than the one before."""
        self._models = models
        self._artefacts = Artefacts(home / FOLDER)
        self._examine = examine
        self._clock = clock
        self._worse = worse
        self._turn = asyncio.Lock()
        self.tell: Tell = lambda *_, **__: None

    # -- what there is

    async def entries(self) -> list[Entry]:
        """All models, the oldest first, with those whose files were put into the folder meanwhile."""
        await self._adopt()
        return [Entry(each, await self._usable(each)) for each in await self._all()]

    async def published(self) -> Model | None:
        """The model that is published."""
        return _in_state(await self._all(), ModelState.PUBLISHED)

    async def shadow(self) -> Model | None:
        """The candidate that predicts beside it."""
        return _in_state(await self._all(), ModelState.SHADOW)

    async def find(self, version: str) -> Model:
        """A model by its version."""
        await self._adopt()
        return _found(await self._all(), version)

    async def content(self, model: Model) -> bytes:
        """Its artefact."""
        try:
            return await asyncio.to_thread(self._artefacts.read, model.version, model.artefact_hash)
        except ArtefactError as error:
            raise DamagedError(str(error)) from None

    async def card(self, model: Model) -> ModelCard:
        """What its artefact says of itself."""
        try:
            return (await asyncio.to_thread(RulModel.from_bytes, await self.content(model))).card
        except ArtefactError as error:
            raise DamagedError(str(error)) from None

    async def file(self, model: Model) -> Path:
        """Where its artefact is, which is as it was registered."""
        await self.content(model)
        return self._artefacts.path(model.version)

    async def matured(self, version: str, time: int) -> Matured:
        """What a model said a week before `time` [µs], and what is known since."""
        return await self._models.matured(version, time)

    # -- steps

    async def begin(self) -> None:
        """Register what comes with the package, and publish it where no user has published another."""
        async with self._turn:
            try:
                shipped = await self.register(
                    await asyncio.to_thread(read_file, DEFAULT), "ships with Voltkeep"
                )
            except (OSError, ArtefactError) as error:
                log.warning("no model comes with this Voltkeep", reason=str(error))
                return
            now = _in_state(await self._all(), ModelState.PUBLISHED)
            if shipped.state is ModelState.CANDIDATE and (now is None or now.approved_by == VOLTKEEP):
                await self._publish(shipped, VOLTKEEP, "ships with Voltkeep")

    async def register(self, content: bytes, comment: str = "") -> Model:
        """Keep a model as a candidate; one that is known already stays what it is. `ArtefactError`."""
        all_ = await self._all()
        known = next((each for each in all_ if each.artefact_hash == sha256(content)), None)
        if known is None:
            model = _row(
                await asyncio.to_thread(RulModel.from_bytes, content), content, self._clock(), comment
            )
            if any(each.version == model.version for each in all_):
                raise ArtefactError(f"Another model is registered as {model.version} already.")
            await self._add(model)
            known = model
        await asyncio.to_thread(self._artefacts.put, known.version, content)
        return known

    async def publish(self, version: str, user: str, comment: str = "") -> str:
        """Have a model speak; the version that spoke before, empty for none."""
        async with self._turn:
            model = await self.find(version)
            if model.state is ModelState.PUBLISHED:
                raise RegistryError(f"{version} is published already.")
            await self._judge(model)
            return await self._publish(model, user, comment)

    async def roll_back(self, user: str, comment: str = "") -> tuple[str, str]:
        """Have the model speak again that was replaced by the present one; its version and that one's."""
        async with self._turn:
            now = await self.published()
            if now is None or now.replaced is None:
                raise RegistryError("No model was published before the present one.")
            await self.content(_found(await self._all(), now.replaced))
            done = await self._models.roll_back(KIND, self._clock())
            if done is None:
                raise RegistryError("No model was published before the present one.")
            self.tell(Action.ROLLED_BACK, done[0], previous=done[1], user=user, comment=comment)
            return done

    async def set_shadow(self, version: str, user: str) -> str:
        """Have a candidate predict in the shadow, none where `version` is empty; the one before."""
        async with self._turn:
            if version:
                model = await self.find(version)
                if model.state not in (ModelState.CANDIDATE, ModelState.SHADOW, ModelState.RETIRED):
                    raise RegistryError(f"{version} is {model.state}: its predictions are told already.")
                await self.content(model)
            previous = await self._models.set_shadow(KIND, version or None) or ""
            self.tell(Action.SHADOW, version, previous=previous, user=user)
            return previous

    async def retire(self, version: str, user: str, comment: str = "") -> ModelState:
        """Set a candidate or shadow aside; what it was."""
        async with self._turn:
            model = await self.find(version)
            if model.state is ModelState.PUBLISHED:
                raise RegistryError(f"{version} is published: publish another, or roll back.")
            if model.state is not ModelState.RETIRED:
                await self._models.retire(version)
                self.tell(Action.RETIRED, version, user=user, comment=comment)
            return model.state

    # -- how

    async def _publish(self, model: Model, user: str, comment: str) -> str:
        previous = await self._models.publish(model.version, user, self._clock()) or ""
        self.tell(Action.PUBLISHED, model.version, previous=previous, user=user, comment=comment)
        return previous

    async def _judge(self, model: Model) -> None:
        """Keep what the gates say of a model; `RefusedError` where they do not let it through."""
        await self.content(model)
        findings = list(await self._examine(self._artefacts.path(model.version)))
        now = await self.published()
        findings += worse_than(model, now, self._worse)
        await self._models.note(model.version, " ".join(findings) or "passed")
        if findings:
            raise RefusedError(f"{model.version} is not published: {' '.join(findings)}")

    async def _adopt(self) -> None:
        """Register artefacts that somebody has put into the folder."""
        known = {each.version for each in await self._all()}
        for version in await asyncio.to_thread(lambda: list(self._artefacts.found())):
            if version in known:
                continue
            try:
                content = await asyncio.to_thread(self._artefacts.read, version, None)
                learnt = await asyncio.to_thread(RulModel.from_bytes, content)
            except ArtefactError as error:
                log.warning("a file is no model", version=version, reason=str(error))
                continue
            if learnt.version != version:
                log.warning("a model has the name of another", file=version, version=learnt.version)
                continue
            await self._add(_row(learnt, content, self._clock(), "found in the folder of models"))

    async def _add(self, model: Model) -> None:
        try:
            await self._models.add(model)
        except psycopg.errors.UniqueViolation:  # by another call, meanwhile
            return
        log.info("a model is registered", version=model.version)

    async def _usable(self, model: Model) -> bool:
        return await asyncio.to_thread(self._artefacts.usable, model.version, model.artefact_hash)

    async def _all(self) -> list[Model]:
        return [each for each in await self._models.all() if each.kind == KIND]


def worse_than(model: Model, now: Model | None, worse: float) -> list[str]:
    """What the figures say against publishing a model in the place of `now`: by how much more it errs.

    Errors are taken against the mean life left of the test data, as those of two models are not the same.
    """
    theirs, ours = _error(model), None if now is None else _error(now)
    if theirs is None:
        return [f"Its card has no figures: {ERROR} and {MEAN} are needed."]
    if now is None or ours is None or theirs <= ours * (1 + worse / 100):
        return []
    return [
        f"Its mean error is {theirs:.1%} of the mean life left of its test data, that of {now.version} "
        f"{ours:.1%}; {worse:g} % more is the most."
    ]


def _error(model: Model) -> float | None:
    error, mean = model.metrics.get(ERROR), model.metrics.get(MEAN)
    return None if error is None or not mean else error / mean


def _row(learnt: RulModel, content: bytes, time: int, comment: str) -> Model:
    card = learnt.card
    first, last = card.first_day * _DAY, card.last_day * _DAY
    return Model(
        learnt.version,
        KIND,
        time,
        first,
        last,
        bytes.fromhex(card.data_hash),
        dict(card.metrics),
        artefact_hash=sha256(content),
        comment=comment,
    )


def _in_state(models: list[Model], state: ModelState) -> Model | None:
    return next((each for each in models if each.state is state), None)


def _found(models: list[Model], version: str) -> Model:
    for each in models:
        if each.version == version:
            return each
    raise UnknownModelError(f"There is no model {version}.")
