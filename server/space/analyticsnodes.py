"""What is known of the learnt models as variables of the Analytics object, which tells their events (R6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from asyncua import ua

from nodeset.types import ANALYTICS_STATUS, ANALYTICS_TYPE, VariableDef
from server.learning.status import ModelStatus
from server.protocol.wire import now_ticks, ticks
from server.space import nodes
from server.space.addressspace import AddressSpace
from server.space.assetnodes import AssetNodes
from server.space.declaredvariables import add_variables
from server.space.nodes import HAS_NOTIFIER, VT, A

ANALYTICS: Final = "Analytics"
_NULL_TIME: Final = ua.win_epoch_to_datetime(0)


class AnalyticsNodes:
    """What `status` says, whenever somebody reads it."""

    def __init__(self, status: ModelStatus) -> None:
        self._read: dict[str, Callable[[], Any]] = {
            "PublishedModel": lambda: status.published,
            "ShadowModel": lambda: status.shadow,
            "PredictionState": lambda: status.predicting,
            "LastPrediction": lambda: _date(status.predicted),
            "Fallback": lambda: bool(status.fallback),
            "FallbackReason": lambda: status.fallback,
            "Drift": lambda: status.drift.state,
            "DriftReason": lambda: status.drift.reason,
            "DriftJudged": lambda: _date(status.drift.judged),
            "DriftFeatures": lambda: list(status.drift.features),
            "DriftPsi": lambda: list(status.drift.psi),
            "DriftKs": lambda: list(status.drift.ks),
            "MaturedPredictions": lambda: status.drift.matured,
            "MaturedError": lambda: status.drift.error,
            "TrainingJob": lambda: status.training.job,
            "TrainingState": lambda: status.training.state.value,
            "TrainingProgress": lambda: status.training.progress,
            "TrainingMessage": lambda: status.training.message,
            "TrainedModel": lambda: status.training.version,
        }

    def describe(self, space: AddressSpace, assets: AssetNodes) -> None:
        """Give the Analytics object its variables, and let it tell events."""
        analytics, fleet = (space.nodes[assets.node_id(name)] for name in (ANALYTICS, "Fleet"))
        analytics.attributes[A.EventNotifier] = nodes.constant(nodes.TELLS_EVENTS, VT.Byte)
        nodes.connect(fleet, HAS_NOTIFIER, analytics, assets.type_id(ANALYTICS_TYPE))
        add_variables(space, assets, ANALYTICS, ANALYTICS_STATUS, self._reader)

    def _reader(self, definition: VariableDef) -> nodes.Reader:
        read, kind = self._read[definition.name], ua.VariantType(definition.data_type.value)

        def value() -> ua.DataValue:
            now = ua.win_epoch_to_datetime(now_ticks())
            variant = ua.Variant(read(), kind, is_array=definition.array)
            return ua.DataValue(variant, ua.StatusCode(), now, now)

        return value


def _date(time: int | None) -> Any:
    """µs since 1970; null for None."""
    return _NULL_TIME if time is None else ua.win_epoch_to_datetime(ticks(time))
