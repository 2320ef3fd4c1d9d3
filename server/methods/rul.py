"""The Analytics methods (I7, R8): the remaining useful life of a jar, and why."""

from __future__ import annotations

from collections.abc import Callable

from asyncua import ua

from nodeset import status as st
from nodeset.fleet import AssetType
from server.learning.forecast import Forecast
from server.learning.record import record_of
from server.livetable import LiveTable
from server.scanning.prognosis import Prognosis
from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs

S = ua.StatusCodes
VT = ua.VariantType


class RulMethods:
    """PredictRul on the live values; `forecast` gives what a learnt model said last."""

    def __init__(
        self,
        table: LiveTable,
        prognosis_of: Callable[[int], Prognosis],
        forecast: Callable[[], Forecast | None],
    ) -> None:
        self._table = table
        self._prognosis_of = prognosis_of
        self._forecast = forecast

    def register(self, methods: MethodService, node_id: Callable[[str], ua.NodeId]) -> None:
        """Take on the methods of the Analytics object."""
        methods.add(node_id("Analytics.PredictRul"), Profile.CALL_OPEN, self._predict)

    def _predict(self, call: Invocation) -> Outputs:
        (path,) = call.values
        found = self._table.index.fleet.index_of.get(path or "")
        if found is None or found[0] is not AssetType.JAR:
            raise ArgumentError(0, S.BadNodeIdUnknown, f"there is no jar {path}")
        jar = found[1]
        frame = self._table.frame
        if frame is None or self._status(jar) == st.BAD_WAITING_FOR_INITIAL_DATA:
            raise MethodError(S.BadWaitingForInitialData)
        record = record_of(frame, jar, self._prognosis_of(jar), self._forecast())
        return (
            *(ua.Variant(days, VT.Double) for days in (record.days, record.lower, record.upper)),
            ua.Variant(record.confidence, VT.String),
            ua.Variant([reason.name for reason in record.reasons], VT.String, is_array=True),
            ua.Variant([reason.share for reason in record.reasons], VT.Double, is_array=True),
            ua.Variant(record.model_version, VT.String),
        )

    def _status(self, jar: int) -> int:
        frame = self._table.frame
        assert frame is not None
        return int(frame.column_status(AssetType.JAR, "RemainingUsefulLife")[jar])
