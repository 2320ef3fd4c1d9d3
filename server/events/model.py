"""Events of models: another one speaks for the fleet, or one was trained, set aside or mistrusted (R6).

They come from the Analytics object, are told there, at the fleet and at the server, and kept in the journal.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from asyncua import ua

from nodeset.types import MODEL_EVENT
from server.events.event import Path, PlainEvent, string
from server.history.journal import Journal
from server.services.monitoreditem import SERVER_NOTIFIER
from server.services.subscription import SubscriptionService

ANALYTICS: Final = "Analytics"
_NOTIFIERS: Final = frozenset({ANALYTICS, "Fleet", SERVER_NOTIFIER})


class Action(StrEnum):
    """What has happened."""

    PUBLISHED = "Published"
    ROLLED_BACK = "RolledBack"
    SHADOW = "Shadow"
    RETIRED = "Retired"
    TRAINING_STARTED = "TrainingStarted"
    TRAINING_DONE = "TrainingDone"
    TRAINING_FAILED = "TrainingFailed"
    FALLEN_BACK = "FallenBack"
    RESTORED = "Restored"


_SEVERITY: Final = {
    Action.PUBLISHED: 300,
    Action.ROLLED_BACK: 400,
    Action.TRAINING_FAILED: 300,
    Action.FALLEN_BACK: 400,
    Action.RESTORED: 300,
}
_MESSAGE: Final = {
    Action.PUBLISHED: "Model {version} is published{by}",
    Action.ROLLED_BACK: "Model {version} is published again{by}: {previous} is rolled back",
    Action.SHADOW: "Model {version} predicts in the shadow of the published one{by}",
    Action.RETIRED: "Model {version} is set aside{by}",
    Action.TRAINING_STARTED: "A model is trained{by}",
    Action.TRAINING_DONE: "Model {version} was trained and is a candidate",
    Action.TRAINING_FAILED: "No model was trained",
    Action.FALLEN_BACK: "The twin foretells alone, without model {version}",
    Action.RESTORED: "Model {version} foretells with the twin again",
}
_LEAST: Final = 100


class ModelEvents:
    """Tells subscribers and the journal; `types` and `fleet` are namespace indices."""

    def __init__(
        self,
        subscriptions: SubscriptionService,
        journal: Journal,
        types: int,
        fleet: int,
        clock: Callable[[], int],
    ) -> None:
        self._subscriptions = subscriptions
        self._journal = journal
        self._types = types
        self._source = ua.NodeId(ANALYTICS, fleet)
        self._clock = clock

    def tell(
        self, action: Action, version: str, *, previous: str = "", user: str = "", comment: str = ""
    ) -> None:
        """Something has happened to a model; `user` is empty where the server did it by itself."""
        message = _MESSAGE[action].format(
            version=version or "none", previous=previous, by=f" by {user}" if user else ""
        )
        fields = {
            "Action": action.value,
            "ModelVersion": version,
            "PreviousVersion": previous,
            "User": user,
            "Comment": comment,
        }
        more: dict[Path, ua.Variant] = {(f"{self._types}:{n}",): string(v) for n, v in fields.items()}
        event = PlainEvent(
            ua.NodeId(MODEL_EVENT, self._types),
            self._clock(),
            f"{message}: {comment}" if comment else message,
            _SEVERITY.get(action, _LEAST),
            ANALYTICS,
            self._source,
            more,
        )
        self._journal.keep(event)
        self._subscriptions.listeners().offer(event, _NOTIFIERS)
