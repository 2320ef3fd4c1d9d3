"""Which model speaks: the published one, the one that the configuration names, or none but the twin.

It is asked again after each step of the registry and each judgement of drift. A model that drifts is not
heard while it does, if the configuration wants that (`rul.fallback`); what speaks, and why, is told.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final, Protocol

import structlog

from historian.errors import HistorianError
from historian.models import Model
from nodeset.tags import ModelDrift
from server.errors import StartError
from server.events.model import Action
from server.learning.process import ProcessError
from server.learning.registry import DamagedError, Registry, Tell, UnknownModelError
from server.learning.status import ModelStatus

log = structlog.get_logger(__name__)

PUBLISHED: Final = "published"
TWIN: Final = "twin"


class Speaker(Protocol):
    """What predicts with the models that it is given."""

    async def use(self, published: Path | None, shadow: Path | None = None) -> None:
        """Predict with these artefacts from now on, None for none; `ProcessError` where one is unusable."""


class Choice:
    """Gives `speaker` the models that count; `wanted` is what the configuration says."""

    def __init__(
        self,
        registry: Registry,
        speaker: Speaker,
        wanted: str,
        fallback: bool,
        status: ModelStatus,
        tell: Tell,
    ) -> None:
        self._registry = registry
        self._speaker = speaker
        self._wanted = wanted
        self._fallback = fallback
        self._status = status
        self._tell = tell
        self._drifting = ""  # why
        self.model: Model | None = None  # that counts, heard or not
        self._given: tuple[Path | None, ...] = ()  # what speaks, and in the shadow
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """Have the right model speak from the start on; `StartError` where the configuration names none."""
        if self._wanted not in (PUBLISHED, TWIN):
            try:
                await self._registry.find(self._wanted)
            except UnknownModelError:
                known = ", ".join(each.model.version for each in await self._registry.entries()) or "none"
                raise StartError(f"rul.model: there is no model '{self._wanted}' (known: {known})") from None
        await self.renew()

    async def judged(self, state: ModelDrift, reason: str) -> None:
        """Drift was judged."""
        self._drifting = reason if state is ModelDrift.DRIFTING else ""
        await self.renew()

    async def renew(self) -> None:
        """Have the right model speak."""
        async with self._turn:
            published, shadow = await self._registry.published(), await self._registry.shadow()
            chosen = await self._chosen(published)
            self._status.published = published.version if published is not None else ""
            self._status.shadow = shadow.version if shadow is not None else ""
            reason = self._reason(chosen)
            # A model that is not heard goes on in the shadow, so that it is known when it is right again.
            beside = chosen if reason and shadow is None else shadow
            await self._give(await self._file(None if reason else chosen), await self._file(beside))
            self.model = chosen
            self._note(chosen, reason)

    async def _chosen(self, published: Model | None) -> Model | None:
        if self._wanted == TWIN:
            return None
        return published if self._wanted == PUBLISHED else await self._registry.find(self._wanted)

    def _reason(self, chosen: Model | None) -> str:
        """Why the twin speaks without the chosen model; empty: it does not."""
        if self._wanted == TWIN:
            return "the configuration wants the twin alone (rul.model)"
        return self._drifting if self._fallback and chosen is not None else ""

    async def _file(self, model: Model | None) -> Path | None:
        if model is None:
            return None
        try:
            return await self._registry.file(model)
        except DamagedError as error:
            log.error("a model cannot be used: the twin speaks without it", reason=str(error))
            return None

    async def _give(self, *models: Path | None) -> None:
        if models == self._given:
            return
        try:
            await self._speaker.use(*models)
        except ProcessError as error:
            log.error("a model cannot be used: what spoke goes on", reason=str(error))
            return
        self._given = models

    def _note(self, chosen: Model | None, reason: str) -> None:
        """Tell when the twin begins or ends to speak alone."""
        before, self._status.fallback = self._status.fallback, reason
        if chosen is None or bool(before) == bool(reason):
            return
        if reason:
            log.warning("the twin speaks alone", model=chosen.version, reason=reason)
            self._tell(Action.FALLEN_BACK, chosen.version, comment=reason)
        else:
            log.info("the model speaks again", model=chosen.version)
            self._tell(Action.RESTORED, chosen.version)


async def renewed(choice: Choice) -> None:
    """Have the right model speak, if the database can say which; else the one that does goes on."""
    try:
        await choice.renew()
    except HistorianError as error:
        log.warning("which model is to speak cannot be looked up", reason=str(error))
