"""Methods on models (R6, R8): train, publish, roll back, shadow, retire and list, for engineers and audited.

What an engineer asks for is answered when it counts: the model that is published speaks from the next
prediction on. What is refused is refused in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import structlog
from asyncua import ua

from historian.errors import HistorianError
from server.learning.choice import Choice, renewed
from server.learning.registry import (
    DamagedError,
    Entry,
    RefusedError,
    Registry,
    RegistryError,
    UnknownModelError,
)
from server.learning.retraining import BusyError, Retraining, TooFewError, UnknownJobError
from server.protocol.wire import ticks
from server.security.permissions import Profile
from server.services.method import (
    ArgumentError,
    Function,
    Invocation,
    MethodError,
    MethodService,
    Outputs,
)

log = structlog.get_logger(__name__)

S = ua.StatusCodes
VT = ua.VariantType

HISTORIAN, PLANT_YEARS = "Historian", "PlantYears"
_MOST_TEXT: Final = 1000
_NEVER: Final = ua.win_epoch_to_datetime(0)
_VERSION_OR_JOB: Final = 0  # position of the argument that names one
_CODES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (RefusedError, S.BadInvalidState),
    (DamagedError, S.BadResourceUnavailable),
    (RegistryError, S.BadInvalidState),
    (BusyError, S.BadTooManyOperations),
    (TooFewError, S.BadInvalidState),
    (HistorianError, S.BadResourceUnavailable),
)


class ModelMethods:
    """What engineers do with models; `simulated` says whether the plant is."""

    def __init__(self, registry: Registry, choice: Choice, retraining: Retraining, simulated: bool) -> None:
        self._registry = registry
        self._choice = choice
        self._retraining = retraining
        self._simulated = simulated

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Analytics object."""
        for name, function in (
            ("Retrain", self._retrain),
            ("CancelTraining", self._cancel),
            ("PublishModel", self._publish),
            ("RollbackModel", self._roll_back),
            ("RetireModel", self._retire),
            ("SetShadow", self._shadow),
        ):
            methods.add(node_id(f"Analytics.{name}"), Profile.CALL_ENGINEER, _guarded(function))
        methods.add(node_id("Analytics.ListModels"), Profile.CALL_OPEN, _guarded(self._list))
        methods.add(node_id("Analytics.DescribeModel"), Profile.CALL_OPEN, _guarded(self._describe))

    async def _retrain(self, call: Invocation) -> Outputs:
        source, comment = call.values[0] or "", _comment(call.values[1], 1)
        if source not in ("", HISTORIAN, PLANT_YEARS):
            raise ArgumentError(0, S.BadOutOfRange, f"'{source}' is neither {HISTORIAN} nor {PLANT_YEARS}")
        if source == PLANT_YEARS and not self._simulated:
            text = f"this plant is real: {PLANT_YEARS} are for a simulated one"
            raise MethodError(S.BadInvalidState, text)
        source = source or (PLANT_YEARS if self._simulated else HISTORIAN)
        job = await self._retraining.start(source, call.user.name, comment)
        call.new = f"{job}: {source} {comment}".strip()
        return (_string(job),)

    async def _cancel(self, call: Invocation) -> Outputs:
        call.old = self._retraining.cancel(call.values[0] or "")
        return ()

    async def _publish(self, call: Invocation) -> Outputs:
        version, comment = call.values[0] or "", _comment(call.values[1], 1)
        await self._registry.find(version)
        previous = await self._registry.publish(version, call.user.name, comment)
        call.old = previous
        await renewed(self._choice)
        return (_string(previous),)

    async def _roll_back(self, call: Invocation) -> Outputs:
        comment = _comment(call.values[0], 0)
        version, call.old = await self._registry.roll_back(call.user.name, comment)
        call.new = f"{version} {comment}".strip()
        await renewed(self._choice)
        return (_string(version),)

    async def _retire(self, call: Invocation) -> Outputs:
        version, comment = call.values[0] or "", _comment(call.values[1], 1)
        call.old = str(await self._registry.retire(version, call.user.name, comment))
        await renewed(self._choice)
        return ()

    async def _shadow(self, call: Invocation) -> Outputs:
        previous = await self._registry.set_shadow(call.values[0] or "", call.user.name)
        call.old = previous
        await renewed(self._choice)
        return (_string(previous),)

    async def _describe(self, call: Invocation) -> Outputs:
        card = await self._registry.card(await self._registry.find(call.values[0] or ""))
        facts = card.facts()
        return _strings(facts), _strings(facts.values())

    async def _list(self, _call: Invocation) -> Outputs:
        entries = await self._registry.entries()
        models = [entry.model for entry in entries]
        figures = [(model.version, *figure) for model in models for figure in sorted(model.metrics.items())]
        return (
            _strings(model.version for model in models),
            _strings(model.state for model in models),
            _dates(model.created for model in models),
            _dates(model.trained_from for model in models),
            _dates(model.trained_to for model in models),
            _strings(model.data_hash.hex() for model in models),
            _strings(model.approved_by or "" for model in models),
            _dates(model.approved for model in models),
            _dates(model.published for model in models),
            _strings(model.findings for model in models),
            _usable(entries),
            _strings(figure[0] for figure in figures),
            _strings(figure[1] for figure in figures),
            ua.Variant([float(figure[2]) for figure in figures], VT.Double, is_array=True),
        )


def _guarded(function: Callable[[Invocation], Any]) -> Function:
    """With what can go wrong as StatusCodes."""

    async def guarded(call: Invocation) -> Outputs:
        try:
            found: Outputs = await function(call)
            return found
        except UnknownModelError as error:
            raise ArgumentError(_VERSION_OR_JOB, S.BadNotFound, str(error)) from None
        except UnknownJobError as error:
            raise ArgumentError(_VERSION_OR_JOB, S.BadNotFound, str(error)) from None
        except tuple(kind for kind, _ in _CODES) as error:
            code = next(code for kind, code in _CODES if isinstance(error, kind))
            log.info("refused", reason=str(error))
            raise MethodError(int(code), str(error)) from None

    return guarded


def _comment(text: str | None, position: int) -> str:
    if text is not None and len(text) > _MOST_TEXT:
        raise ArgumentError(position, S.BadOutOfRange, f"a comment has {_MOST_TEXT} characters at most")
    return text or ""


def _usable(entries: list[Entry]) -> ua.Variant:
    return ua.Variant([entry.usable for entry in entries], VT.Boolean, is_array=True)


def _string(text: str) -> ua.Variant:
    return ua.Variant(text, VT.String)


def _strings(texts: Iterable[str]) -> ua.Variant:
    return ua.Variant(list(texts), VT.String, is_array=True)


def _dates(times: Iterable[int | None]) -> ua.Variant:
    dates = [_NEVER if time is None else ua.win_epoch_to_datetime(ticks(time)) for time in times]
    return ua.Variant(dates, VT.DateTime, is_array=True)
