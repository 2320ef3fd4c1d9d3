"""Learnt models as the server tells of them (`Objects/Fleet/Analytics`), and what engineers do with them.

What there is is read in the shared session; what is done goes through the user's own.
"""

from __future__ import annotations

from typing import Any, Final

from asyncua import Client, ua

from hmi.management import Rows, rows
from hmi.methods import calling, outputs
from hmi.simulations import is_set
from hmi.subscription import microseconds
from hmi.topology import Topology

OWNER: Final = "Analytics"
_MODEL: Final = (
    "version",
    "state",
    "created",
    "trained_from",
    "trained_to",
    "hash",
    "approved_by",
    "approved",
    "published",
    "findings",
    "usable",
)
_STATUS: Final = {
    "published": "PublishedModel",
    "shadow": "ShadowModel",
    "prediction": "PredictionState",
    "predicted": "LastPrediction",
    "fallback": "Fallback",
    "fallback_reason": "FallbackReason",
    "drift": "Drift",
    "drift_reason": "DriftReason",
    "judged": "DriftJudged",
    "matured": "MaturedPredictions",
    "matured_error": "MaturedError",
    "job": "TrainingJob",
    "training": "TrainingState",
    "progress": "TrainingProgress",
    "message": "TrainingMessage",
    "trained": "TrainedModel",
}
_FEATURES: Final = ("DriftFeatures", "DriftPsi", "DriftKs")
_V: Final = ua.VariantType


async def read(client: Client, topology: Topology) -> dict[str, Any]:
    """All `models` with their figures, the `status` of predictions and training, and what `drifts`."""
    listed = await outputs(client, topology, OWNER, "ListModels")
    names = [*_STATUS.values(), *_FEATURES]
    nodes = [topology.node(f"{OWNER}.{name}") for name in names]
    found = await client.uaclient.read_attributes(nodes, ua.AttributeIds.Value)
    values = [data.Value.Value if data.Value is not None else None for data in found]
    told = dict(zip(_STATUS, map(plain, values), strict=False))
    drifts = rows(("feature", "psi", "ks"), values[len(_STATUS) :])
    return {"models": models(listed), "status": told, "drifts": drifts}


def models(columns: list[Any]) -> Rows:
    """Rows of ListModels, the newest first, each with its figures by name; times in ms, 0 for never."""
    found = rows(_MODEL, columns[: len(_MODEL)])
    figures = rows(("version", "name", "value"), columns[len(_MODEL) :])
    for row in found:
        row["figures"] = {
            each["name"]: each["value"] for each in figures if each["version"] == row["version"]
        }
    return found[::-1]


def plain(value: Any) -> Any:
    """A value that JSON can hold: times in ms, 0 for never; None for NaN."""
    if hasattr(value, "year"):
        return microseconds(value) // 1000 if is_set(value) else 0
    return None if isinstance(value, float) and value != value else value


async def described(client: Client, topology: Topology, version: str) -> Rows:
    """What a model's card says of where it comes from."""
    found = await outputs(client, topology, OWNER, "DescribeModel", _text(version))
    return rows(("name", "value"), found)


def wanted(topology: Topology, action: str, asked: Any) -> ua.CallMethodRequest:
    """The call that a browser wants; TypeError, KeyError or AttributeError for nonsense."""
    version, comment = _text(asked.get("version", "")), _text(asked.get("comment", ""))
    calls: dict[str, tuple[str, tuple[ua.Variant, ...]]] = {
        "publish": ("PublishModel", (version, comment)),
        "rollback": ("RollbackModel", (comment,)),
        "retire": ("RetireModel", (version, comment)),
        "shadow": ("SetShadow", (version,)),
        "retrain": ("Retrain", (_text(asked.get("source", "")), comment)),
        "cancel": ("CancelTraining", (_text(asked.get("job", "")),)),
    }
    method, arguments = calls[action]
    return calling(topology, OWNER, method, *arguments)


def _text(value: Any) -> ua.Variant:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return ua.Variant(value, _V.String)
