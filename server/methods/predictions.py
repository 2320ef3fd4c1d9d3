"""PredictFleet, ExplainRul and WhatIf (R4, R8): what is foretold, why, and what would change it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from asyncua import ua

from nodeset.fleet import AssetType
from nodeset.frame import Frame
from nodeset.structures import RUL_PREDICTION
from server.learning.learning import Learning
from server.learning.record import RulRecord
from server.livetable import LiveTable
from server.protocol.turns import Pace
from server.protocol.wire import ticks
from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs
from server.space.structures import StructureEncoder

S = ua.StatusCodes
VT = ua.VariantType

Record = Callable[[Frame, int], RulRecord]
Records = Callable[[Frame, Sequence[int]], Iterator[RulRecord]]

WARMER: Final = (-20.0, 20.0)  # K
LOAD: Final = (0.0, 200.0)  # % of what it is
MOST_AT_ONCE: Final = 4  # questions about single jars that wait for the model
REVIEW: Final = "manual review required: twin and model differ by more than 30 %"
_NEVER: Final = ua.win_epoch_to_datetime(0)
_PERCENT: Final = 100.0


class PredictionMethods:
    """Answers from the live values and from what the learnt model said last.

    `record` says all of a jar, `records` of many, which costs less.
    """

    def __init__(
        self, table: LiveTable, record: Record, records: Records, learning: Learning, types: int
    ) -> None:
        """`types` is the index of the types' namespace."""
        self._table = table
        self._record = record
        self._records = records
        self._learning = learning
        self._encode = StructureEncoder(RUL_PREDICTION, types)
        self._asked = 0

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Analytics object."""
        for name, function in (
            ("PredictFleet", self._predict),
            ("ExplainRul", self._explain),
            ("WhatIf", self._what_if),
        ):
            methods.add(node_id(f"Analytics.{name}"), Profile.CALL_OPEN, function)

    async def _predict(self, call: Invocation) -> Outputs:
        jars, frame, pace = self._jars(call.values[0] or ""), self._frame(), Pace()
        records, structures = [], []
        found = self._records(frame, jars)
        first = await asyncio.to_thread(next, found)  # before it, the reasons of all are worked out
        for record in chain((first,), found):
            records.append(record)
            structures.append(self._encode(_fields(record)))
            await pace.step()
        forecast = self._learning.forecast
        speaking = [record for record in records if record.issued is not None]
        return (
            _strings(each.jar for each in records),
            *(_doubles(getattr(each, name) for each in records) for name in ("days", "lower", "upper")),
            _strings(each.confidence for each in records),
            _doubles(each.twin_days for each in records),
            _doubles(each.model_days for each in records),
            ua.Variant([each.review_required for each in records], VT.Boolean, is_array=True),
            _strings(each.quarter for each in records),
            _date(None if forecast is None else forecast.issued),
            ua.Variant((speaking or records)[0].model_version, VT.String),
            ua.Variant(structures, VT.ExtensionObject, is_array=True),
        )

    def _explain(self, call: Invocation) -> Outputs:
        jar, frame = self._jar(call.values[0]), self._frame()
        record = self._record(frame, jar)
        return (
            _strings(each.name for each in record.reasons),
            _doubles(each.share for each in record.reasons),
            _doubles(each.days for each in record.reasons),
            _strings(str(each) for each in record.similar),
            _doubles(each.lived for each in record.similar),
            _doubles(each.distance for each in record.similar),
            *(ua.Variant(days, VT.Double) for days in (record.twin_days, record.model_days)),
            ua.Variant(record.model_weight, VT.Double),
            ua.Variant(REVIEW if record.review_required else "", VT.String),
            ua.Variant(record.quarter, VT.String),
            _strings(record.quarter_notes),
            ua.Variant(record.model_version, VT.String),
            ua.Variant(record.test_error, VT.Double),
            ua.Variant(self._encode(_fields(record)), VT.ExtensionObject),
        )

    async def _what_if(self, call: Invocation) -> Outputs:
        path, kelvin, load = call.values
        jar = self._jar(path)
        _check(kelvin, WARMER, 1, "K")
        _check(load, LOAD, 2, "%")
        self._frame()
        if self._asked >= MOST_AT_ONCE:
            raise MethodError(S.BadTooManyOperations, f"{MOST_AT_ONCE} questions wait already")
        self._asked += 1
        try:
            found = await self._learning.what_if(jar, kelvin, load / _PERCENT)
        finally:
            self._asked -= 1
        lives = (found.changed, found.present)
        days = (float(each.item()) for life in lives for each in (life.days, life.lower, life.upper))
        return (*(ua.Variant(each, VT.Double) for each in days), ua.Variant(found.model_version, VT.String))

    # -- what is asked for

    def _jars(self, site: str) -> Sequence[int]:
        fleet = self._table.index.fleet
        if not site:
            return range(len(fleet.jars))
        found = fleet.index_of.get(site)
        if found is None or found[0] is not AssetType.SITE:
            raise ArgumentError(0, S.BadNodeIdUnknown, f"there is no site {site}")
        return [i for i, jar in enumerate(fleet.jars) if jar.path.startswith(f"{site}/")]

    def _jar(self, path: str | None) -> int:
        found = self._table.index.fleet.index_of.get(path or "")
        if found is None or found[0] is not AssetType.JAR:
            raise ArgumentError(0, S.BadNodeIdUnknown, f"there is no jar {path}")
        return found[1]

    def _frame(self) -> Frame:
        frame = self._table.frame
        if frame is None:
            raise MethodError(S.BadWaitingForInitialData)
        return frame


def _check(value: float, limits: tuple[float, float], position: int, unit: str) -> None:
    if not limits[0] <= value <= limits[1]:  # NaN neither
        raise ArgumentError(position, S.BadOutOfRange, f"{limits[0]:g} to {limits[1]:g} {unit}")


def _fields(record: RulRecord) -> dict[str, Any]:
    """A RulPredictionType."""
    return {
        "Jar": record.jar,
        "IssuedAt": record.issued,
        "Days": record.days,
        "LowerDays": record.lower,
        "UpperDays": record.upper,
        "Confidence": record.confidence,
        "TwinDays": record.twin_days,
        "ModelDays": record.model_days,
        "ModelWeight": record.model_weight,
        "ReviewRequired": record.review_required,
        "Factors": [each.name for each in record.reasons],
        "Shares": [each.share for each in record.reasons],
        "SimilarCases": [str(each) for each in record.similar],
        "ReplacementQuarter": record.quarter,
        "QuarterNotes": list(record.quarter_notes),
        "ModelVersion": record.model_version,
        "TestError": record.test_error,
    }


def _strings(texts: Iterable[str]) -> ua.Variant:
    return ua.Variant(list(texts), VT.String, is_array=True)


def _doubles(values: Iterable[float]) -> ua.Variant:
    return ua.Variant([float(value) for value in values], VT.Double, is_array=True)


def _date(time: int | None) -> ua.Variant:
    return ua.Variant(_NEVER if time is None else ua.win_epoch_to_datetime(ticks(time)), VT.DateTime)
