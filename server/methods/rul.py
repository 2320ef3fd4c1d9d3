"""The Analytics methods (I7, R8): the remaining useful life of a jar, and why."""

from __future__ import annotations

from collections.abc import Callable

from asyncua import ua

from nodeset import status as st
from nodeset.fleet import AssetType
from server.livetable import LiveTable
from server.scanning.prognosis import MODEL_VERSION, Prognosis, confidence_name
from server.security.permissions import Profile
from server.services.method import ArgumentError, Invocation, MethodError, MethodService, Outputs

S = ua.StatusCodes
VT = ua.VariantType


class RulMethods:
    """PredictRul on the live values."""

    def __init__(self, table: LiveTable, prognosis_of: Callable[[int], Prognosis]) -> None:
        self._table = table
        self._prognosis_of = prognosis_of

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
        values = [float(frame.column(AssetType.JAR, name)[jar]) for name in _DAYS]
        factors = self._prognosis_of(jar).explain(jar)
        confidence = confidence_name(frame.column(AssetType.JAR, "RulConfidence")[jar])
        return (
            *(ua.Variant(days, VT.Double) for days in values),
            ua.Variant(confidence, VT.String),
            ua.Variant([factor.name for factor in factors], VT.String, is_array=True),
            ua.Variant([float(factor.share) for factor in factors], VT.Double, is_array=True),
            ua.Variant(MODEL_VERSION, VT.String),
        )

    def _status(self, jar: int) -> int:
        frame = self._table.frame
        assert frame is not None
        return int(frame.column_status(AssetType.JAR, "RemainingUsefulLife")[jar])


_DAYS = ("RemainingUsefulLife", "RemainingUsefulLifeLower", "RemainingUsefulLifeUpper")
